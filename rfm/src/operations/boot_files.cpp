// SPDX-License-Identifier: GPL-2.0
#include "operations/boot_files.hpp"

#include "base/error.hpp"
#include "host/folder.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <span>

#include <fcntl.h>
#include <unistd.h>

namespace rf {

namespace {

void copy(const Descriptor &from, NewFile &to)
{
	std::vector<std::byte> buffer(1 << 20);
	std::uint64_t done = 0;

	for (;;) {
		const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			throw Error(Code::bad_file, text("boot file: ", std::strerror(errno)));
		if (got == 0)
			return;
		to.write(done, std::span(buffer).first(static_cast<std::size_t>(got)));
		done += static_cast<std::uint64_t>(got);
	}
}

} // namespace

BootFiles::BootFiles(const Tree &tree, const std::string &version, const std::string &folder,
		     bool replace)
{
	Folder::make(folder);
	for (const char *prefix : {"vmlinuz-", "initrd.img-", "config-"}) {
		const std::string name = prefix + version;
		files_.push_back(std::make_unique<NewFile>(std::filesystem::path(folder) / name,
							   replace));
		copy(tree.open("boot/" + name, O_RDONLY), *files_.back());
	}
}

void BootFiles::finish()
{
	for (const auto &file : files_)
		file->finish();
}

} // namespace rf
