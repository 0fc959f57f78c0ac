// SPDX-License-Identifier: GPL-2.0
#include "vmcoreinfo.hpp"

#include <algorithm>
#include <charconv>

namespace rf::inspect {

namespace {

constexpr std::size_t page_size = 4096;
// Pages come through a system call: few large reads instead of many small ones.
constexpr std::size_t scan_step = 4u << 20;
// ELF note header (Elf64_Nhdr), then the name padded to 4 bytes.
constexpr std::string_view note_name{"VMCOREINFO", 11};
constexpr std::size_t content_at = 12 + 12;
constexpr std::string_view content_begin = "OSRELEASE=";
// __NEW_UTS_LEN
constexpr std::size_t release_most = 64;
// The kernel gives the note one page today; room for growth, but not for nonsense.
constexpr std::size_t content_most = 16 * page_size;

std::optional<std::size_t> note_content_size(std::span<const std::byte> bytes)
{
	const auto name_size = value_at<std::uint32_t>(bytes, 0);
	const auto content_size = value_at<std::uint32_t>(bytes, 4);

	if (bytes.size() < content_at || *name_size != note_name.size())
		return std::nullopt;
	if (std::memcmp(bytes.data() + 12, note_name.data(), note_name.size()) != 0)
		return std::nullopt;
	if (*content_size == 0 || *content_size > content_most)
		return std::nullopt;
	return *content_size;
}

// A page full of headers alone must not be read as a whole note, one after the other.
bool is_note(std::span<const std::byte> bytes)
{
	return note_content_size(bytes) && bytes.size() >= content_at + content_begin.size() &&
	       std::memcmp(bytes.data() + content_at, content_begin.data(),
			   content_begin.size()) == 0;
}

template <typename Number> std::optional<Number> parse(std::optional<std::string_view> digits,
							int base)
{
	if (!digits)
		return std::nullopt;
	Number number{};
	const char *last = digits->data() + digits->size();
	const auto [end, error] = std::from_chars(digits->data(), last, number, base);
	if (error != std::errc{} || end != last)
		return std::nullopt;
	return number;
}

} // namespace

std::optional<Vmcoreinfo> Vmcoreinfo::parse(std::string_view content)
{
	Vmcoreinfo info;

	if (!content.starts_with(content_begin))
		return std::nullopt;
	while (!content.empty()) {
		const std::size_t end = std::min(content.find('\n'), content.size());
		const std::string_view line = content.substr(0, end);
		const std::size_t equals = line.find('=');
		if (equals != line.npos)
			info.entries_.emplace(line.substr(0, equals), line.substr(equals + 1));
		content.remove_prefix(std::min(end + 1, content.size()));
	}
	return info;
}

std::optional<Vmcoreinfo> Vmcoreinfo::at(const Memory &memory, std::uint64_t phys)
{
	std::vector<std::byte> header(content_at);

	if (!memory.read(phys, header))
		return std::nullopt;
	const auto size = note_content_size(header);
	if (!size)
		return std::nullopt;
	// With its header again, which may have changed meanwhile.
	std::vector<std::byte> note(content_at + *size);
	if (!memory.read(phys, note) || note_content_size(note) != size)
		return std::nullopt;
	std::string_view content(reinterpret_cast<const char *>(note.data()) + content_at, *size);
	auto info = parse(content.substr(0, content.find('\0')));
	if (info) {
		info->note_ = std::move(note);
		info->address_ = phys;
	}
	return info;
}

std::optional<Vmcoreinfo> Vmcoreinfo::find(const Memory &memory, std::span<const Range> ranges,
					   std::uint64_t hint)
{
	if (auto info = hint ? at(memory, hint) : std::nullopt)
		return info;
	std::uint64_t largest = 0;

	for (const Range &range : ranges)
		largest = std::max(largest, range.size);
	std::vector<std::byte> buffer(std::min<std::uint64_t>(scan_step, largest));

	for (const Range &range : ranges) {
		for (std::uint64_t done = 0; done < range.size; done += scan_step) {
			const std::size_t step =
				std::min<std::uint64_t>(scan_step, range.size - done);
			const std::span<std::byte> chunk = std::span(buffer).first(step);
			if (!memory.read(range.start + done, chunk))
				continue;
			for (std::size_t page = 0; page + content_at <= step; page += page_size) {
				if (!is_note(chunk.subspan(page)))
					continue;
				if (auto info = at(memory, range.start + done + page))
					return info;
			}
		}
	}
	return std::nullopt;
}

std::optional<std::string_view> Vmcoreinfo::value(const std::string &key) const
{
	const auto entry = entries_.find(key);
	if (entry == entries_.end())
		return std::nullopt;
	return entry->second;
}

std::string Vmcoreinfo::release() const
{
	return std::string(value("OSRELEASE").value_or("").substr(0, release_most));
}

std::optional<std::uint64_t> Vmcoreinfo::symbol(const std::string &name) const
{
	return inspect::parse<std::uint64_t>(value("SYMBOL(" + name + ")"), 16);
}

std::optional<std::int64_t> Vmcoreinfo::number(const std::string &name) const
{
	return inspect::parse<std::int64_t>(value("NUMBER(" + name + ")"), 10);
}

std::optional<std::uint64_t> Vmcoreinfo::offset(const std::string &name) const
{
	return inspect::parse<std::uint64_t>(value("OFFSET(" + name + ")"), 10);
}

std::optional<std::uint64_t> Vmcoreinfo::size(const std::string &name) const
{
	return inspect::parse<std::uint64_t>(value("SIZE(" + name + ")"), 10);
}

} // namespace rf::inspect
