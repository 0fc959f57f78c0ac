// SPDX-License-Identifier: GPL-2.0
#include "plan/create_options.hpp"

#include <gtest/gtest.h>

namespace rf {
namespace {

Request given(std::map<std::string, std::string> more = {})
{
	Request request;

	request.operands = {"web"};
	request.values = {{"cores", "2-3"}, {"mem", "512M"}, {"kernel", "/boot/vmlinuz"}};
	request.values.merge(more);
	return request;
}

TEST(CreateOptions, AnEmptyInitrdIsNotGiven)
{
	EXPECT_FALSE(parse_create_options(given({{"initrd", ""}})).initrd);
	EXPECT_EQ(parse_create_options(given({{"initrd", "/i"}})).initrd, "/i");
}

TEST(CreateOptions, PoliciesByDefault)
{
	const rf_policies policies = parse_create_options(given()).policies;

	EXPECT_EQ(policies.on_crash, std::uint32_t{RF_POLICY_KEEP});
	EXPECT_EQ(policies.on_reboot, std::uint32_t{RF_POLICY_RESTART});
	EXPECT_EQ(policies.restarts, 5u);
	EXPECT_EQ(policies.hang_timeout_ms, 10000u);
}

TEST(CreateOptions, PoliciesAsGiven)
{
	const rf_policies policies = parse_create_options(given({{"on-crash", "destroy"},
								 {"on-reboot", "keep"},
								 {"restarts", "0"},
								 {"hang-timeout", "3600"}}))
					     .policies;

	EXPECT_EQ(policies.on_crash, std::uint32_t{RF_POLICY_DESTROY});
	EXPECT_EQ(policies.on_reboot, std::uint32_t{RF_POLICY_KEEP});
	EXPECT_EQ(policies.restarts, 0u);
	EXPECT_EQ(policies.hang_timeout_ms, 3600000u);
}

TEST(CreateOptions, PoliciesThatThereAreNot)
{
	const std::pair<const char *, const char *> table[] = {
		{"on-crash", "reboot"}, {"on-crash", ""},	{"on-reboot", "destroy"},
		{"restarts", "-1"},	{"hang-timeout", "0"}, {"hang-timeout", "3601"},
	};
	for (const auto &[option, value] : table) {
		try {
			parse_create_options(given({{option, value}}));
			ADD_FAILURE() << "accepted: " << option << " " << value;
		} catch (const Error &error) {
			EXPECT_EQ(error.code(), Code::bad_value);
			EXPECT_NE(std::string(error.what()).find(option), std::string::npos)
				<< error.what();
		}
	}
}

TEST(CreateOptions, TimesHaveUnits)
{
	const CreateOptions wanted = parse_create_options(
		given({{"timeout", "2m"}, {"hang-timeout", "1500ms"}}));

	EXPECT_EQ(wanted.timeout, std::chrono::minutes(2));
	EXPECT_EQ(wanted.policies.hang_timeout_ms, 1500u);
	EXPECT_EQ(parse_create_options(given()).timeout, std::chrono::seconds(60));
	EXPECT_EQ(parse_create_options(given({{"timeout", "0"}})).timeout.count(), 0);
	EXPECT_THROW(parse_create_options(given({{"timeout", "soon"}})), Error);
}

TEST(CreateOptions, MemoryIsRefusedAndNotRounded)
{
	Request request = given();

	request.values["mem"] = "514MiB";
	EXPECT_EQ(parse_create_options(request).memory, 514u << 20);
	for (const char *value : {"512MB", "513M", "1", "0"}) {
		request.values["mem"] = value;
		EXPECT_THROW(parse_create_options(request), Error) << value;
	}
}

TEST(CreateOptions, Functions)
{
	const CreateOptions none = parse_create_options(given());
	EXPECT_TRUE(none.functions.empty());
	EXPECT_EQ(none.function_flags, 0u);

	const CreateOptions some = parse_create_options(given(
		{{"pci", "00:04.0,0000:01:00.0"}, {"require-iommu", "yes"}, {"force", "yes"}}));
	EXPECT_EQ(some.functions, (std::vector<std::uint32_t>{RF_BDF(0, 0, 0x20), RF_BDF(0, 1, 0)}));
	EXPECT_EQ(some.function_flags, std::uint32_t{RF_PCI_FORCE | RF_PCI_REQUIRE_IOMMU});

	EXPECT_THROW(parse_create_options(given({{"pci", ""}})), Error);
	// Whether there is something to be forced is known when the kernel has been looked at.
	const CreateOptions forced = parse_create_options(given({{"force", "yes"}}));
	EXPECT_TRUE(forced.force);
	EXPECT_EQ(forced.function_flags, 0u);
	EXPECT_THROW(parse_create_options(given({{"pci", "00:04.0"}, {"no-agent", "yes"}})), Error);
}

// What was given by force once is not given by force again.
TEST(Definition, KeepsTheFunctions)
{
	const CreateOptions wanted =
		parse_create_options(given({{"pci", "00:04.0"}, {"force", "yes"}}));
	const Definition definition =
		parse_definition("web", format_definition(wanted, "/i", std::nullopt));

	EXPECT_EQ(definition.request.value("pci"), "00:04.0");
	EXPECT_FALSE(definition.request.has("force"));
	EXPECT_EQ(parse_create_options(definition.request).functions, wanted.functions);
}

TEST(CreateOptions, UntilWhatIsWaitedFor)
{
	EXPECT_EQ(parse_create_options(given()).until, Until::init);
	for (const Until until : {Until::agent, Until::init, Until::login}) {
		const CreateOptions wanted = parse_create_options(
			given({{"until", until_name(until)}}));
		EXPECT_EQ(wanted.until, until);
		const Definition definition =
			parse_definition("web", format_definition(wanted, "/i", std::nullopt));
		EXPECT_EQ(parse_create_options(definition.request).until, until);
	}
	EXPECT_EQ(parse_until({}, Until::login, {}), Until::login);
}

TEST(CreateOptions, UntilWhatCannotBeSeen)
{
	const std::pair<std::map<std::string, std::string>, const char *> table[] = {
		{{{"until", "shell"}}, "give agent, init or login"},
		{{{"until", ""}}, "give agent, init or login"},
		{{{"until", "login"}, {"no-console", "yes"}}, "give --until init"},
		{{{"until", "init"}, {"no-agent", "yes"}, {"cores", "2"}}, "leave --until out"},
	};
	for (const auto &[options, remedy] : table) {
		Request request = given();
		for (const auto &[option, value] : options)
			request.values[option] = value;
		try {
			parse_create_options(request);
			ADD_FAILURE() << "accepted: " << remedy;
		} catch (const Error &error) {
			EXPECT_EQ(error.code(), Code::bad_value);
			EXPECT_NE(std::string(error.what()).find(remedy), std::string::npos)
				<< error.what();
		}
	}
}

TEST(Definition, RoundTrip)
{
	const CreateOptions wanted = parse_create_options(given({{"append", "quiet x=\"a b\""},
								 {"no-console", "yes"},
								 {"on-crash", "restart"},
								 {"timeout", "1500ms"},
								 {"json", "yes"},
								 {"config", "web.conf"}}));
	const Definition definition =
		parse_definition("web", format_definition(wanted, "/no/such/initrd", {}));
	const CreateOptions again = parse_create_options(definition.request);

	EXPECT_FALSE(definition.loaded);
	EXPECT_EQ(again.name, "web");
	EXPECT_EQ(again.cores, wanted.cores);
	EXPECT_EQ(again.memory, wanted.memory);
	EXPECT_EQ(again.append, wanted.append);
	EXPECT_EQ(again.initrd, "/no/such/initrd");
	EXPECT_FALSE(again.console);
	EXPECT_TRUE(again.agent);
	EXPECT_EQ(again.timeout, std::chrono::milliseconds(1500));
	EXPECT_EQ(again.policies.on_crash, std::uint32_t{RF_POLICY_RESTART});
	EXPECT_FALSE(definition.request.has("json"));
	EXPECT_FALSE(definition.request.has("config"));
}

// A subOS outlives an upgrade of rfm, and its definition says what was meant then.
TEST(Definition, OfAnEarlierVersion)
{
	const std::pair<const char *, std::uint64_t> table[] = {
		{"512M", 512u << 20},	{"512MB", 512u << 20},	{"1GiB", 1u << 30},
		{"513M", 514u << 20},	{"0x2000000B", 0x2000000B + 0x1ffff5u},
		{"536870912", 512u << 20},
	};
	for (const auto &[mem, bytes] : table) {
		const Json words = {{"format", 1},
				    {"options", {{"ncores", "1"}, {"kernel", "/k"}, {"mem", mem},
						 {"wait", "7"}}}};
		const Request request = parse_definition("web", words.dump()).request;
		const CreateOptions wanted = parse_create_options(request);
		EXPECT_EQ(wanted.memory, bytes) << mem;
		EXPECT_EQ(wanted.timeout, std::chrono::seconds(7));
		EXPECT_FALSE(request.has("wait"));
	}
}

// An operator's words are the same bytes when the subOS is started again.
TEST(Definition, KeepsTheBytesOfAppend)
{
	for (const char *append :
	     {"x=\"a  b\"\tquiet -- \"c", "a=\\\"b\\\"", "x=\u00e9\u20ac\U0001f333", " \t "}) {
		const CreateOptions wanted = parse_create_options(given({{"append", append}}));
		const Definition definition =
			parse_definition("web", format_definition(wanted, "/i", std::nullopt));
		EXPECT_EQ(parse_create_options(definition.request).append, append);
	}
}

TEST(Definition, KernelIsAnAbsolutePath)
{
	Request request = given();
	request.values["kernel"] = "vmlinuz";
	const Definition definition =
		parse_definition("web", format_definition(parse_create_options(request), "initrd",
							  {}));

	EXPECT_TRUE(definition.request.value("kernel")->starts_with('/'));
	EXPECT_TRUE(definition.request.value("initrd")->starts_with('/'));
}

TEST(Definition, OfOneThatWasNotStarted)
{
	const Loaded how{0x140000000, 0x140020000, 0x140001000, true};
	const std::string words =
		format_definition(parse_create_options(given({{"no-start", "yes"}})), "/i", how);
	const Definition definition = parse_definition("web", words);

	ASSERT_TRUE(definition.loaded);
	EXPECT_EQ(definition.loaded->entry, how.entry);
	EXPECT_EQ(definition.loaded->page_table, how.page_table);
	EXPECT_EQ(definition.loaded->boot_params, how.boot_params);
	EXPECT_TRUE(definition.loaded->la57);
	EXPECT_FALSE(definition.request.has("no-start"));

	const Definition later = parse_definition("web", definition_without_image(words));
	EXPECT_FALSE(later.loaded);
	EXPECT_EQ(later.request.values, definition.request.values);
}

TEST(Definition, ThatCannotBeRead)
{
	for (const char *words : {"", "{", "[]", "{}", "{\"format\": 1}",
				  "{\"format\": 2, \"options\": {}}",
				  "{\"format\": 1, \"options\": {\"mem\": 5}}",
				  "{\"format\": 1, \"options\": {}, \"loaded\": {}}"}) {
		try {
			parse_definition("web", words);
			ADD_FAILURE() << "accepted: " << words;
		} catch (const Error &error) {
			EXPECT_EQ(error.code(), Code::bad_value) << words;
		}
	}
}

} // namespace
} // namespace rf
