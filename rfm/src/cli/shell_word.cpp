// SPDX-License-Identifier: GPL-2.0
#include "cli/shell_word.hpp"

namespace rf {

std::string shell_word(const std::string &path)
{
	constexpr const char *plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				      "/._-:@";
	std::string word;

	if (path.find_first_not_of(plain) == path.npos)
		return path;
	for (const char letter : path)
		word += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
	return "'" + word + "'";
}

} // namespace rf
