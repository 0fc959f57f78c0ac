// SPDX-License-Identifier: GPL-2.0
/*
 * The init of a container image whose command is none: /sbin/init of a subOS, put there by
 * `rfm image build --oci`, which also writes what it reads, the image's command.
 *
 * As PID 1 it mounts what programs expect, and runs the command on the console, with the
 * environment, the folder and the user of the image. It takes in the children that nobody
 * waits for. When the command ends, the subOS powers off; when the subOS is to go down, the
 * command gets the image's stop signal, and SIGKILL if it has not ended TIMEOUT seconds later.
 *
 * It is asked to go down in BusyBox's way, by SIGUSR2 (power off) and SIGTERM (reboot), so that
 * the agent's orderly shutdown works. It is /sbin/poweroff and /sbin/reboot as well: then it
 * asks.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATH_CONTAINER	"/etc/rainforest/container"
#define PATH_CONSOLES	"/sys/class/tty/console/active"
#define DEFAULT_PATH	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define FILE_MOST	(8 << 20)
/* As many as a file of that size can have, "arg=" and a NUL each, and those that we add. */
#define WORDS_MOST	(FILE_MOST / 5 + 4)
#define TIMEOUT		10
#define LINE_MOST	900	/* the kernel takes no record that is much longer */
/* Until what was killed is gone. */
#define GONE_TIMEOUT	5

struct container {
	char *args[WORDS_MOST + 1];
	char *env[WORDS_MOST + 1];
	unsigned int nr_args, nr_env;
	const char *folder, *hostname;
	unsigned int uid, gid;
	int stop;
};

static struct container container = { .folder = "/", .stop = SIGTERM };

static void say(const char *format, ...)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC), length;
	char line[LINE_MOST];
	va_list args;

	if (fd < 0)
		return;
	va_start(args, format);
	length = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	/* Not by a stream: that seeks, which is an error where it is only written to. */
	if (length > 0 && write(fd, line, length < LINE_MOST ? length : LINE_MOST - 1) < 0)
		errno = 0;	/* there is nobody else to tell */
	close(fd);
}

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* All become our children. One that still writes keeps the file system from being read-only. */
static void end_all(void)
{
	const struct timespec tick = { .tv_nsec = 10 * 1000 * 1000 };
	const time_t end = seconds() + GONE_TIMEOUT;
	pid_t pid;

	for (;;) {
		kill(-1, SIGKILL);
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (pid < 0)
			return;
		if (seconds() > end)
			break;
		nanosleep(&tick, NULL);
	}
	say("<4>container: some processes have not ended %d s after SIGKILL\n", GONE_TIMEOUT);
}

static _Noreturn void go_down(int how)
{
	end_all();
	sync();
	mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL);
	reboot(how);
	/* PID 1 must not end. */
	for (;;)
		pause();
}

static _Noreturn void give_up(const char *what, const char *why)
{
	say("<3>container: %s: %s; powering off\n", what, why);
	go_down(RB_POWER_OFF);
}

static void add(char **list, unsigned int *count, char *word)
{
	if (*count == WORDS_MOST)
		give_up(PATH_CONTAINER, "too many words");
	list[(*count)++] = word;
}

/* "key=value", each with a NUL behind it. */
static void take(char *line)
{
	char *value = strchr(line, '=');

	if (!value)
		give_up(PATH_CONTAINER, "a line without a key");
	*value++ = '\0';
	if (!strcmp(line, "arg"))
		add(container.args, &container.nr_args, value);
	else if (!strcmp(line, "env"))
		add(container.env, &container.nr_env, value);
	else if (!strcmp(line, "folder"))
		container.folder = value;
	else if (!strcmp(line, "hostname"))
		container.hostname = value;
	else if (!strcmp(line, "uid"))
		container.uid = strtoul(value, NULL, 10);
	else if (!strcmp(line, "gid"))
		container.gid = strtoul(value, NULL, 10);
	else if (!strcmp(line, "stop"))
		container.stop = strtol(value, NULL, 10);
}

static void read_container(void)
{
	int fd = open(PATH_CONTAINER, O_RDONLY | O_CLOEXEC);
	struct stat facts;
	size_t done = 0;
	char *text;
	ssize_t n;

	if (fd < 0 || fstat(fd, &facts))
		give_up(PATH_CONTAINER, strerror(errno));
	if (facts.st_size > FILE_MOST)
		give_up(PATH_CONTAINER, "too large");
	text = calloc(1, facts.st_size + 1);
	if (!text)
		give_up(PATH_CONTAINER, strerror(errno));
	while (done < (size_t)facts.st_size &&
	       (n = read(fd, text + done, facts.st_size - done)) > 0)
		done += n;
	close(fd);
	for (size_t at = 0, next; at < done; at = next) {
		next = at + strlen(text + at) + 1;
		take(text + at);
	}
	if (!container.nr_args)
		give_up(PATH_CONTAINER, "no command");
}

/* What a disk's initrd has mounted already stays. */
static void mount_on(const char *place, const char *type, unsigned long flags, const char *options)
{
	if (mkdir(place, 0755) && errno != EEXIST)
		return;
	if (mount(type, place, type, flags, options) && errno != EBUSY)
		say("<4>container: cannot mount %s: %s\n", place, strerror(errno));
}

static void link_to(const char *target, const char *name)
{
	if (symlink(target, name) && errno != EEXIST)
		say("<4>container: cannot make %s: %s\n", name, strerror(errno));
}

