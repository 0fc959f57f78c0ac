// SPDX-License-Identifier: GPL-2.0
// An initrd in the making: what the kernel unpacks into its first root file system, a cpio archive
// (newc) compressed by zstd. It is written as it is made, whatever its size.
#pragma once

#include "host/new_file.hpp"
#include "host/tree_walk.hpp"

#include <cstdint>
#include <exception>
#include <memory>
#include <map>
#include <vector>

struct archive;
struct archive_entry;

namespace rf {

class InitrdWriter {
public:
	// `file` has to outlive it. All throw Error(bad_file).
	explicit InitrdWriter(NewFile &file);
	InitrdWriter(const InitrdWriter &) = delete;
	InitrdWriter &operator=(const InitrdWriter &) = delete;

	void add(const TreeEntry &entry);
	void finish();

	std::uint64_t size() const { return size_; }		// of the file so far
	std::uint64_t unpacked() const { return unpacked_; }	// bytes of memory that it becomes
	// Files with capabilities, which the format has no place for.
	unsigned capable() const { return capable_; }

private:
	struct Free {
		void operator()(struct archive *archive) const;
	};

	static ssize_t take(struct archive *archive, void *writer, const void *bytes,
			    std::size_t size);
	bool number(archive_entry *entry, const struct stat &facts);
	void add_content(const TreeEntry &entry);
	void check(long result);

	NewFile &file_;
	std::vector<char> buffer_;
	// Files of several names that are inside, and their numbers.
	std::map<std::pair<dev_t, ino_t>, std::uint32_t> linked_;
	std::uint32_t last_ = 0;			// number that was given
	std::exception_ptr failure_;			// of the file, for who calls
	std::uint64_t size_ = 0, unpacked_ = 0;
	unsigned capable_ = 0;
	std::unique_ptr<struct archive, Free> archive_;
};

} // namespace rf
