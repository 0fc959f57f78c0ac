// SPDX-License-Identifier: GPL-2.0
#include "plan/config.hpp"

#include "host/artifacts.hpp"

#include <boost/program_options.hpp>

#include <sstream>

namespace rf {

namespace po = boost::program_options;

namespace {

std::string accepted_keys(std::span<const Option> options)
{
	std::string keys;

	for (const Option &option : options)
		if (option.in_file)
			keys += (keys.empty() ? "" : ", ") + std::string(option.name);
	return keys;
}

// A switch in a file needs a value; what counts as yes and no is told if wrong.
bool parse_switch(const std::string &path, const std::string &key, const std::string &value)
{
	if (value == "yes" || value == "true" || value == "on" || value == "1")
		return true;
	if (value == "no" || value == "false" || value == "off" || value == "0")
		return false;
	throw Error(Code::bad_value, text("configuration file '", path, "': ", key, " = '", value,
					  "' is not acceptable: give yes or no"));
}

} // namespace

std::map<std::string, std::string> parse_config(std::istream &input, const std::string &path,
						std::span<const Option> options)
{
	std::map<std::string, std::string> config;
	po::options_description description;
	std::map<std::string, bool> is_switch, is_repeatable;

	for (const Option &option : options) {
		if (!option.in_file)
			continue;
		description.add_options()(option.name, po::value<std::string>(), option.help);
		is_switch[option.name] = !option.value;
		is_repeatable[option.name] = option.repeatable;
	}
	try {
		const po::parsed_options parsed = po::parse_config_file(input, description, true);
		for (const po::option &option : parsed.options) {
			const std::string &key = option.string_key;
			const std::string value = option.value.empty() ? "" : option.value.front();
			if (option.unregistered)
				throw Error(Code::bad_value,
					    text("configuration file '", path, "': unknown key '",
						 key, "'; keys are: ", accepted_keys(options)));
			if (config.contains(key) && is_repeatable[key]) {
				config[key] += "," + value;
				continue;
			}
			if (config.contains(key))
				throw Error(Code::bad_value,
					    text("configuration file '", path, "': key '", key,
						 "' is given twice"));
			if (is_switch[key] && !parse_switch(path, key, value))
				continue;
			config[key] = is_switch[key] ? "yes" : value;
		}
	} catch (const po::error &error) {
		throw Error(Code::bad_value, text("configuration file '", path, "': ", error.what(),
						  "; lines are 'key = value', keys are: ",
						  accepted_keys(options)));
	}
	return config;
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
	const FileBytes file = FileBytes::read("configuration file", path,
					       "a text file of lines 'key = value'");
	const auto *text = reinterpret_cast<const char *>(file.view().data());
	std::istringstream input(std::string(text, file.view().size()));

	merge_config(request, parse_config(input, path, options));
}

} // namespace rf
