// SPDX-License-Identifier: GPL-2.0
#include "operations/oci_layout.hpp"

#include "base/error.hpp"
#include "base/sizes.hpp"
#include "cli/interrupt.hpp"
#include "host/folder.hpp"
#include "host/open_inside.hpp"
#include "host/room.hpp"
#include "host/sha256.hpp"
#include "host/tar_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <tuple>
#include <vector>

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rf {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t archive_most = std::uint64_t{64} << 30;
constexpr std::size_t blobs_most = 10'000;
constexpr std::size_t piece = 256 << 10;
constexpr std::string_view blobs = "blobs/sha256/";

// Of a layout in an archive, these are all that is used.
bool is_used(const std::string &name)
{
	return name == "index.json" || name == "oci-layout" ||
	       (name.starts_with(blobs) && name.size() == blobs.size() + 64 &&
		name.find_first_not_of("0123456789abcdef", blobs.size()) == name.npos);
}

// Paths and names may have colons in them, names such as docker.io/library/redis:7: the longest
// path that is there.
std::pair<std::string, std::string> split(const std::string &source)
{
	for (std::size_t end = source.size(); end != source.npos && end > 0;
	     end = source.rfind(':', end - 1))
		if (Folder::find(source.substr(0, end)).valid())
			return {source.substr(0, end),
				source.substr(std::min(end + 1, source.size()))};
	return {source, ""};
}

std::string blob_name(const OciBlob &blob)
{
	return std::string(blobs) + blob.sha256;
}

} // namespace

