// SPDX-License-Identifier: GPL-2.0
// rfm set, export, apply and wait in front of a module that is none.
#include "fake_module.hpp"
#include "fixture.hpp"
#include "operations/set_operation.hpp"
#include "verbs/verbs.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>

namespace {

using rf::test::FakeModule;

// What a verb hands out, and as which text.
class Kept : public rf::Output {
public:
	void show(const rf::View &view) override
	{
		json = view.json();
		text = view.text();
	}
	void show_list(const rf::Json &, const char *,
		       const std::function<void(const Sink &)> &) override
	{
	}
	void show_item(const rf::View &) override {}
	void error(const rf::Error &) override {}

	rf::Json json;
	std::string text;
};

Kept run(const rf::Verb &verb, std::vector<std::string> operands, rf::Values values = {})
{
	Kept kept;
	rf::Request request;

	request.operands = std::move(operands);
	request.values = std::move(values);
	verb.run(request, kept);
	return kept;
}

// The error of a verb that has to fail.
template <typename... Words> rf::Error error_of(const rf::Verb &verb, const Words &...words)
{
	try {
		run(verb, words...);
	} catch (const rf::Error &error) {
		return error;
	}
	return rf::Error(rf::Code::ok, "");
}

// One subOS, running on core 0 and 64 MiB.
struct Module : FakeModule {
	Module() : FakeModule(RF_ABI_VERSION)
	{
		rf::Request request;

		names = {"web"};
		request.operands = {"web"};
		request.values = {{"cores", "0"},	   {"mem", "64M"},
				  {"kernel", "/none/vmlinuz"}, {"append", "quiet"},
				  {"hang-timeout", "1"},   {"on-reboot", "keep"}};
		definitions["web"] = rf::format_definition(rf::parse_create_options(request),
							   "/none/initrd", std::nullopt);
		policies.on_reboot = RF_POLICY_KEEP;
		policies.hang_timeout_ms = 1000;
	}
	std::string option(const std::string &key)
	{
		const auto values = rf::parse_definition("web", definitions["web"]).request.values;
		return values.contains(key) ? values.at(key) : "";
	}
};

TEST(Set, ChangesPoliciesAtOnce)
{
	Module module;
	const Kept said = run(rf::set_verb, {"web", "on-crash=restart", "restarts=2"});

	EXPECT_EQ(module.policies.on_crash, std::uint32_t{RF_POLICY_RESTART});
	EXPECT_EQ(module.policies.restarts, 2u);
	EXPECT_EQ(module.policies.on_reboot, std::uint32_t{RF_POLICY_KEEP}) << "as it was";
	EXPECT_EQ(module.policies.hang_timeout_ms, 1000u);
	EXPECT_EQ(module.option("on-crash"), "restart");
	EXPECT_EQ(module.option("append"), "quiet");
	EXPECT_EQ(said.json["changes"].size(), 2u);
	EXPECT_EQ(said.json["changes"][0]["before"], "keep");
	EXPECT_EQ(said.text, "subOS 'web': on-crash keep -> restart\nsubOS 'web': restarts 5 -> 2\n");
	EXPECT_EQ(run(rf::set_verb, {"web", "restarts=2"}).text, "subOS 'web': nothing to change\n");
}

TEST(Set, ChangesAllOrNothing)
{
	Module module;
	const std::string before = module.definitions["web"];

	// Of these words one cannot be.
	for (const char *word : {"mem=1G", "on-reboot=destroy", "kernel=/none/other"})
		EXPECT_NE(error_of(rf::set_verb,
				   std::vector<std::string>{"web", "on-crash=destroy", word})
				  .code(),
			  rf::Code::ok)
			<< word;
	module.refuses_policies = true;
	const rf::Error error = error_of(
		rf::set_verb, std::vector<std::string>{"web", "timeout=3", "on-crash=destroy"});
	EXPECT_EQ(std::string(error.what()).find("key"), std::string::npos) << error.what();
	EXPECT_NE(error.code(), rf::Code::ok);
	EXPECT_EQ(module.definitions["web"], before);
	EXPECT_EQ(module.policies.size, 0u) << "never set";
}

TEST(Set, IsUndone)
{
	Module module;
	const rf::Supervisor supervisor = rf::Supervisor::open();
	Kept output;
	rf::Phases phases(output);
	const std::string before = module.definitions["web"];
	rf::SetOperation setting(supervisor, "web", {"on-reboot=restart"}, false, phases);

	setting.apply();
	EXPECT_EQ(module.policies.on_reboot, std::uint32_t{RF_POLICY_RESTART});
	setting.undo();
	EXPECT_EQ(module.policies.on_reboot, std::uint32_t{RF_POLICY_KEEP});
	// In another order.
	EXPECT_EQ(nlohmann::json::parse(module.definitions["web"]), nlohmann::json::parse(before));
}

// Two at once, and neither is lost.
TEST(Set, KeepsWhatOthersSetMeanwhile)
{
	Module module;
	const rf::Supervisor supervisor = rf::Supervisor::open();
	Kept output;
	rf::Phases phases(output);
	rf::SetOperation setting(supervisor, "web", {"on-crash=restart", "until=agent"}, false, phases);

	run(rf::set_verb, {"web", "timeout=9", "on-reboot=restart"});
	setting.apply();
	EXPECT_EQ(module.option("on-crash"), "restart");
	EXPECT_EQ(module.option("timeout"), "9");
	EXPECT_EQ(module.policies.on_reboot, std::uint32_t{RF_POLICY_RESTART});

	run(rf::set_verb, {"web", "restarts=7", "until=login"});
	setting.undo();
	EXPECT_EQ(module.option("on-crash"), "") << "as it was";
	EXPECT_EQ(module.policies.on_crash, std::uint32_t{RF_POLICY_KEEP});
	EXPECT_EQ(module.policies.restarts, 7u);
	EXPECT_EQ(module.option("timeout"), "9");
	EXPECT_EQ(module.option("until"), "login") << "it is not as it was set any more";
}

// An rfm was killed when the definition was written, and the supervisor not told.
TEST(Set, ComparesWithThePoliciesThatThereAre)
{
	Module module;
	auto values = rf::parse_definition("web", module.definitions["web"]).request.values;
	values["on-crash"] = "restart";
	module.definitions["web"] = rf::definition_with(module.definitions["web"], values);
	const Kept said = run(rf::set_verb, {"web", "on-crash=restart"});

	EXPECT_EQ(module.policies.on_crash, std::uint32_t{RF_POLICY_RESTART});
	ASSERT_EQ(said.json["changes"].size(), 1u);
	EXPECT_EQ(said.json["changes"][0]["before"], "keep");
}

TEST(Set, FillsUpRestartsThatAreGivenAgain)
{
	Module module;
	module.restarts_left = 1;
	EXPECT_EQ(run(rf::set_verb, {"web", "timeout=3"}).json["changes"].size(), 1u);
	EXPECT_EQ(module.restarts_left, 1u);
	EXPECT_EQ(run(rf::set_verb, {"web", "restarts=5"}).text,
		  "subOS 'web': nothing to change; its restarts, of which 1 were left, are filled up\n");
	EXPECT_EQ(module.restarts_left, 5u);
}

TEST(Set, DoesNotChangeWhatIsBeingBuilt)
{
	Module module;
	module.state = RF_STATE_DEFINED;
	EXPECT_EQ(error_of(rf::set_verb, std::vector<std::string>{"web", "timeout=3"}).code(),
		  rf::Code::busy);
}

TEST(Export, IsWhatApplyFindsNothingToDoFor)
{
	Module module;
	module.definitions["web"] = rf::definition_with(
		module.definitions["web"], {{"ncores", "1"}, {"mem", "1G"}, {"append", "quiet \"x y\""},
					    {"kernel", "/none/vmlinuz"}, {"initrd", "/none/initrd"},
					    {"on-reboot", "keep"}, {"hang-timeout", "1"}});
	const std::string toml = run(rf::export_verb, {"web"}).text;
	const rf::test::TemporaryDirectory folder;
	const std::string file = folder.path() / "any.toml";
	std::ofstream(file) << toml;

	EXPECT_TRUE(toml.starts_with("[web]\ncores = 0\n") || toml.starts_with("[web]\ncores = \"0\"\n"))
		<< toml;
	EXPECT_NE(toml.find("mem = \"64M\"\n"), std::string::npos) << toml;
	EXPECT_NE(toml.find("append = \"quiet \\\"x y\\\"\"\n"), std::string::npos) << toml;
	const Kept plan = run(rf::apply_verb, {file}, {{"dry-run", "yes"}});
	ASSERT_EQ(plan.json["plan"].size(), 1u);
	EXPECT_EQ(plan.json["plan"][0]["changes"], rf::Json::array()) << toml;
	EXPECT_FALSE(plan.json["plan"][0]["create"]);
	EXPECT_NE(plan.text.find("keep  web   as it is"), std::string::npos) << plan.text;
}

TEST(Apply, SetsWhatDiffers)
{
	Module module;
	const rf::test::TemporaryDirectory folder;
	const std::string file = folder.path() / "web.toml";
	const std::string basis = "cores = 0\nmem = \"64M\"\nkernel = \"/none/vmlinuz\"\n"
				  "initrd = \"/none/initrd\"\n";
	std::ofstream(file) << basis << "append = \"quiet\"\nrestarts = 9\n";
	const Kept said = run(rf::apply_verb, {file});

	EXPECT_EQ(module.policies.restarts, 9u);
	EXPECT_EQ(module.policies.hang_timeout_ms, 10000u) << "the default, for it is not given";
	EXPECT_EQ(said.text.substr(0, said.text.find(" in ")), "subOS 'web': set");
	EXPECT_EQ(run(rf::apply_verb, {file}).json["plan"][0]["changes"], rf::Json::array());

	// Without --restart it is told and left.
	std::ofstream(file) << basis << "append = \"loud\"\nrestarts = 9\n";
	const Kept later = run(rf::apply_verb, {file});
	EXPECT_TRUE(later.json["plan"][0]["needs_restart"]);
	EXPECT_NE(later.text.find("append quiet -> loud (only with --restart)"), std::string::npos)
		<< later.text;
	EXPECT_EQ(module.option("append"), "quiet");
}

// What is the same in all files for it.
const std::string same = "cores = 0\nkernel = \"/none/vmlinuz\"\ninitrd = \"/none/initrd\"\n"
			 "append = \"quiet\"\non-reboot = \"keep\"\nhang-timeout = 1\n";

TEST(Apply, ChecksAllBeforeItBegins)
{
	Module module;
	const rf::test::TemporaryDirectory folder;
	const std::string file = folder.path() / "web.toml";
	module.on_resize = [](const rf_resize &) {
		ADD_FAILURE() << "a step was taken";
		return 0;
	};

	std::ofstream(file) << same << "mem = \"1G\"\nrestarts = 9\n";
	EXPECT_EQ(error_of(rf::apply_verb, std::vector<std::string>{file}).code(),
		  rf::Code::not_enough);
	std::ofstream(file) << same << "mem = \"64M\"\nrestarts = 9\n"
			    << "pci = \"ffff:ff:1f.7\"\n";
	EXPECT_EQ(error_of(rf::apply_verb, std::vector<std::string>{file}).code(),
		  rf::Code::bad_value);
	// A kernel that is not there.
	std::string other = same;
	other.replace(other.find("vmlinuz"), 7, "vmlinux");
	std::ofstream(file) << other << "mem = \"64M\"\nrestarts = 9\n";
	EXPECT_EQ(error_of(rf::apply_verb, std::vector<std::string>{file},
			   rf::Values{{"restart", "yes"}})
			  .code(),
		  rf::Code::bad_file);
	EXPECT_EQ(module.policies.size, 0u) << "never set";
}

// Its package was removed, and nothing is to change.
TEST(Apply, NeedsNoKernelThatRunsAlready)
{
	Module module;
	const rf::test::TemporaryDirectory folder;
	const std::string file = folder.path() / "web.toml";
	const std::string line = "initrd = \"/none/initrd\"\n";
	std::string without = same + "mem = \"64M\"\n";

	for (const char *instead : {"", "initrd = \"\"\n"}) {
		std::string content = without;
		content.replace(content.find(line), line.size(), instead);
		std::ofstream(file) << content;
		EXPECT_EQ(run(rf::apply_verb, {file}).json["plan"][0]["changes"], rf::Json::array())
			<< content;
	}
	without.erase(without.find(line), line.size());
	without.replace(without.find("vmlinuz"), 7, "vmlinux");
	std::ofstream(file) << without;
	EXPECT_EQ(error_of(rf::apply_verb, std::vector<std::string>{file}).code(), rf::Code::bad_file);
}

struct Full : Kept {
	void show(const rf::View &) override { throw rf::Error(rf::Code::internal, "no space"); }
};

TEST(Apply, IsDoneAlsoIfNobodyCanReadThePlan)
{
	Module module;
	const rf::test::TemporaryDirectory folder;
	rf::Request request;
	Full full;

	request.operands = {folder.path() / "web.toml"};
	std::ofstream(request.operands[0]) << same << "mem = \"64M\"\nrestarts = 9\n";
	EXPECT_THROW(rf::apply_verb.run(request, full), rf::Error);
	EXPECT_EQ(module.policies.restarts, 9u);
	module.policies.restarts = 0;
	request.values["dry-run"] = "yes";
	EXPECT_THROW(rf::apply_verb.run(request, full), rf::Error);
	EXPECT_EQ(module.policies.restarts, 0u);
}

TEST(Apply, WaitsAndForcesOnlyForARestart)
{
	for (const char *option : {"force", "timeout"})
		EXPECT_EQ(error_of(rf::apply_verb, std::vector<std::string>{"-"},
				   rf::Values{{option, "1"}})
				  .code(),
			  rf::Code::usage);
}

TEST(Apply, IsUndoneIfAStepFails)
{
	Module module;
	const rf::test::TemporaryDirectory folder;
	const std::string file = folder.path() / "web.toml";
	module.on_resize = [](const rf_resize &) { return -ETIMEDOUT; };

	std::ofstream(file) << same << "mem = \"96M\"\nrestarts = 9\n";
	const rf::Error error = error_of(rf::apply_verb, std::vector<std::string>{file});
	EXPECT_EQ(error.code(), rf::Code::no_answer) << error.what();
	EXPECT_EQ(error.details()["undone"], true);
	EXPECT_EQ(module.policies.restarts, 5u);
	EXPECT_EQ(module.option("restarts"), "");
}

TEST(Wait, LooksAtOnce)
{
	Module module;
	const Kept said = run(rf::wait_verb, {"web", "web", "none"}, {{"for", "running,gone"}});

	ASSERT_EQ(said.json["arrived"].size(), 2u);
	EXPECT_EQ(said.json["arrived"][0]["state"], "running");
	EXPECT_EQ(said.json["arrived"][1]["state"], "gone");
	EXPECT_TRUE(said.text.starts_with("subOS 'web' is running after ")) << said.text;
}

TEST(Wait, EndsWhenTheTimeIsOver)
{
	Module module;
	const rf::Error error = error_of(rf::wait_verb, std::vector<std::string>{"web", "none"},
					 rf::Values{{"for", "stopped,gone"}, {"timeout", "0"}});

	EXPECT_EQ(error.code(), rf::Code::no_answer);
	EXPECT_EQ(error.details()["arrived"].size(), 1u);
	ASSERT_EQ(error.details()["failed"].size(), 1u);
	EXPECT_EQ(error.details()["failed"][0]["message"],
		  "subOS 'web' is running and not gone or stopped after 0s");
}

TEST(Wait, RefusesWhatIsNotThere)
{
	Module module;
	EXPECT_EQ(error_of(rf::wait_verb, std::vector<std::string>{"none"}, rf::Values{{"for", "lost"}})
			  .code(),
		  rf::Code::no_such_subos);
	EXPECT_EQ(error_of(rf::wait_verb, std::vector<std::string>{"web"}).code(), rf::Code::usage);
}

} // namespace
