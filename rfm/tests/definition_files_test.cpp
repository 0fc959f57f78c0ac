// SPDX-License-Identifier: GPL-2.0
// Definitions in files, folders and tables.
#include "plan/definition_files.hpp"

#include "fixture.hpp"
#include "verbs/verbs.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include <sys/stat.h>

namespace rf {
namespace {

const std::span<const Option> options = create_verb.options;
const std::string needed = "mem = \"1G\"\nkernel = \"/boot/vmlinuz\"\n";

void write(const std::filesystem::path &path, const std::string &content)
{
	std::ofstream(path) << content;
	::chmod(path.c_str(), 0644);
}

TEST(DefinitionFiles, AreNamedByTheFile)
{
	const test::TemporaryDirectory folder;
	write(folder.path() / "web.toml", "cores = \"2-3\"\n" + needed);
	const auto all = read_wanted(folder.path() / "web.toml", options);

	ASSERT_EQ(all.size(), 1u);
	EXPECT_EQ(all[0].name(), "web");
	EXPECT_EQ(all[0].options.memory, 1ull << 30);
}

TEST(DefinitionFiles, OfAFolderInOrder)
{
	const test::TemporaryDirectory folder;
	write(folder.path() / "2.toml", "[web]\ncores = 2\n" + needed);
	write(folder.path() / "1.toml", "[db]\ncores = 1\n" + needed + "[aux]\ncores = 3\n" + needed);
	write(folder.path() / "3.conf", "nonsense");
	const auto all = read_wanted(folder.path(), options);

	ASSERT_EQ(all.size(), 3u);
	EXPECT_EQ(all[0].name(), "db");
	EXPECT_EQ(all[1].name(), "aux");
	EXPECT_EQ(all[2].name(), "web");
	EXPECT_EQ(all[2].file, folder.path() / "2.toml");
}

TEST(DefinitionFiles, OfAFolderWhereOthersCanPutThem)
{
	const test::TemporaryDirectory folder;
	write(folder.path() / "web.toml", "cores = 2\n" + needed);
	ASSERT_EQ(::chmod(folder.path().c_str(), 0777), 0);
	try {
		read_wanted(folder.path(), options);
		ADD_FAILURE() << "read";
	} catch (const Error &error) {
		EXPECT_EQ(error.code(), Code::bad_file);
		EXPECT_NE(std::string(error.what()).find("others than root"), std::string::npos);
	}
}

TEST(DefinitionFiles, ThatOthersCanChange)
{
	const test::TemporaryDirectory folder;
	const std::string file = folder.path() / "web.toml";
	write(file, "cores = 2\n" + needed);
	ASSERT_EQ(::chmod(file.c_str(), 0666), 0);
	for (const std::string &path : {file, folder.path().string()})
		EXPECT_NE(test::refusal([&] { read_wanted(path, options); }, Code::bad_file)
				  .find(text("definition '", file, "': others than root can change it")),
			  std::string::npos)
			<< path;
	write(file, "");
	EXPECT_NE(test::refusal([&] { read_wanted(folder.path(), options); }, Code::bad_file)
			  .find(text("definition '", file, "': the file is empty")),
		  std::string::npos)
		<< "by the name that was given";
}

TEST(DefinitionFiles, ThatCannotBeUsed)
{
	const test::TemporaryDirectory folder;
	const auto why = [&](const std::string &content) {
		write(folder.path() / "web.toml", content);
		try {
			read_wanted(folder.path() / "web.toml", options);
		} catch (const Error &error) {
			return std::string(error.what());
		}
		return std::string();
	};

	EXPECT_NE(why("cores = 2\nmem = \"1G\"\n").find("subOS 'web': --kernel is missing"),
		  std::string::npos);
	EXPECT_NE(why("cores = 2\nmem = \"lots\"\nkernel = \"/k\"\n").find("web.toml', subOS 'web': "),
		  std::string::npos);
	EXPECT_NE(why(std::string(2 << 20, '#')).find("more than 1M"), std::string::npos);
	EXPECT_THROW(read_wanted(folder.path() / "none.toml", options), Error);
	std::filesystem::remove(folder.path() / "web.toml");
	EXPECT_THROW(read_wanted(folder.path(), options), Error) << "an empty folder";
}

TEST(DefinitionFiles, DoNotWantTheSameTwice)
{
	const test::TemporaryDirectory folder;
	const std::pair<const char *, const char *> table[] = {
		{"[web]\ncores = 2\n%[db]\ncores = \"1-2\"\n%", "core 2 is wanted twice"},
		{"[a]\nncores=1\npci=\"00:04.0\"\n%[b]\nncores=1\npci=\"0000:00:04.0\"\n%",
		 "PCI function 0000:00:04.0 is wanted twice"},
	};

	for (const auto &[content, said] : table) {
		std::string whole;
		for (const char *at = content; *at; at++)
			whole += *at == '%' ? needed : std::string(1, *at);
		write(folder.path() / "all.toml", whole);
		const std::string why =
			test::refusal([&] { read_wanted(folder.path() / "all.toml", options); });
		EXPECT_NE(why.find(said), std::string::npos) << why;
	}
	write(folder.path() / "all.toml", "[web]\ncores = 2\n" + needed);
	write(folder.path() / "web.toml", "cores = 3\n" + needed);
	EXPECT_NE(test::refusal([&] { read_wanted(folder.path(), options); })
			  .find("the name 'web' is wanted twice"),
		  std::string::npos);
}

TEST(DefinitionFiles, MayBeOfOneNameOnly)
{
	const test::TemporaryDirectory folder;
	const std::string file = folder.path() / "web.toml";
	write(file, "cores = 2\n" + needed);
	EXPECT_NO_THROW(check_only(read_wanted(file, options), "web"));
	for (const char *names : {"[www]\n", "[web]\ncores = 3\n%[db]\n"}) {
		std::string head = names;
		if (const auto at = head.find('%'); at != head.npos)
			head.replace(at, 1, needed);
		write(file, head + "cores = 2\n" + needed);
		EXPECT_NE(test::refusal([&] { check_only(read_wanted(file, options), "web"); })
				  .find("and only 'web' is acceptable"),
			  std::string::npos)
			<< head;
	}
}

TEST(DefinitionFiles, CoresOfOthersAreThoseThatTheyName)
{
	const test::TemporaryDirectory folder;
	write(folder.path() / "db.toml", "cores = \"2-3\"\n" + needed);
	write(folder.path() / "aux.toml", "ncores = 4\n" + needed);
	write(folder.path() / "web.toml", "cores = 5\n" + needed);
	write(folder.path() / "bad.toml", "cores = none\n");
	write(folder.path() / "empty.toml", "");
	EXPECT_EQ(cores_of_others("web", {}, options, folder.path()), (std::vector<unsigned>{2, 3}));
	EXPECT_TRUE(cores_of_others("web", {}, options, folder.path() / "none").empty());

	write(folder.path() / "both", "[web]\nncores = 1\n" + needed + "[db]\ncores = 7\n" + needed);
	const auto all = read_wanted(folder.path() / "both", options);
	EXPECT_EQ(all[0].options.avoided, std::vector<unsigned>{7});
}

// `rfm create NAME --config FILE`
TEST(DefinitionFiles, AreConfigurationFilesToo)
{
	const test::TemporaryDirectory folder;
	const std::string file = folder.path() / "all.toml";
	Request request;
	request.operands = {"db"};
	request.values = {{"mem", "2G"}};
	write(file, "[web]\ncores = 2\n[db]\ncores = 3\nmem = \"1G\"\n");
	read_definition(request, file, options);
	EXPECT_EQ(request.value("cores"), "3");
	EXPECT_EQ(request.value("mem"), "2G");

	request.operands = {"aux"};
	EXPECT_NE(test::refusal([&] { read_definition(request, file, options); })
			  .find("has no table [aux]: it has [web], [db]"),
		  std::string::npos);
}

} // namespace
} // namespace rf
