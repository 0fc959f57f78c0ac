// SPDX-License-Identifier: GPL-2.0
// Decompressed kernel images, kept between creates: decompression takes longer
// than everything else that rfm does. Keyed by the SHA-256 of the compressed file, and
// checked by another one of what is kept each time it is read: what lies on a disk for
// months need not be what was written, and nothing else would notice before the subOS's
// boot core, whose triple fault resets the machine.
#pragma once

#include "boot/image.hpp"

#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace rf {

// The bytes of an image: as they were decompressed, or as they were read. Move-only.
class Vmlinux {
public:
	Vmlinux() = default;
	explicit Vmlinux(boot::Bytes bytes) : bytes_(std::move(bytes)) {}
	// All zeros, of which those that stay so take no memory.
	static Vmlinux zeros(std::size_t size);

	boot::View view() const
	{
		return zeroed_ ? boot::View(zeroed_.get(), size_) : boot::View(bytes_);
	}
	// Of one that was made by zeros().
	std::span<std::byte> bytes() { return {zeroed_.get(), size_}; }

private:
	struct Free {
		void operator()(std::byte *bytes) const { std::free(bytes); }
	};

	boot::Bytes bytes_;
	std::unique_ptr<std::byte, Free> zeroed_;
	std::size_t size_ = 0;
};

// The cache, as far as one kernel is concerned.
class KernelCache {
public:
	using Digest = std::array<std::uint8_t, 32>;

	explicit KernelCache(boot::View kernel_file,
			     std::string directory = "/var/cache/rainforest");

	// Nothing if there is no entry, or one that is not as it was kept. Changes nothing.
	std::optional<Vmlinux> find();
	// find() met an entry that is not as it was kept.
	bool damaged() const { return damaged_; }
	// Instead of what find() met. Best effort: without a writable directory nothing is
	// kept. True if it was.
	bool keep(boot::View vmlinux) const;

private:
	bool write_entry(boot::View vmlinux) const;
	void prune() const;

	Digest key_;
	std::string directory_, path_;
	bool damaged_ = false;
};

} // namespace rf
