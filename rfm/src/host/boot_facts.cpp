// SPDX-License-Identifier: GPL-2.0
#include "host/boot_facts.hpp"

#include "host/proc_files.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

namespace rf {

namespace fs = std::filesystem;

namespace {

// Four bytes of attributes, then the value.
bool is_secure()
{
	std::ifstream file("/sys/firmware/efi/efivars/"
			   "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
			   std::ios::binary);
	char bytes[5] = {};

	return file.read(bytes, sizeof(bytes)) && bytes[4] == 1;
}

} // namespace

std::vector<MemoryRange> join_ranges(std::vector<MemoryRange> ranges)
{
	std::vector<MemoryRange> joined;

	std::sort(ranges.begin(), ranges.end(),
		  [](const auto &a, const auto &b) { return a.start < b.start; });
	for (const MemoryRange &range : ranges) {
		if (joined.empty() || range.start > joined.back().end())
			joined.push_back(range);
		else
			joined.back().size = std::max(joined.back().end(), range.end()) -
					     joined.back().start;
	}
	return joined;
}

std::vector<MemoryRange> parse_ram(const std::string &iomem)
{
	std::istringstream lines(iomem);
	std::vector<MemoryRange> ranges;

	for (std::string line; std::getline(lines, line);) {
		unsigned long long first = 0, last = 0;
		int at = 0;
		// What is inside of another one begins with spaces.
		if (line.starts_with(' ') ||
		    std::sscanf(line.c_str(), "%llx-%llx : %n", &first, &last, &at) != 2 || !at)
			continue;
		const std::string name = line.substr(static_cast<std::size_t>(at));
		if ((name == "System RAM" || name == "rainforest pool") && last > first)
			ranges.push_back({first, last - first + 1});
	}
	return join_ranges(std::move(ranges));
}

BootFacts read_boot_facts()
{
	BootFacts facts;

	facts.ram = parse_ram(content_of("/proc/iomem"));
	facts.has_dmar = fs::exists("/sys/firmware/acpi/tables/DMAR");
	facts.secure_boot = is_secure();
	facts.drop_in = content_of(fs::path(drop_in_folder) / drop_in_name);
	return facts;
}

} // namespace rf
