// SPDX-License-Identifier: GPL-2.0
// What a stranger has printed, such that a terminal shows it and answers nothing.
//
// Terminals answer what is written to them: where the cursor is, what they are called, what is
// in the clipboard. The answer is input, and whatever reads the keyboard takes it for typed. So
// only what is known to be answered by no terminal passes: letters, and the sequences of ECMA-48,
// DEC and xterm that move the cursor, change colours, erase, scroll and set the modes listed in
// the source. Everything else is taken out as a whole.
//
// A sequence is given on when it is complete, in the form that all terminals understand alike,
// and never in part: what a terminal has got by then leaves it in the state in which the
// filter thinks it is. It is assumed to read UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace rf {

class TerminalFilter {
public:
	// What passes of `bytes`, which follow those given before. They may begin and end anywhere.
	std::string pass(std::string_view bytes);

	// Nothing is held back: no letter and no sequence has begun and not ended.
	bool at_rest() const { return state_ == State::ground && letter_.empty(); }

private:
	enum class State {
		ground,
		escape,		// after ESC and what may stand between it and the last byte
		control,	// after CSI
		string,		// of OSC, DCS and the like, up to its end
		string_escape,	// ESC in a string: its end, if a backslash follows
	};

	void take(unsigned char byte);
	void take_letter(std::string_view letter);
	void take_ascii(char byte);
	void take_control_character(char byte);
	void take_escape(char byte);
	void take_control(char byte);
	void take_string(char byte);
	void take_palette(char byte);
	void end_string(std::string_view terminator);
	void begin(State state, std::string_view with);
	void hold(char byte);
	void drop();

	State state_ = State::ground;
	std::string held_;	// the sequence so far
	std::string letter_;	// the bytes so far of a letter beyond ASCII
	std::string out_;
};

} // namespace rf
