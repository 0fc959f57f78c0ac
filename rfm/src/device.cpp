// SPDX-License-Identifier: GPL-2.0
#include "device.hpp"

#include "cpulist.hpp"
#include "sizes.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace rf {

namespace {

// One row per call: its number, and the name that errors use.
template <typename Argument> struct Call;
template <> struct Call<rf_info> {
	static constexpr unsigned long number = RF_IOC_INFO;
	static constexpr const char *name = "RF_IOC_INFO";
};
template <> struct Call<rf_memory> {
	static constexpr unsigned long number = RF_IOC_MEMORY;
	static constexpr const char *name = "RF_IOC_MEMORY";
};
template <> struct Call<rf_list> {
	static constexpr unsigned long number = RF_IOC_LIST;
	static constexpr const char *name = "RF_IOC_LIST";
};
template <> struct Call<rf_create> {
	static constexpr unsigned long number = RF_IOC_CREATE;
	static constexpr const char *name = "RF_IOC_CREATE";
};
template <> struct Call<rf_open> {
	static constexpr unsigned long number = RF_IOC_OPEN;
	static constexpr const char *name = "RF_IOC_OPEN";
};
template <> struct Call<rf_status> {
	static constexpr unsigned long number = RF_IOC_STATUS;
	static constexpr const char *name = "RF_IOC_STATUS";
};
template <> struct Call<rf_load> {
	static constexpr unsigned long number = RF_IOC_LOAD;
	static constexpr const char *name = "RF_IOC_LOAD";
};
template <> struct Call<rf_start> {
	static constexpr unsigned long number = RF_IOC_START;
	static constexpr const char *name = "RF_IOC_START";
};
template <> struct Call<rf_destroy> {
	static constexpr unsigned long number = RF_IOC_DESTROY;
	static constexpr const char *name = "RF_IOC_DESTROY";
};

// The ioctl funnel: 0 or an errno, which only the caller can give a meaning.
template <typename Argument> int request(const Descriptor &fd, Argument &argument)
{
	argument.size = sizeof(argument);
	return ::ioctl(fd.get(), Call<Argument>::number, &argument) < 0 ? errno : 0;
}

// The error funnel: what an errno means on every call.
[[noreturn]] void fail(int error, const char *call)
{
	switch (error) {
	case EPERM:
	case EACCES:
		throw Error(Code::not_permitted,
			    "this needs root (CAP_SYS_ADMIN) and a kernel that is not locked down");
	case ENOENT:
		throw Error(Code::no_such_subos, "the subOS was destroyed meanwhile");
	case EINTR:
		throw Error(Code::interrupted, "interrupted");
	case E2BIG:
	case ENOTTY:
		throw Error(Code::internal, text(call,
						 ": the loaded rf_supervisor does not fit this "
						 "rfm: ",
						 std::strerror(error)));
	default:
		throw Error(Code::internal, text(call, " failed: ", std::strerror(error)));
	}
}

template <typename Argument> void call(const Descriptor &fd, Argument &argument)
{
	if (const int error = request(fd, argument))
		fail(error, Call<Argument>::name);
}

void set_name(char (&field)[RF_NAME_MAX], const std::string &name)
{
	if (name.size() >= RF_NAME_MAX)
		throw Error(Code::no_such_subos, text("no subOS is named '", name, "'"));
	std::memcpy(field, name.c_str(), name.size() + 1);
}

[[noreturn]] void fail_create(int error, const CreateRequest &wish, const rf_create &answer)
{
	switch (error) {
	case EPERM:
		throw Error(Code::not_permitted, "the kernel is locked down (Secure Boot?): it may "
						 "not start another kernel");
	case EBUSY:
		throw Error(Code::busy, text("another rfm (pid ", answer.culprit,
					     ") is creating a subOS: wait until it is done"));
	case EEXIST:
		throw Error(Code::busy, text("a subOS named '", wish.name,
					     "' exists: choose another name or destroy it first"));
	// The plan found the core online and free.
	case ENODEV:
		throw Error(Code::busy, text("core ", answer.culprit,
					     " went offline meanwhile: bring it online, or "
					     "choose another"));
	case EXDEV:
		throw Error(Code::busy, text("core ", answer.culprit,
					     " was given to another subOS meanwhile: choose "
					     "another, or destroy that one first"));
	case EIO:
		throw Error(Code::bad_value, text("core ", answer.culprit,
						  " could not be taken offline; the supervisor's "
						  "kernel log says why"));
	case ENOMEM:
		throw Error(Code::not_enough,
			    text("memory ", format_size(wish.memory), " cannot be taken: ",
				 format_size(answer.available), " could be given right now"));
	case ENOSPC:
		throw Error(Code::not_enough, "no slice of low memory is left for another subOS: "
					      "destroy one first");
	case EINVAL:
		throw Error(Code::bad_value, text("the supervisor refused cores ",
						  format_cpulist(wish.cpus), ", memory ",
						  format_size(wish.memory), ", node ", wish.node,
						  " (core ", answer.culprit, ")"));
	default:
		fail(error, Call<rf_create>::name);
	}
}

} // namespace

