// SPDX-License-Identifier: GPL-2.0
// A folder for what is needed only for a while; it and all in it goes with its owner. Nobody else
// can put another in its place, or come to what is in it, where a system may be made whose
// programs have root's rights and whose folders are anybody's.
#pragma once

#include <filesystem>
#include <string>

namespace rf {

class WorkFolder {
public:
	// In $TMPDIR if that is set, else in `parent`. Throws Error(bad_file), also if others
	// than root and the caller can replace what is in there, or a folder on the way, or if
	// its file system is mounted so that no system can be made there.
	explicit WorkFolder(const std::string &parent = "/var/tmp");
	WorkFolder(const WorkFolder &) = delete;
	WorkFolder &operator=(const WorkFolder &) = delete;
	~WorkFolder();

	const std::filesystem::path &path() const { return path_; }
	// The folder around that, which keeps others out.
	std::filesystem::path fence() const { return path_.parent_path(); }

private:
	std::filesystem::path path_;
};

// "nodev, noexec": of the flags of statvfs(3), those with which no system can be made; "" if it can.
std::string unfit_options(unsigned long flags);

} // namespace rf
