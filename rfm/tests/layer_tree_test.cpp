// SPDX-License-Identifier: GPL-2.0
// Layers of container images, also of those who mean ill. Needs root only for owners.
#include "host/layer_tree.hpp"
#include "layer.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace {

using namespace rf;
using test::Layer;
namespace fs = std::filesystem;

constexpr std::uint64_t most = 64 << 20;

class LayerTreeTest : public testing::Test {
protected:
	LayerTreeTest()
	{
		fs::create_directory(root());
		fs::create_directory(outside());
		test::write_file(outside() / "file", boot::as_view(kept_));
		tree_.emplace(root(), most);
	}
	// Whatever a layer does, this stays.
	~LayerTreeTest() override
	{
		EXPECT_EQ(content(outside() / "file"), kept_);
		EXPECT_EQ(std::distance(fs::directory_iterator(outside()), {}), 1);
	}

	fs::path root() const { return top_.path() / "tree"; }
	fs::path outside() const { return top_.path() / "outside"; }
	fs::path blob() const { return top_.path() / "layer"; }

	static std::string content(const fs::path &path)
	{
		const auto bytes = test::read_file(path);

		return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
	}

	void apply(const std::function<void(Layer &)> &fill, Layer::Packed packed = {},
		   TarReader::Packed read_as = TarReader::Packed::no)
	{
		{
			Layer layer(blob(), packed);
			fill(layer);
		}
		const Descriptor fd(::open(blob().c_str(), O_RDONLY));
		tree_->apply(fd.get(), read_as, "layer");
	}

	std::string refusal(const std::function<void(Layer &)> &fill)
	{
		try {
			apply(fill);
		} catch (const Error &error) {
			return error.what();
		}
		return "";
	}

	const std::string kept_ = "kept";
	const test::TemporaryDirectory top_;
	std::optional<LayerTree> tree_;
};

TEST_F(LayerTreeTest, LayersLieOnEachOther)
{
	struct stat facts {};

	apply([](Layer &layer) {
		layer.folder("./").folder("etc/").file("etc/hostname", "one").file("etc/old", "old");
		layer.file("bin/sh", "shell", 04755).link("sh", "bin/sh").name("bin/ash", "bin/sh");
		layer.file("etc/\xc3\xa4", "umlaut").add("pipe", AE_IFIFO | 0600);
	});
	apply([](Layer &layer) { layer.file("/etc/hostname", "two").folder("tmp", 01777); });
	EXPECT_EQ(content(root() / "etc/hostname"), "two");
	EXPECT_EQ(content(root() / "etc/old"), "old");
	EXPECT_EQ(content(root() / "bin/ash"), "shell");
	EXPECT_EQ(content(root() / "etc/\xc3\xa4"), "umlaut");
	EXPECT_EQ(fs::read_symlink(root() / "sh"), "bin/sh");
	EXPECT_TRUE(fs::is_fifo(root() / "pipe"));
	ASSERT_EQ(::stat((root() / "bin/sh").c_str(), &facts), 0);
	EXPECT_EQ(facts.st_mode & 07777, 04755u);
	EXPECT_EQ(facts.st_nlink, 2u);
	ASSERT_EQ(::stat((root() / "tmp").c_str(), &facts), 0);
	EXPECT_EQ(facts.st_mode & 07777, 01777u);
}

TEST_F(LayerTreeTest, AreReadInEachCompression)
{
	const auto fill = [](Layer &layer) { layer.file("file", "content"); };

	apply(fill, Layer::Packed::gzip, TarReader::Packed::gzip);
	EXPECT_EQ(content(root() / "file"), "content");
	fs::remove(root() / "file");
	apply(fill, Layer::Packed::zstd, TarReader::Packed::zstd);
	EXPECT_EQ(content(root() / "file"), "content");
	// What is not the compression that the manifest says is not guessed.
	EXPECT_THROW(apply(fill, Layer::Packed::gzip, TarReader::Packed::no), Error);
}

