// SPDX-License-Identifier: GPL-2.0
#include "host/new_file.hpp"

#include "base/error.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rf {

NewFile::NewFile(std::string path, bool replace)
	: path_(std::move(path)), partial_(path_ + ".partial-XXXXXX"), replace_(replace)
{
	struct stat facts {};

	hold_folder();
	if (::lstat(path_.c_str(), &facts) == 0) {
		if (!replace_)
			refuse_present();
		if (!S_ISREG(facts.st_mode))
			throw Error(Code::bad_file, text("'", shown_, "' is not a regular file"));
	}
	const int fd = ::mkostemp(partial_.data(), O_CLOEXEC);
	if (fd < 0) {
		partial_.clear();
		fail(errno);
	}
	fd_ = Descriptor(fd);
}

void NewFile::hold_folder()
{
	const std::filesystem::path whole = path_;
	const std::filesystem::path folder = whole.parent_path();

	shown_ = path_;
	try {
		folder_ = Folder::open(folder.empty() ? "." : folder.string());
	} catch (const Error &error) {
		throw Error(error.code(),
			    text("'", shown_, "' cannot be written: ", error.what()));
	}
	path_ = folder_->path_of(whole.filename());
	partial_ = path_ + ".partial-XXXXXX";
}

NewFile::~NewFile()
{
	if (!partial_.empty())
		::unlink(partial_.c_str());
}

void NewFile::write(std::uint64_t offset, std::span<const std::byte> bytes)
{
	while (!bytes.empty()) {
		const ssize_t put = ::pwrite(fd_.get(), bytes.data(), bytes.size(),
					     static_cast<off_t>(offset));
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			fail(errno);
		offset += static_cast<std::uint64_t>(put);
		bytes = bytes.subspan(static_cast<std::size_t>(put));
	}
}

void NewFile::set_size(std::uint64_t size)
{
	if (::ftruncate(fd_.get(), static_cast<off_t>(size)) < 0)
		fail(errno);
}

void NewFile::finish()
{
	check_partial();
	// Some file systems tell only now that there is no room.
	if (::fsync(fd_.get()) < 0)
		fail(errno);
	if (replace_) {
		if (::rename(partial_.c_str(), path_.c_str()) < 0)
			fail(errno);
		partial_.clear();
		return;
	}
	// Unlike rename(), this never replaces a file that came meanwhile.
	if (::link(partial_.c_str(), path_.c_str()) < 0) {
		if (errno == EEXIST)
			refuse_present();
		fail(errno);
	}
}

// In a folder of somebody else, what gets the name is to be what was written.
void NewFile::check_partial() const
{
	struct stat mine {}, there {};

	if (::fstat(fd_.get(), &mine) < 0 || ::lstat(partial_.c_str(), &there) < 0)
		fail(errno);
	if (mine.st_ino != there.st_ino || mine.st_dev != there.st_dev)
		throw Error(Code::bad_file, text("'", shown_, "' cannot be written: somebody else "
						 "has replaced it meanwhile"));
}

std::uint64_t NewFile::bytes_on_disk() const
{
	struct stat facts {};

	if (::fstat(fd_.get(), &facts) < 0)
		fail(errno);
	return static_cast<std::uint64_t>(facts.st_blocks) * 512;
}

void NewFile::fail(int error) const
{
	throw Error(Code::bad_file,
		    text("'", shown_, "' cannot be written: ", std::strerror(error)));
}

void NewFile::refuse_present() const
{
	throw Error(Code::bad_file, text("'", shown_, "' exists: choose another name, or replace "
						      "it with --force"));
}

} // namespace rf
