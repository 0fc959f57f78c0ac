// SPDX-License-Identifier: GPL-2.0
// What the words of `rfm image build` mean.
#pragma once

#include "cli/verb.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rf {

struct ImageOptions {
	// One of them: a disk, or an initrd with all in it.
	std::string disk, initrd;
	std::string oci;			// a container image instead of a Debian, or ""
	std::string suite, file_system, hostname;
	std::optional<std::uint64_t> size;	// of a file; a device is taken as it is
	std::vector<std::string> include;	// more packages
	std::string kernel;			// version, or "" for the newest or the running one
	std::string mirror;			// or "": Debian's
	std::string password;			// of root, or "": none
	std::string ssh_key;			// content of a public key file, or ""
	std::string boot;			// folder for kernel and initrd, or ""
	bool force = false;
};

// Throws Error(usage) or Error(bad_value); reads the key's file only.
ImageOptions parse_image_options(const Request &request);

// The size of the file to make.
std::uint64_t size_of_file(const ImageOptions &wanted);

// All packages that the image is asked to consist of. `with_kernel`: one of Debian's is one.
std::vector<std::string> packages_of(const ImageOptions &wanted, bool with_kernel = true);

} // namespace rf
