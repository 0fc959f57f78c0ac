// SPDX-License-Identifier: GPL-2.0
#pragma once

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

// How many more descriptors could be opened right now, as far as `most`.
unsigned spare_descriptors(unsigned most);

} // namespace rf
