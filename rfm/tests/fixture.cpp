// SPDX-License-Identifier: GPL-2.0
#include "fixture.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <elf.h>
#include <lz4.h>
#include <lzma.h>
#include <sys/wait.h>
#include <zlib.h>
#include <zstd.h>

namespace rf::test {
namespace {

constexpr std::size_t SETUP_SECTS = 3;
constexpr std::size_t SETUP_SIZE = (SETUP_SECTS + 1) * 512;
constexpr std::size_t PAYLOAD_OFFSET = 0x300;
constexpr std::size_t VERSION_OFFSET = 0x400;
constexpr std::uint32_t INIT_SIZE = 0x412000;

[[noreturn]] void broken(const char *what)
{
	throw std::runtime_error(std::string("fixture: ") + what);
}

Bytes gzip(View raw)
{
	z_stream stream{};
	Bytes out(raw.size() + raw.size() / 100 + 4096);

	if (deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		broken("deflateInit2");
	stream.next_in = reinterpret_cast<Bytef *>(const_cast<std::byte *>(raw.data()));
	stream.avail_in = static_cast<uInt>(raw.size());
	stream.next_out = reinterpret_cast<Bytef *>(out.data());
	stream.avail_out = static_cast<uInt>(out.size());
	if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
		broken("deflate");
	out.resize(stream.total_out);
	deflateEnd(&stream);
	return out;
}

// As scripts/xz_wrap.sh in the kernel: CRC32, the x86 branch filter, LZMA2.
Bytes xz(View raw)
{
	lzma_options_lzma options;
	if (lzma_lzma_preset(&options, 6))
		broken("lzma_lzma_preset");
	lzma_filter filters[] = {
		{LZMA_FILTER_X86, nullptr},
		{LZMA_FILTER_LZMA2, &options},
		{LZMA_VLI_UNKNOWN, nullptr},
	};
	Bytes out(lzma_stream_buffer_bound(raw.size()));
	std::size_t size = 0;
	if (lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, nullptr,
				      reinterpret_cast<const std::uint8_t *>(raw.data()),
				      raw.size(), reinterpret_cast<std::uint8_t *>(out.data()),
				      &size, out.size()) != LZMA_OK)
		broken("lzma_stream_buffer_encode");
	out.resize(size);
	return out;
}

// As `lz4 -l`: blocks of 8 MiB.
Bytes lz4_legacy(View raw)
{
	constexpr std::size_t block = 8 << 20;
	Bytes out;

	boot::append(out, std::uint32_t{0x184c2102});
	for (std::size_t pos = 0; pos < raw.size(); pos += block) {
		View part = raw.subspan(pos, std::min(block, raw.size() - pos));
		Bytes packed(static_cast<std::size_t>(
			LZ4_compressBound(static_cast<int>(part.size()))));
		int size = LZ4_compress_default(reinterpret_cast<const char *>(part.data()),
						reinterpret_cast<char *>(packed.data()),
						static_cast<int>(part.size()),
						static_cast<int>(packed.size()));
		if (size <= 0)
			broken("LZ4_compress_default");
		boot::append(out, static_cast<std::uint32_t>(size));
		boot::append(out, View(packed).first(static_cast<std::size_t>(size)));
	}
	return out;
}

Bytes zstd(View raw)
{
	Bytes out(ZSTD_compressBound(raw.size()));
	std::size_t size = ZSTD_compress(out.data(), out.size(), raw.data(), raw.size(), 3);

	if (ZSTD_isError(size))
		broken("ZSTD_compress");
	out.resize(size);
	return out;
}

} // namespace

Bytes FakeVmlinux::make() const
{
	constexpr std::size_t text_at = 0x1000, data_at = text_at + TEXT_SIZE;
	constexpr std::size_t sections_at = data_at + DATA_SIZE;
	const auto virt = [](std::uint64_t place) {
		return static_cast<std::uint32_t>(0x81000000 + place);
	};
	Elf64_Ehdr ehdr{};
	std::memcpy(ehdr.e_ident, ELFMAG, SELFMAG);
	ehdr.e_ident[EI_CLASS] = ELFCLASS64;
	ehdr.e_type = ET_EXEC;
	ehdr.e_machine = EM_X86_64;
	ehdr.e_entry = LINK_BASE + ENTRY;
	ehdr.e_phoff = sizeof(ehdr);
	ehdr.e_phentsize = sizeof(Elf64_Phdr);
	ehdr.e_phnum = 3;
	ehdr.e_shoff = sections_at;
	ehdr.e_shentsize = sizeof(Elf64_Shdr);
	ehdr.e_shnum = 1;

	Bytes file(sections_at + sizeof(Elf64_Shdr));
	boot::store(file, 0, ehdr);
	const Elf64_Phdr headers[] = {
		// not in ascending order, and one that is not loaded
		{PT_LOAD, PF_R | PF_W, data_at, 0xffffffff81000000 + DATA, LINK_BASE + DATA,
		 DATA_SIZE, MEMORY - DATA, 0x200000},
		{PT_NOTE, PF_R, text_at, 0, 0, 0x10, 0x10, 4},
		{PT_LOAD, PF_R | PF_X, text_at, 0xffffffff81000000, LINK_BASE, TEXT_SIZE, TEXT_SIZE,
		 0x200000},
	};
	boot::store(file, ehdr.e_phoff, headers);
	for (std::size_t i = 0; i < TEXT_SIZE; i++)
		file[text_at + i] = static_cast<std::byte>(i * 7);
	for (std::size_t i = 0; i < DATA_SIZE; i++)
		file[data_at + i] = static_cast<std::byte>(i * 13 + 1);
	boot::store(file, text_at + PLACE64, VALUE64);
	boot::store(file, text_at + PLACE32, VALUE32);
	boot::store(file, data_at + INVERSE32 - DATA, VALUE_INVERSE);

	if (relocations) {
		boot::append(file, 0u);
		boot::append(file, virt(PLACE64));
		if (inverse_list) {
			boot::append(file, 0u);
			boot::append(file, virt(INVERSE32));
		}
		boot::append(file, 0u);
		boot::append(file, virt(PLACE32));
		if (stray)
			boot::append(file, virt(stray));
	}
	return file;
}

Bytes compress(boot::Compression kind, View raw)
{
	switch (kind) {
	case boot::Compression::gzip: return gzip(raw);
	case boot::Compression::xz: return xz(raw);
	case boot::Compression::lz4: return lz4_legacy(raw);
	case boot::Compression::zstd: return zstd(raw);
	default: return Bytes(raw.begin(), raw.end());
	}
}

Bytes make_bzimage(boot::Compression kind, View raw,
		   const std::function<void(setup_header &)> &spoil)
{
	Bytes payload = compress(kind, raw);
	if (kind != boot::Compression::gzip)	// gzip ends in the size by itself
		boot::append(payload, static_cast<std::uint32_t>(raw.size()));
	const std::size_t code_size = boot::align_up(PAYLOAD_OFFSET + payload.size(), 16);

	setup_header header{};
	header.setup_sects = SETUP_SECTS;
	header.syssize = static_cast<std::uint32_t>(code_size / 16);
	header.boot_flag = 0xaa55;
	header.jump = 0x66eb;
	header.header = 0x53726448;
	header.version = 0x020f;
	header.kernel_version = VERSION_OFFSET - 0x200;
	header.loadflags = LOADED_HIGH;
	header.kernel_alignment = 0x200000;
	header.relocatable_kernel = 1;
	header.xloadflags = 0x7f;
	header.cmdline_size = 2047;
	header.payload_offset = PAYLOAD_OFFSET;
	header.payload_length = static_cast<std::uint32_t>(payload.size());
	header.pref_address = 0x1000000;
	header.init_size = INIT_SIZE;
	if (spoil)
		spoil(header);

	Bytes file(SETUP_SIZE + code_size);
	boot::store(file, 0, std::uint16_t{0x5a4d});	// "MZ"
	file[2] = std::byte{0x01};			// not text
	boot::store(file, 0x1f1, header);
	constexpr std::string_view version = "6.1.0-99-test (maker@host) #1 SMP";
	std::memcpy(file.data() + VERSION_OFFSET, version.data(), version.size());
	std::memcpy(file.data() + SETUP_SIZE + PAYLOAD_OFFSET, payload.data(), payload.size());
	return file;
}

boot::Grant make_grant()
{
	boot::Grant grant;

	grant.name = "web";
	grant.id = 7;
	grant.ranges = {{0x140000000, 512 * boot::MIB}, {0x1c0000000, 256 * boot::MIB}};
	grant.apic_ids = {2, 3, 300};
	grant.low_slice = 0x28000;
	grant.tsc_khz = 2500000;
	return grant;
}

boot::Random make_random(std::uint64_t seed)
{
	return [state = seed](std::span<std::byte> out) mutable {
		for (auto &byte : out) {
			state = state * 6364136223846793005 + 1442695040888963407;
			byte = static_cast<std::byte>(state >> 56);
		}
	};
}

Bytes read_file(const std::filesystem::path &path)
{
	std::ifstream in(path, std::ios::binary);
	if (!in)
		broken(path.c_str());
	std::ostringstream content;
	content << in.rdbuf();
	const std::string text = content.str();
	View view = boot::as_view(text);
	return Bytes(view.begin(), view.end());
}

void write_file(const std::filesystem::path &path, View bytes)
{
	std::ofstream out(path, std::ios::binary);

	out.write(reinterpret_cast<const char *>(bytes.data()),
		  static_cast<std::streamsize>(bytes.size()));
	if (!out.flush())
		broken(path.c_str());
}

TemporaryDirectory::TemporaryDirectory()
{
	std::string name = (std::filesystem::temp_directory_path() / "rfm-test-XXXXXX").string();
	if (!mkdtemp(name.data()))
		broken("mkdtemp");
	path_ = name;
}

TemporaryDirectory::~TemporaryDirectory()
{
	std::error_code ignored;
	std::filesystem::remove_all(path_, ignored);
}

Output run(const std::string &command)
{
	std::FILE *pipe = popen(("( " + command + " ) 2>&1").c_str(), "r");
	if (!pipe)
		broken("popen");
	Output output{};
	char buffer[4096];
	while (std::size_t got = std::fread(buffer, 1, sizeof(buffer), pipe))
		output.text.append(buffer, got);
	output.status = WEXITSTATUS(pclose(pipe));
	return output;
}

View loaded(const boot::BootImage &image, std::uint64_t phys, std::uint64_t size)
{
	for (const auto &segment : image.segments)
		if (phys >= segment.phys &&
		    boot::fits(phys - segment.phys, size, segment.bytes().size()))
			return segment.bytes().subspan(phys - segment.phys, size);
	broken("nothing is loaded there");
}

std::vector<std::filesystem::path> kernels()
{
	std::vector<std::filesystem::path> paths;
	const char *list = std::getenv("RF_TEST_KERNELS");
	std::istringstream words(list ? list : "");

	for (std::string path; std::getline(words, path, ':');)
		if (!path.empty() && std::filesystem::exists(path))
			paths.emplace_back(path);
	return paths;
}

} // namespace rf::test
