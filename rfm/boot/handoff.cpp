// SPDX-License-Identifier: GPL-2.0
// The hand-off: what the agent in the subOS is told about what it owns.
#include "wire/handoff.h"

#include <algorithm>

#include "boot/bytes.hpp"
#include "wire/layout_check.h"

namespace rf::boot {

rf_handoff handoff(const Grant &grant, const Options &options)
{
	rf_handoff result{};

	if (grant.name.size() >= sizeof(result.name))
		throw Error("name '" + grant.name + "' is too long; at most " +
			    std::to_string(sizeof(result.name) - 1) + " characters");
	if (grant.ranges.empty() || grant.ranges.size() > RF_RANGES_MAX)
		throw Error(std::to_string(grant.ranges.size()) + " memory ranges; 1 to " +
			    std::to_string(RF_RANGES_MAX) + " are possible");
	if (grant.apic_ids.empty() || grant.apic_ids.size() > RF_CPUS_MAX)
		throw Error(std::to_string(grant.apic_ids.size()) + " cores; 1 to " +
			    std::to_string(RF_CPUS_MAX) + " are possible");

	result.size = sizeof(result);
	result.magic = RF_HANDOFF_MAGIC;
	result.major = RF_HANDOFF_MAJOR;
	result.minor = RF_HANDOFF_MINOR;
	result.id = grant.id;
	if (options.agent && options.console)
		result.flags |= RF_HANDOFF_CONSOLE;
	std::ranges::copy(grant.name, result.name);
	result.mailbox = grant.ranges.front().start + RF_MAILBOX_OFF;
	result.low_slice = grant.low_slice;
	result.low_slice_size = RF_LOW_SLICE_SIZE;
	result.nr_cpus = static_cast<__u32>(grant.apic_ids.size());
	result.nr_ranges = static_cast<__u32>(grant.ranges.size());
	std::ranges::copy(grant.ranges, result.ranges);
	result.grant = grant.ranges.front().start + RF_GRANT_OFF;
	std::ranges::copy(grant.apic_ids, result.apic_ids);

	std::array<std::uint32_t, sizeof(result) / sizeof(std::uint32_t)> words;
	std::memcpy(words.data(), &result, sizeof(result));
	std::uint32_t sum = 0;
	for (auto word : words)
		sum += word;
	result.checksum = 0u - sum;
	return result;
}

} // namespace rf::boot
