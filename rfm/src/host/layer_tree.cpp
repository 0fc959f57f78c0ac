// SPDX-License-Identifier: GPL-2.0
#include "host/layer_tree.hpp"

#include "base/error.hpp"
#include "base/sizes.hpp"
#include "host/layer_entry.hpp"
#include "host/layer_folder.hpp"
#include "host/layer_path.hpp"
#include "host/open_inside.hpp"
#include "host/room.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <list>
#include <optional>

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rf {

namespace {

// Folders that a path names without an entry of their own count, too.
constexpr std::uint64_t entries_most = 1'000'000;
// What the file system needs for one, at the least.
constexpr std::uint64_t entry_bytes = 4096;
// Below what walk_tree() goes down to, and programs that make file systems.
constexpr std::ptrdiff_t depth_most = 200;
constexpr mode_t mode_bits = 07777;
// As many as Linux follows itself.
constexpr unsigned links_most = 40;

constexpr std::string_view whiteout = ".wh.";
constexpr std::string_view reserved = ".wh..wh.";
constexpr std::string_view opaque = ".wh..wh..opq";

// Where it leads, if it is a link.
std::optional<std::string> link_in(const Descriptor &folder, const std::string &name)
{
	char target[PATH_MAX];
	const ssize_t size = ::readlinkat(folder.get(), name.c_str(), target, sizeof(target));

	return size < 0 ? std::nullopt
			: std::optional(std::string(target, static_cast<std::size_t>(size)));
}

[[noreturn]] void fail(const std::string &path)
{
	const int error = errno;

	refuse_path(path, std::strerror(error));
}

} // namespace

LayerTree::LayerTree(const std::string &path, std::uint64_t most)
	: root_(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)), most_(most)
{
	if (!root_.valid())
		throw Error(Code::bad_file, text("'", path, "': ", std::strerror(errno)));
	place_ = place_of(root_);
}

void LayerTree::apply(int fd, TarReader::Packed packed, const std::string &shown)
{
	std::uint64_t bytes = 0;

	// In whatever order a layer names them, its own files stay.
	for (TarReader layer(fd, packed, shown); archive_entry *entry = layer.next();) {
		count(entry);
		bytes += bytes_of(entry);
		need_room(place_, bytes);
		take_away(inner_path(::archive_entry_pathname(entry)));
	}
	last_folder_ = Descriptor();
	for (TarReader layer(fd, packed, shown); archive_entry *entry = layer.next();)
		put(entry, [&](const TarReader::Take &take) { layer.read(take); });
}

void LayerTree::count(archive_entry *entry)
{
	const std::int64_t size = ::archive_entry_size(entry);

	count_bytes(size < 0 ? most_ : static_cast<std::uint64_t>(size));
	count_entry();
}

void LayerTree::count_bytes(std::uint64_t bytes)
{
	if (bytes > most_ - bytes_)
		throw Error(Code::not_enough,
			    text("the image unpacks to more than ", format_size(most_)));
	bytes_ += bytes;
}

void LayerTree::count_entry()
{
	if (++entries_ > entries_most)
		throw Error(Code::not_enough,
			    text("the image has more than ", entries_most, " files and folders"));
	count_bytes(entry_bytes);
}

void LayerTree::take_away(const std::string &path)
{
	const std::string name = name_of(path), parent = parent_of(path);

	if (!name.starts_with(whiteout) || (name.starts_with(reserved) && name != opaque))
		return;
	const std::string gone = name.substr(whiteout.size());
	if (gone.empty() || gone == "." || gone == "..")
		refuse_path(path, "it takes nothing away that has a name");
	const Descriptor folder = find_folder(parent);
	if (!folder.valid() && (errno == ENOENT || errno == ENOTDIR))
		return;
	if (!folder.valid())
		fail(parent);
	if (name == opaque) {
		if (!empty_folder(folder.get()))
			fail(path);
		return;
	}
	remove(folder, gone, path);
}

