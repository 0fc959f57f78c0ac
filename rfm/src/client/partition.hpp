// SPDX-License-Identifier: GPL-2.0
// One subOS, by its descriptor.
#pragma once

#include "base/descriptor.hpp"
#include "base/error.hpp"

#include "inspect/memory.hpp"
#include "uapi/rainforest.h"

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace rf {

class Partition;

// One adjustment; what its fields mean: RF_IOC_RESIZE.
struct ResizeRequest {
	rf_resize_op op;
	std::vector<unsigned> cpus;
	std::uint64_t memory = 0;
	std::vector<std::uint32_t> functions;	// RF_BDF()
	std::uint32_t function_flags = 0;	// RF_PCI_*
	std::uint32_t flags = 0;		// RF_SPLIT_SIBLINGS, for cores
	std::chrono::milliseconds timeout{0};	// 0: the module's default
	int node = -1;
	const Partition *to = nullptr;
};

// What kind of thing an adjustment is about; cores if it is neither.
bool is_on_memory(rf_resize_op op);
bool is_on_functions(rf_resize_op op);

// What an adjustment that failed has changed all the same, as the end of a line; `now`: after it.
std::string done_text(const ResizeRequest &wanted, const rf_resize &answer, const rf_status &now);

// One subOS.
class Partition : public inspect::Memory {
public:
	Partition(Descriptor fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}

	const std::string &name() const { return name_; }
	int fd() const { return fd_.get(); }		// for poll()
	rf_status status() const;
	void load(std::span<const rf_segment> segments) const;
	void start(rf_start how) const;
	void publish() const;
	rf_destroy destroy() const;

	// Throws an Error whose details tell what changed hands before it failed.
	rf_resize resize(const ResizeRequest &wanted) const;
	void stop(std::uint32_t flags) const;		// RF_STOP_*
	void reset(std::uint32_t flags) const;		// RF_RESET_*
	void set_policies(rf_policies policies) const;
	void define(const std::string &words) const;
	std::string definition() const;			// "" if there is none
	rf_statistics statistics() const;
	void set_window(std::uint16_t rows, std::uint16_t columns) const;
	// Throws Error(busy) if RF_CONSOLE_WRITE is wanted and somebody else writes.
	Descriptor console(std::uint32_t flags) const;

	enum class Event { none, changed, gone };
	// Waits for a change since the last status(); a signal ends the wait early.
	Event wait(std::chrono::milliseconds at_most) const;

	// inspect::Memory: the subOS's memory by physical address.
	bool read(std::uint64_t phys, std::span<std::byte> into) const override;

private:
	[[noreturn]] void fail_resize(int error, const ResizeRequest &wanted,
				      const rf_resize &answer) const;
	void check_step(int error, const char *step) const;
	[[noreturn]] void fail_asking(int error, const char *what, const std::string &done = "",
				      const Json &details = Json::object()) const;

	Descriptor fd_;
	std::string name_;
};

// The subOS will not run again: its log and its state are final.
bool has_ended(const rf_status &status);

} // namespace rf
