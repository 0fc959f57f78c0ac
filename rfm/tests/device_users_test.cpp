// SPDX-License-Identifier: GPL-2.0
#include "host/device_users.hpp"

#include "base/error.hpp"
#include "operations/virtual_functions.hpp"
#include "sysfs.hpp"

#include <gtest/gtest.h>

namespace rf {
namespace {

constexpr std::uint32_t nvme = RF_BDF(0, 1, 0), other = RF_BDF(0, 2, 0);
const std::string controller = "devices/pci0000:00/0000:01:00.0/nvme/nvme0";
const std::string disk = controller + "/nvme0n1";

namespace fs = std::filesystem;

using Uses = std::vector<std::string>;

// A disk with two partitions, and a network card.
class DeviceUsers : public testing::Test {
protected:
	DeviceUsers()
	{
		sysfs.add_function("0000:01:00.0", {0x1b36, 0x10, 0x010802});
		sysfs.add_function("0000:02:00.0", {0x8086, 0x10d3, 0x020000});
		add_disk(disk, "259:0");
		add_disk(disk + "/nvme0n1p1", "259:1");
		add_disk(disk + "/nvme0n1p2", "259:2");
		sysfs.add_device(card, "net");
		sysfs.write(card + "/flags", "0x1002");
		sysfs.put("proc/1/mountinfo",
			  "20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n");
		sysfs.put("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");
	}

	void add_disk(const std::string &dir, const std::string &number)
	{
		sysfs.add_device(dir, "block");
		sysfs.write(dir + "/dev", number);
		fs::create_directories(fs::path(sysfs.root()) / "sys" / dir / "holders");
	}

	Uses uses(std::uint32_t bdf) const { return uses_of(bdf, sysfs.root()); }

	test::Sysfs sysfs;
	const std::string card = "devices/pci0000:00/0000:02:00.0/net/eth0";
};

TEST_F(DeviceUsers, Nobody)
{
	EXPECT_EQ(uses(nvme), Uses{});
	EXPECT_EQ(uses(other), Uses{});
	EXPECT_EQ(uses(RF_BDF(0, 9, 0)), Uses{});
	EXPECT_NO_THROW(check_unused({nvme, other}, sysfs.root()));
}

TEST_F(DeviceUsers, Mounted)
{
	sysfs.put("proc/1/mountinfo",
		  "20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
		  "36 20 259:1 / /srv/my\\040data rw shared:2 - ext4 /dev/nvme0n1p1 rw\n"
		  "37 20 259:10 / /other rw shared:3 - ext4 /dev/nvme9n1 rw\n");
	EXPECT_EQ(uses(nvme), Uses{"nvme0n1p1 is mounted on /srv/my data"});
	try {
		check_unused({other, nvme}, sysfs.root());
		ADD_FAILURE();
	} catch (const Error &error) {
		EXPECT_EQ(error.code(), Code::busy);
		EXPECT_STREQ(error.what(), "PCI function 0000:01:00.0 is in use: nvme0n1p1 is "
					   "mounted on /srv/my data; end that first, or give "
					   "--force");
	}
}

TEST_F(DeviceUsers, Swap)
{
	sysfs.put("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n"
				"/dev/nvme0n1p2   partition\t1\t0\t-2\n"
				"/dev/nvme0n1p21  partition\t1\t0\t-2\n");
	EXPECT_EQ(uses(nvme), Uses{"nvme0n1p2 is swap"});
}

TEST_F(DeviceUsers, PartOfSomethingElse)
{
	sysfs.write("devices/virtual/block/dm-0/dm/name", "vg-root");
	sysfs.link(disk + "/nvme0n1p1/holders/dm-0", "devices/virtual/block/dm-0");
	sysfs.link(disk + "/nvme0n1p2/holders/md127", "devices/virtual/block/md127");
	sysfs.write("devices/virtual/block/loop3/loop/backing_file", "/dev/nvme0n1");
	sysfs.link("block/loop3", "devices/virtual/block/loop3");
	EXPECT_EQ(uses(nvme), (Uses{"nvme0n1 is behind loop3", "nvme0n1p1 is part of dm-0 (vg-root)",
				    "nvme0n1p2 is part of md127"}));
}

// The disk then is a child of the subsystem, not of the controller.
TEST_F(DeviceUsers, SeveralPathsToOneDisk)
{
	const std::string subsystem = "devices/virtual/nvme-subsystem/nvme-subsys0";

	fs::remove_all(fs::path(sysfs.root()) / "sys" / disk);
	sysfs.link(subsystem + "/nvme0", controller);
	sysfs.link("class/nvme-subsystem/nvme-subsys0", subsystem);
	add_disk(subsystem + "/nvme0n1", "259:0");
	sysfs.put("proc/1/mountinfo", "36 20 259:0 / / rw - ext4 /dev/nvme0n1 rw\n");
	EXPECT_EQ(uses(nvme), Uses{"nvme0n1 is mounted on /"});
	EXPECT_EQ(uses(other), Uses{});
	EXPECT_EQ(uses(RF_BDF(0, 9, 0)), Uses{});
}

TEST_F(DeviceUsers, InterfaceThatIsUp)
{
	sysfs.write(card + "/flags", "0x1003");
	EXPECT_EQ(uses(other), Uses{"network interface eth0 is up"});
	EXPECT_EQ(uses(nvme), Uses{});
}

TEST_F(DeviceUsers, OpenInAProgram)
{
	const std::string port = "devices/pci0000:00/0000:02:00.0/virtio0/virtio-ports/vport0p1";

	sysfs.add_device(port, "virtio-ports");
	sysfs.write(port + "/uevent", "MAJOR=248\nMINOR=1\nDEVNAME=vport0p1");
	sysfs.write(disk + "/uevent", "MAJOR=259\nMINOR=0\nDEVNAME=nvme0n1\nDEVTYPE=disk");
	sysfs.put("proc/72/comm", "qemu-ga\n");
	fs::create_directories(fs::path(sysfs.root()) / "proc/72/fd");
	fs::create_symlink("/dev/null", fs::path(sysfs.root()) / "proc/72/fd/0");
	fs::create_symlink("/dev/vport0p10", fs::path(sysfs.root()) / "proc/72/fd/1");
	EXPECT_EQ(uses(other), Uses{});
	fs::create_symlink("/dev/vport0p1", fs::path(sysfs.root()) / "proc/72/fd/3");
	fs::create_symlink("/dev/vport0p1", fs::path(sysfs.root()) / "proc/72/fd/4");
	EXPECT_EQ(uses(other), Uses{"/dev/vport0p1 is open in qemu-ga (process 72)"});
	EXPECT_EQ(uses(nvme), Uses{});
	fs::create_symlink("/dev/nvme0n1", fs::path(sysfs.root()) / "proc/72/fd/5");
	EXPECT_EQ(uses(nvme), Uses{"/dev/nvme0n1 is open in qemu-ga (process 72)"});
}

// A virtual machine has it: the driver would wait for its end.
TEST_F(DeviceUsers, Vfio)
{
	sysfs.link("devices/pci0000:00/0000:02:00.0/iommu_group", "kernel/iommu_groups/7");
	sysfs.put("proc/81/comm", "qemu-system-x86\n");
	fs::create_directories(fs::path(sysfs.root()) / "proc/81/fd");
	EXPECT_EQ(uses(other), Uses{});
	fs::create_symlink("/dev/vfio/7", fs::path(sysfs.root()) / "proc/81/fd/11");
	EXPECT_EQ(uses(other), Uses{"/dev/vfio/7 is open in qemu-system-x86 (process 81)"});
	EXPECT_EQ(uses(nvme), Uses{});
}

class Virtual : public DeviceUsers {
protected:
	Virtual()
	{
		sysfs.write(dir + "sriov_totalvfs", "4");
		sysfs.write(dir + "sriov_numvfs", "0");
		sysfs.write(dir + "sriov_drivers_autoprobe", "1");
	}

