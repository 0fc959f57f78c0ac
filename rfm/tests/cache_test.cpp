// SPDX-License-Identifier: GPL-2.0
#include "fixture.hpp"
#include "base/descriptor.hpp"
#include "host/cache.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <set>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace {

using namespace rf;
using boot::Bytes;
namespace fs = std::filesystem;

constexpr std::size_t page = 4096;
constexpr std::size_t head = page;	// of an entry, before the image

const std::string kernel_file = "what a bzImage may look like";

// As a kernel is: pages of bytes, many pages of zeros, and an end that is no whole page.
Bytes make_image()
{
	Bytes image(1100 * page + 100);

	for (std::size_t at = 0; at < image.size(); at++)
		if (at / page % 3 != 1 && at / page % 300 < 250)
			image[at] = static_cast<std::byte>(at * 2654435761u >> 13);
	return image;
}

class CacheTest : public testing::Test {
protected:
	KernelCache cache(const std::string &file = kernel_file) const
	{
		return KernelCache(boot::as_view(file), folder());
	}
	std::string folder() const { return directory_.path() / "cache"; }
	std::set<std::string> names() const
	{
		std::set<std::string> found;

		for (const auto &entry : fs::directory_iterator(folder()))
			found.insert(entry.path().filename());
		return found;
	}
	fs::path entry() const { return fs::path(folder()) / *names().begin(); }

	// Times of files are as coarse as the kernel's clock.
	void make_older() const
	{
		for (const auto &entry : fs::directory_iterator(folder()))
			fs::last_write_time(entry, entry.last_write_time() - std::chrono::hours(1));
	}

	// Writes into an entry, as nobody should.
	void spoil(std::size_t offset, const std::string &bytes) const
	{
		const Descriptor fd(::open(entry().c_str(), O_WRONLY | O_CLOEXEC));

		ASSERT_EQ(::pwrite(fd.get(), bytes.data(), bytes.size(),
				   static_cast<off_t>(offset)),
			  static_cast<ssize_t>(bytes.size()));
	}
	// What was spoiled is found to be so, and made again.
	void expect_thrown_away() const
	{
		KernelCache found = cache();

		EXPECT_FALSE(found.find());
		EXPECT_TRUE(found.damaged());
		EXPECT_TRUE(found.keep(image_));
		EXPECT_EQ(names().size(), 1u);
		expect_found();
	}
	void expect_found() const
	{
		KernelCache again = cache();
		const auto entry = again.find();

		ASSERT_TRUE(entry);
		EXPECT_FALSE(again.damaged());
		EXPECT_TRUE(std::ranges::equal(entry->view(), image_));
	}

	const test::TemporaryDirectory directory_;
	const Bytes image_ = make_image();
};

TEST_F(CacheTest, FindsWhatWasKept)
{
	KernelCache first = cache();

	EXPECT_FALSE(first.find());
	EXPECT_FALSE(first.damaged());
	EXPECT_TRUE(first.keep(image_));
	expect_found();
	KernelCache other = cache("another kernel");
	EXPECT_FALSE(other.find());
	EXPECT_FALSE(other.damaged());
}

TEST_F(CacheTest, TakesNoRoomForZeros)
{
	struct stat facts {};

	ASSERT_TRUE(cache().keep(image_));
	ASSERT_EQ(::stat(entry().c_str(), &facts), 0);
	EXPECT_EQ(static_cast<std::size_t>(facts.st_size), head + image_.size());
	EXPECT_LT(static_cast<std::size_t>(facts.st_blocks) * 512, image_.size() * 2 / 3);
}

TEST_F(CacheTest, ThrowsAwayWhatHasOtherBytes)
{
	ASSERT_TRUE(cache().keep(image_));
	for (const std::size_t offset :
	     {std::size_t{0}, std::size_t{8}, std::size_t{16}, std::size_t{48}, head, head + page,
	      head + 300 * page, head + image_.size() - 1}) {
		SCOPED_TRACE(offset);
		spoil(offset, "#");
		expect_thrown_away();
	}
}

