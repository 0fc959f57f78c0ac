// SPDX-License-Identifier: GPL-2.0
#include "host/program.hpp"

#include "base/clock.hpp"
#include "base/descriptor.hpp"
#include "cli/interrupt.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rf {

namespace {

// A root shell made by su(1) has none of the first two in its PATH.
constexpr const char *more_folders = ":/usr/sbin:/sbin:/usr/bin:/bin";
constexpr std::size_t said_most = 8192;
constexpr std::size_t lines_shown = 8;
constexpr int tick_ms = 500;
constexpr int cannot_run = 126;
constexpr int passed_number = 3;	// as passed_file has it

std::vector<char *> pointers(std::vector<std::string> &words)
{
	std::vector<char *> list;

	for (std::string &word : words)
		list.push_back(word.data());
	list.push_back(nullptr);
	return list;
}

std::vector<std::string> environment_with(const std::vector<std::string> &more)
{
	std::vector<std::string> all;

	for (char **each = environ; *each; each++)
		if (!std::string_view(*each).starts_with("LC_ALL="))
			all.emplace_back(*each);
	// The locales of this host need not be inside what is made.
	all.emplace_back("LC_ALL=C");
	all.insert(all.end(), more.begin(), more.end());
	return all;
}

// All that the child needs: between fork and exec it may not ask for memory.
struct Start {
	const char *path;
	char **words, **environment;
	int out, file;
	const char *fence, *work;	// or null
};

[[noreturn]] void fail(const char *what)
{
	dprintf(STDERR_FILENO, "%s: %s\n", what, std::strerror(errno));
	::_exit(cannot_run);
}

// For this program and its children, another folder stands where the fence does.
void open_fence(const Start &start)
{
	const int work = ::open_tree(AT_FDCWD, start.work, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (work < 0 ||
	    ::mount("fence", start.fence, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0711") < 0 ||
	    ::mkdir(start.work, 0711) < 0 ||
	    ::move_mount(work, "", AT_FDCWD, start.work, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		fail(start.work);
}

void pass_on(int file)
{
	// Onto itself it would stay what is closed at exec.
	if ((file == passed_number ? ::fcntl(file, F_SETFD, 0) : ::dup2(file, passed_number)) < 0)
		fail("cannot pass the file on");
}

// In the child.
[[noreturn]] void become(const Start &start)
{
	const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);

	// Ctrl-C is for rfm, which decides what becomes of this; without rfm it must not go on.
	::setpgid(0, 0);
	::prctl(PR_SET_PDEATHSIG, SIGKILL);
	::dup2(null, STDIN_FILENO);
	::dup2(start.out, STDOUT_FILENO);
	::dup2(start.out, STDERR_FILENO);
	if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0)
		fail("cannot make mounts private");
	if (start.fence)
		open_fence(start);
	if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) < 0)
		fail("cannot mount /proc");
	if (start.file >= 0)
		pass_on(start.file);
	::execve(start.path, start.words, start.environment);
	fail(start.path);
}

// As the first process of a namespace: when it goes, the kernel ends all others there first.
pid_t start(const Program &program, const std::string &path, int out)
{
	std::vector<std::string> words = program.words;
	std::vector<std::string> environment = environment_with(program.environment);
	std::vector<char *> argv = pointers(words), env = pointers(environment);
	const std::string fence = program.work ? program.work->fence().string() : "";
	const Start child{path.c_str(), argv.data(), env.data(), out, program.file,
			  program.work ? fence.c_str() : nullptr,
			  program.work ? program.work->path().c_str() : nullptr};
	const long pid = ::syscall(SYS_clone, CLONE_NEWNS | CLONE_NEWPID | SIGCHLD, nullptr,
				   nullptr, nullptr, 0);

	if (pid == 0)
		become(child);
	if (pid < 0)
		throw Error(errno == EPERM ? Code::not_permitted : Code::internal,
			    text("'", program.words[0], "' cannot be started: ",
				 std::strerror(errno)));
	return static_cast<pid_t>(pid);
}

int wait_for_end(pid_t pid)
{
	int status = 0;

	while (::waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void keep_end(std::string &said)
{
	if (said.size() > 2 * said_most)
		said.erase(0, said.size() - said_most);
}

// Reads what it says until it closes its output, which is at its end at the latest.
// False if a signal came first.
bool listen(int in, std::string &said, Output &output, const std::string &doing)
{
	const std::uint64_t begin = monotonic_ns();
	char buffer[4096];

	for (;;) {
		pollfd list[] = {{in, POLLIN, 0}, {interrupt_descriptor(), POLLIN, 0}};

		output.progress(text(doing, ", ", (monotonic_ns() - begin) / 1'000'000'000,
				     " s ..."));
		::poll(list, std::size(list), tick_ms);
		if (interrupted())
			return false;
		if (!list[0].revents)
			continue;
		const ssize_t got = ::read(in, buffer, sizeof(buffer));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return true;
		said.append(buffer, static_cast<std::size_t>(got));
		keep_end(said);
	}
}

std::vector<std::string> last_lines(const std::string &said)
{
	std::istringstream in(said);
	std::vector<std::string> lines;

	for (std::string line; std::getline(in, line);)
		if (line.find_first_not_of(" \t\r") != line.npos)
			lines.push_back(one_line(line));
	if (lines.size() > lines_shown)
		lines.erase(lines.begin(),
			    lines.end() - static_cast<std::ptrdiff_t>(lines_shown));
	return lines;
}

} // namespace

std::optional<std::string> find_program(const std::string &name)
{
	const char *set = std::getenv("PATH");
	std::istringstream folders((set ? set : "") + std::string(more_folders));

	for (std::string folder; std::getline(folders, folder, ':');) {
		const std::string path = folder + "/" + name;
		// Not what lies in the current folder by chance.
		if (folder.starts_with('/') && ::access(path.c_str(), X_OK) == 0)
			return path;
	}
	return std::nullopt;
}

void need_program(const std::string &name, const std::string &package)
{
	if (!find_program(name))
		throw Error(Code::bad_file, text("program '", name, "' is missing: apt install ",
						 package));
}

Outcome run_program(const Program &program, Output &output, const std::string &doing)
{
	const auto path = find_program(program.words[0]);
	int ends[2];

	if (!path)
		throw Error(Code::bad_file,
			    text("program '", program.words[0], "' is missing"));
	if (::pipe2(ends, O_CLOEXEC) < 0)
		throw Error(Code::internal, text("pipe: ", std::strerror(errno)));
	const Descriptor in(ends[0]);
	Descriptor out(ends[1]);
	const pid_t pid = start(program, *path, out.get());
	out = Descriptor();

	Outcome outcome;
	const bool whole = listen(in.get(), outcome.said, output, doing);
	if (!whole)
		::kill(pid, SIGKILL);
	outcome.status = wait_for_end(pid);
	if (!whole)
		throw Error(Code::interrupted,
			    text("interrupted (", doing, "); nothing is left behind"));
	return outcome;
}

void do_program(const Program &program, Output &output, const std::string &doing)
{
	const Outcome outcome = run_program(program, output, doing);

	if (outcome.status)
		throw ErrorWithLog(Code::incomplete,
				   text(doing, ": '", program.words[0], "' failed with status ",
					outcome.status, "; its last output:"),
				   {{"program", program.words[0]}, {"status", outcome.status}},
				   last_lines(outcome.said));
}

} // namespace rf
