// SPDX-License-Identifier: GPL-2.0
// One typed funnel for the module's ioctls and one for their errors, for the owners
// of its descriptors (supervisor.hpp, partition.hpp).
#pragma once

#include "base/descriptor.hpp"

#include "uapi/rainforest.h"

#include <cstdint>
#include <string>

namespace rf {

// One row per call: its number, and what errors say the supervisor could not do.
template <typename Argument> struct Call;
template <> struct Call<rf_info> {
	static constexpr unsigned long number = RF_IOC_INFO;
	static constexpr const char *what = "report its figures";
};
template <> struct Call<rf_memory> {
	static constexpr unsigned long number = RF_IOC_MEMORY;
	static constexpr const char *what = "report memory";
};
template <> struct Call<rf_list> {
	static constexpr unsigned long number = RF_IOC_LIST;
	static constexpr const char *what = "list subOSes";
};
template <> struct Call<rf_create> {
	static constexpr unsigned long number = RF_IOC_CREATE;
	static constexpr const char *what = "create the subOS";
};
template <> struct Call<rf_open> {
	static constexpr unsigned long number = RF_IOC_OPEN;
	static constexpr const char *what = "open the subOS";
};
template <> struct Call<rf_cores> {
	static constexpr unsigned long number = RF_IOC_CORES;
	static constexpr const char *what = "list cores";
};
template <> struct Call<rf_functions> {
	static constexpr unsigned long number = RF_IOC_FUNCTIONS;
	static constexpr const char *what = "list PCI functions";
};
template <> struct Call<rf_events> {
	static constexpr unsigned long number = RF_IOC_EVENTS;
	static constexpr const char *what = "read events";
};
template <> struct Call<rf_status> {
	static constexpr unsigned long number = RF_IOC_STATUS;
	static constexpr const char *what = "report the subOS's state";
};
template <> struct Call<rf_load> {
	static constexpr unsigned long number = RF_IOC_LOAD;
	static constexpr const char *what = "load the boot image";
};
template <> struct Call<rf_start> {
	static constexpr unsigned long number = RF_IOC_START;
	static constexpr const char *what = "start the subOS";
};
template <> struct Call<rf_destroy> {
	static constexpr unsigned long number = RF_IOC_DESTROY;
	static constexpr const char *what = "destroy the subOS";
};
template <> struct Call<rf_policies> {
	static constexpr unsigned long number = RF_IOC_POLICY;
	static constexpr const char *what = "set policies";
};
template <> struct Call<rf_resize> {
	static constexpr unsigned long number = RF_IOC_RESIZE;
	static constexpr const char *what = "resize the subOS";
};
template <> struct Call<rf_stop_args> {
	static constexpr unsigned long number = RF_IOC_STOP;
	static constexpr const char *what = "stop the subOS";
};
template <> struct Call<rf_reset> {
	static constexpr unsigned long number = RF_IOC_RESET;
	static constexpr const char *what = "reset the subOS";
};
template <> struct Call<rf_stats> {
	static constexpr unsigned long number = RF_IOC_STATISTICS;
	static constexpr const char *what = "get statistics";
};
template <> struct Call<rf_window> {
	static constexpr unsigned long number = RF_IOC_WINDOW;
	static constexpr const char *what = "set the console's size";
};
template <> struct Call<rf_console_open> {
	static constexpr unsigned long number = RF_IOC_CONSOLE;
	static constexpr const char *what = "open the console";
};

// Whose members may open the device and look (udev/60-rainforest.rules).
constexpr const char operators_group[] = "rainforest";

// 0 or an errno.
int ioctl_errno(const Descriptor &fd, unsigned long number, void *argument);

// What an errno means on every call.
[[noreturn]] void fail_ioctl(int error, const char *what);

// What EALREADY means where cores or memory change hands.
constexpr const char hotplug_blocked[] =
	"cores and memory of the supervisor's kernel cannot come or go now: its log says why; try "
	"again later";

// What EDOM means where cores change hands.
std::string split_text(std::uint32_t core);

// What ENOMEM means where memory was asked for: too little was free, or the kernel had none
// for its own records.
std::string no_memory_text(std::uint64_t wanted, std::uint64_t available, const char *done);

// The ioctl funnel: 0 or an errno, which only the caller can give a meaning.
template <typename Argument> int request(const Descriptor &fd, Argument &argument)
{
	argument.size = sizeof(argument);
	return ioctl_errno(fd, Call<Argument>::number, &argument);
}

template <typename Argument> void call(const Descriptor &fd, Argument &argument)
{
	if (const int error = request(fd, argument))
		fail_ioctl(error, Call<Argument>::what);
}

} // namespace rf
