// SPDX-License-Identifier: GPL-2.0
#include "base/name.hpp"

#include "base/error.hpp"

#include "uapi/rainforest.h"

namespace rf {

void check_name(std::string_view name)
{
	constexpr std::string_view first = "abcdefghijklmnopqrstuvwxyz0123456789";
	constexpr std::string_view rest = "abcdefghijklmnopqrstuvwxyz0123456789_-";
	const char *wrong = nullptr;

	if (name.empty())
		wrong = "is empty";
	else if (name.size() >= RF_NAME_MAX)
		wrong = "is too long";
	else if (first.find(name[0]) == first.npos || name.find_first_not_of(rest) != name.npos)
		wrong = "has a character that is not allowed";
	if (wrong)
		throw Error(Code::bad_value,
			    text("name '", name, "' ", wrong, ": give 1 to ", RF_NAME_MAX - 1,
				 " of a-z, 0-9, _ and -, beginning with a letter or digit"));
}

} // namespace rf
