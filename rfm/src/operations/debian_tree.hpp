// SPDX-License-Identifier: GPL-2.0
// The files of a Debian that can be the root of a subOS, in a folder.
#pragma once

#include "host/tree.hpp"
#include "host/work_folder.hpp"
#include "plan/image_options.hpp"

#include <optional>

namespace rf {

class DebianTree {
public:
	// Installs it with mmdebstrap; `uuid` is what its root will be found by. Throws
	// Error(incomplete), Error(interrupted).
	DebianTree(const ImageOptions &wanted, const std::string &uuid,
		   const WorkFolder &work, Output &output);

	const Tree &files() const { return *tree_; }
	// Versions of the kernels inside, the newest one last.
	const std::vector<std::string> &kernels() const { return kernels_; }
	// Those of them for which this host has the modules, which are now inside.
	const std::vector<std::string> &with_modules() const { return with_modules_; }

private:
	void install(const std::string &uuid, const std::string &path);
	void find_kernels();
	void set_names() const;
	void set_console() const;
	void set_network() const;
	bool add_modules(const std::string &version) const;

	const ImageOptions &wanted_;
	const WorkFolder &work_;
	Output &output_;
	std::optional<Tree> tree_;	// once there is one
	std::vector<std::string> kernels_, with_modules_;
};

} // namespace rf
