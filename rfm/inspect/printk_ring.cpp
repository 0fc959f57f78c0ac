// SPDX-License-Identifier: GPL-2.0
#include "printk_ring.hpp"

#include <algorithm>

namespace rf::inspect {

namespace {

// A descriptor's state_var: the state in the top 2 bits, its id in the rest.
constexpr unsigned state_shift = 62;
constexpr std::uint64_t id_mask = (1ull << state_shift) - 1;
enum State : unsigned { reserved = 0, committed = 1, finalized = 2, reusable = 3 };

// log_buf_len= <= 2 GiB. A kernel has a descriptor for each 32 bytes; a block takes 8 at least.
constexpr unsigned size_bits_most = 31;
constexpr unsigned block_bits_least = 3;
// Three words; and a sequence number, a time, and what follows them.
constexpr std::size_t desc_size_least = 24;
constexpr std::size_t info_size_least = 24;
constexpr std::size_t struct_size_most = 1024;
// No kernel ever comes there. Ids, and with them the numbers that follow from them, wrap at 2^62.
constexpr std::uint64_t seq_most = 1ull << 61;
constexpr std::uint64_t narrow = 1ull << 32;

// A block's position without a block: the text was empty or did not fit.
bool is_dataless(std::uint64_t begin, std::uint64_t next)
{
	return (begin & 1) && (next & 1);
}

// Whether the value lies in a struct of that size.
template <typename Value> bool is_within(std::uint64_t at, std::uint64_t size)
{
	return at <= size && size - at >= sizeof(Value);
}

} // namespace

// What was given of the data ring in one walk.
class PrintkRing::Given {
public:
	explicit Given(unsigned size_bits) : units_(1ull << (size_bits - block_bits_least)) {}

