// SPDX-License-Identifier: GPL-2.0
// A whole image layout, as skopeo makes it, and what becomes of it.
#include "cli/interrupt.hpp"
#include "host/sha256.hpp"
#include "layer.hpp"
#include "operations/oci_tree.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

namespace {

using namespace rf;
using test::Layer;
namespace fs = std::filesystem;

class OciTreeTest : public testing::Test {
protected:
	OciTreeTest()
	{
		fs::create_directories(layout() / "blobs/sha256");
		test::write_file(top_.path() / "init", boot::as_view(init_));
		::setenv("RF_CONTAINER_INIT", (top_.path() / "init").c_str(), 1);
		::setenv("TMPDIR", top_.path().c_str(), 1);
		wanted_.oci = layout();
		wanted_.initrd = "x";
		wanted_.kernel = "0-none";
		wanted_.hostname = "web";
		work_.emplace();
	}
	~OciTreeTest() override
	{
		::unsetenv("RF_CONTAINER_INIT");
		::unsetenv("TMPDIR");
	}

	fs::path layout() const { return top_.path() / "image"; }

	static std::string content(const fs::path &path)
	{
		const auto bytes = test::read_file(path);

		return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
	}

	// How a manifest names it.
	std::string put(const std::string &bytes, const std::string &type)
	{
		const std::string digest =
			hexadecimal(Sha256().add(boot::as_view(bytes)).digest());

		last_ = layout() / "blobs/sha256" / digest;
		test::write_file(last_, boot::as_view(bytes));
		return text(R"({"mediaType":")", type, R"(","digest":"sha256:)", digest,
			    R"(","size":)", bytes.size(), "}");
	}

	void make(const std::string &config,
		  const std::function<void(Layer &)> &fill = [](Layer &layer) {
			  layer.file("bin/sh", "shell", 0755).file("etc/passwd",
								   "root:x:0:0::/:/bin/sh\n"
								   "www:x:33:34::/:/bin/sh\n");
		  })
	{
		const fs::path layer = top_.path() / "layer";

		{
			Layer archive(layer, Layer::Packed::gzip);
			fill(archive);
		}
		const std::string conf = put(config, "application/vnd.oci.image.config.v1+json");
		const std::string lay = put(content(layer),
					    "application/vnd.oci.image.layer.v1.tar+gzip");
		layer_ = last_;
		const std::string manifest =
			put(text(R"({"config":)", conf, R"(,"layers":[)", lay, "]}"),
			    "application/vnd.oci.image.manifest.v1+json");
		const std::string index = text(R"({"manifests":[)", manifest, "]}");
		test::write_file(layout() / "index.json", boot::as_view(index));
	}

	std::unique_ptr<OciTree> tree()
	{
		work_.emplace();
		return std::make_unique<OciTree>(wanted_, *work_, std::uint64_t{64} << 20,
						 *output_);
	}

	std::string refusal()
	{
		try {
			tree();
		} catch (const Error &error) {
			return error.what();
		}
		return "";
	}

	const std::string init_ = "init";
	const std::string command_ =
		R"({"os":"linux","architecture":"amd64","config":{"Cmd":["sh","-c","x y"],)"
		R"("Env":["A=b"],"User":"www","StopSignal":"SIGQUIT"}})";
	const test::TemporaryDirectory top_;
	fs::path last_, layer_;
	ImageOptions wanted_;
	std::optional<WorkFolder> work_;
	std::unique_ptr<Output> output_ = Output::make(Format::json);
};

