// SPDX-License-Identifier: GPL-2.0
// ACPI 6.3, 20.2 (grammar), 6.4.2.5 (I/O port descriptor).
#include "boot/aml.hpp"

#include "boot/bytes.hpp"

namespace rf::boot::aml {
namespace {

constexpr std::uint8_t BYTE_PREFIX = 0x0a, DWORD_PREFIX = 0x0c;
constexpr std::uint8_t NAME_OP = 0x08, SCOPE_OP = 0x10, BUFFER_OP = 0x11, PACKAGE_OP = 0x12;
constexpr std::uint8_t EXT_PREFIX = 0x5b, DEVICE_OP = 0x82;
constexpr std::uint8_t IO_PORT = 0x47, END_TAG = 0x79;
constexpr std::uint8_t DECODE_16 = 1;
constexpr std::uint8_t UART_PORTS = 8;
constexpr std::uint32_t PNP0501 = 0x0105d041;	// EISAID, as the bytes lie in memory

void put(Bytes &out, std::initializer_list<std::uint8_t> bytes)
{
	for (auto byte : bytes)
		out.push_back(std::byte{byte});
}

// The length counts itself: 1 byte up to 63, else 2 bytes up to 4095.
Bytes packaged(const Bytes &body)
{
	Bytes out;
	std::size_t length = body.size() + 1;

	if (length <= 0x3f) {
		put(out, {static_cast<std::uint8_t>(length)});
	} else {
		length++;
		put(out, {static_cast<std::uint8_t>(0x40 | (length & 0xf)),
			  static_cast<std::uint8_t>(length >> 4)});
	}
	append(out, View(body));
	return out;
}

Bytes byte_constant(std::uint8_t value)
{
	Bytes out;

	if (value <= 1)
		put(out, {value});	// ZeroOp, OneOp
	else
		put(out, {BYTE_PREFIX, value});
	return out;
}

Bytes named(std::string_view name, const Bytes &value)
{
	Bytes out;

	put(out, {NAME_OP});
	append(out, as_view(name));
	append(out, View(value));
	return out;
}

Bytes io_ports(std::uint16_t port)
{
	const auto lo = static_cast<std::uint8_t>(port), hi = static_cast<std::uint8_t>(port >> 8);
	Bytes template_;
	Bytes body;

	put(template_, {IO_PORT, DECODE_16, lo, hi, lo, hi, 1, UART_PORTS});
	put(template_, {END_TAG, 0});	// 0: no checksum
	append(body, View(byte_constant(static_cast<std::uint8_t>(template_.size()))));
	append(body, View(template_));

	Bytes buffer;
	put(buffer, {BUFFER_OP});
	append(buffer, View(packaged(body)));
	return buffer;
}

} // namespace

Bytes sleep_state_s5(std::uint8_t sleep_type)
{
	constexpr std::uint8_t elements = 4;
	Bytes body, package;

	put(body, {elements});
	append(body, View(byte_constant(sleep_type)));
	append(body, View(byte_constant(sleep_type)));
	put(body, {0, 0});
	put(package, {PACKAGE_OP});
	append(package, View(packaged(body)));
	return named("_S5_", package);
}

Bytes uart_device(std::string_view name, std::uint8_t uid, std::uint16_t port)
{
	Bytes id;
	put(id, {DWORD_PREFIX});
	append(id, PNP0501);

	Bytes device;
	append(device, as_view(name));
	append(device, View(named("_HID", id)));
	append(device, View(named("_UID", byte_constant(uid))));
	append(device, View(named("_CRS", io_ports(port))));

	Bytes scope;
	append(scope, as_view("\\_SB_"));
	put(scope, {EXT_PREFIX, DEVICE_OP});
	append(scope, View(packaged(device)));

	Bytes out;
	put(out, {SCOPE_OP});
	append(out, View(packaged(scope)));
	return out;
}

} // namespace rf::boot::aml
