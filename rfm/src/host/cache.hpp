// SPDX-License-Identifier: GPL-2.0
// Decompressed kernel images, kept between creates: decompression takes longer
// than everything else that rfm does. Keyed by the content of the compressed
// file; an entry that fails its own checks is as good as none.
#pragma once

#include "boot/image.hpp"

#include <optional>
#include <span>
#include <string>

namespace rf {

// A read-only mapping of one cache entry, or the bytes themselves. Move-only.
class Vmlinux {
public:
	Vmlinux() = default;
	explicit Vmlinux(boot::Bytes bytes) : bytes_(std::move(bytes)) {}
	Vmlinux(void *mapping, std::size_t mapped, boot::View view)
		: mapping_(mapping), mapped_(mapped), view_(view) {}
	Vmlinux(Vmlinux &&other) noexcept;
	Vmlinux &operator=(Vmlinux &&other) noexcept;
	~Vmlinux();

	boot::View view() const { return mapping_ ? view_ : boot::View(bytes_); }
	bool cached() const { return mapping_ != nullptr; }

private:
	boot::Bytes bytes_;
	void *mapping_ = nullptr;
	std::size_t mapped_ = 0;
	boot::View view_;
};

class KernelCache {
public:
	explicit KernelCache(std::string directory = "/var/cache/rainforest")
		: directory_(std::move(directory)) {}

	std::optional<Vmlinux> find(boot::View kernel_file) const;
	// Best effort: without a writable directory nothing is kept. True if it was.
	bool keep(boot::View kernel_file, boot::View vmlinux) const;

private:
	std::string path_of(boot::View kernel_file) const;
	void prune() const;
	std::string directory_;
};

} // namespace rf
