// SPDX-License-Identifier: GPL-2.0
#include "client/words.hpp"

#include "uapi/rainforest.h"

namespace rf {

const char *state_name(std::uint32_t state)
{
	switch (state) {
	case RF_STATE_DEFINED: return "defined";
	case RF_STATE_LOADED: return "loaded";
	case RF_STATE_BOOTING: return "booting";
	case RF_STATE_RUNNING: return "running";
	case RF_STATE_STOPPING: return "stopping";
	case RF_STATE_STOPPED: return "stopped";
	case RF_STATE_CRASHED: return "crashed";
	case RF_STATE_LOST: return "lost";
	default: return "?";
	}
}

const char *stage_name(std::uint32_t stage)
{
	switch (stage) {
	case RF_STAGE_NONE: return "not started";
	case RF_STAGE_REAL_MODE: return "real mode";
	case RF_STAGE_LONG_MODE: return "long mode";
	case RF_STAGE_CUSTOM: return "customized trampoline";
	case RF_STAGE_MSRS: return "MTRR and PAT restored";
	case RF_STAGE_PAGE_TABLES: return "own page tables";
	case RF_STAGE_KERNEL: return "kernel";
	case RF_STAGE_AGENT: return "agent";
	case RF_STAGE_CPUS: return "all cores up";
	case RF_STAGE_RUNNING: return "running";
	default: return "?";
	}
}

// As sysfs has them.
const char *cause_name(std::uint32_t cause)
{
	switch (cause) {
	case RF_CAUSE_NONE: return "none";
	case RF_CAUSE_OPERATOR: return "operator";
	case RF_CAUSE_POWEROFF: return "poweroff";
	case RF_CAUSE_HALT: return "halt";
	case RF_CAUSE_REBOOT: return "reboot";
	case RF_CAUSE_PANIC: return "panic";
	case RF_CAUSE_EMERGENCY: return "emergency";
	case RF_CAUSE_ACPI_RESET: return "acpi-reset";
	case RF_CAUSE_ACPI_SLEEP: return "acpi-sleep";
	case RF_CAUSE_AGENT: return "agent";
	case RF_CAUSE_NO_ENTRY: return "no-entry";
	case RF_CAUSE_SUPERVISOR: return "supervisor";
	case RF_CAUSE_HANG: return "hang";
	default: return "?";
	}
}

const char *event_name(std::uint32_t type)
{
	switch (type) {
	case RF_EVENT_CREATED: return "created";
	case RF_EVENT_STATE: return "state";
	case RF_EVENT_CORES_ADDED: return "cores-added";
	case RF_EVENT_CORES_REMOVED: return "cores-removed";
	case RF_EVENT_MEMORY_ADDED: return "memory-added";
	case RF_EVENT_MEMORY_REMOVED: return "memory-removed";
	case RF_EVENT_CORES_MOVED: return "cores-moved";
	case RF_EVENT_CORES_BORROWED: return "cores-borrowed";
	case RF_EVENT_CORES_RETURNED: return "cores-returned";
	case RF_EVENT_LATE: return "late";
	case RF_EVENT_POLICY: return "policy";
	case RF_EVENT_DESTROYED: return "destroyed";
	case RF_EVENT_CONSOLE: return "console";
	case RF_EVENT_PCI_ADDED: return "pci-added";
	case RF_EVENT_PCI_REMOVED: return "pci-removed";
	case RF_EVENT_PCI_TAKEN: return "pci-taken";
	case RF_EVENT_PCI_FAULT: return "pci-fault";
	case RF_EVENT_PCI_ERROR: return "pci-error";
	case RF_EVENT_CORE_NOT_HELD: return "core-not-held";
	default: return "?";
	}
}

const char *policy_name(std::uint32_t policy)
{
	switch (policy) {
	case RF_POLICY_KEEP: return "keep";
	case RF_POLICY_RESTART: return "restart";
	case RF_POLICY_DESTROY: return "destroy";
	default: return "?";
	}
}

} // namespace rf
