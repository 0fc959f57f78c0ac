// SPDX-License-Identifier: GPL-2.0
/*
 * The JSON of a container image, from wherever the operator has it. It is refused by
 * rf::Error, or what comes out names files by their digests and nothing else.
 */
#include "base/error.hpp"
#include "fuzz_input.hpp"
#include "plan/oci_image.hpp"

namespace {

using namespace rf;

void check_blob(const OciBlob &blob)
{
	require(blob.sha256.size() == 64);
	require(blob.sha256.find_first_not_of("0123456789abcdef") == std::string::npos);
}

void check_words(const std::vector<std::string> &words)
{
	for (const std::string &each : words)
		require(each.find('\0') == std::string::npos);
}

void check_config(const OciConfig &config)
{
	check_words(config.command);
	check_words(config.environment);
	check_words({config.folder, config.user, config.stop_signal, config.platform});
}

template <typename Call> void attempt(Call call)
{
	try {
		call();
	} catch (const Error &error) {
		require(*error.what());
	}
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	const std::string_view json(reinterpret_cast<const char *>(data), size);

	attempt([&] {
		const auto choices = parse_oci_index(json);
		for (const auto &each : choices)
			check_blob(each);
		const OciChoice &chosen = choose_oci_image(choices, "");
		require(chosen.platform.empty() || chosen.platform == "linux/amd64");
	});
	attempt([&] {
		const auto manifest = parse_oci_manifest(json);
		check_blob(manifest.config);
		for (const auto &each : manifest.layers)
			check_blob(each);
	});
	attempt([&] { check_config(parse_oci_config(json)); });
	attempt([&] { check_config(parse_oci_bundle(json)); });
	return 0;
}
