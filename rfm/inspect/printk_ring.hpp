// SPDX-License-Identifier: GPL-2.0
// The kernel's lockless printk ring buffer (5.10 and later), read from outside
// while its owner may be writing to it (kernel/printk/printk_ringbuffer.c).
#pragma once

#include "paging.hpp"

#include <string>
#include <vector>

namespace rf::inspect {

struct Record {
	std::uint64_t seq = 0;
	std::uint64_t ns = 0;		// the subOS's own clock
	unsigned level = 0;		// 0 (emergency) .. 7 (debug)
	unsigned facility = 0;
	std::uint32_t caller = 0;	// thread or processor, as CONFIG_PRINTK_CALLER shows it
	bool final = false;		// false: the kernel may still append to it
	std::string text;		// raw bytes of the subOS
};

class PrintkRing {
public:
	// Nothing if the note does not describe such a ring, or it is not readable.
	static std::optional<PrintkRing> of(AddressSpace space, const Vmcoreinfo &info);

	// The records from sequence number `from` on, ascending.
	std::vector<Record> records(std::uint64_t from = 0) const;

private:
	struct Descriptor {
		std::uint64_t state = 0, begin = 0, next = 0;
	};

	explicit PrintkRing(AddressSpace space) : space_(space) {}
	bool set_layout(const Vmcoreinfo &info);
	bool set_rings(std::uint64_t ring, const Vmcoreinfo &info);
	std::optional<Descriptor> descriptor(std::uint64_t id) const;
	std::optional<Record> record(std::uint64_t id, std::uint64_t from) const;
	bool read_text(const Descriptor &descriptor, std::uint64_t id, std::size_t length,
		       std::string &text) const;

	AddressSpace space_;

	// Offsets and sizes that the kernel publishes.
	std::uint64_t desc_size_ = 0, state_at_ = 0, begin_at_ = 0, next_at_ = 0;
	std::uint64_t info_size_ = 0, seq_at_ = 0, time_at_ = 0, length_at_ = 0, caller_at_ = 0;

	std::uint64_t descs_ = 0, infos_ = 0, data_ = 0;	// virtual addresses
	std::uint64_t head_id_at_ = 0, tail_id_at_ = 0;		// virtual addresses
	unsigned count_bits_ = 0, size_bits_ = 0;
};

} // namespace rf::inspect
