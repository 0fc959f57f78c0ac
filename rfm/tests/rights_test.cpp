// SPDX-License-Identifier: GPL-2.0
// Who may what of /dev/rainforest: judged by the module's own dispatcher, at each call.
#include "client/supervisor.hpp"
#include "fake_module.hpp"
#include "verbs/verbs.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <set>

extern "C" {
#include "supervisor/control/ioctl.h"
}

namespace {

using rf::test::FakeModule;

int answer(struct file *, void *)
{
	return 0;
}

// Numbers of the calls that get an answer.
std::set<unsigned> answered()
{
	std::array<rf_ioctl, 256> table{};
	std::set<unsigned> numbers;

	for (unsigned number = 0; number < table.size(); number++)
		table[number] = {static_cast<unsigned>(_IO(RF_IOC_MAGIC, number)), 0, 0, answer};
	for (const rf_ioctl &row : table) {
		const long rc = rf_ioctl_dispatch(table.data(), table.size(), nullptr, row.cmd, 0);
		EXPECT_TRUE(rc == 0 || rc == -EPERM) << row.cmd;
		if (rc == 0)
			numbers.insert(_IOC_NR(row.cmd));
	}
	return numbers;
}

TEST(Rights, WhoMayOnlyOpenTheDeviceLooks)
{
	FakeModule module(RF_ABI_VERSION);

	EXPECT_EQ(answered().size(), 256u);
	module.admin = false;
	// INFO, LIST, OPEN, CORES, EVENTS, FUNCTIONS; STATUS, STATISTICS. A call that is new is
	// not among them by itself.
	EXPECT_EQ(answered(), (std::set<unsigned>{0x00, 0x02, 0x04, 0x05, 0x06, 0x07, 0x10, 0x1b}));
}

TEST(Rights, AreThoseOfTheCallerAndNotOfTheDescriptor)
{
	FakeModule module(RF_ABI_VERSION);
	module.names = {"web"};
	const auto supervisor = rf::Supervisor::open();
	const rf::Partition web = supervisor.subos("web");

	EXPECT_NO_THROW(web.stop(0));
	module.admin = false;
	EXPECT_NO_THROW(web.status());
	EXPECT_NO_THROW(web.statistics());
	EXPECT_EQ(supervisor.names(), std::vector<std::string>{"web"});
	try {
		web.stop(0);
		FAIL();
	} catch (const rf::Error &error) {
		EXPECT_EQ(error.code(), rf::Code::not_permitted);
		EXPECT_STREQ(error.what(),
			     "only root (CAP_SYS_ADMIN), of a kernel that is not locked down, may "
			     "stop the subOS: members of the group 'rainforest' only look (list, "
			     "show, top, events, history, metrics, map)");
	}
	EXPECT_EQ(module.names, std::vector<std::string>{"web"});
}

TEST(Rights, ACreateOfAMemberIsNotBlamedOnLockdown)
{
	FakeModule module(RF_ABI_VERSION);
	module.admin = false;
	try {
		rf::Supervisor::open().create({.name = "web", .cpus = {1}, .memory = 64 << 20});
		FAIL();
	} catch (const rf::Error &error) {
		EXPECT_EQ(error.code(), rf::Code::not_permitted);
		EXPECT_NE(std::string(error.what()).find("may create the subOS"), std::string::npos)
			<< error.what();
	}
	EXPECT_TRUE(module.names.empty());
}

// An Output that keeps nothing.
class Dropped : public rf::Output {
public:
	void show(const rf::View &view) override { static_cast<void>(view.text()); }
	void show_list(const rf::Json &, const char *,
		       const std::function<void(const Sink &)> &) override
	{
	}
	void show_item(const rf::View &) override {}
	void error(const rf::Error &) override {}
};

TEST(Rights, CheckShowsAMemberWhatItShowsAnybody)
{
	FakeModule module(RF_ABI_VERSION);
	Dropped output;
	rf::Request request;

	module.admin = false;
	EXPECT_NO_THROW(rf::check_verb.run(request, output));
}

} // namespace
