// SPDX-License-Identifier: GPL-2.0
// What the running kernel says about the machine, without the module: sysfs,
// procfs, libnuma and libpci. Plain structs, so that tests can make up machines.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rf {

struct Cpu {
	unsigned id = 0;			// logical number
	bool online = false;
	int node = -1;				// NUMA node, -1 if unknown (offline)
	std::vector<unsigned> siblings;		// SMT siblings with itself, ascending: those online;
						// with the module, all (core_choice.hpp)
	std::optional<std::uint32_t> apic_id;	// unknown while offline
};

struct NodeMemory {
	int node = 0;
	std::uint64_t movable = 0;	// bytes in online blocks that are in ZONE_MOVABLE
	std::uint64_t other = 0;	// bytes in online blocks of ZONE_NORMAL
};

struct Machine {
	std::vector<Cpu> cpus;		// present ones, ascending
	unsigned possible = 0;
	std::vector<int> nodes;
	bool splits_unasked = false;	// the module is older than the rule for siblings
	bool smt_off = false;		// the kernel keeps all siblings but one offline

	const Cpu *cpu(unsigned id) const;
	bool has_node(int node) const;
};

// Facts that only `rfm check` needs.
struct Platform {
	std::string architecture;	// uname: "x86_64"
	std::string release;		// uname: "6.1.0-56-amd64"
	std::string cmdline;
	std::string lockdown;		// "none", "integrity", ..., "" if unknown
	std::vector<std::string> cpu_flags;
	std::vector<NodeMemory> memory;
	std::uint64_t block_size = 0;	// of memory hotplug, 0 without it
	std::uint64_t crash_kernel = 0;	// bytes
	bool has_ecam = false;
	bool has_iommu = false;
	bool has_interrupt_remapping = false;
	unsigned pci_functions = 0;
	bool module_loaded = false;
	std::string module_file;	// where it could be loaded from, "" if nowhere

	bool has_parameter(const std::string &word) const;	// on the kernel command line
	bool has_flag(const std::string &flag) const;
};

Machine read_machine();
Platform read_platform();

// Is this serial port a console of the running kernel?
bool is_console(const std::string &tty);

// First line of a small file without the line break, "" if it cannot be read.
std::string read_line(const std::string &path);

} // namespace rf