TEST_F(LayerTreeTest, WhiteoutsTakeAwayWhatIsBelow)
{
	apply([](Layer &layer) {
		layer.file("a/one", "1").file("a/two", "2").file("b/c/three", "3").file("d", "4");
		layer.file("e/five", "5");
	});
	apply([](Layer &layer) {
		// The marks come last, and do not hide what their own layer brings.
		layer.file("a/new", "n").file("b/own", "o");
		layer.file("a/.wh.one", "").file(".wh.d", "").file("b/.wh..wh..opq", "");
		layer.file("none/.wh.x", "").file("a/.wh.missing", "").file(".wh.e", "");
		layer.file("e", "a file now").file(".wh..wh.plnk", "");
	});
	EXPECT_FALSE(fs::exists(root() / "a/one"));
	EXPECT_EQ(content(root() / "a/two"), "2");
	EXPECT_EQ(content(root() / "a/new"), "n");
	EXPECT_FALSE(fs::exists(root() / "d"));
	EXPECT_FALSE(fs::exists(root() / "b/c"));
	EXPECT_EQ(content(root() / "b/own"), "o");
	EXPECT_EQ(content(root() / "e"), "a file now");
	EXPECT_FALSE(fs::exists(root() / "none"));
	EXPECT_FALSE(fs::exists(root() / ".wh..wh.plnk"));
}

TEST_F(LayerTreeTest, KindsChange)
{
	apply([](Layer &layer) {
		layer.file("a/b/file", "1").file("f", "2").link("l", "a").folder("usr/lib");
		layer.link("lib", "usr/lib");
	});
	apply([](Layer &layer) {
		layer.file("a", "file").folder("f").file("f/in", "3").folder("l").file("l/in", "4");
		layer.file("lib/x", "5");
	});
	EXPECT_EQ(content(root() / "a"), "file");
	EXPECT_EQ(content(root() / "f/in"), "3");
	EXPECT_FALSE(fs::is_symlink(root() / "l"));
	EXPECT_EQ(content(root() / "l/in"), "4");
	// As on systems with a merged /usr.
	EXPECT_EQ(content(root() / "usr/lib/x"), "5");
}

TEST_F(LayerTreeTest, PathsDoNotLeadOut)
{
	const std::string up = "../outside/file";

	EXPECT_NE(refusal([&](Layer &layer) { layer.file(up, "x"); }).find("'..'"),
		  std::string::npos);
	EXPECT_NE(refusal([](Layer &layer) { layer.file("a/../../outside/file", "x"); }), "");
	EXPECT_NE(refusal([](Layer &layer) { layer.file("../outside/.wh.file", ""); }), "");
	EXPECT_NE(refusal([](Layer &layer) { layer.file("a/.wh...", ""); }), "");
	EXPECT_NE(refusal([](Layer &layer) { layer.file("a/.wh..", ""); }), "");
	EXPECT_NE(refusal([](Layer &layer) { layer.file("a/.wh.", ""); }), "");
	EXPECT_NE(refusal([&](Layer &layer) { layer.name("x", up); }), "");
}

TEST_F(LayerTreeTest, AbsolutePathsAreInside)
{
	const std::string absolute = outside() / "file";

	apply([&](Layer &layer) { layer.file(absolute, "x"); });
	EXPECT_EQ(content(root() / fs::path(absolute).relative_path()), "x");
	// A second name of a file of the host.
	EXPECT_NE(refusal([](Layer &layer) { layer.name("passwd", "/etc/passwd"); }), "");
}

TEST_F(LayerTreeTest, LinksDoNotLeadOut)
{
	const std::string target = outside();

	// What they lead to is made inside.
	apply([&](Layer &layer) { layer.link("absolute", target).file("absolute/new", "x"); });
	EXPECT_EQ(content(root() / fs::path(target).relative_path() / "new"), "x");
	apply([](Layer &layer) { layer.link("relative", "../outside").file("relative/new", "x"); });
	EXPECT_EQ(content(root() / "outside/new"), "x");
	// A link in the place of the file, then the file: the link is replaced.
	apply([&](Layer &layer) { layer.link("f", target + "/file").file("f", "x"); });
	EXPECT_EQ(content(root() / "f"), "x");
	// Nothing is there to be taken away.
	apply([&](Layer &layer) { layer.link("w", target).link("v", "../outside"); });
	apply([](Layer &layer) { layer.file("w/.wh.file", "").file("v/.wh..wh..opq", ""); });
	EXPECT_NE(refusal([&](Layer &layer) {
			  layer.link("o", "../outside").name("stolen", "o/file");
		  }), "");
	// A folder does not become what a link leads to.
	apply([&](Layer &layer) { layer.link("d", target).folder("d", 0700); });
	EXPECT_FALSE(fs::is_symlink(root() / "d"));
	EXPECT_NE(refusal([](Layer &layer) { layer.link("c", "c").file("c/file", "x"); }), "");
}

