// SPDX-License-Identifier: GPL-2.0
#include "plan/config.hpp"

#include "base/name.hpp"
#include "host/artifacts.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

// All of the library is compiled here, and nowhere else: rfm needs no shared one of it.
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace rf {

namespace {

constexpr std::string_view key_characters =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
constexpr std::string_view blanks = " \t\r";

// Where something stands, and what may stand there.
struct Place {
	const std::string &path;
	std::span<const Option> options;
	toml::source_index line = 0;

	Error error(const std::string &why) const
	{
		return Error(Code::bad_value,
			     text("configuration file '", path, "', line ", line, ": ", why));
	}
};

std::string accepted_keys(std::span<const Option> options)
{
	std::string keys;

	for (const Option &option : options)
		if (option.in_file)
			keys += (keys.empty() ? "" : ", ") + std::string(option.name);
	return keys;
}

const Option *find_key(std::span<const Option> options, std::string_view key)
{
	const auto found = std::ranges::find_if(options, [&](const Option &option) {
		return option.in_file && option.name == key;
	});

	return found == options.end() ? nullptr : &*found;
}

bool is_list(const Option &option)
{
	return option.repeatable || (option.value && option.value == std::string_view("LIST"));
}

// How the key would be written. Values are not repeated: some are secrets.
std::string example(const Option &option)
{
	if (!option.value)
		return text(option.name, " = true");
	return text(option.name, " = \"", option.value, "\"",
		    is_list(option) ? text(", or ", option.name, " = [\"...\", \"...\"]") : "");
}

std::string_view line_of(std::string_view file, toml::source_index number)
{
	for (; number > 1 && file.find('\n') != file.npos; number--)
		file.remove_prefix(file.find('\n') + 1);
	return file.substr(0, file.find('\n'));
}

std::string_view without_blanks(std::string_view word)
{
	word.remove_prefix(std::min(word.find_first_not_of(blanks), word.size()));
	return word.substr(0, word.find_last_not_of(blanks) + 1);
}

// A line 'key = value' whose value is neither in quotes, nor in brackets, nor a number, is what
// files had before they were TOML.
bool is_old_form(std::string_view key, std::string_view value)
{
	return !key.empty() && key.find_first_not_of(key_characters) == key.npos &&
	       (value.empty() || (std::string_view("\"'[{").find(value[0]) == value.npos &&
				  value.find_first_not_of("0123456789") != value.npos));
}

// What is no TOML, in the terms of who writes such files.
Error syntax_error(Place place, std::string_view file, const toml::parse_error &error)
{
	place.line = error.source().begin.line;
	const std::string_view line = line_of(file, place.line);
	const std::size_t equals = line.find('=');
	const std::string_view key = without_blanks(line.substr(0, equals));
	const std::string_view value =
		equals == line.npos ? line : without_blanks(line.substr(equals + 1));

	if (error.description().find("cannot redefine") != std::string_view::npos)
		return place.error(text("key '", key, "' is given twice"));
	if (equals != line.npos && is_old_form(key, value)) {
		const Option *option = find_key(place.options, key);
		return place.error(text("key '", key, "' is written in the old form, which is not "
					"read any more: files are TOML, with text in quotes, such as ",
					option ? example(*option) : text(key, " = \"...\"")));
	}
	return place.error(text(error.description(), "; files are TOML, such as mem = \"1G\"; keys "
				"are: ", accepted_keys(place.options)));
}

// One word as the command line would have it.
std::string word_of(const Place &place, const Option &option, const toml::node &node)
{
	if (const auto *number = node.as_integer())
		return std::to_string(number->get());
	const auto *word = node.as_string();
	if (!word)
		throw place.error(text("the value of key '", option.name, "' is not text: write ",
				       example(option)));
	if (word->get().find('\0') != std::string::npos)
		throw place.error(text("the value of key '", option.name,
				       "' holds a NUL character: give text without it"));
	return word->get();
}

// The value as the command line would have it; nothing if it is as good as not given.
std::optional<std::string> value_of(const Place &place, const Option &option,
				    const toml::node &node)
{
	if (!option.value) {
		const auto *is_on = node.as_boolean();
		if (!is_on)
			throw place.error(text("the value of key '", option.name,
					       "' is not acceptable: give true or false"));
		return is_on->get() ? std::optional<std::string>("yes") : std::nullopt;
	}
	const toml::array *list = node.as_array();
	if (!list || !is_list(option))
		return word_of(place, option, node);
	std::optional<std::string> words;
	for (const toml::node &each : *list)
		words = (words ? *words + "," : "") + word_of(place, option, each);
	return words;
}

using Entry = std::pair<const toml::key *, const toml::node *>;

// What is wrong is told in the order of the file.
std::vector<Entry> entries_of(const toml::table &table)
{
	std::vector<Entry> entries;

	for (const auto &[key, node] : table)
		entries.emplace_back(&key, &node);
	std::ranges::stable_sort(entries, {}, [](const Entry &entry) {
		return entry.first->source().begin.line;
	});
	return entries;
}

toml::table parse_file(std::string_view file, const Place &place)
{
	toml::parse_result parsed = toml::parse(file);

	if (!parsed)
		throw syntax_error(place, file, parsed.error());
	return std::move(parsed).table();
}

std::map<std::string, std::string> config_of(Place place, const toml::table &table)
{
	std::map<std::string, std::string> config;

	for (const auto &[key, node] : entries_of(table)) {
		place.line = key->source().begin.line;
		const Option *option = find_key(place.options, key->str());
		if (const char *now = option ? nullptr : new_name(key->str());
		    now && find_key(place.options, now))
			throw place.error(text("key '", key->str(), "' is now '", now, "': write ",
					       example(*find_key(place.options, now))));
		if (!option)
			throw place.error(text("unknown key '", key->str(), "'; keys are: ",
					       accepted_keys(place.options)));
		if (const auto value = value_of(place, *option, *node))
			config[option->name] = *value;
	}
	return config;
}

// A value of another type than a key has is not taken for a table.
bool has_tables(const toml::table &table, std::span<const Option> options)
{
	for (const auto &[key, node] : table)
		if (node.is_table() && !find_key(options, key.str()))
			return true;
	return false;
}

void check_table(const Place &place, const Entry &entry)
{
	const auto &[key, node] = entry;

	if (!node->is_table())
		throw place.error(text("key '", key->str(), "' stands outside of the tables: put it "
				       "into the one of its subOS, such as [web]"));
	try {
		check_name(key->str());
	} catch (const Error &error) {
		throw place.error(error.what());
	}
}

std::string_view content_of(const FileBytes &file)
{
	return {reinterpret_cast<const char *>(file.view().data()), file.view().size()};
}

FileBytes read_file(const std::string &path)
{
	return FileBytes::read("configuration file", path, "a TOML file of lines key = value");
}

} // namespace

std::map<std::string, std::string> parse_config(std::string_view file, const std::string &path,
						std::span<const Option> options)
{
	const Place place{path, options};

	return config_of(place, parse_file(file, place));
}

std::vector<NamedConfig> parse_definitions(std::string_view file, const std::string &path,
					   const std::string &name_of_file,
					   std::span<const Option> options)
{
	Place place{path, options};
	const toml::table table = parse_file(file, place);
	std::vector<NamedConfig> found;

	if (!has_tables(table, options))
		return {{name_of_file, config_of(place, table)}};
	for (const Entry &entry : entries_of(table)) {
		place.line = entry.first->source().begin.line;
		check_table(place, entry);
		found.push_back({std::string(entry.first->str()),
				 config_of(place, *entry.second->as_table())});
	}
	return found;
}

void merge_config(Request &request, const std::map<std::string, std::string> &config)
{
	const bool chose_cores = request.has("cores") || request.has("ncores");

	for (const auto &[key, value] : config) {
		if (chose_cores && (key == "cores" || key == "ncores"))
			continue;
		request.values.emplace(key, value);
	}
}

void read_config(Request &request, const std::string &path, std::span<const Option> options)
{
	const FileBytes file = read_file(path);

	merge_config(request, parse_config(content_of(file), path, options));
}

void read_definition(Request &request, const std::string &path, std::span<const Option> options)
{
	const std::string &name = request.operands.at(0);
	const FileBytes file = read_file(path);
	std::string names;

	for (const NamedConfig &each : parse_definitions(content_of(file), path, name, options)) {
		if (each.name == name)
			return merge_config(request, each.values);
		names += text(names.empty() ? "[" : ", [", each.name, "]");
	}
	throw Error(Code::bad_value, text("configuration file '", path, "' has no table [", name,
					  "]: it has ", names));
}

} // namespace rf
