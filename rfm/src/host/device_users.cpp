// SPDX-License-Identifier: GPL-2.0
#include "host/device_users.hpp"

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "base/pci_address.hpp"
#include "host/machine.hpp"
#include "host/pci_function.hpp"
#include "host/proc_files.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <memory>
#include <set>

#include <fcntl.h>
#include <libmount/libmount.h>
#include <net/if.h>
#include <sys/sysmacros.h>

namespace rf {

namespace fs = std::filesystem;

namespace {

// What the kernel made of a function: directories in sysfs.
struct Devices {
	std::vector<fs::path> disks;		// partitions too
	std::vector<fs::path> interfaces;
	std::vector<std::string> nodes;		// in /dev, also the disks'
};

std::string subsystem_of(const fs::path &dir)
{
	std::error_code error;

	return fs::read_symlink(dir / "subsystem", error).filename();
}

void find_devices(const fs::path &dir, Devices &found)
{
	// Not a recursive iterator: it ends for good where a folder vanishes under it.
	for (const fs::path &entry : entries(dir)) {
		std::error_code gone;
		if (!fs::is_directory(fs::symlink_status(entry, gone)))
			continue;
		const std::string subsystem = subsystem_of(entry);
		if (subsystem == "block")
			found.disks.push_back(entry);
		else if (subsystem == "net")
			found.interfaces.push_back(entry);
		const std::string node = node_in_dev(entry);
		if (!node.empty())
			found.nodes.push_back(node);
		find_devices(entry, found);
	}
}

// With several paths to one namespace, the disk is not below the controller but below the
// subsystem, which has links to its controllers.
void find_multipath_disks(const fs::path &function, const std::string &root, Devices &found)
{
	const std::string below = function.string() + "/";

	for (const fs::path &subsystem : entries(root + "/sys/class/nvme-subsystem")) {
		bool ours = false;
		std::error_code gone;
		for (const fs::path &entry : entries(subsystem))
			if (fs::is_symlink(fs::symlink_status(entry, gone)))
				ours |= fs::canonical(entry, gone).string().starts_with(below);
		if (ours)
			find_devices(fs::canonical(subsystem, gone), found);
	}
}

Devices devices_of(std::uint32_t bdf, const std::string &root)
{
	std::error_code error;
	const fs::path function = fs::canonical(function_dir(bdf, root), error);
	Devices devices;

	if (error)
		return devices;
	find_devices(function, devices);
	find_multipath_disks(function, root, devices);
	const std::string group = fs::read_symlink(function / "iommu_group", error).filename();
	if (!group.empty())
		devices.nodes.push_back("/dev/vfio/" + group);
	std::sort(devices.disks.begin(), devices.disks.end());
	devices.disks.erase(std::unique(devices.disks.begin(), devices.disks.end()),
			    devices.disks.end());
	return devices;
}

// The kernel's name as that of a node in /dev.
std::string node_name(const fs::path &disk)
{
	std::string name = disk.filename();

	std::replace(name.begin(), name.end(), '!', '/');
	return name;
}

using Table = std::unique_ptr<libmnt_table, decltype(&mnt_unref_table)>;

// Each line of a table of the kernel's, as libmount understands it.
template <typename Look> void for_each_line(const Table &table, Look look)
{
	const std::unique_ptr<libmnt_iter, decltype(&mnt_free_iter)> lines(
		mnt_new_iter(MNT_ITER_FORWARD), mnt_free_iter);
	libmnt_fs *line = nullptr;

	while (table && lines && mnt_table_next_fs(table.get(), lines.get(), &line) == 0)
		look(line);
}

std::string word(const char *field)
{
	return field ? field : "";
}

void find_mounts(const fs::path &disk, const std::string &root, std::vector<std::string> &uses)
{
	const std::string number = read_line(disk / "dev");
	const Table table(mnt_new_table_from_file((root + "/proc/1/mountinfo").c_str()),
			  mnt_unref_table);

	for_each_line(table, [&](libmnt_fs *line) {
		const dev_t device = mnt_fs_get_devno(line);
		if (number == text(major(device), ":", minor(device)))
			uses.push_back(text(node_name(disk), " is mounted on ",
					    word(mnt_fs_get_target(line))));
	});
}

void find_swap(const fs::path &disk, const std::string &root, std::vector<std::string> &uses)
{
	const Table table(mnt_new_table(), mnt_unref_table);

	if (!table || mnt_table_parse_swaps(table.get(), (root + "/proc/swaps").c_str()) != 0)
		return;
	for_each_line(table, [&](libmnt_fs *line) {
		if (word(mnt_fs_get_source(line)) == "/dev/" + node_name(disk))
			uses.push_back(node_name(disk) + " is swap");
	});
}

void find_holders(const fs::path &disk, const std::string &root, std::vector<std::string> &uses)
{
	for (const fs::path &holder : entries(disk / "holders")) {
		const std::string known = read_line(holder / "dm/name");
		uses.push_back(text(node_name(disk), " is part of ", holder.filename().string(),
				    known.empty() ? "" : " (" + known + ")"));
	}
	for (const fs::path &entry : entries(root + "/sys/block"))
		if (read_line(entry / "loop/backing_file") == "/dev/" + node_name(disk))
			uses.push_back(text(node_name(disk), " is behind ",
					    entry.filename().string()));
}

// What the lists above do not tell: file systems of several devices, other mount
// namespaces, programs that opened it for themselves.
bool is_claimed(const fs::path &disk, const std::string &root)
{
	const std::string node = root + "/dev/" + node_name(disk);
	const Descriptor fd(::open(node.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK));

	return !fd.valid() && errno == EBUSY;
}

// Whoever has one of the nodes open. The names of the nodes are compared, not what lies
// behind them: to look there can block on a dead network file system.
void find_openers(const std::vector<std::string> &nodes, const std::string &root,
		  std::vector<std::string> &uses)
{
	if (nodes.empty())
		return;
	for (const fs::path &process : entries(root + "/proc")) {
		const std::string pid = process.filename();
		std::set<std::string> open;
		std::error_code closed;
		if (!is_number(pid))
			continue;
		for (const fs::path &fd : entries(process / "fd"))
			open.insert(fs::read_symlink(fd, closed));
		for (const std::string &node : nodes)
			if (open.contains(node))
				uses.push_back(text(node, " is open in ",
						    read_line(process / "comm"), " (process ",
						    pid, ")"));
	}
}

bool is_up(const fs::path &interface)
{
	const std::string line = read_line(interface / "flags");
	unsigned flags = 0;

	if (line.starts_with("0x"))
		std::from_chars(line.data() + 2, line.data() + line.size(), flags, 16);
	return flags & IFF_UP;
}

} // namespace

std::vector<std::string> uses_of(std::uint32_t bdf, const std::string &root)
{
	const Devices devices = devices_of(bdf, root);
	std::vector<std::string> uses;

	for (const fs::path &disk : devices.disks) {
		find_mounts(disk, root, uses);
		find_swap(disk, root, uses);
		find_holders(disk, root, uses);
	}
	// A claimed partition claims its disk: the last ones are the partitions.
	const auto claimed = std::find_if(
		devices.disks.rbegin(), devices.disks.rend(),
		[&](const fs::path &disk) { return uses.empty() && is_claimed(disk, root); });
	if (claimed != devices.disks.rend())
		uses.push_back(node_name(*claimed) +
			       " is opened exclusively by a file system or a program");
	for (const fs::path &interface : devices.interfaces)
		if (is_up(interface))
			uses.push_back(text("network interface ", interface.filename().string(),
					    " is up"));
	if (uses.empty())
		find_openers(devices.nodes, root, uses);
	return uses;
}

void check_unused(const std::vector<std::uint32_t> &bdfs, const std::string &root)
{
	for (const std::uint32_t bdf : bdfs) {
		const std::vector<std::string> uses = uses_of(bdf, root);
		std::string list;
		for (const std::string &use : uses)
			list += text(list.empty() ? "" : ", ", use);
		if (!uses.empty())
			throw Error(Code::busy,
				    text("PCI function ", format_bdf(bdf), " is in use: ", list,
					 "; end that first, or give --force"),
				    {{"function", format_bdf(bdf)}, {"uses", uses}});
	}
}

} // namespace rf
