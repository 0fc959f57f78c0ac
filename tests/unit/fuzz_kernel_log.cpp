// SPDX-License-Identifier: GPL-2.0
/*
 * The log of a hostile kernel, read from outside. Whatever it changes: every walk ends after
 * so many reads as its memory has room for records, no text is longer than its memory in sum,
 * numbers ascend, and nothing that a terminal would obey is printed.
 */
#include "hostile_subos.hpp"

#include <algorithm>

namespace {

using rf::inspect::KernelLog;
using rf::inspect::Record;

/* A descriptor and what belongs to it, twice, by way of five tables; and the pages of texts. */
constexpr std::uint64_t records_most = HostileSubos::range.size / 48;
constexpr std::uint64_t reads_most = 1000 + records_most * 80;

void check_lines(const Record &record)
{
	const std::string lines = rf::inspect::dmesg_lines(record);

	/* At worst all of it is line breaks, with a time stamp behind each. */
	require(lines.size() <= 32 * (record.text.size() + 1));
	require(std::all_of(lines.begin(), lines.end(), [](char letter) {
		return letter == '\n' || letter == '\t' || (letter >= 0x20 && letter < 0x7f);
	}));
}

class Reader {
public:
	explicit Reader(std::uint64_t from) : next_(from) {}

	void take(const Record &record)
	{
		require(record.seq >= next_ && record.seq + 1 > record.seq);
		next_ = record.seq + 1;
		bytes_ += record.text.size();
		require(bytes_ <= HostileSubos::range.size);
		require(++records_ <= records_most);
		check_lines(record);
	}

private:
	std::uint64_t next_, bytes_ = 0, records_ = 0;
};

void look(const KernelLog &log, std::uint64_t from, std::size_t most)
{
	Reader reader(from), last(0);

	log.walk(from, [&](const Record &record) {
		reader.take(record);
		return true;
	});
	const auto records = log.last(most);
	require(records.size() <= most);
	for (const Record &record : records)
		last.take(record);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	constexpr std::uint64_t hints[] = {0, rf::test::base + rf::test::note_at, 1, ~0ull};
	Input input(data, size);
	HostileSubos subos;
	const std::uint64_t begin = HostileSubos::reads();
	const std::uint64_t hint = hints[input.take<std::uint8_t>() % std::size(hints)];
	const std::uint64_t from = input.take<std::uint8_t>() % 4 ? input.take<std::uint8_t>()
								  : input.take<std::uint64_t>();
	const std::size_t most = input.take<std::uint8_t>();

	for (int steps = input.take<std::uint8_t>() % 64; steps > 0; steps--)
		subos.step(input);
	const auto log = KernelLog::open(subos, std::span(&HostileSubos::range, 1), hint);
	if (log) {
		require(log->release().size() <= 4 * 64);
		look(*log, from, most);
	}
	require(HostileSubos::reads() - begin <= 2 * reads_most);
	return 0;
}
