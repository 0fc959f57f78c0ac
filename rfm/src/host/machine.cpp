// SPDX-License-Identifier: GPL-2.0
#include "host/machine.hpp"

#include "base/cpulist.hpp"
#include "base/error.hpp"
#include "host/artifacts.hpp"
#include "host/pci_function.hpp"
#include "host/proc_files.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include <numa.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace rf {

namespace fs = std::filesystem;

namespace {

const std::string cpu_dir = "/sys/devices/system/cpu/";
const std::string memory_dir = "/sys/devices/system/memory/";

// sysfs says "" for no core at all.
std::vector<unsigned> read_cpulist(const std::string &path)
{
	const std::string list = read_line(path);
	return list.empty() ? std::vector<unsigned>{} : parse_cpulist(list);
}

// "processor : 3" ... "apicid : 6", for online cores only.
std::map<unsigned, std::uint32_t> read_apic_ids()
{
	std::map<unsigned, std::uint32_t> ids;
	std::ifstream file("/proc/cpuinfo");
	std::string line;
	unsigned cpu = 0;

	while (std::getline(file, line)) {
		const std::size_t colon = line.find(':');
		if (colon == line.npos || colon + 2 > line.size())
			continue;
		if (line.starts_with("processor"))
			cpu = static_cast<unsigned>(std::stoul(line.substr(colon + 2)));
		else if (line.starts_with("apicid"))
			ids[cpu] = static_cast<std::uint32_t>(std::stoul(line.substr(colon + 2)));
	}
	return ids;
}

std::vector<std::string> read_cpu_flags()
{
	std::ifstream file("/proc/cpuinfo");
	std::string line;

	while (std::getline(file, line)) {
		if (!line.starts_with("flags"))
			continue;
		std::istringstream words(line.substr(line.find(':') + 1));
		return {std::istream_iterator<std::string>(words), {}};
	}
	return {};
}

std::uint64_t parse_hex(const std::string &digits)
{
	try {
		return std::stoull(digits, nullptr, 16);
	} catch (const std::exception &) {
		return 0;
	}
}

int node_of_block(const fs::path &block)
{
	for (const fs::path &entry : entries(block)) {
		const std::string name = entry.filename();
		if (name.starts_with("node") && name.size() > 4 && name[4] >= '0' && name[4] <= '9')
			return std::stoi(name.substr(4));
	}
	return 0;
}

// Online blocks by the zone that offlining would take them from.
std::vector<NodeMemory> read_memory(std::uint64_t block_size)
{
	std::map<int, NodeMemory> nodes;

	for (const fs::path &entry : entries(memory_dir)) {
		if (!entry.filename().string().starts_with("memory") ||
		    read_line(entry / "state") != "online")
			continue;
		const std::string zones = read_line(entry / "valid_zones");
		const int node = node_of_block(entry);
		NodeMemory &sum = nodes.try_emplace(node, NodeMemory{node, 0, 0}).first->second;
		if (zones.starts_with("Movable"))
			sum.movable += block_size;
		else if (zones.starts_with("Normal"))
			sum.other += block_size;
	}
	std::vector<NodeMemory> list;
	for (const auto &[node, memory] : nodes)
		list.push_back(memory);
	return list;
}

bool file_mentions(const std::string &path, const std::string &word)
{
	std::ifstream file(path);
	std::string line;

	while (std::getline(file, line))
		if (line.find(word) != line.npos)
			return true;
	return false;
}

bool has_entries(const std::string &directory)
{
	std::error_code error;
	return fs::directory_iterator(directory, error) != fs::directory_iterator{};
}

} // namespace

const Cpu *Machine::cpu(unsigned id) const
{
	const auto found = std::find_if(cpus.begin(), cpus.end(),
					[id](const Cpu &cpu) { return cpu.id == id; });
	return found == cpus.end() ? nullptr : &*found;
}

bool Machine::has_node(int node) const
{
	return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

bool Platform::has_parameter(const std::string &word) const
{
	std::istringstream words(cmdline);
	std::string next;

	while (words >> next)
		if (next == word)
			return true;
	return false;
}

bool Platform::has_flag(const std::string &flag) const
{
	return std::find(cpu_flags.begin(), cpu_flags.end(), flag) != cpu_flags.end();
}

std::string read_line(const std::string &path)
{
	std::ifstream file(path);
	std::string line;

	std::getline(file, line);
	return line;
}

Machine read_machine()
{
	Machine machine;
	const std::map<unsigned, std::uint32_t> apic_ids = read_apic_ids();
	const std::vector<unsigned> online = read_cpulist(cpu_dir + "online");
	const bool has_numa = numa_available() >= 0;

	machine.possible = static_cast<unsigned>(read_cpulist(cpu_dir + "possible").size());
	for (const unsigned id : read_cpulist(cpu_dir + "present")) {
		Cpu cpu;
		cpu.id = id;
		cpu.online = std::find(online.begin(), online.end(), id) != online.end();
		if (const auto apic = apic_ids.find(id); apic != apic_ids.end())
			cpu.apic_id = apic->second;
		if (cpu.online) {
			cpu.node = has_numa ? numa_node_of_cpu(static_cast<int>(id)) : 0;
			cpu.siblings = read_cpulist(text(cpu_dir, "cpu", id,
							 "/topology/thread_siblings_list"));
		}
		if (cpu.siblings.empty())
			cpu.siblings = {id};
		machine.cpus.push_back(std::move(cpu));
	}
	for (int node = 0; has_numa && node <= numa_max_node(); node++)
		if (numa_bitmask_isbitset(numa_all_nodes_ptr, static_cast<unsigned>(node)))
			machine.nodes.push_back(node);
	if (machine.nodes.empty())
		machine.nodes = {0};
	const std::string smt = read_line(cpu_dir + "smt/control");
	machine.smt_off = smt == "off" || smt == "forceoff";
	return machine;
}

Platform read_platform()
{
	Platform platform;
	utsname names{};

	::uname(&names);
	platform.architecture = names.machine;
	platform.release = names.release;
	platform.cmdline = read_line("/proc/cmdline");
	// "none [integrity] confidentiality": the one in brackets is in force.
	const std::string lockdown = read_line("/sys/kernel/security/lockdown");
	const std::size_t open = lockdown.find('['), close = lockdown.find(']');
	if (open != lockdown.npos && close != lockdown.npos)
		platform.lockdown = lockdown.substr(open + 1, close - open - 1);
	platform.cpu_flags = read_cpu_flags();
	platform.block_size = parse_hex(read_line(memory_dir + "block_size_bytes"));
	platform.memory = read_memory(platform.block_size);
	const std::string crash = read_line("/sys/kernel/kexec_crash_size");
	platform.crash_kernel = crash.empty() ? 0 : std::stoull(crash);
	platform.has_ecam = fs::exists("/sys/firmware/acpi/tables/MCFG") ||
			    file_mentions("/proc/iomem", "PCI MMCONFIG") ||
			    file_mentions("/proc/iomem", "PCI ECAM");
	platform.has_iommu = has_entries("/sys/class/iommu");
	platform.has_interrupt_remapping = file_mentions("/proc/interrupts", "IR-");
	platform.pci_functions = static_cast<unsigned>(read_functions().size());
	platform.module_loaded = fs::exists("/sys/module/rf_supervisor");
	platform.module_file = find_module("rf_supervisor.ko", platform.release).value_or("");
	return platform;
}

bool is_console(const std::string &tty)
{
	std::istringstream words(read_line("/sys/class/tty/console/active"));
	std::string word;

	while (words >> word)
		if (word == tty)
			return true;
	return false;
}

} // namespace rf
