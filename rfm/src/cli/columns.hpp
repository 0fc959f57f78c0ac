// SPDX-License-Identifier: GPL-2.0
// Lists: one description of their columns gives table, CSV, --columns and --filter.
#pragma once

#include "cli/verb.hpp"

#include <algorithm>

namespace rf {

// One column of a list of T.
template <typename T> struct Column {
	const char *name;			// in --columns, --filter and the first line of CSV
	const char *title;			// above the table
	std::string (*value)(const T &row);	// for programs: CSV and --filter
	std::string (*cell)(const T &row) = nullptr;	// for people, nullptr: as for programs
	bool usual = true;			// in the table unless others are asked for
};

// The options of a verb that lists something.
constexpr Option columns_option = {"columns", "LIST",
				   "columns to print, such as name,state; a wrong one has all of them named"};
constexpr Option filter_option = {"filter", "KEY=VALUE",
				  "only rows that have VALUE in column KEY; repeatable", false, true};

// --columns and --filter in words; which columns there are is known by Columns<T>.
struct Selection {
	std::vector<std::string> columns;	// none: the usual ones
	std::vector<std::pair<std::string, std::string>> filters;

	explicit Selection(const Request &request);
};

// The number of the column with this name. Throws Error(usage) that lists all.
std::size_t column_index(const std::vector<std::string> &names, const std::string &option,
			 const std::string &name);

// One line of CSV as in RFC 4180, but for the end of the line; without control characters.
std::string csv_line(const std::vector<std::string> &cells);

// "12.345"
std::string plain_seconds(double seconds);

template <typename T> class Columns {
public:
	// Throws Error(usage) for a column that is not there.
	Columns(std::span<const Column<T>> all, const Request &request)
	{
		const Selection selection(request);
		std::vector<std::string> names;

		for (const Column<T> &column : all)
			names.emplace_back(column.name);
		for (const std::string &name : selection.columns)
			shown_.push_back(&all[column_index(names, "columns", name)]);
		if (shown_.empty())
			for (const Column<T> &column : all)
				if (column.usual)
					shown_.push_back(&column);
		chosen_ = !selection.columns.empty();
		for (const auto &[name, value] : selection.filters)
			filters_.push_back({&all[column_index(names, "filter", name)], value});
	}

	// --columns was given.
	bool chosen() const { return chosen_; }
	// Is this row wanted?
	bool takes(const T &row) const
	{
		return std::all_of(filters_.begin(), filters_.end(), [&](const Filter &filter) {
			return filter.column->value(row) == filter.value;
		});
	}
	std::vector<std::string> cells(const T &row) const
	{
		std::vector<std::string> cells;

		for (const Column<T> *column : shown_)
			cells.push_back(column->cell ? column->cell(row) : column->value(row));
		return cells;
	}
	std::string table(const std::vector<T> &rows) const
	{
		std::vector<std::string> titles;

		for (const Column<T> *column : shown_)
			titles.emplace_back(column->title);
		Table table(std::move(titles));
		for (const T &row : rows)
			table.add(cells(row));
		return table.str();
	}
	std::string csv_head() const
	{
		std::vector<std::string> names;

		for (const Column<T> *column : shown_)
			names.emplace_back(column->name);
		return csv_line(names);
	}
	std::string csv(const T &row) const
	{
		std::vector<std::string> values;

		for (const Column<T> *column : shown_)
			values.push_back(column->value(row));
		return csv_line(values);
	}
	std::string csv(const std::vector<T> &rows) const
	{
		std::string lines = csv_head();

		for (const T &row : rows)
			lines += csv(row);
		return lines;
	}

private:
	struct Filter {
		const Column<T> *column;
		std::string value;
	};

	std::vector<const Column<T> *> shown_;
	std::vector<Filter> filters_;
	bool chosen_ = false;
};

// A result that has rows: its JSON, and the rows as table or CSV.
template <typename Result, typename Row> class ListView final : public View {
public:
	ListView(const Result &result, const std::vector<Row> &rows, const Columns<Row> &columns)
		: result_(result), rows_(rows), columns_(columns) {}
	Json json() const override
	{
		Json json;
		to_json(json, result_);
		return json;
	}
	std::string text() const override { return columns_.table(rows_); }
	std::string csv() const override { return columns_.csv(rows_); }

private:
	const Result &result_;
	const std::vector<Row> &rows_;
	const Columns<Row> &columns_;
};

} // namespace rf
