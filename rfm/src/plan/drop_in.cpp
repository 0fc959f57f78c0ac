// SPDX-License-Identifier: GPL-2.0
#include "plan/drop_in.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cctype>

namespace rf {

namespace {

constexpr std::string_view begin = "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT";
// The shell makes \$ of it, and GRUB of that a dollar sign.
constexpr std::string_view dollar = "\\\\\\$";

std::string quoted(const std::string &word)
{
	std::string text;

	for (const char c : word)
		text += c == '$' ? std::string(dollar) : std::string(1, c);
	return text;
}

std::string unquoted(std::string text)
{
	for (std::size_t at; (at = text.find(dollar)) != text.npos;)
		text.replace(at, dollar.size(), "$");
	return text;
}

} // namespace

bool is_plain_word(const std::string &word)
{
	return !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char c) {
		return (c < 0x80 && std::isalnum(c)) ||
		       std::string_view("_=.,:@$-").find(static_cast<char>(c)) !=
			       std::string_view::npos;
	});
}

std::string write_drop_in(const std::vector<std::string> &words)
{
	std::string line(begin);

	for (const std::string &word : words)
		line += " " + quoted(word);
	return text("# Written by 'rfm setup --apply', and taken away by 'rfm setup --remove': what\n"
		    "# rainforest needs on the kernel command line. A dollar sign has to pass two\n"
		    "# that would take it for their own: the shell, and GRUB.\n",
		    line, "\"\n");
}

std::vector<std::string> read_drop_in(const std::string &text)
{
	std::istringstream lines(text);
	std::vector<std::string> words;

	for (std::string line; std::getline(lines, line);) {
		if (!line.starts_with(begin) || !line.ends_with('"'))
			continue;
		std::istringstream rest(line.substr(begin.size(), line.size() - begin.size() - 1));
		for (std::string word; rest >> word;)
			if (is_plain_word(unquoted(word)))
				words.push_back(unquoted(word));
	}
	return words;
}

} // namespace rf