void LayerTree::put(archive_entry *entry, const Content &read)
{
	const std::string path = inner_path(::archive_entry_pathname(entry));

	if (name_of(path).starts_with(whiteout))
		return;
	if (path.empty() && ::archive_entry_filetype(entry) != AE_IFDIR)
		refuse_path("/", "it is no folder");
	if (::archive_entry_hardlink(entry))
		return put_name(entry, path);
	switch (::archive_entry_filetype(entry)) {
	case AE_IFDIR:
		return put_folder(entry, path);
	case AE_IFREG:
		return put_file(entry, path, read);
	case AE_IFLNK:
		return put_link(entry, path);
	case AE_IFIFO:
		return put_pipe(entry, path);
	default:
		left_out_++;
	}
}

// ---- folders ----

// Invalid, and errno, if it is not there.
Descriptor LayerTree::find_folder(const std::string &path) const
{
	Descriptor found = open_inside(root_.get(), path.empty() ? "." : path.c_str(),
				       O_RDONLY | O_DIRECTORY,
				       RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);

	if (found.valid())
		check_depth(found, path);
	return found;
}

// Links can lead from the end of one long path to the beginning of the next.
void LayerTree::check_depth(const Descriptor &folder, const std::string &path) const
{
	const std::string place = place_of(folder);

	if (place.size() < place_.size() || place.size() > place_.size() + layer_path_most ||
	    std::count(place.begin() + static_cast<std::ptrdiff_t>(place_.size()), place.end(),
		       '/') > depth_most)
		refuse_path(path, "folders in folders without end");
}

// Also where a link leads that nothing is behind yet, as container runtimes do: step by step, so
// that `done` has no link in it, and its parent is the one of its text.
Descriptor LayerTree::make_folders(const std::string &path)
{
	std::list<std::string> left = parts_of(path);
	std::string done;
	unsigned links = 0;

	for (Descriptor folder = find_folder("");; folder = find_folder(done)) {
		if (!folder.valid())
			fail(done);
		if (left.empty())
			return folder;
		const std::string name = std::move(left.front());
		left.pop_front();
		if (name == "..") {
			done = parent_of(done);
		} else if (const auto target = link_in(folder, name)) {
			if (++links > links_most)
				refuse_path(path, std::strerror(ELOOP));
			left.splice(left.begin(), parts_of(*target));
			done = target->starts_with('/') ? "" : done;
		} else {
			make_folder(folder, name, path);
			done += (done.empty() ? "" : "/") + name;
		}
	}
}

// If it is not there.
void LayerTree::make_folder(const Descriptor &folder, const std::string &name,
			    const std::string &path)
{
	if (::mkdirat(folder.get(), name.c_str(), 0755) < 0) {
		if (errno != EEXIST)
			fail(path);
		return;
	}
	count_entry();
	if (::fchmodat(folder.get(), name.c_str(), 0755, 0) < 0)
		fail(path);
}

// Where what has this path is, or is to be.
const Descriptor &LayerTree::folder_of(const std::string &path)
{
	const std::string parent = parent_of(path);

	if (last_folder_.valid() && last_ == parent)
		return last_folder_;
	last_folder_ = find_folder(parent);
	if (!last_folder_.valid() && errno == ENOENT)
		last_folder_ = make_folders(parent);
	if (!last_folder_.valid())
		fail(parent);
	// An entry that replaces it has another folder, so that this one is known by its path as
	// long as it is the last one.
	last_ = parent;
	return last_folder_;
}

// What is there, if anything is.
void LayerTree::remove(const Descriptor &folder, const std::string &name, const std::string &path)
{
	if (!remove_all(folder.get(), name))
		fail(path);
}

// ---- one file ----

void LayerTree::set_owner_and_mode(int fd, archive_entry *entry, const std::string &path) const
{
	const uid_t user = id_of(::archive_entry_uid(entry), path);
	const gid_t group = id_of(::archive_entry_gid(entry), path);

	// In this order: a change of the owner takes rights away.
	if (::fchown(fd, user, group) < 0 ||
	    ::fchmod(fd, ::archive_entry_perm(entry) & mode_bits) < 0)
		fail(path);
}

