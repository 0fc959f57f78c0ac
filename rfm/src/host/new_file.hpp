// SPDX-License-Identifier: GPL-2.0
// A file that appears under its name only when it is whole, readable for its owner only.
#pragma once

#include "base/descriptor.hpp"

#include <cstddef>
#include <cstdint>
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
	// Where it is until it is finished, for another program to write it.
	const std::string &partial() const { return partial_; }

private:
	[[noreturn]] void fail(int error) const;
	[[noreturn]] void refuse_present() const;

	std::string path_, partial_;
	bool replace_;
	Descriptor fd_;
};

} // namespace rf
