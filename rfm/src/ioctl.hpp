// SPDX-License-Identifier: GPL-2.0
// One typed funnel for the module's ioctls and one for their errors, for the owners
// of its descriptors (device.hpp).
#pragma once

#include "device.hpp"

namespace rf {

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
template <> struct Call<rf_cores> {
	static constexpr unsigned long number = RF_IOC_CORES;
	static constexpr const char *name = "RF_IOC_CORES";
};
template <> struct Call<rf_functions> {
	static constexpr unsigned long number = RF_IOC_FUNCTIONS;
	static constexpr const char *name = "RF_IOC_FUNCTIONS";
};
template <> struct Call<rf_events> {
	static constexpr unsigned long number = RF_IOC_EVENTS;
	static constexpr const char *name = "RF_IOC_EVENTS";
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
template <> struct Call<rf_policies> {
	static constexpr unsigned long number = RF_IOC_POLICY;
	static constexpr const char *name = "RF_IOC_POLICY";
};
template <> struct Call<rf_resize> {
	static constexpr unsigned long number = RF_IOC_RESIZE;
	static constexpr const char *name = "RF_IOC_RESIZE";
};
template <> struct Call<rf_stop_args> {
	static constexpr unsigned long number = RF_IOC_STOP;
	static constexpr const char *name = "RF_IOC_STOP";
};
template <> struct Call<rf_reset> {
	static constexpr unsigned long number = RF_IOC_RESET;
	static constexpr const char *name = "RF_IOC_RESET";
};
template <> struct Call<rf_stats> {
	static constexpr unsigned long number = RF_IOC_STATISTICS;
	static constexpr const char *name = "RF_IOC_STATISTICS";
};
template <> struct Call<rf_window> {
	static constexpr unsigned long number = RF_IOC_WINDOW;
	static constexpr const char *name = "RF_IOC_WINDOW";
};
template <> struct Call<rf_console_open> {
	static constexpr unsigned long number = RF_IOC_CONSOLE;
	static constexpr const char *name = "RF_IOC_CONSOLE";
};

// 0 or an errno.
int ioctl_errno(const Descriptor &fd, unsigned long number, void *argument);

// What an errno means on every call.
[[noreturn]] void fail_ioctl(int error, const char *call);

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
		fail_ioctl(error, Call<Argument>::name);
}

} // namespace rf
