// SPDX-License-Identifier: GPL-2.0
#include "fixture.hpp"
#include "plan/image_options.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace {

using namespace rf;

Request request(std::map<std::string, std::string> values)
{
	values.emplace("disk", "image");
	return {.values = std::move(values), .operands = {"build"}};
}

std::string refusal(std::map<std::string, std::string> values)
{
	try {
		parse_image_options(request(std::move(values)));
	} catch (const Error &error) {
		return error.what();
	}
	return "";
}

bool has(const std::vector<std::string> &words, const std::string &word)
{
	return std::ranges::find(words, word) != words.end();
}

TEST(ImageOptions, HasDefaults)
{
	const ImageOptions wanted = parse_image_options(request({}));

	EXPECT_EQ(wanted.suite, "bookworm");
	EXPECT_EQ(wanted.file_system, "ext4");
	EXPECT_EQ(wanted.hostname, "debian");
	EXPECT_EQ(size_of_file(wanted), std::uint64_t{4} << 30);
	EXPECT_FALSE(wanted.size);
	EXPECT_FALSE(wanted.force);
	EXPECT_TRUE(has(packages_of(wanted), "linux-image-amd64"));
	EXPECT_TRUE(has(packages_of(wanted), "e2fsprogs"));
}

TEST(ImageOptions, SaysWhichPackages)
{
	const auto packages = packages_of(parse_image_options(request(
		{{"fs", "xfs"}, {"include", "fio,g++"}, {"kernel", "6.1.0-56-cloud-amd64"}})));

	EXPECT_TRUE(has(packages, "xfsprogs"));
	EXPECT_FALSE(has(packages, "e2fsprogs"));
	EXPECT_TRUE(has(packages, "fio"));
	EXPECT_TRUE(has(packages, "g++"));
	EXPECT_TRUE(has(packages, "linux-image-6.1.0-56-cloud-amd64"));
	EXPECT_FALSE(has(packages, "openssh-server"));
}

TEST(ImageOptions, NamesWhatIsNotAcceptable)
{
	const std::vector<std::pair<std::string, std::string>> wrong = {
		{"suite", "../x"},	   {"suite", "-x"},	      {"fs", "btrfs"},
		{"size", "100M"},	   {"size", "1073741825"},    {"hostname", "Web"},
		{"hostname", "web-"},	   {"hostname", ""},	      {"kernel", "6.1 0"},
		{"include", "fio,-o"},	   {"include", "fio,,curl"},  {"mirror", "nowhere"},
		{"mirror", "/no/such"},	   {"hostname", std::string(64, 'a')},
	};

	for (const auto &[option, value] : wrong) {
		const std::string said = refusal({{option, value}});
		EXPECT_NE(said.find("give "), std::string::npos) << option << " " << value;
		EXPECT_EQ(said.find('\n'), std::string::npos);
	}
	EXPECT_NE(refusal({{"root-password", ""}}), "");
	EXPECT_NE(refusal({{"root-password", "a\nb"}}), "");
	EXPECT_EQ(refusal({{"root-password", "a b"}, {"mirror", "http://mirror/debian"}}), "");
}

TEST(ImageOptions, InitrdHasNothingOfADisk)
{
	const auto parse = [](std::map<std::string, std::string> values) {
		return parse_image_options({.values = std::move(values), .operands = {"build"}});
	};
	const auto packages = packages_of(parse({{"initrd", "image"}}), false);

	EXPECT_TRUE(has(packages, "systemd-sysv"));
	for (const char *name : {"linux-image-amd64", "initramfs-tools", "e2fsprogs"})
		EXPECT_FALSE(has(packages, name)) << name;
	EXPECT_TRUE(has(packages_of(parse({{"initrd", "image"}})), "linux-image-amd64"));
	EXPECT_THROW(parse({}), Error);
	EXPECT_THROW(parse({{"initrd", ""}}), Error);
	EXPECT_NE(refusal({{"initrd", "x"}}).find("give one of them"), std::string::npos);
	EXPECT_THROW(parse({{"initrd", "image"}, {"size", "4G"}}), Error);
	EXPECT_THROW(parse({{"initrd", "image"}, {"fs", "xfs"}}), Error);
}

TEST(ImageOptions, TakesPublicKeysOnly)
{
	const test::TemporaryDirectory directory;
	const auto path = directory.path() / "key";
	const std::string secret = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
	const std::string open = "ssh-ed25519 AAAA\n";

	EXPECT_NE(refusal({{"ssh-key", path}}), "");
	test::write_file(path, boot::as_view(secret));
	EXPECT_NE(refusal({{"ssh-key", path}}).find("private key"), std::string::npos);
	test::write_file(path, boot::as_view(open));
	const ImageOptions wanted = parse_image_options(request({{"ssh-key", path}}));
	EXPECT_EQ(wanted.ssh_key, open);
	EXPECT_TRUE(has(packages_of(wanted), "openssh-server"));
}

} // namespace
