// SPDX-License-Identifier: GPL-2.0
#include "operations/image_disk.hpp"

#include "base/sizes.hpp"
#include "host/program.hpp"

#include <cerrno>
#include <cstring>
#include <regex>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace rf {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t device_least = std::uint64_t{1} << 30;
// What blkid says if it finds nothing.
constexpr int nothing_found = 2;

bool is_block_device(const std::string &path)
{
	struct stat facts {};

	return ::stat(path.c_str(), &facts) == 0 && S_ISBLK(facts.st_mode);
}

} // namespace

ImageDisk::ImageDisk(const ImageOptions &wanted, Output &output)
	: output_(output), path_(wanted.disk), file_system_(wanted.file_system),
	  force_(wanted.force)
{
	if (is_block_device(path_)) {
		if (wanted.size)
			throw Error(Code::bad_value,
				    text("--size applies only to files: '", path_, "' is a device, "
					 "which is used as a whole"));
		open_device();
		if (!force_)
			check_signature();
		return;
	}
	if (fs::absolute(path_).lexically_normal().string().starts_with("/dev/"))
		throw Error(Code::bad_file,
			    text("'", path_, "' is not a disk: 'lsblk' lists the disks"));
	size_ = size_of_file(wanted);
	file_ = std::make_unique<NewFile>(path_, force_);
	file_->set_size(size_);
}

ImageDisk::~ImageDisk()
{
	if (!begun_ || file_)
		return;
	// Where both file systems have what they are recognised by.
	const std::vector<std::byte> zeros(1 << 20);
	const Descriptor device(::open(path_.c_str(), O_WRONLY | O_CLOEXEC));
	if (!device.valid() ||
	    ::pwrite(device.get(), zeros.data(), zeros.size(), 0) < 0 || ::fsync(device.get()) < 0)
		output_.note(text("'", path_, "' holds an unfinished file system"));
}

void ImageDisk::open_device()
{
	device_ = Descriptor(::open(path_.c_str(), O_RDWR | O_EXCL | O_CLOEXEC));
	if (!device_.valid() && errno == EBUSY)
		throw Error(Code::busy,
			    text("'", path_, "' is in use: mounted, swap, or part of another "
					     "device ('lsblk ", path_, "' shows it)"));
	if (!device_.valid() || ::ioctl(device_.get(), BLKGETSIZE64, &size_) < 0)
		throw Error(Code::bad_file,
			    text("'", path_, "' cannot be opened: ", std::strerror(errno)));
	if (size_ < device_least)
		throw Error(Code::not_enough, text("'", path_, "' has only ", format_size(size_),
						   ": ", format_size(device_least), " is needed"));
}

void ImageDisk::check_signature() const
{
	const Outcome found = run_program({{"blkid", "-p", "-o", "export", path_}, {}}, output_,
					  "look at the disk");
	std::istringstream lines(found.said);
	std::string what;

	if (found.status == nothing_found)
		return;
	for (std::string line; std::getline(lines, line);)
		if (line.starts_with("TYPE=") || line.starts_with("PTTYPE="))
			what += (what.empty() ? "" : ", ") + line.substr(line.find('=') + 1);
	throw Error(Code::bad_file, text("'", path_, "' is not empty (", what.empty() ? "?" : what,
					 "): --force overwrites it"));
}

fs::path ImageDisk::folder() const
{
	return is_device() ? fs::path("/var/tmp") : fs::absolute(path_).parent_path();
}

std::string ImageDisk::function() const
{
	static const std::regex address("[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7]");
	struct stat facts {};
	std::error_code error;
	std::string last;

	if (!is_device() || ::stat(path_.c_str(), &facts) < 0)
		return "";
	// Its place in the tree of devices: the last function on the way down is the disk's own.
	for (const fs::path &part : fs::canonical(text("/sys/dev/block/", major(facts.st_rdev), ":",
						       minor(facts.st_rdev)), error))
		if (std::regex_match(part.string(), address))
			last = part;
	return last;
}

void ImageDisk::write(const fs::path &tree, const fs::path &scratch, const std::string &uuid)
{
	if (is_device()) {
		// mke2fs and mkfs.xfs take it for themselves in the same way.
		begun_ = true;
		device_ = Descriptor();
		do_program({{"wipefs", "-a", "-q", path_}, {}}, output_, "wipe the disk");
	}
	if (file_system_ == "xfs")
		write_xfs(tree, scratch, uuid);
	else
		write_ext4(tree, uuid);
}

void ImageDisk::write_ext4(const fs::path &tree, const std::string &uuid)
{
	do_program({{"mke2fs", "-q", "-F", "-t", "ext4", "-U", uuid, "-d", tree, target()}, {}},
		   output_, text("write the file system to '", path_, "'"));
}

void ImageDisk::write_xfs(const fs::path &tree, const fs::path &scratch, const std::string &uuid)
{
	constexpr const char *copy = "mount -t xfs $1 \"$2\" \"$3\" && cp -a \"$4/.\" \"$3/\" && "
				     "umount \"$3\"";

	do_program({{"mkfs.xfs", "-q", "-f", "-m", "uuid=" + uuid, target()}, {}}, output_,
		   text("make the file system in '", path_, "'"));
	do_program({{"sh", "-c", copy, "sh", file_ ? "-oloop" : "-orw", target(), scratch, tree},
		    {}},
		   output_, text("copy the files to '", path_, "'"));
}

void ImageDisk::finish()
{
	if (file_) {
		file_->finish();
	} else {
		const Descriptor device(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));

		if (!device.valid() || ::fsync(device.get()) < 0)
			throw Error(Code::bad_file,
				    text("'", path_, "' cannot be written: ",
					 std::strerror(errno)));
	}
	begun_ = false;
}

} // namespace rf
