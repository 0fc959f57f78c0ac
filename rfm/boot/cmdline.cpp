// SPDX-License-Identifier: GPL-2.0
// The command line of a subOS: what keeps an unmodified kernel away from what it
// does not own, then the user's words.
#include "boot/cmdline.hpp"

#include <algorithm>
#include <array>

#include "boot/bytes.hpp"
#include "wire/layout.h"

namespace rf::boot {
namespace {

constexpr std::string_view FIRST_STAGE = "/rf/init";
constexpr std::string_view RDINIT = "rdinit=";
constexpr std::string_view RF_INIT = "rf.init=";

// What would undo what a subOS relies on, and what to do instead. A word that ends
// in "=" stands for all of its values.
struct Refusal {
	std::string_view word, instead;
};
constexpr std::array<Refusal, 3> REFUSED = {{
	{"crashkernel=", "a subOS has no crash kernel, 'rfm dump' reads its memory from outside"},
	{"maxcpus=", "the agent starts its cores, give their number with --ncores"},
	{"memhp_default_state=offline", "memory given later would stay unused"},
}};

// The legacy UARTs: 8250 probes them all unless their ports are taken.
constexpr std::array<std::uint16_t, 4> UART_PORTS = {0x3f8, 0x2f8, 0x3e8, 0x2e8};

// Drivers of what belongs to a whole package or wedges a core: a core in VMX
// root ignores INIT, and uncore, RAPL and idle-state registers have one owner.
constexpr std::string_view BLACKLIST =
	"module_blacklist=kvm_intel,kvm_amd,intel_uncore,amd_uncore,intel_uncore_frequency,"
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
	// memory that is given later is used at once, and for what can be moved out again
	" memhp_default_state=online_movable"
	// another kernel would start where this one's agent cannot follow
	" sysctl.kernel.kexec_load_disabled=1"
	// registers that a whole package shares
	" dis_ucode_ldr mce=no_cmci"
	" rdt=!cmt,!mbmtotal,!mbmlocal,!l3cat,!l3cdp,!l2cat,!l2cdp,!mba,!smba,!bmec"
	// SGX: a kernel that boots empties all enclave memory of the machine
	" nosgx initcall_blacklist=amd_uncore_init"
	// going down: stay dead after a panic; reset through the mailbox (ACPI)
	" panic=0 reboot=a ";

bool is_blank(char c)
{
	return static_cast<unsigned char>(c) <= ' ';
}

// One word as the kernel's parameter parser cuts it (next_arg): up to a blank
// outside of quotes.
std::size_t word_end(std::string_view text, std::size_t pos)
{
	for (bool quoted = false; pos < text.size(); pos++) {
		if (text[pos] == '"')
			quoted = !quoted;
		else if (!quoted && is_blank(text[pos]))
			break;
	}
	return pos;
}

// The parameters in `text`, without quotes, up to "--": what follows is for init.
template <typename Visit> void for_each_word(std::string_view text, Visit visit)
{
	for (std::size_t pos = 0; pos < text.size();) {
		if (is_blank(text[pos])) {
			pos++;
			continue;
		}
		std::string_view word = text.substr(pos, word_end(text, pos) - pos);
		if (word == "--")
			return;
		pos += word.size();
		word.remove_prefix(word.starts_with('"'));
		visit(word);
	}
}

// In names of parameters the kernel takes - for _.
bool is_refused(std::string word, const Refusal &refusal)
{
	std::replace(word.begin(), word.begin() + std::min(word.find('='), word.size()), '-', '_');
	return refusal.word.ends_with('=') ? word.starts_with(refusal.word) : word == refusal.word;
}

void check_append(std::string_view append)
{
	for (char c : append)
		if (static_cast<unsigned char>(c) < ' ' && c != '\t')
			throw Error("append holds the control character " +
				    hex(static_cast<unsigned char>(c)) +
				    "; printable characters on one line are accepted");
	for_each_word(append, [](std::string_view word) {
		for (const Refusal &refusal : REFUSED)
			if (is_refused(std::string(word), refusal))
				throw Error("append '" + std::string(word) +
					    "' is not possible: " + std::string(refusal.instead));
	});
}

// The first stage runs as rdinit= and hands over to what the user wanted there.
// Words behind "--" are for init and stay as they are.
std::string redirect_rdinit(std::string_view append)
{
	std::string result;

	for (std::size_t pos = 0; pos < append.size();) {
		if (is_blank(append[pos])) {
			result += append[pos++];
			continue;
		}
		std::string_view word = append.substr(pos, word_end(append, pos) - pos);
		if (word == "--")
			return result + std::string(append.substr(pos));
		pos += word.size();
		bool quoted = word.starts_with('"');
		if (word.substr(quoted).starts_with(RDINIT)) {
			word.remove_prefix(quoted + RDINIT.size());
			result += quoted ? "\"" : "";
			result += RF_INIT;
		}
		result += word;
	}
	return result;
}

std::string clock_words(const Grant &grant, const Options &options)
{
	if (grant.tsc_khz == 0)
		return "";
	std::string words = "tsc_early_khz=" + std::to_string(grant.tsc_khz) + " tsc=reliable";
	if (options.hz != 0)
		words += " lpj=" +
			 std::to_string(std::uint64_t{grant.tsc_khz} * 1000 / options.hz);
	return words;
}

// The processor writes hints on scheduling into a page of whichever kernel named one last, for
// ever on some (SDM 3B, 15.6): the supervisor's.
std::string feedback_words(const Grant &grant)
{
	return grant.feedback ? " clearcpuid=hfi" : "";
}

std::string reserve_words(const std::optional<Uart> &uart)
{
	std::string words = "reserve=";

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

std::string command_line(const Grant &grant, const Options &options)
{
	check_append(options.append);

	std::string line = clock_words(grant, options);
	line += FIXED.substr(line.empty());
	line += BLACKLIST;
	line += feedback_words(grant);
	line += " " + reserve_words(options.uart) + console_words(options);
	if (options.agent)
		line += " " + std::string(RDINIT) + std::string(FIRST_STAGE);
	const std::size_t own = line.size();
	if (!options.append.empty())
		line += " " + (options.agent ? redirect_rdinit(options.append) : options.append);
	if (line.size() >= RF_CMDLINE_MAX)
		throw Error("append makes the command line " + std::to_string(line.size()) +
			    " characters long; " + std::to_string(RF_CMDLINE_MAX - 1) +
			    " are possible, " + std::to_string(RF_CMDLINE_MAX - 2 - own) +
			    " of them for append");
	return line;
}

} // namespace rf::boot
