// SPDX-License-Identifier: GPL-2.0
// A folder that is held by its descriptor. rfm is root's: in a folder of somebody else it writes
// there and nowhere else, whatever the owner renames or replaces meanwhile.
#pragma once

#include "base/descriptor.hpp"

#include <string>
#include <utility>

namespace rf {

// It is found step by step. A link on the way is followed only if it is root's or the caller's,
// and nobody else can replace it. Errors are Error(bad_file).
class Folder {
public:
	static Folder open(const std::string &path);
	// Folders that are missing are made.
	static Folder make(const std::string &path);
	// A descriptor (O_PATH) of what the path names, folder or not; an invalid one if there is
	// nothing of this name.
	static Descriptor find(const std::string &path);

	int fd() const { return fd_.get(); }
	// A path for what has this name in it, which leads here as long as this lives.
	std::string path_of(const std::string &name) const;
	// What others than root and the caller can replace: a folder on the way, or what the
	// caller makes in this one. "": nothing.
	const std::string &exposed() const { return exposed_; }

private:
	Folder(Descriptor fd, std::string exposed)
		: fd_(std::move(fd)), exposed_(std::move(exposed)) {}

	Descriptor fd_;
	std::string exposed_;
};

} // namespace rf
