// SPDX-License-Identifier: GPL-2.0
// Against distribution kernels, named in RF_TEST_KERNELS.
#include <set>

#include <gtest/gtest.h>

#include "boot/features.hpp"
#include "boot/look_alike.hpp"
#include "boot/vmlinux.hpp"
#include "fixture.hpp"

namespace rf::test {
namespace {

class RealKernels : public testing::Test {
protected:
	void SetUp() override
	{
		if (kernels().empty())
			GTEST_SKIP() << "RF_TEST_KERNELS names no kernel";
	}
};

// One direct image per seed must differ; each is checked against the linked one.
void check_kaslr(const boot::Kernel &kernel, const Bytes &raw)
{
	const auto vmlinux = boot::parse_vmlinux(raw);
	const Bytes linked = boot::place(vmlinux, 0);
	std::set<std::uint64_t> virt, phys;
	boot::Grant grant = make_grant();
	grant.ranges = {{0x140000000, boot::GIB}};

	for (std::uint64_t seed = 0; seed < 4; seed++) {
		const auto image = boot::build(kernel, raw, {}, grant, {.agent = false},
					       make_random(seed));
		EXPECT_TRUE(image.direct);
		virt.insert(image.kernel_virt);
		phys.insert(image.kernel_phys);

		// the 64-bit ones, read back by hand
		const std::uint64_t offset = image.kernel_virt - 0xffffffff81000000;
		const View placed = loaded(image, image.kernel_phys, linked.size());
		const View list = vmlinux.relocations->absolute64;
		ASSERT_GT(list.size(), 4000u);
		for (std::size_t pos = 0; pos < list.size(); pos += 4) {
			auto place = boot::load<std::uint32_t>(list, pos) - 0x81000000u;
			ASSERT_EQ(boot::load<std::uint64_t>(placed, place),
				  boot::load<std::uint64_t>(linked, place) + offset);
		}
	}
	EXPECT_GE(virt.size(), 3u);	// out of some 460 slots
	EXPECT_GE(phys.size(), 3u);
}

TEST_F(RealKernels, ParseUnpackPlace)
{
	for (const auto &path : kernels()) {
		SCOPED_TRACE(path.string());
		const Bytes file = read_file(path);
		const boot::Kernel kernel = boot::parse_bzimage(file);
		EXPECT_EQ("vmlinuz-" + kernel.version, path.filename().string());
		const Bytes raw = boot::decompress(kernel);
		ASSERT_TRUE(boot::parse_vmlinux(raw).relocations);
		EXPECT_LE(boot::parse_vmlinux(raw).memory, kernel.init_size);
		check_kaslr(kernel, raw);
	}
}

// Without the file that comes with them.
TEST_F(RealKernels, FeaturesAreSeenInTheImage)
{
	for (const auto &path : kernels()) {
		SCOPED_TRACE(path.string());
		const Bytes file = read_file(path);
		EXPECT_EQ(boot::look_alike(file), std::nullopt);
		const Bytes raw = boot::decompress(boot::parse_bzimage(file));
		const boot::Features features("", raw);
		for (auto feature : {boot::Feature::acpi, boot::Feature::local_apic,
				     boot::Feature::smp, boot::Feature::memory_hotplug})
			EXPECT_EQ(features.has(feature), true) << boot::feature_option(feature);
	}
}

TEST_F(RealKernels, EveryTruncationIsRefused)
{
	for (const auto &path : kernels()) {
		const Bytes file = read_file(path);
		const boot::Kernel kernel = boot::parse_bzimage(file);
		const auto end = kernel.protected_mode.data() + kernel.protected_mode.size();
		const auto size = static_cast<std::size_t>(end - file.data());
		for (std::size_t cut = 0; cut < size; cut += 1 + cut / 7)
			EXPECT_THROW(boot::parse_bzimage(View(file).first(cut)), boot::Error)
				<< cut;
		EXPECT_THROW(boot::parse_bzimage(View(file).first(size - 1)), boot::Error);
	}
}

} // namespace
} // namespace rf::test
