// SPDX-License-Identifier: GPL-2.0
#include "host/room.hpp"

#include "base/error.hpp"

#include <sys/statvfs.h>

namespace rf {

void need_room(const std::string &folder, std::uint64_t bytes)
{
	constexpr std::uint64_t spare = 64 << 20;
	constexpr unsigned mib = 20;
	struct statvfs facts {};

	// Who writes is told soon enough.
	if (::statvfs(folder.c_str(), &facts) < 0)
		return;
	const std::uint64_t free = std::uint64_t{facts.f_bavail} * facts.f_frsize;
	const std::uint64_t room = free > spare ? free - spare : 0;
	if (bytes > room)
		throw Error(Code::not_enough,
			    text("temporary files of ", (bytes >> mib) + 1, "M do not fit into '",
				 folder, "', where there is room for ", room >> mib,
				 "M: set TMPDIR to a folder on a file system with more"));
}

} // namespace rf
