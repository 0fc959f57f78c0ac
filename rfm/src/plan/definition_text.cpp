// SPDX-License-Identifier: GPL-2.0
#include "plan/definition_text.hpp"

#include "base/cpulist.hpp"
#include "base/pci_address.hpp"
#include "base/sizes.hpp"

#include <algorithm>

namespace rf {

namespace {

constexpr std::size_t digits_most = 9;

// TOML's escapes are those of JSON, but for one character that JSON leaves as it is.
std::string quoted(const std::string &word)
{
	std::string out;

	for (const char letter : Json(word).dump(-1, ' ', false, Json::error_handler_t::replace))
		out += letter == 0x7f ? std::string("\\u007f") : std::string(1, letter);
	return out;
}

bool is_count(const Option &option, const std::string &value)
{
	const std::string_view kind = option.value;

	return (kind == "N" || kind == "S" || kind == "NODE") && value.size() <= digits_most &&
	       value.find_first_not_of("0123456789") == value.npos &&
	       (value == "0" || !value.starts_with('0'));
}

std::string value_text(const Option &option, const std::string &value)
{
	if (!option.value)
		return "true";
	return !value.empty() && is_count(option, value) ? value : quoted(value);
}

void put(Values &values, const char *key, const std::string &value)
{
	if (value.empty())
		values.erase(key);
	else
		values[key] = value;
}

} // namespace

std::vector<unsigned> own_cores(const rf_status &status, const std::vector<rf_core> &cores)
{
	std::vector<unsigned> own(status.cpus, status.cpus + status.nr_cpus);

	std::erase_if(own, [&](unsigned cpu) {
		return std::ranges::any_of(cores, [&](const rf_core &core) {
			return core.cpu == cpu && core.owner == status.id && core.lender;
		});
	});
	for (const rf_core &core : cores)
		if (core.lender == status.id)
			own.push_back(core.cpu);
	return own;
}

Values present_values(const Definition &definition, const rf_status &status,
		      const std::vector<unsigned> &own)
{
	Values values = with_policies(definition.request.values, status);

	values.erase("ncores");
	values["cores"] = format_cpulist(own);
	values["mem"] = format_size(status.memory);
	put(values, "pci",
	    format_bdfs({status.functions, status.functions + status.nr_functions}));
	return values;
}

std::string definition_text(const std::string &name, const Values &values,
			    std::span<const Option> options)
{
	std::string lines = text("[", name, "]\n");

	for (const Option &option : options) {
		const auto value = values.find(option.name);
		if (option.in_file && value != values.end())
			lines += text(option.name, " = ", value_text(option, value->second), "\n");
	}
	return lines;
}

} // namespace rf
