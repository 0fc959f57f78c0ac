// SPDX-License-Identifier: GPL-2.0
#include "plan/losses.hpp"

#include "base/cpulist.hpp"
#include "base/error.hpp"
#include "base/sizes.hpp"
#include "cli/output.hpp"
#include "cli/shell_word.hpp"
#include "inspect/kernel_log.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>

namespace rf {

namespace {

using Cores = std::vector<unsigned>;

constexpr std::size_t examples_most = 3;
constexpr std::size_t path_most = 48;
constexpr const char *not_restored = "will not be restored by destroy";

// Those of `cores` that are also in `others`, or that are not. All ascending.
Cores both(const Cores &cores, const Cores &others)
{
	Cores found;

	std::set_intersection(cores.begin(), cores.end(), others.begin(), others.end(),
			      std::back_inserter(found));
	return found;
}

Cores without(const Cores &cores, const Cores &others)
{
	Cores found;

	std::set_difference(cores.begin(), cores.end(), others.begin(), others.end(),
			    std::back_inserter(found));
	return found;
}

// Has some of its cores online now, and none without those that are taken?
bool loses_all(const Cores &cores, const Settings &settings, const Cores &taken)
{
	bool any = false;

	for (const unsigned core : cores) {
		if (!std::binary_search(settings.online.begin(), settings.online.end(), core))
			continue;
		if (!std::binary_search(taken.begin(), taken.end(), core))
			return false;
		any = true;
	}
	return any;
}

// The first few, and whether there are more.
class Examples {
public:
	void add(const std::string &word)
	{
		if (count_++ < examples_most)
			words_ += (words_.empty() ? "" : ", ") + word;
	}
	std::size_t count() const { return count_; }
	std::string str() const
	{
		return count_ > examples_most ? words_ + ", ..." : words_;
	}
	// "1 task", "2 tasks"
	std::string counted(const std::string &noun) const
	{
		return text(count_, " ", noun, count_ == 1 ? "" : "s");
	}

private:
	std::string words_;
	std::size_t count_ = 0;
};

std::string shortened(const std::string &path)
{
	return path.size() > path_most ? "..." + path.substr(path.size() - path_most) : path;
}

std::string described(const TaskSetting &task)
{
	return text(inspect::printable(task.name), " ", task.tid, " on ", format_cpulist(task.cores));
}

// A core that stays, to be named beside those of the example, of `among` if that is not empty.
std::optional<unsigned> staying_core(const Settings &settings, const Cores &taken,
				     const Cores &among = {})
{
	Cores rest = without(settings.online, taken);

	if (!among.empty())
		rest = both(rest, among);
	return rest.empty() ? std::nullopt : std::optional(rest.front());
}

std::string with_core(Cores cores, unsigned core)
{
	cores.insert(std::lower_bound(cores.begin(), cores.end(), core), core);
	return format_cpulist(cores);
}

// A task whose affinity is that of its cpuset gets it back with the cores of the cpuset.
bool has_own_affinity(const TaskSetting &task)
{
	return !task.deadline && (task.cpuset.empty() || task.cores != task.cpuset);
}

// Kernels before 6.2 give all tasks of a cpuset its cores whenever it loses or gains one. Where
// there are partitions, they do so also to tasks in the root cpuset if a partition ends or begins
// to be valid, and to those in others for each memory block.
bool is_overwritten(const TaskSetting &task, const Settings &settings, const Taking &taking)
{
	const auto has_taken = [&](const Cores &cores) {
		return !both(cores, taking.cores).empty();
	};

	if (settings.keeps_affinity || !has_own_affinity(task))
		return false;
	return has_taken(task.cpuset) ||
	       (taking.memory && !settings.partitions.empty() && !task.cpuset.empty()) ||
	       std::any_of(settings.partitions.begin(), settings.partitions.end(), has_taken);
}

void add_tasks(std::vector<Loss> &found, const Settings &settings, const Taking &taking)
{
	const TaskSetting *first = nullptr;
	Examples examples;

	for (const TaskSetting &task : settings.tasks) {
		if (!has_own_affinity(task) || is_overwritten(task, settings, taking) ||
		    !loses_all(task.cores, settings, taking.cores))
			continue;
		examples.add(described(task));
		first = first ? first : &task;
	}
	if (!first)
		return;
	const auto core = staying_core(settings, taking.cores, first->cpuset);
	found.push_back({"tasks",
			 text("affinity of ", examples.counted("task"),
			      " with no core but those to be given (", examples.str(), ")"),
			 not_restored,
			 core ? text("to keep it, name a core that stays as well: taskset -pc ",
				     with_core(first->cores, *core), " ", first->tid)
			      : text("to set it again afterwards: taskset -pc ",
				     format_cpulist(first->cores), " ", first->tid)});
}

void add_overwritten(std::vector<Loss> &found, const Settings &settings, const Taking &taking)
{
	const TaskSetting *first = nullptr;
	Examples examples;

	for (const TaskSetting &task : settings.tasks) {
		if (!is_overwritten(task, settings, taking))
			continue;
		examples.add(described(task));
		first = first ? first : &task;
	}
	if (!first)
		return;
	found.push_back({"tasks in cpusets",
			 text("affinity of ", examples.counted("task"),
			      " in cpusets that change (", examples.str(), ")"),
			 text(not_restored, ", as this kernel is older than 6.2"),
			 text("to set it again afterwards: taskset -pc ",
			      format_cpulist(first->cores), " ", first->tid)});
}

void add_cpusets(std::vector<Loss> &found, const Settings &settings, const Cores &taken)
{
	const CpusetSetting *first = nullptr;
	Examples examples;

	for (const CpusetSetting &cpuset : settings.cpusets) {
		if (both(cpuset.cores, taken).empty())
			continue;
		examples.add(text(inspect::printable(shortened(cpuset.file)), ": ",
				  format_cpulist(cpuset.cores)));
		first = first ? first : &cpuset;
	}
	if (!first)
		return;
	found.push_back({"cpusets",
			 text("cores to be given in ", examples.counted("cpuset"),
			      " of cgroup v1 (", examples.str(), ")"),
			 not_restored,
			 text("cgroup v2 keeps them; to set them again afterwards: echo ",
			      format_cpulist(first->cores), " >", shell_word(first->file))});
}

void add_interrupts(std::vector<Loss> &found, const Settings &settings, const Cores &taken)
{
	const InterruptSetting *first = nullptr;
	Examples examples;

	if (settings.balances_interrupts)
		return;
	for (const InterruptSetting &interrupt : settings.interrupts) {
		if (!loses_all(interrupt.cores, settings, taken))
			continue;
		examples.add(text(interrupt.number, " ",
				  inspect::printable(shortened(interrupt.name)), " on ",
				  format_cpulist(interrupt.cores)));
		first = first ? first : &interrupt;
	}
	if (!first)
		return;
	found.push_back({"interrupts",
			 text("affinity of ", examples.counted("interrupt"),
			      " with no core but those to be given (", examples.str(), ")"),
			 not_restored,
			 text("to keep it, name a core that stays as well: echo ",
			      with_core(first->cores, staying_core(settings, taken).value_or(0)),
			      " >/proc/irq/", first->number, "/smp_affinity_list")});
}

std::string in_cores(double share)
{
	char word[32];

	std::snprintf(word, sizeof(word), "%.2f", share);
	return word;
}

// What the tasks of a root domain reserve.
struct Domain {
	double share = 0;
	Examples examples;
	int first = 0;
};

// The kernel adds that up in each root domain, whose cores are those of its tasks.
void add_deadlines(std::vector<Loss> &found, const Settings &settings, const Cores &taken)
{
	std::map<Cores, Domain> domains;

	if (settings.deadline_limit <= 0)
		return;
	for (const TaskSetting &task : settings.tasks) {
		if (!task.deadline)
			continue;
		Domain &domain = domains[both(task.cores, settings.online)];
		domain.share += task.share;
		domain.examples.add(text(inspect::printable(task.name), " ", task.tid));
		domain.first = domain.first ? domain.first : task.tid;
	}
	for (const auto &[cores, domain] : domains) {
		const Cores rest = without(cores, taken);
		const double most = settings.deadline_limit * static_cast<double>(rest.size());
		if (rest.size() == cores.size() || domain.share <= most)
			continue;
		found.push_back({"SCHED_DEADLINE",
				 text(domain.examples.counted("task"), " (", domain.examples.str(),
				      ") reserved ", in_cores(domain.share), " of cores ",
				      format_cpulist(cores), ", where ", in_cores(most),
				      " could be without those to be given:"),
				 "the kernel refuses to give so many",
				 text("end some, or give others up: chrt -o -p 0 ", domain.first)});
		return;
	}
}

void add_huge_pages(std::vector<Loss> &found, const Settings &settings, const Taking &taking)
{
	std::string again;
	Examples examples;

	if (!taking.memory)
		return;
	for (const HugePages &pages : settings.huge_pages) {
		if (!pages.free || (taking.node >= 0 && pages.node != taking.node))
			continue;
		// Memory goes in whole blocks, and with a block all of a page that it is a part of.
		const std::uint64_t blocks =
			settings.block_size ? taking.memory / settings.block_size + 1 : pages.free;
		const std::uint64_t most =
			blocks * std::max<std::uint64_t>(settings.block_size / pages.size, 1);
		examples.add(text(std::min(pages.free, most), " of ", pages.all, " of ",
				  format_size(pages.size), " on node ", pages.node));
		again += text(again.empty() ? "" : "; ", "echo ", pages.all, " >", pages.file);
	}
	if (again.empty())
		return;
	found.push_back({"huge pages",
			 text("free huge pages in memory to be given (up to ", examples.str(), ")"),
			 not_restored,
			 "to have them again afterwards: " + again});
}

} // namespace

std::uint64_t beyond_pool(const rf_memory &memory, std::uint64_t bytes)
{
	return bytes - std::min<std::uint64_t>(bytes, memory.pool_free);
}

std::vector<Loss> losses(const Settings &settings, const Taking &given)
{
	std::vector<Loss> found;
	Taking taking = given;

	std::sort(taking.cores.begin(), taking.cores.end());
	if (!settings.all_tasks)
		found.push_back({"all tasks", "affinities of some tasks", "were not looked at",
				 "that takes too long: destroy may not restore theirs"});
	add_tasks(found, settings, taking);
	add_overwritten(found, settings, taking);
	add_cpusets(found, settings, taking.cores);
	add_interrupts(found, settings, taking.cores);
	add_deadlines(found, settings, taking.cores);
	add_huge_pages(found, settings, taking);
	// Tasks choose their names themselves.
	for (Loss &loss : found) {
		loss.what = one_line(loss.what);
		loss.remedy = one_line(loss.remedy);
	}
	return found;
}

std::vector<std::string> loss_notes(const Settings &settings, const Taking &taking)
{
	std::vector<std::string> notes;

	for (const Loss &loss : losses(settings, taking))
		notes.push_back(text(loss.what, " ", loss.consequence, "; ", loss.remedy));
	return notes;
}

bool loses_by_cores(const Settings &settings, const std::vector<unsigned> &cores)
{
	return !losses(settings, {.cores = cores}).empty();
}

} // namespace rf
