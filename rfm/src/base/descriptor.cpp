// SPDX-License-Identifier: GPL-2.0
#include "base/descriptor.hpp"

#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace rf {

Descriptor::Descriptor(Descriptor &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Descriptor &Descriptor::operator=(Descriptor &&other) noexcept
{
	std::swap(fd_, other.fd_);
	return *this;
}

Descriptor::~Descriptor()
{
	if (fd_ >= 0)
		::close(fd_);
}

unsigned spare_descriptors(unsigned most)
{
	std::vector<Descriptor> held;

	while (held.size() < most) {
		Descriptor next(::open("/", O_PATH | O_CLOEXEC));
		if (!next.valid())
			break;
		held.push_back(std::move(next));
	}
	return static_cast<unsigned>(held.size());
}

} // namespace rf
