// SPDX-License-Identifier: GPL-2.0
// An adjustment of a subOS, and what its errors mean.
#include "client/partition.hpp"

#include "base/cpulist.hpp"
#include "base/pci_address.hpp"
#include "base/sizes.hpp"
#include "client/ioctl.hpp"
#include "client/problem.hpp"
#include "client/supervisor.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace rf {

namespace {

// What was done before an adjustment failed, for the JSON renderer.
Json done_json(const rf_resize &answer)
{
	return {{"cores_done", answer.cpus_done},
		{"memory_done", answer.memory_done},
		{"functions_done", answer.functions_done}};
}

std::string refused_text(const ResizeRequest &wanted, const rf_resize &answer)
{
	if (is_on_memory(wanted.op))
		return text("the supervisor refused memory ", format_size(wanted.memory));
	if (is_on_functions(wanted.op))
		return text("the supervisor refused PCI functions ",
			    format_bdfs(wanted.functions, ", "));
	return text("the supervisor refused cores ", format_cpulist(wanted.cpus), " (core ",
		    answer.culprit, ")");
}

// A step that was begun and did not succeed.
std::string failed_text(const ResizeRequest &wanted, const rf_resize &answer)
{
	const std::string core = text("core ", answer.culprit);
	const std::string why =
		answer.error ? text(" (", std::strerror(std::abs(answer.error)), ")") : std::string();

	if (is_on_functions(wanted.op))
		return text("PCI function ", format_bdf(answer.culprit_function),
			    " could not be added or removed", why);
	if (answer.error == ETIMEDOUT && !wanted.cpus.empty())
		return core + " does not react to INIT: it stays where it is";
	if (is_on_memory(wanted.op))
		return text("memory could not be added or removed", why);
	return text(core, " could not be taken offline or brought up", why);
}

// Those that are with it.
std::vector<std::uint32_t> held(const rf_status &status, std::vector<std::uint32_t> bdfs)
{
	const auto end = status.functions + status.nr_functions;

	std::erase_if(bdfs, [&](std::uint32_t bdf) {
		return std::find(status.functions + 0, end, bdf) == end;
	});
	return bdfs;
}

// Who else is concerned, only the module knows.
[[noreturn]] void fail_function(const std::string &name, const rf_resize &answer,
				const std::string &done)
{
	const Error error = problem_error(answer.culprit_function, answer.problem,
					  ask_inventory(Supervisor::open()));
	Json details = done_json(answer);

	details.update(error.details());
	throw Error(error.code(), text("subOS '", name, "': ", error.what(), done), details);
}

} // namespace

bool is_on_memory(rf_resize_op op)
{
	return op == RF_RESIZE_MEMORY_ADD || op == RF_RESIZE_MEMORY_REMOVE;
}

bool is_on_functions(rf_resize_op op)
{
	return op == RF_RESIZE_PCI_ADD || op == RF_RESIZE_PCI_REMOVE;
}

std::string done_text(const ResizeRequest &wanted, const rf_resize &answer, const rf_status &now)
{
	if (answer.cpus_done)
		return text("; before that, ", answer.cpus_done, " cores changed hands");
	if (answer.memory_done)
		return text("; before that, ", format_size(answer.memory_done), " changed hands");
	if (answer.functions_done)
		return text("; before that, ", answer.functions_done,
			    " PCI functions changed hands");
	// An agent that was asked to add one may have done so, although it did not answer.
	if (wanted.op == RF_RESIZE_PCI_ADD)
		if (const auto kept = held(now, wanted.functions); !kept.empty())
			return text("; PCI functions ", format_bdfs(kept, ", "),
				    " belong to it all the same, and go back when it confirms that it "
				    "does not use them, or ends");
	return "; nothing has changed";
}

rf_resize Partition::resize(const ResizeRequest &wanted) const
{
	const std::vector<std::uint32_t> cpus(wanted.cpus.begin(), wanted.cpus.end());
	rf_resize argument{};

	argument.op = wanted.op;
	argument.cpus = reinterpret_cast<std::uintptr_t>(cpus.data());
	argument.nr_cpus = static_cast<std::uint32_t>(cpus.size());
	argument.to_fd = wanted.to ? wanted.to->fd() : -1;
	argument.memory = wanted.memory;
	argument.functions = reinterpret_cast<std::uintptr_t>(wanted.functions.data());
	argument.nr_functions = static_cast<std::uint32_t>(wanted.functions.size());
	argument.function_flags = wanted.function_flags;
	argument.flags = wanted.flags;
	argument.timeout_ms = static_cast<std::uint32_t>(wanted.timeout.count());
	argument.node = wanted.node;
	if (const int error = request(fd_, argument))
		fail_resize(error, wanted, argument);
	return argument;
}

void Partition::fail_resize(int error, const ResizeRequest &wanted, const rf_resize &answer) const
{
	const std::string core = text("core ", answer.culprit);
	// What the module refuses it has not begun.
	const bool may_have = wanted.op == RF_RESIZE_PCI_ADD && error != ENXIO;
	const std::string done = done_text(wanted, answer, may_have ? status() : rf_status{});
	const auto refuse = [&](Code code, const std::string &message) {
		return Error(code, text("subOS '", name_, "': ", message, done), done_json(answer));
	};

	switch (error) {
	// The plan found the core where it should be.
	case ENODEV: throw refuse(Code::busy, core + " went offline in the meantime");
	case EXDEV: throw refuse(Code::busy, core + " has another owner now");
	case EDOM: throw refuse(Code::bad_value, split_text(answer.culprit));
	case EINVAL:
		throw refuse(Code::bad_value, refused_text(wanted, answer));
	case ENXIO: fail_function(name_, answer, done);
	case EINPROGRESS:
		throw Error(Code::incomplete,
			    text("subOS '", name_, "': PCI functions ",
				 format_bdfs(held(status(), wanted.functions), ", "),
				 " were silenced and taken away, but the subOS did not confirm: "
				 "nobody else gets them until it confirms or ends"),
			    done_json(answer));
	case EIO: throw refuse(Code::incomplete, failed_text(wanted, answer));
	case EALREADY: throw refuse(Code::busy, hotplug_blocked);
	case ENOMEM:
		throw refuse(Code::not_enough,
			     no_memory_text(wanted.memory, answer.available, "added"));
	case EINTR: throw refuse(Code::interrupted, "interrupted");
	default: fail_asking(error, Call<rf_resize>::what, done, done_json(answer));
	}
}

} // namespace rf
