// SPDX-License-Identifier: GPL-2.0
// The files of a container image, made into what a subOS can boot, in a folder.
#pragma once

#include "host/layer_tree.hpp"
#include "host/work_folder.hpp"
#include "operations/image_tree.hpp"
#include "operations/oci_layout.hpp"
#include "plan/image_options.hpp"

#include <optional>

namespace rf {

class OciTree : public ImageTree {
public:
	// `most`: bytes that its files may have. Throws Error(bad_file) that names the image,
	// Error(not_enough), Error(incomplete), Error(interrupted).
	OciTree(const ImageOptions &wanted, const WorkFolder &work, std::uint64_t most,
		Output &output);

	const Tree &files() const override { return *tree_; }
	const std::vector<std::string> &kernels() const override { return kernels_; }
	const std::vector<std::string> &with_modules() const override { return kernels_; }
	std::string append() const override { return append_; }

private:
	OciConfig take_image(const OciLayout &layout, std::uint64_t most);
	OciConfig take_bundle(const OciLayout &layout, std::uint64_t most);
	void add_init(const OciConfig &config);
	void add_kernel(const WorkFolder &work);
	bool has(const std::string &name) const;

	const ImageOptions &wanted_;
	Output &output_;
	std::optional<Tree> tree_;
	std::vector<std::string> kernels_;
	std::string append_;
};

// What container_init reads: the image's command, and who runs it. `tree` knows the users.
std::string format_container(const OciConfig &config, const std::string &hostname,
			     const Tree &tree);

} // namespace rf