void LayerTree::put_folder(archive_entry *entry, const std::string &path)
{
	if (path.empty())
		return set_owner_and_mode(root_.get(), entry, path);
	const std::string name = name_of(path);
	const Descriptor &folder = folder_of(path);
	struct stat facts {};

	if (::fstatat(folder.get(), name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !S_ISDIR(facts.st_mode) && ::unlinkat(folder.get(), name.c_str(), 0) < 0)
		fail(path);
	if (::mkdirat(folder.get(), name.c_str(), 0700) < 0 && errno != EEXIST)
		fail(path);
	const Descriptor made(::openat(folder.get(), name.c_str(),
				       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
	if (!made.valid())
		fail(path);
	set_owner_and_mode(made.get(), entry, path);
}

void LayerTree::put_file(archive_entry *entry, const std::string &path, const Content &read)
{
	const std::string name = name_of(path);
	const auto size = static_cast<std::uint64_t>(::archive_entry_size(entry));

	remove(folder_of(path), name, path);
	need_room(place_, bytes_of(entry));
	const Descriptor file(::openat(folder_of(path).get(), name.c_str(),
				       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
	if (!file.valid())
		fail(path);
	read([&](std::span<const std::byte> bytes, std::uint64_t offset) {
		if (offset > size || bytes.size() > size - offset)
			refuse_path(path, "it is larger than it says");
		if (!write_at(file.get(), bytes, offset))
			fail(path);
	});
	if (::ftruncate(file.get(), static_cast<off_t>(size)) < 0)
		fail(path);
	set_owner_and_mode(file.get(), entry, path);
	// Without them it would not do what it is for, which nobody would be told.
	if (!set_capability(file.get(), entry))
		fail(path);
	const timespec time{::archive_entry_mtime(entry), 0}, times[] = {time, time};
	::futimens(file.get(), times);
}

void LayerTree::put_link(archive_entry *entry, const std::string &path)
{
	const std::string name = name_of(path);
	const char *target = ::archive_entry_symlink(entry);

	remove(folder_of(path), name, path);
	// It leads wherever it says; who follows it here does so in this root.
	if (::symlinkat(target ? target : "", folder_of(path).get(), name.c_str()) < 0 ||
	    ::fchownat(folder_of(path).get(), name.c_str(), id_of(::archive_entry_uid(entry), path),
		       id_of(::archive_entry_gid(entry), path), AT_SYMLINK_NOFOLLOW) < 0)
		fail(path);
}

// Another name of a file that is there.
void LayerTree::put_name(archive_entry *entry, const std::string &path)
{
	const std::string target = inner_path(::archive_entry_hardlink(entry));
	struct stat facts {};

	if (target == path)
		return;
	if (target.empty() || path.empty())
		refuse_path(path, "a second name of a folder");
	const Descriptor place = find_folder(parent_of(target));
	if (!place.valid() || ::fstatat(place.get(), name_of(target).c_str(), &facts,
					AT_SYMLINK_NOFOLLOW) < 0)
		fail(target);
	if (S_ISDIR(facts.st_mode))
		refuse_path(path, text("a second name of the folder '", target, "'"));
	remove(folder_of(path), name_of(path), path);
	if (::linkat(place.get(), name_of(target).c_str(), folder_of(path).get(),
		     name_of(path).c_str(), 0) < 0)
		fail(path);
}

void LayerTree::put_pipe(archive_entry *entry, const std::string &path)
{
	const std::string name = name_of(path);

	remove(folder_of(path), name, path);
	const Descriptor &folder = folder_of(path);
	if (::mkfifoat(folder.get(), name.c_str(), 0600) < 0 ||
	    ::fchownat(folder.get(), name.c_str(), id_of(::archive_entry_uid(entry), path),
		       id_of(::archive_entry_gid(entry), path), AT_SYMLINK_NOFOLLOW) < 0 ||
	    ::fchmodat(folder.get(), name.c_str(), ::archive_entry_perm(entry) & mode_bits, 0) < 0)
		fail(path);
}

} // namespace rf