	void have(const char *bdf)
	{
		sysfs.write(dir + "sriov_numvfs", "1");
		sysfs.add_function(bdf, {0x1b36, 0x10, 0x010802});
		sysfs.link(dir + "virtfn0", std::string("devices/pci0000:00/") + bdf);
	}

	std::string refusal(std::uint32_t bdf, unsigned count, Code code,
			    const std::optional<Inventory> &inventory = {})
	{
		const std::string before = sysfs.read(dir + "sriov_numvfs");
		try {
			set_virtual_functions(bdf, count, inventory, sysfs.root());
		} catch (const Error &error) {
			EXPECT_EQ(error.code(), code) << error.what();
			EXPECT_EQ(sysfs.read(dir + "sriov_numvfs"), before);
			EXPECT_EQ(sysfs.read(dir + "sriov_drivers_autoprobe"), "1");
			return error.what();
		}
		return "";
	}

	const std::string dir = "devices/pci0000:00/0000:01:00.0/";
};

TEST_F(Virtual, AreMadeWithoutDrivers)
{
	set_virtual_functions(nvme, 2, {}, sysfs.root());
	EXPECT_EQ(sysfs.read(dir + "sriov_numvfs"), "2");
	EXPECT_EQ(sysfs.read(dir + "sriov_drivers_autoprobe"), "0");
}

TEST_F(Virtual, AreListedAndRemoved)
{
	have("0000:01:00.1");
	EXPECT_EQ(virtual_functions(nvme, sysfs.root()),
		  std::vector<std::uint32_t>{RF_BDF(0, 1, 1)});
	set_virtual_functions(nvme, 0, {}, sysfs.root());
	EXPECT_EQ(sysfs.read(dir + "sriov_numvfs"), "0");
}

TEST_F(Virtual, CannotBeMade)
{
	EXPECT_NE(refusal(RF_BDF(0, 9, 0), 1, Code::bad_value).find("does not exist"),
		  std::string::npos);
	EXPECT_NE(refusal(other, 1, Code::bad_value).find("no SR-IOV"), std::string::npos);
	EXPECT_EQ(refusal(nvme, 5, Code::bad_value),
		  "PCI function 0000:01:00.0 can have 0 to 4 virtual functions, not 5");
	have("0000:01:00.1");
	EXPECT_NE(refusal(nvme, 2, Code::busy).find("remove them first"), std::string::npos);
	// As many as there are: nothing to be done.
	EXPECT_EQ(refusal(nvme, 1, Code::ok), "");
}

TEST_F(Virtual, AreNotRemovedWhileLentOrInUse)
{
	Inventory inventory;

	have("0000:01:00.1");
	inventory.functions = {{.bdf = RF_BDF(0, 1, 1), .owner = 3}};
	inventory.owners = {{3, "db"}};
	EXPECT_NE(refusal(nvme, 0, Code::busy, inventory).find("'db'"), std::string::npos);

	const std::string card = "devices/pci0000:00/0000:01:00.1/net/eth1";
	sysfs.add_device(card, "net");
	sysfs.write(card + "/flags", "0x1");
	EXPECT_NE(refusal(nvme, 0, Code::busy).find("eth1 is up"), std::string::npos);
}

} // namespace
} // namespace rf
