// SPDX-License-Identifier: GPL-2.0
// The files of a Debian that can be the root of a subOS, in a folder.
#pragma once

#include "host/program.hpp"
#include "host/work_folder.hpp"
#include "operations/image_tree.hpp"
#include "plan/image_options.hpp"

#include <optional>

namespace rf {

class DebianTree : public ImageTree {
public:
	// Installs it with mmdebstrap; `uuid` is what its root will be found by, "" if that is an
	// initrd. Throws Error(incomplete), Error(interrupted).
	DebianTree(const ImageOptions &wanted, const std::string &uuid,
		   const WorkFolder &work, Output &output);

	const Tree &files() const override { return *tree_; }
	const std::vector<std::string> &kernels() const override { return kernels_; }
	const std::vector<std::string> &with_modules() const override { return with_modules_; }

private:
	void install(const std::string &uuid, const std::string &path);
	void add_fstab(Program &program, const std::string &uuid) const;
	void become_initrd();
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
