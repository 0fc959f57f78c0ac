// SPDX-License-Identifier: GPL-2.0
#include "host/work_folder.hpp"

#include "base/error.hpp"
#include "host/folder.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace rf {

namespace fs = std::filesystem;

namespace {

void check_parent(const std::string &parent)
{
	const Folder folder = Folder::open(parent);
	const std::string exposed = folder.exposed();
	struct statvfs mount {};

	if (!exposed.empty())
		throw Error(Code::bad_file,
			    text("folder '", parent, "' is not acceptable for temporary files: "
				 "others than root can replace '", exposed, "'; set TMPDIR to a "
				 "folder that only root can write to, such as /root"));
	// Else it would turn out half-way, in the words of some program.
	const std::string options =
		::fstatvfs(folder.fd(), &mount) == 0 ? unfit_options(mount.f_flag) : "";
	if (!options.empty())
		throw Error(Code::bad_file,
			    text("folder '", parent, "' is not acceptable for temporary files: its "
				 "file system is mounted ", options, ", and device nodes and programs "
				 "have to work there; set TMPDIR to a folder on another file system, "
				 "such as /root"));
}

} // namespace

std::string unfit_options(unsigned long flags)
{
	constexpr std::pair<unsigned long, const char *> table[] = {
		{ST_RDONLY, "ro"}, {ST_NODEV, "nodev"}, {ST_NOEXEC, "noexec"}};
	std::string options;

	for (const auto &[flag, name] : table)
		if (flags & flag)
			options += (options.empty() ? "" : ", ") + std::string(name);
	return options;
}

WorkFolder::WorkFolder(const std::string &parent)
{
	const char *set = std::getenv("TMPDIR");
	const std::string chosen = fs::absolute(set && *set ? set : parent);
	std::string name = fs::path(chosen) / ".rfm-image-XXXXXX";

	check_parent(chosen);
	if (!::mkdtemp(name.data()))
		throw Error(Code::bad_file, text("temporary folder '", name,
						 "' cannot be created: ", std::strerror(errno)));
	path_ = fs::path(name) / "files";
	// Programs that give up root's rights pass through it, as apt does, where there is no
	// fence around it (run_program()).
	if (::mkdir(path_.c_str(), 0711) < 0 || ::chmod(path_.c_str(), 0711) < 0) {
		const int error = errno;
		::rmdir(name.c_str());
		throw Error(Code::bad_file, text("temporary folder '", name,
						 "' cannot be used: ", std::strerror(error)));
	}
}

WorkFolder::~WorkFolder()
{
	std::error_code error;

	fs::remove_all(fence(), error);
}

} // namespace rf
