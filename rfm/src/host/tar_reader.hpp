// SPDX-License-Identifier: GPL-2.0
// A tar archive, whatever kind of it, read from its beginning to its end by libarchive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include <sys/resource.h>

struct archive;
struct archive_entry;

namespace rf {

class TarReader {
public:
	enum class Packed { no, gzip, zstd };

	// Reads `fd` from offset 0 on. `shown`: how it is called in errors, which are
	// Error(bad_file).
	TarReader(int fd, Packed packed, std::string shown);
	TarReader(const TarReader &) = delete;
	TarReader &operator=(const TarReader &) = delete;

	// Null at the end. An entry is good until the next call. Throws Error(interrupted), too.
	archive_entry *next();

	// What is in it, piece by piece; what is between them is zeros.
	using Take = std::function<void(std::span<const std::byte> bytes, std::uint64_t offset)>;
	void read(const Take &take);

private:
	struct Free {
		void operator()(struct archive *archive) const;
	};

	void skip();	// what was not read of an entry
	[[noreturn]] void fail() const;

	// The library makes room for as many pieces of a sparse file as an archive says, before
	// anybody could count them: then there is no more memory for it, and not for others.
	class MemoryLimit {
	public:
		MemoryLimit();
		~MemoryLimit();
		MemoryLimit(const MemoryLimit &) = delete;
		MemoryLimit &operator=(const MemoryLimit &) = delete;

	private:
		rlimit before_{};
		bool set_ = false;
	};

	const MemoryLimit limit_;
	std::string shown_;
	std::unique_ptr<struct archive, Free> archive_;
	bool in_entry_ = false;
};

} // namespace rf
