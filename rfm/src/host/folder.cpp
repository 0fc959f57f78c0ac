// SPDX-License-Identifier: GPL-2.0
#include "host/folder.hpp"

#include "base/error.hpp"

#include <cerrno>
#include <climits>
#include <cstring>
#include <list>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rf {

namespace {

// As many as Linux follows itself.
constexpr unsigned links_most = 40;
constexpr mode_t folder_mode = 0755;

bool is_ours(uid_t user)
{
	return user == 0 || user == ::geteuid();
}

// Can somebody else rename or replace what this owner has in that folder?
bool is_exposed(const struct stat &folder, uid_t owner)
{
	if (!is_ours(folder.st_uid))
		return true;
	if (!(folder.st_mode & (S_IWGRP | S_IWOTH)))
		return false;
	return !(folder.st_mode & S_ISVTX) || !is_ours(owner);
}

[[noreturn]] void refuse(const std::string &path, const std::string &why)
{
	throw Error(Code::bad_file, text("'", path, "': ", why));
}

class Walk {
public:
	enum class Kind { folder, made_folder, anything };

	explicit Walk(const std::string &path, Kind kind) : kind_(kind) { add(path); }

	// False: there is nothing of this name, and that is for the caller to judge.
	bool go();
	Descriptor &at() { return at_; }
	std::string exposed();

private:
	void add(const std::string &path);
	bool step(const std::string &name);
	Descriptor look(const std::string &name) const;
	void enter(Descriptor next, const struct stat &folder, const struct stat &facts);
	void follow(const Descriptor &link, const struct stat &folder, const struct stat &facts);
	struct stat facts_of(const Descriptor &place) const;

	const Kind kind_;
	Descriptor at_;
	std::list<std::string> left_;
	std::string shown_;	// where it is
	std::string exposed_;
	unsigned links_ = 0;
};

// Before all that is left.
void Walk::add(const std::string &path)
{
	std::istringstream words(path);
	std::list<std::string> names;

	if (path.starts_with('/') || !at_.valid()) {
		shown_ = path.starts_with('/') ? "/" : "";
		at_ = Descriptor(::open(shown_.empty() ? "." : "/",
					O_PATH | O_DIRECTORY | O_CLOEXEC));
		if (!at_.valid())
			refuse(path, std::strerror(errno));
	}
	for (std::string name; std::getline(words, name, '/');)
		if (!name.empty() && name != ".")
			names.push_back(name);
	left_.splice(left_.begin(), names);
}

bool Walk::go()
{
	while (!left_.empty()) {
		const std::string name = std::move(left_.front());
		left_.pop_front();
		shown_ += (shown_.empty() || shown_.ends_with('/') ? "" : "/") + name;
		if (!step(name))
			return false;
	}
	return true;
}

bool Walk::step(const std::string &name)
{
	const struct stat folder = facts_of(at_);
	Descriptor next = look(name);

	if (!next.valid() && errno == ENOENT && kind_ == Kind::made_folder) {
		if (::mkdirat(at_.get(), name.c_str(), folder_mode) < 0 && errno != EEXIST)
			refuse(shown_, std::strerror(errno));
		next = look(name);
	}
	if (!next.valid() && errno == ENOENT && kind_ == Kind::anything)
		return false;
	if (!next.valid())
		refuse(shown_, std::strerror(errno));
	const struct stat facts = facts_of(next);
	if (S_ISLNK(facts.st_mode))
		follow(next, folder, facts);
	else
		enter(std::move(next), folder, facts);
	return true;
}

Descriptor Walk::look(const std::string &name) const
{
	constexpr int place = O_PATH | O_NOFOLLOW | O_CLOEXEC;
	// Asked for a folder, the kernel mounts what is to be mounted there first.
	const int folder = ::openat(at_.get(), name.c_str(), place | O_DIRECTORY);

	if (folder >= 0 || errno != ENOTDIR)
		return Descriptor(folder);
	return Descriptor(::openat(at_.get(), name.c_str(), place));
}

void Walk::enter(Descriptor next, const struct stat &folder, const struct stat &facts)
{
	if (!S_ISDIR(facts.st_mode) && !(kind_ == Kind::anything && left_.empty()))
		refuse(shown_, std::strerror(ENOTDIR));
	if (exposed_.empty() && is_exposed(folder, facts.st_uid))
		exposed_ = shown_;
	at_ = std::move(next);
}

void Walk::follow(const Descriptor &link, const struct stat &folder, const struct stat &facts)
{
	char target[PATH_MAX];
	const ssize_t size = ::readlinkat(link.get(), "", target, sizeof(target));

	if (size < 0 || ++links_ > links_most)
		refuse(shown_, std::strerror(size < 0 ? errno : ELOOP));
	if (!is_ours(facts.st_uid) || is_exposed(folder, facts.st_uid))
		refuse(shown_, "a link that others than root can replace: give the path that it "
			       "leads to");
	shown_.resize(shown_.find_last_of('/') == shown_.npos ? 0 : shown_.find_last_of('/') + 1);
	add({target, static_cast<std::size_t>(size)});
}

struct stat Walk::facts_of(const Descriptor &place) const
{
	struct stat facts {};

	if (::fstat(place.get(), &facts) < 0)
		refuse(shown_, std::strerror(errno));
	return facts;
}

std::string Walk::exposed()
{
	if (exposed_.empty() && is_exposed(facts_of(at_), ::geteuid()))
		exposed_ = shown_ + "/*";
	return exposed_;
}

} // namespace

Folder Folder::open(const std::string &path)
{
	Walk walk(path, Walk::Kind::folder);

	walk.go();
	std::string exposed = walk.exposed();
	return {std::move(walk.at()), std::move(exposed)};
}

Folder Folder::make(const std::string &path)
{
	Walk walk(path, Walk::Kind::made_folder);

	walk.go();
	std::string exposed = walk.exposed();
	return {std::move(walk.at()), std::move(exposed)};
}

Descriptor Folder::find(const std::string &path)
{
	Walk walk(path, Walk::Kind::anything);

	return walk.go() ? std::move(walk.at()) : Descriptor();
}

std::string Folder::path_of(const std::string &name) const
{
	return text("/proc/self/fd/", fd_.get(), "/", name);
}

} // namespace rf
