// SPDX-License-Identifier: GPL-2.0
#include "client/partition.hpp"

#include "client/ioctl.hpp"
#include "client/words.hpp"

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <unistd.h>

namespace rf {

bool has_ended(const rf_status &status)
{
	return status.state == RF_STATE_STOPPED || status.state == RF_STATE_CRASHED;
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
	status.nr_functions = std::min<std::uint32_t>(status.nr_functions, RF_FUNCTIONS_MAX);
	return status;
}

// EBUSY of a step of a create: its state does not allow it, for someone else was at it.
void Partition::check_step(int error, const char *step) const
{
	if (error == EBUSY)
		throw Error(Code::busy, text("subOS '", name_, "' cannot be ", step, ": it is ",
					     state_name(status().state)));
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
	check_step(error, "loaded");
	if (error)
		fail_ioctl(error, Call<rf_load>::what);
}

void Partition::start(rf_start how) const
{
	const int error = request(fd_, how);
	if (error == ETIMEDOUT)
		throw Error(Code::not_up,
			    text("the boot core did not reach the kernel: it stopped in stage '",
				 stage_name(status().stage), "'; what it took goes back"),
			    {{"stage", stage_name(status().stage)}});
	if (error == EOPNOTSUPP)
		throw Error(Code::internal, "this processor has no 5-level paging");
	check_step(error, "started");
	if (error)
		fail_ioctl(error, Call<rf_start>::what);
}

void Partition::publish() const
{
	if (const int error = ioctl_errno(fd_, RF_IOC_PUBLISH, nullptr))
		fail_ioctl(error, "keep the subOS");
}

static std::string not_held_text(const std::string &name, std::uint32_t core)
{
	return text("'", name, "': core ", core, " does not react to INIT: it may still execute");
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
	if (error == ETIMEDOUT)
		throw Error(Code::incomplete,
			    text(not_held_text(name_, answer.culprit), ", and what it has stays; try "
				 "'rfm destroy ", name_, "' again; if it stays so, reboot"));
	if (error)
		fail_ioctl(error, Call<rf_destroy>::what);
	return answer;
}

Partition::Event Partition::wait(std::chrono::milliseconds at_most) const
{
	pollfd entry{fd_.get(), POLLIN, 0};
	const int ready = ::poll(&entry, 1, static_cast<int>(at_most.count()));

	if (ready < 0 && errno != EINTR)
		fail_ioctl(errno, "poll");
	if (ready <= 0)
		return Event::none;
	return entry.revents & (POLLHUP | POLLERR | POLLNVAL) ? Event::gone : Event::changed;
}

bool Partition::read(std::uint64_t phys, std::span<std::byte> into) const
{
	if (read_at(fd_.get(), into, phys))
		return true;
	if (errno == EPERM)
		fail_ioctl(errno, "read the subOS's memory");
	return false;
}

// The errors that all calls have which ask the agent.
void Partition::fail_asking(int error, const char *what, const std::string &done,
			    const Json &details) const
{
	const auto refuse = [&](Code code, const std::string &message) {
		return Error(code, text("subOS '", name_, "' ", message, done), details);
	};

	switch (error) {
	case EBUSY: {
		const rf_status now = status();
		if (now.state != RF_STATE_RUNNING)
			throw refuse(Code::not_up, text("is not running: ", state_name(now.state)));
		throw refuse(Code::busy,
			     "is being adjusted by someone else: wait until that is done");
	}
	case EOPNOTSUPP: throw refuse(Code::no_answer, "has no agent that can do this");
	case ETIMEDOUT:
		throw refuse(Code::no_answer, "did not answer in time; the request was cancelled");
	case EPROTO:
		throw refuse(Code::no_answer,
			     "gave an answer that makes no sense; the request was cancelled");
	case ENOTCONN:
		throw refuse(Code::no_answer, "cannot be reached: its agent has not reported yet");
	case EPIPE: throw refuse(Code::not_up, "went down in the meantime");
	default: fail_ioctl(error, what);
	}
}

void Partition::stop(std::uint32_t flags) const
{
	rf_stop_args argument{};

	argument.flags = flags;
	if (const int error = request(fd_, argument))
		fail_asking(error, Call<rf_stop_args>::what);
}

void Partition::reset(std::uint32_t flags) const
{
	rf_reset argument{};

	argument.flags = flags;
	const int error = request(fd_, argument);
	if (error == EBUSY) {
		const rf_status now = status();
		if (!has_ended(now))
			throw Error(Code::busy, text("subOS '", name_, "' has not ended: it is ",
						     state_name(now.state)));
		throw Error(Code::busy, "this machine is being suspended: try again when it is awake");
	}
	if (error == ETIMEDOUT)
		throw Error(Code::incomplete,
			    text(not_held_text(name_, status().not_held), ", and the subOS cannot be "
				 "started again before it does"));
	if (error)
		fail_ioctl(error, Call<rf_reset>::what);
}

void Partition::set_policies(rf_policies policies) const
{
	call(fd_, policies);
}

void Partition::define(const std::string &words) const
{
	rf_definition argument{};

	argument.size = sizeof(argument);
	argument.length = static_cast<std::uint32_t>(words.size());
	argument.text = reinterpret_cast<std::uintptr_t>(words.data());
	const int error = ioctl_errno(fd_, RF_IOC_DEFINE, &argument);
	if (error == E2BIG && words.size() > RF_DEFINITION_MAX)
		throw Error(Code::bad_value,
			    text("the options of subOS '", name_, "' make ", words.size(),
				 " bytes, and the supervisor keeps at most ", RF_DEFINITION_MAX));
	if (error)
		fail_ioctl(error, "store the definition");
}

std::string Partition::definition() const
{
	std::string words(RF_DEFINITION_MAX, '\0');
	rf_definition argument{};

	argument.size = sizeof(argument);
	argument.length = static_cast<std::uint32_t>(words.size());
	argument.text = reinterpret_cast<std::uintptr_t>(words.data());
	if (const int error = ioctl_errno(fd_, RF_IOC_DEFINITION, &argument))
		fail_ioctl(error, "read the definition");
	words.resize(std::min<std::size_t>(argument.length, words.size()));
	return words;
}

rf_statistics Partition::statistics() const
{
	rf_stats argument{};

	if (const int error = request(fd_, argument))
		fail_asking(error, Call<rf_stats>::what);
	argument.inside.release[sizeof(argument.inside.release) - 1] = '\0';
	return argument.inside;
}

void Partition::set_window(std::uint16_t rows, std::uint16_t columns) const
{
	rf_window argument{};

	argument.rows = rows;
	argument.columns = columns;
	if (const int error = request(fd_, argument))
		fail_asking(error, Call<rf_window>::what);
}

Descriptor Partition::console(std::uint32_t flags) const
{
	rf_console_open argument{};

	argument.flags = flags;
	const int error = request(fd_, argument);
	if (error == EBUSY)
		throw Error(Code::busy,
			    text("another session writes to the console of '", name_, "'"));
	if (error)
		fail_ioctl(error, Call<rf_console_open>::what);
	return Descriptor(argument.fd);
}

} // namespace rf
