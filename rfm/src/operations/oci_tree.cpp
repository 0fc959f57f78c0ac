// SPDX-License-Identifier: GPL-2.0
#include "operations/oci_tree.hpp"

#include "base/error.hpp"
#include "cli/interrupt.hpp"
#include "host/artifacts.hpp"
#include "host/layer_entry.hpp"
#include "host/tree_walk.hpp"
#include "operations/subos_modules.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <sstream>

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rf {

namespace fs = std::filesystem;

namespace {

constexpr const char *init_file = "/usr/lib/rainforest/container_init";
constexpr const char *init_name = "sbin/init";
constexpr const char *container_file = "etc/rainforest/container";
constexpr const char *reading = "read the image";
constexpr unsigned lists_most = 4;	// in lists
constexpr std::size_t piece = 256 << 10;
constexpr mode_t for_all = 0644, for_running = 0755;

std::string_view view_of(const FileBytes &file)
{
	return {reinterpret_cast<const char *>(file.view().data()), file.view().size()};
}

TarReader::Packed packed_as(OciLayer::Packed packed)
{
	switch (packed) {
	case OciLayer::Packed::gzip:
		return TarReader::Packed::gzip;
	case OciLayer::Packed::zstd:
		return TarReader::Packed::zstd;
	case OciLayer::Packed::no:
		break;
	}
	return TarReader::Packed::no;
}

// Through lists of images for several machines to the one for this.
OciManifest find_manifest(const OciLayout &layout)
{
	std::vector<OciChoice> choices = parse_oci_index(layout.read("index.json"));
	std::string name = layout.name();

	for (unsigned depth = 0; depth < lists_most; depth++) {
		const OciChoice choice = choose_oci_image(choices, name);
		const std::string json = layout.read(choice);
		if (!choice.is_list)
			return parse_oci_manifest(json);
		choices = parse_oci_index(json);
		name.clear();
	}
	throw Error(Code::bad_file, "there are lists of images in lists without end");
}

// An error of what was read, with the image's name.
template <typename Call> auto of_image(const OciLayout &layout, Call call)
{
	try {
		return call();
	} catch (const Error &error) {
		if (std::string_view(error.what()).starts_with("image '"))
			throw;
		throw Error(error.code(),
			    text("image '", layout.path(), "': ", error.what()));
	}
}

// Does the image run an init of its own? An image that has one without naming it, as Alpine's with
// BusyBox, is meant to run its command.
bool names_init(const OciConfig &config)
{
	if (config.command.empty())
		return true;
	const std::string name = fs::path(config.command[0]).filename();
	return name == "init" || name == "systemd";
}

// A file of a bundle, as if it came out of a layer.
class BundleFile {
public:
	BundleFile(const TreeEntry &from, std::map<std::pair<dev_t, ino_t>, std::string> &seen)
		: from_(from), entry_(::archive_entry_new(), ::archive_entry_free)
	{
		const auto &facts = from.facts;

		::archive_entry_copy_stat(entry_.get(), &facts);
		::archive_entry_copy_pathname(entry_.get(), from.path.c_str());
		if (S_ISLNK(facts.st_mode))
			::archive_entry_copy_symlink(entry_.get(), from.link_target().c_str());
		if (!S_ISREG(facts.st_mode))
			return;
		if (facts.st_nlink > 1) {
			const auto [first, is_new] =
				seen.emplace(std::pair(facts.st_dev, facts.st_ino), from.path);
			if (!is_new) {
				::archive_entry_copy_hardlink(entry_.get(),
							      first->second.c_str());
				return;
			}
		}
		file_ = Descriptor(::openat(from.folder, from.name.c_str(),
					    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
		copy_capability(file_.get(), entry_.get());
	}

	archive_entry *get() const { return entry_.get(); }

	void read(const TarReader::Take &take) const
	{
		std::vector<std::byte> buffer(piece);
		const auto size = static_cast<std::uint64_t>(from_.facts.st_size);

		for (std::uint64_t done = 0; done < size;) {
			check_interrupt(reading);
			const auto part = std::span(buffer).first(
				std::min<std::uint64_t>(buffer.size(), size - done));
			if (!file_.valid() || !read_at(file_.get(), part, done))
				throw Error(Code::bad_file, text("'", from_.path, "': ",
								 std::strerror(errno)));
			take(part, done);
			done += part.size();
		}
	}

private:
	const TreeEntry &from_;
	std::unique_ptr<archive_entry, void (*)(archive_entry *)> entry_;
	Descriptor file_;
};

// ---- who runs the command ----

std::vector<std::string> split(const std::string &line, char by)
{
	std::istringstream in(line);
	std::vector<std::string> parts;

	for (std::string part; std::getline(in, part, by);)
		parts.push_back(part);
	return parts;
}

// The lines of a file such as /etc/passwd in the image.
std::vector<std::vector<std::string>> table(const Tree &tree, const char *name)
{
	constexpr off_t most = 1 << 20;
	std::vector<std::vector<std::string>> rows;
	std::string content;
	struct stat facts {};

	try {
		const Descriptor file = tree.open(name, O_RDONLY | O_NONBLOCK);
		if (::fstat(file.get(), &facts) < 0 || !S_ISREG(facts.st_mode) ||
		    facts.st_size > most)
			return rows;
		content.resize(static_cast<std::size_t>(facts.st_size));
		if (!read_at(file.get(), std::as_writable_bytes(std::span(content)), 0))
			return rows;
	} catch (const Error &) {
		return rows;	// images without users have none
	}
	for (const std::string &line : split(content, '\n'))
		rows.push_back(split(line, ':'));
	return rows;
}

bool is_number(const std::string &word)
{
	return !word.empty() && word.size() <= 10 &&
	       word.find_first_not_of("0123456789") == word.npos &&
	       std::strtoull(word.c_str(), nullptr, 10) < std::numeric_limits<std::uint32_t>::max();
}

struct User {
	std::string uid = "0", gid = "0";
};

User find_user(const std::string &given, const Tree &tree)
{
	const std::size_t colon = given.find(':');
	const std::string name = given.substr(0, colon);
	const std::string group = colon == given.npos ? "" : given.substr(colon + 1);
	User user;
	bool known = name.empty() || is_number(name);

	if (is_number(name))
		user.uid = name;
	for (const auto &row : table(tree, "etc/passwd"))
		if (!name.empty() && row.size() > 3 && (row[0] == name || row[2] == name) && is_number(row[2]) &&
		    is_number(row[3])) {
			user = {row[2], row[3]};
			known = true;
			break;
		}
	if (!known)
		throw Error(Code::bad_file,
			    text("its user '", name, "' is not in its /etc/passwd"));
	if (group.empty())
		return user;
	known = is_number(group);
	if (known)
		user.gid = group;
	for (const auto &row : table(tree, "etc/group"))
		if (!known && row.size() > 2 && row[0] == group && is_number(row[2])) {
			user.gid = row[2];
			known = true;
		}
	if (!known)
		throw Error(Code::bad_file,
			    text("its group '", group, "' is not in its /etc/group"));
	return user;
}

// "SIGTERM", "TERM" or "15"; 15 for what is unknown.
int find_signal(std::string name)
{
	if (is_number(name))
		return std::clamp(std::atoi(name.c_str()), 1, 64);
	if (name.starts_with("SIG"))
		name.erase(0, 3);
	if (name.starts_with("RTMIN+") && is_number(name.substr(6)))
		return std::clamp(SIGRTMIN + std::atoi(name.c_str() + 6), SIGRTMIN, SIGRTMAX);
	for (int signal = 1; signal < SIGRTMIN; signal++)
		if (const char *known = ::sigabbrev_np(signal); known && name == known)
			return signal;
	return SIGTERM;
}

} // namespace

std::string format_container(const OciConfig &config, const std::string &hostname,
			     const Tree &tree)
{
	const User user = find_user(config.user, tree);
	std::string content;
	const auto add = [&](const char *key, const std::string &value) {
		content += text(key, "=", value);
		content += '\0';
	};

	for (const std::string &word : config.command)
		add("arg", word);
	for (const std::string &word : config.environment)
		add("env", word);
	if (!config.folder.empty())
		add("folder", config.folder);
	add("hostname", hostname);
	add("uid", user.uid);
	add("gid", user.gid);
	add("stop", std::to_string(find_signal(config.stop_signal)));
	return content;
}

OciTree::OciTree(const ImageOptions &wanted, const WorkFolder &work, std::uint64_t most,
		 Output &output)
	: wanted_(wanted), output_(output)
{
	const OciLayout layout(wanted.oci, work);
	const std::string path = work.path() / "tree";

	fs::create_directory(path);
	fs::permissions(path, fs::perms{for_running});
	tree_.emplace(path);
	of_image(layout, [&] {
		const OciConfig config = layout.is_bundle() ? take_bundle(layout, most)
							    : take_image(layout, most);
		for (const char *folder : {"dev", "proc", "sys", "run", "tmp", "etc", "sbin"})
			if (!has(folder))
				tree_->make_folder(folder, std::string_view(folder) == "tmp"
								   ? 01777
								   : for_running);
		if (!has(init_name) || !names_init(config))
			add_init(config);
		add_kernel(work);
	});
}

OciConfig OciTree::take_image(const OciLayout &layout, std::uint64_t most)
{
	const OciManifest manifest = find_manifest(layout);
	OciConfig config = parse_oci_config(layout.read(manifest.config));
	LayerTree tree(tree_->path(), most);
	std::size_t count = 0;

	check_oci_platform(config.platform);
	for (const OciLayer &layer : manifest.layers) {
		output_.progress(text("unpack layer ", ++count, " of ", manifest.layers.size(),
				      " ..."));
		const Descriptor blob = layout.copy(layer);
		tree.apply(blob.get(), packed_as(layer.packed), "layer " + layer.sha256);
	}
	if (tree.left_out())
		output_.note(text(tree.left_out(), " devices and sockets of the image are left out: "
				  "the subOS has its own /dev"));
	return config;
}

OciConfig OciTree::take_bundle(const OciLayout &layout, std::uint64_t most)
{
	const Descriptor root = layout.root();
	LayerTree tree(tree_->path(), most);
	std::map<std::pair<dev_t, ino_t>, std::string> seen;

	output_.progress("copy the files of the bundle ...");
	walk_tree(root.get(), "rootfs", [&](const TreeEntry &entry) {
		check_interrupt(reading);
		const BundleFile file(entry, seen);
		tree.count(file.get());
		tree.put(file.get(), [&](const TarReader::Take &take) { file.read(take); });
		return true;
	});
	return parse_oci_bundle(layout.read("config.json"));
}

bool OciTree::has(const std::string &name) const
{
	struct stat facts {};
	try {
		const Descriptor found = tree_->open(name, O_PATH);
		return ::fstat(found.get(), &facts) == 0 &&
		       (S_ISDIR(facts.st_mode) || S_ISREG(facts.st_mode));
	} catch (const Error &) {
		return false;
	}
}

// The image's command, run by what is PID 1 for it.
void OciTree::add_init(const OciConfig &config)
{
	if (config.command.empty())
		throw Error(Code::bad_file, "there is neither /sbin/init in it nor a command "
					    "(Entrypoint, Cmd) that it runs");
	const char *development = std::getenv("RF_CONTAINER_INIT");
	const FileBytes init = FileBytes::read("init", development ? development : init_file,
					       "the init of container images");

	tree_->write(container_file, format_container(config, wanted_.hostname, *tree_), for_all);
	tree_->write(init_name, view_of(init), for_running);
	// Those of the image may ask another init, as systemd's do.
	for (const char *name : {"sbin/poweroff", "sbin/reboot"})
		tree_->link(name, "init");
}

void OciTree::add_kernel(const WorkFolder &work)
{
	const std::string version = kernel_asked_for(wanted_), source = modules_on_host(version);

	kernels_ = {version};
	// Nobody else loads them.
	if (!source.empty() && has("sbin/modprobe"))
		add_stock_modules(*tree_, source, version, work, output_);
	if (wanted_.initrd.empty())
		append_ = "rw";
	else if (has("init"))
		append_ = "rf.init=/sbin/init";
	else
		tree_->link("init", "/sbin/init");
}

} // namespace rf
