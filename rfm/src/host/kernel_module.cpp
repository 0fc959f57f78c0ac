// SPDX-License-Identifier: GPL-2.0
// Modules on disk: found as modprobe finds them, and unpacked as the kernel would.
#include "host/artifacts.hpp"

#include "base/error.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <vector>

#include <libkmod.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

namespace rf {

namespace fs = std::filesystem;

namespace {

// Larger than any module with its symbols.
constexpr std::size_t module_most = std::size_t{64} << 20;
constexpr std::uint64_t xz_memory_most = std::uint64_t{64} << 20;
constexpr std::size_t step = std::size_t{1} << 16;

// ---- finding ----

// Where they are by modules.dep, which depmod(8) made; "" if that does not have it.
std::string find_indexed(const std::string &folder, const std::string &file)
{
	const char *const no_configuration[] = {nullptr};
	const std::unique_ptr<kmod_ctx, decltype(&kmod_unref)> context(
		kmod_new(folder.c_str(), no_configuration), kmod_unref);
	kmod_list *list = nullptr;
	std::string path;

	if (!context)
		return "";
	// Not on standard error.
	kmod_set_log_fn(context.get(), [](void *, int, const char *, int, const char *, const char *,
					  va_list) {}, nullptr);
	kmod_module_new_from_lookup(context.get(), file.substr(0, file.find('.')).c_str(), &list);
	if (list) {
		kmod_module *found = kmod_module_get_module(list);
		if (const char *where = kmod_module_get_path(found))
			path = where;
		kmod_module_unref(found);
		kmod_module_unref_list(list);
	}
	std::error_code error;
	return fs::is_regular_file(path, error) ? path : "";
}

// ---- unpacking: each decoder takes what it can of `in` and gives true when it is at the end ----

using Decoder = std::function<bool(std::span<const std::byte> &in, std::span<std::byte> &out)>;

[[noreturn]] void refuse(const std::string &path, const std::string &why)
{
	throw Error(Code::bad_file, text("module '", path, "': ", why));
}

std::vector<std::byte> unpack(const std::string &path, std::span<const std::byte> in,
			      const Decoder &decode)
{
	std::vector<std::byte> out;
	bool over = false;

	while (!over) {
		const std::size_t done = out.size(), left = in.size();
		out.resize(done + step);
		std::span<std::byte> room(out.data() + done, step);
		over = decode(in, room);
		out.resize(out.size() - room.size());
		if (!over && in.size() == left && out.size() == done)
			refuse(path, "it ends early");
		if (out.size() > module_most)
			refuse(path, "larger than 64 MiB");
	}
	return out;
}

std::vector<std::byte> unpack_xz(const std::string &path, std::span<const std::byte> bytes)
{
	lzma_stream stream = LZMA_STREAM_INIT;

	if (lzma_stream_decoder(&stream, xz_memory_most, 0) != LZMA_OK)
		throw std::bad_alloc();
	const std::unique_ptr<lzma_stream, decltype(&lzma_end)> end(&stream, lzma_end);
	return unpack(path, bytes, [&](std::span<const std::byte> &in, std::span<std::byte> &out) {
		stream.next_in = reinterpret_cast<const std::uint8_t *>(in.data());
		stream.avail_in = in.size();
		stream.next_out = reinterpret_cast<std::uint8_t *>(out.data());
		stream.avail_out = out.size();
		const lzma_ret rc = lzma_code(&stream, LZMA_RUN);
		if (rc != LZMA_OK && rc != LZMA_STREAM_END && rc != LZMA_BUF_ERROR)
			refuse(path, text("not intact (liblzma error ", rc, ")"));
		in = in.last(stream.avail_in);
		out = out.last(stream.avail_out);
		return rc == LZMA_STREAM_END;
	});
}

std::vector<std::byte> unpack_zstd(const std::string &path, std::span<const std::byte> bytes)
{
	const std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream(ZSTD_createDStream(),
										ZSTD_freeDStream);

	if (!stream)
		throw std::bad_alloc();
	return unpack(path, bytes, [&](std::span<const std::byte> &in, std::span<std::byte> &out) {
		ZSTD_inBuffer from{in.data(), in.size(), 0};
		ZSTD_outBuffer to{out.data(), out.size(), 0};
		const std::size_t rc = ZSTD_decompressStream(stream.get(), &to, &from);
		if (ZSTD_isError(rc))
			refuse(path, text("not intact (", ZSTD_getErrorName(rc), ")"));
		in = in.subspan(from.pos);
		out = out.subspan(to.pos);
		return rc == 0;
	});
}

std::vector<std::byte> unpack_gzip(const std::string &path, std::span<const std::byte> bytes)
{
	z_stream stream{};

	// 16: a gzip header and trailer
	if (inflateInit2(&stream, MAX_WBITS + 16) != Z_OK)
		throw std::bad_alloc();
	const std::unique_ptr<z_stream, decltype(&inflateEnd)> end(&stream, inflateEnd);
	return unpack(path, bytes, [&](std::span<const std::byte> &in, std::span<std::byte> &out) {
		stream.next_in = reinterpret_cast<Bytef *>(const_cast<std::byte *>(in.data()));
		stream.avail_in = static_cast<uInt>(in.size());
		stream.next_out = reinterpret_cast<Bytef *>(out.data());
		stream.avail_out = static_cast<uInt>(out.size());
		const int rc = inflate(&stream, Z_NO_FLUSH);
		if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
			refuse(path, text("not intact (", stream.msg ? stream.msg : "zlib", ")"));
		in = in.last(stream.avail_in);
		out = out.last(stream.avail_out);
		return rc == Z_STREAM_END;
	});
}

} // namespace

std::optional<std::string> find_module(const std::string &file, const std::string &version,
				       const std::string &root)
{
	const std::string folder = root + "/lib/modules/" + version + "/";
	std::error_code error;

	if (const std::string path = find_indexed(folder, file); !path.empty())
		return path;
	// What was just put there, without depmod.
	for (const char *place : {"updates/dkms/", "updates/", "extra/", "kernel/extra/"})
		for (const char *packed : {"", ".xz", ".zst", ".gz"})
			if (const std::string path = folder + place + file + packed;
			    fs::is_regular_file(path, error))
				return path;
	return std::nullopt;
}

FileBytes read_module(const std::string &path)
{
	FileBytes file = FileBytes::read("module", path, "a kernel module");
	const std::string_view begin(reinterpret_cast<const char *>(file.view().data()),
				     std::min<std::size_t>(file.view().size(), 6));

	// By what they are, and not by what they are called.
	if (begin.starts_with("\xfd""7zXZ"))
		return FileBytes::of(path, unpack_xz(path, file.view()));
	if (begin.starts_with("\x28\xb5\x2f\xfd"))
		return FileBytes::of(path, unpack_zstd(path, file.view()));
	if (begin.starts_with("\x1f\x8b"))
		return FileBytes::of(path, unpack_gzip(path, file.view()));
	return file;
}

} // namespace rf
