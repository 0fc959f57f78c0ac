// SPDX-License-Identifier: GPL-2.0
/*
 * Hostile output of a console. Wherever it is cut, the same passes; what passes is no longer than
 * three times what came, passes again as it is, and holds no control but those that terminals do
 * not answer: found here without the filter's own states.
 */
#include "rfm/src/cli/terminal_filter.cpp"

#include "fuzz_input.hpp"

#include <string>

namespace {

constexpr std::string_view shown = "\a\b\t\n\v\f\r\x0e\x0f";

/* After CSI: the last byte, and nothing that makes a question of it. */
std::size_t check_control(std::string_view rest)
{
	const std::size_t end = rest.find_first_not_of("0123456789:;? !");

	require(end != rest.npos);
	const std::string_view middle = rest.substr(0, end);
	require(std::string_view("@ABCDEFGHIJKLMPSTXZ`abdefghlmpqrsu").find(rest[end]) != rest.npos);
	require(rest[end] != 'p' || middle.ends_with('!'));
	require(rest[end] != 'q' || middle.ends_with(' '));
	require(!middle.starts_with('?') ||
		std::string_view("hlJK").find(rest[end]) != rest.npos);
	return end + 1;
}

std::size_t check_escape(std::string_view rest)
{
	require(!rest.empty());
	if (rest[0] == '[')
		return 1 + check_control(rest.substr(1));
	if (rest[0] == ']') {
		require(rest.size() > 3 && rest[2] == ';');
		require(std::string_view("0128").find(rest[1]) != rest.npos);
		const std::size_t end = rest.find_first_of("\a\x1b");
		require(end != rest.npos && rest.substr(0, end).find(";?") == rest.npos);
		require(rest[end] == '\a' || rest.substr(end, 2) == "\x1b\\");
		return end + (rest[end] == '\a' ? 1 : 2);
	}
	if (std::string_view("()*+-./#").find(rest[0]) != rest.npos) {
		require(rest.size() > 1);
		return 2;
	}
	require(std::string_view("78=>DEHMNOc").find(rest[0]) != rest.npos);
	return 1;
}

void check(std::string_view passed)
{
	for (std::size_t at = 0; at < passed.size();) {
		const unsigned char byte = static_cast<unsigned char>(passed[at++]);

		if (byte == 0x1b)
			at += check_escape(passed.substr(at));
		else if (byte < 0x20)
			require(shown.find(static_cast<char>(byte)) != shown.npos);
		else if (byte == 0xc2)
			require(static_cast<unsigned char>(passed[at]) >= 0xa0);
	}
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	const std::string_view bytes(reinterpret_cast<const char *>(data), size);
	const std::size_t cut = size ? data[0] % size : 0;
	rf::TerminalFilter whole, parts, again;

	const std::string passed = whole.pass(bytes);
	std::string pieces = parts.pass(bytes.substr(0, cut));
	for (const char byte : bytes.substr(cut))
		pieces += parts.pass({&byte, 1});
	require(pieces == passed && whole.at_rest() == parts.at_rest());
	require(passed.size() <= 3 * size);
	require(again.pass(passed) == passed && again.at_rest());
	check(passed);
	return 0;
}
