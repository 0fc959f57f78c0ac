// SPDX-License-Identifier: GPL-2.0
#include "view/usage_table.hpp"

#include "base/sizes.hpp"
#include "cli/output.hpp"
#include "view/subos.hpp"

#include <algorithm>
#include <cstdio>

namespace rf {

namespace {

constexpr int name_least = 11;

// A column after the name; left-aligned if the width is negative.
struct Field {
	const char *title;
	int width;
};
constexpr Field columns[] = {{"STATE", -8}, {"CORES", 5}, {"LOAD", 5}, {"BUSY", 4},
			      {"MEM", 5},    {"AVAIL", 5}, {"UPTIME", 8}, {"MSG/S", 5},
			      {"INT/S", 5},  {"PRESSURE", 8}};

std::string short_number(const std::optional<double> &number)
{
	char buffer[16];

	if (!number)
		return "-";
	if (*number < 99'999.5)
		std::snprintf(buffer, sizeof(buffer), "%.0f", *number);
	else
		std::snprintf(buffer, sizeof(buffer), "%.0fk", std::min(*number / 1000, 9999.0));
	return buffer;
}

// "02:03:04", from a day on "1d02:03".
std::string short_uptime(double seconds)
{
	const std::uint64_t whole = static_cast<std::uint64_t>(seconds);
	char buffer[48];

	if (whole < 86400)
		return format_uptime(seconds);
	if (whole >= 100 * 86400)
		return text(whole / 86400, "d");
	std::snprintf(buffer, sizeof(buffer), "%llud%02llu:%02llu",
		      static_cast<unsigned long long>(whole / 86400),
		      static_cast<unsigned long long>(whole / 3600 % 24),
		      static_cast<unsigned long long>(whole / 60 % 60));
	return buffer;
}

// "12/0/3": cpu, memory, io in percent.
std::string short_pressure(const Usage &usage)
{
	std::string words;

	for (const std::optional<double> &percent : usage.pressure_percent)
		words += (words.empty() ? "" : "/") + short_number(percent);
	return words;
}

std::string line_of(const std::string &name, int name_width, const std::vector<std::string> &cells)
{
	char buffer[64];
	std::string line;

	std::snprintf(buffer, sizeof(buffer), "%-*.*s", name_width, name_width, name.c_str());
	line = buffer;
	for (std::size_t i = 0; i < cells.size(); i++) {
		std::snprintf(buffer, sizeof(buffer), " %*s", columns[i].width, cells[i].c_str());
		line += buffer;
	}
	return line.substr(0, line.find_last_not_of(' ') + 1);
}

std::vector<std::string> cells_of(const KernelRow &row)
{
	const std::string owned = row.cores ? std::to_string(*row.cores) : "-";
	const std::string state = one_line(row.state);

	if (!row.usage)
		return {state, owned, "-", "-", row.memory ? short_size(*row.memory) : "-",
			"-",   "-",   "-", "-", "-"};
	const Usage &usage = *row.usage;
	const std::string online = std::to_string(usage.cores_online);
	char load[16];
	std::snprintf(load, sizeof(load), "%.2f", usage.load[0]);
	return {state,
		online == owned ? owned : online + "/" + owned,
		load,
		short_number(usage.busy_percent),
		short_size(usage.memory_total),
		short_size(usage.memory_available),
		short_uptime(usage.uptime_seconds),
		short_number(usage.messages_per_second),
		short_number(usage.interrupts_per_second),
		short_pressure(usage)};
}

KernelRow failed_row(const std::string &name, const Error &error)
{
	KernelRow row;

	row.name = name;
	row.error = one_line(error.what());
	return row;
}

} // namespace

std::string short_size(std::uint64_t bytes)
{
	double number = static_cast<double>(bytes);
	std::size_t unit = 0;
	char buffer[16];

	for (; number >= 1000 && unit < 5; unit++)
		number /= 1024;
	std::snprintf(buffer, sizeof(buffer), "%.*f%c", unit && number < 10 ? 1 : 0, number,
		      "BKMGTP"[unit]);
	return buffer;
}

void to_json(Json &json, const KernelRow &row)
{
	json = {{"name", row.name},
		{"id", or_null(row.id)},
		{"state", row.state},
		{"cores", or_null(row.cores)},
		{"memory", or_null(row.memory)},
		{"usage", or_null(row.usage)}};
	if (!row.error.empty())
		json["error"] = row.error;
}

std::vector<KernelRow> usage_rows(const std::vector<std::string> &names,
				  const std::function<KernelRow(const std::string &)> &look)
{
	std::vector<KernelRow> rows;

	for (const std::string &name : names) {
		try {
			rows.push_back(look(name));
		} catch (const Error &error) {
			if (error.code() == Code::interrupted)
				throw;
			// Destroyed between the list and the look: there is none any more.
			if (error.code() != Code::no_such_subos)
				rows.push_back(failed_row(name, error));
		}
	}
	return rows;
}

std::vector<std::string> usage_lines(const std::vector<KernelRow> &rows, int width)
{
	const int spare = std::max(0, width - usage_columns_least);
	int name_width = name_least;
	std::vector<std::string> lines, cells;

	for (const KernelRow &row : rows)
		name_width = std::max(name_width, static_cast<int>(row.name.size()));
	name_width = std::min(name_width, name_least + spare);
	for (const Field &column : columns)
		cells.emplace_back(column.title);
	lines.push_back(line_of("NAME", name_width, cells));
	for (const KernelRow &row : rows)
		lines.push_back(line_of(one_line(row.name), name_width, cells_of(row)));
	for (const KernelRow &row : rows)
		if (!row.error.empty())
			lines.push_back(one_line(row.name) + ": " + row.error);
	return lines;
}

} // namespace rf
