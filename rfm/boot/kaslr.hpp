// SPDX-License-Identifier: GPL-2.0
// Where the kernel goes.
#pragma once

#include "boot/image.hpp"

namespace rf::boot {

constexpr std::uint64_t KERNEL_IMAGE_SIZE = 1ull << 30;	// room at __START_KERNEL_map

// One of the multiples of `alignment` in [first, last], each as likely. Throws
// std::logic_error if there is none.
std::uint64_t random_slot(std::uint64_t first, std::uint64_t last, std::uint64_t alignment,
			  const Random &random);

} // namespace rf::boot
