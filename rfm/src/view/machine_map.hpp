// SPDX-License-Identifier: GPL-2.0
// The whole machine and who owns what of it: cores, memory, PCI functions, by NUMA node.
#pragma once

#include "client/supervisor.hpp"
#include "host/memory_blocks.hpp"
#include "host/pci_function.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rf {

struct MachineMap {
	// Owners are named by their place in `owners`; the supervisor is the first.
	static constexpr int supervisor = 0;
	static constexpr int nobody = -1;	// changes hands; of memory: free, or shared by all

	struct Owner {
		std::string name;
		std::uint32_t id = 0;
		std::string state;
	};
	struct Core {
		unsigned cpu = 0;
		std::uint32_t apic_id = 0;
		std::uint32_t group = 0;	// the same for SMT siblings
		int node = -1;
		bool online = false;		// in the supervisor
		int owner = supervisor;
	};
	struct Memory {
		std::optional<std::uint64_t> start;	// nothing: the caller may not know
		std::uint64_t size = 0;
		int node = -1;				// -1: unknown
		int owner = supervisor;
	};
	struct Function {
		std::uint32_t bdf = 0;
		std::string what;		// class
		std::string driver;		// that has it, or that it goes back to; may be empty
		int node = -1;
		bool bridge = false;
		int owner = supervisor;
	};

	std::vector<Owner> owners;
	std::vector<Core> cores;		// siblings beside each other
	std::vector<Memory> memory;		// by address; those without one last
	std::vector<Function> functions;	// by address
	std::uint64_t pool_free = 0, pool_shared = 0;

	// Ascending; -1 last, if anything is nowhere.
	std::vector<int> nodes() const;
	std::string name_of(int owner) const;	// "nobody" if it has none
	// One character for drawings: '.' the supervisor, 'a' and so on subOSes, '-' nobody.
	static char mark_of(int owner);
	unsigned cores_of(int owner) const;
	std::uint64_t memory_of(int owner) const;
	unsigned functions_of(int owner) const;	// without bridges
};

MachineMap read_map(const Supervisor &supervisor);

// What read_map() makes of what the kernel says of memory, and what it and the module say of who
// has it: `owned` overrides `pool`, which overrides `blocks`.
std::vector<MachineMap::Memory> layers(const std::vector<MemoryPiece> &blocks,
				       const std::vector<MemoryPiece> &pool,
				       const std::vector<MachineMap::Memory> &owned);

void to_json(Json &json, const MachineMap &map);

// "8 cores, 4G of memory, 7 PCI functions, 2 subOSes"
std::string headline(const MachineMap &map);

} // namespace rf
