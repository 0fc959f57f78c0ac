// SPDX-License-Identifier: GPL-2.0
// The files a subOS is made of: where they are, and reading them whole.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace rf {

// A file's bytes in memory of its own, so that nobody can change or truncate
// them while they are used. Move-only; views stay valid when it is moved.
class FileBytes {
public:
	FileBytes() = default;
	// Throws Error(bad_file) that begins with `what` ("kernel"), names the file, and
	// says that `accepted` ("a bzImage") is needed.
	static FileBytes read(std::string_view what, const std::string &path,
			      std::string_view accepted);
	// What was made of the file of this name.
	static FileBytes of(std::string path, std::span<const std::byte> bytes);

	std::span<const std::byte> view() const { return {bytes_.get(), size_}; }
	const std::string &path() const { return path_; }

private:
	std::unique_ptr<std::byte[]> bytes_;
	std::size_t size_ = 0;
	std::string path_;
};

// A module for this kernel version, as modprobe finds it, or where DKMS, packages and `make install`
// put it; it may be compressed, and has a longer name then. `root` stands before /lib, for tests.
std::optional<std::string> find_module(const std::string &file, const std::string &version,
				       const std::string &root = "");

// A module in its own format, whatever it was compressed with. Throws Error(bad_file).
FileBytes read_module(const std::string &path);

// The modules that a subOS loads at its start, in this order.
inline constexpr const char *ficm_module = "rf_ficm.ko";
inline constexpr const char *agent_module = "rf_subos.ko";

// One of them, built for this kernel version. Throws Error(bad_file) that names the
// headers package to install if there is none.
std::string find_subos_module(const std::string &file, const std::string &version);

// Throws Error(bad_file) unless the module was built for this kernel version.
void check_module(const FileBytes &module, const std::string &version);

// The first stage; RF_FIRST_STAGE in the environment overrides it.
std::string find_first_stage();

// The initrd that Debian installs beside this kernel version, or nothing.
std::optional<std::string> find_initrd(const std::string &kernel, const std::string &version);

// The configuration of a kernel, from the file beside it or in /boot; empty if there is none.
std::string find_kernel_config(const std::string &kernel, const std::string &version);

// CONFIG_HZ in a kernel's configuration; 0 if unknown.
unsigned find_hz(const std::string &config);

} // namespace rf
