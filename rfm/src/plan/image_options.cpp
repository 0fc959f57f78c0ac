// SPDX-License-Identifier: GPL-2.0
#include "plan/image_options.hpp"

#include "base/sizes.hpp"
#include "host/artifacts.hpp"

#include <algorithm>
#include <filesystem>

namespace rf {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t size_default = std::uint64_t{4} << 30;
constexpr std::uint64_t size_least = std::uint64_t{1} << 30;
constexpr std::uint64_t size_most = std::uint64_t{16} << 40;
constexpr std::uint64_t size_step = 4096;
constexpr std::size_t label_most = 63;

constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view digits = "0123456789";

// One or more of the characters, the first one a letter or a digit: what Debian allows in
// names of suites, packages and versions, and no option of a program that gets it.
bool is_word(std::string_view value, std::string_view more)
{
	const auto is_in = [](char c, std::string_view set) { return set.find(c) != set.npos; };

	return !value.empty() && (is_in(value[0], letters) || is_in(value[0], digits)) &&
	       std::all_of(value.begin(), value.end(), [&](char c) {
		       return is_in(c, letters) || is_in(c, digits) || is_in(c, more);
	       });
}

std::string word(const Request &request, const std::string &option, const std::string &otherwise,
		 std::string_view more, const char *accepted)
{
	const std::string value = request.value(option).value_or(otherwise);

	if (value != otherwise && !is_word(value, more))
		throw Error(Code::bad_value, text(option, " '", value, "' is not acceptable: give ",
						  accepted));
	return value;
}

std::string parse_file_system(const Request &request)
{
	const std::string value = request.value("fs").value_or("ext4");

	if (value != "ext4" && value != "xfs")
		throw Error(Code::bad_value,
			    text("fs '", value, "' is not acceptable: give ext4 or xfs"));
	return value;
}

std::string parse_hostname(const Request &request)
{
	const std::string value = word(request, "hostname",
				       request.has("oci") ? "container" : "debian", "-",
				       "letters a-z, digits and -");

	if (value.size() > label_most || value.ends_with('-'))
		throw Error(Code::bad_value,
			    text("hostname '", value, "' is not acceptable: give 1 to ", label_most,
				 " letters a-z, digits and -, with no - at its end"));
	return value;
}

std::vector<std::string> parse_include(const Request &request)
{
	std::istringstream list(request.value("include").value_or(""));
	std::vector<std::string> packages;

	for (std::string name; std::getline(list, name, ',');) {
		if (!is_word(name, "+-.:"))
			throw Error(Code::bad_value,
				    text("include '", name, "' is not the name of a package: give "
							    "names separated by commas, such as "
							    "fio,openssh-client"));
		packages.push_back(name);
	}
	return packages;
}

std::optional<std::uint64_t> parse_image_size(const Request &request)
{
	const auto value = request.value("size");
	if (!value)
		return std::nullopt;
	const std::uint64_t size = parse_size("size", *value);
	if (size < size_least || size > size_most)
		throw Error(Code::bad_value,
			    text("size '", *value, "' is not acceptable: give ",
				 format_size(size_least), " to ", format_size(size_most),
				 ", a multiple of 4K"));
	check_multiple("size", *value, size, size_step);
	return size;
}

std::string parse_mirror(const Request &request)
{
	const std::string value = request.value("mirror").value_or("");
	std::error_code error;

	if (!value.empty() && !value.starts_with("http://") && !value.starts_with("https://") &&
	    !(value.starts_with('/') && fs::is_regular_file(value, error)))
		throw Error(Code::bad_value,
			    text("mirror '", value, "' is not acceptable: give an http:// or "
						    "https:// address, or the full path of an apt "
						    "sources file"));
	return value;
}

std::string parse_password(const Request &request)
{
	const auto value = request.value("root-password");

	if (value && (value->empty() || std::any_of(value->begin(), value->end(), [](char c) {
			     return static_cast<unsigned char>(c) < ' ' || c == 0x7f;
		     })))
		throw Error(Code::bad_value, "root-password is empty or holds control characters: "
					     "give one line of printable characters");
	return value.value_or("");
}

// The first line names the kind of key: ssh-ed25519, ecdsa-sha2-nistp256, sk-ssh-ed25519@...
bool is_key(const std::string &text)
{
	return text.starts_with("ssh-") || text.starts_with("ecdsa-") || text.starts_with("sk-");
}

std::string read_key(const Request &request)
{
	const auto path = request.value("ssh-key");
	if (!path)
		return "";
	const FileBytes file = FileBytes::read("ssh key", *path, "a public key such as "
								 "~/.ssh/id_ed25519.pub");
	const std::string key(reinterpret_cast<const char *>(file.view().data()),
			      file.view().size());
	if (key.find("PRIVATE KEY") != key.npos)
		throw Error(Code::bad_file, text("ssh key '", *path, "' is a private key: give the "
								     "public one (.pub)"));
	if (!is_key(key))
		throw Error(Code::bad_file, text("ssh key '", *path, "' holds no public key: give a "
								     "file such as "
								     "~/.ssh/id_ed25519.pub"));
	return key;
}

// One of the two, and nothing that is about the other.
void parse_place(const Request &request, ImageOptions &wanted)
{
	if (!request.has("disk") && !request.has("initrd"))
		throw Error(Code::usage,
			    "--disk is missing, or --initrd: give for example --disk /dev/nvme1n1, "
			    "--disk debian.img or --initrd debian.initrd");
	if (request.has("disk") && request.has("initrd"))
		throw Error(Code::usage, "--disk and --initrd are both given: give one of them");
	for (const char *option : {"size", "fs"})
		if (request.has("initrd") && request.has(option))
			throw Error(Code::usage, text("--", option, " applies only to --disk: an "
						      "initrd is as large as what is in it"));
	wanted.disk = request.value("disk").value_or("");
	wanted.initrd = request.value("initrd").value_or("");
	if (request.has("disk") && wanted.disk.empty())
		throw Error(Code::bad_value, "disk '' is not acceptable: give a file or a device");
	if (request.has("initrd") && wanted.initrd.empty())
		throw Error(Code::bad_value, "initrd '' is not acceptable: give a file");
}

std::string parse_oci(const Request &request)
{
	const std::string value = request.value("oci").value_or("");

	for (const char *option :
	     {"suite", "include", "mirror", "root-password", "ssh-key", "boot"})
		if (request.has("oci") && request.has(option))
			throw Error(Code::usage,
				    text("--", option, " is about a Debian that is installed, and "
					 "--oci gives a container image instead: give one of them"));
	if (request.has("oci") && value.empty())
		throw Error(Code::bad_value, "oci '' is not acceptable: give a folder with an OCI "
					     "image layout, or a tar archive of one");
	return value;
}

} // namespace

