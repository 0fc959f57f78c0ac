// SPDX-License-Identifier: GPL-2.0
#include "operations/image_disk.hpp"

#include "base/sizes.hpp"
#include "host/folder.hpp"
#include "host/loop_device.hpp"
#include "host/proc_files.hpp"
#include "host/signatures.hpp"

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

std::string folder_in_sysfs(dev_t number)
{
	return text("/sys/dev/block/", major(number), ":", minor(number));
}

} // namespace

ImageDisk::ImageDisk(const ImageOptions &wanted, Output &output)
	: output_(output), path_(wanted.disk), file_system_(wanted.file_system),
	  force_(wanted.force)
{
	find_device();
	if (number_) {
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
	const Descriptor device = open_node(O_WRONLY);
	if (!device.valid() ||
	    ::pwrite(device.get(), zeros.data(), zeros.size(), 0) < 0 || ::fsync(device.get()) < 0)
		output_.note(text("'", path_, "' holds an unfinished file system"));
}

// A path may lead to another device when it is opened next: the kernel's own name does not.
void ImageDisk::find_device()
{
	const Descriptor found = Folder::find(path_);
	struct stat facts {};

	if (!found.valid() || ::fstat(found.get(), &facts) < 0 || !S_ISBLK(facts.st_mode))
		return;
	number_ = facts.st_rdev;
	node_ = node_in_dev(folder_in_sysfs(*number_));
}

Descriptor ImageDisk::open_node(int flags) const
{
	Descriptor device(::open(node_.c_str(), flags | O_CLOEXEC));
	struct stat facts {};

	if (!device.valid() || ::fstat(device.get(), &facts) < 0)
		return Descriptor();
	if (S_ISBLK(facts.st_mode) && facts.st_rdev == number_)
		return device;
	errno = ENXIO;
	return Descriptor();
}

void ImageDisk::open_device()
{
	device_ = open_node(O_RDWR | O_EXCL);
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
	std::string what;

	for (const std::string &each : signatures_on(device_, path_))
		what += (what.empty() ? "" : ", ") + each;
	if (!what.empty())
		throw Error(Code::bad_file, text("'", path_, "' is not empty (", what,
						 "): --force overwrites it"));
}

std::string ImageDisk::function() const
{
	static const std::regex address("[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7]");
	std::error_code error;
	std::string last;

	if (!number_)
		return "";
	// Its place in the tree of devices: the last function on the way down is the disk's own.
	for (const fs::path &part : fs::canonical(folder_in_sysfs(*number_), error))
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
		do_program({{"wipefs", "-a", "-q", node_}, {}}, output_, "wipe the disk");
	}
	if (file_system_ == "xfs")
		write_xfs(tree, scratch, uuid);
	else
		write_ext4(tree, uuid);
}

Program ImageDisk::on_disk(std::vector<std::string> words) const
{
	Program program{std::move(words)};

	program.file = file_ ? file_->fd() : -1;
	return program;
}

void ImageDisk::write_ext4(const fs::path &tree, const std::string &uuid)
{
	do_program(on_disk({"mke2fs", "-q", "-F", "-t", "ext4", "-U", uuid, "-d", tree, target()}),
		   output_, text("write the file system to '", path_, "'"));
}

void ImageDisk::write_xfs(const fs::path &tree, const fs::path &scratch, const std::string &uuid)
{
	constexpr const char *copy = "mount -t xfs \"$1\" \"$2\" && cp -a \"$3/.\" \"$2/\" && "
				     "umount \"$2\"";

	do_program(on_disk({"mkfs.xfs", "-q", "-f", "-m", "uuid=" + uuid, target()}), output_,
		   text("make the file system in '", path_, "'"));
	// Not by mount(8), which asks for the file's name.
	const std::optional<LoopDevice> loop =
		file_ ? std::optional<LoopDevice>(std::in_place, file_->fd()) : std::nullopt;
	do_program({{"sh", "-c", copy, "sh", loop ? loop->path() : node_, scratch, tree}},
		   output_, text("copy the files to '", path_, "'"));
}

void ImageDisk::finish()
{
	if (file_) {
		file_->finish();
	} else {
		const Descriptor device = open_node(O_RDONLY);

		if (!device.valid() || ::fsync(device.get()) < 0)
			throw Error(Code::bad_file,
				    text("'", path_, "' cannot be written: ",
					 std::strerror(errno)));
	}
	begun_ = false;
}

} // namespace rf
