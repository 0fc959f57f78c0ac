// SPDX-License-Identifier: GPL-2.0
// The root folder that the layers of a container image make, one on top of the other. They are
// files of strangers: nothing in them leads out of the folder, and how much they make is bounded.
#pragma once

#include "base/descriptor.hpp"
#include "host/tar_reader.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace rf {

// Paths are those of the system inside, as in Tree: links on the way are followed as they lead
// there. Errors are Error(bad_file), and Error(not_enough) for what is too large.
class LayerTree {
public:
	// `path`: a folder that only root can come to. `most`: bytes that all files in it may have.
	LayerTree(const std::string &path, std::uint64_t most);

	// What the layer takes away from those below it (whiteouts), then what it brings.
	void apply(int fd, TarReader::Packed packed, const std::string &shown);

	// One file of any kind, in the place of what is there. `read` gives what is in it. Each is
	// counted first.
	void count(archive_entry *entry);
	using Content = std::function<void(const TarReader::Take &take)>;
	void put(archive_entry *entry, const Content &read);

	// Devices and sockets, which a system makes for itself.
	unsigned left_out() const { return left_out_; }

private:
	void take_away(const std::string &path);
	const Descriptor &folder_of(const std::string &path);
	Descriptor find_folder(const std::string &path) const;
	Descriptor make_folders(const std::string &path);
	void make_folder(const Descriptor &folder, const std::string &name,
			 const std::string &path);
	void count_bytes(std::uint64_t bytes);
	void count_entry();
	void check_depth(const Descriptor &folder, const std::string &path) const;
	static void remove(const Descriptor &folder, const std::string &name,
			   const std::string &path);
	void put_folder(archive_entry *entry, const std::string &path);
	void put_file(archive_entry *entry, const std::string &path, const Content &read);
	void put_link(archive_entry *entry, const std::string &path);
	void put_name(archive_entry *entry, const std::string &path);
	void put_pipe(archive_entry *entry, const std::string &path);
	void set_owner_and_mode(int fd, archive_entry *entry, const std::string &path) const;

	Descriptor root_;
	std::string place_;		// of the root, as the kernel calls it
	std::string last_;		// the folder that was used last ...
	Descriptor last_folder_;	// ... which the next entry is in most often
	std::uint64_t most_, bytes_ = 0, entries_ = 0;
	unsigned left_out_ = 0;
};

} // namespace rf
