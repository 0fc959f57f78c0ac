// SPDX-License-Identifier: GPL-2.0
#include "cli/verb.hpp"

#include <boost/program_options.hpp>

#include <algorithm>

namespace rf {

namespace po = boost::program_options;

namespace {

constexpr Option common_options[] = {
	{"json", nullptr, "print the result, and errors too, as JSON on stdout"},
	{"output", "FORMAT", "table (default), json, or for lists csv; also -o FORMAT"},
	{"help", nullptr, "show help for this command"},
};

constexpr unsigned operands_limit = 1024;

po::options_description describe(const Verb &verb)
{
	po::options_description description;

	for (const Option &option : options_of(verb)) {
		if (option.name == std::string_view("output"))
			description.add_options()("output,o", po::value<std::string>(), option.help);
		else if (option.value)
			description.add_options()(option.name, po::value<std::string>(),
						  option.help);
		else
			description.add_options()(option.name, option.help);
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

} // namespace

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
			else if (!is_new)
				throw Error(Code::usage,
					    text("--", option.string_key, " is given twice"));
		}
	} catch (const po::error &error) {
		throw Error(Code::usage, text(error.what(), "; ", hint(verb)));
	}
	request.json = format_wanted(verb, request) == Format::json;
	if (!request.has("help"))
		check_operands(verb, request);
	return request;
}

} // namespace rf