OciLayout::OciLayout(const std::string &source, const WorkFolder &work) : work_(work)
{
	std::tie(path_, name_) = split(source);
	const Descriptor found = Folder::find(path_);
	struct stat facts {};

	if (!found.valid() || ::fstat(found.get(), &facts) < 0)
		refuse("No such file or directory");
	if (S_ISDIR(facts.st_mode)) {
		folder_ = Descriptor(::openat(found.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	} else if (S_ISREG(facts.st_mode)) {
		const Descriptor file(::open(text("/proc/self/fd/", found.get()).c_str(),
					     O_RDONLY | O_CLOEXEC));
		if (!file.valid())
			refuse(std::strerror(errno));
		unpack(file, work);
	}
	if (!folder_.valid())
		refuse("it is neither a folder nor a tar archive");
	is_bundle_ = !open("index.json", O_PATH).valid() && open("rootfs", O_PATH).valid() &&
		     open("config.json", O_PATH).valid();
	if (!is_bundle_ && !open("index.json", O_PATH).valid())
		refuse("there is no index.json in it: an OCI image layout is needed, as 'skopeo "
		       "copy ... oci:FOLDER' makes it");
}

void OciLayout::unpack(const Descriptor &file, const WorkFolder &work)
{
	const fs::path place = work.path() / "layout";
	std::uint64_t bytes = 0;
	std::size_t count = 0;

	fs::create_directories(place / blobs);
	for (TarReader archive(file.get(), TarReader::Packed::no, path_);
	     archive_entry *entry = archive.next();) {
		const char *given = ::archive_entry_pathname(entry);
		std::string name = given ? given : "";
		if (name.starts_with("./"))
			name.erase(0, 2);
		if (!is_used(name) || ::archive_entry_filetype(entry) != AE_IFREG ||
		    ::archive_entry_hardlink(entry))
			continue;
		const auto size = static_cast<std::uint64_t>(::archive_entry_size(entry));
		if (++count > blobs_most || size > archive_most - bytes)
			refuse(text("more than ", blobs_most, " files, or ",
				    format_size(archive_most), ", are in it"));
		bytes += size;
		need_room(place, size);
		const Descriptor out(::open((place / name).c_str(),
					    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
		if (!out.valid())
			refuse(text("'", name, "': ", std::strerror(errno)));
		archive.read([&](std::span<const std::byte> part, std::uint64_t offset) {
			if (offset > size || part.size() > size - offset ||
			    !write_at(out.get(), part, offset))
				refuse(text("'", name, "': ", std::strerror(errno)));
		});
		// Its end may be a hole.
		if (::ftruncate(out.get(), static_cast<off_t>(size)) < 0)
			refuse(text("'", name, "': ", std::strerror(errno)));
	}
	folder_ = Descriptor(::open(place.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

// No link in it leads out.
Descriptor OciLayout::open(const std::string &name, int flags) const
{
	return open_inside(folder_.get(), name.c_str(), flags,
			   RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
}

std::string OciLayout::read(const std::string &name) const
{
	// O_NONBLOCK: a FIFO must not make us wait.
	const Descriptor file = open(name, O_RDONLY | O_NONBLOCK);
	struct stat facts {};

	if (!file.valid() || ::fstat(file.get(), &facts) < 0)
		refuse(text("'", name, "': ", std::strerror(errno)));
	if (!S_ISREG(facts.st_mode) || static_cast<std::uint64_t>(facts.st_size) > oci_json_most)
		refuse(text("'", name, "' is no file of at most ", oci_json_most >> 20, " MiB"));
	std::string content(static_cast<std::size_t>(facts.st_size), '\0');
	if (!read_at(file.get(), std::as_writable_bytes(std::span(content)), 0))
		refuse(text("'", name, "': ", std::strerror(errno)));
	return content;
}

std::string OciLayout::read(const OciBlob &blob) const
{
	if (blob.size > oci_json_most)
		refuse(text("blob ", blob.sha256, " has ", blob.size, " bytes, where ",
			    oci_json_most >> 20, " MiB of JSON are the most"));
	const Descriptor copied = copy(blob);
	std::string content(blob.size, '\0');

	if (!read_at(copied.get(), std::as_writable_bytes(std::span(content)), 0))
		refuse(text("blob ", blob.sha256, ": ", std::strerror(errno)));
	return content;
}

Descriptor OciLayout::copy(const OciBlob &blob) const
{
	const Descriptor from = open(blob_name(blob), O_RDONLY | O_NONBLOCK);
	std::string copied = work_.path() / "blob-XXXXXX";
	Descriptor to(::mkostemp(copied.data(), O_CLOEXEC));
	std::vector<std::byte> buffer(piece);
	struct stat facts {};
	Sha256 hash;

	if (!from.valid() || ::fstat(from.get(), &facts) < 0)
		refuse(text("blob ", blob.sha256, ": ", std::strerror(errno)));
	if (!to.valid())
		refuse(text("no temporary file: ", std::strerror(errno)));
	::unlink(copied.c_str());
	if (!S_ISREG(facts.st_mode) || static_cast<std::uint64_t>(facts.st_size) != blob.size)
		refuse(text("blob ", blob.sha256, " has ", facts.st_size, " bytes, where ",
			    blob.size, " are expected"));
	need_room(work_.path(), blob.size);
	for (std::uint64_t done = 0; done < blob.size;) {
		check_interrupt("read the image");
		const auto part = std::span(buffer).first(
			std::min<std::uint64_t>(buffer.size(), blob.size - done));
		if (!read_at(from.get(), part, done) || !write_at(to.get(), part, done))
			refuse(text("blob ", blob.sha256, ": ", std::strerror(errno)));
		hash.add(std::span<const std::byte>(part));
		done += part.size();
	}
	if (hexadecimal(hash.digest()) != blob.sha256)
		refuse(text("blob ", blob.sha256, " is damaged: its SHA-256 is another one"));
	return to;
}

Descriptor OciLayout::root() const
{
	Descriptor folder = open("rootfs", O_RDONLY | O_DIRECTORY);

	if (!folder.valid())
		refuse(text("'rootfs': ", std::strerror(errno)));
	return folder;
}

void OciLayout::refuse(const std::string &why) const
{
	throw Error(Code::bad_file, text("image '", path_, "': ", why));
}

} // namespace rf
