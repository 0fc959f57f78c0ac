// SPDX-License-Identifier: GPL-2.0
// What a kernel was built with, as far as it can be told without booting it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "boot/image.hpp"

namespace rf::boot {

enum class Feature { acpi, local_apic, smp, cpu_hotplug, memory_hotplug };

// "CONFIG_ACPI"
std::string_view feature_option(Feature feature);

class Features {
public:
	// `config`: the text of the configuration file that came with it, or empty. `vmlinux`: the
	// uncompressed kernel, or empty; has to outlive this. It is looked into for what the file
	// does not tell.
	Features(std::string config, View vmlinux);

	// Nothing if it cannot be told.
	std::optional<bool> has(Feature feature) const;
	// A string in the configuration, such as that of CONFIG_CMDLINE, if there is one.
	std::optional<std::string> text(std::string_view option) const;
	// Whether it is y there.
	bool is_set(std::string_view option) const;

private:
	std::string config_;
	View vmlinux_;
};

// What an option is set to in the text of a configuration file.
std::optional<std::string_view> config_value(std::string_view config, std::string_view option);

// The configuration that CONFIG_IKCONFIG puts into the kernel; empty if there is none.
std::string embedded_config(View vmlinux);

} // namespace rf::boot
