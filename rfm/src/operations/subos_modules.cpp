// SPDX-License-Identifier: GPL-2.0
#include "operations/subos_modules.hpp"

#include "host/artifacts.hpp"
#include "host/program.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include <sys/utsname.h>

namespace rf {

namespace fs = std::filesystem;

namespace {

// A kernel's folder has 370 MB of modules. In an initrd all of them are in memory: about 100 MB
// of these folders are.
constexpr std::array kept = {
	"arch/", "block/", "crypto/", "fs/", "lib/", "mm/", "net/", "security/", "virt/",
	"drivers/ata/", "drivers/block/", "drivers/char/hw_random/", "drivers/char/virtio_console",
	"drivers/crypto/", "drivers/dax/", "drivers/dca/", "drivers/dma/", "drivers/infiniband/",
	"drivers/md/", "drivers/net/", "drivers/nvdimm/", "drivers/nvme/", "drivers/ptp/",
	"drivers/scsi/", "drivers/target/", "drivers/uio/", "drivers/vfio/", "drivers/vhost/",
	"drivers/virtio/",
};

// Of these folders.
constexpr std::array left_out = {
	"drivers/net/wireless/", "drivers/net/usb/", "drivers/net/wwan/", "drivers/net/can/",
	"drivers/net/hamradio/", "drivers/net/ieee802154/", "drivers/scsi/pcmcia/",
	"drivers/block/aoe/", "net/wireless/", "net/mac80211/", "net/bluetooth/", "net/can/",
	"net/nfc/", "net/phonet/", "net/rose/", "net/netrom/", "net/ax25/", "net/ieee802154/",
	"net/mac802154/", "net/6lowpan/", "fs/ocfs2/", "fs/gfs2/", "fs/jffs2/", "fs/ubifs/",
	"fs/reiserfs/", "fs/jfs/", "fs/affs/", "fs/hfs/", "fs/hfsplus/", "fs/coda/", "fs/afs/",
};

// What depmod reads beside the modules.
constexpr std::array lists = {"modules.order", "modules.builtin", "modules.builtin.modinfo"};

bool is_for_subos(std::string_view path)
{
	const auto is_below = [&](const char *prefix) { return path.starts_with(prefix); };
	constexpr std::string_view kernel = "kernel/";

	if (!path.starts_with(kernel))
		return false;
	path.remove_prefix(kernel.size());
	return std::ranges::any_of(kept, is_below) && std::ranges::none_of(left_out, is_below);
}

std::string_view as_text(const FileBytes &file)
{
	return {reinterpret_cast<const char *>(file.view().data()), file.view().size()};
}

} // namespace

std::string modules_on_host(const std::string &version)
{
	const std::string folder = "/lib/modules/" + version;
	std::error_code error;

	// The headers of a kernel alone put a folder there, too.
	return fs::is_regular_file(folder + "/modules.dep", error) &&
			       fs::is_directory(folder + "/kernel", error)
		       ? folder
		       : "";
}

std::string kernel_asked_for(const ImageOptions &wanted)
{
	utsname system{};

	::uname(&system);
	return wanted.kernel.empty() ? system.release : wanted.kernel;
}

std::string kernel_on_host(const ImageOptions &wanted)
{
	const std::string version = kernel_asked_for(wanted);
	std::error_code error;

	return wanted.boot.empty() && !modules_on_host(version).empty() &&
			       fs::is_regular_file("/boot/vmlinuz-" + version, error)
		       ? version
		       : "";
}

std::vector<std::string> modules_for_subos(std::string_view modules_dep)
{
	std::istringstream lines{std::string(modules_dep)};
	std::map<std::string, std::vector<std::string>> needs;
	std::vector<std::string> wanted;
	std::set<std::string> found;

	for (std::string line; std::getline(lines, line);) {
		const std::string path = line.substr(0, line.find(':'));
		std::istringstream rest(path.size() < line.size() ? line.substr(path.size() + 1)
								  : "");
		auto &list = needs[path];
		for (std::string each; rest >> each;)
			list.push_back(each);
		if (is_for_subos(path))
			wanted.push_back(path);
	}
	while (!wanted.empty()) {
		const std::string path = wanted.back();
		wanted.pop_back();
		if (!found.insert(path).second)
			continue;
		const auto &more = needs[path];
		wanted.insert(wanted.end(), more.begin(), more.end());
	}
	return {found.begin(), found.end()};
}

void add_stock_modules(const Tree &tree, const std::string &source, const std::string &version,
		       const WorkFolder &work, Output &output)
{
	const fs::path base = work.path() / "index", index = base / "lib/modules" / version;
	const std::string inside = "lib/modules/" + version + "/";
	const FileBytes needs = FileBytes::read("list", source + "/modules.dep",
						"the index of a kernel's modules");

	fs::create_directories(index);
	for (const std::string &path : modules_for_subos(as_text(needs))) {
		const FileBytes module =
			FileBytes::read("module", source + "/" + path, "a kernel module");
		tree.write(inside + path, as_text(module), 0644);
		fs::create_directories((index / path).parent_path());
		fs::create_symlink(source + "/" + path, index / path);
	}
	for (const char *name : lists)
		if (fs::exists(source + "/" + name))
			fs::create_symlink(source + "/" + name, index / name);
	do_program({{"depmod", "-b", base, version}}, output, "index the modules");
	for (const auto &each : fs::directory_iterator(index)) {
		const std::string name = inside + each.path().filename().string();
		if (!each.is_regular_file())
			continue;
		if (each.file_size() == 0)
			tree.write(name, "", 0644);
		else
			tree.write(name, as_text(FileBytes::read("list", each.path(), "an index")),
				   0644);
	}
}

} // namespace rf
