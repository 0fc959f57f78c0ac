// SPDX-License-Identifier: GPL-2.0
#include "plan/reasons.hpp"

#include "base/cpulist.hpp"
#include "base/duration.hpp"
#include "base/sizes.hpp"
#include "client/words.hpp"

namespace rf {

namespace {

std::string cores_reason(const Plan &plan)
{
	const std::string cores = text("cores ", format_cpulist(plan.request.cpus), ": ");

	if (!plan.wanted.cores.empty())
		return cores + "as --cores says";
	return text(cores, plan.wanted.ncores, " of the highest-numbered online ones",
		    plan.wanted.split_siblings ? "" : " in whole groups of SMT siblings",
		    plan.wanted.node >= 0 ? text(" of node ", plan.wanted.node) : "",
		    ", first those with which no setting of this kernel is lost");
}

std::string policy_reason(const Plan &plan)
{
	const rf_policies &policies = plan.wanted.policies;

	return text("policies: after a crash ", policy_name(policies.on_crash), ", after a reboot ",
		    policy_name(policies.on_reboot), "; a hang is ",
		    format_duration(std::chrono::milliseconds(policies.hang_timeout_ms)),
		    " without heartbeat");
}

std::string file_reason(const char *what, const FileBytes &file, const std::string &why)
{
	return text(what, " ", file.path(), ": ", why);
}

} // namespace

std::vector<std::string> reasons(const Plan &plan)
{
	const Artifacts &files = plan.files;
	const std::string version = "for kernel " + files.kernel.version;
	std::vector<std::string> lines;

	lines.push_back(cores_reason(plan));
	lines.push_back(text("memory ", format_size(plan.request.memory), " from ",
			     plan.request.node < 0 ? std::string("any node")
						   : text("node ", plan.request.node)));
	lines.push_back(text("kernel ", plan.wanted.kernel, ", version ", files.kernel.version, ": ",
			     files.vmlinux.view().empty()
				     ? "entered through the bzImage, whose kernel is not understood"
				     : "entered directly, without its decompressor"));
	lines.push_back(file_reason("initrd", files.user_initrd,
				    plan.wanted.initrd ? "as --initrd says"
						       : "the one installed " + version));
	if (plan.wanted.agent) {
		lines.push_back(file_reason("agent", files.agent, "found " + version));
		lines.push_back(file_reason("first stage", files.first_stage, "loads the agent"));
	}
	lines.push_back(policy_reason(plan));
	lines.push_back("command line: " + plan.cmdline);
	return lines;
}

} // namespace rf
