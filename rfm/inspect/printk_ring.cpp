// SPDX-License-Identifier: GPL-2.0
#include "printk_ring.hpp"

#include <algorithm>

namespace rf::inspect {

namespace {

// A descriptor's state_var: the state in the top 2 bits, its id in the rest.
constexpr unsigned state_shift = 62;
constexpr std::uint64_t id_mask = (1ull << state_shift) - 1;
enum State : unsigned { reserved = 0, committed = 1, finalized = 2, reusable = 3 };

// Larger than any kernel can be configured to (CONFIG_LOG_BUF_SHIFT <= 25,
// log_buf_len= <= 2 GiB; a record takes 32 bytes on average).
constexpr unsigned count_bits_most = 26;
constexpr unsigned size_bits_most = 31;
// LOG_LINE_MAX + PREFIX_MAX and more; a text_len is 16 bits wide anyway.
constexpr std::size_t info_size_most = 1024;

// A block's position without a block: the text was empty or did not fit.
bool is_dataless(std::uint64_t begin, std::uint64_t next)
{
	return (begin & 1) && (next & 1);
}

} // namespace

std::optional<PrintkRing> PrintkRing::of(AddressSpace space, const Vmcoreinfo &info)
{
	PrintkRing ring(space);
	const auto pointer = info.symbol("prb");

	if (!pointer || !ring.set_layout(info))
		return std::nullopt;
	const auto address = space.get<std::uint64_t>(*pointer);
	if (!address || !ring.set_rings(*address, info))
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
	if (*desc_size > info_size_most || *info_size > info_size_most)
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
	return true;
}

bool PrintkRing::set_rings(std::uint64_t ring, const Vmcoreinfo &info)
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
	if (*count_bits > count_bits_most || *size_bits > size_bits_most || *size_bits < 4)
		return false;
	// Arrays that reach out of the subOS's memory would be walked for nothing.
	const std::uint64_t last = (1ull << *count_bits) - 1;
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

bool PrintkRing::read_text(const Descriptor &descriptor, std::uint64_t id, std::size_t length,
			   std::string &text) const
{
	const std::uint64_t size = 1ull << size_bits_;
	const std::uint64_t begin = descriptor.begin, next = descriptor.next;
	std::uint64_t block = begin % size;

	text.clear();
	if (is_dataless(begin, next))
		return true;
	if (begin % sizeof(id) || next % sizeof(id) || next - begin > size || next == begin)
		return false;
	// A block never crosses the end of the array: it starts at 0 instead. One that
	// ends exactly there has not wrapped (newer kernels; older ones never make it).
	std::uint64_t block_size = next - begin;
	if (begin >> size_bits_ != (next - 1) >> size_bits_) {
		block = 0;
		block_size = next % size;
	}
	if (block_size < sizeof(id))
		return false;

	std::vector<std::byte> raw(sizeof(id) + std::min<std::uint64_t>(length, block_size -
									       sizeof(id)));
	if (!space_.read(data_ + block, raw))
		return false;
	// The block names its descriptor: else it was already given to another record.
	if (value_at<std::uint64_t>(raw, 0) != id)
		return false;
	text.assign(reinterpret_cast<const char *>(raw.data()) + sizeof(id),
		    raw.size() - sizeof(id));
	return true;
}

std::optional<Record> PrintkRing::record(std::uint64_t id, std::uint64_t from) const
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

	Record record{*seq, *time, static_cast<unsigned>(*flags >> 5), *facility, *caller,
		      state == finalized, {}};
	if (record.seq < from)
		return record;
	if (!read_text(*before, id, *length, record.text))
		return std::nullopt;

	// Recycled or reopened while it was being read: what was read is not one record.
	const auto after = descriptor(id);
	if (!after || (after->state & id_mask) != id ||
	    static_cast<unsigned>(after->state >> state_shift) < state ||
	    static_cast<unsigned>(after->state >> state_shift) == reusable)
		return std::nullopt;
	return record;
}

std::vector<Record> PrintkRing::records(std::uint64_t from) const
{
	const auto tail = space_.get<std::uint64_t>(tail_id_at_);
	const auto head = space_.get<std::uint64_t>(head_id_at_);
	std::vector<Record> found;

	if (!tail || !head)
		return found;
	// Ids count up and wrap within their mask; there are never more than descriptors.
	const std::uint64_t span = ((*head - *tail) & id_mask) + 1;
	if (span > 1ull << count_bits_)
		return found;

	// From the newest back, so that a follower touches only what is new.
	for (std::uint64_t i = 0; i < span; i++) {
		auto next = record((*head - i) & id_mask, from);
		if (next && next->seq < from)
			break;
		if (next && (found.empty() || next->seq < found.back().seq))
			found.push_back(std::move(*next));
	}
	std::reverse(found.begin(), found.end());
	return found;
}

} // namespace rf::inspect
