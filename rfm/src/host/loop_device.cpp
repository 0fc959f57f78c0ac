// SPDX-License-Identifier: GPL-2.0
#include "host/loop_device.hpp"

#include "base/error.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

namespace rf {

namespace {

// Others look for a free one, too.
constexpr unsigned tries_most = 64;

[[noreturn]] void fail(const std::string &path)
{
	throw Error(Code::bad_file, text("loop device '", path, "': ", std::strerror(errno)));
}

} // namespace

LoopDevice::LoopDevice(int file)
{
	const std::string control_path = "/dev/loop-control";
	const Descriptor control(::open(control_path.c_str(), O_RDWR | O_CLOEXEC));
	loop_config config{};

	if (!control.valid())
		fail(control_path);
	config.fd = static_cast<__u32>(file);
	config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
	for (unsigned tries = 0;; tries++) {
		const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
		if (number < 0)
			fail(control_path);
		path_ = text("/dev/loop", number);
		fd_ = Descriptor(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
		if (fd_.valid() && ::ioctl(fd_.get(), LOOP_CONFIGURE, &config) == 0)
			return;
		if (tries == tries_most || (fd_.valid() && errno != EBUSY))
			fail(path_);
	}
}

} // namespace rf
