// SPDX-License-Identifier: GPL-2.0
#include "host/tar_reader.hpp"

#include "base/error.hpp"
#include "base/utf8_locale.hpp"
#include "cli/interrupt.hpp"

#include <algorithm>
#include <fstream>
#include <new>
#include <string_view>
#include <utility>

#include <archive.h>
#include <archive_entry.h>
#include <unistd.h>

namespace rf {

namespace {

constexpr std::size_t piece = 256 << 10;
// For what it unpacks with: windows of 128 MiB are what zstd may ask for.
constexpr std::uint64_t room = 512 << 20;

constexpr const char *reading = "read the image";

} // namespace

TarReader::MemoryLimit::MemoryLimit()
{
	std::ifstream file("/proc/self/statm");
	std::uint64_t pages = 0, unused = 0;

	// size resident shared text lib data
	file >> unused >> unused >> unused >> unused >> unused >> pages;
	if (!file || ::getrlimit(RLIMIT_DATA, &before_) < 0)
		return;
	const std::uint64_t most = pages * static_cast<std::uint64_t>(::getpagesize()) + room;
	const rlimit limited{std::min<rlim_t>(most, before_.rlim_cur), before_.rlim_max};
	set_ = ::setrlimit(RLIMIT_DATA, &limited) == 0;
}

TarReader::MemoryLimit::~MemoryLimit()
{
	if (set_)
		::setrlimit(RLIMIT_DATA, &before_);
}

void TarReader::Free::operator()(struct archive *archive) const
{
	::archive_read_free(archive);
}

TarReader::TarReader(int fd, Packed packed, std::string shown)
	: shown_(std::move(shown)), archive_(::archive_read_new())
{
	struct archive *archive = archive_.get();

	if (!archive)
		throw std::bad_alloc();
	// Nothing else of what the library can read is offered to strangers.
	int rc = ::archive_read_support_format_tar(archive);
	if (packed == Packed::gzip)
		rc |= ::archive_read_support_filter_gzip(archive);
	else if (packed == Packed::zstd)
		rc |= ::archive_read_support_filter_zstd(archive);
	if (rc != ARCHIVE_OK || ::lseek(fd, 0, SEEK_SET) != 0 ||
	    ::archive_read_open_fd(archive, fd, piece) != ARCHIVE_OK)
		fail();
}

archive_entry *TarReader::next()
{
	// The library makes of names in UTF-8 what the locale has, which in the C locale is nothing.
	const Utf8Locale utf8;
	archive_entry *entry = nullptr;

	skip();
	check_interrupt(reading);
	const int rc = ::archive_read_next_header(archive_.get(), &entry);
	if (rc == ARCHIVE_EOF)
		return nullptr;
	in_entry_ = true;
	if (rc == ARCHIVE_OK)
		return entry;
	// A warning is about names that are no UTF-8, of which those of files keep their bytes.
	const char *why = ::archive_error_string(archive_.get());
	if (rc != ARCHIVE_WARN || (why && std::string_view(why).starts_with("Linkname")))
		fail();
	return entry;
}

// The library would do it by itself, but does not come back before all is unpacked.
void TarReader::skip()
{
	if (std::exchange(in_entry_, false))
		read([](std::span<const std::byte>, std::uint64_t) {});
}

void TarReader::read(const Take &take)
{
	const void *bytes = nullptr;
	std::size_t size = 0;
	la_int64_t offset = 0;

	for (;;) {
		check_interrupt(reading);
		const int rc = ::archive_read_data_block(archive_.get(), &bytes, &size, &offset);
		if (rc == ARCHIVE_EOF)
			return;
		if ((rc != ARCHIVE_OK && rc != ARCHIVE_WARN) || offset < 0)
			fail();
		take({static_cast<const std::byte *>(bytes), size},
		     static_cast<std::uint64_t>(offset));
	}
}

void TarReader::fail() const
{
	const char *why = ::archive_error_string(archive_.get());

	throw Error(Code::bad_file, text("'", shown_, "' cannot be read as a tar archive: ",
					 why ? why : "nothing known is in it"));
}

} // namespace rf
