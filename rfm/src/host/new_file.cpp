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
	: path_(std::move(path))
{
	struct stat facts {};

	hold_folder();
	if (::lstat(path_.c_str(), &facts) == 0) {
		if (!replace)
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
	if (!replace)
		way_ = find_way();
}

// Not every file system has hard links (vfat, exfat), and not every one can rename without
// replacing (nfs, 9p). Both would be told only at the end.
NewFile::Way NewFile::find_way()
{
	const std::string other = partial_ + "~";

	if (::renameat2(AT_FDCWD, partial_.c_str(), AT_FDCWD, other.c_str(), RENAME_NOREPLACE) ==
	    0) {
		partial_ = other;
		return Way::rename_new;
	}
	if (::link(partial_.c_str(), other.c_str()) == 0) {
		::unlink(other.c_str());
		return Way::link_new;
	}
	return Way::look_and_rename;
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
	if (!write_at(fd_.get(), bytes, offset))
		fail(errno);
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
	if (take_name() == 0) {
		if (way_ != Way::link_new)
			partial_.clear();
		return;
	}
	if (errno == EEXIST)
		refuse_present();
	fail(errno);
}

// 0, or -1 and errno.
int NewFile::take_name() const
{
	struct stat facts {};

	switch (way_) {
	case Way::rename_new:
		return ::renameat2(AT_FDCWD, partial_.c_str(), AT_FDCWD, path_.c_str(),
				   RENAME_NOREPLACE);
	case Way::link_new:
		return ::link(partial_.c_str(), path_.c_str());
	case Way::look_and_rename:
		// Only who comes at this very moment is not seen.
		if (::lstat(path_.c_str(), &facts) == 0) {
			errno = EEXIST;
			return -1;
		}
		[[fallthrough]];
	case Way::replace:
		break;
	}
	return ::rename(partial_.c_str(), path_.c_str());
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
