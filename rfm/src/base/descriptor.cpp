// SPDX-License-Identifier: GPL-2.0
#include "base/descriptor.hpp"

#include <cerrno>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace rf {

namespace {

// @transfer(bytes, offset): as pread(2) and pwrite(2).
template <typename Bytes, typename Transfer>
bool transfer_all(Bytes bytes, std::uint64_t offset, Transfer transfer)
{
	while (!bytes.empty()) {
		const ssize_t done = transfer(bytes, static_cast<off_t>(offset));
		if (done < 0 && errno == EINTR)
			continue;
		if (done == 0)
			errno = EIO;
		if (done <= 0)
			return false;
		offset += static_cast<std::uint64_t>(done);
		bytes = bytes.subspan(static_cast<std::size_t>(done));
	}
	return true;
}

} // namespace

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

bool read_at(int fd, std::span<std::byte> bytes, std::uint64_t offset)
{
	return transfer_all(bytes, offset, [fd](std::span<std::byte> left, off_t at) {
		return ::pread(fd, left.data(), left.size(), at);
	});
}

bool write_at(int fd, std::span<const std::byte> bytes, std::uint64_t offset)
{
	return transfer_all(bytes, offset, [fd](std::span<const std::byte> left, off_t at) {
		return ::pwrite(fd, left.data(), left.size(), at);
	});
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