TEST_F(LayerTreeTest, FoldersAreMadeBehindLinksThatLeadNowhereYet)
{
	apply([](Layer &layer) {
		layer.link("var/run", "/run").file("var/run/pid", "1");
		layer.link("a/b", "../c/./d/../e").file("a/b/f/file", "2");
		layer.link("up", "../../../g").file("up/file", "3");
		layer.link("one", "two").link("two", "/h/i").file("one/file", "4");
	});
	EXPECT_EQ(content(root() / "run/pid"), "1");
	EXPECT_TRUE(fs::is_symlink(root() / "var/run"));
	EXPECT_EQ(content(root() / "c/e/f/file"), "2");
	EXPECT_EQ(content(root() / "g/file"), "3");
	EXPECT_EQ(content(root() / "h/i/file"), "4");
	EXPECT_NE(refusal([](Layer &layer) {
			  layer.link("x", "/none/y").link("none/y", "/none/z/../y/a");
			  layer.file("x/file", "5");
		  }).find("Too many levels of symbolic links"), std::string::npos);
	EXPECT_NE(refusal([](Layer &layer) {
			  layer.file("file", "").link("l", "/file/none").file("l/x", "");
		  }).find("Not a directory"), std::string::npos);
}

TEST_F(LayerTreeTest, NamesOfLinksAreNotFollowed)
{
	// The second name is of the link itself.
	apply([&](Layer &layer) { layer.link("l", outside() / "file").name("m", "l"); });
	EXPECT_TRUE(fs::is_symlink(root() / "m"));
	EXPECT_NE(refusal([](Layer &layer) { layer.folder("d").name("e", "d"); }), "");
	EXPECT_NE(refusal([](Layer &layer) { layer.name("e", "none"); }), "");
}

TEST_F(LayerTreeTest, DevicesAreLeftOut)
{
	apply([](Layer &layer) { layer.device("sda").file("file", "x"); });
	EXPECT_FALSE(fs::exists(root() / "sda"));
	EXPECT_EQ(tree_->left_out(), 1u);
}

TEST_F(LayerTreeTest, SizesAreBounded)
{
	const std::string larger = "unpacks to more than 64M";

	EXPECT_NE(refusal([](Layer &layer) {
			  layer.hole("bomb", std::int64_t{1} << 50);
		  }).find(larger), std::string::npos);
	EXPECT_FALSE(fs::exists(root() / "bomb"));
	EXPECT_NE(refusal([](Layer &layer) {
			  for (int i = 0; i < 70; i++)
				  layer.file(text("f", i), std::string(1 << 20, '\0'));
		  }).find(larger), std::string::npos);
	// Holes are counted, too.
	tree_.emplace(root(), most);
	apply([](Layer &layer) { layer.hole("hole", 5 << 20); });
	EXPECT_EQ(fs::file_size(root() / "hole"), 5u << 20);
}

