// SPDX-License-Identifier: GPL-2.0
// Where results, errors and progress go. A verb makes one result model (JSON);
// the renderer, chosen once, prints it as it is (integers beyond 2^53 as strings) or as text
// made from it.
// Data on stdout, diagnostics on stderr.
#pragma once

#include "base/error.hpp"

#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

namespace rf {

// Aligned columns for people.
class Table {
public:
	explicit Table(std::vector<std::string> titles) : rows_{std::move(titles)} {}
	void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
	std::string str() const;

private:
	std::vector<std::vector<std::string>> rows_;
};

// Thrown when whoever reads the standard output has gone, as head(1) does: no error, and
// nothing more is to be said.
struct ReaderGone {};

class Output {
public:
	using AsText = std::string (*)(const Json &result);

	virtual ~Output() = default;
	// Both throw Error(internal) if the standard output does not take it, or ReaderGone.
	// The whole result of a verb.
	virtual void result(const Json &result, AsText as_text) = 0;
	// The whole result, with a list that may be too long to be held: `head`, not empty, and
	// under `key` what `fill` gives to the sink. As text, that alone.
	using Sink = std::function<void(const Json &item)>;
	virtual void list(const Json &head, const char *key,
			  const std::function<void(const Sink &sink)> &fill, AsText as_text) = 0;
	// One of many results that come one by one.
	virtual void item(const Json &item, AsText as_text) = 0;
	// To standard error, if what is to have it does not take it.
	// Details "failed" are several errors, each with its own "message".
	virtual void error(const Error &error) = 0;

	// What is being done right now: one line on a terminal, replaced by the next.
	void progress(const std::string &phase);
	void end_progress();
	// Something worth knowing that is not an error.
	void note(const std::string &message);

	static std::unique_ptr<Output> make(bool json);

protected:
	// An error for people, on standard error.
	void tell(const Error &error);

private:
	bool line_open_ = false;
};

// The words of a list, separated by commas.
std::string join(const Json &words);

// Keeps an error in one line and a terminal in order, whatever a value contains.
std::string one_line(const std::string &message);

} // namespace rf
