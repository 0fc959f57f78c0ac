// SPDX-License-Identifier: GPL-2.0
#include "client/supervisor.hpp"

#include "base/cpulist.hpp"
#include "base/sizes.hpp"
#include "client/fit.hpp"
#include "client/ioctl.hpp"
#include "client/problem.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace rf {

namespace {

void set_name(char (&field)[RF_NAME_MAX], const std::string &name)
{
	if (name.size() >= RF_NAME_MAX)
		throw Error(Code::no_such_subos, text("no subOS is named '", name, "'"));
	std::memcpy(field, name.c_str(), name.size() + 1);
}

[[noreturn]] void fail_create(int error, const CreateRequest &wanted, const rf_create &answer,
			      const Supervisor &supervisor)
{
	switch (error) {
	case EPERM:
		if (supervisor.info().locked_down)
			throw Error(Code::not_permitted, "the kernel is locked down (Secure Boot?): "
							 "it may not start another kernel");
		fail_ioctl(error, Call<rf_create>::what);
	case EBUSY:
		throw Error(Code::busy, "this machine is being suspended: try again when it is awake");
	case EEXIST:
		throw Error(Code::busy, text("a subOS named '", wanted.name,
					     "' exists: choose another name or destroy it first"));
	// The plan found the core online and free.
	case ENODEV:
		throw Error(Code::busy, text("core ", answer.culprit,
					     " went offline in the meantime: bring it online, "
					     "or choose another"));
	case EXDEV:
		throw Error(Code::busy, text("core ", answer.culprit,
					     " was given to another subOS in the meantime: "
					     "choose another, or destroy that one first"));
	case EDOM: throw Error(Code::bad_value, split_text(answer.culprit));
	case EIO:
		throw Error(Code::bad_value, text("core ", answer.culprit,
						  " could not be taken offline; the supervisor's "
						  "kernel log says why"));
	case ETIMEDOUT:
		throw Error(Code::bad_value,
			    text("core ", answer.culprit,
				 " does not react to INIT (is it in VMX root operation?): choose "
				 "another"));
	case EALREADY: throw Error(Code::busy, hotplug_blocked);
	case ENOMEM:
		throw Error(Code::not_enough,
			    no_memory_text(wanted.memory, answer.available, "taken"));
	case ENOSPC:
		throw Error(Code::not_enough, "no slice of low memory is left for another subOS: "
					      "destroy one first");
	case ENXIO:
		throw problem_error(answer.culprit_function, answer.problem,
				    ask_inventory(supervisor));
	case EINVAL:
		throw Error(Code::bad_value, text("the supervisor refused cores ",
						  format_cpulist(wanted.cpus), ", memory ",
						  format_size(wanted.memory), ", node ",
						  wanted.node, " (core ", answer.culprit, ")"));
	default:
		fail_ioctl(error, Call<rf_create>::what);
	}
}

} // namespace

Supervisor Supervisor::open()
{
	// For reading: more than that the operators' group may not, and nothing is written.
	Descriptor fd(::open(RF_DEVICE, O_RDONLY | O_CLOEXEC));

	if (!fd.valid() && (errno == EACCES || errno == EPERM))
		throw Error(Code::not_permitted,
			    text("this needs root or, to look only, a member of the group '",
				 operators_group, "': ", RF_DEVICE, " cannot be opened by user id ",
				 ::geteuid()));
	if (!fd.valid() && (errno == ENOENT || errno == ENODEV || errno == ENXIO))
		throw Error(Code::no_module, "the module rf_supervisor is not loaded: load it with "
					     "'modprobe rf_supervisor'");
	if (!fd.valid())
		throw Error(Code::internal, text(RF_DEVICE, ": ", std::strerror(errno)));

	return Supervisor(std::move(fd));
}

std::optional<Supervisor> Supervisor::open_if_possible()
{
	try {
		return open();
	} catch (const Error &error) {
		if (error.code() == Code::no_module || error.code() == Code::not_permitted)
			return std::nullopt;
		throw;
	}
}

rf_info Supervisor::info() const
{
	rf_info info{};
	call(fd_, info);
	info.version[sizeof(info.version) - 1] = '\0';
	return info;
}

rf_memory Supervisor::memory(int node) const
{
	rf_memory memory{};
	memory.node = node;
	call(fd_, memory);
	// An older module does not say it: at best all that it has.
	if (info().abi < memory_abi)
		memory.available = memory.pool_free + memory.movable + memory.other;
	return memory;
}

std::vector<std::string> Supervisor::names() const
{
	std::vector<std::array<char, RF_NAME_MAX>> buffer(16);
	rf_list list{};

	for (;;) {
		list = {};
		list.capacity = static_cast<std::uint32_t>(buffer.size());
		list.names = reinterpret_cast<std::uintptr_t>(buffer.data());
		call(fd_, list);
		if (list.count <= buffer.size())
			break;
		buffer.resize(list.count);
	}
	std::vector<std::string> names;
	for (std::uint32_t i = 0; i < list.count; i++)
		names.emplace_back(buffer[i].data(), ::strnlen(buffer[i].data(), RF_NAME_MAX));
	return names;
}