TEST_F(CacheTest, ThrowsAwayWhatBecameZeros)
{
	ASSERT_TRUE(cache().keep(image_));
	spoil(head + 2 * page, std::string(64 * page, '\0'));
	expect_thrown_away();
	spoil(0, std::string(head, '\0'));
	expect_thrown_away();
	// As a file system does that has lost blocks.
	const Descriptor fd(::open(entry().c_str(), O_WRONLY | O_CLOEXEC));
	ASSERT_EQ(::fallocate(fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, head + 2 * page,
			      page),
		  0);
	expect_thrown_away();
}

TEST_F(CacheTest, ThrowsAwayWhatHasPagesElsewhere)
{
	ASSERT_TRUE(cache().keep(image_));
	// Page 2 stands where page 1 had zeros, and page 2 is zeros.
	const Bytes bytes = test::read_file(entry());
	const std::string second(reinterpret_cast<const char *>(&bytes[head + 2 * page]), page);
	spoil(head + page, second + std::string(page, '\0'));
	expect_thrown_away();
}

TEST_F(CacheTest, ThrowsAwayWhatHasAnotherSize)
{
	ASSERT_TRUE(cache().keep(image_));
	for (const std::size_t size : {std::size_t{0}, head - 1, head, head + page,
				       head + image_.size() - 1, head + image_.size() + 1}) {
		SCOPED_TRACE(size);
		fs::resize_file(entry(), size);
		expect_thrown_away();
	}
}

TEST_F(CacheTest, ThrowsAwayTheImageOfAnotherKernel)
{
	ASSERT_TRUE(cache().keep(image_));
	const fs::path right = entry();
	ASSERT_TRUE(cache("another kernel").keep(make_image()));
	for (const std::string &name : names())
		if (name != right.filename())
			fs::rename(fs::path(folder()) / name, right);
	expect_thrown_away();
}

TEST_F(CacheTest, ThrowsAwayWhatOthersCouldWrite)
{
	ASSERT_TRUE(cache().keep(image_));
	fs::permissions(entry(), fs::perms::others_write, fs::perm_options::add);
	expect_thrown_away();
}

TEST_F(CacheTest, ThrowsAwayAlsoWhatCannotBeMadeAgain)
{
	rlimit found{};

	ASSERT_TRUE(cache().keep(image_));
	spoil(head, "#");
	KernelCache spoiled = cache();
	ASSERT_FALSE(spoiled.find());
	ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &found), 0);
	const rlimit small{page, found.rlim_max};
	const auto before = std::signal(SIGXFSZ, SIG_IGN);
	ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
	const bool kept = spoiled.keep(image_);
	::setrlimit(RLIMIT_FSIZE, &found);
	std::signal(SIGXFSZ, before);
	EXPECT_FALSE(kept);
	EXPECT_TRUE(names().empty());
}

TEST_F(CacheTest, PrunesWhatWasLeft)
{
	const fs::path here = folder();
	const std::string words = "half";

	fs::create_directories(here);
	for (const char *name : {".new-killed", ".new-works", "vmlinux-0123456789abcdef", "other"})
		test::write_file(here / name, boot::as_view(words));
	const Descriptor works(::open((here / ".new-works").c_str(), O_RDONLY | O_CLOEXEC));
	ASSERT_EQ(::flock(works.get(), LOCK_EX), 0);
	ASSERT_TRUE(cache().keep(image_));
	EXPECT_EQ(names().size(), 3u);
	EXPECT_EQ(names().count(".new-works") + names().count("other"), 2u);

	// Six more kernels: the last four stay.
	for (int i = 0; i < 6; i++) {
		const std::string file = "kernel " + std::to_string(i);
		make_older();
		ASSERT_TRUE(cache(file).keep(image_));
	}
	EXPECT_EQ(names().size(), 4u + 2);
	EXPECT_TRUE(cache("kernel 5").find());
	EXPECT_FALSE(cache().find());
}

} // namespace
