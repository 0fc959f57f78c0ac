// SPDX-License-Identifier: GPL-2.0
// A container image as it lies on this host: an OCI image layout, in a folder or in a tar archive
// (skopeo's oci: and oci-archive:), or a bundle as umoci unpacks it (rootfs/ and config.json).
#pragma once

#include "base/descriptor.hpp"
#include "host/work_folder.hpp"
#include "plan/oci_image.hpp"

#include <string>

namespace rf {

// All errors are Error(bad_file) that names the path.
class OciLayout {
public:
	// `source`: the path, or PATH:NAME if there is no such path.
	OciLayout(const std::string &source, const WorkFolder &work);

	const std::string &path() const { return path_; }
	const std::string &name() const { return name_; }
	bool is_bundle() const { return is_bundle_; }

	// A file of it, such as "index.json".
	std::string read(const std::string &name) const;
	// One that is small, with the bytes that its digest was made of.
	std::string read(const OciBlob &blob) const;
	// A copy of one of any size, with these bytes, which nobody else can change.
	Descriptor copy(const OciBlob &blob) const;
	// The folder rootfs of a bundle.
	Descriptor root() const;

private:
	void unpack(const Descriptor &file, const WorkFolder &work);
	Descriptor open(const std::string &name, int flags) const;
	[[noreturn]] void refuse(const std::string &why) const;

	const WorkFolder &work_;
	std::string path_, name_;
	bool is_bundle_ = false;
	Descriptor folder_;
};

} // namespace rf
