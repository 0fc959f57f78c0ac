// SPDX-License-Identifier: GPL-2.0
#include "subos/pci_config.h"

#include <gtest/gtest.h>
#include <linux/pci_regs.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

namespace {

constexpr std::uint32_t ones = 0xffffffff;
constexpr std::uint32_t pm = 0x40, msi = 0x50, vpd = 0x60, express = 0x80, af = 0xc0, vendor = 0xd0,
			unknown = 0xe0;
constexpr std::uint32_t aer = 0x100, serial = 0x140, sriov = 0x160, ats = 0x1b0, vsec = 0x1c0,
			dvsec = 0x1e0;
constexpr std::uint16_t devctl = 0x283f; /* errors are reported, 256 bytes, relaxed, 512 read */

/* A device: its registers are plain memory but for those that act on a 1. */
class Hardware {
public:
	Hardware()
	{
		set(PCI_VENDOR_ID, 0x00101b36);
		set(PCI_COMMAND, 0x00100000 | PCI_COMMAND_MEMORY | PCI_COMMAND_SERR);
		set(PCI_CLASS_REVISION, 0x01080202);
		set(PCI_BASE_ADDRESS_0, 0xfe000004);
		set(PCI_BASE_ADDRESS_1, 0x00000001);
		set(PCI_BASE_ADDRESS_2, 0xfd000000);
		set(PCI_BASE_ADDRESS_3, 0x0000c001);
		set(PCI_ROM_ADDRESS, 0xfc000001);
		set(PCI_CAPABILITY_LIST, pm);
		set(PCI_INTERRUPT_LINE, 0x0000010b);
		capability(pm, PCI_CAP_ID_PM, msi, 0xc803);
		capability(msi, PCI_CAP_ID_MSI, vpd, 0x0080);
		capability(vpd, PCI_CAP_ID_VPD, express, 0);
		capability(express, PCI_CAP_ID_EXP, af, 0x0002);
		set(express + PCI_EXP_DEVCTL, devctl);
		set(express + PCI_EXP_LNKCTL, 0x0042);
		set(express + PCI_EXP_DEVCTL2, 0x0400);
		capability(af, PCI_CAP_ID_AF, vendor, 0x0306);
		capability(vendor, PCI_CAP_ID_VNDR, unknown, 0x0010);
		capability(unknown, PCI_CAP_ID_EA, 0, 0x0001);
		extended(aer, PCI_EXT_CAP_ID_ERR, serial);
		extended(serial, PCI_EXT_CAP_ID_DSN, sriov);
		extended(sriov, PCI_EXT_CAP_ID_SRIOV, ats);
		extended(ats, PCI_EXT_CAP_ID_ATS, vsec);
		extended(vsec, PCI_EXT_CAP_ID_VNDR, dvsec);
		extended(dvsec, PCI_EXT_CAP_ID_DVSEC, 0);
		set(vsec + PCI_VNDR_HEADER, 0x010u << 20);
		for (auto at : {aer, serial, sriov, ats, vsec, dvsec})
			set(at + 8, 0x12340000 | at);
	}

	std::uint32_t get(std::uint32_t at, std::uint32_t size = 4) const
	{
		std::uint32_t value = 0;

		std::memcpy(&value, &bytes.at(at), size);
		return value;
	}

	void set(std::uint32_t at, std::uint32_t value, std::uint32_t size = 4)
	{
		std::memcpy(&bytes.at(at), &value, size);
	}

	/* What a function-level reset forgets. */
	void reset()
	{
		for (std::uint32_t i = 0; i < RF_BARS; i++)
			set(PCI_BASE_ADDRESS_0 + 4 * i, types.at(i));
		set(PCI_COMMAND, 0, 2);
		set(express + PCI_EXP_DEVCTL, 0x2810, 2);
	}

	std::vector<std::uint8_t> bytes = std::vector<std::uint8_t>(RF_CONFIG_SIZE);
	bool absent = false;
	std::uint32_t writes = 0;

private:
	const std::vector<std::uint32_t> types = {4, 0, 0, 1, 0, 0};