static void mount_all(void)
{
	mount(NULL, "/", NULL, MS_REMOUNT, NULL);
	mount_on("/dev", "devtmpfs", MS_NOSUID, "mode=0755");
	mount_on("/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_on("/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_on("/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_on("/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=0620,ptmxmode=0666");
	mount_on("/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
	mount_on("/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
	link_to("/proc/self/fd", "/dev/fd");
	/* Logs are sent there: they would be files, in memory, without an end. */
	link_to("/proc/self/fd/0", "/dev/stdin");
	link_to("/proc/self/fd/1", "/dev/stdout");
	link_to("/proc/self/fd/2", "/dev/stderr");
}

static void bring_up_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
}

/* The console that is a terminal: /dev/console itself can control no processes. */
static int open_console(void)
{
	char path[128] = "/dev/", names[96] = "";
	int fd = open(PATH_CONSOLES, O_RDONLY | O_CLOEXEC);
	char *name;
	ssize_t n;

	if (fd >= 0) {
		n = read(fd, names, sizeof(names) - 1);
		close(fd);
		if (n > 0 && names[n - 1] == '\n')
			names[n - 1] = '\0';
	}
	name = strrchr(names, ' ');
	name = name ? name + 1 : names;
	if (*name) {
		strncat(path, name, sizeof(path) - strlen(path) - 1);
		fd = open(path, O_RDWR | O_NOCTTY);
		if (fd >= 0)
			return fd;
	}
	return open("/dev/console", O_RDWR | O_NOCTTY);
}

static bool has(const char *variable)
{
	for (unsigned int i = 0; i < container.nr_env; i++)
		if (!strncmp(container.env[i], variable, strlen(variable)))
			return true;
	return false;
}

static _Noreturn void become_command(const sigset_t *before)
{
	int console = open_console();

	setsid();
	if (console >= 0) {
		ioctl(console, TIOCSCTTY, 0);
		for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
			if (stream != console)
				dup2(console, stream);
		/* Whoever opens it by /dev/stdout is the command's user. */
		if (fchown(STDOUT_FILENO, container.uid, -1))
			say("<4>container: cannot hand over the console: %s\n", strerror(errno));
		if (console > STDERR_FILENO)
			close(console);
	}
	sigprocmask(SIG_SETMASK, before, NULL);
	if (!has("PATH="))
		add(container.env, &container.nr_env, DEFAULT_PATH);
	if (!has("TERM="))
		add(container.env, &container.nr_env, "TERM=linux");
	if (!has("HOME="))
		add(container.env, &container.nr_env, container.uid ? "HOME=/" : "HOME=/root");
	environ = container.env;
	if (chdir(container.folder))
		say("<4>container: cannot go to %s: %s\n", container.folder, strerror(errno));
	if (setgroups(0, NULL) || setgid(container.gid) || setuid(container.uid))
		say("<3>container: cannot become user %u: %s\n", container.uid, strerror(errno));
	else
		execvp(container.args[0], container.args);
	say("<3>container: cannot run %s: %s\n", container.args[0], strerror(errno));
	_exit(127);
}

/* Takes in all that have ended; true if the command is one of them. */
static bool reap(pid_t command, int *status)
{
	bool over = false;
	int each;
	pid_t pid;

	while ((pid = waitpid(-1, &each, WNOHANG)) > 0) {
		if (pid != command)
			continue;
		over = true;
		*status = each;
	}
	return over;
}

static void tell_end(int status)
{
	if (WIFSIGNALED(status))
		say("<5>container: %s was ended by signal %d\n", container.args[0],
		    WTERMSIG(status));
	else
		say("<5>container: %s ended with status %d\n", container.args[0],
		    WEXITSTATUS(status));
}

static _Noreturn void watch(pid_t command, const sigset_t *signals)
{
	struct timespec left = { .tv_sec = TIMEOUT };
	int how = RB_POWER_OFF, status = 0;
	bool stopping = false;
	time_t end = 0;

	for (;;) {
		int got;

		if (stopping)
			left.tv_sec = end > seconds() ? end - seconds() : 0;
		got = sigtimedwait(signals, NULL, stopping ? &left : NULL);
		if (got < 0 && errno == EAGAIN) {
			say("<4>container: %s has not ended %d s after signal %d\n",
			    container.args[0], TIMEOUT, container.stop);
			go_down(how);
		}
		if (got == SIGCHLD && reap(command, &status)) {
			tell_end(status);
			go_down(how);
		}
		if (got < 0 || got == SIGCHLD || stopping)
			continue;
		stopping = true;
		end = seconds() + TIMEOUT;
		how = got == SIGTERM || got == SIGINT ? RB_AUTOBOOT : RB_POWER_OFF;
		kill(command, container.stop);
	}
}

/* As /sbin/poweroff or /sbin/reboot. */
static int ask(const char *self)
{
	const char *name = strrchr(self, '/');

	name = name ? name + 1 : self;
	if (kill(1, strcmp(name, "reboot") ? SIGUSR2 : SIGTERM)) {
		perror(name);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	sigset_t signals, before;
	pid_t command;

	if (getpid() != 1)
		return ask(argc ? argv[0] : "");
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGUSR2);
	sigaddset(&signals, SIGPWR);
	sigprocmask(SIG_BLOCK, &signals, &before);
	reboot(RB_DISABLE_CAD);
	mount_all();
	read_container();
	bring_up_loopback();
	if (container.hostname)
		sethostname(container.hostname, strlen(container.hostname));
	command = fork();
	if (command < 0)
		give_up("fork", strerror(errno));
	if (!command)
		become_command(&before);
	watch(command, &signals);
}
