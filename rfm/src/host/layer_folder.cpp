// SPDX-License-Identifier: GPL-2.0
#include "host/layer_folder.hpp"

#include "base/error.hpp"

#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace rf {

std::string place_of(const Descriptor &folder)
{
	char place[PATH_MAX];
	const ssize_t size = ::readlink(text("/proc/self/fd/", folder.get()).c_str(), place,
					sizeof(place));

	if (size < 0 || size == sizeof(place))
		throw Error(Code::bad_file, text("a folder of the image: ",
						 std::strerror(size < 0 ? errno : ENAMETOOLONG)));
	return {place, static_cast<std::size_t>(size)};
}

bool empty_folder(int folder)
{
	std::vector<std::string> names;
	{
		const std::unique_ptr<DIR, int (*)(DIR *)> stream(
			::fdopendir(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
			::closedir);
		if (!stream)
			return false;
		while (const dirent *entry = ::readdir(stream.get()))
			if (const std::string_view name = entry->d_name; name != "." && name != "..")
				names.emplace_back(name);
	}
	for (const std::string &name : names)
		if (!remove_all(folder, name))
			return false;
	return true;
}

bool remove_all(int folder, const std::string &name)
{
	if (::unlinkat(folder, name.c_str(), 0) == 0 || errno == ENOENT)
		return true;
	if (errno != EISDIR)
		return false;
	const Descriptor inner(::openat(folder, name.c_str(),
					O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));

	return inner.valid() && empty_folder(inner.get()) &&
	       ::unlinkat(folder, name.c_str(), AT_REMOVEDIR) == 0;
}

} // namespace rf
