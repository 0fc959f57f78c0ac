// SPDX-License-Identifier: GPL-2.0
// rfm setup: what this machine needs before the first create, and the drop-in for GRUB that
// has it there after one reboot.
#include "base/sizes.hpp"
#include "host/boot_facts.hpp"
#include "host/folder.hpp"
#include "host/new_file.hpp"
#include "host/program.hpp"
#include "plan/drop_in.hpp"
#include "plan/setup_plan.hpp"
#include "verbs/verbs.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rf {

namespace {

constexpr Option options[] = {
	{"apply", nullptr, "write the kernel parameters for GRUB, and run update-grub"},
	{"remove", nullptr, "take away what --apply wrote"},
	{"pool", "SIZE", "reserve SIZE for subOSes at boot; 0: keep half of memory movable instead"},
};

constexpr const char menu_program[] = "update-grub";
constexpr mode_t for_all = 0644;

std::string drop_in_path()
{
	return text(drop_in_folder, "/", drop_in_name);
}

std::string spaced(const std::vector<std::string> &words)
{
	std::string line;

	for (const std::string &word : words)
		line += (line.empty() ? "" : " ") + word;
	return line;
}

// `by_hand`: what is left to be done without GRUB's program, of which nothing is done then.
void check_host(const std::string &by_hand)
{
	if (::geteuid() != 0)
		throw Error(Code::not_permitted,
			    text("only root can change how this machine boots, not user id ",
				 ::geteuid()));
	if (!find_program(menu_program))
		throw Error(Code::bad_file,
			    text("this machine has no ", menu_program,
				 " (package grub2-common): tell its boot loader by hand to ",
				 by_hand));
}

// Nothing: there is to be no such file.
void put_drop_in(const std::string &content)
{
	if (content.empty()) {
		const Folder folder = Folder::open(drop_in_folder);
		if (::unlinkat(folder.fd(), drop_in_name, 0) < 0 && errno != ENOENT)
			throw Error(Code::bad_file,
				    text("'", drop_in_path(), "' cannot be removed: ",
					 std::strerror(errno)));
		return;
	}
	Folder::make(drop_in_folder);
	NewFile file(drop_in_path(), true);
	file.write(0, std::as_bytes(std::span(content)));
	if (::fchmod(file.fd(), for_all) < 0)
		throw Error(Code::bad_file,
			    text("'", drop_in_path(), "': ", std::strerror(errno)));
	file.finish();
}

// Ended in the middle, the program leaves half a menu, and a machine that does not boot.
class SignalsIgnored {
public:
	SignalsIgnored() { set(SIG_IGN); }
	~SignalsIgnored() { set(SIG_DFL); }
	SignalsIgnored(const SignalsIgnored &) = delete;
	SignalsIgnored &operator=(const SignalsIgnored &) = delete;

private:
	static void set(void (*handler)(int))
	{
		for (const int signal : {SIGINT, SIGTERM, SIGHUP})
			std::signal(signal, handler);
	}
};

void write_menu(Output &output)
{
	do_program({{menu_program}, {}}, output, "write GRUB's menu");
}

// All of it, or none.
void change(const std::string &content, const std::string &before, Output &output)
{
	const SignalsIgnored ignored;

	put_drop_in(content);
	try {
		write_menu(output);
	} catch (const Error &) {
		try {
			put_drop_in(before);
			write_menu(output);
		} catch (const Error &error) {
			output.note(text("GRUB's menu may not be whole: run ", menu_program,
					 " before the next reboot (", error.what(), ")"));
		}
		throw;
	}
	output.end_progress();
}

// No parameter helps with these: with the others alone the machine would only lose by them.
void check_able(const SetupPlan &plan)
{
	for (const Finding &finding : plan.findings)
		if (finding.verdict == Verdict::missing)
			throw Error(Code::bad_value,
				    text("nothing is written while something is missing that no "
					 "kernel parameter helps with: ", finding.name, ": ",
					 finding.detail,
					 finding.remedy.empty() ? "" : "; " + finding.remedy));
}

// Of the kernel that runs, and of GRUB if it was ever there.
std::string removal_by_hand(const SetupPlan &plan, const BootFacts &facts)
{
	std::vector<std::string> words;

	for (const SetupWords &parameter : plan.parameters)
		if (parameter.there)
			words.insert(words.end(), parameter.words.begin(), parameter.words.end());
	return text("take off the kernel command line what is for rainforest of: ",
		    words.empty() ? "(there is nothing)" : spaced(words),
		    facts.drop_in.empty() ? "" : text("; and remove '", drop_in_path(), "'"));
}

// What was done: "written", "removed", "unchanged", or "" if nothing was to be done.
std::string act(const Request &request, const SetupPlan &plan, const BootFacts &facts,
		Output &output)
{
	const std::string wanted = write_drop_in(plan.words());

	if (request.has("remove")) {
		check_host(removal_by_hand(plan, facts));
		if (facts.drop_in.empty())
			return "unchanged";
		change("", facts.drop_in, output);
		return "removed";
	}
	if (!request.has("apply"))
		return "";
	check_able(plan);
	check_host("put on the kernel command line: " + spaced(plan.words()));
	if (facts.drop_in == wanted)
		return "unchanged";
	for (const SetupWords &parameter : plan.parameters)
		output.note(text(spaced(parameter.words), ": ", parameter.why));
	change(wanted, facts.drop_in, output);
	return "written";
}

// What is missing, and what was done about it.
struct SetUp {
	const SetupPlan &plan;
	std::string done;	// see act()
	bool reboot;		// the running kernel was started without something that it needs