TEST_F(OciTreeTest, CommandBecomesTheInit)
{
	make(command_);
	const auto made = tree();
	const fs::path root = made->files().path();
	const std::string expected("arg=sh\0arg=-c\0arg=x y\0env=A=b\0hostname=web\0"
				   "uid=33\0gid=34\0stop=3\0", 64);

	EXPECT_EQ(content(root / "bin/sh"), "shell");
	EXPECT_EQ(content(root / "sbin/init"), init_);
	EXPECT_EQ(content(root / "etc/rainforest/container").substr(0, 20), expected.substr(0, 20));
	EXPECT_EQ(content(root / "etc/rainforest/container"), expected);
	EXPECT_EQ(fs::read_symlink(root / "init"), "/sbin/init");
	EXPECT_EQ(fs::read_symlink(root / "sbin/poweroff"), "init");
	for (const char *folder : {"dev", "proc", "sys", "run", "tmp"})
		EXPECT_TRUE(fs::is_directory(root / folder)) << folder;
	EXPECT_EQ(made->append(), "");
	EXPECT_EQ(made->kernels(), std::vector<std::string>{"0-none"});
}

TEST_F(OciTreeTest, CommandWinsOverAnInitThatItDoesNotName)
{
	make(command_, [](Layer &layer) {
		layer.file("bin/busybox", "busybox", 0755).link("sbin/init", "/bin/busybox");
		layer.link("sbin/poweroff", "/bin/busybox");
		layer.file("etc/passwd", "www:x:33:34::/:/bin/sh\n");
	});
	const auto made = tree();
	const fs::path root = made->files().path();

	EXPECT_EQ(content(root / "sbin/init"), init_);
	EXPECT_EQ(fs::read_symlink(root / "sbin/poweroff"), "init");
	EXPECT_EQ(content(root / "bin/busybox"), "busybox");
	EXPECT_TRUE(fs::exists(root / "etc/rainforest/container"));
}

TEST_F(OciTreeTest, InitThatTheCommandNamesStays)
{
	for (const char *config : {"{}", R"({"config":{"Cmd":["/lib/systemd/systemd"]}})",
				   R"({"config":{"Entrypoint":["/sbin/init"],"Cmd":["3"]}})"}) {
		make(config, [](Layer &layer) { layer.file("sbin/init", "own", 0755); });
		const auto made = tree();
		const fs::path root = made->files().path();
		EXPECT_EQ(content(root / "sbin/init"), "own") << config;
		EXPECT_FALSE(fs::exists(root / "etc/rainforest")) << config;
	}
}

TEST_F(OciTreeTest, InitOfTheImageStays)
{
	make("{}", [](Layer &layer) {
		layer.folder("usr/sbin").link("sbin", "usr/sbin").file("usr/lib/systemd", "own");
		layer.link("usr/sbin/init", "/usr/lib/systemd").file("init", "s6");
	});
	const auto made = tree();
	const fs::path root = made->files().path();

	EXPECT_EQ(fs::read_symlink(root / "usr/sbin/init"), "/usr/lib/systemd");
	EXPECT_FALSE(fs::exists(root / "etc/rainforest"));
	EXPECT_EQ(content(root / "init"), "s6");
	EXPECT_EQ(made->append(), "rf.init=/sbin/init");
}

TEST_F(OciTreeTest, IsReadOutOfAnArchive)
{
	make(command_);
	const auto done = test::run(text("cd ", layout().string(), " && tar -cf ../image.tar ."));
	ASSERT_EQ(done.status, 0) << done.text;
	wanted_.oci = top_.path() / "image.tar";
	const auto made = tree();
	EXPECT_EQ(content(fs::path(made->files().path()) / "bin/sh"), "shell");
}

TEST_F(OciTreeTest, BundleIsTakenAsItIs)
{
	const fs::path bundle = top_.path() / "bundle";
	const std::string config = R"({"process":{"args":["sh"],"user":{"uid":7,"gid":8}}})";
	const std::string shell = "shell";

	fs::create_directories(bundle / "rootfs/bin");
	test::write_file(bundle / "config.json", boot::as_view(config));
	test::write_file(bundle / "rootfs/bin/sh", boot::as_view(shell));
	fs::create_hard_link(bundle / "rootfs/bin/sh", bundle / "rootfs/bin/ash");
	fs::create_symlink("/etc/shadow", bundle / "rootfs/link");
	wanted_.oci = bundle;
	const auto made = tree();
	const fs::path root = made->files().path();
	EXPECT_EQ(content(root / "bin/ash"), shell);
	EXPECT_EQ(fs::hard_link_count(root / "bin/ash"), 2u);
	EXPECT_EQ(fs::read_symlink(root / "link"), "/etc/shadow");
	EXPECT_NE(content(root / "etc/rainforest/container").find("uid=7"), std::string::npos);
}

