// SPDX-License-Identifier: GPL-2.0
// An rf_supervisor of any version behind /dev/rainforest: its calls are dispatched by the
// module's own code (supervisor/control/ioctl.c), with the sizes that structs have in that
// version. While there is one, Supervisor::open() opens it, and rfm has its lock in a folder of
// its own.
#pragma once

#include "uapi/rainforest.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace rf::test {

class FakeModule {
public:
	// 2 and 3: as they were. Above RF_ABI_VERSION: every struct has grown by a field, which
	// is not 0 in answers.
	explicit FakeModule(std::uint32_t abi);
	~FakeModule();
	FakeModule(const FakeModule &) = delete;
	FakeModule &operator=(const FakeModule &) = delete;

	std::vector<std::string> names;	// of subOSes; each has core 0 and 64 MiB
	bool answers_cores = true;	// RF_IOC_CORES is known
	bool admin = true;		// the caller has CAP_SYS_ADMIN
	int statistics = 0;		// what a question to an agent ends with: 0 or a negative errno
	bool refuses = false;		// every call but INFO is EINVAL
	std::uint32_t state = RF_STATE_RUNNING, starts = 3;	// of each
	std::function<void(std::uint32_t flags)> on_stop;	// what STOP leads to
	std::function<int(const rf_resize &)> on_resize;	// 0 or a negative errno
	std::vector<std::string> stuck;	// those that cannot be given back
	std::vector<std::uint32_t> taken;	// cores with which CREATE is EXDEV
	unsigned creates = 0;			// how often it was called
	bool refuses_policies = false;	// POLICY is EINVAL
	rf_policies policies{.on_crash = RF_POLICY_KEEP, .on_reboot = RF_POLICY_RESTART,
			     .restarts = 5, .hang_timeout_ms = 10000};	// last set, of any
	std::uint32_t restarts_left = 5;	// of each
	std::map<std::string, std::string> definitions;	// by name of the subOS

	std::uint32_t abi() const { return abi_; }
	int open();			// a machine descriptor
	int open(const std::string &name);
	bool has(int fd) const { return fds_.contains(fd); }
	int ioctl(int fd, unsigned int number, void *argument);
	// The subOS of the descriptor of the call that is being handled.
	const std::string &called() const { return called_; }

private:
	std::uint32_t abi_;
	std::string folder_ = "/tmp/rfm-fake-XXXXXX";
	std::string called_;
	std::map<int, std::string> fds_;	// "": a machine descriptor
};

} // namespace rf::test
