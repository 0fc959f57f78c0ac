// SPDX-License-Identifier: GPL-2.0
/*
 * Numbers from an agent that lies, now and before: what is made of them is finite, not
 * negative, and text that a terminal does not obey.
 */
#include "fuzz_input.hpp"
#include "view/statistics.hpp"

#include <cmath>

namespace {

/* As the client hands it on. */
rf_statistics take_statistics(Input &input)
{
	auto statistics = input.take<rf_statistics>();

	statistics.release[sizeof(statistics.release) - 1] = '\0';
	return statistics;
}

void check(const rf::Json &value)
{
	if (value.is_structured()) {
		for (const auto &item : value)
			check(item);
	} else if (value.is_number()) {
		const double number = value.get<double>();
		require(std::isfinite(number) && number >= 0);
	} else if (value.is_string()) {
		for (const char letter : value.get<std::string>())
			require(letter == '\n' || letter == '\t' || (letter >= 0x20 && letter < 0x7f));
	}
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	Input input(data, size);
	const rf_statistics now = take_statistics(input);
	std::optional<rf_statistics> before;

	if (!input.empty())
		before = take_statistics(input);
	const rf::Usage made = rf::usage_of(now, before);
	const rf::Json usage = made;
	check(usage);
	require(made.busy_percent <= 100);
	require(!usage.dump().empty());
	return 0;
}
