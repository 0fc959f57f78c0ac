// SPDX-License-Identifier: GPL-2.0
#include "view/machine_map.hpp"

#include "base/pci_address.hpp"
#include "base/sizes.hpp"
#include "client/fit.hpp"
#include "client/words.hpp"

#include <algorithm>
#include <set>

namespace rf {

namespace {

using Memory = MachineMap::Memory;

int owner_of(const MachineMap &map, std::uint32_t id)
{
	const auto found = std::ranges::find(map.owners, id, &MachineMap::Owner::id);

	return found == map.owners.end() ? MachineMap::nobody
					 : static_cast<int>(found - map.owners.begin());
}

// What subOSes have, and the subOSes themselves; without addresses last.
std::vector<Memory> read_owned(const Supervisor &supervisor, MachineMap &map)
{
	std::vector<Memory> owned;

	map.owners.push_back({"supervisor", 0, ""});
	for (const std::string &name : supervisor.names()) {
		try {
			const rf_status status = supervisor.subos(name).status();
			const int owner = static_cast<int>(map.owners.size());
			map.owners.push_back({status.name, status.id, state_name(status.state)});
			for (std::uint32_t i = 0; i < status.nr_ranges; i++) {
				const rf_range &range = status.ranges[i];
				owned.push_back({range.start ? std::optional<std::uint64_t>(range.start)
							     : std::nullopt,
						 range.size, -1, owner});
			}
		} catch (const Error &error) {
			// Destroyed between the list and the look.
			if (error.code() != Code::no_such_subos)
				throw;
		}
	}
	return owned;
}

void read_cores(const Supervisor &supervisor, unsigned smt_shift, MachineMap &map)
{
	for (const rf_core &core : supervisor.cores())
		map.cores.push_back({core.cpu, core.apic_id, core.apic_id >> smt_shift, core.node,
				     core.online != 0, owner_of(map, core.owner)});
	// In the order of their first sibling's number.
	std::map<std::uint32_t, unsigned> first;
	for (const MachineMap::Core &core : map.cores)
		first.try_emplace(core.group, core.cpu);
	std::ranges::sort(map.cores, [&](const MachineMap::Core &one, const MachineMap::Core &other) {
		return std::pair(first[one.group], one.cpu) < std::pair(first[other.group], other.cpu);
	});
}

void read_pci(const Supervisor &supervisor, MachineMap &map)
{
	const std::vector<PciFunction> known = read_functions();

	for (const rf_function_info &info : supervisor.functions()) {
		const PciFunction *function = find_function(known, info.bdf);
		MachineMap::Function entry;
		entry.bdf = info.bdf;
		entry.owner = owner_of(map, info.owner);
		entry.bridge = info.problem == RF_PROBLEM_BRIDGE;
		if (function) {
			entry.what = function->class_name;
			entry.node = function->node;
		}
		entry.driver = info.owner ? info.driver : function ? function->driver : "";
		map.functions.push_back(std::move(entry));
	}
}

// A layer of the map of memory.
struct Layer {
	std::uint64_t start, end;
	int node, owner;
};

// Nodes are ranges of addresses: memory that the kernel has not is where its neighbours are.
void guess_nodes(std::vector<Memory> &pieces)
{
	int last = -1;

	for (Memory &piece : pieces)
		last = piece.node = piece.node < 0 ? last : piece.node;
	last = -1;
	for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece)
		last = piece->node = piece->node < 0 ? last : piece->node;
}

template <typename Items, typename Count> auto sum(const Items &items, Count count)
{
	std::uint64_t total = 0;

	for (const auto &item : items)
		total += count(item);
	return total;
}

Json owner_json(const MachineMap &map, int owner)
{
	return owner == MachineMap::nobody ? Json() : Json(map.name_of(owner));
}

std::string counted(std::uint64_t count, const char *one, const char *more)
{
	return text(count, " ", count == 1 ? one : more);
}

} // namespace

std::vector<Memory> layers(const std::vector<MemoryPiece> &blocks,
			   const std::vector<MemoryPiece> &pool, const std::vector<Memory> &owned)
{
	std::vector<Layer> all;
	std::set<std::uint64_t> edges;
	std::vector<Memory> pieces, placeless;

	for (const MemoryPiece &block : blocks)
		all.push_back({block.start, block.start + block.size, block.node,
			       MachineMap::supervisor});
	for (const MemoryPiece &piece : pool)
		all.push_back({piece.start, piece.start + piece.size, piece.node,
			       MachineMap::nobody});
	for (const Memory &piece : owned) {
		if (piece.start)
			all.push_back({*piece.start, *piece.start + piece.size, piece.node,
				       piece.owner});
		else
			placeless.push_back(piece);
	}
	for (const Layer &layer : all) {
		edges.insert(layer.start);
		edges.insert(layer.end);
	}
	for (auto edge = edges.begin(); edge != edges.end() && std::next(edge) != edges.end(); ++edge) {
		const std::uint64_t start = *edge, end = *std::next(edge);
		int node = -1;
		const Layer *top = nullptr;
		for (const Layer &layer : all)
			if (layer.start <= start && end <= layer.end) {
				top = &layer;
				node = layer.node < 0 ? node : layer.node;
			}
		if (!top)
			continue;
		Memory *last = pieces.empty() ? nullptr : &pieces.back();
		if (last && last->owner == top->owner && last->node == node &&
		    *last->start + last->size == start)
			last->size += end - start;
		else
			pieces.push_back({start, end - start, node, top->owner});
	}
	guess_nodes(pieces);
	pieces.insert(pieces.end(), placeless.begin(), placeless.end());
	return pieces;
}

