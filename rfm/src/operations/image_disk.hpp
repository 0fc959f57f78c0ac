// SPDX-License-Identifier: GPL-2.0
// What `rfm image build` writes: a sparse file that appears when it is whole, or a disk.
#pragma once

#include "base/descriptor.hpp"
#include "host/new_file.hpp"
#include "host/program.hpp"
#include "plan/image_options.hpp"

#include <filesystem>
#include <memory>
#include <optional>

namespace rf {

class ImageDisk {
public:
	// Throws if it may not be written: Error(busy) for a device in use, Error(bad_file) for
	// what is there already, unless that may be replaced.
	ImageDisk(const ImageOptions &wanted, Output &output);
	~ImageDisk();	// a disk that was begun and not finished is wiped

	bool is_device() const { return !file_; }
	std::uint64_t size() const { return size_; }
	std::uint64_t bytes_on_disk() const { return file_ ? file_->bytes_on_disk() : size_; }
	// The PCI function that the device hangs on, or "".
	std::string function() const;

	// Makes a file system with all that is in `tree`; `scratch` is an empty folder.
	void write(const std::filesystem::path &tree, const std::filesystem::path &scratch,
		   const std::string &uuid);
	void finish();

private:
	void find_device();
	void open_device();
	void check_signature() const;
	// What makes the file system finds the disk there, whatever its name leads to by now.
	std::string target() const { return file_ ? passed_file : node_; }
	Program on_disk(std::vector<std::string> words) const;
	Descriptor open_node(int flags) const;
	void write_ext4(const std::filesystem::path &tree, const std::string &uuid);
	void write_xfs(const std::filesystem::path &tree, const std::filesystem::path &scratch,
		       const std::string &uuid);

	Output &output_;
	std::string path_, file_system_;
	std::string node_;	// the kernel's own name of the device, in /dev
	std::optional<dev_t> number_;
	bool force_;
	std::uint64_t size_ = 0;
	std::unique_ptr<NewFile> file_;
	Descriptor device_;	// keeps everybody else away until the file system is made
	bool begun_ = false;
};

} // namespace rf
