// SPDX-License-Identifier: GPL-2.0
#include "base/error.hpp"
#include "plan/oci_image.hpp"

#include <gtest/gtest.h>

namespace {

using namespace rf;

const std::string digest(64, 'a');

std::string blob(const std::string &type, const std::string &more = "")
{
	return text(R"({"mediaType":")", type, R"(","digest":"sha256:)", digest,
		    R"(","size":7)", more, "}");
}

std::string image(const std::string &name, const std::string &platform = "")
{
	std::string more = name.empty() ? ""
					: text(R"(,"annotations":{"org.opencontainers.image.ref.)",
					       R"(name":")", name, R"("})");
	if (!platform.empty())
		more += text(R"(,"platform":{"os":"linux","architecture":")", platform, R"("})");
	return blob("application/vnd.oci.image.manifest.v1+json", more);
}

std::string index(std::initializer_list<std::string> images)
{
	std::string list;

	for (const std::string &each : images)
		list += (list.empty() ? "" : ",") + each;
	return R"({"schemaVersion":2,"manifests":[)" + list + "]}";
}

std::string manifest(const std::string &layer)
{
	return text(R"({"config":)", blob("application/vnd.oci.image.config.v1+json"),
		    R"(,"layers":[)", layer, "]}");
}

template <typename Call> std::string refusal(Call call)
{
	try {
		call();
	} catch (const Error &error) {
		EXPECT_EQ(error.code(), Code::bad_file);
		return error.what();
	}
	return "";
}

bool has(const std::string &said, const std::string &part)
{
	return said.find(part) != said.npos;
}

TEST(OciImage, IndexNamesImages)
{
	const auto choices = parse_oci_index(
		index({image("latest", "amd64"), image("other", "arm64"),
		       blob("application/vnd.oci.image.index.v1+json"),
		       blob("application/vnd.dev.cosign.signature")}));

	ASSERT_EQ(choices.size(), 3u);
	EXPECT_EQ(choices[0].sha256, digest);
	EXPECT_EQ(choices[0].size, 7u);
	EXPECT_EQ(choices[0].name, "latest");
	EXPECT_EQ(choices[0].platform, "linux/amd64");
	EXPECT_EQ(choices[1].platform, "linux/arm64");
	EXPECT_FALSE(choices[1].is_list);
	EXPECT_TRUE(choices[2].is_list);
}

TEST(OciImage, TheOneForThisMachineIsChosen)
{
	const auto many = parse_oci_index(
		index({image("a", "arm64"), image("a", "amd64"), image("b", "s390x")}));

	EXPECT_EQ(choose_oci_image(many, "a").platform, "linux/amd64");
	EXPECT_EQ(choose_oci_image(many, "").platform, "linux/amd64");
	EXPECT_EQ(refusal([&] { choose_oci_image(many, "b"); }),
		  "the image is for linux/s390x, and this machine is linux/amd64");
	EXPECT_TRUE(has(refusal([&] { choose_oci_image(many, "c"); }), "no image 'c' (there is a, b)"));
	const auto two = parse_oci_index(index({image("a"), image("b")}));
	EXPECT_TRUE(has(refusal([&] { choose_oci_image(two, ""); }), "a colon (a, b)"));
	EXPECT_EQ(choose_oci_image(two, "b").name, "b");
	EXPECT_TRUE(has(refusal([] { choose_oci_image({}, ""); }), "no image in its index"));
	EXPECT_NE(refusal([] { check_oci_platform("linux/arm64"); }), "");
	EXPECT_EQ(refusal([] { check_oci_platform("linux/amd64"); }), "");
}

TEST(OciImage, ManifestNamesLayers)
{
	using Packed = OciLayer::Packed;
	const std::pair<const char *, Packed> types[] = {
		{"application/vnd.oci.image.layer.v1.tar", Packed::no},
		{"application/vnd.oci.image.layer.v1.tar+gzip", Packed::gzip},
		{"application/vnd.oci.image.layer.v1.tar+zstd", Packed::zstd},
		{"application/vnd.docker.image.rootfs.diff.tar.gzip", Packed::gzip},
	};

	for (const auto &[type, packed] : types) {
		const auto found = parse_oci_manifest(manifest(blob(type)));
		ASSERT_EQ(found.layers.size(), 1u);
		EXPECT_EQ(found.layers[0].packed, packed) << type;
		EXPECT_EQ(found.config.sha256, digest);
	}
	EXPECT_TRUE(has(refusal([] {
				parse_oci_manifest(manifest(
					blob("application/vnd.oci.image.layer.v1.tar+gzip+encrypted")));
			}), "+encrypted', which is unknown"));
}

TEST(OciImage, ConfigurationSaysWhatRuns)
{
	const OciConfig config = parse_oci_config(
		R"({"os":"linux","architecture":"amd64","config":{"Entrypoint":["/run"],)"
		R"("Cmd":["a b",""],"Env":["PATH=/bin","A=b=c"],"WorkingDir":"/srv",)"
		R"("User":"www:www","StopSignal":"SIGQUIT"}})");

	EXPECT_EQ(config.platform, "linux/amd64");
	EXPECT_EQ(config.command, (std::vector<std::string>{"/run", "a b", ""}));
	EXPECT_EQ(config.environment, (std::vector<std::string>{"PATH=/bin", "A=b=c"}));
	EXPECT_EQ(config.folder, "/srv");
	EXPECT_EQ(config.user, "www:www");
	EXPECT_EQ(config.stop_signal, "SIGQUIT");
	EXPECT_TRUE(parse_oci_config("{}").command.empty());
	EXPECT_TRUE(parse_oci_config(R"({"config":{"Cmd":null}})").command.empty());
	const OciConfig bundle = parse_oci_bundle(
		R"({"process":{"args":["sh"],"env":["A=b"],"cwd":"/","user":{"uid":5,"gid":6}}})");
	EXPECT_EQ(bundle.command, std::vector<std::string>{"sh"});
	EXPECT_EQ(bundle.user, "5:6");
}

TEST(OciImage, RefusesNonsenseInOneLine)
{
	const std::string short_digest =
		R"({"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",)"
		R"("digest":"sha256:../../etc/shadow","size":1}]})";

	for (const std::string &json :
	     {std::string(), std::string("[]"), std::string("{"), std::string("null"),
	      std::string(1 << 16, '['), std::string(R"({"manifests":{}})"),
	      std::string(R"({"manifests":[1]})"), short_digest,
	      std::string((5 << 20), ' ')}) {
		const std::string said = refusal([&] { parse_oci_index(json); });
		EXPECT_NE(said, "") << json.substr(0, 80);
		EXPECT_EQ(said.find('\n'), said.npos);
	}
	EXPECT_NE(refusal([] { parse_oci_manifest("{}"); }), "");
	EXPECT_NE(refusal([] { parse_oci_manifest(R"({"config":[],"layers":[]})"); }), "");
	EXPECT_NE(refusal([] { parse_oci_config(R"({"config":{"Cmd":"sh"}})"); }), "");
	EXPECT_NE(refusal([] { parse_oci_config(R"({"config":{"Env":["a\u0000b"]}})"); }), "");
	EXPECT_NE(refusal([] { parse_oci_bundle(R"({"process":{"user":{"uid":-1}}})"); }), "");
}

} // namespace
