// SPDX-License-Identifier: GPL-2.0
// A file that appears under its name only when it is whole, readable for its owner only. Links
// on the way to it are followed as Folder does.
#pragma once

#include "base/descriptor.hpp"
#include "host/folder.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace rf {

class NewFile {
public:
	// Throws Error(bad_file) if it cannot be made, or there is one (`replace`: one that
	// is not a regular file).
	NewFile(std::string path, bool replace);
	NewFile(const NewFile &) = delete;
	NewFile &operator=(const NewFile &) = delete;
	~NewFile();	// a file that was not finished goes away

	// Throw Error(bad_file).
	void write(std::uint64_t offset, std::span<const std::byte> bytes);
	void set_size(std::uint64_t size);	// what was not written reads as zeros
	void finish();				// on disk, and under its name

	std::uint64_t bytes_on_disk() const;
	int fd() const { return fd_.get(); }	// for another program to write it

private:
	// How it comes to its name: `replace` whatever is there. Else by what the file system
	// knows of these, tried before anything is written.
	enum class Way { replace, rename_new, link_new, look_and_rename };

	Way find_way();
	int take_name() const;
	[[noreturn]] void fail(int error) const;
	[[noreturn]] void refuse_present() const;
	void hold_folder();
	void check_partial() const;

	// The path as it was given, and its folder: all names are looked up in that, wherever
	// the path leads to meanwhile.
	std::string shown_;
	std::optional<Folder> folder_;
	std::string path_, partial_;
	Way way_ = Way::replace;
	Descriptor fd_;
};

} // namespace rf
