// SPDX-License-Identifier: GPL-2.0
// An entry is a page that says what it is, and the image, with holes for its zeros: those are
// half of a kernel's file. So a check hashes the other half only, each page with its number,
// and reads no holes. It does so in pieces, side by side: processors without instructions for
// SHA-256 take 4 ms for each megabyte. It reads into memory of our own: what was checked is
// what is booted, and a sector that cannot be read is no signal.
#include "host/cache.hpp"

#include "base/descriptor.hpp"
#include "host/proc_files.hpp"
#include "host/sha256.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <future>
#include <new>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rf {

namespace fs = std::filesystem;

namespace {

using Digest = KernelCache::Digest;

constexpr char magic[8] = {'R', 'F', 'V', 'M', 'L', 'X', '0', '4'};
constexpr std::size_t page_size = 4096;
constexpr std::size_t head_size = page_size;	// so that pages of the image are pages of the file
constexpr std::size_t chunk = 64 * page_size;	// hashed while it is in the processor's cache
constexpr std::size_t piece = 1024 * page_size;
constexpr unsigned threads_most = 8;
constexpr std::size_t entries_most = 4;		// about 33 MB each
constexpr std::string_view prefix = "vmlinux-";
constexpr std::string_view unfinished = ".new-";

struct Head {
	char magic[8];
	std::uint64_t size;
	Digest key;	// of the compressed file
	Digest digest;	// of the key, the size, and the digests of the image's pieces
};
static_assert(sizeof(Head) == 80);

// Does `work` for the first byte of each piece of an image, on several cores.
void for_pieces(std::size_t size, const std::function<void(std::size_t from)> &work)
{
	const unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1u, threads_most);
	std::atomic<std::size_t> next = 0;
	const auto some = [&] {
		for (std::size_t at; (at = next.fetch_add(piece)) < size;)
			work(at);
	};
	std::vector<std::future<void>> others;

	try {
		for (unsigned i = 1; i < threads && i * piece < size; i++)
			others.push_back(std::async(std::launch::async, some));
	} catch (const std::system_error &) {
		// As many threads as may be made: it takes longer with fewer.
	}
	some();
	for (std::future<void> &other : others)
		other.get();
}

Digest hash_of(const Digest &key, std::size_t size, const std::vector<Digest> &pieces)
{
	Sha256 hash;

	hash.add(std::as_bytes(std::span(key))).add(size);
	for (const Digest &digest : pieces)
		hash.add(std::as_bytes(std::span(digest)));
	return hash.digest();
}

boot::View page_at(boot::View image, std::size_t at)
{
	return image.subspan(at, std::min(page_size, image.size() - at));
}

bool is_zero(boot::View page)
{
	static constexpr std::array<std::byte, page_size> zeros{};

	return std::memcmp(page.data(), zeros.data(), page.size()) == 0;
}

// Each page that is not all zeros, with its number.
void add_pages(Sha256 &hash, boot::View image, std::size_t from, std::size_t end)
{
	for (std::size_t at = from; at < end; at += page_size)
		if (const boot::View page = page_at(image, at); !is_zero(page))
			hash.add(at / page_size).add(page);
}

// What root boots from here must have been written by root.
bool is_trustworthy(const struct stat &facts)
{
	return S_ISREG(facts.st_mode) && (facts.st_uid == 0 || facts.st_uid == ::geteuid()) &&
	       !(facts.st_mode & (S_IWGRP | S_IWOTH));
}

std::size_t in_image(off_t offset)
{
	return static_cast<std::size_t>(offset) - head_size;
}

// A part of the image into zeros, without its holes, and its pages into the hash.
bool read_part(int fd, std::span<std::byte> image, std::size_t done, std::size_t most, Sha256 &hash)
{
	while (done < most) {
		const off_t data = ::lseek(fd, static_cast<off_t>(head_size + done), SEEK_DATA);
		if (data < 0)
			return errno == ENXIO;	// nothing but a hole is left
		const off_t hole = ::lseek(fd, data, SEEK_HOLE);
		if (hole <= data)
			return false;
		// Blocks may be smaller than pages.
		const std::size_t from = in_image(data) / page_size * page_size;
		const std::size_t end =
			(in_image(hole) + page_size - 1) / page_size * page_size;
		for (done = std::max(done, from); done < std::min(end, most);) {
			const std::size_t next = std::min({done + chunk, end, most});
			if (!read_at(fd, image.subspan(done, next - done), head_size + done))
				return false;
			add_pages(hash, image, done, next);
			done = next;
		}
	}
	return true;
}

// False if some of it cannot be read.
bool read_image(int fd, std::span<std::byte> image, std::vector<Digest> &digests)
{
	std::atomic<bool> ok = true;

	for_pieces(image.size(), [&](std::size_t from) {
		Sha256 hash;
		if (!read_part(fd, image, from, std::min(from + piece, image.size()), hash))
			ok = false;
		digests[from / piece] = hash.digest();
	});
	return ok;
}

std::size_t pieces_of(std::size_t size)
{
	return (size + piece - 1) / piece;
}

