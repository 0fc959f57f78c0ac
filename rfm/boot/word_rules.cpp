// SPDX-License-Identifier: GPL-2.0
// Words that a subOS's kernel must not get from its operator, and why. A word that means
// something the operator cannot have is refused; one that stands on command lines for other
// machines, and that a subOS does without, is left out with a note.
//
// A rule has its place here for what the word does: it leads the kernel to hardware or memory
// of others (tests/functional/test_words.py boots some of these to see it), or it takes away
// what rfm or the agent rely on.
#include "boot/words.hpp"

#include <array>

namespace rf::boot {
namespace {

using enum Fate;
using enum Values;

// What has a reason in common says it in common.
constexpr std::string_view OWN_MEMORY =
	"a subOS uses the memory that it is given and no other; give its size with --mem";
constexpr std::string_view OWN_TABLES =
	"without the ACPI tables that a subOS is given its kernel takes the machine's interrupt "
	"controllers and timers; leave it out";
constexpr std::string_view OWN_INTERRUPTS =
	"its kernel would take the interrupt controllers of the machine instead; leave it out";
constexpr std::string_view OWN_TIMER =
	"the timers of a subOS are in its cores, and all others the supervisor's; leave it out";
constexpr std::string_view OWN_CORES =
	"the agent starts its cores, give their number with --ncores";
constexpr std::string_view FROM_OUTSIDE =
	"a subOS has no crash kernel, 'rfm dump' reads its memory from outside";
constexpr std::string_view OWN_INITRD = "the initrd is where rfm puts it; give its file with --initrd";
constexpr std::string_view OWN_UART =
	"the port is not the subOS's own; 'rfm console' shows another console, --uart gives a port";
constexpr std::string_view EARLY = "a subOS has an early console with --uart only, and then by itself";
constexpr std::string_view MEASURED = "the supervisor has measured it";
constexpr std::string_view CRASH = "what follows a crash is said by --on-crash";
constexpr std::string_view AGENT =
	"the agent is a module that comes with the initrd; boot without it with --no-agent";
constexpr std::string_view MACHINE_CHECK =
	"a machine check that reaches all cores would reset the machine; leave it out";

constexpr auto RULES = std::to_array<WordRule>({
	// ---- memory ----
	// The supervisor's pool, from its own command line. It would take away all that is given.
	{"memmap", dropped, "it keeps memory for subOSes, and a subOS has none", reserving},
	// E820 entries of the user's: RAM that is somebody else's.
	{"memmap", refused, OWN_MEMORY},
	// An end in bytes, and a partition lies above it: no memory is left.
	{"mem", refused, OWN_MEMORY, all, {}, false, true},
	{"crashkernel", refused, FROM_OUTSIDE, all, {}, false, true},
	// Makes /proc/vmcore of any memory.
	{"elfcorehdr", refused, FROM_OUTSIDE},
	// Memory that two kernels read would be encrypted by one of them.
	{"mem_encrypt", refused, "other kernels could not read what they share with it; leave it out",
	 listed, "on"},
	{"memhp_default_state", refused, "memory given later would stay unused", listed, "offline",
	 false, true},
	// Bounce buffers: 64 MiB below 4 GiB, where a partition has nothing.
	{"swiotlb", refused, "a subOS has no memory below 4 GiB for it; leave it out", unlisted,
	 "noforce", false, true},
	// A log at an address of the user's, in whoever's memory that is.
	{"ramoops.mem_address", refused,
	 "the address is not the subOS's own; 'rfm log' reads the log of a dead one"},
	// Memory types hold for others' memory, too, and for SMT siblings.
	{"enable_mtrr_cleanup", refused, "memory types are the machine's; leave it out"},

	// ---- where the kernel looks for the machine ----
	// Then it reads the MP table of the firmware: real IO-APIC, 8259, ELCR, PIT.
	{"acpi", refused, OWN_TABLES, listed, "off,ht,noirq,rsdt"},
	{"acpi_rsdp", refused, OWN_TABLES},
	// Another MADT than the one there is: none, and thus the MP table.
	{"acpi_apic_instance", refused, OWN_TABLES},
	// Both write into the firmware's MP table.
	{"alloc_mptable", refused, "the MP table is the machine's; leave it out"},
	{"update_mptable", refused, "the MP table is the machine's; leave it out"},
	// Access methods by port, checked or not, undo pci=off.
	{"pci", refused, "the agent shows the kernel its own functions; give them with --pci",
	 unlisted, "off,noats,noari,noaer,nomsi"},
	// boot_params tell where the initrd is.
	{"initrdmem", refused, OWN_INITRD},
	{"initrd", dropped, OWN_INITRD},
	{"noinitrd*", refused, AGENT, all, {}, true},
	// Words in the initrd, which come before all others and are in no table.
	{"bootconfig", refused, "what stands in the initrd is not checked; give words with --append"},

	// ---- interrupts and timers ----
	{"noapic", refused, OWN_INTERRUPTS},
	{"nolapic", refused, OWN_INTERRUPTS},
	{"disableapic", refused, OWN_INTERRUPTS},
	// No other timer is described to it: it hangs, or finds those of the machine.
	{"nolapic_timer", refused, OWN_TIMER},
	{"noapictimer", refused, OWN_TIMER},
	{"notsc*", refused, OWN_TIMER},
	{"tsc", dropped, "the TSC is the only clock of a subOS"},
	{"tsc_early_khz", dropped, MEASURED},
	{"lpj", dropped, MEASURED},
	// A port to read the time from.
	{"pmtmr", refused, OWN_TIMER},
	{"no_ipi_broadcast", refused,
	 "an interrupt to all reaches cores of other kernels; leave it out"},
	{"apic_extnmi", refused, "external NMIs are the supervisor's; leave it out"},
	{"nmi_watchdog", dropped, "one that locks up is seen from outside, by --hang-timeout"},
	{"nomce*", refused, MACHINE_CHECK},
	{"mce", refused, MACHINE_CHECK, listed, "off"},
	{"mceoff*", refused, MACHINE_CHECK},
	// The same by the names of features, and by their numbers.
	{"clearcpuid", refused, MACHINE_CHECK, listed, "mce,mca,7,14"},
	{"clearcpuid", refused, OWN_INTERRUPTS, listed, "apic,9"},
	{"clearcpuid", refused, OWN_TIMER, listed, "tsc,4"},

	// ---- cores ----
	{"maxcpus", refused, OWN_CORES, all, {}, false, true},
	// The machine's boot core, which a subOS is told of, takes the only place.
	{"nr_cpus", refused, OWN_CORES, all, {}, false, true},
	{"nosmp", refused, OWN_CORES},
	{"disable_cpu_apicid", refused, "its cores are chosen with --cores", all, {}, false, true},
	{"possible_cpus", dropped, "rfm tells it how many cores it could get"},
	// Siblings that are lent stay off, whoever starts them.
	{"nosmt", refused, "SMT siblings stay together, and the agent starts them all; leave it out",
	 all, {}, false, true},
	{"mitigations", refused,
	 "SMT siblings stay together, and the agent starts them all; give mitigations=auto", listed,
	 "nosmt", false, true},

	// ---- what a package shares ----
	{"rdt*", refused, "caches and bandwidth are shared by a package; leave it out"},

	// ---- the agent ----
	{"nomodule", refused, AGENT, all, {}, true},
	{"sysctl.kernel.modules_disabled", refused, AGENT, all, {}, true},
	{"module_blacklist", refused, AGENT, listed, "rf_subos,rf_ficm", true},
	{"sysctl.kernel.kexec_load_disabled", refused,
	 "a kernel that kexec starts would have no agent; 'rfm restart' boots another one"},

	// ---- going down ----
	// Ways to reset the machine, and flags that stay when another way is given last.
	{"reboot", dropped,
	 "a subOS reboots through the supervisor; what follows is said by --on-reboot"},
	{"panic", dropped, CRASH},
	{"sysctl.kernel.panic", dropped, CRASH},

	// ---- consoles ----
	// Writes to whatever is at that port, some twenty thousand times a boot.
	{"console", dropped, OWN_UART, foreign_uart},
	{"kgdboc", dropped, OWN_UART, foreign_uart},
	{"kgdboc_earlycon", dropped, EARLY},
	{"earlycon", dropped, EARLY},
	{"earlyprintk", dropped, EARLY},
	// There are four ranges in the kernel, and the ports of four UARTs in the machine.
	{"reserve", refused,
	 "the kernel has no more than the four ranges that rfm gives; leave it out"},

	// ---- from other command lines ----
	{"BOOT_IMAGE", dropped, "it names the kernel of another boot"},
	{"rf_supervisor.*", dropped, "it is the supervisor's"},
});

} // namespace

std::span<const WordRule> word_rules()
{
	return RULES;
}

} // namespace rf::boot
