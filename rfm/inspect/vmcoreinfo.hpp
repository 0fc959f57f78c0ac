// SPDX-License-Identifier: GPL-2.0
// The VMCOREINFO note: what a kernel publishes about itself for crash dumps,
// as text lines KEY(name)=value. It exists from subsys_initcall on.
#pragma once

#include "memory.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rf::inspect {

struct Range {
	std::uint64_t start = 0;
	std::uint64_t size = 0;
};

class Vmcoreinfo {
public:
	// Nothing if the text is not a VMCOREINFO note's content.
	static std::optional<Vmcoreinfo> parse(std::string_view content);

	// The note at this physical address, if there is a whole one.
	static std::optional<Vmcoreinfo> at(const Memory &memory, std::uint64_t phys);

	// The one at `hint` (0: unknown), else the first that a search page by page finds.
	static std::optional<Vmcoreinfo> find(const Memory &memory, std::span<const Range> ranges,
					      std::uint64_t hint);

	// The whole ELF note as the kernel wrote it; empty if only content was parsed.
	std::span<const std::byte> note() const { return note_; }
	std::uint64_t address() const { return address_; }	// of the note, physical

	std::string release() const;
	std::optional<std::uint64_t> symbol(const std::string &name) const;	// SYMBOL(name), hex
	std::optional<std::int64_t> number(const std::string &name) const;  // NUMBER(name), decimal
	std::optional<std::uint64_t> offset(const std::string &name) const; // OFFSET(name), decimal
	std::optional<std::uint64_t> size(const std::string &name) const;   // SIZE(name), decimal

private:
	std::optional<std::string_view> value(const std::string &key) const;
	std::map<std::string, std::string> entries_;
	std::vector<std::byte> note_;
	std::uint64_t address_ = 0;
};

} // namespace rf::inspect
