// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace rf {

// Move-only owner of a file descriptor.
class Descriptor {
public:
	explicit Descriptor(int fd = -1) : fd_(fd) {}
	Descriptor(Descriptor &&other) noexcept;
	Descriptor &operator=(Descriptor &&other) noexcept;
	~Descriptor();
	int get() const { return fd_; }
	bool valid() const { return fd_ >= 0; }

private:
	int fd_;
};

// All of it from, or to, that offset. False, and errno: of the call that failed; EIO if the file
// ended before, or took nothing.
bool read_at(int fd, std::span<std::byte> bytes, std::uint64_t offset);
bool write_at(int fd, std::span<const std::byte> bytes, std::uint64_t offset);

// How many more descriptors could be opened right now, as far as `most`.
unsigned spare_descriptors(unsigned most);

} // namespace rf
