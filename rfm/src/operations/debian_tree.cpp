// SPDX-License-Identifier: GPL-2.0
#include "operations/debian_tree.hpp"

#include "host/artifacts.hpp"
#include "operations/subos_modules.hpp"

#include <algorithm>
#include <cstring>

namespace rf {

namespace fs = std::filesystem;

namespace {

// Makes /bin, /lib and /sbin links before there is anything, which needs nothing of usrmerge.
constexpr const char *merged_usr = "/usr/share/mmdebstrap/hooks/maybe-merged-usr";

// The initrd's hooks read it: before any package is there.
constexpr const char *put_fstab = "mkdir -p \"$1/etc\" && cp \"$RF_FSTAB\" \"$1/etc/fstab\"";
constexpr const char *set_password =
	"printf 'root:%s\\n' \"$RF_ROOT_PASSWORD\" | chroot \"$1\" chpasswd";

// Whoever can open the console of a subOS is root of the machine that it is a part of.
constexpr const char *login_by_itself =
	"[Service]\n"
	"ExecStart=\n"
	"ExecStart=-/sbin/agetty --autologin root --noclear --keep-baud 115200,9600 - $TERM\n";

constexpr const char *wired_network =
	"[Match]\n"
	"Type=ether\n"
	"\n"
	"[Network]\n"
	"DHCP=yes\n";

// In an initrd, all that nobody reads takes memory.
constexpr const char *unread[] = {
	"--dpkgopt=path-exclude=/usr/share/doc/*",
	"--dpkgopt=path-include=/usr/share/doc/*/copyright",
	"--dpkgopt=path-exclude=/usr/share/man/*",
	"--dpkgopt=path-exclude=/usr/share/info/*",
	"--dpkgopt=path-exclude=/usr/share/locale/*",
	"--dpkgopt=path-exclude=/usr/share/i18n/*",
	"--dpkgopt=path-exclude=/lib/udev/hwdb.d/*",
	"--dpkgopt=path-exclude=/usr/lib/udev/hwdb.d/*",
};

constexpr mode_t for_all = 0644;
constexpr mode_t for_root = 0600;

std::string joined(const std::vector<std::string> &words)
{
	std::string list;

	for (const std::string &word : words)
		list += (list.empty() ? "" : ",") + word;
	return list;
}

} // namespace

DebianTree::DebianTree(const ImageOptions &wanted, const std::string &uuid, const WorkFolder &work,
		       Output &output)
	: wanted_(wanted), work_(work), output_(output)
{
	const std::string path = work_.path() / "tree";

	install(uuid, path);
	tree_.emplace(path);
	set_names();
	if (wanted_.password.empty())
		set_console();
	if (!wanted_.ssh_key.empty())
		set_network();
	if (!wanted_.initrd.empty()) {
		become_initrd();
		return;
	}
	find_kernels();
	for (const std::string &version : kernels_)
		if (add_modules(version))
			with_modules_.push_back(version);
}

// What the kernel runs, and those of its modules that are worth their memory.
void DebianTree::become_initrd()
{
	const std::string version = kernel_on_host(wanted_);
	std::string source = modules_on_host(version);

	if (version.empty()) {
		find_kernels();
		source = work_.path() / "modules";
		fs::rename(fs::path(tree_->path()) / "usr/lib/modules" / kernels_.back(), source);
	} else {
		kernels_ = {version};
	}
	add_stock_modules(*tree_, source, kernels_.back(), work_, output_);
	tree_->link("init", "/sbin/init");
}

void DebianTree::install(const std::string &uuid, const std::string &path)
{
	const bool with_kernel = wanted_.initrd.empty() || kernel_on_host(wanted_).empty();
	Program program{{"mmdebstrap", "--mode=root", "--variant=apt", "--format=directory",
			 "--include=" + joined(packages_of(wanted_, with_kernel))}};

	program.work = &work_;
	if (wanted_.initrd.empty())
		add_fstab(program, uuid);
	else
		program.words.insert(program.words.end(), std::begin(unread), std::end(unread));
	if (fs::is_directory(merged_usr))
		program.words.push_back(text("--hook-dir=", merged_usr));
	if (!wanted_.password.empty()) {
		program.words.push_back(text("--customize-hook=", set_password));
		program.environment.push_back("RF_ROOT_PASSWORD=" + wanted_.password);
	}
	program.words.insert(program.words.end(), {wanted_.suite, path});
	if (!wanted_.mirror.empty())
		program.words.push_back(wanted_.mirror);
	do_program(program, output_, text("install Debian ", wanted_.suite));
}

void DebianTree::add_fstab(Program &program, const std::string &uuid) const
{
	const fs::path fstab = work_.path() / "fstab";

	Tree(work_.path()).write(fstab.filename(),
				 text("UUID=", uuid, " / ", wanted_.file_system, " defaults 0 ",
				      wanted_.file_system == "xfs" ? 0 : 1, "\n"),
				 for_all);
	program.words.push_back(text("--setup-hook=", put_fstab));
	program.environment.push_back("RF_FSTAB=" + fstab.string());
}

void DebianTree::find_kernels()
{
	constexpr std::string_view prefix = "vmlinuz-";

	for (const std::string &name : tree_->names_in("boot"))
		if (name.starts_with(prefix))
			kernels_.push_back(name.substr(prefix.size()));
	std::sort(kernels_.begin(), kernels_.end(), [](const auto &a, const auto &b) {
		return ::strverscmp(a.c_str(), b.c_str()) < 0;
	});
	if (kernels_.empty())
		throw Error(Code::incomplete, "no kernel was installed");
}

void DebianTree::set_names() const
{
	tree_->write("etc/hostname", wanted_.hostname + "\n", for_all);
	tree_->write("etc/hosts",
		     text("127.0.0.1\tlocalhost\n127.0.1.1\t", wanted_.hostname,
			  "\n::1\t\tlocalhost ip6-localhost ip6-loopback\n"),
		     for_all);
	// Every subOS makes one of its own, at its first start.
	tree_->write("etc/machine-id", "", for_all);
	// That of the host, unless a package has put a link there.
	if (!tree_->is_link("etc/resolv.conf"))
		tree_->remove("etc/resolv.conf");
}

void DebianTree::set_console() const
{
	tree_->write("etc/systemd/system/serial-getty@hvc0.service.d/rainforest.conf",
		     login_by_itself, for_all);
}

void DebianTree::set_network() const
{
	tree_->write("etc/systemd/network/80-wired.network", wired_network, for_all);
	// Not by systemctl, which would also make every start wait for a network.
	tree_->link("etc/systemd/system/multi-user.target.wants/systemd-networkd.service",
		    "/lib/systemd/system/systemd-networkd.service");
	tree_->make_folder("root/.ssh", 0700);
	tree_->write("root/.ssh/authorized_keys", wanted_.ssh_key, for_root);
}

bool DebianTree::add_modules(const std::string &version) const
{
	for (const char *name : {ficm_module, agent_module}) {
		const auto path = find_module(name, version);
		if (!path)
			return false;
		const FileBytes module = read_module(*path);
		check_module(module, version);
		tree_->write(text("usr/lib/modules/", version, "/updates/", name),
			     {reinterpret_cast<const char *>(module.view().data()),
			      module.view().size()},
			     for_all);
	}
	do_program({{"chroot", tree_->path(), "/sbin/depmod", version}}, output_,
		   "index the modules");
	return true;
}

} // namespace rf
