// SPDX-License-Identifier: GPL-2.0
// Memory images: what page tables tell about addresses, and the layout of the file.
#include "fake_subos.hpp"
#include "inspect/elf_core.hpp"

#include <gtest/gtest.h>

#include <elf.h>
#include <sys/procfs.h>

namespace {

using namespace rf::inspect;
using namespace rf::test;

constexpr std::uint64_t MIB = 1 << 20;

Vmcoreinfo note_of(const FakeSubos &subos)
{
	return Vmcoreinfo::at(subos, base + note_at).value();
}

AddressSpace space_of(const FakeSubos &subos)
{
	return AddressSpace::of(subos, note_of(subos)).value();
}

TEST(DirectMap, IsFoundWhereverItIs)
{
	FakeSubos subos;
	EXPECT_EQ(space_of(subos).direct_map(base + note_at), direct_map);

	// As with randomised addresses: 37 GiB higher, in another top-level entry too.
	for (const std::uint64_t shift : {37 * 1024 * MIB, 700 * 1024 * MIB}) {
		FakeSubos moved;
		const std::uint64_t virt = direct_map + shift + base;
		moved.put(pgd_at + 8 * ((direct_map >> 39) & 511), std::uint64_t{0});
		moved.put(pud_at + 8 * (((direct_map + base) >> 30) & 511), std::uint64_t{0});
		moved.put(pgd_at + 8 * ((virt >> 39) & 511), (base + pud_at) | 3);
		moved.put(pud_at + 8 * ((virt >> 30) & 511), (base + pmd_at) | 3);
		EXPECT_EQ(space_of(moved).direct_map(base + note_at), direct_map + shift);
	}
}

TEST(DirectMap, IsNotWhatMapsOnlyOneOfTheAddresses)
{
	FakeSubos subos;
	// Something lower maps the note's page, but not the page tables.
	constexpr std::uint64_t lower_pud = 0x16000, lower_pmd = 0x17000;
	subos.put(pgd_at + 8 * 300, (base + lower_pud) | 3);
	subos.put(lower_pud + 8 * 5, (base + lower_pmd) | 3);
	subos.put(lower_pmd + 8 * (((base + note_at) >> 21) & 511),
		  ((base + note_at) & ~(2 * MIB - 1)) | 0x83);
	EXPECT_EQ(space_of(subos).direct_map(base + note_at), direct_map);
}

TEST(DirectMap, SearchEndsWhateverTheTablesSay)
{
	FakeSubos empty;
	empty.put(pgd_at + 8 * ((direct_map >> 39) & 511), std::uint64_t{0});
	EXPECT_EQ(space_of(empty).direct_map(base + note_at), std::nullopt);

	// Every entry leads to the same table again.
	FakeSubos circular;
	for (std::uint64_t i = 0; i < 512; i++)
		circular.put(pgd_at + 8 * i, (base + pgd_at) | 3);
	circular.reads = 0;
	EXPECT_EQ(space_of(circular).direct_map(base + 0x300000), std::nullopt);
	EXPECT_LT(circular.reads, 3'000'000u);
}

TEST(KernelImage, EndsWithItsLastPage)
{
	FakeSubos subos;
	const auto image = space_of(subos).kernel_image(note_of(subos));
	ASSERT_TRUE(image);
	EXPECT_EQ(image->virt, text_map + image_at);
	EXPECT_EQ(image->phys, base + image_at);
	EXPECT_EQ(image->size, image_size);
}

TEST(KernelImage, IsTheLargestPossibleWithoutPageTables)
{
	FakeSubos subos;
	subos.put(pgd_at + 8 * 511, std::uint64_t{0});
	EXPECT_EQ(space_of(subos).kernel_image(note_of(subos))->size, 1024 * MIB);
}

TEST(KernelImage, EndsWithTheAddressesWhateverTheNoteSays)
{
	FakeSubos subos;
	auto entries = FakeSubos::default_note();
	entries["NUMBER(KERNEL_IMAGE_SIZE)"] = "-1";
	subos.note(entries);
	subos.put(pgd_at + 8 * 511, std::uint64_t{0});
	EXPECT_EQ(space_of(subos).kernel_image(note_of(subos))->size, 2048 * MIB);
}

// The file as tools read it.
class Core {
public:
	explicit Core(const CoreContents &contents) : file(lay_out_core(contents)) {}

