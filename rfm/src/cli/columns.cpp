// SPDX-License-Identifier: GPL-2.0
#include "cli/columns.hpp"

#include <cstdio>

namespace rf {

namespace {

std::vector<std::string> split(const std::string &words)
{
	std::vector<std::string> parts;
	std::istringstream stream(words + ',');

	for (std::string part; std::getline(stream, part, ',');)
		parts.push_back(part);
	return parts;
}

std::string quoted(const std::string &cell)
{
	std::string field;

	if (cell.find_first_of(",\"") == std::string::npos)
		return cell;
	for (const char letter : cell)
		field += letter == '"' ? std::string("\"\"") : std::string(1, letter);
	return '"' + field + '"';
}

} // namespace

Selection::Selection(const Request &request)
{
	if (const auto list = request.value("columns"))
		columns = split(*list);
	const auto given = request.value("filter");
	if (!given)
		return;
	// Several are joined by commas, which a value may have as well ("cores=2-3,5"): what is no
	// filter of its own belongs to the one before.
	for (const std::string &part : split(*given)) {
		const std::size_t at = part.find('=');
		if (at != std::string::npos && at > 0)
			filters.emplace_back(part.substr(0, at), part.substr(at + 1));
		else if (!filters.empty())
			filters.back().second += "," + part;
		else
			throw Error(Code::usage, text("filter '", part,
						      "' has no KEY: give KEY=VALUE, such as "
						      "state=running"));
	}
}

std::size_t column_index(const std::vector<std::string> &names, const std::string &option,
			 const std::string &name)
{
	const auto found = std::find(names.begin(), names.end(), name);

	if (found == names.end())
		throw Error(Code::usage, text("--", option, ": there is no column '", name,
					      "'; columns are: ", join(names)));
	return static_cast<std::size_t>(found - names.begin());
}

std::string csv_line(const std::vector<std::string> &cells)
{
	std::string line;
	const char *separator = "";

	for (const std::string &cell : cells) {
		line += separator + quoted(one_line(cell));
		separator = ",";
	}
	return line + '\n';
}

std::string plain_seconds(double seconds)
{
	char number[64];

	std::snprintf(number, sizeof(number), "%.3f", seconds);
	return number;
}

} // namespace rf
