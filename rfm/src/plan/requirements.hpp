// SPDX-License-Identifier: GPL-2.0
// What `rfm check` finds: one row per requirement, with the exact remedy. Pure:
// the machine comes in as structs.
#pragma once

#include "cli/output.hpp"
#include "host/machine.hpp"
#include "host/settings.hpp"

#include "uapi/rainforest.h"

#include <optional>
#include <string>
#include <vector>

namespace rf {

enum class Verdict { ok, warn, missing };

struct Finding {
	std::string name;
	Verdict verdict = Verdict::ok;
	std::string detail;
	std::string remedy;	// "" if there is nothing to do
};

const char *verdict_name(Verdict verdict);

void to_json(Json &json, const Finding &finding);
// A table, and the remedies below it.
std::string to_text(const std::vector<Finding> &findings);

// What the module says, when it can be asked.
struct ModuleFacts {
	rf_info info{};
	std::vector<rf_memory> memory;	// one per node
	std::vector<rf_function_info> functions;
	std::string helper;		// what it starts subOSes again with, "" if unknown
	bool helper_works = false;	// it can be executed
};

// What the installed kernels could be booted with.
struct InstalledKernel {
	std::string version;
	bool has_agent = false;
};

std::vector<InstalledKernel> installed_kernels();

std::vector<Finding> find_all(const Machine &machine, const Platform &platform,
			      const std::optional<ModuleFacts> &module,
			      const std::vector<InstalledKernel> &kernels, bool is_root,
			      const Settings &settings = {});

// A create would work: no row is missing.
bool is_able(const std::vector<Finding> &findings);

} // namespace rf