	bool able() const { return is_able(plan.findings) && plan.all_there(); }
};

void to_json(Json &json, const SetUp &result)
{
	json = {{"able", result.able()},
		{"findings", result.plan.findings},
		{"parameters", Json::array()},
		{"file", drop_in_path()},
		{"done", or_null(result.done)},
		{"reboot", result.reboot}};
	for (const SetupWords &parameter : result.plan.parameters)
		json["parameters"].push_back({{"words", spaced(parameter.words)},
					      {"there", parameter.there},
					      {"why", parameter.why}});
}

std::string last_line(const SetUp &result)
{
	const std::string file = drop_in_path();

	if (result.done == "removed")
		return text("'", file, "' is gone: the next boot is without it.\n");
	if (result.done == "written")
		return text("'", file, "' is written, and GRUB's menu: reboot, then rfm check.\n");
	if (result.reboot)
		return result.done.empty()
			       ? text("Next: rfm setup --apply writes these words to '", file,
				      "'; then reboot.\n")
			       : text("'", file, "' is as it has to be: reboot.\n");
	if (result.done == "unchanged")
		return "There was nothing to change.\n";
	return result.able() ? "Nothing is left to be done here: see rfm check.\n"
			     : "No kernel parameter is missing, but something else is.\n";
}

std::string to_text(const SetUp &result)
{
	Table words({"KERNEL PARAMETERS", "STATUS", "WHY"});

	for (const SetupWords &parameter : result.plan.parameters)
		words.add({spaced(parameter.words), parameter.there ? "ok" : "missing",
			   parameter.why});
	return text(to_text(result.plan.findings), "\n", words.str(), "\n", last_line(result));
}

void check_request(const Request &request)
{
	if (request.has("remove") && (request.has("apply") || request.has("pool")))
		throw Error(Code::usage, "--remove goes with neither --apply nor --pool: give it "
					 "alone");
}

Code run(const Request &request, Output &output)
{
	std::optional<std::uint64_t> pool;

	check_request(request);
	if (const auto value = request.value("pool"))
		pool = parse_size("pool", *value);
	const BootFacts facts = read_boot_facts();
	const SetupPlan plan =
		plan_setup(read_machine(), read_platform(), facts, ::geteuid() == 0, pool);
	const SetUp result{plan, act(request, plan, facts, output),
			   !request.has("remove") && !plan.all_there()};

	output.result(result);
	return !result.done.empty() || result.able() ? Code::ok : Code::bad_value;
}

} // namespace

const Verb setup_verb = {
	"setup", "",
	"show what this machine needs, and set its kernel parameters",
	"The first thing to run on a new machine; works without the module. Shows what the\n"
	"kernel command line has to have here, and what no kernel parameter helps with. With\n"
	"--apply it writes the parameters to /etc/default/grub.d/rainforest.cfg and runs\n"
	"update-grub: after one reboot the module is loaded. What has been written already\n"
	"is not written again. Exit code 0 if nothing is missing, or --apply or --remove has\n"
	"done its work, else 3.",
	options, 0, 0, run,
};

} // namespace rf
