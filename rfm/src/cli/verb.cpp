// SPDX-License-Identifier: GPL-2.0
#include "cli/verb.hpp"

#include <boost/program_options.hpp>

#include <algorithm>

namespace rf {

namespace po = boost::program_options;

namespace {

constexpr Option common_options[] = {
	{"json", nullptr, "print the result, and errors too, as JSON on stdout"},
	{"output", "FORMAT", "table (default), json, or for lists csv"},
	{"quiet", nullptr, "no notes and no progress; of what was changed, only the names"},
	{"verbose", nullptr, "say on stderr what is decided and why, and how long each step took"},
	{"help", nullptr, "show help for this command"},
};

// As docker, podman, incus, journalctl, dmesg and top have them. There is none for --force.
constexpr std::pair<char, std::string_view> letters[] = {
	{'a', "all"},	  {'c', "cores"},   {'d', "delay"},   {'f', "follow"}, {'h', "help"},
	{'l', "level"},	  {'m', "mem"},	    {'n', "last"},    {'o', "output"}, {'q', "quiet"},
	{'S', "since"},	  {'t', "timeout"}, {'v', "verbose"},
};

constexpr std::string_view version_option = "--version", version_letter = "-V";

constexpr unsigned operands_limit = 1024;

po::options_description describe(const Verb &verb)
{
	po::options_description description;

	for (const Option &option : options_of(verb)) {
		const char letter = letter_of(option.name);
		const std::string names = letter ? text(option.name, ",", letter) : option.name;
		if (option.value)
			description.add_options()(names.c_str(), po::value<std::string>(),
						  option.help);
		else
			description.add_options()(names.c_str(), option.help);
	}
	description.add_options()("operands", po::value<std::vector<std::string>>());
	return description;
}

bool is_repeatable(const Verb &verb, const std::string &name)
{
	return std::any_of(verb.options.begin(), verb.options.end(), [&](const Option &option) {
		return option.repeatable && name == option.name;
	});
}

// Also of a format that the verb cannot print: after its work is done it would be too late.
Format format_wanted(const Verb &verb, const Request &request)
{
	const auto given = request.value("output");
	const Format format = given ? parse_format(*given) : Format::table;
	const bool lists = std::any_of(verb.options.begin(), verb.options.end(),
				       [](const Option &option) {
					       return option.name == std::string_view("columns");
				       });

	if (given && format != Format::json && request.has("json"))
		throw Error(Code::usage,
			    text("give either --json or --output ", *given, ", not both"));
	if (format == Format::csv && !lists)
		throw Error(Code::usage, text("the result of 'rfm ", verb.name,
					      "' is no list: give -o table or -o json"));
	return request.has("json") ? Format::json : format;
}

// The common option with this name, or this letter; nothing for other words.
const Option *common_option(std::string_view name)
{
	const auto found = std::ranges::find_if(common_options, [&](const Option &option) {
		return name == option.name || (name.size() == 1 && name[0] == letter_of(option.name));
	});

	return found == std::end(common_options) ? nullptr : found;
}

// The common options that one word before the command gives, in its order, and whether the next
// word is the value of the last.
struct Given {
	std::vector<const Option *> options;
	bool takes_next = false;
};

Given options_in(const std::string &word)
{
	const bool is_long = word.starts_with("--");
	const std::string_view names = std::string_view(word).substr(is_long ? 2 : 1);
	const std::size_t equals = is_long ? names.find('=') : names.npos;
	Given given;

	for (std::size_t at = 0; at < names.size(); at++) {
		const Option *option = common_option(is_long ? names.substr(0, equals)
							     : names.substr(at, 1));
		if (!option)
			break;
		given.options.push_back(option);
		const bool is_last = is_long || option->value || at + 1 == names.size();
		if (!is_last)
			continue;
		given.takes_next = option->value && equals == names.npos &&
				   (is_long || at + 1 == names.size());
		return given;
	}
	throw Error(Code::usage,
		    text("unknown option '", word, "' before the command: there, only those of every "
			 "command can stand, see 'rfm help'; others follow it"));
}

std::string hint(const Verb &verb)
{
	return text("usage: ", usage_line(verb), "; see 'rfm help ", verb.name, "'");
}

void check_operands(const Verb &verb, const Request &request)
{
	const std::size_t count = request.operands.size();

	if (count < verb.operands_least)
		throw Error(Code::usage, text("missing operand; ", hint(verb)));
	if (count > verb.operands_most)
		throw Error(Code::usage, text("unexpected argument '",
					      request.operands[verb.operands_most], "'; ",
					      hint(verb)));
}

// What boost says, or the word that an option of this verb has by now.
std::string describe(const po::error &error, const Verb &verb)
{
	const auto *unknown = dynamic_cast<const po::unknown_option *>(&error);
	std::string name = unknown ? unknown->get_option_name() : "";

	name.erase(0, name.find_first_not_of('-'));
	const char *now = new_name(name);
	if (!now || std::ranges::none_of(verb.options, [&](const Option &option) {
		    return option.name == std::string_view(now);
	    }))
		return error.what();
	return text("--", name, " is now --", now, ", whose value can have a unit: give for example "
		    "--", now, " 30s");
}

} // namespace

char letter_of(std::string_view option)
{
	const auto found = std::ranges::find(letters, option,
					     [](const auto &letter) { return letter.second; });

	return found == std::end(letters) ? 0 : found->first;
}

const char *new_name(std::string_view option)
{
	return option == "wait" ? "timeout" : nullptr;
}

std::vector<std::string> CommandLine::words() const
{
	std::vector<std::string> words = options;

	words.insert(words.end(), rest.begin(), rest.end());
	return words;
}

CommandLine split_command_line(const std::vector<std::string> &words)
{
	CommandLine line;
	std::size_t at = 0;

	for (; at < words.size() && words[at].starts_with('-'); at++) {
		if (words[at] == version_option || words[at] == version_letter) {
			line.version = true;
			continue;
		}
		const Given given = options_in(words[at]);
		for (const Option *option : given.options)
			line.help = line.help || option->name == std::string_view("help");
		line.options.push_back(words[at]);
		if (given.takes_next && at + 1 < words.size())
			line.options.push_back(words[++at]);
	}
	if (at < words.size())
		line.command = words[at++];
	line.rest.assign(words.begin() + static_cast<long>(at), words.end());
	return line;
}

std::vector<Option> options_of(const Verb &verb)
{
	std::vector<Option> options(verb.options.begin(), verb.options.end());

	options.insert(options.end(), std::begin(common_options), std::end(common_options));
	return options;
}

std::string usage_line(const Verb &verb)
{
	return text("rfm ", verb.name, *verb.operands ? " " : "", verb.operands, " [options]");
}

std::optional<std::string> Request::value(const std::string &option) const
{
	const auto found = values.find(option);
	if (found == values.end())
		return std::nullopt;
	return found->second;
}

Request parse_request(const Verb &verb, const std::vector<std::string> &words)
{
	// Abbreviated options would change their meaning when new ones appear.
	constexpr int style = po::command_line_style::default_style &
			      ~po::command_line_style::allow_guessing;
	const po::options_description description = describe(verb);
	po::positional_options_description positions;
	Request request;

	positions.add("operands", operands_limit);
	try {
		const po::parsed_options parsed = po::command_line_parser(words)
							  .options(description)
							  .positional(positions)
							  .style(style)
							  .run();
		for (const po::option &option : parsed.options) {
			if (option.string_key == "operands") {
				request.operands.push_back(option.value.front());
				continue;
			}
			const std::string value =
				option.value.empty() ? "yes" : option.value.front();
			const auto [at, is_new] = request.values.emplace(option.string_key, value);
			if (!is_new && is_repeatable(verb, option.string_key))
				at->second += "," + value;
			else if (!is_new && !option.value.empty())
				throw Error(Code::usage,
					    text("--", option.string_key, " is given twice"));
		}
	} catch (const po::error &error) {
		throw Error(Code::usage, text(describe(error, verb), "; ", hint(verb)));
	}
	const Format format = format_wanted(verb, request);
	request.json = format == Format::json;
	request.quiet = request.has("quiet");
	request.names_only = request.quiet && format == Format::table;
	if (request.quiet && request.has("verbose"))
		throw Error(Code::usage, "give either --quiet or --verbose");
	if (!request.has("help"))
		check_operands(verb, request);
	return request;
}

} // namespace rf
