// SPDX-License-Identifier: GPL-2.0
// /dev/rainforest: what the supervisor module says of the machine, and the way to its subOSes.
#pragma once

#include "base/descriptor.hpp"
#include "client/partition.hpp"

#include "uapi/rainforest.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace rf {

struct CreateRequest {
	std::string name;
	std::vector<unsigned> cpus;
	int node = -1;
	std::uint64_t memory = 0;
	std::vector<std::uint32_t> functions;	// RF_BDF()
	std::uint32_t function_flags = 0;	// RF_PCI_*
	std::uint32_t flags = 0;		// RF_SPLIT_SIBLINGS
};

struct Events {
	std::vector<rf_event> list;	// oldest first
	std::uint32_t lost = 0;		// that are not kept any more
};

// Owner of each core that is lent: logical number to name of the subOS; empty: it changes hands.
using Lent = std::map<unsigned, std::string>;

// The machine, as the supervisor module sees it.
class Supervisor {
public:
	// Of any version. Throws Error(no_module), or Error(not_permitted) for callers other than root
	// and the operators' group.
	static Supervisor open();
	// Nothing if the module is not loaded or the caller may not ask it.
	static std::optional<Supervisor> open_if_possible();

	int fd() const { return fd_.get(); }		// for poll()
	rf_info info() const;
	rf_memory memory(int node) const;
	std::vector<std::string> names() const;
	std::map<std::uint32_t, std::string> names_by_id() const;
	std::vector<rf_core> cores() const;
	// Who owns the cores that are lent.
	Lent lent_cores() const;
	std::vector<rf_function_info> functions() const;	// by address
	// Events with a larger sequence.
	Events events(std::uint64_t after) const;
	Partition create(const CreateRequest &request) const;
	// Throws Error(no_such_subos) that lists the names there are.
	Partition subos(const std::string &name) const;

private:
	explicit Supervisor(Descriptor fd) : fd_(std::move(fd)) {}
	Descriptor fd_;
};

} // namespace rf
