// SPDX-License-Identifier: GPL-2.0
// The initrd that goes before the user's: our first stage and its modules
// (Documentation/driver-api/early-userspace/buffer-format.rst).
#include <cstdio>

#include <sys/stat.h>

#include "boot/bytes.hpp"

namespace rf::boot {
namespace {

constexpr std::size_t ALIGNMENT = 4;

class Archive {
public:
	void add(std::string_view name, mode_t mode, View data = {})
	{
		char header[111];

		// magic, inode, mode, uid, gid, links, mtime, size, device and special
		// device (major, minor each), length of the name with its NUL, checksum
		std::snprintf(header, sizeof(header),
			      "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X",
			      inode_, mode, 0, 0, S_ISDIR(mode) ? 2 : 1, 0, data.size(), 0, 0, 0, 0,
			      name.size() + 1, 0);
		inode_++;
		append(bytes_, as_view({header, sizeof(header) - 1}));
		append(bytes_, as_view(name));
		bytes_.push_back(std::byte{0});
		pad();
		append(bytes_, data);
		pad();
	}

	Bytes finish()
	{
		inode_ = 0;
		add("TRAILER!!!", 0);
		return std::move(bytes_);
	}

private:
	void pad() { bytes_.resize(align_up(bytes_.size(), ALIGNMENT)); }

	Bytes bytes_;
	unsigned inode_ = 1;
};

} // namespace

Bytes cpio_archive(const Initrd &initrd)
{
	Archive archive;

	archive.add("rf", S_IFDIR | 0755);
	archive.add("rf/init", S_IFREG | 0755, initrd.first_stage);
	archive.add("rf/rf_ficm.ko", S_IFREG | 0644, initrd.ficm);
	archive.add("rf/rf_subos.ko", S_IFREG | 0644, initrd.agent);
	return archive.finish();
}

} // namespace rf::boot