using OciTreeDeathTest = OciTreeTest;

TEST_F(OciTreeDeathTest, BundleIsNotCopiedAfterASignal)
{
	const fs::path bundle = top_.path() / "bundle";
	const std::string config = R"({"process":{"args":["sh"]}})";

	fs::create_directories(bundle / "rootfs/bin");
	test::write_file(bundle / "config.json", boot::as_view(config));
	wanted_.oci = bundle;
	EXPECT_EXIT(
		{
			catch_interrupts();
			std::raise(SIGINT);
			const std::string said = refusal();
			std::exit(said.find("interrupted (read the image)") != said.npos ? 0 : 1);
		},
		testing::ExitedWithCode(0), "");
}

TEST_F(OciTreeTest, DamagedBlobsAreRefused)
{
	make(command_);
	std::string bytes = content(layer_);
	bytes[bytes.size() / 2] ^= 1;
	test::write_file(layer_, boot::as_view(bytes));
	EXPECT_NE(refusal().find("is damaged: its SHA-256 is another one"), std::string::npos);
	bytes.push_back('x');
	test::write_file(layer_, boot::as_view(bytes));
	EXPECT_NE(refusal().find("are expected"), std::string::npos) << refusal();
	fs::remove(layer_);
	EXPECT_NE(refusal().find("No such file"), std::string::npos);
}

TEST_F(OciTreeTest, PathsAndNamesMayHaveColons)
{
	make(command_);
	for (const char *name : {"7", "docker.io/library/redis:7", "localhost:5000/redis:7"}) {
		wanted_.oci = text(layout().string(), ":", name);
		EXPECT_NE(refusal().find(text("there is no image '", name, "'")), std::string::npos)
			<< refusal();
	}
	fs::rename(layout(), top_.path() / "with:colon");
	wanted_.oci = top_.path() / "with:colon";
	EXPECT_EQ(refusal(), "");
	wanted_.oci = top_.path() / "none:7";
	EXPECT_EQ(refusal(), text("image '", wanted_.oci, "': No such file or directory"));
}

TEST_F(OciTreeTest, BlobsAreNoLinksOutOfTheLayout)
{
	make(command_);
	fs::rename(layer_, top_.path() / "elsewhere");
	fs::create_symlink(top_.path() / "elsewhere", layer_);
	EXPECT_NE(refusal(), "");
}

TEST_F(OciTreeTest, OtherMachinesAreRefused)
{
	make(R"({"os":"linux","architecture":"arm64","config":{"Cmd":["sh"]}})");
	EXPECT_EQ(refusal(), text("image '", layout().string(), "': the image is for linux/arm64, "
				  "and this machine is linux/amd64"));
}

TEST_F(OciTreeTest, SaysWhatIsMissing)
{
	make("{}");
	EXPECT_NE(refusal().find("neither /sbin/init in it nor a command"), std::string::npos);
	make(R"({"config":{"Cmd":["sh"],"User":"nobody"}})");
	EXPECT_NE(refusal().find("its user 'nobody' is not in its /etc/passwd"),
		  std::string::npos);
	fs::remove(layout() / "index.json");
	EXPECT_NE(refusal().find("no index.json in it"), std::string::npos);
	wanted_.oci = top_.path() / "none";
	EXPECT_NE(refusal().find("No such file"), std::string::npos);
	wanted_.oci = top_.path() / "init";
	EXPECT_NE(refusal(), "");
}

TEST_F(OciTreeTest, UsersOutsideAreNotAsked)
{
	make(R"({"config":{"Cmd":["sh"],"User":"daemon"}})", [](Layer &layer) {
		layer.file("bin/sh", "").link("etc/passwd", "/etc/passwd");
	});
	EXPECT_NE(refusal().find("is not in its /etc/passwd"), std::string::npos);
}

} // namespace
