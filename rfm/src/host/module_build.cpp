// SPDX-License-Identifier: GPL-2.0
#include "host/module_build.hpp"

#include "base/error.hpp"
#include "host/proc_files.hpp"

#include <filesystem>

namespace rf {

namespace fs = std::filesystem;

namespace {

// Without a dkms.conf in /usr/src, dkms does nothing, and says that all is well.
bool has_dkms_source(const std::string &root)
{
	std::error_code error;

	for (const fs::path &entry : entries(root + "usr/src"))
		if (entry.filename().string().starts_with("rainforest") &&
		    fs::exists(entry / "dkms.conf", error))
			return true;
	return false;
}

} // namespace

std::string how_to_build(const std::string &version, const std::string &root)
{
	std::error_code error;
	const bool headers = fs::exists(root + "lib/modules/" + version + "/build/Makefile", error);
	const std::string first =
		headers ? std::string() : text("apt install linux-headers-", version, " && ");

	if (has_dkms_source(root))
		return text(first, "dkms autoinstall -k ", version);
	return text(first, "make install, in rainforest's source tree");
}

} // namespace rf
