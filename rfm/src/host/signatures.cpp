// SPDX-License-Identifier: GPL-2.0
#include "host/signatures.hpp"

#include "base/error.hpp"

#include <memory>

#include <blkid/blkid.h>

namespace rf {

std::vector<std::string> signatures_on(const Descriptor &disk, const std::string &shown)
{
	constexpr int nothing = 1, cannot_tell = -2;
	const std::unique_ptr<blkid_struct_probe, decltype(&blkid_free_probe)> probe(
		blkid_new_probe(), blkid_free_probe);
	std::vector<std::string> found;

	if (!probe)
		throw std::bad_alloc();
	if (blkid_probe_set_device(probe.get(), disk.get(), 0, 0) < 0)
		throw Error(Code::bad_file, text("'", shown, "' cannot be looked at"));
	blkid_probe_enable_superblocks(probe.get(), 1);
	blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_TYPE);
	blkid_probe_enable_partitions(probe.get(), 1);
	const int rc = blkid_do_safeprobe(probe.get());
	if (rc == nothing)
		return found;
	if (rc == cannot_tell)
		return {"several file systems"};
	if (rc < 0)
		throw Error(Code::bad_file, text("'", shown, "' cannot be read"));
	for (const char *key : {"TYPE", "PTTYPE"}) {
		const char *value = nullptr;
		if (blkid_probe_lookup_value(probe.get(), key, &value, nullptr) == 0 && value)
			found.emplace_back(value);
	}
	if (found.empty())
		found.emplace_back("?");
	return found;
}

} // namespace rf
