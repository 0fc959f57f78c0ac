// SPDX-License-Identifier: GPL-2.0
// Tables by libsmartcols: it knows how wide letters are, which is not how many bytes they have.
#include "cli/output.hpp"

#include "base/utf8_locale.hpp"

#include <cstdlib>
#include <memory>
#include <new>

#include <libsmartcols/libsmartcols.h>

namespace rf {

namespace {

struct Unref {
	void operator()(libscols_table *table) const { ::scols_unref_table(table); }
};
using SmartTable = std::unique_ptr<libscols_table, Unref>;

// It fails for want of memory only.
template <typename T> T *made(T *thing)
{
	if (!thing)
		throw std::bad_alloc();
	return thing;
}

void check(int rc)
{
	if (rc)
		throw std::bad_alloc();
}

// Nothing is cut, neither at the width of a terminal nor otherwise: a line that is too long for
// it is what it was before.
SmartTable make_table()
{
	SmartTable table(made(::scols_new_table()));

	check(::scols_table_set_termforce(table.get(), SCOLS_TERMFORCE_NEVER));
	check(::scols_table_set_termwidth(table.get(), 1u << 20));
	check(::scols_table_set_column_separator(table.get(), "  "));
	// Cells are clean: one_line().
	check(::scols_table_enable_noencoding(table.get(), 1));
	return table;
}

void add_line(libscols_table *table, const std::vector<std::string> &cells, std::size_t columns)
{
	libscols_line *line = made(::scols_table_new_line(table, nullptr));

	for (std::size_t i = 0; i < columns; i++)
		check(::scols_line_set_data(line, i,
					    i < cells.size() ? one_line(cells[i]).c_str() : ""));
}

std::string without_trailing_blanks(const char *printed)
{
	std::string lines, line;

	for (; *printed; printed++) {
		if (*printed != '\n') {
			line += *printed;
			continue;
		}
		line.erase(line.find_last_not_of(' ') + 1);
		lines += line + '\n';
		line.clear();
	}
	line.erase(line.find_last_not_of(' ') + 1);
	return line.empty() ? lines : lines + line + '\n';
}

} // namespace

// The titles are a line like others: a table without rows has them, too.
std::string Table::str() const
{
	// The letters that rfm prints.
	const Utf8Locale letters;
	const SmartTable table = make_table();

	check(::scols_table_enable_noheadings(table.get(), 1));
	for (std::size_t i = 0; i < titles_.size(); i++)
		made(::scols_table_new_column(table.get(), nullptr, 0, 0));
	add_line(table.get(), titles_, titles_.size());
	for (const auto &row : rows_)
		add_line(table.get(), row, titles_.size());

	char *printed = nullptr;
	check(::scols_print_table_to_string(table.get(), &printed));
	const std::unique_ptr<char, decltype(&std::free)> keeper(printed, std::free);
	return without_trailing_blanks(printed);
}

} // namespace rf
