// SPDX-License-Identifier: GPL-2.0
#include "plan/setting.hpp"

#include "base/duration.hpp"
#include "boot/image.hpp"
#include "client/words.hpp"
#include "host/artifacts.hpp"

#include <algorithm>
#include <filesystem>

namespace rf {

namespace {

constexpr Setting table[] = {
	{"on-crash", Takes::now, "keep"},
	{"on-reboot", Takes::now, "restart"},
	{"restarts", Takes::now, "5", false, true},
	{"hang-timeout", Takes::now, "10", false, true},
	{"timeout", Takes::next_wait, "60", false, true},
	{"until", Takes::next_wait, "init"},
	{"kernel", Takes::next_start, ""},
	{"initrd", Takes::next_start, "", true},
	{"append", Takes::next_start, "", true},
	{"uart", Takes::next_start, "", true},
	{"no-console", Takes::next_start, "no"},
	{"cores", Takes::resize, ""},
	{"ncores", Takes::resize, ""},
	{"mem", Takes::resize, ""},
	{"pci", Takes::resize, ""},
	{"numa", Takes::create, "", false, true},
	{"require-iommu", Takes::create, "no"},
	{"no-agent", Takes::create, "no"},
	{"no-start", Takes::create, "no"},
	{"allow-smt-split", Takes::create, "no"},
};

bool is_settable(const Setting &setting)
{
	return setting.takes != Takes::resize && setting.takes != Takes::create;
}

bool is_switch(const Setting &setting)
{
	return std::string_view(setting.otherwise) == "no";
}

std::string settable_keys()
{
	std::string keys;

	for (const Setting &setting : table)
		if (is_settable(setting))
			keys += text(keys.empty() ? "" : ", ", setting.key);
	return keys;
}

const Setting &settable(const std::string &name, const std::string &key)
{
	const Setting *setting = find_setting(key);

	if (!setting)
		throw Error(Code::bad_value,
			    text("key '", key, "' is not known; keys are: ", settable_keys()));
	if (setting->takes == Takes::resize)
		throw Error(Code::bad_value, text("key '", key, "' cannot be set: 'rfm resize ", name,
						  " --", key, "' changes it while the subOS runs"));
	if (setting->takes == Takes::create)
		throw Error(Code::bad_value,
			    text("key '", key, "' counts only for a subOS that is created: 'rfm destroy ",
				 name, "', then 'rfm create' with it"));
	return *setting;
}

void set_switch(Values &values, const std::string &key, const std::string &value)
{
	if (value == "true")
		values[key] = "yes";
	else if (value == "false")
		values.erase(key);
	else
		throw Error(Code::bad_value,
			    text(key, " '", value, "' is not acceptable: give true or false"));
}

void set_value(Values &values, const Setting &setting, const std::string &value)
{
	if (is_switch(setting))
		return set_switch(values, setting.key, value);
	if (!value.empty())
		values[setting.key] = value;
	else if (setting.can_be_empty)
		values.erase(setting.key);
	else
		throw Error(Code::bad_value,
			    text(setting.key, " is empty: give a value, such as ", setting.key, "=",
				 *setting.otherwise ? setting.otherwise : "/boot/vmlinuz-VERSION"));
}

// By Debian's names for both: the kernel need not be there any more.
bool is_own_initrd(const std::string &kernel, const std::string &initrd)
{
	constexpr std::string_view kernels = "vmlinuz-";
	const std::string name = std::filesystem::path(kernel).filename().string();

	return name.starts_with(kernels) && std::filesystem::path(initrd).filename().string() ==
						    "initrd.img-" + name.substr(kernels.size());
}

std::string value_of(const Values &values, const std::string &key)
{
	const auto found = values.find(key);

	return found == values.end() ? "" : found->second;
}

void put_policy(Values &values, const char *key, const std::string &value)
{
	const Setting &setting = *find_setting(key);

	if (!is_same(setting, effective(values, setting), value))
		values[key] = value;
}

} // namespace

std::span<const Setting> settings()
{
	return table;
}

const Setting *find_setting(std::string_view key)
{
	const auto found = std::ranges::find_if(table, [&](const Setting &setting) {
		return setting.key == key;
	});

	return found == std::end(table) ? nullptr : found;
}

std::string effective(const Values &values, const Setting &setting)
{
	const auto found = values.find(setting.key);

	return found == values.end() ? setting.otherwise : found->second;
}

bool is_same(const Setting &setting, const std::string &one, const std::string &other)
{
	if (one == other || !setting.is_amount)
		return one == other;
	const auto first = find_duration(one);
	return first && first == find_duration(other);
}

Values with_policies(Values values, const rf_status &status)
{
	put_policy(values, "on-crash", policy_name(status.on_crash));
	put_policy(values, "on-reboot", policy_name(status.on_reboot));
	put_policy(values, "hang-timeout", format_duration(Milliseconds(status.hang_timeout_ms)));
	return values;
}

std::vector<SettingChange> setting_changes(const Values &before, const Values &after)
{
	std::vector<SettingChange> changes;

	for (const Setting &setting : table) {
		const std::string was = effective(before, setting), is = effective(after, setting);
		if (!is_same(setting, was, is))
			changes.push_back({setting.key, was, is, setting.takes});
	}
	return changes;
}

Values with_settings(const std::string &name, Values values, const std::vector<std::string> &words)
{
	const std::string kernel = value_of(values, "kernel");
	const bool follows = is_own_initrd(kernel, value_of(values, "initrd"));
	Values given;

	for (const std::string &word : words) {
		const std::size_t equals = word.find('=');
		const std::string key = word.substr(0, equals);
		if (equals == word.npos)
			throw Error(Code::usage, text("'", word, "' is no KEY=VALUE: give for example "
							  "on-crash=restart"));
		const Setting &setting = settable(name, key);
		if (!given.emplace(key, word.substr(equals + 1)).second)
			throw Error(Code::usage, text("key '", key, "' is given twice"));
		set_value(values, setting, given.at(key));
	}
	const std::string wanted = value_of(values, "kernel");
	if (given.contains("kernel"))
		values["kernel"] = resolved(wanted);
	if (given.contains("initrd") && values.contains("initrd"))
		values["initrd"] = resolved(values["initrd"]);
	if (!values.contains("initrd") || (follows && given.contains("kernel") &&
					   !given.contains("initrd"))) {
		values.erase("initrd");
		// Without one, what looks at the whole says so.
		if (const std::string own = own_initrd(wanted); !own.empty())
			values["initrd"] = own;
	}
	return values;
}

std::string own_initrd(const std::string &kernel)
{
	const FileBytes file =
		FileBytes::read("kernel", kernel, "an x86-64 bzImage such as /boot/vmlinuz-*");

	try {
		const auto found = find_initrd(kernel, boot::parse_bzimage(file.view()).version);
		return found ? resolved(*found) : "";
	} catch (const boot::Error &error) {
		throw Error(Code::bad_file, text("kernel '", kernel, "': ", error.what()));
	}
}

} // namespace rf