	// False, and the end, if some of it was given before: the kernel has used the ring
	// further in the meantime, or it lies.
	bool take(const Block &block)
	{
		const auto from = units_.begin() + static_cast<long>(block.at >> block_bits_least);
		const auto to = from + static_cast<long>((block.size + 7) >> block_bits_least);

		is_over_ = std::find(from, to, true) != to;
		if (!is_over_)
			std::fill(from, to, true);
		return !is_over_;
	}
	bool is_over() const { return is_over_; }

private:
	std::vector<bool> units_;
	bool is_over_ = false;
};

std::optional<PrintkRing> PrintkRing::of(AddressSpace space, const Vmcoreinfo &info,
					 std::uint64_t memory)
{
	PrintkRing ring(space);
	const auto pointer = info.symbol("prb");

	if (!pointer || !ring.set_layout(info))
		return std::nullopt;
	const auto address = space.get<std::uint64_t>(*pointer);
	if (!address || !ring.set_rings(*address, info, memory))
		return std::nullopt;
	return ring;
}

bool PrintkRing::set_layout(const Vmcoreinfo &info)
{
	const auto desc_size = info.size("prb_desc");
	const auto state = info.offset("prb_desc.state_var");
	const auto position = info.offset("prb_desc.text_blk_lpos");
	const auto begin = info.offset("prb_data_blk_lpos.begin");
	const auto next = info.offset("prb_data_blk_lpos.next");
	const auto info_size = info.size("printk_info");
	const auto seq = info.offset("printk_info.seq");
	const auto time = info.offset("printk_info.ts_nsec");
	const auto length = info.offset("printk_info.text_len");
	const auto caller = info.offset("printk_info.caller_id");

	if (!desc_size || !state || !position || !begin || !next || !info_size || !seq || !time ||
	    !length || !caller)
		return false;
	if (*desc_size < desc_size_least || *desc_size > struct_size_most ||
	    *info_size < info_size_least || *info_size > struct_size_most)
		return false;
	desc_size_ = *desc_size;
	state_at_ = *state;
	begin_at_ = *position + *begin;
	next_at_ = *position + *next;
	info_size_ = *info_size;
	seq_at_ = *seq;
	time_at_ = *time;
	length_at_ = *length;
	caller_at_ = *caller;
	// The facility and the level follow the length.
	return is_within<std::uint64_t>(state_at_, desc_size_) &&
	       is_within<std::uint64_t>(begin_at_, desc_size_) &&
	       is_within<std::uint64_t>(next_at_, desc_size_) &&
	       is_within<std::uint64_t>(seq_at_, info_size_) &&
	       is_within<std::uint64_t>(time_at_, info_size_) &&
	       is_within<std::uint32_t>(length_at_, info_size_) &&
	       is_within<std::uint32_t>(caller_at_, info_size_);
}

bool PrintkRing::set_rings(std::uint64_t ring, const Vmcoreinfo &info, std::uint64_t memory)
{
	const auto desc_ring = info.offset("printk_ringbuffer.desc_ring");
	const auto data_ring = info.offset("printk_ringbuffer.text_data_ring");
	const auto count_bits_at = info.offset("prb_desc_ring.count_bits");
	const auto descs_at = info.offset("prb_desc_ring.descs");
	const auto infos_at = info.offset("prb_desc_ring.infos");
	const auto head_at = info.offset("prb_desc_ring.head_id");
	const auto tail_at = info.offset("prb_desc_ring.tail_id");
	const auto size_bits_at = info.offset("prb_data_ring.size_bits");
	const auto data_at = info.offset("prb_data_ring.data");

	if (!desc_ring || !data_ring || !count_bits_at || !descs_at || !infos_at || !head_at ||
	    !tail_at || !size_bits_at || !data_at)
		return false;
	const auto count_bits = space_.get<std::uint32_t>(ring + *desc_ring + *count_bits_at);
	const auto size_bits = space_.get<std::uint32_t>(ring + *data_ring + *size_bits_at);
	const auto descs = space_.get<std::uint64_t>(ring + *desc_ring + *descs_at);
	const auto infos = space_.get<std::uint64_t>(ring + *desc_ring + *infos_at);
	const auto data = space_.get<std::uint64_t>(ring + *data_ring + *data_at);
	if (!count_bits || !size_bits || !descs || !infos || !data)
		return false;
	if (*size_bits > size_bits_most || *size_bits < block_bits_least ||
	    *count_bits > *size_bits - block_bits_least)
		return false;
	// Page tables can show a page many times. What is larger than all memory is a lie, and
	// arrays that reach out of it would be walked for nothing.
	const std::uint64_t last = (1ull << *count_bits) - 1;
	if ((last + 1) * (desc_size_ + info_size_) + (1ull << *size_bits) > memory)
		return false;
	if (!space_.get<std::uint8_t>(*descs + last * desc_size_) ||
	    !space_.get<std::uint8_t>(*infos + last * info_size_) ||
	    !space_.get<std::uint8_t>(*data + (1ull << *size_bits) - 1))
		return false;
	count_bits_ = *count_bits;
	size_bits_ = *size_bits;
	descs_ = *descs;
	infos_ = *infos;
	data_ = *data;
	head_id_at_ = ring + *desc_ring + *head_at;
	tail_id_at_ = ring + *desc_ring + *tail_at;
	return true;
}

std::optional<PrintkRing::Descriptor> PrintkRing::descriptor(std::uint64_t id) const
{
	const std::uint64_t index = id & ((1ull << count_bits_) - 1);
	std::vector<std::byte> raw(desc_size_);

	if (!space_.read(descs_ + index * desc_size_, raw))
		return std::nullopt;
	const auto state = value_at<std::uint64_t>(raw, state_at_);
	const auto begin = value_at<std::uint64_t>(raw, begin_at_);
	const auto next = value_at<std::uint64_t>(raw, next_at_);
	if (!state || !begin || !next)
		return std::nullopt;
	return Descriptor{*state, *begin, *next};
}

// The block that a descriptor names: where it begins, with the id, and all of it.
std::optional<PrintkRing::Block> PrintkRing::block_of(const Descriptor &descriptor) const
{
	const std::uint64_t size = 1ull << size_bits_;
	const std::uint64_t begin = descriptor.begin, next = descriptor.next;
	Block block{begin % size, next - begin};

	if (is_dataless(begin, next))
		return Block{};
	if (begin % sizeof(std::uint64_t) || next % sizeof(std::uint64_t) || block.size > size ||
	    next == begin)
		return std::nullopt;
	// A block never crosses the end of the array: it starts at 0 instead. One that
	// ends exactly there has not wrapped (newer kernels; older ones never make it).
	if (begin >> size_bits_ != (next - 1) >> size_bits_)
		block = {0, next % size};
	if (block.size < sizeof(std::uint64_t))
		return std::nullopt;
	return block;
}

bool PrintkRing::read_text(Block block, std::uint64_t id, std::size_t length, std::string &text,
			   Given &given) const
{
	if (block.size == 0)
		return true;
	// The block names its descriptor: else it was already given to another record.
	if (space_.get<std::uint64_t>(data_ + block.at) != id)
		return false;
	block.size = std::min<std::uint64_t>(block.size, sizeof(id) + length);
	if (!given.take(block))
		return false;
	text.resize(block.size - sizeof(id));
	return space_.read(data_ + block.at + sizeof(id),
			   std::as_writable_bytes(std::span(text)));
}

// Both begin at the same moment, the id such that it soon wraps (DESC0_ID): meant to at its 62
// bits, but the number of descriptors that it is made of has 32.
std::uint64_t PrintkRing::seq_of(std::uint64_t id) const
{
	const std::uint64_t count = 1ull << count_bits_;
	const bool is_narrow = id >= narrow - count - 1 && id <= seq_most;

	return (id + count - (is_narrow ? narrow : 0)) & id_mask;
}

std::optional<Record> PrintkRing::record(std::uint64_t id, Given &given) const
{
	const std::uint64_t index = id & ((1ull << count_bits_) - 1);
	const auto before = descriptor(id);

	if (!before || (before->state & id_mask) != id)
		return std::nullopt;
	const unsigned state = static_cast<unsigned>(before->state >> state_shift);
	if (state != committed && state != finalized)
		return std::nullopt;

	std::vector<std::byte> raw(info_size_);
	if (!space_.read(infos_ + index * info_size_, raw))
		return std::nullopt;
	const auto seq = value_at<std::uint64_t>(raw, seq_at_);
	const auto time = value_at<std::uint64_t>(raw, time_at_);
	const auto length = value_at<std::uint16_t>(raw, length_at_);
	// Not published: facility, flags:5 and level:3 follow the length, one byte each.
	const auto facility = value_at<std::uint8_t>(raw, length_at_ + 2);
	const auto flags = value_at<std::uint8_t>(raw, length_at_ + 3);
	const auto caller = value_at<std::uint32_t>(raw, caller_at_);
	if (!seq || !time || !length || !facility || !flags || !caller)
		return std::nullopt;
	const auto block = block_of(*before);
	if (*seq != seq_of(id) || *seq > seq_most || !block)
		return std::nullopt;

	Record record{*seq, *time, static_cast<unsigned>(*flags >> 5), *facility, *caller,
		      state == finalized, {}};
	if (!read_text(*block, id, *length, record.text, given))
		return std::nullopt;

	// Recycled or reopened while it was being read: what was read is not one record.
	const auto after = descriptor(id);
	if (!after || (after->state & id_mask) != id ||
	    static_cast<unsigned>(after->state >> state_shift) < state ||
	    static_cast<unsigned>(after->state >> state_shift) == reusable)
		return std::nullopt;
	return record;
}

PrintkRing::Ids PrintkRing::ids() const
{
	const auto tail = space_.get<std::uint64_t>(tail_id_at_);
	const auto head = space_.get<std::uint64_t>(head_id_at_);

	if (!tail || !head)
		return {};
	// There are never more than descriptors.
	const std::uint64_t count = ((*head - *tail) & id_mask) + 1;
	if (count > 1ull << count_bits_)
		return {};
	return {*tail & id_mask, count};
}

// How many of the ids are older than sequence number `from`.
std::uint64_t PrintkRing::skipped(const Ids &ids, std::uint64_t from) const
{
	const std::uint64_t at = (from - seq_of(ids.first)) & id_mask;
	const std::uint64_t newest = seq_of(ids.first + ids.count - 1);

	if (at < ids.count)
		return at;
	return from > newest ? ids.count : 0;
}

PrintkRing::End PrintkRing::walk(std::uint64_t from, const Visitor &visit) const
{
	const Ids all = ids();
	Given given(size_bits_);

	for (std::uint64_t i = skipped(all, from); i < all.count; i++) {
		const auto next = record((all.first + i) & id_mask, given);
		// What follows is read in the next walk, if it was the kernel's haste.
		if (given.is_over())
			return End::overlap;
		if (next && next->seq >= from && !visit(*next))
			return End::visitor;
	}
	return End::all;
}

PrintkRing::End PrintkRing::walk_back(const Visitor &visit) const
{
	const Ids all = ids();
	Given given(size_bits_);

	for (std::uint64_t i = all.count; i > 0; i--) {
		const auto next = record((all.first + i - 1) & id_mask, given);
		if (given.is_over())
			return End::overlap;
		if (next && !visit(*next))
			return End::visitor;
	}
	return End::all;
}

std::vector<Record> PrintkRing::last(std::size_t most) const
{
	std::vector<Record> records;

	if (most > 0)
		walk_back([&](const Record &record) {
			records.push_back(record);
			return records.size() < most;
		});
	std::reverse(records.begin(), records.end());
	return records;
}

} // namespace rf::inspect
