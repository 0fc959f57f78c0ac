// SPDX-License-Identifier: GPL-2.0
// The kernel's lockless printk ring buffer (5.10 and later), read from outside
// while its owner may be writing to it (kernel/printk/printk_ringbuffer.c).
#pragma once

#include "paging.hpp"

#include <functional>
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

// Whatever a subOS puts there, its records are no more than its memory has room for, and no
// byte of the ring is given twice in a walk: the texts of one are never more than the ring.
class PrintkRing {
public:
	// False ends a walk.
	using Visitor = std::function<bool(const Record &record)>;

	// Nothing if the note does not describe such a ring, or it is not readable, or larger
	// than the subOS's memory, which has `memory` bytes.
	static std::optional<PrintkRing> of(AddressSpace space, const Vmcoreinfo &info,
					    std::uint64_t memory);

	// Why a walk ended: there are no more, its visitor did not want more, or the next record
	// lies on one that was given already.
	enum class End { all, visitor, overlap };

	// The records from sequence number `from` on, ascending, one at a time.
	End walk(std::uint64_t from, const Visitor &visit) const;
	// All records, from the newest to the oldest.
	End walk_back(const Visitor &visit) const;

	// The last records, at most `most`, ascending. Reads no others.
	std::vector<Record> last(std::size_t most) const;

private:
	struct Descriptor {
		std::uint64_t state = 0, begin = 0, next = 0;
	};
	// Those that may be in use: ids count up and wrap.
	struct Ids {
		std::uint64_t first = 0, count = 0;
	};
	// Bytes in the data ring.
	struct Block {
		std::uint64_t at = 0, size = 0;
	};
	class Given;

	explicit PrintkRing(AddressSpace space) : space_(space) {}
	bool set_layout(const Vmcoreinfo &info);
	bool set_rings(std::uint64_t ring, const Vmcoreinfo &info, std::uint64_t memory);
	std::uint64_t seq_of(std::uint64_t id) const;
	Ids ids() const;
	std::uint64_t skipped(const Ids &ids, std::uint64_t from) const;
	std::optional<Descriptor> descriptor(std::uint64_t id) const;
	std::optional<Record> record(std::uint64_t id, Given &given) const;
	std::optional<Block> block_of(const Descriptor &descriptor) const;
	bool read_text(Block block, std::uint64_t id, std::size_t length, std::string &text,
		       Given &given) const;

	AddressSpace space_;

	// Offsets and sizes that the kernel publishes.
	std::uint64_t desc_size_ = 0, state_at_ = 0, begin_at_ = 0, next_at_ = 0;
	std::uint64_t info_size_ = 0, seq_at_ = 0, time_at_ = 0, length_at_ = 0, caller_at_ = 0;

	std::uint64_t descs_ = 0, infos_ = 0, data_ = 0;	// virtual addresses
	std::uint64_t head_id_at_ = 0, tail_id_at_ = 0;		// virtual addresses
	unsigned count_bits_ = 0, size_bits_ = 0;
};

} // namespace rf::inspect
