// SPDX-License-Identifier: GPL-2.0
#include "view/no_log.hpp"

#include "base/error.hpp"
#include "client/partition.hpp"

namespace rf {

namespace {

// A kernel has its log within a second, ten under emulation.
constexpr std::uint64_t early_ns = 60ull * 1'000'000'000;

} // namespace

std::string no_log_text(const std::string &name, const rf_status &status, std::uint64_t now)
{
	const std::uint64_t entered = status.moments[RF_MOMENT_KERNEL];

	if (status.state == RF_STATE_DEFINED || status.state == RF_STATE_LOADED)
		return text("it was not started, 'rfm start ", name, "' does that");
	if (status.stage < RF_STAGE_KERNEL)
		return text("no kernel was entered; 'rfm restart --force ", name, "' tries again");
	if (has_ended(status))
		return "its kernel ended before it had one, or keeps none (CONFIG_PRINTK, "
		       "CONFIG_CRASH_CORE or CONFIG_VMCORE_INFO): there will be none";
	if (entered && now > entered && now - entered > early_ns)
		return "its kernel keeps none (CONFIG_PRINTK, CONFIG_CRASH_CORE or "
		       "CONFIG_VMCORE_INFO), or hangs since its first second";
	return "it appears early in the boot, try again in some seconds";
}

} // namespace rf
