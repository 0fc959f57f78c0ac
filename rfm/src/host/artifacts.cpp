// SPDX-License-Identifier: GPL-2.0
#include "host/artifacts.hpp"

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "boot/features.hpp"
#include "host/module_build.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rf {

namespace fs = std::filesystem;

namespace {

// Larger than any initrd, smaller than what would exhaust the machine by mistake.
constexpr std::size_t file_most = std::size_t{4} << 30;

[[noreturn]] void refuse(std::string_view what, const std::string &path, const std::string &why)
{
	throw Error(Code::bad_file, text(what, " '", path, "': ", why));
}

std::optional<std::string> first_that_exists(std::initializer_list<std::string> paths)
{
	std::error_code error;

	for (const std::string &path : paths)
		if (fs::is_regular_file(path, error))
			return path;
	return std::nullopt;
}

std::string beside(const std::string &kernel, const std::string &name)
{
	return fs::path(kernel).parent_path() / name;
}

} // namespace

FileBytes FileBytes::read(std::string_view what, const std::string &path,
			  std::string_view accepted)
{
	const auto fail = [&](const std::string &why) {
		refuse(what, path, text(why, "; ", accepted, " is needed"));
	};
	// O_NONBLOCK: a FIFO must not make us wait.
	const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
	struct stat facts {};

	if (!fd.valid() && errno == EACCES)
		throw Error(Code::not_permitted,
			    text(what, " '", path, "' may not be read by user id ", ::geteuid()));
	if (!fd.valid() || ::fstat(fd.get(), &facts) < 0)
		fail(std::strerror(errno));
	if (!S_ISREG(facts.st_mode))
		fail("not a regular file");
	if (facts.st_size == 0)
		fail("the file is empty");
	if (static_cast<std::uint64_t>(facts.st_size) > file_most)
		fail("larger than 4 GiB");

	FileBytes file;
	file.path_ = path;
	file.size_ = static_cast<std::size_t>(facts.st_size);
	file.bytes_ = std::make_unique_for_overwrite<std::byte[]>(file.size_);
	for (std::size_t done = 0; done < file.size_;) {
		const ssize_t got = ::read(fd.get(), file.bytes_.get() + done, file.size_ - done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			fail(std::strerror(errno));
		if (got == 0)
			fail("changed while it was read");
		done += static_cast<std::size_t>(got);
	}
	return file;
}

FileBytes FileBytes::of(std::string path, std::span<const std::byte> bytes)
{
	FileBytes file;

	file.path_ = std::move(path);
	file.size_ = bytes.size();
	file.bytes_ = std::make_unique_for_overwrite<std::byte[]>(file.size_);
	std::copy(bytes.begin(), bytes.end(), file.bytes_.get());
	return file;
}

std::string find_subos_module(const std::string &file, const std::string &version)
{
	const auto found = find_module(file, version);

	if (!found)
		throw Error(Code::bad_file,
			    text("no ", file, " for kernel ", version, " in /lib/modules/",
				 version, ": build it ('", how_to_build(version),
				 "'), or boot one core with --no-agent"));
	return *found;
}

void check_module(const FileBytes &module, const std::string &version)
{
	const std::string_view bytes(reinterpret_cast<const char *>(module.view().data()),
				     module.view().size());
	constexpr std::string_view key{"\0vermagic=", 10};

	if (!bytes.starts_with("\177ELF"))
		refuse("module", module.path(), "not a kernel module");
	// .modinfo is a list of NUL-terminated strings; the key may be its first.
	std::size_t at = bytes.find(key);
	if (at == bytes.npos)
		at = bytes.find(key.substr(1));
	else
		at++;
	if (at == bytes.npos)
		refuse("module", module.path(), "not a kernel module (no vermagic)");
	const std::string_view magic = bytes.substr(at + key.size() - 1);
	const std::string_view built_for =
		magic.substr(0, magic.find_first_of(std::string_view(" \0", 2)));
	if (built_for != version)
		refuse("module", module.path(),
		       text("built for kernel ", built_for, ", not for ", version,
			    ": build it again ('", how_to_build(version), "')"));
}

std::string find_first_stage()
{
	const char *development = std::getenv("RF_FIRST_STAGE");
	return development ? development : "/usr/lib/rainforest/first_stage";
}

std::optional<std::string> find_initrd(const std::string &kernel, const std::string &version)
{
	return first_that_exists({beside(kernel, "initrd.img-" + version),
				  "/boot/initrd.img-" + version});
}

std::string find_kernel_config(const std::string &kernel, const std::string &version)
{
	constexpr std::streamsize most = 4 << 20;
	const auto path = first_that_exists({beside(kernel, "config-" + version),
					     "/boot/config-" + version,
					     "/lib/modules/" + version + "/config"});
	if (!path)
		return {};
	std::ifstream file(*path, std::ios::binary);
	std::string config(most, '\0');
	file.read(config.data(), most);
	config.resize(static_cast<std::size_t>(file.gcount()));
	return config;
}

unsigned find_hz(const std::string &config)
{
	const auto value = boot::config_value(config, "CONFIG_HZ");

	return value ? static_cast<unsigned>(std::strtoul(std::string(*value).c_str(), nullptr, 10))
		     : 0;
}

} // namespace rf
