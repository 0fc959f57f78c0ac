// SPDX-License-Identifier: GPL-2.0
// rfm in front of an rf_supervisor of another version: an upgrade replaces files, while the
// module that is loaded keeps its subOSes.
#include "client/ioctl.hpp"
#include "client/supervisor.hpp"
#include "fake_module.hpp"
#include "verbs/verbs.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include <fcntl.h>

namespace {

using rf::test::FakeModule;

constexpr std::uint32_t older = 2, newer = RF_ABI_VERSION + 1;
constexpr std::uint32_t versions[] = {older, RF_ABI_VERSION, newer};

// What a verb hands out, and as which text.
class Kept : public rf::Output {
public:
	void show(const rf::View &view) override
	{
		json = view.json();
		text = view.text();
	}
	void show_list(const rf::Json &head, const char *,
		       const std::function<void(const Sink &)> &) override
	{
		json = head;
	}
	void show_item(const rf::View &) override {}
	void error(const rf::Error &) override {}

	rf::Json json;
	std::string text;
};

Kept run(const rf::Verb &verb, std::vector<std::string> operands = {})
{
	Kept kept;
	rf::Request request;

	request.operands = std::move(operands);
	verb.run(request, kept);
	return kept;
}

rf::Json abi_row()
{
	const Kept checked = run(rf::check_verb);

	for (const rf::Json &row : checked.json["findings"])
		if (row["name"] == "module ABI")
			return row;
	return nullptr;
}

// The message of the Error that @call throws.
template <typename Call> std::string message_of(Call call)
{
	try {
		call();
	} catch (const rf::Error &error) {
		return error.what();
	}
	return "";
}

TEST(Abi, VersionNamesBoth)
{
	for (const std::uint32_t abi : versions) {
		FakeModule module(abi);
		const Kept said = run(rf::version_verb);
		EXPECT_EQ(said.json["abi"], RF_ABI_VERSION);
		EXPECT_EQ(said.json["rf_supervisor"], "9.8.7");
		EXPECT_EQ(said.json["rf_supervisor_abi"], abi);
		EXPECT_EQ(said.json["problem"].is_null(), abi == RF_ABI_VERSION);
		EXPECT_NE(said.text.find("rf_supervisor 9.8.7 (ABI " + std::to_string(abi)),
			  std::string::npos)
			<< said.text;
		EXPECT_EQ(said.text.find("'rfm check'") == std::string::npos,
			  abi == RF_ABI_VERSION);
	}
}

TEST(Abi, CheckSaysWhatToDo)
{
	FakeModule same(RF_ABI_VERSION);
	EXPECT_EQ(abi_row()["status"], "ok");

	FakeModule old(older);
	EXPECT_EQ(abi_row()["status"], "warn");
	EXPECT_EQ(abi_row()["detail"], "rf_supervisor 9.8.7 has ABI 2, this rfm ABI 6: both work "
				       "together, without what is new in rfm");
	EXPECT_EQ(abi_row()["remedy"], "modprobe -r rf_supervisor && modprobe rf_supervisor");
	old.names = {"web", "batch"};
	EXPECT_EQ(abi_row()["remedy"], "when its subOSes (2 now) may end: rfm destroy --all && "
				       "modprobe -r rf_supervisor && modprobe rf_supervisor");

	FakeModule future(newer);
	EXPECT_EQ(abi_row()["status"], "warn");
	EXPECT_EQ(abi_row()["remedy"], "install the rfm that came with rf_supervisor 9.8.7");
}

TEST(Abi, CheckWorksWithWhatAnOlderModuleKnows)
{
	FakeModule old(older);
	const rf::Json checked = run(rf::check_verb).json;

	EXPECT_EQ(checked["module"]["abi"], older);
	EXPECT_EQ(checked["module"]["memory"][0]["available"], 64 << 20);
	for (const rf::Json &row : checked["findings"])
		if (row["name"].get<std::string>().starts_with("memory, node")) {
			EXPECT_EQ(row["status"], "ok") << row;
		}
}

TEST(Abi, SubosesAreSeenStoppedAndDestroyed)
{
	for (const std::uint32_t abi : versions) {
		FakeModule module(abi);
		module.names = {"web", "batch"};

		const Kept listed = run(rf::list_verb);
		ASSERT_EQ(listed.json["subos"].size(), 2u) << abi;
		EXPECT_EQ(listed.json["subos"][0]["name"], "web");
		EXPECT_EQ(listed.json["subos"][0]["state"], "running");
		EXPECT_NO_THROW(rf::Supervisor::open().subos("web").stop(0));

		const Kept gone = run(rf::destroy_verb, {"web"});
		EXPECT_EQ(gone.json["destroyed"][0]["name"], "web");
		EXPECT_EQ(gone.json["destroyed"][0]["memory_returned"], 64 << 20);
		EXPECT_EQ(module.names, std::vector<std::string>{"batch"});
	}
}

TEST(Abi, WhatCannotBeReportedIsDestroyedAllTheSame)
{
	FakeModule module(older);
	module.names = {"web"};
	module.answers_cores = false;

	const Kept gone = run(rf::destroy_verb, {"web"});
	EXPECT_TRUE(module.names.empty());
	EXPECT_TRUE(gone.json["destroyed"][0]["cores_returned"].is_null());
	EXPECT_EQ(gone.text, "subOS 'web' is gone: 64M given back; which cores are online again, "
			     "rf_supervisor did not say\n");
}

TEST(Abi, FieldsThatTheModuleDoesNotKnowReadAsZero)
{
	for (const std::uint32_t abi : versions) {
		FakeModule module(abi);
		module.names = {"web"};
		const rf_status status = rf::Supervisor::open().subos("web").status();

		EXPECT_EQ(status.size, sizeof(rf_status));
		EXPECT_EQ(status.memory, 64u << 20);
		EXPECT_EQ(status.not_held, abi == older ? 0u : 7u);
	}
}

TEST(Abi, NothingIsWrittenBehindTheCallersStruct)
{
	FakeModule module(newer);
	struct {
		rf_info info;
		std::uint64_t behind;
	} here{{}, 0x5a5a5a5a5a5a5a5a};
	const rf::Descriptor fd(::open(RF_DEVICE, O_RDWR));

	EXPECT_EQ(rf::request(fd, here.info), 0);
	EXPECT_EQ(here.info.abi, newer);
	EXPECT_EQ(here.behind, 0x5a5a5a5a5a5a5a5a);
}

TEST(Abi, WhatOnlyRfmKnowsIsRefusedOnlyIfAskedFor)
{
	FakeModule module(older);
	const auto supervisor = rf::Supervisor::open();
	rf::CreateRequest wanted{.name = "web", .cpus = {1}, .memory = 64 << 20};

	EXPECT_NO_THROW(supervisor.create(wanted));
	EXPECT_EQ(module.names, std::vector<std::string>{"web"});
	wanted.functions = {0x20};
	EXPECT_EQ(message_of([&] { supervisor.create(wanted); }),
		  "the loaded rf_supervisor is older than this rfm and cannot create the subOS as "
		  "asked: 'rfm check' says what helps");
	EXPECT_EQ(message_of([&] { supervisor.functions(); }),
		  "the loaded rf_supervisor is older than this rfm and cannot list PCI functions as "
		  "asked: 'rfm check' says what helps");
	EXPECT_EQ(module.names.size(), 1u);
}

TEST(Abi, AModuleThatRefusesIsNamed)
{
	FakeModule module(newer);
	module.refuses = true;

	EXPECT_EQ(message_of([&] { rf::Supervisor::open().names(); }),
		  "the supervisor does not accept what rfm asked and cannot list subOSes: 'rfm check' "
		  "says whether both fit");
	EXPECT_EQ(run(rf::version_verb).json["rf_supervisor_abi"], newer);
}

// The interface only grows (uapi/rainforest.h): what programs were built with by now stays so.
// A new field is added behind these; none of these numbers changes.
TEST(Abi, WhatWasThereStaysWhereItWas)
{
	EXPECT_GE(RF_ABI_VERSION, 4);
	EXPECT_GE(sizeof(rf_info), 104u);
	EXPECT_EQ(offsetof(rf_info, last_event), 96u);
	EXPECT_EQ(offsetof(rf_memory, available), 56u);
	EXPECT_EQ(offsetof(rf_list, names), 16u);
	EXPECT_EQ(offsetof(rf_cores, cores), 16u);
	EXPECT_EQ(offsetof(rf_functions, functions), 16u);
	EXPECT_EQ(offsetof(rf_events, events), 24u);
	EXPECT_EQ(offsetof(rf_create, problem), 108u);
	EXPECT_EQ(offsetof(rf_open, fd), 40u);
	EXPECT_EQ(offsetof(rf_load, culprit), 16u);
	EXPECT_EQ(offsetof(rf_start, boot_params), 24u);
	EXPECT_EQ(offsetof(rf_destroy, memory_returned), 16u);
	EXPECT_EQ(offsetof(rf_policies, hang_timeout_ms), 16u);
	EXPECT_EQ(offsetof(rf_definition, text), 8u);
	EXPECT_EQ(offsetof(rf_resize, drivers), 100u);
	EXPECT_EQ(offsetof(rf_stop_args, flags), 4u);
	EXPECT_EQ(offsetof(rf_reset, flags), 4u);
	EXPECT_EQ(offsetof(rf_stats, inside), 8u);
	EXPECT_EQ(offsetof(rf_window, columns), 6u);
	EXPECT_EQ(offsetof(rf_console_open, fd), 8u);
	EXPECT_EQ(offsetof(rf_status, not_held), 3560u);
	EXPECT_EQ(offsetof(rf_status, crashes), 3564u);
	// In arrays: these do not even grow.
	EXPECT_EQ(sizeof(rf_core), 24u);
	EXPECT_EQ(sizeof(rf_function_info), 72u);
	EXPECT_EQ(sizeof(rf_event), 232u);
	EXPECT_EQ(sizeof(rf_segment), 32u);
	EXPECT_EQ(RF_NAME_MAX, 32);
}

} // namespace
