// SPDX-License-Identifier: GPL-2.0
// A made-up /sys, /proc and /dev in a temporary directory.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace rf::test {

namespace fs = std::filesystem;

struct FakeFunction {
	std::uint16_t vendor = 0, device = 0;
	std::uint32_t class_code = 0;
	unsigned msi = 0, msix = 0;	// vectors
};

class Sysfs {
public:
	Sysfs()
	{
		std::string name = (fs::temp_directory_path() / "rfm-sysfs-XXXXXX").string();
		if (!::mkdtemp(name.data()))
			throw std::runtime_error("mkdtemp");
		root_ = name;
	}
	~Sysfs() { fs::remove_all(root_); }
	Sysfs(const Sysfs &) = delete;

	const std::string &root() const { return root_; }

	// Below /sys; put() below the root.
	void write(const std::string &path, const std::string &text) { put("sys/" + path, text); }
	void put(const std::string &path, const std::string &text)
	{
		const fs::path file = fs::path(root_) / path;
		fs::create_directories(file.parent_path());
		std::ofstream(file, std::ios::binary) << text;
	}
	void link(const std::string &path, const std::string &to)
	{
		const fs::path from = fs::path(root_) / "sys" / path;
		fs::create_directories(from.parent_path());
		fs::create_directories(fs::path(root_) / "sys" / to);
		fs::create_symlink(fs::path(root_) / "sys" / to, from);
	}
	std::string read(const std::string &path) const
	{
		std::string line;
		std::ifstream file(fs::path(root_) / "sys" / path);
		std::getline(file, line);
		return line;
	}

	// Its directory is devices/pci0000:00/BDF, as on a real machine.
	void add_function(const std::string &bdf, const FakeFunction &function)
	{
		const std::string dir = "devices/pci0000:00/" + bdf;

		write(dir + "/vendor", hex(function.vendor));
		write(dir + "/device", hex(function.device));
		write(dir + "/class", hex(function.class_code));
		write(dir + "/numa_node", "-1");
		write(dir + "/resource", "");
		write(dir + "/config", config(function));
		link("bus/pci/devices/" + bdf, dir);
	}

	// A device of this subsystem somewhere below a function.
	void add_device(const std::string &dir, const std::string &subsystem)
	{
		link(dir + "/subsystem", "class/" + subsystem);
	}

private:
	static std::string hex(std::uint32_t number)
	{
		char word[16];
		std::snprintf(word, sizeof(word), "0x%04x", number);
		return word;
	}

	static std::string config(const FakeFunction &function)
	{
		std::string bytes(256, '\0');
		const auto put16 = [&](std::size_t at, std::uint32_t value) {
			bytes[at] = static_cast<char>(value);
			bytes[at + 1] = static_cast<char>(value >> 8);
		};
		unsigned exponent = 0;

		put16(0x00, function.vendor);
		put16(0x02, function.device);
		put16(0x0a, function.class_code >> 8);
		bytes[0x09] = static_cast<char>(function.class_code);
		if (!function.msi || !function.msix)
			return bytes;
		while (1u << exponent < function.msi)
			exponent++;
		put16(0x06, 0x10);			// has capabilities
		bytes[0x34] = 0x40;
		put16(0x40, 0x05 | 0x50 << 8);		// MSI, the next one at 0x50
		put16(0x42, exponent << 1);
		put16(0x50, 0x11);			// MSI-X, the last one
		put16(0x52, function.msix - 1);
		return bytes;
	}

	std::string root_;
};

} // namespace rf::test
