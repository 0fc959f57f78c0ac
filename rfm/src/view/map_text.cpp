// SPDX-License-Identifier: GPL-2.0
#include "view/map_text.hpp"

#include "base/cpulist.hpp"
#include "base/pci_address.hpp"
#include "base/sizes.hpp"

#include <algorithm>
#include <array>

namespace rf {

namespace {

constexpr int columns_least = 40;
constexpr std::size_t indent = 12;	// of what stands behind "  memory"
// Of 256: as those of the picture (map_svg.cpp), as far as a terminal has them.
constexpr std::array colours{214, 74, 36, 227, 32, 209, 175};

// Words are put side by side, and lines are broken between them.
class Lines {
public:
	Lines(const Drawing &drawing, std::string title) : drawing_(drawing)
	{
		begin(title.substr(0, indent - 1));
	}
	// `owner` colours it.
	void add(const std::string &word, std::optional<int> owner = {}, const char *gap = " ")
	{
		const bool first = used_ == indent;
		const std::size_t room = static_cast<std::size_t>(drawing_.columns);
		if (!first && used_ + std::string_view(gap).size() + word.size() > room)
			begin("");
		else if (!first)
			put(gap);
		put(word, owner);
	}
	std::string str() const { return text_ + '\n'; }

private:
	void begin(const std::string &title)
	{
		text_ += (text_.empty() ? "" : "\n") + title + std::string(indent - title.size(), ' ');
		used_ = indent;
	}
	void put(const std::string &word, std::optional<int> owner = {})
	{
		const bool coloured = drawing_.colours && owner && *owner > MachineMap::supervisor;
		if (coloured)
			text_ += text("\033[38;5;16;48;5;",
				      colours[static_cast<std::size_t>(*owner - 1) % colours.size()],
				      "m", word, "\033[0m");
		else
			text_ += word;
		used_ += word.size();
	}

