// SPDX-License-Identifier: GPL-2.0
// The row of `rfm check` about an rf_supervisor that came with another rfm: after an upgrade
// the one that was loaded before works on, and keeps the subOSes.
#include "base/error.hpp"
#include "client/fit.hpp"
#include "plan/requirement_rows.hpp"

namespace rf {

void add_abi(std::vector<Finding> &findings, const std::optional<ModuleFacts> &module)
{
	constexpr const char reload[] = "modprobe -r rf_supervisor && modprobe rf_supervisor";

	if (!module)
		return;
	const rf_info &info = module->info;
	const std::string detail = text("rf_supervisor ", info.version, " has ABI ", info.abi,
					", this rfm ABI ", RF_ABI_VERSION);
	switch (fit_of(info)) {
	case Fit::same:
		return findings.push_back({"module ABI", Verdict::ok, text(info.abi), ""});
	// What is loaded stays as long as there are subOSes.
	case Fit::older:
		return findings.push_back(
			{"module ABI", Verdict::warn,
			 detail + ": both work together, without what is new in rfm",
			 info.nr_subos ? text("when its subOSes (", info.nr_subos,
					      " now) may end: rfm destroy --all && ", reload)
				       : reload});
	case Fit::newer:
		return findings.push_back(
			{"module ABI", Verdict::warn,
			 text(detail, ": both work together, without what is new in rf_supervisor"),
			 text("install the rfm that came with rf_supervisor ", info.version)});
	}
}

} // namespace rf