// Nothing if it is not what was written for this key.
std::optional<Vmlinux> read_entry(int fd, const Digest &key)
{
	struct stat facts {};
	Head head;

	if (::fstat(fd, &facts) < 0 || !is_trustworthy(facts) ||
	    facts.st_size <= static_cast<off_t>(head_size) ||
	    !read_at(fd, std::as_writable_bytes(std::span(&head, 1)), 0))
		return std::nullopt;
	const std::size_t size = static_cast<std::size_t>(facts.st_size) - head_size;
	if (std::memcmp(head.magic, magic, sizeof(magic)) != 0 || head.size != size ||
	    head.key != key)
		return std::nullopt;

	Vmlinux entry = Vmlinux::zeros(size);
	std::vector<Digest> digests(pieces_of(size));
	if (!read_image(fd, entry.bytes(), digests) || hash_of(key, size, digests) != head.digest)
		return std::nullopt;
	return entry;
}

bool write_image(int fd, boot::View image)
{
	std::size_t from = 0;

	for (std::size_t at = 0; at < image.size(); at += page_size) {
		if (!is_zero(page_at(image, at)))
			continue;
		if (!write_at(fd, image.subspan(from, at - from), head_size + from))
			return false;
		from = std::min(at + page_size, image.size());
	}
	return write_at(fd, image.subspan(from), head_size + from) &&
	       ::ftruncate(fd, static_cast<off_t>(head_size + image.size())) == 0;
}

bool write_whole(int fd, const Digest &key, boot::View image)
{
	std::vector<Digest> digests(pieces_of(image.size()));
	Head head{.size = image.size(), .key = key};

	for_pieces(image.size(), [&](std::size_t from) {
		Sha256 hash;
		add_pages(hash, image, from, std::min(from + piece, image.size()));
		digests[from / piece] = hash.digest();
	});
	head.digest = hash_of(key, image.size(), digests);
	std::copy(std::begin(magic), std::end(magic), head.magic);
	return write_at(fd, std::as_bytes(std::span(&head, 1)), 0) && write_image(fd, image);
}

// An rfm that writes holds a lock of its file until the end; one that was killed does not.
bool is_abandoned(const fs::path &path)
{
	const Descriptor fd(
		::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));

	return fd.valid() && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0;
}

} // namespace

Vmlinux Vmlinux::zeros(std::size_t size)
{
	Vmlinux vmlinux;

	vmlinux.zeroed_.reset(static_cast<std::byte *>(std::calloc(size, 1)));
	if (!vmlinux.zeroed_)
		throw std::bad_alloc();
	vmlinux.size_ = size;
	return vmlinux;
}

KernelCache::KernelCache(boot::View kernel_file, std::string directory)
	: key_(Sha256().add(kernel_file).digest()), directory_(std::move(directory)),
	  path_(directory_ + "/" + std::string(prefix) + hexadecimal(key_))
{
}

std::optional<Vmlinux> KernelCache::find()
{
	// O_NONBLOCK: a FIFO must not make us wait.
	const Descriptor fd(
		::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));

	if (!fd.valid())
		return std::nullopt;
	std::optional<Vmlinux> entry = read_entry(fd.get(), key_);
	damaged_ = !entry;
	return entry;
}

bool KernelCache::keep(boot::View vmlinux) const
{
	std::error_code error;

	fs::create_directories(directory_, error);
	const bool kept = write_entry(vmlinux);
	if (!kept && damaged_)
		::unlink(path_.c_str());
	prune();
	return kept;
}

bool KernelCache::write_entry(boot::View vmlinux) const
{
	std::string path = directory_ + "/" + std::string(unfinished) + "XXXXXX";
	const Descriptor fd(::mkostemp(path.data(), O_CLOEXEC));

	if (!fd.valid())
		return false;
	// On the disk before it has its name: what has a name is whole, also after a power
	// failure.
	if (::flock(fd.get(), LOCK_EX) == 0 && write_whole(fd.get(), key_, vmlinux) &&
	    ::fsync(fd.get()) == 0 && ::rename(path.c_str(), path_.c_str()) == 0)
		return true;
	::unlink(path.c_str());
	return false;
}

// Those that were written last stay. What a killed rfm left, or one that named its entries
// otherwise, goes.
void KernelCache::prune() const
{
	std::vector<std::pair<fs::file_time_type, fs::path>> kernels;
	std::error_code error;

	for (const fs::path &entry : entries(directory_)) {
		const std::string name = entry.filename();
		if (name.starts_with(prefix) &&
		    name.size() == prefix.size() + 2 * std::tuple_size_v<Digest>)
			kernels.emplace_back(fs::last_write_time(entry, error), entry);
		else if (name.starts_with(prefix) ||
			 (name.starts_with(unfinished) && is_abandoned(entry)))
			fs::remove(entry, error);
	}
	std::sort(kernels.rbegin(), kernels.rend());
	for (std::size_t i = entries_most; i < kernels.size(); i++)
		fs::remove(kernels[i].second, error);
}

} // namespace rf
