// SPDX-License-Identifier: GPL-2.0
// The plan made of what `rfm create` is asked for: everything is checked here, before
// anything is changed.
#pragma once

#include "boot/image.hpp"
#include "cli/phases.hpp"
#include "client/supervisor.hpp"
#include "host/artifacts.hpp"
#include "host/cache.hpp"
#include "plan/core_choice.hpp"
#include "plan/create_options.hpp"
#include "plan/outlook.hpp"

namespace rf {

// The files, read whole, and what was found in them.
struct Artifacts {
	FileBytes kernel_file;
	boot::Kernel kernel;
	Vmlinux vmlinux;		// empty: enter through the bzImage
	FileBytes user_initrd;
	FileBytes first_stage;
	FileBytes ficm;
	FileBytes agent;
	std::string config;		// of the kernel; empty if it is not there

	boot::Initrd initrd() const;
};

struct Plan {
	CreateOptions wanted;
	CreateRequest request;
	std::vector<std::uint32_t> apic_ids;	// as known before the create; same order as cores
	Artifacts files;
	boot::Options options;
	std::string cmdline;			// as it will be
	std::vector<std::string> notes;
	Outlook outlook;			// what others will have done before it is created
};

// `supervisor` is absent in a dry run without the module or without root.
// `keep_cache`: a newly decompressed kernel may be written to the cache.
Plan make_plan(const CreateOptions &wanted, const Supervisor *supervisor, bool keep_cache,
	       Phases &phases, const Outlook &outlook = {});

// The cores of the plan or, if they were picked, those that would be picked now. Throws as
// make_plan() does.
std::vector<unsigned> cores_now(const Plan &plan, const Supervisor &supervisor);

// What a start lets pass, as it was let pass when the subOS was created, perhaps by an earlier
// rfm; options that are new have to be looked at as a create does.
struct Trust {
	bool append = true;
	bool kernel = true;
};

// The plan to start a subOS again that has its cores and its memory.
Plan make_start_plan(const CreateOptions &wanted, const Supervisor &supervisor,
		     const rf_status &status, Phases &phases, Trust trust = {});

// What its memory must be at least. Throws Error(bad_file).
std::uint64_t memory_needed(const Plan &plan);

void to_json(Json &json, const Plan &plan);
std::string to_text(const Plan &plan);

// What only the processor can tell: filled in for both the plan and the boot.
boot::Grant base_grant(const Plan &plan, const Supervisor *supervisor);

} // namespace rf
