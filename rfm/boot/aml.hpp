// SPDX-License-Identifier: GPL-2.0
// Just enough ACPI Machine Language for a DSDT (ACPI 6.3, chapter 20).
#pragma once

#include "boot/image.hpp"

namespace rf::boot::aml {

// \_S5: what to write to the sleep control register for "soft off".
Bytes sleep_state_s5(std::uint8_t sleep_type);

// Scope (\_SB) { Device (`name`) } : a 16550 (PNP0501) at 8 ports, without an
// interrupt.
Bytes uart_device(std::string_view name, std::uint8_t uid, std::uint16_t port);

} // namespace rf::boot::aml
