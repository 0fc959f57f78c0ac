// SPDX-License-Identifier: GPL-2.0
#include "host/open_inside.hpp"

#include <cerrno>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace rf {

Descriptor open_inside(int folder, const char *path, int flags, std::uint64_t resolve)
{
	constexpr unsigned tries_most = 100;
	open_how how{};
	int fd = -1;

	how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
	how.resolve = resolve;
	for (unsigned tries = 0; tries < tries_most; tries++) {
		fd = static_cast<int>(::syscall(SYS_openat2, folder, path, &how, sizeof(how)));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return Descriptor(fd);
}

} // namespace rf
