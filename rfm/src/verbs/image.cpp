// SPDX-License-Identifier: GPL-2.0
// rfm image: disks and initrds for subOSes. A Debian is made in a folder, then becomes the file
// system on the disk, or what the kernel unpacks; a file appears, and a device is written, only
// when all else is done.
#include "base/clock.hpp"
#include "base/name.hpp"
#include "base/sizes.hpp"
#include "cli/interrupt.hpp"
#include "cli/shell_word.hpp"
#include "host/module_build.hpp"
#include "host/program.hpp"
#include "host/work_folder.hpp"
#include "operations/boot_files.hpp"
#include "operations/debian_tree.hpp"
#include "operations/image_disk.hpp"
#include "operations/image_initrd.hpp"
#include "operations/oci_tree.hpp"
#include "operations/subos_modules.hpp"
#include "plan/config.hpp"
#include "verbs/verbs.hpp"

#include <algorithm>
#include <fstream>
#include <memory>

#include <unistd.h>

namespace rf {

namespace fs = std::filesystem;

namespace {

constexpr Option options[] = {
	{"oci", "IMAGE",
	 "instead of a Debian: container image, a folder or tar archive, with :NAME if it has many",
	 true},
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
	if (wanted.oci.empty())
		need_program("mmdebstrap", "mmdebstrap");
	if (wanted.oci.empty() && !wanted.initrd.empty() && wanted.boot.empty() &&
	    kernel_on_host(wanted).empty())
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

std::unique_ptr<ImageTree> make_tree(const ImageOptions &wanted, const std::string &uuid,
				     const WorkFolder &work, std::uint64_t most, Output &output)
{
	if (wanted.oci.empty())
		return std::make_unique<DebianTree>(wanted, uuid, work, output);
	return std::make_unique<OciTree>(wanted, work, most, output);
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
void note_missing(const ImageTree &tree, Output &output)
{
	for (const std::string &each : tree.kernels())
		if (std::ranges::find(tree.with_modules(), each) == tree.with_modules().end())
			output.note(text("this host has no rf_subos.ko for kernel ", each,
					 ", which 'rfm create' needs: build it ('", how_to_build(each),
					 "')"));
}

struct OnDisk {
	std::string path;
	bool device = false;
	std::string function;		// that the device hangs on, or ""
	std::uint64_t bytes = 0;	// room that it takes
	std::string file_system, uuid;
};

struct BuiltImage {
	std::optional<OnDisk> disk;	// nothing: an initrd
	std::string initrd;
	std::uint64_t size = 0;
	std::uint64_t memory = 0;	// that a subOS needs at least to boot the initrd
	std::string suite, oci;		// either
	std::string hostname;
	std::vector<std::string> kernels, with_modules;
	std::string kernel;		// the newest one's file on this host, or ""
	std::string next;		// how a subOS boots from it
	double seconds = 0;
};

void to_json(Json &json, const BuiltImage &built)
{
	const std::optional<OnDisk> &disk = built.disk;

	json = {{"disk", disk ? Json(disk->path) : Json()},
		{"device", disk && disk->device},
		{"function", disk ? or_null(disk->function) : Json()},
		{"bytes_on_disk", disk ? Json(disk->bytes) : Json()},
		{"fs", disk ? Json(disk->file_system) : Json()},
		{"uuid", disk ? Json(disk->uuid) : Json()},
		{"initrd", or_null(built.initrd)},
		{"size", built.size},
		{"memory", disk ? Json() : Json(built.memory)},
		{"suite", or_null(built.suite)},
		{"oci", or_null(built.oci)},
		{"hostname", built.hostname},
		{"kernels", built.kernels},
		{"modules", built.with_modules},
		{"kernel", or_null(built.kernel)},
		{"next", built.next},
		{"seconds", built.seconds}};
}

std::string to_text(const BuiltImage &built)
{
	const std::string what = built.oci.empty() ? "Debian " + built.suite
						   : "image '" + built.oci + "'";
	const std::string kernel = " kernel " + built.kernels.back();
	const std::string rest = text(", ", format_seconds(built.seconds), ")\nnext: ", one_line(built.next),
				      "\n");

	if (built.disk)
		return text(what, built.oci.empty() ? " with" : " for", kernel, " is on '",
			    one_line(built.disk->path), "' (", built.disk->file_system, ", ",
			    format_size(built.size), rest);
	return text(what, " for", kernel, " is in '", one_line(built.initrd), "' (",
		    built.size >> 20, "M", rest);
}

// What is known of every image.
BuiltImage image_of(const ImageOptions &wanted, const ImageTree &tree, const std::string &kernel)
{
	const bool is_debian = wanted.oci.empty();

	return {.suite = is_debian ? wanted.suite : "",
		.oci = wanted.oci,
		.hostname = wanted.hostname,
		.kernels = tree.kernels(),
		.with_modules = tree.with_modules(),
		.kernel = kernel};
}

std::string create_line(const ImageOptions &wanted, const ImageTree &tree,
			const std::string &kernel, std::uint64_t memory, const std::string &rest)
{
	return text("rfm create ", subos_name(wanted.hostname), " --ncores ", least_cores(),
		    " --mem ", format_size(memory), " --kernel ",
		    shell_word(kernel.empty() ? "vmlinuz-" + tree.kernels().back() : kernel), " ",
		    rest);
}

// A container image brings none.
void note_no_kernel(const ImageOptions &wanted, const std::string &version, Output &output)
{
	output.note(text("this host has no /boot/vmlinuz-", version,
			 wanted.oci.empty()
				 ? ": take it and its initrd out of the disk's /boot, or give "
				   "--boot FOLDER"
				 : ": install linux-image-" + version + ", or give --kernel "
				   "VERSION of one that is in /boot"));
}

// One word of a shell.
std::string root_words(const std::string &uuid, const std::string &more)
{
	const std::string root = "root=UUID=" + uuid;

	return more.empty() ? root : text("'", root, " ", more, "'");
}

BuiltImage build_disk(const ImageOptions &wanted, Output &output)
{
	constexpr std::uint64_t memory = 1 << 30;
	const std::string uuid = new_uuid();
	ImageDisk disk(wanted, output);
	const WorkFolder work;
	const auto made = make_tree(wanted, uuid, work, disk.size(), output);
	const ImageTree &tree = *made;
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
		note_no_kernel(wanted, tree.kernels().back(), output);
	BuiltImage image = image_of(wanted, tree, kernel);
	image.disk = OnDisk{wanted.disk, disk.is_device(), function, disk.bytes_on_disk(),
			    wanted.file_system, uuid};
	image.size = disk.size();
	image.next = create_line(wanted, tree, kernel, memory,
				     text("--pci ", function.empty() ? "BDF" : function,
					  " --append ", root_words(uuid, tree.append())));
	return image;
}

BuiltImage build_initrd(const ImageOptions &wanted, Output &output)
{
	constexpr std::uint64_t most = std::uint64_t{16} << 30;
	ImageInitrd initrd(wanted);
	const WorkFolder work;
	const auto made = make_tree(wanted, "", work, most, output);
	const ImageTree &tree = *made;
	std::optional<BootFiles> boot;

	if (!wanted.boot.empty())
		boot.emplace(tree.files(), tree.kernels().back(), wanted.boot, wanted.force);
	initrd.write(tree.files(), output);
	initrd.finish();
	if (boot)
		boot->finish();

	const std::string kernel = kernel_file(wanted, tree.kernels().back());
	BuiltImage image = image_of(wanted, tree, kernel);
	image.initrd = wanted.initrd;
	image.size = initrd.size();
	image.memory = initrd.memory();
	image.next = create_line(wanted, tree, kernel, initrd.memory(),
				     text("--initrd ", shell_word(fs::absolute(wanted.initrd)),
					  tree.append().empty() ? "" : " --append ",
					  tree.append()));
	if (kernel.empty())
		note_no_kernel(wanted, tree.kernels().back(), output);
	return image;
}

BuiltImage build(const ImageOptions &wanted, Output &output)
{
	const std::uint64_t begin = monotonic_ns();
	BuiltImage image = wanted.initrd.empty() ? build_disk(wanted, output)
						 : build_initrd(wanted, output);

	image.seconds = static_cast<double>(monotonic_ns() - begin) / 1e9;
	return image;
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
	output.result(build(wanted, output));
	return Code::ok;
}

} // namespace

const Verb image_verb = {
	"image",
	"build",
	"make a disk or an initrd with a system for a subOS",
	"Installs Debian with mmdebstrap: systemd, apt, a stock kernel and its stock initrd,\n"
	"and rainforest's modules if this host has them for that kernel. The whole disk is one\n"
	"file system; a subOS that gets the disk boots from it, and the result shows how. With\n"
	"--initrd no disk is needed: all of it is in memory, and forgotten with the subOS. With\n"
	"--oci a container image, as 'skopeo copy docker://... oci:FOLDER' gets it, is taken\n"
	"instead, and runs its command unless that is an init. The\n"
	"console (rfm console) logs root in, unless root has a password. A file appears once\n"
	"it is complete, and a device is written only after everything else has succeeded;\n"
	"Ctrl-C leaves nothing behind.",
	options,
	1,
	1,
	run,
	true,
};

} // namespace rf