Descriptor::Descriptor(Descriptor &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Descriptor &Descriptor::operator=(Descriptor &&other) noexcept
{
	std::swap(fd_, other.fd_);
	return *this;
}

Descriptor::~Descriptor()
{
	if (fd_ >= 0)
		::close(fd_);
}

rf_status Partition::status() const
{
	rf_status status{};
	call(fd_, status);
	// Names are for people; a terminator is not taken on trust.
	status.name[RF_NAME_MAX - 1] = '\0';
	status.reason[RF_REASON_MAX - 1] = '\0';
	status.nr_cpus = std::min<std::uint32_t>(status.nr_cpus, RF_CPUS_MAX);
	status.nr_ranges = std::min<std::uint32_t>(status.nr_ranges, RF_RANGES_MAX);
	return status;
}

void Partition::load(std::span<const rf_segment> segments) const
{
	rf_load argument{};
	argument.nr_segments = static_cast<std::uint32_t>(segments.size());
	argument.segments = reinterpret_cast<std::uintptr_t>(segments.data());
	const int error = request(fd_, argument);
	if (error == ERANGE && argument.culprit < segments.size())
		throw Error(Code::internal,
			    text("boot image segment ", argument.culprit, " at 0x", std::hex,
				 segments[argument.culprit].phys,
				 " lies outside the partition or overlaps another"));
	if (error)
		fail(error, Call<rf_load>::name);
}

void Partition::start(rf_start how) const
{
	const int error = request(fd_, how);
	if (error == ETIMEDOUT)
		throw Error(Code::not_up,
			    text("the boot core did not reach the kernel: it stopped in stage '",
				 stage_name(status().stage), "'; all is given back"),
			    {{"stage", stage_name(status().stage)}});
	if (error == EOPNOTSUPP)
		throw Error(Code::internal, "this processor has no 5-level paging");
	if (error)
		fail(error, Call<rf_start>::name);
}

void Partition::publish() const
{
	if (::ioctl(fd_.get(), RF_IOC_PUBLISH) < 0)
		fail(errno, "RF_IOC_PUBLISH");
}

rf_destroy Partition::destroy() const
{
	rf_destroy answer{};
	int error;

	// Safe to repeat; a signal must not leave a subOS half given back.
	do
		error = request(fd_, answer);
	while (error == EINTR);
	if (error == EIO)
		throw Error(Code::incomplete,
			    answer.culprit ? text("'", name_, "': core ", answer.culprit,
						  " did not come back; try 'rfm destroy ", name_,
						  "' again")
					   : text("'", name_,
						  "': not everything could be given back; try "
						  "'rfm destroy ",
						  name_, "' again"));
	if (error)
		fail(error, Call<rf_destroy>::name);
	return answer;
}

Partition::Event Partition::wait(std::chrono::milliseconds at_most) const
{
	pollfd entry{fd_.get(), POLLIN, 0};
	const int ready = ::poll(&entry, 1, static_cast<int>(at_most.count()));

	if (ready < 0 && errno != EINTR)
		fail(errno, "poll");
	if (ready <= 0)
		return Event::none;
	return entry.revents & (POLLHUP | POLLERR | POLLNVAL) ? Event::gone : Event::changed;
}

bool Partition::read(std::uint64_t phys, std::span<std::byte> into) const
{
	while (!into.empty()) {
		const ssize_t got = ::pread(fd_.get(), into.data(), into.size(),
					    static_cast<off_t>(phys));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		phys += static_cast<std::uint64_t>(got);
		into = into.subspan(static_cast<std::size_t>(got));
	}
	return true;
}

Supervisor Supervisor::open()
{
	Descriptor fd(::open(RF_DEVICE, O_RDWR | O_CLOEXEC));

	if (!fd.valid() && (errno == EACCES || errno == EPERM))
		throw Error(Code::not_permitted,
			    text("this needs root: ", RF_DEVICE, " cannot be opened by user id ",
				 ::geteuid()));
	if (!fd.valid() && (errno == ENOENT || errno == ENODEV || errno == ENXIO))
		throw Error(Code::no_module, "the module rf_supervisor is not loaded: load it with "
					     "'modprobe rf_supervisor'");
	if (!fd.valid())
		throw Error(Code::internal, text(RF_DEVICE, ": ", std::strerror(errno)));

	Supervisor supervisor(std::move(fd));
	const rf_info info = supervisor.info();
	if (info.abi != RF_ABI_VERSION)
		throw Error(Code::internal, text("the loaded rf_supervisor speaks ABI ", info.abi,
						 ", this rfm ABI ", RF_ABI_VERSION,
						 ": install both from the same version"));
	return supervisor;
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

Partition Supervisor::create(const CreateRequest &wish) const
{
	const std::vector<std::uint32_t> cpus(wish.cpus.begin(), wish.cpus.end());
	rf_create argument{};

	set_name(argument.name, wish.name);
	argument.cpus = reinterpret_cast<std::uintptr_t>(cpus.data());
	argument.nr_cpus = static_cast<std::uint32_t>(cpus.size());
	argument.node = wish.node;
	argument.memory = wish.memory;
	if (const int error = request(fd_, argument))
		fail_create(error, wish, argument);
	return Partition(Descriptor(argument.fd), wish.name);
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
				 others.empty() ? "there is none" : "there are: " + others));
	}
	if (error)
		fail(error, Call<rf_open>::name);
	return Partition(Descriptor(argument.fd), name);
}

