// SPDX-License-Identifier: GPL-2.0
// A kernel's features: from its configuration, else from names of parameters that it knows with
// the feature only.
#include "boot/features.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include <zlib.h>

#include "boot/bytes.hpp"

namespace rf::boot {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view CONFIG_START = "IKCFG_ST\x1f\x8b";
constexpr std::size_t CONFIG_START_NAME = 8, CONFIG_MAX = 4 * MIB;

struct Trait {
	Feature feature;
	std::string_view option;
	std::string_view sign;	// in the uncompressed kernel; empty: none is known
};

// A sign can be there without the feature, but not the other way.
constexpr std::array<Trait, 5> TRAITS = {{
	{Feature::acpi, "CONFIG_ACPI", "\0acpi_sci\0"sv},
	{Feature::local_apic, "CONFIG_X86_LOCAL_APIC", "\0nolapic\0"sv},
	{Feature::smp, "CONFIG_SMP", "\0nr_cpus\0"sv},
	{Feature::cpu_hotplug, "CONFIG_HOTPLUG_CPU", {}},
	{Feature::memory_hotplug, "CONFIG_MEMORY_HOTPLUG", "\0memhp_default_state=\0"sv},
}};

const Trait &trait(Feature feature)
{
	return *std::ranges::find(TRAITS, feature, &Trait::feature);
}

std::string_view as_text(View bytes)
{
	return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

std::size_t position(View vmlinux, std::string_view sign)
{
	const std::string_view text = as_text(vmlinux);
	const auto at = std::search(text.begin(), text.end(),
				    std::boyer_moore_horspool_searcher(sign.begin(), sign.end()));

	return at == text.end() ? text.npos : static_cast<std::size_t>(at - text.begin());
}

} // namespace

std::string_view feature_option(Feature feature)
{
	return trait(feature).option;
}

Features::Features(std::string config, View vmlinux) : config_(std::move(config)), vmlinux_(vmlinux)
{
	if (config_.empty())
		config_ = embedded_config(vmlinux);
	config_.insert(config_.begin(), '\n');
}

std::optional<std::string_view> config_value(std::string_view config, std::string_view option)
{
	const std::string start = std::string(option) + "=";

	for (std::size_t at = 0; at < config.size();) {
		const std::string_view line = config.substr(at, config.find('\n', at) - at);
		if (line.starts_with(start))
			return line.substr(start.size());
		at += line.size() + 1;
	}
	return std::nullopt;
}

bool Features::is_set(std::string_view option) const
{
	return config_value(config_, option) == "y";
}

std::optional<std::string> Features::text(std::string_view option) const
{
	const auto quoted = config_value(config_, option);
	std::string result;

	if (!quoted || quoted->size() < 2 || !quoted->starts_with('"') || !quoted->ends_with('"'))
		return std::nullopt;
	for (std::size_t pos = 1; pos < quoted->size() - 1; pos++) {
		if ((*quoted)[pos] == '\\')
			pos++;
		result += (*quoted)[pos];
	}
	return result;
}

std::optional<bool> Features::has(Feature feature) const
{
	const Trait &asked = trait(feature);
	const bool configured = config_.find("\nCONFIG_") != config_.npos;
	const bool can_look = !asked.sign.empty() && !vmlinux_.empty();

	if (is_set(asked.option))
		return true;
	// The file may be of another build; what is in the kernel is in the kernel.
	if (can_look && position(vmlinux_, asked.sign) != std::string_view::npos)
		return true;
	if (configured || can_look)
		return false;
	return std::nullopt;
}

std::string embedded_config(View vmlinux)
{
	const std::size_t at = position(vmlinux, CONFIG_START);
	z_stream stream{};
	std::string config;

	if (at == std::string_view::npos || inflateInit2(&stream, MAX_WBITS + 16) != Z_OK)
		return config;
	const View packed = vmlinux.subspan(at + CONFIG_START_NAME);
	config.resize(CONFIG_MAX);
	stream.next_in = reinterpret_cast<Bytef *>(const_cast<std::byte *>(packed.data()));
	stream.avail_in = static_cast<uInt>(std::min(packed.size(), CONFIG_MAX));
	stream.next_out = reinterpret_cast<Bytef *>(config.data());
	stream.avail_out = static_cast<uInt>(config.size());
	const bool whole = inflate(&stream, Z_FINISH) == Z_STREAM_END;
	config.resize(whole ? stream.total_out : 0);
	inflateEnd(&stream);
	return config;
}

} // namespace rf::boot
