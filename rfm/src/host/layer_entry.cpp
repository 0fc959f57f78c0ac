// SPDX-License-Identifier: GPL-2.0
#include "host/layer_entry.hpp"

#include "base/error.hpp"
#include "host/layer_path.hpp"

#include <algorithm>
#include <climits>
#include <string_view>

#include <archive.h>
#include <archive_entry.h>
#include <sys/xattr.h>

namespace rf {

namespace {

constexpr const char *capability = "security.capability";

} // namespace

std::uint64_t bytes_of(archive_entry *entry)
{
	std::int64_t offset = 0, size = 0;
	std::uint64_t bytes = 0;

	if (::archive_entry_hardlink(entry))
		return 0;
	if (!::archive_entry_sparse_reset(entry))
		return static_cast<std::uint64_t>(std::max<std::int64_t>(
			::archive_entry_size(entry), 0));
	while (::archive_entry_sparse_next(entry, &offset, &size) == ARCHIVE_OK)
		bytes += static_cast<std::uint64_t>(std::max<std::int64_t>(size, 0));
	return bytes;
}

uid_t id_of(std::int64_t id, const std::string &path)
{
	if (id < 0 || id >= UINT_MAX)
		refuse_path(path, text("its owner is ", id, ", which is no user or group id"));
	return static_cast<uid_t>(id);
}

bool set_capability(int fd, archive_entry *entry)
{
	const char *name = nullptr;
	const void *value = nullptr;
	std::size_t size = 0;

	::archive_entry_xattr_reset(entry);
	while (::archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK)
		if (name && std::string_view(name) == capability &&
		    ::fsetxattr(fd, capability, value, size, 0) < 0)
			return false;
	return true;
}

void copy_capability(int fd, archive_entry *entry)
{
	char value[64];	// the kernel's own has 24 bytes
	const ssize_t size = ::fgetxattr(fd, capability, value, sizeof(value));

	if (size > 0)
		::archive_entry_xattr_add_entry(entry, capability, value,
						static_cast<std::size_t>(size));
}

bool has_capability(int fd)
{
	return ::fgetxattr(fd, capability, nullptr, 0) > 0;
}

} // namespace rf
