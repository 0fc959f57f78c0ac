// SPDX-License-Identifier: GPL-2.0
#include "plan/setting.hpp"

#include "fixture.hpp"
#include "verbs/verbs.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace rf {
namespace {

const Values web = {{"cores", "2-3"},
		    {"mem", "1G"},
		    {"kernel", "/boot/vmlinuz-6.1.0-1-amd64"},
		    {"initrd", "/boot/initrd.img-6.1.0-1-amd64"},
		    {"append", "quiet"},
		    {"on-crash", "restart"}};

Values set(const std::vector<std::string> &words)
{
	return with_settings("web", web, words);
}

std::string why_not(const std::vector<std::string> &words)
{
	try {
		set(words);
	} catch (const Error &error) {
		return error.what();
	}
	return "";
}

// An option that comes to create has to say here what becomes of it later.
TEST(Setting, EachKeyOfAFileHasOne)
{
	std::vector<std::string> keys;

	for (const Option &option : create_verb.options)
		if (option.in_file) {
			EXPECT_NE(find_setting(option.name), nullptr) << option.name;
			keys.push_back(option.name);
		}
	for (const Setting &setting : settings())
		EXPECT_NE(std::ranges::find(keys, setting.key), keys.end()) << setting.key;
}

TEST(Setting, TakesValuesInAsCreateHasThem)
{
	const Values now = set({"on-crash=keep", "append=root=/dev/sda1 ro", "no-console=true"});

	EXPECT_EQ(now.at("on-crash"), "keep");
	EXPECT_EQ(now.at("append"), "root=/dev/sda1 ro");
	EXPECT_EQ(now.at("no-console"), "yes");
	EXPECT_EQ(now.at("cores"), "2-3");
	EXPECT_FALSE(with_settings("web", now, {"no-console=false"}).contains("no-console"));
	EXPECT_FALSE(set({"append="}).contains("append"));
}

TEST(Setting, KernelAndInitrdBecomeAbsolute)
{
	const Values now = set({"kernel=vmlinuz", "initrd=mine.img"});

	EXPECT_TRUE(now.at("kernel").starts_with('/'));
	EXPECT_TRUE(now.at("initrd").starts_with('/'));
}

TEST(Setting, OwnInitrdFollowsTheKernel)
{
	// The kernel has to be read for it, and is not there.
	EXPECT_THROW(set({"kernel=/none/vmlinuz-2"}), Error);
	EXPECT_THROW(set({"initrd="}), Error);

	Values other = web;
	other["initrd"] = "/srv/web.img";
	EXPECT_EQ(with_settings("web", other, {"kernel=/none/vmlinuz-2"}).at("initrd"),
		  "/srv/web.img");
}

TEST(Setting, RefusesWithWhatHelps)
{
	const std::pair<const char *, const char *> table[] = {
		{"on-crash", "'on-crash' is no KEY=VALUE"},
		{"policy=keep", "key 'policy' is not known; keys are: on-crash, on-reboot, restarts, "
				"hang-timeout, timeout, until, kernel, initrd, append, uart, no-console"},
		{"force=true", "key 'force' is not known"},
		{"cores=2-5", "'rfm resize web --cores' changes it"},
		{"pci=00:04.0", "'rfm resize web --pci' changes it"},
		{"numa=1", "counts only for a subOS that is created"},
		{"no-agent=true", "counts only for a subOS that is created"},
		{"no-console=yes", "no-console 'yes' is not acceptable: give true or false"},
		{"on-crash=", "on-crash is empty"},
		{"until=", "until is empty: give a value, such as until=init"},
		{"kernel=", "kernel is empty"},
	};

	for (const auto &[word, said] : table)
		EXPECT_NE(why_not({word}).find(said), std::string::npos)
			<< word << ": " << why_not({word});
	EXPECT_EQ(why_not({"timeout=1", "timeout=2"}), "key 'timeout' is given twice");
}

TEST(Setting, ChangesAreThoseOfMeaning)
{
	Values same = web;
	same["on-reboot"] = "restart";
	same["restarts"] = "5";
	EXPECT_TRUE(setting_changes(web, same).empty()) << "the default, given";

	const auto changes = setting_changes(web, set({"on-crash=destroy", "append=", "timeout=9"}));
	ASSERT_EQ(changes.size(), 3u);
	EXPECT_EQ(changes[0].key, "on-crash");
	EXPECT_EQ(changes[0].before, "restart");
	EXPECT_EQ(changes[0].after, "destroy");
	EXPECT_EQ(changes[0].takes, Takes::now);
	EXPECT_EQ(changes[1].key, "timeout");
	EXPECT_EQ(changes[1].before, "60");
	EXPECT_EQ(changes[1].takes, Takes::next_wait);
	EXPECT_EQ(changes[2].after, "");
	EXPECT_EQ(changes[2].takes, Takes::next_start);
}

TEST(Setting, WritesOfOneAmountAreNoChange)
{
	Values before = web;
	before["timeout"] = "120";
	before["hang-timeout"] = "1500ms";
	Values after = web;
	after["timeout"] = "2m";
	after["hang-timeout"] = "1500ms";
	after["restarts"] = "05";
	EXPECT_TRUE(setting_changes(before, after).empty());
	after["timeout"] = "121";
	after["hang-timeout"] = "1s";
	EXPECT_EQ(setting_changes(before, after).size(), 2u);
	// Text is what it is.
	before["append"] = "60";
	after["append"] = "1m";
	EXPECT_EQ(setting_changes(before, after).size(), 3u);
}

// Nothing but the options changes, and not how it was loaded.
TEST(Setting, DefinitionKeepsTheRest)
{
	Request request;
	request.operands = {"web"};
	request.values = web;
	const std::string words = format_definition(parse_create_options(request), "/i", Loaded{1, 2, 3});
	const Definition changed =
		parse_definition("web", definition_with(words, set({"on-crash=keep"})));

	EXPECT_EQ(changed.request.value("on-crash"), "keep");
	EXPECT_EQ(changed.request.value("append"), "quiet");
	ASSERT_TRUE(changed.loaded);
	EXPECT_EQ(changed.loaded->boot_params, 3u);
}

} // namespace
} // namespace rf
