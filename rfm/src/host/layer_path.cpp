// SPDX-License-Identifier: GPL-2.0
#include "host/layer_path.hpp"

#include "base/error.hpp"

#include <climits>

namespace rf {

std::string name_of(const std::string &path)
{
	return path.substr(path.find_last_of('/') + 1);
}

std::string parent_of(const std::string &path)
{
	const std::size_t slash = path.find_last_of('/');

	return slash == path.npos ? "" : path.substr(0, slash);
}

std::list<std::string> parts_of(const std::string &path)
{
	std::istringstream in(path);
	std::list<std::string> parts;

	for (std::string part; std::getline(in, part, '/');)
		if (!part.empty() && part != ".")
			parts.push_back(part);
	return parts;
}

void refuse_path(const std::string &path, const std::string &why)
{
	throw Error(Code::bad_file,
		    text("'", path.substr(0, NAME_MAX), "' in the image: ", why));
}

std::string inner_path(const char *path)
{
	std::string inner;

	for (const std::string &part : parts_of(path ? path : "")) {
		if (part == "..")
			refuse_path(path, "a path with '..'");
		if (part.size() > NAME_MAX)
			refuse_path(part, "a name that is too long");
		inner += (inner.empty() ? "" : "/") + part;
	}
	if (!path || inner.size() > layer_path_most)
		refuse_path(inner, "a path that is too long");
	return inner;
}

} // namespace rf
