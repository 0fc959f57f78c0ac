// SPDX-License-Identifier: GPL-2.0
// A folder for what is needed only for a while; it and all in it goes with its owner.
#pragma once

#include <filesystem>

namespace rf {

class WorkFolder {
public:
	// In $TMPDIR if that is set, else in `parent`. Throws Error(bad_file).
	explicit WorkFolder(const std::filesystem::path &parent);
	WorkFolder(const WorkFolder &) = delete;
	WorkFolder &operator=(const WorkFolder &) = delete;
	~WorkFolder();

	const std::filesystem::path &path() const { return path_; }

private:
	std::filesystem::path path_;
};

} // namespace rf