	void capability(std::uint32_t at, std::uint32_t id, std::uint32_t next, std::uint32_t flags)
	{
		set(at, id | next << 8 | flags << 16);
	}

	void extended(std::uint32_t at, std::uint32_t id, std::uint32_t next)
	{
		set(at, id | 1 << 16 | next << 20);
	}
};

std::uint32_t hardware_get(void *data, std::uint32_t offset, std::uint32_t size)
{
	auto *hardware = static_cast<Hardware *>(data);

	EXPECT_EQ(offset % size, 0u);
	return hardware->absent ? ones >> (32 - 8 * size) : hardware->get(offset, size);
}

void hardware_put(void *data, std::uint32_t offset, std::uint32_t size, std::uint32_t value)
{
	auto *hardware = static_cast<Hardware *>(data);

	EXPECT_EQ(offset % size, 0u);
	hardware->writes++;
	if (!hardware->absent)
		hardware->set(offset, value, size);
}

class PciConfig : public testing::Test {
protected:
	void SetUp() override
	{
		function.vendor = 0x1b36;
		function.device = 0x0010;
		function.bars[0] = {0x1fe000000, 0x4000};
		function.bar_types[0] = RF_BAR_64;
		function.bars[2] = {0xfd000000, 0x1000};
		begin();
	}

	void begin()
	{
		std::memset(config.get(), 0, sizeof(*config));
		config->get = hardware_get;
		config->put = hardware_put;
		config->data = &hardware;
		ASSERT_EQ(rf_config_init(config.get(), &function), 0);
		hardware.writes = 0;
	}

	std::uint32_t read(std::uint32_t offset, std::uint32_t size = 4)
	{
		return rf_config_read(config.get(), offset, size);
	}

	void write(std::uint32_t offset, std::uint32_t value, std::uint32_t size = 4)
	{
		rf_config_write(config.get(), offset, size, value);
	}

	/* No write there changes anything, but for bits that it may. */
	void expect_kept(std::uint32_t offset, std::uint32_t free = 0)
	{
		const std::uint32_t before = hardware.get(offset);

		for (std::uint32_t value : {0u, ones, ~before})
			for (std::uint32_t size : {1u, 2u, 4u})
				for (std::uint32_t at = 0; at < 4; at += size) {
					write(offset + at, value, size);
					EXPECT_EQ((hardware.get(offset) ^ before) & ~free, 0u)
						<< std::hex << offset;
				}
		hardware.set(offset, before);
	}

