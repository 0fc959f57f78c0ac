// SPDX-License-Identifier: GPL-2.0
#include <map>

#include <gtest/gtest.h>

#include "fixture.hpp"
#include "wire/layout.h"
#include "wire/mailbox.h"

namespace rf::test {
namespace {

using boot::load;

constexpr std::uint64_t BASE = 0x140010000, MAILBOX = 0x140002000, HANDOFF = 0x140003000;

std::uint8_t sum(View bytes)
{
	std::uint8_t total = 0;
	for (auto byte : bytes)
		total = static_cast<std::uint8_t>(total + std::to_integer<unsigned>(byte));
	return total;
}

// The tables by signature, found as a kernel finds them.
class Acpi : public testing::Test {
protected:
	void make(const boot::Grant &grant, const std::optional<boot::Uart> &uart)
	{
		area_ = boot::acpi_tables(grant, uart, BASE, MAILBOX, HANDOFF);
		tables_.clear();
		View xsdt = add(load<std::uint64_t>(area_, 24));
		for (std::size_t pos = 36; pos < xsdt.size(); pos += 8)
			add(load<std::uint64_t>(xsdt, pos));
		add(load<std::uint64_t>(tables_.at("FACP"), 140));
	}

	View add(std::uint64_t address)
	{
		View rest = View(area_).subspan(address - BASE);
		View table = rest.first(load<std::uint32_t>(rest, 4));
		std::string signature(reinterpret_cast<const char *>(table.data()), 4);
		return tables_[signature] = table;
	}

