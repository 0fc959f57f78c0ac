// SPDX-License-Identifier: GPL-2.0
#include "cli/terminal_filter.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace rf {

namespace {

constexpr char bell = 0x07, cancel = 0x18, substitute = 0x1a, escape = 0x1b, erase = 0x7f;
// BEL, BS, HT, LF, VT, FF, CR, SO, SI. Not ENQ, which some terminals answer.
constexpr std::string_view controls = "\a\b\t\n\v\f\r\x0e\x0f";
constexpr std::string_view intermediates = " !\"#$%&'()*+,-./";
// What stands for bytes that are no letter, and for the controls beyond ASCII (U+0080 to U+009F),
// which introduce sequences, too.
constexpr std::string_view replacement = "\xef\xbf\xbd";
// Longer titles and links are taken out.
constexpr std::size_t held_most = 4096;

bool is_in(char byte, std::string_view set)
{
	return set.find(byte) != set.npos;
}

bool is_between(char byte, char first, char last)
{
	return byte >= first && byte <= last;
}

// Modes that change what is shown, or how keys are sent. Not those in which a terminal sends
// something by itself: mouse, focus, size, colours; nor 2, after which it is a VT52.
bool is_quiet_mode(std::string_view mode, bool dec)
{
	constexpr std::array ansi = {"4", "20"};
	constexpr std::array own = {"1",  "5",	  "6",	  "7",	  "12",	  "25",	 "47",
				    "66", "1047", "1048", "1049", "2004", "2026"};

	return dec ? std::ranges::find(own, mode) != own.end()
		   : std::ranges::find(ansi, mode) != ansi.end();
}

bool are_quiet_modes(std::string_view modes, bool dec)
{
	for (;;) {
		const std::size_t end = modes.find(';');
		if (!is_quiet_mode(modes.substr(0, end), dec))
			return false;
		if (end == modes.npos)
			return true;
		modes.remove_prefix(end + 1);
	}
}

// `sequence` is complete and in its form, without CSI: parameters, intermediates, a last byte.
bool is_quiet_control(std::string_view sequence)
{
	const char last = sequence.back();
	const std::string_view body = sequence.substr(0, sequence.size() - 1);
	const std::size_t split = std::min(body.find_first_of(intermediates), body.size());
	std::string_view parameters = body.substr(0, split);
	const std::string_view between = body.substr(split);
	const bool dec = parameters.starts_with('?');

	if (dec)
		parameters.remove_prefix(1);
	if (parameters.find_first_of("<=>?") != parameters.npos)
		return false;
	if (!between.empty())		// the cursor's shape, a soft reset
		return !dec && ((between == " " && last == 'q') || (between == "!" && last == 'p'));
	if (last == 'h' || last == 'l')
		return are_quiet_modes(parameters, dec);
	if (last == 'T')		// with more than one, it follows the mouse
		return !dec && parameters.find(';') == parameters.npos;
	return is_in(last, dec ? "JK" : "@ABCDEFGHIJKLMPSXZ`abdefgmrsu");
}

// `sequence` is complete and in its form, without ESC: intermediates, a last byte.
bool is_quiet_escape(std::string_view sequence)
{
	const char last = sequence.back();

	if (sequence.size() == 1)
		return is_in(last, "78=>DEHMNOc");
	if (sequence.size() != 2)
		return false;
	// Character sets, and sizes of lines. Not '%', which ends UTF-8.
	return is_in(sequence[0], "()*+-./") || (sequence[0] == '#' && is_in(last, "34568"));
}

// `sequence` is the content of an OSC: titles and links, but no question.
bool is_quiet_command(std::string_view sequence)
{
	const std::string_view number = sequence.substr(0, sequence.find(';'));
	constexpr std::array quiet = {"0", "1", "2", "8"};

	return number.size() < sequence.size() && sequence.find(";?") == sequence.npos &&
	       std::ranges::find(quiet, number) != quiet.end();
}

// Bytes of a letter that begins with this one; 0: none does.
std::size_t letter_size(unsigned char first)
{
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

// Not what has a shorter form, surrogates, and what is beyond Unicode.
bool continues(std::string_view letter, unsigned char byte)
{
	const unsigned char first = static_cast<unsigned char>(letter[0]);
	unsigned char least = 0x80, most = 0xbf;

	if (letter.size() == 1) {
		if (first == 0xe0)
			least = 0xa0;
		if (first == 0xed)
			most = 0x9f;
		if (first == 0xf0)
			least = 0x90;
		if (first == 0xf4)
			most = 0x8f;
	}
	return byte >= least && byte <= most;
}

bool is_control_letter(std::string_view letter)
{
	return letter[0] == '\xc2' && static_cast<unsigned char>(letter[1]) < 0xa0;
}

} // namespace

std::string TerminalFilter::pass(std::string_view bytes)
{
	out_.reserve(bytes.size());
	for (const char byte : bytes)
		take(static_cast<unsigned char>(byte));
	return std::exchange(out_, {});
}

void TerminalFilter::take(unsigned char byte)
{
	if (!letter_.empty()) {
		if (continues(letter_, byte)) {
			letter_ += static_cast<char>(byte);
			if (letter_.size() == letter_size(static_cast<unsigned char>(letter_[0])))
				take_letter(std::exchange(letter_, {}));
			return;
		}
		letter_.clear();
		take_letter(replacement);
	}
	if (byte < 0x80)
		take_ascii(static_cast<char>(byte));
	else if (letter_size(byte))
		letter_ = static_cast<char>(byte);
	else
		take_letter(replacement);
}

void TerminalFilter::take_letter(std::string_view letter)
{
	if (is_control_letter(letter))
		letter = replacement;
	if (state_ == State::string) {
		for (const char byte : letter)
			hold(byte);
		return;
	}
	// No part of a sequence.
	drop();
	out_ += letter;
}

void TerminalFilter::take_ascii(char byte)
{
	if (byte == escape)
		return state_ == State::string ? void(state_ = State::string_escape)
					       : begin(State::escape, "\x1b");
	if (byte == cancel || byte == substitute)
		return drop();
	if (state_ == State::string_escape) {
		if (byte == '\\')
			return end_string("\x1b\\");
		begin(State::escape, "\x1b");
	}
	if (state_ == State::string)
		return take_string(byte);
	if (byte == erase)
		return;
	if (is_between(byte, 0, 0x1f))
		return take_control_character(byte);
	if (state_ == State::escape)
		return take_escape(byte);
	if (state_ == State::control)
		return take_control(byte);
	out_ += byte;
}

// Also in the middle of a sequence, where terminals do at once what it says.
void TerminalFilter::take_control_character(char byte)
{
	if (is_in(byte, controls))
		out_ += byte;
}

void TerminalFilter::take_escape(char byte)
{
	if (is_between(byte, 0x20, 0x2f))
		return hold(byte);
	if (held_.size() == 1 && byte == '[')
		return begin(State::control, "\x1b[");
	// OSC; DCS, SOS, PM, APC, and the title of screen(1).
	if (held_.size() == 1 && is_in(byte, "]PX^_k"))
		return begin(State::string, std::string{escape, byte});
	hold(byte);
	if (is_quiet_escape(std::string_view(held_).substr(1)))
		out_ += held_;
	drop();
}

void TerminalFilter::take_control(char byte)
{
	hold(byte);
	if (is_between(byte, 0x20, 0x3f))
		return;
	if (held_.size() < held_most && is_quiet_control(std::string_view(held_).substr(2)))
		out_ += held_;
	drop();
}

void TerminalFilter::take_string(char byte)
{
	if (held_.starts_with("\x1b]P"))
		return take_palette(byte);
	if (byte == bell && held_[1] == ']')
		return end_string("\a");
	// It was never ended: what a kernel says next must not be lost with it.
	if (byte == '\n') {
		drop();
		return take_ascii(byte);
	}
	if (is_between(byte, 0, 0x1f) || byte == erase)
		return;
	if (held_ == "\x1b]" && byte == 'R')
		return drop();
	hold(byte);
}

// Of the Linux console: seven digits, and no end. For others it is an OSC that goes on.
void TerminalFilter::take_palette(char byte)
{
	constexpr std::size_t whole = 3 + 7;

	if (!is_in(byte, "0123456789abcdefABCDEF")) {
		drop();
		return take_ascii(byte);
	}
	hold(byte);
	if (held_.size() == whole)
		drop();
}

void TerminalFilter::end_string(std::string_view terminator)
{
	if (held_[1] == ']' && held_.size() < held_most &&
	    is_quiet_command(std::string_view(held_).substr(2)))
		(out_ += held_) += terminator;
	drop();
}

void TerminalFilter::begin(State state, std::string_view with)
{
	state_ = state;
	held_ = with;
}

void TerminalFilter::hold(char byte)
{
	if (held_.size() < held_most)
		held_ += byte;
}

void TerminalFilter::drop()
{
	begin(State::ground, "");
}

} // namespace rf
