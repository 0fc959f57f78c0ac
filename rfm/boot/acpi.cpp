// SPDX-License-Identifier: GPL-2.0
// The private ACPI tables of a subOS: a hardware-reduced machine (ACPI 6.3) with
// nothing but its own local APICs, an IO-APIC that is a page of zeroed RAM, and
// reset and sleep registers in the mailbox.
#include <cctype>

#include "boot/aml.hpp"
#include "boot/bytes.hpp"
#include "wire/handoff.h"
#include "wire/layout.h"
#include "wire/mailbox.h"

namespace rf::boot {
namespace {

struct Header {			// 5.2.6 System Description Table Header
	char signature[4];
	std::uint32_t length;
	std::uint8_t revision;
	std::uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	std::uint32_t oem_revision;
	char creator_id[4];
	std::uint32_t creator_revision;
} __attribute__((packed));

struct Address {		// 5.2.3.2 Generic Address Structure
	std::uint8_t space;
	std::uint8_t bit_width;
	std::uint8_t bit_offset;
	std::uint8_t access_size;
	std::uint64_t address;
} __attribute__((packed));

struct Rsdp {			// 5.2.5.3
	char signature[8];
	std::uint8_t checksum;
	char oem_id[6];
	std::uint8_t revision;
	std::uint32_t rsdt;
	std::uint32_t length;
	std::uint64_t xsdt;
	std::uint8_t extended_checksum;
	std::uint8_t reserved[3];
} __attribute__((packed));

struct Fadt {			// 5.2.9, after the header; what is not named stays 0
	std::uint8_t acpi1[109 - sizeof(Header)];
	std::uint16_t boot_flags;
	std::uint8_t reserved;
	std::uint32_t flags;
	Address reset;
	std::uint8_t reset_value;
	std::uint16_t arm_boot_flags;
	std::uint8_t minor_revision;
	std::uint64_t facs;
	std::uint64_t dsdt;
	Address pm_blocks[8];
	Address sleep_control;
	Address sleep_status;
	std::uint64_t hypervisor;
} __attribute__((packed));

struct Madt {			// 5.2.12, after the header
	std::uint32_t local_apic;
	std::uint32_t flags;
} __attribute__((packed));

struct LocalApic {		// 5.2.12.2
	std::uint8_t type, length, uid, id;
	std::uint32_t flags;
} __attribute__((packed));

struct LocalX2apic {		// 5.2.12.12
	std::uint8_t type, length;
	std::uint16_t reserved;
	std::uint32_t id, flags, uid;
} __attribute__((packed));

struct IoApic {			// 5.2.12.3
	std::uint8_t type, length, id, reserved;
	std::uint32_t address, gsi_base;
} __attribute__((packed));

static_assert(sizeof(Header) == 36 && sizeof(Rsdp) == 36 && sizeof(Address) == 12);
static_assert(sizeof(Header) + sizeof(Fadt) == 276);
static_assert(offsetof(Fadt, reset) + sizeof(Header) == 116);
static_assert(offsetof(Fadt, sleep_control) + sizeof(Header) == 244);
static_assert(sizeof(rf_acpi_table) == sizeof(Header) + 12);

// Table 5-34, Fixed ACPI Description Table Fixed Feature Flags
constexpr std::uint32_t FADT_WBINVD = 1 << 0, FADT_PROC_C1 = 1 << 2, FADT_PWR_BUTTON = 1 << 4,
			FADT_SLP_BUTTON = 1 << 5, FADT_RESET_REG = 1 << 10,
			FADT_HEADLESS = 1 << 12, FADT_APIC_PHYSICAL = 1 << 19,
			FADT_HW_REDUCED = 1 << 20;
// Table 5-35, boot architecture flags
constexpr std::uint16_t BOOT_NO_VGA = 1 << 2, BOOT_NO_ASPM = 1 << 4, BOOT_NO_CMOS_RTC = 1 << 5;

constexpr std::uint8_t SPACE_SYSTEM_MEMORY = 0, ACCESS_BYTE = 1;
constexpr std::uint32_t LOCAL_APIC_BASE = 0xfee00000;
constexpr std::uint32_t APIC_ENABLED = 1, APIC_ONLINE_CAPABLE = 2;
constexpr std::uint32_t XAPIC_IDS = 255;	// from here on only an x2APIC entry can name it
constexpr std::size_t TABLE_ALIGNMENT = 64;

std::uint8_t complement(View bytes)
{
	std::uint8_t sum = 0;

	for (auto byte : bytes)
		sum = static_cast<std::uint8_t>(sum + std::to_integer<std::uint8_t>(byte));
	return static_cast<std::uint8_t>(0 - sum);
}

Bytes table(std::string_view signature, std::uint8_t revision, View body)
{
	Header header{};
	Bytes out;

	signature.copy(header.signature, sizeof(header.signature));
	header.length = static_cast<std::uint32_t>(sizeof(header) + body.size());
	header.revision = revision;
	std::memcpy(header.oem_id, "RAINFR", sizeof(header.oem_id));
	std::memcpy(header.oem_table_id, "RFSUBOS ", sizeof(header.oem_table_id));
	header.oem_revision = 1;
	std::memcpy(header.creator_id, "RFM ", sizeof(header.creator_id));
	header.creator_revision = 1;
	append(out, header);
	append(out, body);
	store(out, offsetof(Header, checksum), complement(out));
	return out;
}

Bytes dsdt(const std::optional<Uart> &uart)
{
	Bytes body = aml::sleep_state_s5(RF_MAILBOX_SLP_TYP_S5);

	if (uart) {
		// ttyS1 is COM2 for firmware.
		unsigned char last = uart->name.empty() ? '0' : uart->name.back();
		auto index = static_cast<std::uint8_t>(std::isdigit(last) ? last - '0' : 0);
		std::string name = "COM" + std::string(1, static_cast<char>("123456789A"[index]));
		append(body, View(aml::uart_device(name, index, uart->port)));
	}
	return table("DSDT", 2, body);
}

Bytes fadt(std::uint64_t dsdt_address, std::uint64_t mailbox)
{
	const auto mailbox_byte = [&](std::size_t offset) {
		return Address{SPACE_SYSTEM_MEMORY, 8, 0, ACCESS_BYTE, mailbox + offset};
	};
	Fadt body{};

	body.boot_flags = BOOT_NO_VGA | BOOT_NO_ASPM | BOOT_NO_CMOS_RTC;
	body.flags = FADT_WBINVD | FADT_PROC_C1 | FADT_PWR_BUTTON | FADT_SLP_BUTTON |
		     FADT_RESET_REG | FADT_HEADLESS | FADT_APIC_PHYSICAL | FADT_HW_REDUCED;
	body.reset = mailbox_byte(offsetof(rf_mailbox, reset));
	body.reset_value = RF_MAILBOX_RESET_VALUE;
	body.minor_revision = 3;
	body.dsdt = dsdt_address;
	body.sleep_control = mailbox_byte(offsetof(rf_mailbox, sleep_control));
	body.sleep_status = mailbox_byte(offsetof(rf_mailbox, sleep_status));
	return table("FACP", 6, View(bytes_of(body)));
}

void add_core(Bytes &body, std::uint32_t apic_id, std::uint32_t flags)
{
	// The ACPI processor uid is the APIC id: unique, and it fits.
	if (apic_id < XAPIC_IDS) {
		auto id = static_cast<std::uint8_t>(apic_id);
		append(body, LocalApic{0, sizeof(LocalApic), id, id, flags});
	} else {
		append(body, LocalX2apic{9, sizeof(LocalX2apic), 0, apic_id, flags, apic_id});
	}
}

Bytes madt(const Grant &grant)
{
	Bytes body;

	append(body, Madt{LOCAL_APIC_BASE, 0});
	// A kernel that finds itself on another core than the first one listed, and
	// that one not the real BSP, takes itself for a crash kernel and stays on
	// one core (6.12, check_for_real_bsp). So the real BSP is listed first, and
	// never enabled.
	add_core(body, grant.bsp_apic_id, APIC_ONLINE_CAPABLE);
	for (auto id : grant.apic_ids)
		add_core(body, id, APIC_ENABLED);
	// A kernel never learns of further cores: what may be given to it later must be
	// there from the beginning. maxcpus=1 and the agent's veto keep them off.
	for (auto id : grant.other_apic_ids)
		add_core(body, id, APIC_ENABLED);
	// Without an IO-APIC here, the kernel would look for the machine's own.
	append(body, IoApic{1, sizeof(IoApic), 0, 0,
			    static_cast<std::uint32_t>(grant.low_slice + RF_LOW_IOAPIC_OFF), 0});
	return table("APIC", 5, body);
}

Bytes rfos(std::uint64_t handoff)
{
	rf_acpi_table body{};
	body.handoff = handoff;
	return table(RF_ACPI_SIGNATURE, 1, View(bytes_of(body)).subspan(sizeof(body.header)));
}

Bytes rsdp(std::uint64_t xsdt)
{
	constexpr std::size_t acpi1_size = offsetof(Rsdp, length);
	Rsdp body{};

	std::memcpy(body.signature, "RSD PTR ", sizeof(body.signature));
	std::memcpy(body.oem_id, "RAINFR", sizeof(body.oem_id));
	body.revision = 2;
	body.length = sizeof(body);
	body.xsdt = xsdt;
	Bytes out = bytes_of(body);
	store(out, offsetof(Rsdp, checksum), complement(View(out).first(acpi1_size)));
	store(out, offsetof(Rsdp, extended_checksum), complement(out));
	return out;
}

} // namespace

Bytes acpi_tables(const Grant &grant, const std::optional<Uart> &uart, std::uint64_t base,
		  std::uint64_t mailbox, std::uint64_t handoff)
{
	Bytes area(align_up(sizeof(Rsdp), TABLE_ALIGNMENT));
	const auto add = [&](const Bytes &table) {
		const std::uint64_t address = base + area.size();
		append(area, View(table));
		area.resize(align_up(area.size(), TABLE_ALIGNMENT));
		return address;
	};

	const std::uint64_t dsdt_address = add(dsdt(uart));
	Bytes pointers;
	append(pointers, add(fadt(dsdt_address, mailbox)));
	append(pointers, add(madt(grant)));
	append(pointers, add(rfos(handoff)));
	const std::uint64_t xsdt = add(table("XSDT", 1, pointers));

	const Bytes root = rsdp(xsdt);
	std::memcpy(area.data(), root.data(), root.size());
	if (area.size() > RF_ACPI_SIZE)
		throw Error("the ACPI tables take " + human(area.size()) + "; " +
			    human(RF_ACPI_SIZE) + " are possible");
	return area;
}

} // namespace rf::boot
