// SPDX-License-Identifier: GPL-2.0
// How numbers appear in error messages.
#include "boot/bytes.hpp"

#include <cstdio>

namespace rf::boot {

std::string human(std::uint64_t bytes)
{
	char text[32];

	if (bytes < MIB)
		std::snprintf(text, sizeof(text), "%llu bytes",
			      static_cast<unsigned long long>(bytes));
	else
		std::snprintf(text, sizeof(text), "%.1f MiB",
			      static_cast<double>(bytes) / static_cast<double>(MIB));
	return text;
}

std::string hex(std::uint64_t value)
{
	char text[24];

	std::snprintf(text, sizeof(text), "0x%llx", static_cast<unsigned long long>(value));
	return text;
}

} // namespace rf::boot
