// SPDX-License-Identifier: GPL-2.0
// The command line of a subOS: what an operator may choose, the operator's words, and what
// keeps an unmodified kernel away from what it does not own. The last of several words that
// say different things is the one that counts, so the fixed ones come behind the operator's. Those
// of which the first counts, or all, are in the table of boot/word_rules.cpp.
#include "boot/cmdline.hpp"

#include <algorithm>
#include <array>

#include "boot/bytes.hpp"
#include "boot/words.hpp"
#include "wire/layout.h"

namespace rf::boot {
namespace {

constexpr std::string_view FIRST_STAGE = " rdinit=/rf/init";

// The legacy UARTs: 8250 probes them all unless their ports are taken.
constexpr std::array<std::uint16_t, 4> UART_PORTS = {0x3f8, 0x2f8, 0x3e8, 0x2e8};

// Memory that is given later is used at once, and for what can be moved out again.
constexpr std::string_view DEFAULTS = "memhp_default_state=online_movable";

// Drivers of what belongs to a whole package or wedges a core: a core in VMX
// root ignores INIT, and uncore, RAPL and idle-state registers have one owner.
constexpr std::string_view BLACKLIST =
	" module_blacklist=kvm_intel,kvm_amd,intel_uncore,amd_uncore,intel_uncore_frequency,"
	"rapl,intel_rapl_msr,intel_rapl_common,intel_cstate,intel_powerclamp,isst_if_mbox_msr,"
	"x86_pkg_temp_thermal,intel_pmc_core_pltdrv,pcspkr";

// Always there. Which hazard each word answers: docs/architecture.md.
constexpr std::string_view FIXED =
	// interrupts: physical mode is asked for in the FADT
	" no_ipi_broadcast=1 apic_extnmi=none nmi_watchdog=0"
	// one core, with LOCK prefixes; the agent starts those that it is given
	" maxcpus=1 noreplace-smp"
	// nothing outside the partition
	" pci=off swiotlb=noforce"
	// another kernel would start where this one's agent cannot follow
	" sysctl.kernel.kexec_load_disabled=1"
	// registers that a whole package shares
	" dis_ucode_ldr mce=no_cmci"
	" rdt=!cmt,!mbmtotal,!mbmlocal,!l3cat,!l3cdp,!l2cat,!l2cdp,!mba,!smba,!bmec"
	// SGX: a kernel that boots empties all enclave memory of the machine
	" nosgx initcall_blacklist=amd_uncore_init"
	// going down: stay dead after a panic; reset through the mailbox (ACPI)
	" panic=0 reboot=a";

bool is_blank(char c)
{
	return static_cast<unsigned char>(c) <= ' ';
}

std::string clock_words(const Grant &grant, const Options &options)
{
	if (grant.tsc_khz == 0)
		return "";
	std::string words = " tsc_early_khz=" + std::to_string(grant.tsc_khz) + " tsc=reliable";
	if (options.hz != 0)
		words += " lpj=" +
			 std::to_string(std::uint64_t{grant.tsc_khz} * 1000 / options.hz);
	return words;
}

// The processor writes hints on scheduling into a page of whichever kernel named one last, for
// ever on some (SDM 3B, 15.6): the supervisor's. Only the last list of features may count.
std::string feature_words(const Grant &grant, const std::string &more)
{
	const std::string hfi = grant.feedback ? "hfi" : "";
	const std::string list = hfi + (hfi.empty() || more.empty() ? "" : ",") + more;

	return list.empty() ? "" : " clearcpuid=" + list;
}

std::string reserve_words(const std::optional<Uart> &uart)
{
	std::string words = " reserve=";

	for (auto port : UART_PORTS)
		if (!uart || port != uart->port)
			words += (words.back() == '=' ? "" : ",") + hex(port) + ",8";
	return words;
}

// The last console is /dev/console. A UART comes last: it takes over from the early
// console, which would print everything on it once more until then, and the console
// that comes with the agent repeats the log from its first line only if no early
// console is left by then.
std::string console_words(const Options &options)
{
	const std::optional<Uart> &uart = options.uart;
	std::string words;

	if (options.agent && options.console)
		words += " console=hvc0";
	if (uart)
		words += " console=" + uart->name + ",115200 earlyprintk=serial," +
			 hex(uart->port) + ",115200";
	// With neither: the virtual terminal. boot_params describe no screen, so
	// behind it is the dummy console, not VGA; and unlike console=null it
	// gives user space a /dev/console in kernels without a null tty.
	return words.empty() ? " console=tty0" : words;
}

void add_words(std::string &line, const std::string &words)
{
	if (!words.empty())
		line += " " + words;
}

// The kernel would cut it, and the fixed words with it.
void check_length(const std::string &line, const Options &options)
{
	constexpr std::size_t most = RF_CMDLINE_MAX - 1;
	const std::size_t append = options.append.size();

	if (line.size() > most)
		throw Error("append makes the command line " + std::to_string(line.size()) +
			    " characters long; " + std::to_string(most) + " are possible, " +
			    std::to_string(append - std::min(append, line.size() - most)) +
			    " of them for append");
}

} // namespace

bool has_word(std::string_view cmdline, std::string_view word)
{
	for (std::size_t pos = 0; pos < cmdline.size();) {
		std::size_t end = pos;
		while (end < cmdline.size() && !is_blank(cmdline[end]))
			end++;
		if (cmdline.substr(pos, end - pos) == word)
			return true;
		pos = end + 1;
	}
	return false;
}

CommandLine make_command_line(const Grant &grant, const Options &options)
{
	const std::string fixed = clock_words(grant, options) + std::string(FIXED);
	const std::string last =
		reserve_words(options.uart) + std::string(options.agent ? FIRST_STAGE : "");
	OperatorWords given;
	CommandLine result;

	if (options.check_append)
		given = sort_words(options, fixed + last);
	result.line = std::string(DEFAULTS) + console_words(options);
	add_words(result.line, given.kernel);
	result.line += fixed + std::string(BLACKLIST);
	result.line += (given.modules.empty() ? "" : ",") + given.modules;
	result.line += feature_words(grant, given.features) + last;
	add_words(result.line, given.init);
	if (!options.check_append)
		add_words(result.line, options.append);
	check_length(result.line, options);
	result.notes = std::move(given.notes);
	return result;
}

std::string command_line(const Grant &grant, const Options &options)
{
	return make_command_line(grant, options).line;
}

} // namespace rf::boot
