// SPDX-License-Identifier: GPL-2.0
// What rfm prints as JSON is what docs/rfm.schema.json says: structs with all that they can
// hold, and verbs in front of a module. tests/lab/schema.py, which judges, does so with the
// output of every test on a machine, too.
#include "fake_module.hpp"
#include "fixture.hpp"
#include "operations/launch.hpp"
#include "operations/resize_operation.hpp"
#include "verbs/verbs.hpp"
#include "view/event.hpp"
#include "view/function.hpp"
#include "view/usage_table.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <sys/wait.h>

namespace {

using namespace rf;

// The object as the JSON renderer prints it.
Json printed(const Json &value)
{
	struct Shown final : View {
		explicit Shown(const Json &value) : value_(value) {}
		Json json() const override { return value_; }
		std::string text() const override { return ""; }
		const Json &value_;
	};

	testing::internal::CaptureStdout();
	Output::make(Format::json)->show_item(Shown(value));
	return Json::parse(testing::internal::GetCapturedStdout());
}

// Judges what `rfm words` printed; says what is wrong, or "".
class Judge {
public:
	void add(const std::vector<std::string> &words, const Json &value)
	{
		lines_ += Json{{"words", words}, {"value", printed(value)}}.dump() + '\n';
	}
	std::string verdict() const
	{
		const auto script = std::filesystem::path(__FILE__).parent_path() /
				    "../../tests/lab/schema.py";
		char said[4096];
		FILE *in = std::tmpfile();
		if (!in)
			return "no temporary file";
		std::fwrite(lines_.data(), 1, lines_.size(), in);
		std::rewind(in);
		const std::string command = text("/usr/bin/python3 '", script.string(), "' <&",
						 ::fileno(in), " 2>&1");
		FILE *pipe = ::popen(command.c_str(), "r");
		std::string words;
		while (pipe && std::fgets(said, sizeof(said), pipe))
			words += said;
		const int status = pipe ? ::pclose(pipe) : -1;
		std::fclose(in);
		return status ? text("status ", status, ": ", words) : "";
	}

private:
	std::string lines_;
};

rf_status full_status()
{
	rf_status status{};

	std::strcpy(status.name, "web");
	std::strcpy(status.reason, "Fatal exception");
	status.id = 3;
	status.state = RF_STATE_CRASHED;
	status.cause = RF_CAUSE_PANIC;
	status.stage = RF_STAGE_RUNNING;
	status.memory = ~0ull;
	status.low_slice = 1ull << 60;
	status.capabilities = ~0u;
	status.not_held = 3;
	status.nr_cpus = 2;
	status.cpus[0] = status.apic_ids[0] = 2;
	status.cpus[1] = status.apic_ids[1] = 3;
	status.nr_ranges = 1;
	status.ranges[0] = {1ull << 32, 1ull << 30};
	status.nr_functions = 1;
	status.functions[0] = RF_BDF(0, 4, 0);
	status.function_flags[0] = RF_FUNCTION_TAKEN;
	status.on_crash = RF_POLICY_RESTART;
	status.on_reboot = RF_POLICY_KEEP;
	status.hang_timeout_ms = 2500;
	return status;
}

Subos full_subos()
{
	return {full_status(), {{2, "db"}, {3, ""}}, 1'500'000'000, 128u << 20};
}

Stopped stopped()
{
	return {"web", RF_STATE_STOPPED, RF_CAUSE_REBOOT, "", true, 1.5};
}

TEST(JsonSchema, SubosesAndWhatBecomesOfThem)
{
	Judge judge;

	judge.add({"stop", "web"},
		  {{"stopped", {stopped(), Stopped{"web", RF_STATE_RUNNING, 0, "", false, {}, true}}}});
	judge.add({"show", "web"}, full_subos());
	judge.add({"show", "new"}, Subos{});
	judge.add({"list"}, {{"subos", {full_subos(), Subos{}}}});
	Launched launched{full_subos(), {{"read", 0.5, "cached"}, {"boot", 1, ""}}, 1.5,
			  Built{"6.1", "/boot/vmlinuz", true, "quiet", {"a note"}}, std::nullopt};
	judge.add({"create", "web"}, launched);
	launched.stopped = stopped();
	judge.add({"restart", "web"}, launched);
	launched.built.reset();
	launched.stopped.reset();
	judge.add({"start", "web"}, launched);
	judge.add({"stop", "web"}, {{"stopped", {stopped()}}});
	EXPECT_EQ(judge.verdict(), "");
}

TEST(JsonSchema, Plans)
{
	Judge judge;
	Plan plan;

	plan.files.kernel.alignment = 2u << 20;
	judge.add({"create", "web", "--dry-run"}, {{"plan", plan}});
	plan.wanted.name = "web";
	plan.wanted.uart = boot::Uart{"ttyS0", 0x3f8};
	plan.request = {"web", {2, 3}, 0, 1 << 30, {RF_BDF(0, 4, 0)}};
	plan.apic_ids = {2, 3};
	plan.notes = {"a note"};
	judge.add({"create", "web", "--dry-run"}, {{"plan", plan}});
	EXPECT_EQ(judge.verdict(), "");
	EXPECT_NE(to_text(plan).find("PCI functions  0000:04:00.0\n"), std::string::npos);
}

TEST(JsonSchema, Adjustments)
{
	const Holdings before{"web", {2}, 1 << 30, {}}, after{"web", {2, 3}, 1 << 29, {RF_BDF(0, 4, 0)}};
	const std::vector<Step> steps = {
		{RF_RESIZE_CORES_ADD, {3}, 0, {}, {}, {}, {}, 0.5},
		{RF_RESIZE_MEMORY_REMOVE, {}, 1 << 29, {}, 1 << 29, {}, {}, 0.5},
		{RF_RESIZE_PCI_ADD, {}, 0, {RF_BDF(0, 4, 0)}, {}, 1, 1, 0.5},
		{RF_RESIZE_PCI_ADD, {}, 0, {RF_BDF(0, 4, 0)}, {}, {}, {}, {}},
	};
	const Resized resized{before, after, steps, false, {"a note"}};
	Judge judge;

	judge.add({"resize", "web"}, resized);
	judge.add({"return", "web"}, resized);
	judge.add({"move", "web", "db"}, {{"from", resized}, {"to", resized}});
	EXPECT_EQ(judge.verdict(), "");
	EXPECT_NE(to_text(resized).find("PCI functions none -> 0000:04:00.0"), std::string::npos);
}

TEST(JsonSchema, EventsOfAllKinds)
{
	Judge judge;
	Json list = Json::array();

	for (std::uint32_t type = 0; type < 40; type++) {
		Event event{};
		event.told.type = type;
		event.told.sequence = ~0ull;
		event.told.time_ns = 1'795'000'000'123'456'789;
		event.told.args[0] = RF_BDF(0, 4, 0);
		event.told.args[1] = ~0ull;
		event.told.result = type % 2 ? -ETIMEDOUT : 0;
		std::strcpy(event.told.name, "web");
		std::strcpy(event.told.detail, "2-3");
		judge.add({"events", "--follow"}, event);
		list.push_back(event);
	}
	judge.add({"events"}, {{"lost", 2}, {"events", list}});
	judge.add({"history", "web"}, {{"lost", 0}, {"history", list}});
	EXPECT_EQ(judge.verdict(), "");
}

TEST(JsonSchema, FunctionsAndKernels)
{
	Judge judge;
	Function lent, own;

	lent.device.bdf = own.device.bdf = RF_BDF(0, 4, 0);
	own.reset = lent.reset = "function";
	own.device.msi = 0;
	own.device.physical = RF_BDF(0, 1, 0);
	own.driver = "nvme";
	own.dma_bits = 64;
	lent.returns_to = "";
	lent.owner = "web";
	lent.owner_id = 3;
	lent.dma_faults = ~0ull;
	lent.problem = RF_PROBLEM_LENT;
	lent.why = "it is lent";
	judge.add({"pci"}, {{"functions", {lent, own}}});

	KernelRow row{.name = "web", .id = 3, .state = "running", .cores = 2, .memory = 1};
	row.usage = usage_of(rf_statistics{}, std::nullopt);
	const KernelRow failed{.name = "db", .error = "does not answer"};
	judge.add({"top"}, {{"pool_total", 1}, {"pool_free", ~0ull}, {"kernels", {row, failed}}});
	EXPECT_EQ(judge.verdict(), "");
}

TEST(JsonSchema, Errors)
{
	const Error busy(Code::busy, "it is busy");
	Judge judge;

	for (const Error &error :
	     {Error(Code::usage, "usage"),
	      Error(SeveralErrors({{"web", busy}}, {{"stopped", {stopped()}}})),
	      Error(ErrorWithLog(Code::not_up, "down", {{"stage", "agent"}, {"state", "crashed"}},
				 {"a line"})),
	      Error(Code::not_up, "down", {{"undone", false}, {"not_undone", {"set 'web': no"}}}),
	      Error(SeveralErrors({{"web", busy}},
				  {{"arrived", {{{"name", "db"}, {"state", "gone"}, {"seconds", 0.5}}}}})),
	      Error(Code::no_answer, "late", {{"step", "add cores"}, {"steps", Json::array()},
					      {"cores_done", 1}})}) {
		testing::internal::CaptureStdout();
		Output::make(Format::json)->error(error);
		Json line = Json::parse(testing::internal::GetCapturedStdout());
		line.erase("schema");
		judge.add({"resize", "web"}, line);
	}
	EXPECT_EQ(judge.verdict(), "");
}

// Keys that nobody told of.
TEST(JsonSchema, RefusesWhatItDoesNotKnow)
{
	for (const char *at : {"", "/borrowed/0", "/ranges/0", "/moments_ns"}) {
		Judge judge;
		Json json = full_subos();
		json[Json::json_pointer(at)]["new"] = 1;
		judge.add({"show", "web"}, json);
		EXPECT_NE(judge.verdict().find("'new' was unexpected"), std::string::npos) << at;
	}
}

// What the verb hands out.
Json result_of(const Verb &verb, std::vector<std::string> operands,
	       std::map<std::string, std::string> values)
{
	class Kept : public Output {
	public:
		void show(const View &view) override
		{
			json = view.json();
			EXPECT_NE(view.text(), "");
		}
		void show_list(const Json &, const char *,
			       const std::function<void(const Sink &)> &) override {}
		void show_item(const View &) override {}
		void error(const Error &) override {}
		Json json;
	} kept;
	Request request;

	request.operands = std::move(operands);
	request.values = std::move(values);
	verb.run(request, kept);
	return kept.json;
}

void define_web(test::FakeModule &module)
{
	Request request;

	request.operands = {"web"};
	request.values = {{"cores", "0"}, {"mem", "64M"}, {"kernel", "/none/vmlinuz"}};
	module.definitions["web"] =
		format_definition(parse_create_options(request), "/none/initrd", std::nullopt);
}

TEST(JsonSchema, Verbs)
{
	test::FakeModule module(RF_ABI_VERSION);
	Judge judge;
	const auto run = [&](const Verb &verb, std::vector<std::string> operands = {},
			     std::map<std::string, std::string> values = {}) {
		std::vector<std::string> words = operands;
		words.insert(words.begin(), verb.name);
		judge.add(words, result_of(verb, std::move(operands), std::move(values)));
	};

	module.names = {"web", "db"};
	run(check_verb);
	run(version_verb);
	run(help_verb);
	run(help_verb, {"list"});
	run(list_verb);
	run(show_verb, {"web"});
	run(pci_verb);
	run(top_verb);
	run(metrics_verb);
	run(map_verb);
	run(wait_verb, {"web", "none"}, {{"for", "running,gone"}});
	define_web(module);
	run(export_verb, {"web"});
	run(set_verb, {"web", "restarts=2", "until=agent"});
	run(set_verb, {"web", "restarts=2"});
	const test::TemporaryDirectory folder;
	const std::string file = folder.path() / "web.toml";
	std::ofstream(file) << "cores = 0\nmem = \"128M\"\nkernel = \"/none/vmlinuz\"\n"
			       "initrd = \"/none/initrd\"\nrestarts = 9\nappend = \"quiet\"\n";
	run(apply_verb, {file}, {{"dry-run", "yes"}});
	std::ofstream(file) << "cores = 0\nmem = \"64M\"\nkernel = \"/none/vmlinuz\"\n"
			       "initrd = \"/none/initrd\"\nrestarts = 9\n";
	run(apply_verb, {file});
	run(destroy_verb, {"web", "db"});
	EXPECT_EQ(judge.verdict(), "");
}

} // namespace
