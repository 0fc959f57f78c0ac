// SPDX-License-Identifier: GPL-2.0
// Where results, errors and progress go. A verb hands a struct; the views of it are functions
// beside the struct, found by the compiler: to_json(Json &, const T &) for programs and
// to_text(const T &) for people. Text is never made from JSON. What is one of many rows has
// columns as well (cli/columns.hpp).
// Data on stdout, diagnostics on stderr.
#pragma once

#include "base/error.hpp"

#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rf {

// Of all JSON that rfm prints, "schema" in it: rfm-json(5), docs/rfm.schema.json. It changes
// when a key goes away or means something else, not when one is added.
constexpr int json_schema_version = 1;

enum class Format { table, json, csv };

// "table", "json" or "csv". Throws Error(usage).
Format parse_format(const std::string &word);
// What these words of a command line ask for: also errors in other words must be printed so.
Format format_of(const std::vector<std::string> &words);

// Aligned columns for people. Whatever a cell contains, it stays in its line.
class Table {
public:
	explicit Table(std::vector<std::string> titles) : titles_(std::move(titles)) {}
	void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
	std::string str() const;

private:
	std::vector<std::string> titles_;
	std::vector<std::vector<std::string>> rows_;
};

// Thrown when whoever reads the standard output has gone, as head(1) does: no error, and
// nothing more is to be said.
struct ReaderGone {};

// An error about which some more lines are to be shown: "log" of the details.
class ErrorWithLog : public Error {
public:
	ErrorWithLog(Code code, const std::string &message, Json details,
		     std::vector<std::string> log);
	const std::vector<std::string> &log() const { return log_; }

private:
	std::vector<std::string> log_;
};

// What went wrong with one of several.
struct Failure {
	std::string name;
	Error error;
};

// Several errors, of which the first gives the code: "failed" of the details.
class SeveralErrors : public Error {
public:
	SeveralErrors(std::vector<Failure> failures, Json details);
	const std::vector<Failure> &failures() const { return failures_; }

private:
	std::vector<Failure> failures_;
};

void to_json(Json &json, const Failure &failure);

// A result, and how it looks.
class View {
public:
	virtual Json json() const = 0;
	virtual std::string text() const = 0;
	virtual std::string csv() const;	// of rows only

protected:
	~View() = default;
};

template <typename T> class ViewOf final : public View {
public:
	explicit ViewOf(const T &value) : value_(value) {}
	Json json() const override
	{
		Json json;
		to_json(json, value_);
		return json;
	}
	std::string text() const override { return to_text(value_); }

private:
	const T &value_;
};

class Output {
public:
	virtual ~Output() = default;
	// All throw Error(internal) if the standard output does not take it, or ReaderGone.
	// The whole result of a verb.
	template <typename T> void result(const T &value) { show(ViewOf<T>(value)); }
	virtual void show(const View &view) = 0;
	// The whole result, with a list that may be too long to be held: `head`, whose JSON is not
	// empty, and under `key` what `fill` gives to the sink. As text, that alone.
	template <typename Head, typename Item>
	void list(const Head &head, const char *key,
		  const std::function<void(const std::function<void(const Item &)> &sink)> &fill)
	{
		Json json;
		to_json(json, head);
		show_list(json, key, [&](const Sink &sink) {
			fill([&](const Item &item) { sink(ViewOf<Item>(item)); });
		});
	}
	using Sink = std::function<void(const View &item)>;
	virtual void show_list(const Json &head, const char *key,
			       const std::function<void(const Sink &sink)> &fill) = 0;
	// One of many results that come one by one.
	template <typename T> void item(const T &value) { show_item(ViewOf<T>(value)); }
	virtual void show_item(const View &view) = 0;
	// To standard error, if what is to have it does not take it.
	virtual void error(const Error &error) = 0;

	// The names alone of what a verb did something to, a line each.
	void names(const std::vector<std::string> &names);

	// How much is said beside results and errors.
	enum class Level { quiet, usual, verbose };
	void set_level(Level level) { level_ = level; }
	// What is being done right now: one line on a terminal, replaced by the next.
	void progress(const std::string &phase);
	void end_progress();
	// Something worth knowing that is not an error.
	void note(const std::string &message);
	// What only somebody who asks for it wants to know: what was decided and why.
	void detail(const std::string &message);
	bool is_verbose() const { return level_ == Level::verbose; }

	static std::unique_ptr<Output> make(Format format);

protected:
	// An error for people, on standard error.
	void tell(const Error &error);

private:
	bool line_open_ = false;
	Level level_ = Level::usual;
};

// null for what there is none of.
inline Json or_null(const std::string &word)
{
	return word.empty() ? Json() : Json(word);
}

template <typename T> Json or_null(const std::optional<T> &value)
{
	return value ? Json(*value) : Json();
}

// The words of a list, separated by commas.
std::string join(const std::vector<std::string> &words);

// Keeps an error in one line and a terminal in order, whatever a value contains.
std::string one_line(const std::string &message);

} // namespace rf
