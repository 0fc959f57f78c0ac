// SPDX-License-Identifier: GPL-2.0
#include "host/initrd_writer.hpp"

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "base/sizes.hpp"
#include "host/layer_entry.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <new>

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

namespace rf {

namespace {

constexpr std::size_t piece = 256 << 10;
constexpr std::uint64_t page = 4096;
// The format has 32 bits for it.
constexpr std::uint64_t file_most = std::numeric_limits<std::uint32_t>::max();
// A level that takes seconds for a Debian; the kernel unpacks all of them equally fast.
constexpr const char *level = "7";

using Entry = std::unique_ptr<archive_entry, void (*)(archive_entry *)>;

Entry make_entry(const TreeEntry &from)
{
	Entry entry(::archive_entry_new(), ::archive_entry_free);

	::archive_entry_copy_stat(entry.get(), &from.facts);
	::archive_entry_copy_pathname(entry.get(), from.path.c_str());
	if (S_ISLNK(from.facts.st_mode))
		::archive_entry_copy_symlink(entry.get(), from.link_target().c_str());
	return entry;
}

} // namespace

void InitrdWriter::Free::operator()(struct archive *archive) const
{
	// What was not finished is not brought to an end now.
	::archive_write_fail(archive);
	::archive_write_free(archive);
}

InitrdWriter::InitrdWriter(NewFile &file)
	: file_(file), buffer_(piece), archive_(::archive_write_new())
{
	if (!archive_)
		throw std::bad_alloc();
	check(::archive_write_set_format_cpio_newc(archive_.get()));
	check(::archive_write_add_filter_zstd(archive_.get()));
	check(::archive_write_set_filter_option(archive_.get(), "zstd", "compression-level",
						level));
	// Nothing is added to the end.
	check(::archive_write_set_bytes_in_last_block(archive_.get(), 1));
	check(::archive_write_open(archive_.get(), this, nullptr, take, nullptr));
}

// No exception passes through the library.
ssize_t InitrdWriter::take(struct archive *archive, void *writer, const void *bytes,
			   std::size_t size)
{
	auto *self = static_cast<InitrdWriter *>(writer);

	try {
		self->file_.write(self->size_,
				  {static_cast<const std::byte *>(bytes), size});
	} catch (...) {
		self->failure_ = std::current_exception();
		::archive_set_error(archive, EIO, "the file cannot be written");
		return ARCHIVE_FATAL;
	}
	self->size_ += size;
	return static_cast<ssize_t>(size);
}

void InitrdWriter::check(long result)
{
	if (failure_)
		std::rethrow_exception(failure_);
	// A warning is about what initrds have no place for.
	if (result < ARCHIVE_WARN)
		throw Error(Code::bad_file, text("the initrd cannot be written: ",
						 ::archive_error_string(archive_.get())));
}

void InitrdWriter::add(const TreeEntry &from)
{
	const Entry entry = make_entry(from);
	const auto &facts = from.facts;

	if (S_ISSOCK(facts.st_mode))
		return;
	if (S_ISREG(facts.st_mode) && static_cast<std::uint64_t>(facts.st_size) > file_most)
		throw Error(Code::not_enough,
			    text("'", from.path, "' is ", format_size(static_cast<std::uint64_t>(
								  facts.st_size)),
				 ": an initrd has room for files below 4G only, --disk for larger "
				 "ones"));
	const bool is_link = !number(entry.get(), facts) && S_ISREG(facts.st_mode);
	// What has several names comes with the first of them, and once only.
	if (is_link)
		::archive_entry_set_size(entry.get(), 0);
	check(::archive_write_header(archive_.get(), entry.get()));
	if (S_ISREG(facts.st_mode) && !is_link)
		add_content(from);
	unpacked_ += page;
}

// By numbers of our own: those of a file system may need 64 bits, and the format has 32, in which
// two files would become one. False if it is another name of what is inside.
bool InitrdWriter::number(archive_entry *entry, const struct stat &facts)
{
	const bool is_linked = !S_ISDIR(facts.st_mode) && facts.st_nlink > 1;
	const auto [found, is_new] =
		is_linked ? linked_.emplace(std::pair(facts.st_dev, facts.st_ino), last_ + 1)
			  : std::pair(linked_.end(), true);

	last_ += is_new;
	::archive_entry_set_dev(entry, 0);
	::archive_entry_set_ino64(entry, is_linked ? found->second : last_);
	return is_new;
}

void InitrdWriter::add_content(const TreeEntry &from)
{
	const Descriptor file(::openat(from.folder, from.name.c_str(),
				       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
	const auto size = static_cast<std::uint64_t>(from.facts.st_size);

	if (has_capability(file.get()))
		capable_++;
	for (std::uint64_t done = 0; done < size;) {
		const std::size_t now = std::min<std::uint64_t>(buffer_.size(), size - done);
		const auto bytes = std::as_writable_bytes(std::span(buffer_).first(now));
		if (!file.valid() || !read_at(file.get(), bytes, done))
			throw Error(Code::bad_file,
				    text("'", from.path, "': ", std::strerror(errno)));
		check(::archive_write_data(archive_.get(), buffer_.data(), now));
		done += now;
	}
	unpacked_ += (size + page - 1) / page * page;
}

void InitrdWriter::finish()
{
	check(::archive_write_close(archive_.get()));
}

} // namespace rf
