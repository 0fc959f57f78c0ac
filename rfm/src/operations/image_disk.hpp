// SPDX-License-Identifier: GPL-2.0
// What `rfm image build` writes: a sparse file that appears when it is whole, or a disk.
#pragma once

#include "base/descriptor.hpp"
#include "host/new_file.hpp"
#include "plan/image_options.hpp"

#include <filesystem>
#include <memory>

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
	// Beside which there is room for as much again.
	std::filesystem::path folder() const;
	// The PCI function that the device hangs on, or "".
	std::string function() const;

	// Makes a file system with all that is in `tree`; `scratch` is an empty folder.
	void write(const std::filesystem::path &tree, const std::filesystem::path &scratch,
		   const std::string &uuid);
	void finish();

private:
	void open_device();
	void check_signature() const;
	const std::string &target() const { return file_ ? file_->partial() : path_; }
	void write_ext4(const std::filesystem::path &tree, const std::string &uuid);
	void write_xfs(const std::filesystem::path &tree, const std::filesystem::path &scratch,
		       const std::string &uuid);

	Output &output_;
	std::string path_, file_system_;
	bool force_;
	std::uint64_t size_ = 0;
	std::unique_ptr<NewFile> file_;
	Descriptor device_;	// keeps everybody else away until the file system is made
	bool begun_ = false;
};

} // namespace rf
