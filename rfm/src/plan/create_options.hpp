// SPDX-License-Identifier: GPL-2.0
// What `rfm create` is asked for, and the form in which the supervisor keeps it with
// the subOS, so that it can be started again.
#pragma once

#include "boot/image.hpp"
#include "cli/verb.hpp"

#include "uapi/rainforest.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace rf {

// What a start waits for.
enum class Until {
	agent,		// all cores are up, and the agent talks to the supervisor
	init,		// the user's init has begun: state `running`
	login,		// then: a login prompt on the console
};

const char *until_name(Until until);

// The request with its values understood, but not yet compared with the machine.
struct CreateOptions {
	std::string name;
	std::vector<unsigned> cores;	// empty: pick `ncores`
	unsigned ncores = 0;
	std::vector<unsigned> avoided;	// by `ncores`, as long as there are others
	bool split_siblings = false;	// cores may be parted from their SMT siblings
	int node = -1;
	std::uint64_t memory = 0;	// a multiple of RF_EXTENT_SIZE
	std::vector<std::uint32_t> functions;	// RF_BDF()
	std::uint32_t function_flags = 0;	// RF_PCI_*
	bool force = false;		// functions, or a kernel that lacks something
	std::string kernel;
	std::optional<std::string> initrd;
	std::string append;
	std::optional<boot::Uart> uart;
	bool agent = true;
	bool console = true;
	rf_policies policies{};
	bool start = true;
	std::chrono::milliseconds timeout{60'000};	// for `until`; 0: it is not waited for
	Until until = Until::init;
	std::map<std::string, std::string> given;	// as it was given
};

CreateOptions parse_create_options(const Request &request);

// Memory as people give it. Throws Error(bad_value) for 0, for what is no size, and for what
// is no multiple of RF_EXTENT_SIZE.
std::uint64_t parse_memory(const std::string &value);

// What --until says, or `otherwise`. Throws Error(bad_value) for what `wanted` does not have.
Until parse_until(const Request &request, Until otherwise, const CreateOptions &wanted);

// The boot image of a subOS that was loaded but not started.
struct Loaded {
	std::uint64_t entry = 0, page_table = 0, boot_params = 0;
	bool la57 = false;
};

struct Definition {
	Request request;		// as if it had been given to create again
	std::optional<Loaded> loaded;
};

// `initrd`: the file that was used.
std::string format_definition(const CreateOptions &wanted, const std::string &initrd,
			      const std::optional<Loaded> &loaded);
// Throws Error(bad_value) if there is none, or not one that this rfm understands.
Definition parse_definition(const std::string &name, const std::string &words);
// The definition `words`, which can be parsed, once its boot image is not there any more.
std::string definition_without_image(const std::string &words);
// The same definition with these options instead.
std::string definition_with(const std::string &words,
			    const std::map<std::string, std::string> &options);

// The path as a definition has it: links like /vmlinuz lead to another file after an upgrade.
std::string resolved(const std::string &path);

} // namespace rf