std::vector<int> MachineMap::nodes() const
{
	std::set<int> found;

	for (const Core &core : cores)
		found.insert(core.node);
	for (const Memory &piece : memory)
		found.insert(piece.node);
	for (const Function &function : functions)
		if (!function.bridge)
			found.insert(function.node);
	std::vector<int> list(found.begin(), found.end());
	if (!list.empty() && list.front() < 0)
		std::ranges::rotate(list, list.begin() + 1);
	return list;
}

std::string MachineMap::name_of(int owner) const
{
	return owner == nobody ? "nobody" : owners[static_cast<std::size_t>(owner)].name;
}

char MachineMap::mark_of(int owner)
{
	constexpr int letters = 26;

	if (owner == nobody)
		return '-';
	if (owner == supervisor)
		return '.';
	return owner <= letters ? static_cast<char>('a' + owner - 1) : '?';
}

unsigned MachineMap::cores_of(int owner) const
{
	return static_cast<unsigned>(
		sum(cores, [owner](const Core &core) { return core.owner == owner; }));
}

std::uint64_t MachineMap::memory_of(int owner) const
{
	return sum(memory, [owner](const Memory &piece) {
		return piece.owner == owner ? piece.size : 0;
	});
}

unsigned MachineMap::functions_of(int owner) const
{
	return static_cast<unsigned>(sum(functions, [owner](const Function &function) {
		return function.owner == owner && !function.bridge;
	}));
}

MachineMap read_map(const Supervisor &supervisor)
{
	const rf_info info = supervisor.info();
	MachineMap map;

	std::vector<Memory> owned = read_owned(supervisor, map);
	const std::vector<MemoryPiece> pool = read_pool();
	// Without addresses there is only how much it is.
	std::uint64_t known = sum(owned, [](const Memory &piece) { return piece.size; });
	if (pool.empty() && info.pool_total > known)
		owned.push_back({std::nullopt, info.pool_total - known, -1, MachineMap::nobody});
	map.memory = layers(read_memory_blocks(), pool, owned);
	read_cores(supervisor, info.smt_shift, map);
	if (info.abi >= functions_abi)
		read_pci(supervisor, map);
	map.pool_free = info.pool_free;
	map.pool_shared = info.arena;
	// On a machine of one node, what is nowhere is there.
	const std::vector<int> nodes = map.nodes();
	if (nodes.size() == 2 && nodes.back() < 0) {
		for (MachineMap::Core &core : map.cores)
			core.node = nodes.front();
		for (Memory &piece : map.memory)
			piece.node = nodes.front();
		for (MachineMap::Function &function : map.functions)
			function.node = nodes.front();
	}
	return map;
}

void to_json(Json &json, const MachineMap &map)
{
	json = {{"owners", Json::array()},	 {"cores", Json::array()},
		     {"memory", Json::array()},	 {"functions", Json::array()},
		     {"pool_free", map.pool_free}, {"pool_shared", map.pool_shared}};

	for (const MachineMap::Owner &owner : map.owners)
		json["owners"].push_back({{"name", owner.name},
					  {"id", owner.id},
					  {"state", owner.state.empty() ? Json() : Json(owner.state)}});
	for (const MachineMap::Core &core : map.cores)
		json["cores"].push_back({{"core", core.cpu},
					 {"apic_id", core.apic_id},
					 {"group", core.group},
					 {"node", core.node},
					 {"online", core.online},
					 {"owner", owner_json(map, core.owner)}});
	for (const Memory &piece : map.memory)
		json["memory"].push_back({{"start", piece.start ? Json(*piece.start) : Json()},
					  {"size", piece.size},
					  {"node", piece.node},
					  {"owner", owner_json(map, piece.owner)}});
	for (const MachineMap::Function &function : map.functions)
		json["functions"].push_back({{"function", format_bdf(function.bdf)},
					     {"class_name", function.what},
					     {"driver", function.driver},
					     {"node", function.node},
					     {"bridge", function.bridge},
					     {"owner", owner_json(map, function.owner)}});
}

std::string headline(const MachineMap &map)
{
	const std::uint64_t memory = sum(map.memory, [](const Memory &piece) { return piece.size; });
	const std::uint64_t functions = sum(
		map.functions, [](const MachineMap::Function &function) { return !function.bridge; });

	return text(counted(map.cores.size(), "core", "cores"), ", ", format_size(memory),
		    " of memory, ", counted(functions, "PCI function", "PCI functions"), ", ",
		    counted(map.owners.size() - 1, "subOS", "subOSes"));
}

} // namespace rf
