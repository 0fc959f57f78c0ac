// SPDX-License-Identifier: GPL-2.0
// Layers of container images for tests: whatever a stranger may put into a tar archive.
#pragma once

#include "fixture.hpp"

#include <functional>

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace rf::test {

class Layer {
public:
	enum class Packed { no, gzip, zstd };

	explicit Layer(const std::filesystem::path &path, Packed packed = Packed::no)
		: archive_(::archive_write_new())
	{
		::archive_write_set_format_pax_restricted(archive_);
		if (packed == Packed::gzip)
			::archive_write_add_filter_gzip(archive_);
		if (packed == Packed::zstd)
			::archive_write_add_filter_zstd(archive_);
		EXPECT_EQ(::archive_write_open_filename(archive_, path.c_str()), ARCHIVE_OK);
	}
	~Layer()
	{
		EXPECT_EQ(::archive_write_close(archive_), ARCHIVE_OK);
		::archive_write_free(archive_);
	}

	Layer &file(const std::string &name, const std::string &content, mode_t mode = 0644)
	{
		return add(name, AE_IFREG | mode, content);
	}
	Layer &folder(const std::string &name, mode_t mode = 0755)
	{
		return add(name, AE_IFDIR | mode);
	}
	Layer &link(const std::string &name, const std::string &target)
	{
		return add(name, AE_IFLNK | 0777, "", [&](archive_entry *entry) {
			::archive_entry_set_symlink(entry, target.c_str());
		});
	}
	Layer &name(const std::string &name, const std::string &target)
	{
		return add(name, AE_IFREG | 0644, "", [&](archive_entry *entry) {
			::archive_entry_set_hardlink(entry, target.c_str());
		});
	}
	Layer &device(const std::string &name)
	{
		return add(name, AE_IFBLK | 0666, "", [](archive_entry *entry) {
			::archive_entry_set_rdev(entry, makedev(8, 0));
		});
	}
	// All of it a hole.
	Layer &hole(const std::string &name, std::int64_t size)
	{
		return add(name, AE_IFREG | 0644, "", [&](archive_entry *entry) {
			::archive_entry_set_size(entry, size);
			::archive_entry_sparse_add_entry(entry, size - 1, 1);
		});
	}
	Layer &add(const std::string &name, unsigned mode, const std::string &content = "",
		   const std::function<void(archive_entry *)> &change = {})
	{
		archive_entry *entry = ::archive_entry_new();

		::archive_entry_set_pathname(entry, name.c_str());
		::archive_entry_set_mode(entry, static_cast<mode_t>(mode));
		::archive_entry_set_uid(entry, ::geteuid());
		::archive_entry_set_gid(entry, ::getegid());
		::archive_entry_set_size(entry, static_cast<std::int64_t>(content.size()));
		if (change)
			change(entry);
		EXPECT_GE(::archive_write_header(archive_, entry), ARCHIVE_WARN)
			<< ::archive_error_string(archive_);
		::archive_write_data(archive_, content.data(), content.size());
		::archive_entry_free(entry);
		return *this;
	}

private:
	struct archive *archive_;
};

} // namespace rf::test
