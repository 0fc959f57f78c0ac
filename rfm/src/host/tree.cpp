// SPDX-License-Identifier: GPL-2.0
#include "host/tree.hpp"

#include "base/error.hpp"
#include "host/open_inside.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rf {

namespace fs = std::filesystem;

namespace {

constexpr mode_t folder_mode = 0755;

std::string word_of(const std::string &name)
{
	return fs::path(name).filename();
}

} // namespace

Tree::Tree(std::string path)
	: path_(std::move(path)),
	  root_(::open(path_.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC))
{
	if (!root_.valid())
		fail("");
}

Descriptor Tree::find(const std::string &name, int flags) const
{
	return open_inside(root_.get(), name.c_str(), flags,
			   RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

Descriptor Tree::open(const std::string &name, int flags) const
{
	Descriptor found = find(name, flags);

	if (!found.valid())
		fail(name);
	return found;
}

bool Tree::is_link(const std::string &name) const
{
	const Descriptor found = find(name, O_PATH | O_NOFOLLOW);
	struct stat facts {};

	return found.valid() && ::fstat(found.get(), &facts) == 0 && S_ISLNK(facts.st_mode);
}

std::vector<std::string> Tree::names_in(const std::string &name) const
{
	const Descriptor place = open(name, O_RDONLY | O_DIRECTORY);
	// It takes the descriptor along.
	const std::unique_ptr<DIR, int (*)(DIR *)> folder(
		::fdopendir(::fcntl(place.get(), F_DUPFD_CLOEXEC, 0)), ::closedir);
	std::vector<std::string> names;

	if (!folder)
		fail(name);
	while (const dirent *entry = ::readdir(folder.get()))
		if (const std::string_view word = entry->d_name; word != "." && word != "..")
			names.emplace_back(word);
	return names;
}

// Where it is, or is to be.
Descriptor Tree::folder_for(const std::string &name) const
{
	const std::string folder = fs::path(name).parent_path();

	if (folder.empty() || folder == "/")
		return open(".", O_PATH | O_DIRECTORY);
	if (!find(folder, O_PATH | O_DIRECTORY).valid() && errno == ENOENT)
		make_folder(folder, folder_mode);
	return open(folder, O_PATH | O_DIRECTORY);
}

void Tree::make_folder(const std::string &name, mode_t mode) const
{
	const Descriptor folder = folder_for(name);

	if (::mkdirat(folder.get(), word_of(name).c_str(), folder_mode) < 0 && errno != EEXIST)
		fail(name);
	// Whatever the umask is, and if it was there.
	const Descriptor made = open(name, O_RDONLY | O_DIRECTORY);
	if (::fchmod(made.get(), mode) < 0)
		fail(name);
}

void Tree::write(const std::string &name, std::string_view content, mode_t mode) const
{
	const Descriptor folder = folder_for(name);

	remove(name);
	const Descriptor file(::openat(folder.get(), word_of(name).c_str(),
				       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
				       0600));
	if (!file.valid() || !write_at(file.get(), std::as_bytes(std::span(content)), 0) || ::fchmod(file.get(), mode) < 0)
		fail(name);
}

void Tree::link(const std::string &name, const std::string &target) const
{
	const Descriptor folder = folder_for(name);

	remove(name);
	if (::symlinkat(target.c_str(), folder.get(), word_of(name).c_str()) < 0)
		fail(name);
}

void Tree::remove(const std::string &name) const
{
	const Descriptor folder = folder_for(name);

	if (::unlinkat(folder.get(), word_of(name).c_str(), 0) < 0 && errno != ENOENT)
		fail(name);
}

void Tree::fail(const std::string &name) const
{
	const int error = errno;

	throw Error(Code::bad_file,
		    text("'", (fs::path(path_) / fs::path(name).relative_path()).string(), "': ",
			 std::strerror(error)));
}

} // namespace rf
