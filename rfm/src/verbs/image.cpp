// SPDX-License-Identifier: GPL-2.0
// rfm image: disks and initrds for subOSes. A Debian is made in a folder, then becomes the file
// system on the disk, or what the kernel unpacks; a file appears, and a device is written, only
// when all else is done.
#include "base/clock.hpp"
#include "base/name.hpp"
#include "base/sizes.hpp"
#include "cli/interrupt.hpp"
#include "host/program.hpp"
#include "host/work_folder.hpp"
#include "operations/boot_files.hpp"
#include "operations/debian_tree.hpp"
#include "operations/image_disk.hpp"
#include "operations/image_initrd.hpp"
#include "operations/subos_modules.hpp"
#include "plan/config.hpp"
#include "verbs/verbs.hpp"

#include <algorithm>
#include <fstream>

#include <unistd.h>

namespace rf {

namespace fs = std::filesystem;

namespace {

constexpr Option options[] = {
	{"suite", "SUITE", "release of Debian (default bookworm)", true},
	{"disk", "DISK", "file to create, or device to overwrite: all data on it is lost", true},
	{"initrd", "FILE", "instead of a disk: initrd to create, with the whole system in it", true},
	{"size", "SIZE", "size of the file (default 4G); a device is used as a whole", true},
	{"fs", "TYPE", "file system: ext4 (default) or xfs", true},
	{"include", "LIST", "more packages, such as fio,openssh-client", true},
	{"kernel", "VERSION", "kernel, such as 6.1.0-56-amd64 (default: the suite's newest; for --initrd the running one)",
	 true},
	{"hostname", "NAME", "its host name (default debian)", true},
	{"root-password", "WORD", "root's password (default: none; the console logs root in)",
	 true},
	{"ssh-key", "FILE", "public key that may log in as root; adds sshd and DHCP", true},
	{"boot", "FOLDER", "copy kernel and initrd there too, for a host that has another kernel",
	 true},
	{"mirror", "URL", "where packages come from (default: Debian's own mirrors)", true},
	{"force", nullptr, "replace the file, or overwrite a device that is not empty", true},
	{"config", "FILE", "read options from FILE; the command line overrides it", false},
};

void check_host(const ImageOptions &wanted)
{
	if (::geteuid() != 0)
		throw Error(Code::not_permitted,
			    text("only root can make an image, not user id ", ::geteuid()));
	need_program("mmdebstrap", "mmdebstrap");
	if (!wanted.initrd.empty() && wanted.boot.empty() && kernel_on_host(wanted).empty())
		throw Error(Code::bad_file,
			    text("kernel ", kernel_asked_for(wanted), " is not installed on this "
				 "host: give --kernel VERSION of one that is in /boot, or --boot "
				 "FOLDER, into which one of Debian's is put"));
	if (!wanted.initrd.empty())
		need_program("depmod", "kmod");
	else if (wanted.file_system == "xfs")
		need_program("mkfs.xfs", "xfsprogs");
	else
		need_program("mke2fs", "e2fsprogs");
}

std::string new_uuid()
{
	std::ifstream file("/proc/sys/kernel/random/uuid");
	std::string uuid;

	if (!std::getline(file, uuid))
		throw Error(Code::internal, "/proc/sys/kernel/random/uuid cannot be read");
	return uuid;
}

// Where `rfm create` finds the kernel, or "" if this host has no such kernel.
std::string kernel_file(const ImageOptions &wanted, const std::string &version)
{
	const fs::path file = fs::path(wanted.boot.empty() ? "/boot" : wanted.boot) /
			      ("vmlinuz-" + version);
	std::error_code error;

	return fs::is_regular_file(file, error) ? fs::absolute(file).string() : "";
}

std::string subos_name(const std::string &hostname)
{
	try {
		check_name(hostname);
		return hostname;
	} catch (const Error &) {
		return "debian";
	}
}

// A core and its SMT sibling stay together.
unsigned least_cores()
{
	std::ifstream file("/sys/devices/system/cpu/smt/active");
	unsigned active = 0;

	file >> active;
	return active ? 2 : 1;
}

// Kernels inside for which this host has no modules of rainforest.
void note_missing(const DebianTree &tree, Output &output)
{
	for (const std::string &each : tree.kernels())
		if (std::ranges::find(tree.with_modules(), each) == tree.with_modules().end())
			output.note(text("this host has no rf_subos.ko for kernel ", each,
					 ", which 'rfm create' needs: install linux-headers-", each,
					 " and build it ('dkms autoinstall -k ", each, "')"));
}

// What is known of every image.
Json result_of(const ImageOptions &wanted, const DebianTree &tree, const std::string &kernel)
{
	return {{"suite", wanted.suite},
		{"hostname", wanted.hostname},
		{"kernels", tree.kernels()},
		{"modules", tree.with_modules()},
		{"kernel", kernel.empty() ? Json() : Json(kernel)}};
}

std::string create_line(const ImageOptions &wanted, const DebianTree &tree,
			const std::string &kernel, std::uint64_t memory, const std::string &rest)
{
	return text("rfm create ", subos_name(wanted.hostname), " --ncores ", least_cores(),
		    " --mem ", format_size(memory), " --kernel ",
		    kernel.empty() ? "vmlinuz-" + tree.kernels().back() : kernel, " ", rest);
}

Json build_disk(const ImageOptions &wanted, Output &output)
{
	constexpr std::uint64_t memory = 1 << 30;
	const std::string uuid = new_uuid();
	ImageDisk disk(wanted, output);
	const WorkFolder work;
	const DebianTree tree(wanted, uuid, work, output);
	const fs::path scratch = work.path() / "mnt";
	std::optional<BootFiles> boot;

	if (!wanted.boot.empty())
		boot.emplace(tree.files(), tree.kernels().back(), wanted.boot, wanted.force);
	fs::create_directory(scratch);
	disk.write(tree.files().path(), scratch, uuid);
	disk.finish();
	if (boot)
		boot->finish();

	const std::string kernel = kernel_file(wanted, tree.kernels().back());
	const std::string function = disk.function();
	note_missing(tree, output);
	if (kernel.empty())
		output.note(text("this host has no /boot/vmlinuz-", tree.kernels().back(),
				 ": take it and its initrd out of the disk's /boot, or give "
				 "--boot FOLDER"));
	Json result = {{"disk", wanted.disk},
		       {"device", disk.is_device()},
		       {"function", function.empty() ? Json() : Json(function)},
		       {"size", disk.size()},
		       {"bytes_on_disk", disk.bytes_on_disk()},
		       {"fs", wanted.file_system},
		       {"uuid", uuid}};
	result.update(result_of(wanted, tree, kernel));
	result["next"] = create_line(wanted, tree, kernel, memory,
				     text("--pci ", function.empty() ? "BDF" : function,
					  " --append root=UUID=", uuid));
	return result;
}

Json build_initrd(const ImageOptions &wanted, Output &output)
{
	ImageInitrd initrd(wanted);
	const WorkFolder work;
	const DebianTree tree(wanted, "", work, output);
	std::optional<BootFiles> boot;

	if (!wanted.boot.empty())
		boot.emplace(tree.files(), tree.kernels().back(), wanted.boot, wanted.force);
	initrd.write(tree.files(), output);
	initrd.finish();
	if (boot)
		boot->finish();

	const std::string kernel = kernel_file(wanted, tree.kernels().back());
	Json result = {{"initrd", wanted.initrd},
		       {"size", initrd.size()},
		       {"memory", initrd.memory()}};
	result.update(result_of(wanted, tree, kernel));
	result["next"] = create_line(wanted, tree, kernel, initrd.memory(),
				     "--initrd " + fs::absolute(wanted.initrd).string());
	return result;
}

Json build(const ImageOptions &wanted, Output &output)
{
	const std::uint64_t begin = monotonic_ns();
	Json result = wanted.initrd.empty() ? build_disk(wanted, output)
					    : build_initrd(wanted, output);

	result["seconds"] = static_cast<double>(monotonic_ns() - begin) / 1e9;
	return result;
}

std::string as_text(const Json &result)
{
	const bool is_disk = result.contains("disk");

	return text("Debian ", result["suite"].get<std::string>(), is_disk ? " with" : " for",
		    " kernel ", result["kernels"].back().get<std::string>(),
		    is_disk ? " is on '" : " is in '",
		    result[is_disk ? "disk" : "initrd"].get<std::string>(), "' (",
		    is_disk ? result["fs"].get<std::string>() + ", " : "",
		    format_size(result["size"]), ", ", format_seconds(result["seconds"]),
		    ")\nnext: ", result["next"].get<std::string>(), "\n");
}

Code run(const Request &request_given, Output &output)
{
	Request request = request_given;

	if (request.operands[0] != "build")
		throw Error(Code::usage, text("unknown image command '", request.operands[0],
					      "': give build"));
	if (const auto file = request.value("config"))
		read_config(request, *file, options);
	const ImageOptions wanted = parse_image_options(request);

	check_host(wanted);
	catch_interrupts();
	output.result(build(wanted, output), as_text);
	return Code::ok;
}

} // namespace

const Verb image_verb = {
	"image",
	"build",
	"make a Debian for a subOS, on a disk or in an initrd",
	"Installs Debian with mmdebstrap: systemd, apt, a stock kernel and its stock initrd,\n"
	"and rainforest's modules if this host has them for that kernel. The whole disk is one\n"
	"file system; a subOS that gets the disk boots from it, and the result shows how. With\n"
	"--initrd no disk is needed: all of it is in memory, and forgotten with the subOS. The\n"
	"console (rfm console) logs root in, unless root has a password. A file appears once\n"
	"it is complete, and a device is written only after everything else has succeeded;\n"
	"Ctrl-C leaves nothing behind.",
	options,
	1,
	1,
	run,
};

} // namespace rf
