// SPDX-License-Identifier: GPL-2.0
#include "host/work_folder.hpp"

#include "base/error.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <sys/stat.h>

namespace rf {

namespace fs = std::filesystem;

WorkFolder::WorkFolder(const fs::path &parent)
{
	const char *set = std::getenv("TMPDIR");
	std::error_code error;
	std::string name = fs::absolute(set && *set ? fs::path(set) : parent, error) /
			   ".rfm-image-XXXXXX";

	if (!::mkdtemp(name.data()))
		throw Error(Code::bad_file, text("temporary folder '", name,
						 "' cannot be created: ", std::strerror(errno)));
	path_ = name;
	// Others may pass through, as apt does without its privileges, but not look around.
	::chmod(name.c_str(), 0711);
}

WorkFolder::~WorkFolder()
{
	std::error_code error;

	fs::remove_all(path_, error);
}

} // namespace rf