	Hardware hardware;
	rf_function function = {};
	std::unique_ptr<rf_config> config = std::make_unique<rf_config>();
};

TEST_F(PciConfig, TurnsDecodingOnAndInterruptPinsOff)
{
	EXPECT_EQ(hardware.get(PCI_COMMAND, 2),
		  PCI_COMMAND_MEMORY | PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE);
	EXPECT_EQ(read(PCI_COMMAND, 2), PCI_COMMAND_SERR);
	EXPECT_EQ(read(PCI_INTERRUPT_PIN, 1), 0u);
	EXPECT_EQ(read(PCI_INTERRUPT_LINE), 0u);
	EXPECT_TRUE(config->has_msi);
}

TEST_F(PciConfig, RefusesBridgesAndWhatDoesNotAnswer)
{
	hardware.set(PCI_HEADER_TYPE, PCI_HEADER_TYPE_BRIDGE, 1);
	EXPECT_EQ(rf_config_init(config.get(), &function), -EINVAL);
	hardware.set(PCI_HEADER_TYPE, 0x80, 1);
	EXPECT_EQ(rf_config_init(config.get(), &function), 0);
	hardware.absent = true;
	EXPECT_EQ(rf_config_init(config.get(), &function), -ENODEV);
}

TEST_F(PciConfig, FindsNoMessageInterruptsWhereThereAreNone)
{
	hardware.set(msi, PCI_CAP_ID_DBG, 1);
	begin();
	EXPECT_FALSE(config->has_msi);
	hardware.set(msi, PCI_CAP_ID_MSIX, 1);
	begin();
	EXPECT_TRUE(config->has_msi);
	hardware.set(PCI_STATUS, 0, 2);
	begin();
	EXPECT_FALSE(config->has_msi);
}

TEST_F(PciConfig, SizesBarsWithoutTouchingThem)
{
	const auto before = hardware.bytes;

	EXPECT_EQ(read(PCI_BASE_ADDRESS_0), 0xfe000004u);
	EXPECT_EQ(read(PCI_BASE_ADDRESS_1), 0x1u);
	write(PCI_BASE_ADDRESS_0, ones);
	write(PCI_BASE_ADDRESS_1, ones);
	write(PCI_BASE_ADDRESS_2, ones);
	EXPECT_EQ(read(PCI_BASE_ADDRESS_0), 0xffffc004u);
	EXPECT_EQ(read(PCI_BASE_ADDRESS_1), ones);
	EXPECT_EQ(read(PCI_BASE_ADDRESS_2), 0xfffff000u);
	EXPECT_EQ(read(PCI_BASE_ADDRESS_2 + 1, 1), 0xf0u);
	/* Whatever is written, it is where it was. */
	write(PCI_BASE_ADDRESS_0, 0x80000004);
	write(PCI_BASE_ADDRESS_1, 0);
	write(PCI_BASE_ADDRESS_2, 0xff, 1);
	EXPECT_EQ(read(PCI_BASE_ADDRESS_0), 0xfe000004u);
	EXPECT_EQ(read(PCI_BASE_ADDRESS_1), 0x1u);
	EXPECT_EQ(read(PCI_BASE_ADDRESS_2), 0xfd000000u);
	EXPECT_EQ(hardware.bytes, before);
	EXPECT_EQ(hardware.writes, 0u);
}

TEST_F(PciConfig, HasNoPortBarsAndNoRom)
{
	for (std::uint32_t at : {PCI_BASE_ADDRESS_3, PCI_BASE_ADDRESS_4, PCI_BASE_ADDRESS_5,
				 PCI_ROM_ADDRESS}) {
		EXPECT_EQ(read(at), 0u);
		write(at, ones);
		EXPECT_EQ(read(at), 0u);
		expect_kept(at);
	}
	EXPECT_EQ(hardware.get(PCI_ROM_ADDRESS), 0xfc000001u);
}

TEST_F(PciConfig, ShowsDecodingAsItWasWantedAndKeepsIt)
{
	write(PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	EXPECT_EQ(read(PCI_COMMAND, 2), PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_SERR);
	write(PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, 2);
	EXPECT_EQ(read(PCI_COMMAND, 2), PCI_COMMAND_INTX_DISABLE | PCI_COMMAND_SERR);
	EXPECT_EQ(hardware.get(PCI_COMMAND, 2),
		  PCI_COMMAND_MEMORY | PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE);
	write(PCI_COMMAND, PCI_COMMAND_MASTER, 1);
	EXPECT_EQ(hardware.get(PCI_COMMAND, 2) & PCI_COMMAND_MASTER, PCI_COMMAND_MASTER);
	EXPECT_EQ(read(PCI_COMMAND, 2), PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE |
						PCI_COMMAND_SERR);
}

TEST_F(PciConfig, ClearsNoStatusByAccident)
{
	hardware.set(PCI_STATUS, 0xf910, 2);
	write(PCI_COMMAND, PCI_COMMAND_MASTER, 4);
	EXPECT_EQ(hardware.get(PCI_STATUS, 2), 0u) << "what was written, not what was read";
	hardware.set(express + PCI_EXP_DEVSTA, 0xf, 2);
	write(express + PCI_EXP_DEVCTL, 0x5000, 4);
	EXPECT_EQ(hardware.get(express + PCI_EXP_DEVSTA, 2), 0u);
	hardware.set(pm + PCI_PM_CTRL, 0x8000, 2);
	write(pm + PCI_PM_CTRL, 3, 2);
	EXPECT_EQ(hardware.get(pm + PCI_PM_CTRL, 2), 3u);
}

TEST_F(PciConfig, KeepsTheHeader)
{
	expect_kept(PCI_VENDOR_ID);
	expect_kept(PCI_CLASS_REVISION);
	expect_kept(PCI_CACHE_LINE_SIZE, 0xff);
	expect_kept(PCI_CARDBUS_CIS);
	expect_kept(PCI_SUBSYSTEM_VENDOR_ID);
	expect_kept(PCI_CAPABILITY_LIST);
	expect_kept(PCI_INTERRUPT_LINE);
	write(PCI_CACHE_LINE_SIZE, 0x10, 1);
	EXPECT_EQ(read(PCI_CACHE_LINE_SIZE, 1), 0x10u);
}

TEST_F(PciConfig, KeepsTheLinkAndErrorReporting)
{
	expect_kept(express + PCI_EXP_DEVCTL,
		    PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ |
			    PCI_EXP_DEVCTL_BCR_FLR | 0xffff0000);
	for (std::uint32_t offset = PCI_EXP_LNKCAP; offset < 0x3c; offset += 4)
		expect_kept(express + offset, offset == PCI_EXP_DEVCTL2 ? 0x1f : 0);
	write(express + PCI_EXP_DEVCTL, 0x5000, 2);
	EXPECT_EQ(read(express + PCI_EXP_DEVCTL, 2), 0x502fu);
}

TEST_F(PciConfig, LeavesTheRegistersBehindAShortCapabilityAlone)
{
	hardware.set(express + PCI_EXP_FLAGS, 0x0001, 2);
	begin();
	expect_kept(express + PCI_EXP_LNKCTL);
	write(express + 0x14, 0x1234);
	EXPECT_EQ(hardware.get(express + 0x14), 0x1234u);
	hardware.set(express + PCI_EXP_FLAGS, 0x0001 | PCI_EXP_TYPE_RC_END << 4, 2);
	begin();
	write(express + PCI_EXP_LNKCTL, 0x5678);
	EXPECT_EQ(hardware.get(express + PCI_EXP_LNKCTL), 0x5678u);
}

TEST_F(PciConfig, HasNoWakeups)
{
	EXPECT_EQ(read(pm + PCI_PM_PMC, 2), 0x0003u);
	write(pm + PCI_PM_CTRL, PCI_PM_CTRL_PME_ENABLE | 3, 2);
	EXPECT_EQ(hardware.get(pm + PCI_PM_CTRL, 2), 3u);
}

TEST_F(PciConfig, ReadsProductDataButWritesNone)
{
	hardware.set(vpd + PCI_VPD_ADDR, PCI_VPD_ADDR_F | 4, 2);
	write(vpd + PCI_VPD_ADDR, 8, 2);
	EXPECT_EQ(hardware.get(vpd + PCI_VPD_ADDR, 2), 8u);
	write(vpd + PCI_VPD_ADDR, PCI_VPD_ADDR_F | 12, 2);
	EXPECT_EQ(hardware.get(vpd + PCI_VPD_ADDR, 2), 12u);
	expect_kept(vpd + PCI_VPD_DATA);
}

TEST_F(PciConfig, HidesWhatReachesFurther)
{
	EXPECT_EQ(read(unknown, 1), 0u);
	EXPECT_EQ(read(unknown + 1, 1), 0u);
	EXPECT_EQ(read(vendor, 1), std::uint32_t{PCI_CAP_ID_VNDR});
	for (auto at : {aer, sriov, ats, dvsec}) {
		EXPECT_EQ(read(at) & 0xfffff, 0u);
		EXPECT_EQ(read(at) >> 20, hardware.get(at) >> 20) << "the chain goes on";
		expect_kept(at);
	}
	EXPECT_EQ(read(aer + 8), 0u);
	EXPECT_EQ(read(sriov + PCI_SRIOV_CTRL, 2), 0u);
	expect_kept(sriov + PCI_SRIOV_CTRL);
	expect_kept(ats + PCI_ATS_CTRL - 2);
	EXPECT_EQ(read(serial), hardware.get(serial));
	EXPECT_EQ(read(serial + 8), 0x12340140u);
	expect_kept(serial + 8);
	write(vsec + 8, 0xabcd);
	EXPECT_EQ(hardware.get(vsec + 8), 0xabcdu);
}

TEST_F(PciConfig, HasNothingBehindTheFirstPartButWhatIsKnown)
{
	for (std::uint32_t at : {serial + 0x0c, vsec + 0x10, dvsec + 8, 0x800u, 0xffcu}) {
		hardware.set(at, 0x5a5a5a5a);
		EXPECT_EQ(read(at), 0u) << at;
		expect_kept(at);
	}
	/* A length that reaches into the next one, or out of the space. */
	hardware.set(vsec + PCI_VNDR_HEADER, 0xfffu << 20);
	begin();
	EXPECT_EQ(read(vsec + 0x1c), hardware.get(vsec + 0x1c));
	EXPECT_EQ(read(dvsec) & 0xfffff, 0u);
	expect_kept(dvsec + 8);
	hardware.set(vpd + PCI_CAP_LIST_NEXT, af, 1);
	begin();
	EXPECT_EQ(read(serial), 0u) << "a function without PCI Express";
}

TEST_F(PciConfig, PassesWhatIsItsOwn)
{
	write(msi + 4, 0xfee01000);
	write(msi + PCI_MSI_FLAGS, 0x0081, 2);
	EXPECT_EQ(hardware.get(msi + 4), 0xfee01000u);
	EXPECT_EQ(read(msi + PCI_MSI_FLAGS, 2), 0x0081u);
	write(0xf3, 0x5a, 1);
	EXPECT_EQ(hardware.get(0xf3, 1), 0x5au);
	write(vsec + 0x0c, 0x01020304);
	EXPECT_EQ(read(vsec + 0x0e, 2), 0x0102u);
}

TEST_F(PciConfig, PutsBackWhatAResetCleared)
{
	const auto resets = {std::pair{express + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR},
			     std::pair{af + PCI_AF_CTRL, PCI_AF_CTRL_FLR},
			     std::pair{pm + PCI_PM_CTRL, 0}};

	for (const auto &[at, value] : resets) {
		write(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
		write(at, value, at == af + PCI_AF_CTRL ? 1 : 2);
		hardware.reset();
		/* It takes its time. */
		hardware.absent = true;
		EXPECT_EQ(read(PCI_COMMAND), ones);
		hardware.absent = false;
		EXPECT_EQ(read(PCI_COMMAND, 2) & PCI_COMMAND_MASTER, 0u);
		EXPECT_EQ(hardware.get(PCI_BASE_ADDRESS_0), 0xfe000004u);
		EXPECT_EQ(hardware.get(PCI_BASE_ADDRESS_1), 1u);
		EXPECT_EQ(hardware.get(PCI_BASE_ADDRESS_2), 0xfd000000u);
		EXPECT_EQ(hardware.get(PCI_BASE_ADDRESS_3), 1u) << "ports stay off";
		EXPECT_EQ(hardware.get(PCI_COMMAND, 2), PCI_COMMAND_MEMORY |
								PCI_COMMAND_INTX_DISABLE);
		EXPECT_EQ(hardware.get(express + PCI_EXP_DEVCTL, 2) & 0xffu, 0x3fu);
		hardware.set(af + PCI_AF_CTRL, 0, 1);
	}
}

TEST_F(PciConfig, RepairsAResetThatItDidNotSee)
{
	hardware.reset();
	write(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	EXPECT_EQ(hardware.get(PCI_BASE_ADDRESS_0), 0xfe000004u);
	EXPECT_EQ(hardware.get(PCI_COMMAND, 2),
		  PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
}

TEST_F(PciConfig, ShowsNothingOfWhatDoesNotAnswer)
{
	hardware.absent = true;
	for (std::uint32_t offset = 0; offset < RF_CONFIG_SIZE; offset += 4)
		EXPECT_EQ(read(offset), ones);
	EXPECT_EQ(read(PCI_VENDOR_ID, 2), 0xffffu);
}

TEST_F(PciConfig, MakesUpWhatAVirtualFunctionLacks)
{
	hardware.set(PCI_VENDOR_ID, ones);
	for (std::uint32_t i = 0; i < RF_BARS; i++)
		hardware.set(PCI_BASE_ADDRESS_0 + 4 * i, 0);
	function.flags = RF_FUNCTION_VF;
	begin();
	EXPECT_EQ(read(PCI_VENDOR_ID), 0x00101b36u);
	EXPECT_EQ(read(PCI_BASE_ADDRESS_0), 0xfe000004u);
	write(PCI_BASE_ADDRESS_0, ones);
	EXPECT_EQ(read(PCI_BASE_ADDRESS_0), 0xffffc004u);
	write(PCI_COMMAND, PCI_COMMAND_MASTER, 2);
	for (std::uint32_t i = 0; i < RF_BARS; i++)
		EXPECT_EQ(hardware.get(PCI_BASE_ADDRESS_0 + 4 * i), 0u);
}

TEST_F(PciConfig, RefusesAccessesThatAreNone)
{
	const std::pair<std::uint32_t, std::uint32_t> bad[] = {
		{1, 2}, {2, 4}, {0, 3}, {0, 0}, {0, 8}, {0x1000, 1}, {0x1000, 4}, {ones, 1},
		{0xfffffffc, 4},
	};

	for (const auto &[offset, size] : bad) {
		EXPECT_EQ(read(offset, size), ones);
		write(offset, 0, size);
	}
	EXPECT_EQ(hardware.writes, 0u);
}

TEST_F(PciConfig, EndsOnCapabilitiesThatGoInCircles)
{
	hardware.set(unknown + 1, pm, 1);
	hardware.set(vsec, PCI_EXT_CAP_ID_VNDR | 1 << 16 | aer << 20);
	begin();
	hardware.set(vsec, PCI_EXT_CAP_ID_VNDR | 1 << 16 | 0xffcu << 20);
	hardware.set(0xffc, PCI_EXT_CAP_ID_SRIOV | 1 << 16);
	hardware.set(unknown + 1, 0xfc, 1);
	hardware.set(0xfc, PCI_CAP_ID_EXP, 1);
	begin();
	EXPECT_EQ(read(0xffc), 0u);
}

/* Whatever a device says and a kernel writes: BARs stay, decoding stays on, ports off. */
TEST_F(PciConfig, HoldsWhateverIsWritten)
{
	std::mt19937 random(1);
	const std::uint32_t sizes[] = {1, 2, 4};

	for (int round = 0; round < 200; round++) {
		for (std::uint32_t at = 0x40; at < RF_CONFIG_SIZE; at++)
			hardware.bytes[at] = random();
		begin();
		const auto before = hardware.bytes;
		for (int i = 0; i < 2000; i++) {
			const std::uint32_t size = sizes[random() % 3];
			const std::uint32_t space = random() % 4 ? 0x40 : RF_CONFIG_SIZE;
			const std::uint32_t offset = random() % space / size * size;

			if (random() % 2)
				write(offset, random(), size);
			else
				read(offset, size);
		}
		EXPECT_EQ(std::memcmp(&hardware.bytes[PCI_BASE_ADDRESS_0],
				      &before[PCI_BASE_ADDRESS_0], 4 * RF_BARS), 0);
		EXPECT_EQ(hardware.get(PCI_ROM_ADDRESS), 0xfc000001u);
		EXPECT_EQ(hardware.get(PCI_COMMAND, 2) & ~PCI_COMMAND_MASTER,
			  PCI_COMMAND_MEMORY | PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE);
	}
}

} // namespace
