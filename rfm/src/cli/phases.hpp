// SPDX-License-Identifier: GPL-2.0
// How long each phase of a create took: rfm's own, by its clock, and the
// supervisor's, by the moments in rf_status.
#pragma once

#include "base/clock.hpp"
#include "cli/output.hpp"

namespace rf {

struct Phase {
	std::string name;
	double seconds = 0;
	std::string detail;	// "cached", mostly ""
};

void to_json(Json &json, const Phase &phase);

class Phases {
public:
	explicit Phases(Output &output) : output_(output), begin_(monotonic_ns()) {}

	// Shows the phase, and measures until the next enter() or leave().
	void enter(const std::string &name);
	void leave();
	// About the phase last entered: "cached".
	void remark(const std::string &detail);
	// A phase that somebody else measured; nothing if either end was not reached.
	void add(const std::string &name, std::uint64_t from_ns, std::uint64_t to_ns,
		 const std::string &detail = "");
	// Shows progress without a phase of its own.
	void show(const std::string &what) { output_.progress(what); }

	const std::vector<Phase> &list() const { return list_; }
	double total_seconds() const;

private:
	Output &output_;
	std::uint64_t begin_;
	std::uint64_t entered_ = 0;
	std::string current_, detail_;
	std::vector<Phase> list_;
};

} // namespace rf
