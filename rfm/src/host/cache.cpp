// SPDX-License-Identifier: GPL-2.0
#include "host/cache.hpp"

#include "base/descriptor.hpp"
#include "host/proc_files.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace rf {

namespace fs = std::filesystem;

namespace {

constexpr char magic[8] = {'R', 'F', 'V', 'M', 'L', 'X', '0', '2'};
constexpr std::size_t entries_most = 4;	// about 65 MB each

struct Header {
	char magic[8];
	std::uint64_t size;
	std::uint8_t reserved[48];
};
static_assert(sizeof(Header) == 64);

XXH128_canonical_t hash_of(boot::View bytes)
{
	XXH128_canonical_t canonical;
	XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
	return canonical;
}

bool write_all(int fd, const void *data, std::size_t size)
{
	const char *bytes = static_cast<const char *>(data);

	while (size) {
		const ssize_t written = ::write(fd, bytes, size);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		bytes += written;
		size -= static_cast<std::size_t>(written);
	}
	return true;
}

// What root boots from here must have been written by root.
bool is_trustworthy(const struct stat &facts)
{
	return S_ISREG(facts.st_mode) && (facts.st_uid == 0 || facts.st_uid == ::geteuid()) &&
	       !(facts.st_mode & (S_IWGRP | S_IWOTH));
}

} // namespace

Vmlinux::Vmlinux(Vmlinux &&other) noexcept
	: bytes_(std::move(other.bytes_)), mapping_(std::exchange(other.mapping_, nullptr)),
	  mapped_(other.mapped_), view_(other.view_)
{
}

Vmlinux &Vmlinux::operator=(Vmlinux &&other) noexcept
{
	std::swap(bytes_, other.bytes_);
	std::swap(mapping_, other.mapping_);
	std::swap(mapped_, other.mapped_);
	std::swap(view_, other.view_);
	return *this;
}

Vmlinux::~Vmlinux()
{
	if (mapping_)
		::munmap(mapping_, mapped_);
}

std::string KernelCache::path_of(boot::View kernel_file) const
{
	const XXH128_canonical_t hash = hash_of(kernel_file);
	std::string name = directory_ + "/vmlinux-";

	for (const unsigned char byte : hash.digest) {
		name += "0123456789abcdef"[byte >> 4];
		name += "0123456789abcdef"[byte & 15];
	}
	return name;
}

std::optional<Vmlinux> KernelCache::find(boot::View kernel_file) const
{
	const Descriptor fd(
		::open(path_of(kernel_file).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
	struct stat facts {};

	if (!fd.valid() || ::fstat(fd.get(), &facts) < 0 || !is_trustworthy(facts))
		return std::nullopt;
	const std::size_t mapped = static_cast<std::size_t>(facts.st_size);
	if (mapped <= sizeof(Header))
		return std::nullopt;
	// Entries are replaced, never written in place: a mapping stays whole.
	void *mapping = ::mmap(nullptr, mapped, PROT_READ, MAP_PRIVATE, fd.get(), 0);
	if (mapping == MAP_FAILED)
		return std::nullopt;

	const boot::View all(static_cast<const std::byte *>(mapping), mapped);
	Vmlinux entry(mapping, mapped, all.subspan(sizeof(Header)));
	Header header;
	std::memcpy(&header, mapping, sizeof(header));
	if (std::memcmp(header.magic, magic, sizeof(magic)) != 0 ||
	    header.size != entry.view().size())
		return std::nullopt;
	return entry;
}

bool KernelCache::keep(boot::View kernel_file, boot::View vmlinux) const
{
	std::error_code error;
	std::string path = directory_ + "/.new-XXXXXX";
	Header header{};

	fs::create_directories(directory_, error);
	const Descriptor fd(::mkostemp(path.data(), O_CLOEXEC));
	if (!fd.valid())
		return false;
	std::memcpy(header.magic, magic, sizeof(magic));
	header.size = vmlinux.size();
	// On the disk before it has its name: what has a name is whole, also after a
	// power failure, and need not be hashed at every create.
	if (!write_all(fd.get(), &header, sizeof(header)) ||
	    !write_all(fd.get(), vmlinux.data(), vmlinux.size()) || ::fsync(fd.get()) < 0 ||
	    ::rename(path.c_str(), path_of(kernel_file).c_str()) < 0) {
		::unlink(path.c_str());
		return false;
	}
	prune();
	return true;
}

void KernelCache::prune() const
{
	std::vector<std::pair<fs::file_time_type, fs::path>> kernels;
	std::error_code error;

	for (const fs::path &entry : entries(directory_))
		if (entry.filename().string().starts_with("vmlinux-"))
			kernels.emplace_back(fs::last_write_time(entry, error), entry);
	std::sort(kernels.rbegin(), kernels.rend());
	for (std::size_t i = entries_most; i < kernels.size(); i++)
		fs::remove(kernels[i].second, error);
}

} // namespace rf
