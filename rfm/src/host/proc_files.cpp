// SPDX-License-Identifier: GPL-2.0
#include "host/proc_files.hpp"

#include "base/cpulist.hpp"
#include "base/error.hpp"
#include "host/machine.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace rf {

namespace fs = std::filesystem;

bool is_number(const std::string &name)
{
	return !name.empty() && name.find_first_not_of("0123456789") == name.npos;
}

std::vector<fs::path> entries(const fs::path &folder)
{
	std::vector<fs::path> found;
	std::error_code error;

	for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
	     entry.increment(error))
		found.push_back(entry->path());
	return found;
}

std::vector<unsigned> cores_in(const std::string &list)
{
	try {
		return list.empty() ? std::vector<unsigned>{} : parse_cpulist(list);
	} catch (const Error &) {
		return {};
	}
}

std::uint64_t number_in(const fs::path &file)
{
	return std::strtoull(read_line(file).c_str(), nullptr, 10);
}

std::string node_in_dev(const fs::path &device)
{
	constexpr std::string_view key = "DEVNAME=";
	std::ifstream file(device / "uevent");
	std::string line;

	while (std::getline(file, line))
		if (line.starts_with(key))
			return "/dev/" + line.substr(key.size());
	return "";
}

std::string content_of(const fs::path &file)
{
	std::ifstream stream(file);
	std::string content;

	// Not by its buffer, which throws when reading fails: the task of a file may have ended
	// since that was opened.
	std::getline(stream, content, '\0');
	return content;
}

bool covers(const std::vector<unsigned> &cores, const std::vector<unsigned> &others)
{
	return std::includes(cores.begin(), cores.end(), others.begin(), others.end());
}

} // namespace rf