	Bytes area_;
	std::map<std::string, View> tables_;
};

TEST_F(Acpi, Checksums)
{
	make(make_grant(), boot::Uart{"ttyS1", 0x2f8});

	EXPECT_EQ(std::memcmp(area_.data(), "RSD PTR ", 8), 0);
	EXPECT_EQ(load<std::uint8_t>(area_, 15), 2);
	EXPECT_EQ(sum(View(area_).first(20)), 0);
	EXPECT_EQ(sum(View(area_).first(36)), 0);
	EXPECT_EQ(tables_.size(), 5u);
	for (const auto &[signature, table] : tables_) {
		EXPECT_EQ(sum(table), 0) << signature;
		EXPECT_EQ((table.data() - area_.data()) % 8, 0) << signature;
	}
	EXPECT_LE(area_.size(), std::size_t{RF_ACPI_SIZE});
}

TEST_F(Acpi, Fadt)
{
	make(make_grant(), {});
	View fadt = tables_.at("FACP");

	ASSERT_EQ(fadt.size(), 276u);
	EXPECT_EQ(load<std::uint8_t>(fadt, 8), 6);		// revision 6.3
	EXPECT_EQ(load<std::uint8_t>(fadt, 131), 3);
	EXPECT_EQ(load<std::uint16_t>(fadt, 109), 0x34);	// no VGA, ASPM, CMOS RTC
	auto flags = load<std::uint32_t>(fadt, 112);
	EXPECT_TRUE(flags & (1 << 20));				// hardware-reduced
	EXPECT_TRUE(flags & (1 << 19));				// physical APIC mode
	EXPECT_TRUE(flags & (1 << 10));				// has a reset register
	EXPECT_EQ(load<std::uint32_t>(fadt, 116), 0x01000800u);	// memory, 8 bits, byte access
	EXPECT_EQ(load<std::uint64_t>(fadt, 120), MAILBOX);
	EXPECT_EQ(load<std::uint8_t>(fadt, 128), RF_MAILBOX_RESET_VALUE);
	EXPECT_EQ(load<std::uint32_t>(fadt, 244), 0x01000800u);
	EXPECT_EQ(load<std::uint64_t>(fadt, 248), MAILBOX + 1);
	EXPECT_EQ(load<std::uint32_t>(fadt, 256), 0x01000800u);
	EXPECT_EQ(load<std::uint64_t>(fadt, 260), MAILBOX + 2);
}

TEST_F(Acpi, Madt)
{
	make(make_grant(), {});
	View madt = tables_.at("APIC");
	using Entry = std::array<std::uint32_t, 3>;	// type, id, flags or address
	std::vector<Entry> entries;

	EXPECT_EQ(load<std::uint8_t>(madt, 8), 5);
	EXPECT_EQ(load<std::uint32_t>(madt, 36), 0xfee00000u);
	EXPECT_EQ(load<std::uint32_t>(madt, 40), 0u);		// no 8259
	for (std::size_t pos = 44; pos < madt.size(); pos += load<std::uint8_t>(madt, pos + 1)) {
		std::uint32_t type = load<std::uint8_t>(madt, pos);
		switch (type) {
		case 0:
			entries.push_back({type, load<std::uint8_t>(madt, pos + 3),
					   load<std::uint32_t>(madt, pos + 4)});
			break;
		case 1:
			entries.push_back({type, load<std::uint8_t>(madt, pos + 2),
					   load<std::uint32_t>(madt, pos + 4)});
			break;
		case 9:
			entries.push_back({type, load<std::uint32_t>(madt, pos + 4),
					   load<std::uint32_t>(madt, pos + 8)});
			break;
		default: FAIL() << "entry of type " << type;
		}
	}
	const std::vector<Entry> expected = {
		{0, 0, 2},	// the machine's real BSP: online capable, never enabled
		{0, 2, 1}, {0, 3, 1}, {9, 300, 1}, {1, 0, 0x28000},
	};
	EXPECT_EQ(entries, expected);
}

TEST_F(Acpi, MadtListsTheOtherCoresAfterItsOwn)
{
	boot::Grant grant = make_grant();
	const std::size_t own = (make(grant, {}), tables_.at("APIC").size());

	grant.other_apic_ids = {1, 254, 255};
	make(grant, {});
	const View madt = tables_.at("APIC");
	ASSERT_EQ(madt.size(), own + 8 + 8 + 16);
	// between its own ones and the IO-APIC (12 bytes)
	const std::size_t first = own - 12;
	EXPECT_EQ(load<std::uint8_t>(madt, first + 3), 1);
	EXPECT_EQ(load<std::uint32_t>(madt, first + 4), 1u);
	EXPECT_EQ(load<std::uint8_t>(madt, first + 11), 254);
	EXPECT_EQ(load<std::uint8_t>(madt, first + 16), 9);
	EXPECT_EQ(load<std::uint32_t>(madt, first + 20), 255u);
	EXPECT_EQ(load<std::uint32_t>(madt, first + 24), 1u);
}

TEST_F(Acpi, PointsAtTheHandoff)
{
	make(make_grant(), {});
	auto rfos = load<rf_acpi_table>(tables_.at(RF_ACPI_SIGNATURE), 0);

	EXPECT_EQ(tables_.at(RF_ACPI_SIGNATURE).size(), sizeof(rfos));
	EXPECT_EQ(std::uint64_t{rfos.handoff}, HANDOFF);
}

TEST_F(Acpi, AsManyCoresAsPossibleFit)
{
	boot::Grant grant = make_grant();
	grant.apic_ids.clear();
	for (std::uint32_t id = 1000; grant.apic_ids.size() < RF_CPUS_MAX; id++)
		grant.apic_ids.push_back(id);
	make(grant, {});
	EXPECT_LE(area_.size(), std::size_t{RF_ACPI_SIZE});
}

// The ACPICA disassembler and compiler must agree with every table.
class AcpiIasl : public Acpi, public testing::WithParamInterface<const char *> {};

INSTANTIATE_TEST_SUITE_P(Uarts, AcpiIasl, testing::Values("", "ttyS0", "ttyS1", "ttyS3"));

TEST_P(AcpiIasl, NoErrors)
{
	const std::string uart = GetParam();
	const std::uint16_t ports[] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
	ASSERT_EQ(run("command -v iasl").status, 0) << "iasl (package acpica-tools) is missing";
	if (uart.empty())
		make(make_grant(), {});
	else
		make(make_grant(), boot::Uart{uart, ports[uart.back() - '0']});

	TemporaryDirectory directory;
	const std::string cd = "cd '" + directory.path().string() + "' && ";
	for (const auto &[signature, table] : tables_) {
		write_file(directory.path() / (signature + ".dat"), table);
		auto output = run(cd + "iasl -d " + signature + ".dat");
		EXPECT_EQ(output.status, 0) << output.text;
		EXPECT_EQ(output.text.find("rror"), std::string::npos) << output.text;
		EXPECT_EQ(output.text.find("checksum"), std::string::npos) << output.text;
		if (signature == RF_ACPI_SIGNATURE)
			continue;	// our own: there is nothing to compile it by
		output = run(cd + "iasl " + signature + ".dsl");
		EXPECT_EQ(output.status, 0) << output.text;
		EXPECT_NE(output.text.find(" 0 Errors, 0 Warnings"), std::string::npos)
			<< output.text << run(cd + "cat " + signature + ".dsl").text;
	}
	const Bytes source = read_file(directory.path() / "DSDT.dsl");
	const std::string dsl(reinterpret_cast<const char *>(source.data()), source.size());
	EXPECT_NE(dsl.find("Name (_S5"), std::string::npos) << dsl;
	EXPECT_EQ(dsl.find("PNP0501") != std::string::npos, !uart.empty()) << dsl;
	EXPECT_EQ(dsl.find("IRQ"), std::string::npos) << dsl;
}

} // namespace
} // namespace rf::test
