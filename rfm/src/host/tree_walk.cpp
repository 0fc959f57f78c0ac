// SPDX-License-Identifier: GPL-2.0
#include "host/tree_walk.hpp"

#include "base/descriptor.hpp"
#include "base/error.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace rf {

namespace {

// A descriptor each; more than any system has.
constexpr unsigned depth_most = 256;

class Walk {
public:
	using Visit = std::function<bool(const TreeEntry &)>;

	Walk(const std::string &shown, const Visit &visit) : shown_(shown), visit_(visit) {}

	void go(const Descriptor &folder, const std::string &path, unsigned depth) const
	{
		for (const std::string &name : names_in(folder, path)) {
			TreeEntry entry{path.empty() ? name : path + "/" + name, name,
					folder.get(), {}};
			if (::fstatat(folder.get(), name.c_str(), &entry.facts,
				      AT_SYMLINK_NOFOLLOW) < 0)
				fail(entry.path);
			if (visit_(entry) && S_ISDIR(entry.facts.st_mode))
				go(enter(entry, depth), entry.path, depth + 1);
		}
	}

private:
	Descriptor enter(const TreeEntry &entry, unsigned depth) const
	{
		if (depth == depth_most) {
			errno = ELOOP;
			fail(entry.path);
		}
		Descriptor next(::openat(entry.folder, entry.name.c_str(),
					 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
		if (!next.valid())
			fail(entry.path);
		return next;
	}

	std::vector<std::string> names_in(const Descriptor &folder, const std::string &path) const
	{
		// It takes the descriptor along, and begins where the last reader ended.
		const std::unique_ptr<DIR, int (*)(DIR *)> stream(
			::fdopendir(::openat(folder.get(), ".",
					     O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
			::closedir);
		std::vector<std::string> names;

		if (!stream)
			fail(path);
		while (const dirent *entry = ::readdir(stream.get()))
			if (const std::string_view name = entry->d_name; name != "." && name != "..")
				names.emplace_back(name);
		std::ranges::sort(names);
		return names;
	}

	[[noreturn]] void fail(const std::string &path) const
	{
		const int error = errno;

		throw Error(Code::bad_file,
			    text("'", shown_, "/", path, "': ", std::strerror(error)));
	}

	const std::string &shown_;
	const Visit &visit_;
};

} // namespace

std::string TreeEntry::link_target() const
{
	char target[PATH_MAX];
	const ssize_t size = ::readlinkat(folder, name.c_str(), target, sizeof(target));

	if (size < 0)
		throw Error(Code::bad_file, text("'", path, "': ", std::strerror(errno)));
	return {target, static_cast<std::size_t>(size)};
}

void walk_tree(int root, const std::string &path,
	       const std::function<bool(const TreeEntry &)> &visit)
{
	const Descriptor folder(::openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	if (!folder.valid())
		throw Error(Code::bad_file, text("'", path, "': ", std::strerror(errno)));
	Walk(path, visit).go(folder, "", 1);
}

} // namespace rf
