// SPDX-License-Identifier: GPL-2.0
#include "host/memory_blocks.hpp"

#include "host/machine.hpp"
#include "host/proc_files.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>

namespace rf {

namespace fs = std::filesystem;

namespace {

constexpr const char pool_name[] = "rainforest pool";

// A number at the beginning of `word`, and what follows it.
bool take_hex(std::string_view &word, std::uint64_t &number)
{
	const auto [end, error] =
		std::from_chars(word.data(), word.data() + word.size(), number, 16);

	word.remove_prefix(static_cast<std::size_t>(end - word.data()));
	return error == std::errc();
}

int node_of(const fs::path &block)
{
	for (const fs::path &entry : entries(block)) {
		const std::string name = entry.filename();
		if (name.starts_with("node") && is_number(name.substr(4)))
			return std::atoi(name.c_str() + 4);
	}
	return 0;
}

void join_neighbours(std::vector<MemoryPiece> &pieces)
{
	std::vector<MemoryPiece> joined;

	std::ranges::sort(pieces, {}, &MemoryPiece::start);
	for (const MemoryPiece &piece : pieces) {
		if (!joined.empty() && joined.back().node == piece.node &&
		    joined.back().start + joined.back().size == piece.start)
			joined.back().size += piece.size;
		else
			joined.push_back(piece);
	}
	pieces = std::move(joined);
}

} // namespace

std::vector<MemoryPiece> read_memory_blocks(const std::string &root)
{
	const fs::path folder = root + "/sys/devices/system/memory";
	const std::string digits = read_line(folder / "block_size_bytes");
	std::vector<MemoryPiece> pieces;
	std::string_view word = digits;
	std::uint64_t size = 0;

	if (!take_hex(word, size) || !size)
		return pieces;
	for (const fs::path &entry : entries(folder)) {
		const std::string name = entry.filename();
		if (name.starts_with("memory") && is_number(name.substr(6)) &&
		    read_line(entry / "state") == "online")
			pieces.push_back({std::strtoull(name.c_str() + 6, nullptr, 10) * size, size,
					  node_of(entry)});
	}
	join_neighbours(pieces);
	return pieces;
}

std::vector<MemoryPiece> read_pool(const std::string &root)
{
	std::ifstream file(root + "/proc/iomem");
	std::vector<MemoryPiece> pieces;
	std::string line;

	// "  140000000-1ffffffff : rainforest pool"
	while (std::getline(file, line)) {
		std::string_view word = line;
		std::uint64_t first = 0, last = 0;
		word.remove_prefix(std::min(word.find_first_not_of(' '), word.size()));
		if (!take_hex(word, first) || !word.starts_with('-'))
			continue;
		word.remove_prefix(1);
		if (take_hex(word, last) && last > first && word.substr(0, 3) == " : " &&
		    word.substr(3) == pool_name)
			pieces.push_back({first, last - first + 1, -1});
	}
	join_neighbours(pieces);
	return pieces;
}

} // namespace rf