	Elf64_Ehdr header() const { return *value_at<Elf64_Ehdr>(file.head, 0); }
	Elf64_Phdr segment(std::size_t number) const
	{
		return *value_at<Elf64_Phdr>(file.head, sizeof(Elf64_Ehdr) +
								number * sizeof(Elf64_Phdr));
	}
	CoreFile file;
};

CoreContents make_contents(const Vmcoreinfo &info)
{
	CoreContents contents;

	contents.ranges = {{0x180000000, 64 * MIB}, {base, size}, {0x28000, 0x8000}};
	contents.direct_map = direct_map;
	contents.image = KernelImage{text_map + 0x200000, base + 0x200000, 1024 * MIB};
	contents.vmcoreinfo = info.note();
	contents.cores = 3;
	return contents;
}

TEST(ElfCore, DescribesMemoryByBothKindsOfAddresses)
{
	const FakeSubos subos;
	const Vmcoreinfo info = note_of(subos);
	const Core core(make_contents(info));
	const Elf64_Ehdr header = core.header();

	EXPECT_EQ(std::memcmp(header.e_ident, ELFMAG, SELFMAG), 0);
	EXPECT_EQ(header.e_type, ET_CORE);
	EXPECT_EQ(header.e_machine, EM_X86_64);
	ASSERT_EQ(header.e_phnum, 5);
	EXPECT_EQ(core.segment(0).p_type, PT_NOTE);

	// The image is cut where its range ends, and shares the bytes of the range.
	const Elf64_Phdr image = core.segment(1);
	EXPECT_EQ(image.p_vaddr, text_map + 0x200000);
	EXPECT_EQ(image.p_paddr, base + 0x200000);
	EXPECT_EQ(image.p_memsz, size - 0x200000);
	EXPECT_EQ(image.p_offset, core.segment(3).p_offset + 0x200000);

	std::uint64_t last = 0, end = 0;
	for (std::size_t i = 2; i < header.e_phnum; i++) {
		const Elf64_Phdr load = core.segment(i);
		EXPECT_EQ(load.p_type, PT_LOAD);
		EXPECT_EQ(load.p_vaddr, direct_map + load.p_paddr);
		EXPECT_EQ(load.p_filesz, load.p_memsz);
		EXPECT_EQ(load.p_offset % 4096, 0u);
		EXPECT_GE(load.p_paddr, last);
		EXPECT_GE(load.p_offset, std::max(end, core.file.head.size()));
		last = load.p_paddr;
		end = load.p_offset + load.p_filesz;
	}
	EXPECT_EQ(end, core.file.size);
	ASSERT_EQ(core.file.parts.size(), 3u);
	EXPECT_EQ(core.file.parts[1].memory.start, base);
	EXPECT_EQ(core.file.parts[1].offset, core.segment(3).p_offset);
}

TEST(ElfCore, HasAThreadForEachCoreAndTheKernelsOwnNote)
{
	const FakeSubos subos;
	const Vmcoreinfo info = note_of(subos);
	const Core core(make_contents(info));
	const Elf64_Phdr notes = core.segment(0);
	std::size_t at = notes.p_offset;

	ASSERT_EQ(notes.p_offset + notes.p_filesz, core.file.head.size());
	for (pid_t pid = 1; pid <= 3; pid++) {
		const auto note = value_at<Elf64_Nhdr>(core.file.head, at);
		ASSERT_TRUE(note);
		EXPECT_EQ(note->n_type, static_cast<Elf64_Word>(NT_PRSTATUS));
		const auto status = value_at<elf_prstatus>(core.file.head, at + sizeof(*note) + 8);
		EXPECT_EQ(status->pr_pid, pid);
		at += sizeof(*note) + 8 + note->n_descsz;
	}
	const std::size_t length = info.note().size();
	EXPECT_EQ(std::memcmp(core.file.head.data() + at, info.note().data(), length), 0);
	EXPECT_EQ(at + (length + 3) / 4 * 4, core.file.head.size());
}

TEST(ElfCore, LeavesOutAnImageThatIsNotThere)
{
	CoreContents contents;
	contents.ranges = {{base, size}};
	contents.image = KernelImage{text_map, base + size, MIB};
	EXPECT_EQ(Core(contents).header().e_phnum, 2);
	contents.image.reset();
	EXPECT_EQ(Core(contents).header().e_phnum, 2);
}

} // namespace
