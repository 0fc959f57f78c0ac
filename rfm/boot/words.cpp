// SPDX-License-Identifier: GPL-2.0
// Sorting an operator's words (see words.hpp). What is a word is the kernel's decision:
// next_arg() and parse_args() for all of its parameters, and cmdline_find_option() for those that
// its first code looks for, which knows neither quotes nor "--".
#include "boot/words.hpp"

#include <algorithm>
#include <array>

#include "boot/bytes.hpp"

namespace rf::boot {
namespace {

// What cmdline_find_option() looks for and the table is about.
constexpr std::array<std::string_view, 4> FOUND_ANYWHERE = {"acpi_rsdp=", "earlyprintk=",
							     "clearcpuid=", "mem_encrypt=on"};
constexpr std::string_view RDINIT = "rdinit";
constexpr std::string_view RF_INIT = "rf.init";

// A parameter's name as the kernel compares it: - is _. Of a sysctl, / is . as well.
std::string plain(std::string_view name)
{
	std::string result(name);

	std::replace(result.begin(), result.end(), '-', '_');
	if (!result.starts_with("sysctl"))
		return result;
	std::replace(result.begin(), result.end(), '/', '.');
	// It is a path: of several in a row one counts.
	const auto twice = [](char a, char b) { return a == '.' && b == '.'; };
	result.erase(std::unique(result.begin(), result.end(), twice), result.end());
	return result;
}

template <typename Visit> void for_each_item(std::string_view list, Visit visit)
{
	for (std::size_t pos = 0; pos <= list.size();) {
		const std::size_t end = std::min(list.find(',', pos), list.size());
		visit(list.substr(pos, end - pos));
		pos = end + 1;
	}
}

bool has_item(std::string_view list, std::string_view wanted)
{
	bool found = false;

	for_each_item(list, [&](std::string_view item) { found |= item == wanted; });
	return found;
}

// What console=, kgdboc= name: behind a "kms," or a "brl,". A number alone is that of a ttyS.
std::string device_of(std::string_view value)
{
	for (std::string_view prefix : {"kms,", "kbd,", "brl,"})
		if (value.starts_with(prefix))
			value.remove_prefix(prefix.size());
	if (value.starts_with("brl="))
		value.remove_prefix(std::min(value.find(','), value.size() - 1) + 1);
	const std::string device(value.substr(0, value.find(',')));
	const bool is_number = !device.empty() && device[0] >= '0' && device[0] <= '9';
	return is_number ? "ttyS" + device : device;
}

bool is_foreign_uart(std::string_view value, const std::optional<Uart> &own)
{
	const std::string device = device_of(value);

	if (own && device == own->name)
		return false;
	// "uart[8250],io,...", "ns16550a,mmio32,...": by address; "DEVICE:0.0": by what it is on.
	return device.starts_with("ttyS") || device.starts_with("uart") ||
	       device.starts_with("ns16550") || device.find(':') != device.npos ||
	       value.find(",io,") != value.npos || value.find(",mmio") != value.npos;
}

bool applies_to_value(const WordRule &rule, std::string_view value, const Options &options)
{
	bool listed_one = false, unlisted_one = false, reserves = true;

	for_each_item(value, [&](std::string_view item) {
		(has_item(rule.list, item) ? listed_one : unlisted_one) = true;
		reserves &= item.find('$') != item.npos;
	});
	switch (rule.values) {
	case Values::all: return true;
	case Values::listed: return listed_one;
	case Values::unlisted: return unlisted_one;
	case Values::reserving: return reserves;
	case Values::foreign_uart: return is_foreign_uart(value, options.uart);
	}
	return true;
}

bool applies_to_name(const WordRule &rule, std::string_view name)
{
	return rule.name.ends_with('*')
		       ? name.starts_with(rule.name.substr(0, rule.name.size() - 1))
		       : name == rule.name;
}

const WordRule *find_rule(const Word &word, const Options &options)
{
	const std::string name = plain(word.name);

	for (const WordRule &rule : word_rules())
		if (applies_to_name(rule, name) && (options.agent || !rule.agent_only) &&
		    applies_to_value(rule, word.value, options))
			return &rule;
	return nullptr;
}

std::string quoted(std::string_view words)
{
	return "append '" + std::string(words) + "'";
}

// Length of the UTF-8 character at `pos`, or 0 if there is none (RFC 3629).
std::size_t utf8_length(std::string_view text, std::size_t pos)
{
	struct Form {
		unsigned char first, last;	// of the first byte
		std::size_t length;
		unsigned char low, high;	// of the second
	};
	static constexpr Form FORMS[] = {
		{0x00, 0x7f, 1, 0, 0},	      {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
		{0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
		{0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
	};
	const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
	const auto form = std::ranges::find_if(FORMS, [&](const Form &each) {
		return byte(pos) >= each.first && byte(pos) <= each.last;
	});

	if (form == std::end(FORMS) || form->length > text.size() - pos)
		return 0;
	for (std::size_t i = 1; i < form->length; i++)
		if (byte(pos + i) < (i == 1 ? form->low : 0x80) ||
		    byte(pos + i) > (i == 1 ? form->high : 0xbf))
			return 0;
	return form->length;
}

// The definition of a subOS, from which it is started again, is JSON: other bytes would be
// others by then.
void check_bytes(std::string_view append)
{
	for (std::size_t pos = 0; pos < append.size();) {
		const auto byte = static_cast<unsigned char>(append[pos]);
		const std::size_t length = utf8_length(append, pos);
		if ((byte < ' ' && byte != '\t') || byte == 0x7f)
			throw Error("append holds the control character " + hex(byte) +
				    "; printable characters on one line are accepted");
		if (length == 0)
			throw Error("append holds the byte " + hex(byte) +
				    ", which is not UTF-8; printable characters on one line are "
				    "accepted");
		pos += length;
	}
}

// The early code of the kernel cuts at blanks only. A whole word that is there is no surprise: the
// table has been asked.
void check_hidden(std::string_view words)
{
	const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };

	for (std::size_t pos = 0; pos < words.size(); pos++) {
		if (is_blank(words[pos]) || (pos != 0 && !is_blank(words[pos - 1])))
			continue;
		for (std::string_view name : FOUND_ANYWHERE)
			if (words.substr(pos).starts_with(name))
				throw Error(quoted(name) + " is not possible in quotes or behind "
							   "--: the kernel finds it all the same; "
							   "leave it out");
	}
}

void add(std::string &words, std::string_view word, char separator = ' ')
{
	if (!words.empty() && !word.empty())
		words += separator;
	words += word;
}

// A value that becomes part of a word of ours.
std::string_view one_list(const Word &word)
{
	if (std::ranges::any_of(word.value, [](char c) { return is_space(c) || c == '"'; }))
		throw Error(quoted(word.text) + " is not possible: give names with commas between "
						"them, without blanks and quotes");
	return word.value;
}

// The middle of a character, to everybody but the kernel.
void check_blank(char c)
{
	if (static_cast<unsigned char>(c) == 0xa0)
		throw Error("append holds the byte 0xa0 outside of quotes, a blank to the kernel; "
			    "put quotes around the word");
}

// The first stage runs as rdinit= and hands over to what the user wanted there.
std::string redirect_rdinit(const Word &word)
{
	std::string text(word.text);

	return text.replace(text.starts_with('"'), RDINIT.size(), RF_INIT);
}

class Sorter {
public:
	Sorter(const Options &options, std::string_view own, bool forced)
		: options_(options), forced_(forced)
	{
		for (std::size_t pos = 0; pos < own.size();)
			if (is_space(own[pos]))
				pos++;
			else
				own_.push_back(next_word(own, pos).text);
	}

	OperatorWords sort()
	{
		const std::string_view append = options_.append;

		check_bytes(append);
		for (std::size_t pos = 0; pos < append.size();) {
			check_blank(append[pos]);
			if (is_space(append[pos])) {
				pos++;
				continue;
			}
			const Word word = next_word(append, pos);
			if (!word.has_value && word.name == "--") {
				words_.init = "--" + std::string(append.substr(pos));
				break;
			}
			place(word);
		}
		check_hidden(words_.kernel);
		check_hidden(words_.init);
		return std::move(words_);
	}

private:
	void place(const Word &word)
	{
		if (!word.closed)
			throw Error(quoted(word.text) +
				    " is not possible: a quote is left open in it, and would hold all "
				    "that follows; close it");
		if (std::ranges::find(own_, word.text) != own_.end())
			return leave_out(word, "rfm gives it in any case");
		if (const WordRule *rule = find_rule(word, options_)) {
			if (rule->fate == Fate::refused && !options_.stored &&
			    !(forced_ && rule->harms_itself))
				throw Error(quoted(word.text) +
					    " is not possible: " + std::string(rule->why));
			return leave_out(word, rule->why);
		}
		const std::string name = plain(word.name);
		if (name == "module_blacklist")	// the last one counts
			add(words_.modules, one_list(word), ',');
		else if (name == "clearcpuid")	// likewise, in some kernels
			add(words_.features, one_list(word), ',');
		else if (name == RDINIT && word.has_value && options_.agent)
			add(words_.kernel, redirect_rdinit(word));
		else
			add(words_.kernel, word.text);
	}

	void leave_out(const Word &word, std::string_view why)
	{
		words_.notes.push_back(quoted(word.text) + " is left out: " + std::string(why));
	}

	const Options &options_;
	const bool forced_;
	std::vector<std::string_view> own_;
	OperatorWords words_;
};

} // namespace

bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || static_cast<unsigned char>(c) == 0xa0;
}

Word next_word(std::string_view text, std::size_t &pos)
{
	const std::size_t start = pos;
	const bool quoted = text[pos] == '"';
	const std::size_t begin = pos + quoted;
	std::size_t end = begin, equals = begin;
	bool in_quote = quoted;
	Word word;

	for (; end < text.size() && (in_quote || !is_space(text[end])); end++) {
		// A first character that is "=" belongs to the name.
		if (equals == begin && text[end] == '=')
			equals = end;
		if (text[end] == '"')
			in_quote = !in_quote;
	}
	pos = end;
	word.text = text.substr(start, end - start);
	word.closed = !in_quote;
	word.has_value = equals != begin;
	word.name = text.substr(begin, (word.has_value ? equals : end) - begin);
	if (word.has_value)
		word.value = text.substr(equals + 1, end - equals - 1);

	std::string_view &last = word.has_value ? word.value : word.name;
	bool closing = quoted;
	if (word.value.starts_with('"')) {
		word.value.remove_prefix(1);
		closing = true;
	}
	if (closing && last.ends_with('"'))
		last.remove_suffix(1);
	return word;
}

OperatorWords sort_words(const Options &options, std::string_view own, bool forced)
{
	return Sorter(options, own, forced).sort();
}

} // namespace rf::boot
