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
struct Column {
	const char *title;
	int width;
};
constexpr Column columns[] = {{"STATE", -8}, {"CORES", 5}, {"LOAD", 5}, {"BUSY", 4},
			      {"MEM", 5},    {"AVAIL", 5}, {"UPTIME", 8}, {"MSG/S", 5},
			      {"INT/S", 5},  {"PRESSURE", 8}};

std::string short_number(const Json &value)
{
	char buffer[16];

	if (value.is_null())
		return "-";
	const double number = value;
	if (number < 99'999.5)
		std::snprintf(buffer, sizeof(buffer), "%.0f", number);
	else
		std::snprintf(buffer, sizeof(buffer), "%.0fk", std::min(number / 1000, 9999.0));
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
std::string short_pressure(const Json &pressure)
{
	std::string words;

	for (const auto &[name, percent] : pressure.items()) {
		words += words.empty() ? "" : "/";
		words += short_number(percent);
	}
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

std::vector<std::string> cells_of(const Json &row)
{
	const Json &usage = row["usage"];
	const std::string owned = row["cores"].is_null() ? "-" : row["cores"].dump();
	std::vector<std::string> cells = {row["state"]};

	if (usage.is_null()) {
		const std::string memory =
			row["memory"].is_null() ? "-" : short_size(row["memory"]);
		cells.insert(cells.end(), {owned, "-", "-", memory, "-", "-", "-", "-", "-"});
		return cells;
	}
	const std::string online = usage["cores_online"].dump();
	char load[16];
	std::snprintf(load, sizeof(load), "%.2f", usage["load"][0].get<double>());
	cells.insert(cells.end(),
		     {online == owned ? owned : online + "/" + owned, load,
		      short_number(usage["busy_percent"]), short_size(usage["memory_total"]),
		      short_size(usage["memory_available"]), short_uptime(usage["uptime_seconds"]),
		      short_number(usage["messages_per_second"]),
		      short_number(usage["interrupts_per_second"]),
		      short_pressure(usage["pressure_percent"])});
	return cells;
}

Json failed_row(const std::string &name, const Error &error)
{
	return {{"name", name},	  {"id", Json()},    {"state", "-"},
		{"cores", Json()}, {"memory", Json()}, {"usage", Json()},
		{"error", one_line(error.what())}};
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

Json usage_rows(const std::vector<std::string> &names,
		const std::function<Json(const std::string &)> &look)
{
	Json rows = Json::array();

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

std::vector<std::string> usage_lines(const Json &rows, int width)
{
	const int spare = std::max(0, width - usage_columns_least);
	int name_width = name_least;
	std::vector<std::string> lines, cells;

	for (const Json &row : rows)
		name_width = std::max(name_width, static_cast<int>(
							  row["name"].get<std::string>().size()));
	name_width = std::min(name_width, name_least + spare);
	for (const Column &column : columns)
		cells.emplace_back(column.title);
	lines.push_back(line_of("NAME", name_width, cells));
	for (const Json &row : rows)
		lines.push_back(line_of(row["name"], name_width, cells_of(row)));
	for (const Json &row : rows)
		if (row.contains("error"))
			lines.push_back(text(row["name"].get<std::string>(), ": ",
					     row["error"].get<std::string>()));
	return lines;
}

} // namespace rf
