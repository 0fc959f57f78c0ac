// SPDX-License-Identifier: GPL-2.0
// The way back from several steps of which one failed.
#pragma once

#include "base/error.hpp"

#include <exception>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace rf {

class Undo {
public:
	// `what` was done; `back` undoes it, and throws if it cannot.
	void add(std::string what, std::function<void()> back)
	{
		steps_.emplace_back(std::move(what), std::move(back));
	}
	// What was done, the last first, each whatever becomes of the others.
	void run(const std::function<void(const std::string &what)> &show);
	// What could not be undone, and why: "created 'web': ...".
	const std::vector<std::string> &failures() const { return failures_; }
	bool empty() const { return steps_.empty(); }

private:
	std::vector<std::pair<std::string, std::function<void()>>> steps_;
	std::vector<std::string> failures_;
};

inline void Undo::run(const std::function<void(const std::string &what)> &show)
{
	for (; !steps_.empty(); steps_.pop_back()) {
		const auto &[what, back] = steps_.back();
		show(what);
		try {
			back();
		} catch (const std::exception &error) {
			failures_.push_back(text(what, ": ", error.what()));
		} catch (...) {
			failures_.push_back(text(what, ": unexpected"));
		}
	}
}

} // namespace rf
