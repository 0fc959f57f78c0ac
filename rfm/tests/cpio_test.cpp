// SPDX-License-Identifier: GPL-2.0
#include <gtest/gtest.h>

#include "fixture.hpp"

namespace rf::test {
namespace {

TEST(Cpio, UnpacksToWhatWentIn)
{
	ASSERT_EQ(run("command -v cpio").status, 0) << "cpio is missing";
	const std::string init = "#!/first/stage", agent = std::string(12345, 'm'),
			  ficm = std::string(777, 'f');
	const Bytes archive = boot::cpio_archive(
		{boot::as_view(init), boot::as_view(ficm), boot::as_view(agent), {}});
	EXPECT_EQ(archive.size() % 4, 0u);

	TemporaryDirectory directory;
	const std::string cd = "cd '" + directory.path().string() + "' && ";
	write_file(directory.path() / "archive", archive);
	EXPECT_EQ(run(cd + "cpio --quiet -t < archive").text,
		  "rf\nrf/init\nrf/rf_ficm.ko\nrf/rf_subos.ko\n");
	EXPECT_EQ(run(cd + "cpio --quiet -tv < archive | cut -c1-10").text,
		  "drwxr-xr-x\n-rwxr-xr-x\n-rw-r--r--\n-rw-r--r--\n");
	const auto output = run(cd + "cpio --quiet -i < archive");
	EXPECT_EQ(output.status, 0) << output.text;
	EXPECT_EQ(output.text, "");
	EXPECT_TRUE(std::ranges::equal(read_file(directory.path() / "rf/init"),
				       boot::as_view(init)));
	EXPECT_TRUE(std::ranges::equal(read_file(directory.path() / "rf/rf_ficm.ko"),
				       boot::as_view(ficm)));
	EXPECT_TRUE(std::ranges::equal(read_file(directory.path() / "rf/rf_subos.ko"),
				       boot::as_view(agent)));
}

TEST(Cpio, EveryLengthIsPadded)
{
	for (std::size_t size = 0; size < 9; size++) {
		const std::string data(size, 'x');
		EXPECT_EQ(boot::cpio_archive({boot::as_view(data), {}, {}, {}}).size() % 4, 0u);
	}
}

} // namespace
} // namespace rf::test
