// SPDX-License-Identifier: GPL-2.0
#include "base/error.hpp"
#include "host/settings.hpp"
#include "plan/losses.hpp"
#include "sysfs.hpp"

#include <gtest/gtest.h>

namespace rf {
namespace {

namespace fs = std::filesystem;

using Cores = std::vector<unsigned>;
using Lines = std::vector<std::string>;

// A machine with four cores, and a function for each thing that can name one.
class SettingsTest : public testing::Test {
protected:
	SettingsTest()
	{
		sysfs.put("proc/sys/kernel/osrelease", "6.1.0-56-amd64\n");
		sysfs.put("proc/sys/kernel/sched_rt_runtime_us", "950000\n");
		sysfs.put("proc/sys/kernel/sched_rt_period_us", "1000000\n");
		sysfs.put("proc/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n");
		sysfs.write("devices/system/cpu/online", "0-3\n");
		sysfs.write("devices/system/memory/block_size_bytes", "8000000\n");
		task(1, "init", "0-15");
	}

	void task(int tid, const std::string &name, const std::string &cores,
		  const std::string &cpuset = "/", unsigned long flags = 0, unsigned policy = 0)
	{
		const std::string folder = text("proc/", tid, "/task/", tid);
		// Fields 3 to 41.
		std::string stat = text(tid, " (", name, ") S 1 1 1 0 -1 ", flags);
		for (int field = 10; field < 41; field++)
			stat += " 0";
		sysfs.put(folder + "/stat", text(stat, " ", policy, " 0\n"));
		sysfs.put(folder + "/status",
			  text("Name:\t", name, "\nCpus_allowed_list:\t", cores, "\n"));
		sysfs.put(folder + "/cpuset", cpuset + "\n");
	}

	void interrupt(unsigned number, const std::string &users, const std::string &cores)
	{
		const std::string folder = text("proc/irq/", number);
		sysfs.put(folder + "/smp_affinity", "f\n");
		sysfs.put(folder + "/smp_affinity_list", cores + "\n");
		sysfs.write(text("kernel/irq/", number, "/actions"), users + "\n");
	}

	void huge_pages(unsigned kib, unsigned all, unsigned free)
	{
		const std::string folder =
			text("devices/system/node/node0/hugepages/hugepages-", kib, "kB/");
		sysfs.write(folder + "nr_hugepages", std::to_string(all));
		sysfs.write(folder + "free_hugepages", std::to_string(free));
	}

	Settings settings() const { return read_settings(sysfs.root()); }
	Lines notes(const Cores &cores, std::uint64_t memory = 0) const
	{
		return loss_notes(settings(), {cores, memory});
	}