// Before anything of the layer is unpacked.
TEST_F(LayerTreeTest, RoomOfTheFileSystemIsBounded)
{
	const std::uint64_t size = std::uint64_t{1} << 58;
	char header[1024] = "large";

	// As GNU tar writes what is too large for octal digits.
	std::strcpy(header + 100, "0000644");
	std::strcpy(header + 108, "0000000");
	std::strcpy(header + 116, "0000000");
	header[124] = static_cast<char>(0x80);
	for (int i = 0; i < 8; i++)
		header[128 + i] = static_cast<char>(size >> (56 - 8 * i));
	std::strcpy(header + 136, "00000000000");
	std::memset(header + 148, ' ', 8);
	header[156] = '0';
	std::memcpy(header + 257, "ustar  ", 8);
	unsigned sum = 0;
	for (int i = 0; i < 512; i++)
		sum += static_cast<unsigned char>(header[i]);
	std::snprintf(header + 148, 8, "%06o", sum);
	test::write_file(blob(), boot::as_view({header, sizeof(header)}));
	tree_.emplace(root(), ~std::uint64_t{0});
	const Descriptor fd(::open(blob().c_str(), O_RDONLY));
	try {
		tree_->apply(fd.get(), TarReader::Packed::no, "layer");
		FAIL();
	} catch (const Error &error) {
		EXPECT_EQ(error.code(), Code::not_enough);
		EXPECT_NE(std::string(error.what()).find("do not fit into"), std::string::npos)
			<< error.what();
	}
	EXPECT_TRUE(fs::is_empty(root()));
}

TEST_F(LayerTreeTest, DepthIsBounded)
{
	std::string path;

	for (int i = 0; i < 150; i++)
		path += "d/";
	EXPECT_NE(refusal([&](Layer &layer) {
			  layer.folder(path).link("l", path).folder("l/" + path);
		  }).find("without end"), std::string::npos);
	EXPECT_NE(refusal([](Layer &layer) { layer.file(std::string(300, 'n'), ""); }), "");
}

TEST_F(LayerTreeTest, DamagedArchivesAreTold)
{
	apply([](Layer &layer) { layer.file("file", std::string(100'000, 'x')); });
	fs::resize_file(blob(), 50'000);
	const Descriptor fd(::open(blob().c_str(), O_RDONLY));
	EXPECT_THROW(tree_->apply(fd.get(), TarReader::Packed::no, "layer"), Error);
	const std::string nonsense(4096, 'n');
	test::write_file(blob(), boot::as_view(nonsense));
	const Descriptor other(::open(blob().c_str(), O_RDONLY));
	try {
		tree_->apply(other.get(), TarReader::Packed::no, "layer");
		FAIL();
	} catch (const Error &error) {
		EXPECT_NE(std::string(error.what()).find("'layer' cannot be read as a tar archive"),
			  std::string::npos);
	}
}

TEST_F(LayerTreeTest, CapabilitiesAreKept)
{
	// cap_net_raw+ep, as the kernel has it: revision 2.
	const std::string value("\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
	const auto fill = [&](const std::string &set) {
		return [&, set](Layer &layer) {
			layer.add("ping", AE_IFREG | 0755, "x", [&](archive_entry *entry) {
				::archive_entry_xattr_add_entry(entry, "security.capability",
								set.data(), set.size());
				::archive_entry_xattr_add_entry(entry, "user.other", "x", 1);
			});
		};
	};
	char found[64];

	if (::geteuid() != 0)
		GTEST_SKIP() << "not root";
	apply(fill(value));
	const std::string path = root() / "ping";
	ASSERT_EQ(::getxattr(path.c_str(), "security.capability", found, sizeof(found)), 20);
	EXPECT_EQ(std::string(found, 20), value);
	EXPECT_LT(::getxattr(path.c_str(), "user.other", found, sizeof(found)), 0);
	// What the kernel does not take is not left out in silence.
	EXPECT_NE(refusal(fill("nonsense")), "");
}

TEST_F(LayerTreeTest, OwnersAreTheImages)
{
	struct stat facts {};

	if (::geteuid() != 0)
		GTEST_SKIP() << "not root";
	apply([](Layer &layer) {
		layer.add("f", AE_IFREG | 0600, "x", [](archive_entry *entry) {
			::archive_entry_set_uid(entry, 1234);
			::archive_entry_set_gid(entry, 99);
		});
	});
	ASSERT_EQ(::stat((root() / "f").c_str(), &facts), 0);
	EXPECT_EQ(facts.st_uid, 1234u);
	EXPECT_EQ(facts.st_gid, 99u);
}

} // namespace
