// SPDX-License-Identifier: GPL-2.0
// What the JSON of a container image says (OCI image specification 1.0; Docker's media types are
// taken, too): pure, for files of strangers. All throw Error(bad_file).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rf {

// The largest such file that is read; also what registries take.
inline constexpr std::size_t oci_json_most = 4 << 20;

// A file of an image, named by what is in it.
struct OciBlob {
	std::string media_type;
	std::string sha256;	// 64 hexadecimal digits
	std::uint64_t size = 0;
};

struct OciLayer : OciBlob {
	enum class Packed { no, gzip, zstd };

	Packed packed = Packed::no;
};

// An image, or a list of images for several machines.
struct OciChoice : OciBlob {
	std::string name;	// its tag, or ""
	std::string platform;	// such as "linux/amd64", or "": not said here
	bool is_list = false;
};

struct OciManifest {
	OciBlob config;
	std::vector<OciLayer> layers;	// the lowest one first
};

struct OciConfig {
	std::string platform;
	std::vector<std::string> command;	// Entrypoint and Cmd
	std::vector<std::string> environment;
	std::string folder;			// to run it in
	std::string user;			// "", "NAME", "UID", either with ":GROUP"
	std::string stop_signal;
};

std::vector<OciChoice> parse_oci_index(std::string_view json);
OciManifest parse_oci_manifest(std::string_view json);
OciConfig parse_oci_config(std::string_view json);
// config.json beside rootfs/: OCI runtime specification.
OciConfig parse_oci_bundle(std::string_view json);

// The one called `name` ("": the only one) that this machine can run.
const OciChoice &choose_oci_image(const std::vector<OciChoice> &choices, std::string_view name);
void check_oci_platform(std::string_view platform);

} // namespace rf