	test::Sysfs sysfs;
};

// Reading it fails, as for a task that has ended since its file was opened.
TEST_F(SettingsTest, ATaskEndsWhileItIsRead)
{
	task(17, "worker", "3");
	for (const char *file : {"stat", "status", "cpuset"}) {
		const fs::path path = fs::path(sysfs.root()) / "proc/17/task/17" / file;
		fs::remove(path);
		fs::create_symlink("/proc/self/mem", path);
		EXPECT_EQ(notes({3}), Lines{}) << file;
	}
}

TEST_F(SettingsTest, NothingNamesACore)
{
	EXPECT_EQ(notes({1, 2, 3}, 1 << 30), Lines{});
	EXPECT_TRUE(settings().tasks.empty());
	EXPECT_EQ(settings().online, (Cores{0, 1, 2, 3}));
	EXPECT_EQ(loss_notes(read_settings(sysfs.root() + "/nowhere"), {{3}, 1 << 30}), Lines{});
}

TEST_F(SettingsTest, TasksThatMayRunNowhereElse)
{
	task(7, "a (b) c", "3");
	task(8, "two", "2-3");
	EXPECT_EQ(notes({2}), Lines{});
	EXPECT_EQ(notes({3}),
		  Lines{"affinity of 1 task with no core but those to be given (a (b) c 7 on 3) "
			"will not be restored by destroy; to keep it, name a core that stays as "
			"well: taskset -pc 0,3 7"});
	EXPECT_NE(notes({3, 2})[0].find("2 tasks"), std::string::npos);
}

// What is not online now does not help.
TEST_F(SettingsTest, TasksWithCoresThatAreAway)
{
	sysfs.write("devices/system/cpu/online", "0-1,3\n");
	task(8, "two", "2-3");
	EXPECT_EQ(notes({3}).size(), 1u);
	task(8, "two", "2");
	EXPECT_EQ(notes({3}), Lines{});
}

TEST_F(SettingsTest, ThreadsOfTheKernelThatFollow)
{
	task(20, "ksoftirqd/3", "3", "/", 0x04208040);
	task(21, "irq/24-eth0", "3", "/", 0x00208040);
	task(22, "kcompactd1", "3", "/", 0x00200040);
	EXPECT_EQ(notes({3}), Lines{});
}

TEST_F(SettingsTest, AffinityOfACpusetOfV2IsRestored)
{
	task(7, "inside", "3", "/only");
	sysfs.write("fs/cgroup/only/cpuset.cpus.effective", "3\n");
	EXPECT_EQ(notes({3}), Lines{});
	sysfs.write("fs/cgroup/only/cpuset.cpus.effective", "2-3\n");
	EXPECT_EQ(notes({3}).size(), 1u);
}

TEST_F(SettingsTest, OlderKernelsOverwriteAffinityInCpusets)
{
	task(7, "inside", "2", "/two");
	sysfs.write("fs/cgroup/two/cpuset.cpus.effective", "2-3\n");
	EXPECT_EQ(notes({3}), Lines{"affinity of 1 task in cpusets that change (inside 7 on 2) will "
				    "not be restored by destroy, as this kernel is older than 6.2; to "
				    "set it again afterwards: taskset -pc 2 7"});
	EXPECT_EQ(notes({1}), Lines{});
	ASSERT_EQ(notes({2}).size(), 1u) << "another core beside it would not help";
	EXPECT_NE(notes({2})[0].find("in cpusets that change"), std::string::npos);
	sysfs.put("proc/sys/kernel/osrelease", "6.12.95-amd64\n");
	EXPECT_EQ(notes({3}), Lines{});
}

TEST_F(SettingsTest, OlderKernelsOverwriteAffinityBesidePartitions)
{
	task(7, "inside", "2", "/two");
	task(8, "outside", "1-2");
	task(9, "anywhere", "0-2");
	sysfs.write("fs/cgroup/cpuset.cpus.effective", "0-2\n");
	sysfs.write("fs/cgroup/two/cpuset.cpus.effective", "1-2\n");
	sysfs.write("fs/cgroup/two/cpuset.cpus.partition", "member\n");
	sysfs.write("fs/cgroup/part/cpuset.cpus.effective", "3\n");
	sysfs.write("fs/cgroup/part/cpuset.cpus.partition", "root invalid (because)\n");
	EXPECT_EQ(notes({3}), Lines{});
	sysfs.write("fs/cgroup/part/cpuset.cpus.partition", "isolated\n");
	ASSERT_EQ(notes({3}).size(), 1u);
	EXPECT_NE(notes({3})[0].find("2 tasks"), std::string::npos);
	EXPECT_EQ(notes({0}), Lines{});
	EXPECT_NE(notes({0}, 1 << 30)[0].find("1 task "), std::string::npos);
}

TEST_F(SettingsTest, CpusetsOfV1)
{
	const std::string folder = "/sys/fs/cgroup/cpuset";

	sysfs.put("proc/mounts", text("cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"
				      "cgroup ", folder, " cgroup rw,nosuid,cpuset 0 0\n"));
	sysfs.write("fs/cgroup/cpuset/cpuset.cpus", "0-3\n");
	sysfs.write("fs/cgroup/cpuset/a/b/cpuset.cpus", "2-3\n");
	sysfs.write("fs/cgroup/cpuset/empty/cpuset.cpus", "\n");
	EXPECT_EQ(notes({1}), Lines{});
	ASSERT_EQ(notes({3}).size(), 1u);
	EXPECT_NE(notes({3})[0].find("cores to be given in 1 cpuset of cgroup v1 "),
		  std::string::npos);
	EXPECT_NE(notes({3})[0].find("echo 2-3 >" + sysfs.root() + folder + "/a/b/cpuset.cpus"),
		  std::string::npos);
	sysfs.put("proc/mounts",
		  text("cgroup ", folder, " cgroup rw,cpuset,cpuset_v2_mode 0 0\n"));
	EXPECT_EQ(notes({3}), Lines{});
}

TEST_F(SettingsTest, Interrupts)
{
	interrupt(24, "eth0-rx", "3");
	interrupt(25, "eth0-tx", "2-3");
	interrupt(26, "", "3");
	interrupt(27, "nvme0q4", "3");
	fs::permissions(fs::path(sysfs.root()) / "proc/irq/27/smp_affinity",
			fs::perms::owner_read);
	EXPECT_EQ(notes({3}), Lines{"affinity of 1 interrupt with no core but those to be given (24 "
				    "eth0-rx on 3) will not be restored by destroy; to keep it, name "
				    "a core that stays as well: echo 0,3 >/proc/irq/24/"
				    "smp_affinity_list"});
	task(30, "irqbalance", "0-3");
	EXPECT_EQ(notes({3}), Lines{});
}

TEST_F(SettingsTest, Deadlines)
{
	Settings some;

	some.online = {0, 1, 2, 3};
	some.deadline_limit = 0.95;
	some.tasks = {{.tid = 9, .name = "dl", .cores = {0, 1, 2, 3}, .deadline = true, .share = 2}};
	EXPECT_EQ(loss_notes(some, {{3}}), Lines{});
	EXPECT_EQ(loss_notes(some, {{2, 3}}),
		  Lines{"1 task (dl 9) reserved 2.00 of cores 0-3, where 1.90 could be without "
			"those to be given: the kernel refuses to give so many; end some, or give "
			"others up: chrt -o -p 0 9"});
	some.tasks[0].cores = {2, 3};
	EXPECT_EQ(loss_notes(some, {{1}}), Lines{});
	EXPECT_EQ(loss_notes(some, {{3}}).size(), 1u);
	some.deadline_limit = 0;
	EXPECT_EQ(loss_notes(some, {{3}}), Lines{});
}

TEST_F(SettingsTest, DeadlineTasksAreFoundAndNeverLoseTheirAffinity)
{
	task(9, "dl", "0-3", "/", 0, 6);
	ASSERT_EQ(settings().tasks.size(), 1u);
	EXPECT_TRUE(settings().tasks[0].deadline);
	EXPECT_DOUBLE_EQ(settings().deadline_limit, 0.95);
	sysfs.put("proc/sys/kernel/osrelease", "6.12.95-amd64\n");
	EXPECT_DOUBLE_EQ(settings().deadline_limit, 0.90);
	sysfs.put("proc/sys/kernel/sched_rt_runtime_us", "-1\n");
	EXPECT_EQ(settings().deadline_limit, 0);
}

TEST_F(SettingsTest, HugePages)
{
	huge_pages(2048, 100, 70);
	huge_pages(1048576, 1, 0);
	EXPECT_EQ(notes({3}), Lines{});
	ASSERT_EQ(notes({3}, 512 << 20).size(), 1u);
	const std::string line = notes({3}, 512 << 20)[0];
	EXPECT_EQ(line.find("free huge pages in memory to be given (up to 70 of 100 of 2M on node 0) "
			    "will not be restored by destroy; to have them again afterwards: echo 100 >"),
		  0u)
		<< line;
	huge_pages(1048576, 4, 4);
	const std::string both = notes({3}, 128 << 20)[0];
	EXPECT_NE(both.find("up to 2 of 4 of 1G"), std::string::npos);
	// Each size in turn, the one that is harder to have again first.
	EXPECT_NE(both.find("hugepages-1048576kB/nr_hugepages; echo 100 >"), std::string::npos)
		<< both;
	EXPECT_EQ(loss_notes(settings(), {{3}, 128 << 20, 1}), Lines{});
}

TEST_F(SettingsTest, NamesCannotDoHarm)
{
	task(7, "\x1b[2Jgone\xc2\x9b", "3");
	task(8, "two\nlines", "3");
	EXPECT_NE(notes({3})[0].find("(\\x1b[2Jgone\\xc2\\x9b 7 on 3, two?lines 8 on 3)"),
		  std::string::npos)
		<< notes({3})[0];
	Settings some;
	some.online = {0, 1};
	some.cpusets = {{"/cpuset/a$(b) 'c'/cpuset.cpus", {0, 1}}};
	EXPECT_NE(loss_notes(some, {{1}})[0].find(">'/cpuset/a$(b) '\\''c'\\''/cpuset.cpus'"),
		  std::string::npos);
}

TEST_F(SettingsTest, LinesAreBounded)
{
	for (int tid = 100; tid < 200; tid++)
		task(tid, "worker", "3");
	const Lines lines = notes({3});
	ASSERT_EQ(lines.size(), 1u);
	EXPECT_NE(lines[0].find("100 tasks"), std::string::npos);
	EXPECT_NE(lines[0].find("worker 102 on 3, ...)"), std::string::npos);
}

TEST_F(SettingsTest, RuleThatReloadsTheCrashKernel)
{
	const std::string rule = "SUBSYSTEM==\"memory\", ACTION==\"online\", "
				 "PROGRAM=\"/usr/sbin/kdump-config try-reload\"\n";
	const std::string name = "/udev/rules.d/50-kdump-tools.rules";

	sysfs.put("lib" + name, rule);
	EXPECT_EQ(settings().reload_rule, "") << "no crash kernel is loaded";
	sysfs.write("kernel/kexec_crash_loaded", "1\n");
	sysfs.put("lib" + name, "#" + rule);
	EXPECT_EQ(settings().reload_rule, "");
	sysfs.put("lib" + name, rule);
	EXPECT_EQ(settings().reload_rule, sysfs.root() + "/lib" + name);
	fs::create_directories(sysfs.root() + "/etc/udev/rules.d");
	fs::create_symlink("/dev/null", sysfs.root() + "/etc" + name);
	EXPECT_EQ(settings().reload_rule, "");
}

} // namespace
} // namespace rf
