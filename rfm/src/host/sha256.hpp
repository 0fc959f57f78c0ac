// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <nettle/sha2.h>

namespace rf {

class Sha256 {
public:
	using Digest = std::array<std::uint8_t, SHA256_DIGEST_SIZE>;

	Sha256() { sha256_init(&context_); }

	Sha256 &add(std::span<const std::byte> bytes)
	{
		sha256_update(&context_, bytes.size(),
			      reinterpret_cast<const std::uint8_t *>(bytes.data()));
		return *this;
	}
	Sha256 &add(std::uint64_t number)
	{
		return add(std::as_bytes(std::span(&number, 1)));
	}
	Digest digest()
	{
		Digest digest;

		sha256_digest(&context_, digest.size(), digest.data());
		return digest;
	}

private:
	sha256_ctx context_;
};

inline std::string hexadecimal(const Sha256::Digest &digest)
{
	std::string digits;

	for (const std::uint8_t byte : digest) {
		digits += "0123456789abcdef"[byte >> 4];
		digits += "0123456789abcdef"[byte & 15];
	}
	return digits;
}

} // namespace rf
