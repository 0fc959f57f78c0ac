// SPDX-License-Identifier: GPL-2.0
// rfm dump: the memory of a subOS as a file for crash(8) and its like.
#include "base/clock.hpp"
#include "base/sizes.hpp"
#include "cli/interrupt.hpp"
#include "client/supervisor.hpp"
#include "client/watched_memory.hpp"
#include "client/words.hpp"
#include "host/new_file.hpp"
#include "verbs/verbs.hpp"
#include "view/no_log.hpp"
#include "view/subos.hpp"

#include "inspect/elf_core.hpp"

#include <algorithm>

namespace rf {

namespace {

constexpr Option options[] = {
	{"force", nullptr, "replace the file if it exists"},
};

constexpr std::size_t page_size = 4096;
constexpr std::size_t step = 4u << 20;

bool is_zero(std::span<const std::byte> bytes)
{
	return std::all_of(bytes.begin(), bytes.end(),
			   [](std::byte byte) { return byte == std::byte{0}; });
}

// Pages of zeros become holes.
void write_pages(NewFile &file, std::uint64_t offset, std::span<const std::byte> bytes)
{
	std::size_t from = 0;

	for (std::size_t at = 0; at < bytes.size(); at += page_size) {
		const std::size_t end = std::min(at + page_size, bytes.size());
		if (!is_zero(bytes.subspan(at, end - at)))
			continue;
		file.write(offset + from, bytes.subspan(from, at - from));
		from = end;
	}
	file.write(offset + from, bytes.subspan(from));
}

[[noreturn]] void fail_unreadable(const Partition &subos, std::uint64_t phys)
{
	// Tells if it was destroyed.
	subos.status();
	throw Error(Code::busy, text("memory of '", subos.name(), "' at 0x", std::hex, phys,
				     " cannot be read: it changed hands in the meantime, the "
				     "hardware cannot read it, or the kernel is locked down"));
}

void write_memory(const Partition &subos, const inspect::CoreFile &core, NewFile &file,
		  Output &output)
{
	std::vector<std::byte> buffer(step);
	std::uint64_t all = 0, done = 0;

	for (const inspect::CorePart &part : core.parts)
		all += part.memory.size;
	for (const inspect::CorePart &part : core.parts) {
		for (std::uint64_t at = 0; at < part.memory.size; at += step) {
			const std::size_t size =
				std::min<std::uint64_t>(step, part.memory.size - at);
			const std::span<std::byte> chunk = std::span(buffer).first(size);

			if (interrupted())
				throw Error(Code::interrupted, "interrupted; no part of the image "
							       "is left behind");
			output.progress(text("dump '", subos.name(), "': ", done * 100 / all,
					     " % ..."));
			if (!subos.read(part.memory.start + at, chunk))
				fail_unreadable(subos, part.memory.start + at);
			write_pages(file, part.offset + at, chunk);
			done += size;
		}
	}
}

// What the image consists of. The note, from which its place in memory follows, must live
// as long as the result.
inspect::CoreContents plan_contents(const Partition &subos, const rf_status &status,
				    const inspect::Vmcoreinfo &info, Output &output)
{
	inspect::CoreContents contents;
	std::vector<std::byte> slice(RF_LOW_SLICE_SIZE);
	const WatchedMemory memory(subos);
	const auto space = inspect::AddressSpace::of(memory, info);
	const auto direct_map = space ? space->direct_map(info.address()) : std::nullopt;

	contents.ranges = memory_ranges(status);
	if (status.low_slice && subos.read(status.low_slice, slice))
		contents.ranges.push_back({status.low_slice, slice.size()});
	contents.direct_map = direct_map.value_or(
		inspect::default_direct_map(space ? space->levels() : 4));
	if (!direct_map)
		output.note("the kernel's page tables cannot be walked: addresses in the image are "
			    "those of a kernel without KASLR");
	if (space)
		contents.image = space->kernel_image(info);
	contents.vmcoreinfo = info.note();
	contents.cores = status.nr_cpus;
	return contents;
}

bool is_same_memory(const rf_status &a, const rf_status &b)
{
	return a.nr_ranges == b.nr_ranges &&
	       std::equal(a.ranges, a.ranges + a.nr_ranges, b.ranges,
			  [](const rf_range &x, const rf_range &y) {
				  return x.start == y.start && x.size == y.size;
			  });
}

struct Dumped {
	std::string name, file, release;
	rf_status status{};	// at its begin
	std::uint64_t direct_map = 0;
	std::uint64_t bytes = 0, bytes_on_disk = 0;
	double seconds = 0;
};

void to_json(Json &json, const Dumped &dumped)
{
	json = {{"name", dumped.name},
		{"file", dumped.file},
		{"release", dumped.release},
		{"state", state_name(dumped.status.state)},
		{"consistent", has_ended(dumped.status)},
		{"cores", dumped.status.nr_cpus},
		{"memory", dumped.status.memory},
		{"direct_map", dumped.direct_map},
		{"bytes", dumped.bytes},
		{"bytes_on_disk", dumped.bytes_on_disk},
		{"seconds", dumped.seconds}};
}

std::string to_text(const Dumped &dumped)
{
	return text("memory of '", dumped.name, "' (", format_size(dumped.status.memory), ", ",
		    dumped.status.nr_cpus, " cores, kernel ", one_line(dumped.release), ") is in '",
		    one_line(dumped.file), "': ", (dumped.bytes_on_disk + (1u << 20) - 1) >> 20,
		    "M on disk, ", format_seconds(dumped.seconds), "\n");
}

Code run(const Request &request, Output &output)
{
	const std::uint64_t begin = monotonic_ns();
	const Supervisor supervisor = Supervisor::open();
	const Partition subos = supervisor.subos(request.operands[0]);
	const rf_status status = subos.status();
	const auto info = inspect::Vmcoreinfo::find(subos, memory_ranges(status),
						    status.vmcoreinfo);

	if (!info)
		throw Error(Code::no_log,
			    text("no VMCOREINFO note, which an image needs, is in the memory of '",
				 subos.name(), "' yet (", describe_state(status), ", stage '",
				 stage_name(status.stage), "'): ",
				 no_log_text(subos.name(), status, monotonic_ns())));
	catch_interrupts();
	NewFile file(request.operands[1], request.has("force"));
	if (!has_ended(status))
		output.note(text("subOS '", subos.name(), "' is ", state_name(status.state),
				 ": the image is not a consistent snapshot"));
	const inspect::CoreContents contents = plan_contents(subos, status, *info, output);
	const inspect::CoreFile core = inspect::lay_out_core(contents);
	file.set_size(core.size);
	file.write(0, core.head);
	write_memory(subos, core, file, output);
	if (!is_same_memory(status, subos.status()))
		throw Error(Code::busy, text("memory of '", subos.name(),
					     "' was added or removed in the meantime: try again"));
	output.progress("write to disk ...");
	file.finish();
	output.result(Dumped{subos.name(), request.operands[1],
			     inspect::printable(info->release()), status, contents.direct_map,
			     core.size, file.bytes_on_disk(),
			     static_cast<double>(monotonic_ns() - begin) / 1e9});
	return Code::ok;
}

} // namespace

const Verb dump_verb = {
	"dump", "NAME FILE",
	"write the memory of a subOS to a file",
	"Writes an ELF core file like /proc/vmcore, for crash(8), makedumpfile(8),\n"
	"vmcore-dmesg(8) and gdb(1). The subOS may run, hang or be dead; the image is a\n"
	"consistent snapshot only if it is down. Pages of zeros take no room on disk. The\n"
	"file appears once it is complete, and only its owner can read it.",
	options, 2, 2, run, true,
};

} // namespace rf
