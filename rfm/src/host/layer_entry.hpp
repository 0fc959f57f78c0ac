// SPDX-License-Identifier: GPL-2.0
// What the entry of a layer says of a file, beside what is in it.
#pragma once

#include <cstdint>
#include <string>

#include <sys/types.h>

struct archive_entry;

namespace rf {

// Bytes that are to be written: without holes.
std::uint64_t bytes_of(archive_entry *entry);
// Of a user or a group. Throws Error(bad_file).
uid_t id_of(std::int64_t id, const std::string &path);
// Gives the file its capabilities, if it has some: all that matters of extended attributes
// outside of a container. False, and errno, if it does not get them.
bool set_capability(int fd, archive_entry *entry);
// Those of a file, into its entry.
void copy_capability(int fd, archive_entry *entry);
bool has_capability(int fd);

} // namespace rf
