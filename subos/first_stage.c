// SPDX-License-Identifier: GPL-2.0
/*
 * The first stage: PID 1 of a subOS until the user's init takes over. Step 5 of
 * the boot flow. It lies as /rf/init, with /rf/rf_ficm.ko and /rf/rf_subos.ko
 * beside it, in an initrd put before the user's own, and runs because of
 * rdinit=/rf/init.
 *
 * It loads the two modules and, only if that succeeded, becomes the user's init:
 * same process, same arguments and environment, and nothing left behind. A console
 * that came with the agent is opened for it, as the kernel itself would have done.
 * If anything fails the first stage says so in one line of the kernel log and powers
 * the subOS off, because a subOS without its agent must not run on.
 *
 * The user's init is /init, or what rf.init=PATH on the command line says.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DIR_OWN		"/rf"
#define PATH_SELF	DIR_OWN "/init"
#define PATH_FICM	DIR_OWN "/rf_ficm.ko"
#define PATH_AGENT	DIR_OWN "/rf_subos.ko"
#define PATH_KMSG	DIR_OWN "/kmsg"
#define PATH_CONSOLE	DIR_OWN "/console"
#define PATH_PROC	DIR_OWN "/proc"
#define PATH_CMDLINE	PATH_PROC "/cmdline"
#define DEFAULT_INIT	"/init"
#define PARAM_INIT	"rf.init="

#define CMDLINE_MAX	8192

/* /dev/kmsg: a node of our own, as nothing is mounted on /dev yet. */
static int kmsg = STDERR_FILENO;

static void open_kmsg(void)
{
	int fd;

	if (mknod(PATH_KMSG, S_IFCHR | 0600, makedev(1, 11)) && errno != EEXIST)
		return;
	fd = open(PATH_KMSG, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		/* Not in the place of a standard stream that is not open yet. */
		kmsg = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		close(fd);
	}
	unlink(PATH_KMSG);
}

/* One line at error level: "rainforest: <what> <name>: <why>". */
static void complain(const char *what, const char *name, const char *why)
{
	const char *parts[] = { "<3>rainforest: ", what, " ", name, ": ", why,
				"; powering off\n" };
	char line[512] = "";
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		strncat(line, parts[i], sizeof(line) - strlen(line) - 1);
	/* Nobody is left to tell if this fails. */
	if (write(kmsg, line, strlen(line)) < 0)
		return;
}

static _Noreturn void give_up(const char *what, const char *name, const char *why)
{
	complain(what, name, why);
	sync();
	reboot(RB_POWER_OFF);
	/* PID 1 must not end: that would be a panic, which hides the line above. */
	for (;;)
		pause();
}

static void load_module(const char *path, const char *parameters)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		give_up("cannot open", path, strerror(errno));
	if (syscall(SYS_finit_module, fd, parameters, 0))
		give_up("cannot load", path, strerror(errno));
	close(fd);
}

/*
 * The standard streams, if the kernel had no console yet when it started us. If
 * there is still none, the user's init has to do without, as under the kernel.
 */
static void open_console(void)
{
	int fd;

	if (fcntl(STDIN_FILENO, F_GETFD) >= 0 && fcntl(STDOUT_FILENO, F_GETFD) >= 0 &&
	    fcntl(STDERR_FILENO, F_GETFD) >= 0)
		return;
	if (mknod(PATH_CONSOLE, S_IFCHR | 0600, makedev(5, 1)) && errno != EEXIST)
		return;
	fd = open(PATH_CONSOLE, O_RDWR | O_NOCTTY);
	unlink(PATH_CONSOLE);
	if (fd < 0)
		return;
	for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
		if (stream != fd)
			dup2(fd, stream);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* Reads the kernel's command line; parameters with a dot never reach our environment. */
static void read_cmdline(char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;
	int fd;

	if ((mkdir(PATH_PROC, 0700) && errno != EEXIST) ||
	    mount("proc", PATH_PROC, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		give_up("cannot mount", PATH_PROC, strerror(errno));
	fd = open(PATH_CMDLINE, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		give_up("cannot open", PATH_CMDLINE, strerror(errno));
	while (len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += n;
	buf[len] = '\0';
	close(fd);
	if (umount(PATH_PROC))
		give_up("cannot unmount", PATH_PROC, strerror(errno));
	rmdir(PATH_PROC);
}

/*
 * Cuts the next parameter off *rest, by the kernel's rules: double quotes hold
 * spaces together and are dropped around a whole parameter or a value.
 */
static char *next_param(char **rest)
{
	char *in = *rest + strspn(*rest, " \t\n");
	char *param = in, *out = in;
	bool quoted = false;

	if (!*in)
		return NULL;
	for (; *in && (quoted || !strchr(" \t\n", *in)); in++) {
		if (*in == '"')
			quoted = !quoted;
		else
			*out++ = *in;
	}
	*rest = *in ? in + 1 : in;
	*out = '\0';
	return param;
}

/* The last rf.init= wins, as with the kernel's own parameters. */
static const char *find_init(char *cmdline)
{
	const char *init = DEFAULT_INIT;
	char *param;

	while ((param = next_param(&cmdline))) {
		if (!strcmp(param, "--"))
			break;	/* the rest is for init */
		if (!strncmp(param, PARAM_INIT, strlen(PARAM_INIT)))
			init = param + strlen(PARAM_INIT);
	}
	return init;
}

/* Frees the memory too: rootfs keeps a file only as long as something refers to it. */
static void remove_traces(void)
{
	unlink(PATH_FICM);
	unlink(PATH_AGENT);
	unlink(PATH_SELF);
	rmdir(DIR_OWN);
}

int main(int argc, char **argv, char **envp)
{
	static char cmdline[CMDLINE_MAX];
	const char *init;

	(void)argc;
	if (getpid() != 1)
		return EXIT_FAILURE;

	open_kmsg();
	load_module(PATH_FICM, "");
	/* It reports the subOS as running when we have become the user's init. */
	load_module(PATH_AGENT, "first_stage=1");
	open_console();
	read_cmdline(cmdline, sizeof(cmdline));
	init = find_init(cmdline);
	remove_traces();

	argv[0] = (char *)init;
	execve(init, argv, envp);
	give_up("cannot run the init of this subOS,", init, strerror(errno));
}