ImageOptions parse_image_options(const Request &request)
{
	ImageOptions wanted;

	parse_place(request, wanted);
	wanted.oci = parse_oci(request);
	wanted.suite =
		word(request, "suite", "bookworm", "-", "a release of Debian, such as bookworm");
	wanted.kernel = word(request, "kernel", "", "+-.~", "a version, such as 6.1.0-56-amd64");
	wanted.file_system = parse_file_system(request);
	wanted.hostname = parse_hostname(request);
	wanted.include = parse_include(request);
	wanted.size = parse_image_size(request);
	wanted.mirror = parse_mirror(request);
	wanted.password = parse_password(request);
	wanted.ssh_key = read_key(request);
	wanted.boot = request.value("boot").value_or("");
	wanted.force = request.has("force");
	return wanted;
}

std::uint64_t size_of_file(const ImageOptions &wanted)
{
	return wanted.size.value_or(size_default);
}

std::vector<std::string> packages_of(const ImageOptions &wanted, bool with_kernel)
{
	std::vector<std::string> packages = {
		"systemd-sysv", "udev", "dbus", "kmod", "login", "iproute2", "procps",
	};

	// What mounts a disk.
	if (wanted.initrd.empty())
		packages.insert(packages.end(),
				{"initramfs-tools", "zstd",
				 wanted.file_system == "xfs" ? "xfsprogs" : "e2fsprogs"});
	if (with_kernel)
		packages.push_back("linux-image-" + (wanted.kernel.empty() ? std::string("amd64")
									   : wanted.kernel));
	if (!wanted.ssh_key.empty())
		packages.insert(packages.end(), {"openssh-server", "systemd-resolved"});
	packages.insert(packages.end(), wanted.include.begin(), wanted.include.end());
	return packages;
}

} // namespace rf
