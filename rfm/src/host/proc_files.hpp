// SPDX-License-Identifier: GPL-2.0
// Small files of the kernel, which say nothing when they are gone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace rf {

bool is_number(const std::string &name);

// What is in a folder; nothing if it is none.
std::vector<std::filesystem::path> entries(const std::filesystem::path &folder);

// What a file of the kernel says of cores; none if it says nothing, or is gone by now.
std::vector<unsigned> cores_in(const std::string &list);

// Both ascending: are all of the others among the cores?
bool covers(const std::vector<unsigned> &cores, const std::vector<unsigned> &others);

std::uint64_t number_in(const std::filesystem::path &file);

// The path in /dev of the device that a folder of sysfs is about; empty if it has none.
std::string node_in_dev(const std::filesystem::path &device);

// All of a file that has no zero bytes, or what could be read of it.
std::string content_of(const std::filesystem::path &file);

} // namespace rf