const char *state_name(std::uint32_t state)
{
	switch (state) {
	case RF_STATE_DEFINED: return "defined";
	case RF_STATE_LOADED: return "loaded";
	case RF_STATE_BOOTING: return "booting";
	case RF_STATE_RUNNING: return "running";
	case RF_STATE_STOPPING: return "stopping";
	case RF_STATE_STOPPED: return "stopped";
	case RF_STATE_CRASHED: return "crashed";
	case RF_STATE_LOST: return "lost";
	default: return "?";
	}
}

const char *stage_name(std::uint32_t stage)
{
	switch (stage) {
	case RF_STAGE_NONE: return "not started";
	case RF_STAGE_REAL_MODE: return "real mode";
	case RF_STAGE_LONG_MODE: return "long mode";
	case RF_STAGE_CUSTOM: return "customized trampoline";
	case RF_STAGE_MSRS: return "MTRR and PAT restored";
	case RF_STAGE_PAGE_TABLES: return "own page tables";
	case RF_STAGE_KERNEL: return "kernel";
	case RF_STAGE_AGENT: return "agent";
	case RF_STAGE_CPUS: return "all cores up";
	case RF_STAGE_RUNNING: return "running";
	default: return "?";
	}
}

// As sysfs has them.
const char *cause_name(std::uint32_t cause)
{
	switch (cause) {
	case RF_CAUSE_NONE: return "none";
	case RF_CAUSE_OPERATOR: return "operator";
	case RF_CAUSE_POWEROFF: return "poweroff";
	case RF_CAUSE_HALT: return "halt";
	case RF_CAUSE_REBOOT: return "reboot";
	case RF_CAUSE_PANIC: return "panic";
	case RF_CAUSE_EMERGENCY: return "emergency";
	case RF_CAUSE_ACPI_RESET: return "acpi-reset";
	case RF_CAUSE_ACPI_SLEEP: return "acpi-sleep";
	case RF_CAUSE_AGENT: return "agent";
	case RF_CAUSE_NO_ENTRY: return "no-entry";
	case RF_CAUSE_SUPERVISOR: return "supervisor";
	default: return "?";
	}
}

bool has_ended(const rf_status &status)
{
	return status.state == RF_STATE_STOPPED || status.state == RF_STATE_CRASHED;
}

std::uint64_t monotonic_ns()
{
	timespec now{};
	::clock_gettime(CLOCK_MONOTONIC, &now);
	return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
	       static_cast<std::uint64_t>(now.tv_nsec);
}

} // namespace rf
