// SPDX-License-Identifier: GPL-2.0
#include "plan/oci_image.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace rf {

namespace {

// Not rf::Json: that one searches objects from the first key on.
using Value = nlohmann::json;

constexpr std::string_view here = "linux/amd64";
constexpr std::size_t layers_most = 1024;
constexpr std::uint64_t blob_most = std::uint64_t{64} << 30;

constexpr std::array lists = {
	"application/vnd.oci.image.index.v1+json",
	"application/vnd.docker.distribution.manifest.list.v2+json",
};

constexpr std::array manifests = {
	"application/vnd.oci.image.manifest.v1+json",
	"application/vnd.docker.distribution.manifest.v2+json",
};

struct LayerType {
	std::string_view name;
	OciLayer::Packed packed;
};

constexpr LayerType layer_types[] = {
	{"application/vnd.oci.image.layer.v1.tar", OciLayer::Packed::no},
	{"application/vnd.oci.image.layer.v1.tar+gzip", OciLayer::Packed::gzip},
	{"application/vnd.oci.image.layer.v1.tar+zstd", OciLayer::Packed::zstd},
	{"application/vnd.oci.image.layer.nondistributable.v1.tar", OciLayer::Packed::no},
	{"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", OciLayer::Packed::gzip},
	{"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", OciLayer::Packed::zstd},
	{"application/vnd.docker.image.rootfs.diff.tar", OciLayer::Packed::no},
	{"application/vnd.docker.image.rootfs.diff.tar.gzip", OciLayer::Packed::gzip},
	{"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", OciLayer::Packed::gzip},
};

template <typename List> bool is_in(const List &list, std::string_view word)
{
	return std::ranges::find(list, word) != list.end();
}

[[noreturn]] void refuse(const std::string &why)
{
	throw Error(Code::bad_file, why);
}

Value parse(std::string_view json, const char *what)
{
	if (json.size() > oci_json_most)
		refuse(text(what, " is larger than ", oci_json_most >> 20, " MiB"));
	Value value = Value::parse(json, nullptr, false);
	if (!value.is_object())
		refuse(text(what, " is no JSON object"));
	return value;
}

// An empty one if there is none: then nothing is in it.
const Value &part(const Value &from, const char *key)
{
	static const Value none = Value::object();
	const auto found = from.find(key);

	if (found == from.end() || found->is_null())
		return none;
	if (!found->is_object())
		refuse(text("key '", key, "' is no object"));
	return *found;
}

const Value &list(const Value &from, const char *key)
{
	static const Value none = Value::array();
	const auto found = from.find(key);

	if (found == from.end() || found->is_null())
		return none;
	if (!found->is_array())
		refuse(text("key '", key, "' is no list"));
	return *found;
}

std::string word(const Value &value, const char *key)
{
	if (!value.is_string())
		refuse(text("key '", key, "' is no text"));
	const auto &found = value.get_ref<const std::string &>();
	if (found.find('\0') != found.npos)
		refuse(text("key '", key, "' holds a NUL character"));
	return found;
}

// "" if there is none.
std::string word_at(const Value &from, const char *key)
{
	const auto found = from.find(key);

	return found == from.end() || found->is_null() ? "" : word(*found, key);
}

std::vector<std::string> words_at(const Value &from, const char *key)
{
	std::vector<std::string> words;

	for (const Value &each : list(from, key))
		words.push_back(word(each, key));
	return words;
}

std::uint64_t number_at(const Value &from, const char *key, std::uint64_t most)
{
	const auto found = from.find(key);

	if (found == from.end() || !found->is_number_unsigned() ||
	    found->get<std::uint64_t>() > most)
		refuse(text("key '", key, "' is no number from 0 to ", most));
	return found->get<std::uint64_t>();
}

OciBlob parse_blob(const Value &value, const char *what)
{
	constexpr std::string_view kind = "sha256:";
	constexpr std::size_t digits = 64;

	if (!value.is_object())
		refuse(text(what, " is no object"));
	const std::string digest = word_at(value, "digest");
	if (!digest.starts_with(kind) || digest.size() != kind.size() + digits ||
	    digest.find_first_not_of("0123456789abcdef", kind.size()) != digest.npos)
		refuse(text("digest '", digest, "' is not acceptable: sha256 and ", digits,
			    " hexadecimal digits are"));
	return {word_at(value, "mediaType"), digest.substr(kind.size()),
		number_at(value, "size", blob_most)};
}

std::string parse_platform(const Value &from)
{
	const std::string os = word_at(from, "os"), machine = word_at(from, "architecture");

	return os.empty() && machine.empty() ? "" : os + "/" + machine;
}

OciLayer parse_layer(const Value &value)
{
	OciLayer layer{parse_blob(value, "a layer")};
	const auto type = std::ranges::find(layer_types, layer.media_type, &LayerType::name);

	if (type == std::end(layer_types))
		refuse(text("a layer is of type '", layer.media_type, "', which is unknown: tar, "
			    "tar+gzip and tar+zstd are known"));
	layer.packed = type->packed;
	return layer;
}

// Each of them once, for people.
std::string joined(const std::set<std::string> &words)
{
	constexpr std::size_t most = 8;
	std::string all;
	std::size_t count = 0;

	for (const std::string &each : words) {
		if (count++ == most)
			return all + ", ...";
		all += (all.empty() ? "" : ", ") + each;
	}
	return all;
}

} // namespace

