// SPDX-License-Identifier: GPL-2.0
// rfm image: disks for subOSes. A Debian is made in a folder, then becomes the file system on
// the disk; a file appears, and a device is written, only when all else is done.
#include "base/clock.hpp"
#include "base/name.hpp"
#include "base/sizes.hpp"
#include "cli/interrupt.hpp"
#include "host/folder.hpp"
#include "host/module_build.hpp"
#include "host/program.hpp"
#include "host/work_folder.hpp"
#include "operations/debian_tree.hpp"
#include "operations/image_disk.hpp"
#include "plan/config.hpp"
#include "verbs/verbs.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <fcntl.h>
#include <unistd.h>

namespace rf {

namespace fs = std::filesystem;

namespace {

constexpr Option options[] = {
	{"suite", "SUITE", "release of Debian (default bookworm)", true},
	{"disk", "DISK", "file to create, or device to overwrite: all data on it is lost", true},
	{"size", "SIZE", "size of the file (default 4G); a device is used as a whole", true},
	{"fs", "TYPE", "file system: ext4 (default) or xfs", true},
	{"include", "LIST", "more packages, such as fio,openssh-client", true},
	{"kernel", "VERSION", "kernel, such as 6.1.0-56-amd64 (default: the newest of the suite)",
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
			    text("only root can make a disk image, not user id ", ::geteuid()));
	need_program("mmdebstrap", "mmdebstrap");
	if (wanted.file_system == "xfs")
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

// The files of the newest kernel, copied out of the tree. They have their names when all of
// them are whole.
class BootFiles {
public:
	BootFiles(const DebianTree &tree, const ImageOptions &wanted)
	{
		Folder::make(wanted.boot);
		for (const char *prefix : {"vmlinuz-", "initrd.img-", "config-"}) {
			const std::string name = prefix + tree.kernels().back();
			files_.push_back(std::make_unique<NewFile>(
				fs::path(wanted.boot) / name, wanted.force));
			copy(tree.files().open("boot/" + name, O_RDONLY), *files_.back());
		}
	}

	void finish()
	{
		for (const auto &file : files_)
			file->finish();
	}

private:
	static void copy(const Descriptor &from, NewFile &to)
	{
		std::vector<std::byte> buffer(1 << 20);
		std::uint64_t done = 0;

		for (;;) {
			const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
			if (got < 0 && errno == EINTR)
				continue;
			if (got < 0)
				throw Error(Code::bad_file, text("boot file: ",
								 std::strerror(errno)));
			if (got == 0)
				return;
			to.write(done, std::span(buffer).first(static_cast<std::size_t>(got)));
			done += static_cast<std::uint64_t>(got);
		}
	}

	std::vector<std::unique_ptr<NewFile>> files_;
};

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

struct BuiltDisk {
	std::string disk;
	bool device = false;
	std::string function;		// that the device hangs on, or ""
	std::uint64_t size = 0, bytes_on_disk = 0;
	std::string file_system, uuid, suite, hostname;
	std::vector<std::string> kernels, with_modules;
	std::string kernel;		// the newest one's file on this host, or ""
	std::string next;		// how a subOS boots from it
	double seconds = 0;
};

void to_json(Json &json, const BuiltDisk &built)
{
	json = {{"disk", built.disk},
		{"device", built.device},
		{"function", or_null(built.function)},
		{"size", built.size},
		{"bytes_on_disk", built.bytes_on_disk},
		{"fs", built.file_system},
		{"uuid", built.uuid},
		{"suite", built.suite},
		{"hostname", built.hostname},
		{"kernels", built.kernels},
		{"modules", built.with_modules},
		{"kernel", or_null(built.kernel)},
		{"next", built.next},
		{"seconds", built.seconds}};
}

std::string to_text(const BuiltDisk &built)
{
	return text("Debian ", built.suite, " with kernel ", built.kernels.back(), " is on '",
		    one_line(built.disk), "' (", built.file_system, ", ", format_size(built.size),
		    ", ", format_seconds(built.seconds), ")\nnext: ", built.next, "\n");
}

BuiltDisk build(const ImageOptions &wanted, Output &output)
{
	const std::uint64_t begin = monotonic_ns();
	const std::string uuid = new_uuid();
	ImageDisk disk(wanted, output);
	const WorkFolder work;
	const DebianTree tree(wanted, uuid, work, output);
	const fs::path scratch = work.path() / "mnt";
	std::optional<BootFiles> boot;

	if (!wanted.boot.empty())
		boot.emplace(tree, wanted);
	fs::create_directory(scratch);
	disk.write(tree.files().path(), scratch, uuid);
	disk.finish();
	if (boot)
		boot->finish();

	const std::string version = tree.kernels().back();
	const std::string kernel = kernel_file(wanted, version);
	const std::string function = disk.function();
	for (const std::string &each : tree.kernels())
		if (std::ranges::find(tree.with_modules(), each) == tree.with_modules().end())
			output.note(text("this host has no rf_subos.ko for kernel ", each,
					 ", which 'rfm create' needs: build it ('", how_to_build(each),
					 "')"));
	if (kernel.empty())
		output.note(text("this host has no /boot/vmlinuz-", version,
				 ": take it and its initrd out of the disk's /boot, or give "
				 "--boot FOLDER"));
	BuiltDisk built;
	built.disk = wanted.disk;
	built.device = disk.is_device();
	built.function = function;
	built.size = disk.size();
	built.bytes_on_disk = disk.bytes_on_disk();
	built.file_system = wanted.file_system;
	built.uuid = uuid;
	built.suite = wanted.suite;
	built.hostname = wanted.hostname;
	built.kernels = tree.kernels();
	built.with_modules = tree.with_modules();
	built.kernel = kernel;
	built.next = text("rfm create ", subos_name(wanted.hostname), " --ncores 1 --mem 1G",
			  " --pci ", function.empty() ? "BDF" : function, " --kernel ",
			  kernel.empty() ? "vmlinuz-" + version : kernel, " --append root=UUID=",
			  uuid);
	built.seconds = static_cast<double>(monotonic_ns() - begin) / 1e9;
	return built;
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
	"make a Debian disk for a subOS",
	"Installs Debian with mmdebstrap: systemd, apt, a stock kernel and its stock initrd,\n"
	"and rainforest's modules if this host has them for that kernel. The whole disk is one\n"
	"file system; a subOS that gets the disk boots from it, and the result shows how. Its\n"
	"console (rfm console) logs root in, unless root has a password. A file appears once\n"
	"it is complete, and a device is written only after everything else has succeeded;\n"
	"Ctrl-C leaves nothing behind.",
	options,
	1,
	1,
	run,
};

} // namespace rf
