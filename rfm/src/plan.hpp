// SPDX-License-Identifier: GPL-2.0
// What `rfm create` is asked for, and the plan made of it: everything is checked
// here, before anything is changed.
#pragma once

#include "boot/image.hpp"
#include "cache.hpp"
#include "cores.hpp"
#include "device.hpp"
#include "files.hpp"
#include "phases.hpp"
#include "verb.hpp"

namespace rf {

// The request with its values understood, but not yet compared with the machine.
struct Wish {
	std::string name;
	std::vector<unsigned> cores;	// empty: pick `ncores`
	unsigned ncores = 0;
	int node = -1;
	std::uint64_t memory = 0;	// rounded up to RF_EXTENT_SIZE
	std::string kernel;
	std::optional<std::string> initrd;
	std::string append;
	std::optional<boot::Uart> uart;
	bool agent = true;
	bool start = true;
	unsigned wait = 60;		// seconds
	std::vector<std::string> notes;
};

Wish parse_wish(const Request &request);

// The files, read whole, and what was found in them.
struct Artifacts {
	FileBytes kernel_file;
	boot::Kernel kernel;
	Vmlinux vmlinux;		// empty: enter through the bzImage
	FileBytes user_initrd;
	FileBytes first_stage;
	FileBytes agent;
	unsigned hz = 0;

	boot::Initrd initrd() const;
};

struct Plan {
	Wish wish;
	CreateRequest request;
	std::vector<std::uint32_t> apic_ids;	// as known before the create; same order as cores
	Artifacts files;
	boot::Options options;
	std::string cmdline;			// as it will be
	std::vector<std::string> notes;
};

// `supervisor` is absent in a dry run without the module or without root.
// `keep_cache`: a newly decompressed kernel may be written to the cache.
Plan make_plan(const Wish &wish, const Supervisor *supervisor, bool keep_cache, Phases &phases);

Json plan_json(const Plan &plan);

// What only the processor can tell: filled in for both the plan and the boot.
boot::Grant base_grant(const Plan &plan, const Supervisor *supervisor);

} // namespace rf
