// SPDX-License-Identifier: GPL-2.0
// The map of a machine, drawn as text and as a picture: of a small machine and of a large one.
#include "base/error.hpp"
#include "fake_module.hpp"
#include "fixture.hpp"
#include "host/memory_blocks.hpp"
#include "sysfs.hpp"
#include "view/map_svg.hpp"
#include "view/map_text.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <tuple>

namespace {

using rf::MachineMap;

constexpr std::uint64_t gib = 1ull << 30;

// `cores` with SMT siblings half of them apart, on two nodes from 8 cores on; every fourth pair
// belongs to one of `suboses`.
MachineMap machine(unsigned cores, int suboses)
{
	MachineMap map;
	const unsigned half = cores / 2;
	const int nodes = cores < 8 ? 1 : 2;

	map.owners.push_back({"supervisor", 0, ""});
	for (int i = 0; i < suboses; i++)
		map.owners.push_back({"subos-" + std::to_string(i), static_cast<unsigned>(i + 1),
				      i ? "running" : "crashed"});
	for (unsigned pair = 0; pair < half; pair++)
		for (const unsigned cpu : {pair, pair + half}) {
			const int owner = pair % 4 ? static_cast<int>(pair / 4) % (suboses + 1) : 0;
			map.cores.push_back({cpu, 2 * pair + (cpu >= half), pair,
					     static_cast<int>(pair * static_cast<unsigned>(nodes) / half),
					     owner == 0 && cpu != 1, owner});
		}
	for (int node = 0; node < nodes; node++) {
		const std::uint64_t start = static_cast<unsigned>(node) * 64 * gib;
		map.memory.push_back({start, 32 * gib, node, 0});
		for (int i = 0; i < suboses; i++)
			map.memory.push_back({start + (32 + static_cast<unsigned>(i)) * gib, gib, node, i + 1});
		map.memory.push_back({start + 60 * gib, 2 << 20, node, MachineMap::nobody});
	}
	for (unsigned i = 0; i < cores; i++)
		map.functions.push_back({i << 3, "Ethernet <controller> & \"more\"", "drv", i % 3 ? 0 : -1,
					 i % 5 == 0, i % 7 ? 0 : suboses ? 1 : 0});
	return map;
}

std::vector<std::string> lines_of(const std::string &words)
{
	std::istringstream in(words);
	std::vector<std::string> lines;

	for (std::string line; std::getline(in, line);)
		lines.push_back(line);
	return lines;
}

// Is it one element, each closed in its order, with no markup in texts?
void check_xml(const std::string &xml)
{
	static const std::regex token("<\\?[^>]*\\?>|<(/?)([a-zA-Z]+)((?: [a-zA-Z:-]+=\"[^\"<]*\")*)(/?)>|"
				      "&(?:amp|lt|gt|quot);|[^<&>]+");
	std::vector<std::string> open;
	std::size_t at = 0;
	int roots = 0;

	for (std::sregex_iterator found(xml.begin(), xml.end(), token), end; found != end; ++found) {
		ASSERT_EQ(static_cast<std::size_t>(found->position()), at)
			<< xml.substr(at, 60) << " is no XML";
		at += static_cast<std::size_t>(found->length());
		if (!(*found)[2].matched)
			continue;
		const std::string name = (*found)[2];
		if ((*found)[1].length()) {
			ASSERT_FALSE(open.empty());
			ASSERT_EQ(open.back(), name);
			open.pop_back();
			continue;
		}
		roots += open.empty();
		if (!(*found)[4].length())
			open.push_back(name);
	}
	EXPECT_EQ(at, xml.size());
	EXPECT_TRUE(open.empty());
	EXPECT_EQ(roots, 1);
}

// Nothing is drawn outside of the picture.
void check_places(const std::string &svg)
{
	static const std::regex box("<rect x=\"([0-9.e+]+)\" y=\"([0-9.e+]+)\" width=\"([0-9.e+]+)\" "
				    "height=\"([0-9.e+]+)\"");
	static const std::regex view("viewBox=\"0 0 ([0-9.]+) ([0-9.e+]+)\"");
	std::smatch size;

	ASSERT_TRUE(std::regex_search(svg, size, view));
	for (std::sregex_iterator found(svg.begin(), svg.end(), box), end; found != end; ++found) {
		EXPECT_LE(std::stod((*found)[1]) + std::stod((*found)[3]), std::stod(size[1]) - 20);
		EXPECT_LE(std::stod((*found)[2]) + std::stod((*found)[4]), std::stod(size[2]));
	}
}

std::size_t count_of(const std::string &words, const std::string &part)
{
	std::size_t count = 0;

	for (std::size_t at = words.find(part); at != words.npos; at = words.find(part, at + 1))
		count++;
	return count;
}

TEST(Map, PicturesAreXmlWithEverythingInThem)
{
	for (const unsigned cores : {4u, 48u, 256u})
		for (const int suboses : {0, 1, 15}) {
			const MachineMap map = machine(cores, suboses);
			const std::string svg = to_svg(map);
			check_xml(svg);
			check_places(svg);
			EXPECT_EQ(count_of(svg, "<title>core "), cores);
			EXPECT_EQ(count_of(svg, "<title>PCI function "),
				  cores - (cores + 4) / 5);
			for (const MachineMap::Owner &owner : map.owners)
				EXPECT_NE(svg.find(owner.name), svg.npos);
			EXPECT_NE(svg.find("2M of memory at 0xf00000000: nobody's"), svg.npos);
		}
}

TEST(Map, NamesAreNoMarkup)
{
	MachineMap map = machine(4, 1);

	map.owners[1].name = "</text><script>&\"'\x01\xff";
	map.functions[1].driver = "<a>&";
	const std::string svg = to_svg(map);
	check_xml(svg);
	EXPECT_EQ(svg.find("<script"), svg.npos);
	EXPECT_EQ(rf::xml_text("<&>\"\n\xff'"), "&lt;&amp;&gt;&quot;?" "?'");
}

TEST(Map, EachSubosHasALookOfItsOwn)
{
	// Colour, or colour with a pattern: of the first box in each line of the legend.
	const std::string svg = to_svg(machine(4, 15));
	std::set<std::string> looks;

	for (const std::string &line : lines_of(svg)) {
		static const std::regex legend("<rect [^>]*width=\"18\"[^>]* fill=\"(#[0-9a-f]+)\"[^>]*/>"
					       "(?:<rect [^>]*fill=\"(url[^\"]*)\")?.*");
		std::smatch found;
		if (std::regex_match(line, found, legend)) {
			EXPECT_TRUE(looks.insert(found[1].str() + found[2].str()).second) << line;
		}
	}
	EXPECT_EQ(looks.size(), 17u);	// and the supervisor's, and nobody's
}

TEST(Map, TextIsAsWideAsTheTerminal)
{
	for (const unsigned cores : {4u, 256u})
		for (const int columns : {40, 80, 200}) {
			const std::string drawn = to_text(machine(cores, 3), {columns, false});
			for (const std::string &line : lines_of(drawn))
				// The list of a subOS's cores is one word.
				if (line.find("cores") == line.npos || line.starts_with("  cores")) {
					EXPECT_LE(line.size(), static_cast<std::size_t>(columns)) << line;
				}
			EXPECT_EQ(drawn.find('\033'), drawn.npos);
		}
}

TEST(Map, TextShowsOwnersAndSiblings)
{
	MachineMap map;
	map.owners = {{"supervisor", 0, ""}, {"web", 7, "running"}};
	map.cores = {{0, 0, 0, 0, true, 0}, {2, 1, 0, 0, false, 0}, {1, 2, 1, 0, false, 1}, {3, 3, 1, 0, false, 1}};
	map.memory = {{0, gib, 0, 0}, {gib, gib, 0, 1}};
	map.functions = {{0x20, "Disk", "nvme", 0, false, 1}};
	const std::vector<std::string> lines = lines_of(to_text(map, {45, false}));
	const std::vector<std::string> expected = {
		"4 cores, 2G of memory, 1 PCI function, 1 subOS",
		"",
		"             .  supervisor, cores 0,2, 1G",
		"             a  web (running), cores 1,3, 1G",
		"            1 PCI function",
		"",
		"node 0",
		"  cores     0.+2x  1a+3a",
		"  memory    ................aaaaaaaaaaaaaaaa",
		"            2G, by address",
		"  PCI        a  0000:00:04.0=nvme",
	};
	EXPECT_EQ(lines, expected);
	EXPECT_NE(to_text(map, {80, true}).find("\033[38;5;16;48;5;214m1a\033[0m"), std::string::npos);
}

TEST(Map, MemoryIsOfWhoHasItLast)
{
	const std::vector<rf::MemoryPiece> blocks = {{0, 2 * gib, 0}, {4 * gib, gib, 1}};
	const std::vector<rf::MemoryPiece> pool = {{gib, gib, -1}, {5 * gib, gib, -1}};
	const std::vector<MachineMap::Memory> owned = {{5 * gib, gib / 2, -1, 1},
						       {std::nullopt, gib, -1, 2}};
	const auto pieces = rf::layers(blocks, pool, owned);

	ASSERT_EQ(pieces.size(), 6u);
	const auto is = [&](std::size_t at, std::uint64_t start, std::uint64_t size, int node, int owner) {
		EXPECT_EQ(pieces[at].start, start) << at;
		EXPECT_EQ(pieces[at].size, size) << at;
		EXPECT_EQ(pieces[at].node, node) << at;
		EXPECT_EQ(pieces[at].owner, owner) << at;
	};
	is(0, 0, gib, 0, MachineMap::supervisor);
	is(1, gib, gib, 0, MachineMap::nobody);
	is(2, 4 * gib, gib, 1, MachineMap::supervisor);
	is(3, 5 * gib, gib / 2, 1, 1);		// where its neighbour is
	is(4, 5 * gib + gib / 2, gib / 2, 1, MachineMap::nobody);
	EXPECT_FALSE(pieces[5].start);
	EXPECT_EQ(pieces[5].node, -1);
}

TEST(Map, BlocksAndPoolAreWhatTheKernelSays)
{
	rf::test::Sysfs sysfs;
	const std::string folder = "devices/system/memory/";

	sysfs.write(folder + "block_size_bytes", "8000000\n");
	sysfs.write(folder + "auto_online_blocks", "online\n");
	for (const auto &[block, node, state] :
	     {std::tuple("0", 0, "online"), std::tuple("1", 0, "online"), std::tuple("2", 0, "offline"),
	      std::tuple("32", 0, "online"), std::tuple("33", 1, "online")}) {
		const std::string dir = folder + "memory" + block;
		sysfs.write(dir + "/state", state + std::string("\n"));
		sysfs.write(dir + "/node" + std::to_string(node) + "/x", "");
	}
	const auto blocks = rf::read_memory_blocks(sysfs.root());
	ASSERT_EQ(blocks.size(), 3u);
	EXPECT_EQ(blocks[0].size, 256u << 20);
	EXPECT_EQ(blocks[1].start, 4 * gib);
	EXPECT_EQ(blocks[2].node, 1);

	sysfs.put("proc/iomem", "00000000-00000fff : Reserved\n100000000-17fffffff : System RAM\n"
				"180000000-1bfffffff : Reserved\n"
				"  180000000-1bfffffff : rainforest pool\n"
				"1c0000000-1c7ffffff : rainforest pool\n");
	const auto pool = rf::read_pool(sysfs.root());
	ASSERT_EQ(pool.size(), 1u);		// neighbours
	EXPECT_EQ(pool[0].start, 6 * gib);
	EXPECT_EQ(pool[0].size, gib + (128 << 20));
	// Whoever may not know addresses is shown zeros.
	sysfs.put("proc/iomem", "00000000-00000000 : rainforest pool\n");
	EXPECT_TRUE(rf::read_pool(sysfs.root()).empty());
}

TEST(Map, JsonHasNoAddressThatIsNotKnown)
{
	MachineMap map = machine(4, 1);
	map.memory.push_back({std::nullopt, gib, -1, 1});
	const rf::Json json = map;

	EXPECT_EQ(json["cores"].size(), 4u);
	EXPECT_EQ(json["cores"][0]["owner"], "supervisor");
	EXPECT_TRUE(json["memory"].back()["start"].is_null());
	EXPECT_TRUE(json["memory"][2]["owner"].is_null());
	EXPECT_NE(to_text(map, {80, false}).find("on no node"), std::string::npos);
}

TEST(Map, ComesFromTheModule)
{
	rf::test::FakeModule module(RF_ABI_VERSION);
	module.names = {"web"};
	const MachineMap map = read_map(rf::Supervisor::open());

	ASSERT_EQ(map.owners.size(), 2u);
	EXPECT_EQ(map.owners[1].name, "web");
	ASSERT_EQ(map.cores.size(), 1u);
	EXPECT_EQ(map.cores[0].owner, 1);
	EXPECT_EQ(map.memory_of(1), 64u << 20);
	EXPECT_NO_THROW(to_svg(map));
}

} // namespace
