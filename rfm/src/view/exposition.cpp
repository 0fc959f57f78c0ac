// SPDX-License-Identifier: GPL-2.0
#include "view/exposition.hpp"

#include "base/error.hpp"

#include <charconv>
#include <cmath>

namespace rf {

std::string label_value(const std::string &value)
{
	std::string safe;

	for (const char letter : value) {
		const unsigned char byte = static_cast<unsigned char>(letter);
		if (letter == '\\' || letter == '"')
			safe += '\\';
		// A value that is not UTF-8 makes Prometheus throw away the whole file.
		safe += byte < 0x20 || byte >= 0x7f ? '?' : letter;
	}
	return safe;
}

void Exposition::family(const std::string &name, Type type, const std::string &help)
{
	name_ = name;
	head_ = rf::text("# HELP ", name, " ", help, "\n# TYPE ", name,
			 type == Type::counter ? " counter\n" : " gauge\n");
}

void Exposition::add(const Labels &labels, double value)
{
	char digits[64];

	// Not printf: its decimal point is the locale's.
	const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
	add(labels, std::isfinite(value) ? std::string(digits, end) : "NaN");
}

void Exposition::add(const Labels &labels, const std::string &value)
{
	std::string list;

	for (const auto &[label, content] : labels)
		list += rf::text(list.empty() ? "{" : ",", label, "=\"", label_value(content), "\"");
	text_ += head_ + name_ + list + (list.empty() ? " " : "} ") + value + '\n';
	head_.clear();
	samples_++;
}

} // namespace rf