std::vector<OciChoice> parse_oci_index(std::string_view json)
{
	const Value index = parse(json, "the index of the image");
	std::vector<OciChoice> choices;

	for (const Value &each : list(index, "manifests")) {
		OciChoice choice{parse_blob(each, "a manifest")};
		choice.is_list = is_in(lists, choice.media_type);
		// Others are signatures and the like.
		if (!choice.is_list && !is_in(manifests, choice.media_type))
			continue;
		choice.name = word_at(part(each, "annotations"),
				      "org.opencontainers.image.ref.name");
		choice.platform = parse_platform(part(each, "platform"));
		choices.push_back(std::move(choice));
	}
	return choices;
}

OciManifest parse_oci_manifest(std::string_view json)
{
	const Value value = parse(json, "the manifest of the image");
	OciManifest manifest;

	manifest.config = parse_blob(part(value, "config"), "the configuration of the image");
	for (const Value &each : list(value, "layers")) {
		if (manifest.layers.size() == layers_most)
			refuse(text("the image has more than ", layers_most, " layers"));
		manifest.layers.push_back(parse_layer(each));
	}
	return manifest;
}

OciConfig parse_oci_config(std::string_view json)
{
	const Value value = parse(json, "the configuration of the image");
	const Value &run = part(value, "config");
	OciConfig config;

	config.platform = parse_platform(value);
	config.command = words_at(run, "Entrypoint");
	for (std::string &each : words_at(run, "Cmd"))
		config.command.push_back(std::move(each));
	config.environment = words_at(run, "Env");
	config.folder = word_at(run, "WorkingDir");
	config.user = word_at(run, "User");
	config.stop_signal = word_at(run, "StopSignal");
	return config;
}

OciConfig parse_oci_bundle(std::string_view json)
{
	const Value value = parse(json, "config.json");
	const Value &run = part(value, "process"), &user = part(run, "user");
	OciConfig config;

	config.command = words_at(run, "args");
	config.environment = words_at(run, "env");
	config.folder = word_at(run, "cwd");
	if (!user.empty())
		config.user = text(number_at(user, "uid", UINT32_MAX - 1), ":",
				   number_at(user, "gid", UINT32_MAX - 1));
	return config;
}

void check_oci_platform(std::string_view platform)
{
	if (!platform.empty() && platform != here)
		refuse(text("the image is for ", platform, ", and this machine is ", here));
}

const OciChoice &choose_oci_image(const std::vector<OciChoice> &choices, std::string_view name)
{
	const OciChoice *chosen = nullptr;
	std::set<std::string> names, platforms;
	bool several = false;

	for (const OciChoice &each : choices) {
		names.insert(each.name.empty() ? "(no name)" : each.name);
		if (!name.empty() && each.name != name)
			continue;
		if (!each.platform.empty())
			platforms.insert(each.platform);
		if (!each.platform.empty() && each.platform != here)
			continue;
		several = several || chosen;
		chosen = &each;
	}
	if (chosen && !several)
		return *chosen;
	if (several)
		refuse(text("there are several images: give the name of one after the path and a "
			    "colon (", joined(names), ")"));
	if (!platforms.empty())
		refuse(text("the image is for ", joined(platforms), ", and this machine is ",
			    here));
	if (names.empty())
		refuse("there is no image in its index");
	refuse(text("there is no image '", name, "' (there is ", joined(names), ")"));
}

} // namespace rf