std::vector<rf_core> Supervisor::cores() const
{
	std::vector<rf_core> buffer(RF_CPUS_MAX);
	rf_cores list{};

	for (;;) {
		list = {};
		list.capacity = static_cast<std::uint32_t>(buffer.size());
		list.cores = reinterpret_cast<std::uintptr_t>(buffer.data());
		call(fd_, list);
		if (list.count <= buffer.size())
			break;
		buffer.resize(list.count);
	}
	buffer.resize(list.count);
	return buffer;
}

std::vector<rf_function_info> Supervisor::functions() const
{
	std::vector<rf_function_info> buffer(64);
	rf_functions list{};

	for (;;) {
		list = {};
		list.capacity = static_cast<std::uint32_t>(buffer.size());
		list.functions = reinterpret_cast<std::uintptr_t>(buffer.data());
		call(fd_, list);
		if (list.count <= buffer.size())
			break;
		buffer.resize(list.count);
	}
	buffer.resize(list.count);
	for (rf_function_info &function : buffer)
		function.driver[sizeof(function.driver) - 1] = '\0';
	return buffer;
}

Events Supervisor::events(std::uint64_t after) const
{
	Events events;
	rf_events argument{};

	events.list.resize(RF_EVENTS_KEPT);
	argument.capacity = static_cast<std::uint32_t>(events.list.size());
	argument.after = after;
	argument.events = reinterpret_cast<std::uintptr_t>(events.list.data());
	call(fd_, argument);
	events.list.resize(std::min<std::size_t>(argument.count, events.list.size()));
	for (rf_event &event : events.list) {
		event.name[RF_NAME_MAX - 1] = '\0';
		event.detail[RF_REASON_MAX - 1] = '\0';
	}
	events.lost = argument.lost;
	return events;
}

Partition Supervisor::create(const CreateRequest &wanted) const
{
	const std::vector<std::uint32_t> cpus(wanted.cpus.begin(), wanted.cpus.end());
	rf_create argument{};

	set_name(argument.name, wanted.name);
	argument.cpus = reinterpret_cast<std::uintptr_t>(cpus.data());
	argument.nr_cpus = static_cast<std::uint32_t>(cpus.size());
	argument.node = wanted.node;
	argument.memory = wanted.memory;
	argument.functions = reinterpret_cast<std::uintptr_t>(wanted.functions.data());
	argument.nr_functions = static_cast<std::uint32_t>(wanted.functions.size());
	argument.function_flags = wanted.function_flags;
	argument.flags = wanted.flags;
	if (const int error = request(fd_, argument))
		fail_create(error, wanted, argument, *this);
	return Partition(Descriptor(argument.fd), wanted.name);
}

Partition Supervisor::subos(const std::string &name) const
{
	rf_open argument{};
	int error = ENOENT;

	if (name.size() < RF_NAME_MAX) {
		set_name(argument.name, name);
		error = request(fd_, argument);
	}
	// An empty or malformed name is no subOS's name either.
	if (error == ENOENT || error == EINVAL) {
		std::string others;
		for (const std::string &other : names())
			others += (others.empty() ? "" : ", ") + other;
		throw Error(Code::no_such_subos,
			    text("no subOS is named '", name, "'; ",
				 others.empty() ? "there are no subOSes"
						: "existing subOSes: " + others));
	}
	if (error)
		fail_ioctl(error, Call<rf_open>::what);
	return Partition(Descriptor(argument.fd), name);
}

std::map<std::uint32_t, std::string> Supervisor::names_by_id() const
{
	std::map<std::uint32_t, std::string> found;

	for (const std::string &name : names()) {
		try {
			found[subos(name).status().id] = name;
		} catch (const Error &error) {
			// Destroyed between the list and the look.
			if (error.code() != Code::no_such_subos)
				throw;
		}
	}
	return found;
}

Lent Supervisor::lent_cores() const
{
	Lent lent;

	// First those that are on their way, too: to a subOS that is not in the list yet, or home.
	for (const rf_core &core : cores())
		if (core.owner)
			lent[core.cpu] = "";
	for (const std::string &name : names()) {
		try {
			const rf_status status = subos(name).status();
			for (std::uint32_t i = 0; i < status.nr_cpus; i++)
				lent[status.cpus[i]] = name;
		} catch (const Error &error) {
			// Destroyed between the list and the look: it lends nothing any more.
			if (error.code() != Code::no_such_subos)
				throw;
		}
	}
	return lent;
}

} // namespace rf