	const Drawing &drawing_;
	std::string text_;
	std::size_t used_ = 0;
};

std::string legend(const MachineMap &map, const Drawing &drawing)
{
	std::string lines;

	const auto add = [&](int owner, std::initializer_list<std::string> more) {
		Lines line(drawing, "");
		std::vector<unsigned> cores;
		for (const MachineMap::Core &core : map.cores)
			if (core.owner == owner)
				cores.push_back(core.cpu);
		std::ranges::sort(cores);
		line.add(text(' ', MachineMap::mark_of(owner), ' '), owner);
		line.add(map.name_of(owner));
		for (const std::string &word : more)
			line.add(word);
		line.add(text("cores ", cores.empty() ? "none" : format_cpulist(cores)), {}, ", ");
		line.add(format_size(map.memory_of(owner)), {}, ", ");
		if (const unsigned count = map.functions_of(owner))
			line.add(text(count, count == 1 ? " PCI function" : " PCI functions"), {}, ", ");
		lines += line.str();
	};
	for (std::size_t i = 0; i < map.owners.size(); i++) {
		if (map.owners[i].state.empty())
			add(static_cast<int>(i), {});
		else
			add(static_cast<int>(i), {text("(", map.owners[i].state, ")")});
	}
	if (map.cores_of(MachineMap::nobody) || map.memory_of(MachineMap::nobody))
		add(MachineMap::nobody, {text("(", format_size(map.pool_free), " free,"),
					 text(format_size(map.pool_shared), " shared by all)")});
	return lines;
}

// Right-aligned, so that columns are.
std::string number(unsigned cpu, std::size_t width)
{
	const std::string digits = std::to_string(cpu);

	return std::string(width - std::min(width, digits.size()), ' ') + digits;
}

char core_mark(const MachineMap::Core &core)
{
	// Of the supervisor, and it does not use it.
	if (core.owner == MachineMap::supervisor && !core.online)
		return 'x';
	return MachineMap::mark_of(core.owner);
}

std::string core_lines(const MachineMap &map, int node, const Drawing &drawing)
{
	Lines lines(drawing, "  cores");
	std::size_t width = 1;
	bool any = false;

	for (const MachineMap::Core &core : map.cores)
		width = std::max(width, std::to_string(core.cpu).size());
	for (std::size_t i = 0; i < map.cores.size();) {
		std::size_t end = i + 1;
		while (end < map.cores.size() && map.cores[end].group == map.cores[i].group)
			end++;
		const bool alone = end == i + 1;
		for (std::size_t at = i; at < end; at++) {
			const MachineMap::Core &core = map.cores[at];
			if (core.node != node)
				continue;
			any = true;
			// Siblings are joined.
			lines.add(number(core.cpu, width) + core_mark(core), core.owner,
				  alone || at == i ? "  " : "+");
		}
		i = end;
	}
	return any ? lines.str() : "";
}

// Who has most of a part of the node's memory, as if there were no holes in it.
int owner_at(const std::vector<MachineMap::Memory> &pieces, double from, double to)
{
	std::map<int, double> shares;
	double at = 0;

	for (const MachineMap::Memory &piece : pieces) {
		const double end = at + static_cast<double>(piece.size);
		shares[piece.owner] += std::max(0.0, std::min(end, to) - std::max(at, from));
		at = end;
	}
	return std::ranges::max_element(shares, {}, [](const auto &share) { return share.second; })
		->first;
}

std::string memory_lines(const MachineMap &map, int node, const Drawing &drawing)
{
	std::vector<MachineMap::Memory> pieces;
	std::uint64_t size = 0;

	for (const MachineMap::Memory &piece : map.memory)
		if (piece.node == node && piece.size) {
			pieces.push_back(piece);
			size += piece.size;
		}
	if (pieces.empty())
		return "";
	const unsigned cells = static_cast<unsigned>(drawing.columns) - indent - 1;
	const double step = static_cast<double>(size) / cells;
	Lines lines(drawing, "  memory");
	std::string run;
	int owner = owner_at(pieces, 0, step);

	for (unsigned cell = 0; cell < cells; cell++) {
		const int next = owner_at(pieces, cell * step, (cell + 1) * step);
		if (next != owner) {
			lines.add(run, owner, "");
			run.clear();
			owner = next;
		}
		run += MachineMap::mark_of(next);
	}
	lines.add(run, owner, "");
	const bool placed = std::ranges::all_of(
		pieces, [](const MachineMap::Memory &piece) { return piece.start.has_value(); });
	return lines.str() + std::string(indent, ' ') + format_size(size) +
	       (placed ? ", by address\n" : "; where it is, root is told\n");
}

std::string function_lines(const MachineMap &map, int node, const Drawing &drawing)
{
	std::string all;

	for (int owner = MachineMap::nobody; owner < static_cast<int>(map.owners.size()); owner++) {
		Lines lines(drawing, all.empty() ? "  PCI" : "");
		bool any = false;
		lines.add(text(' ', MachineMap::mark_of(owner), ' '), owner);
		for (const MachineMap::Function &function : map.functions)
			if (function.node == node && function.owner == owner && !function.bridge) {
				any = true;
				lines.add(format_bdf(function.bdf) +
					  (function.driver.empty() ? "" : "=" + function.driver));
			}
		if (any)
			all += lines.str();
	}
	return all;
}

} // namespace

std::string to_text(const MachineMap &map, const Drawing &wanted)
{
	const Drawing drawing{std::max(wanted.columns, columns_least), wanted.colours};
	std::string all = headline(map) + "\n\n" + legend(map, drawing);

	for (const int node : map.nodes()) {
		all += node < 0 ? "\non no node\n" : text("\nnode ", node, "\n");
		all += core_lines(map, node, drawing) + memory_lines(map, node, drawing) +
		       function_lines(map, node, drawing);
	}
	return all;
}

} // namespace rf
