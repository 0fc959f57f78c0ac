// SPDX-License-Identifier: GPL-2.0
/*
 * The lab's agent in a machine: runs commands for the host, one at a time on
 * each virtio-serial port /dev/vport*pN named rainforest.lab.N.
 *
 * One process serves one port. A frame is a type byte, a little-endian 32-bit
 * length and that many bytes; a zero byte in the place of a type is skipped.
 * A new client therefore first sends FRAME_MAX zeros, which swallow whatever
 * an earlier client left half sent, then HELLO with a nonce, which is answered
 * in the same way. What the agent sends before that answer belongs to somebody
 * else, and the client drops it.
 *
 * A command dies with its client: when the host disconnects, the command's
 * whole process group is killed.
 *
 * The agent may be process 1 (the tiny root): then it also reaps orphans and
 * takes the signals with which BusyBox asks for reboot, halt and poweroff.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX	65536
#define STDIN_WINDOW	262144	/* bytes of standard input that may be on their way */
#define HEADER_SIZE	5
#define NONCE_SIZE	16
#define PORT_NAME	"rainforest.lab."
#define PORTS_EVERY_US	10000
#define BEAT_MS		1000
#define HANGUP_MS	500
#define HANGUP_TRIES	50

enum frame {
	FRAME_PAD	= 0,
	FRAME_HELLO	= 1,	/* both: nonce */
	FRAME_RUN	= 2,	/* host: struct run_head, then cwd, argv and env, NUL-terminated */
	FRAME_STDIN	= 3,	/* host: bytes; none at all means end of file */
	FRAME_SIGNAL	= 4,	/* host: u32, to the command's process group */
	FRAME_WINSIZE	= 5,	/* host: u16 rows, u16 columns */
	FRAME_STDOUT	= 6,	/* agent: bytes */
	FRAME_STDERR	= 7,	/* agent: bytes */
	FRAME_EXIT	= 8,	/* agent: u32, as of a shell: status, or 128 + signal */
	FRAME_BEAT	= 9,	/* agent: the machine lives */
	FRAME_TAKEN	= 10,	/* agent: u32 bytes of standard input the command has taken */
};

struct run_head {
	uint32_t flags;
	uint16_t rows, columns;
	uint32_t argc, envc;
};
#define RUN_PTY		1

struct port {
	int fd;
	int gone;		/* a write failed: the client left */
	uint8_t in[HEADER_SIZE + FRAME_MAX];
	size_t in_len;
};

struct command {
	pid_t pid;		/* 0: none runs */
	int pidfd;
	int in, out, err;	/* our ends; -1 when closed */
	int is_pty;
	uint8_t pending[STDIN_WINDOW];	/* standard input the command did not take yet */
	size_t pending_len;
	int in_eof;		/* close standard input once nothing is pending */
};

static void command_kill(struct command *c);

static void set_nonblock(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* ---- frames ---- */

/*
 * Sets @p->gone if the client is. A hang-up counts only if it stays: news of clients come on a way
 * of their own, and those that one left and the next one came can follow the first bytes, or the
 * first command, of the next one.
 */
static void check_hangup(struct port *p)
{
	struct pollfd pfd = { .fd = p->fd };

	for (int i = 0; i < HANGUP_TRIES; i++) {
		if (poll(&pfd, 1, 0) >= 0 && !(pfd.revents & POLLHUP))
			return;
		usleep(HANGUP_MS * 1000 / HANGUP_TRIES);
	}
	p->gone = 1;
}

static void port_write(struct port *p, const void *buf, size_t len)
{
	const uint8_t *at = buf;

	while (len && !p->gone) {
		struct pollfd pfd = { .fd = p->fd, .events = POLLOUT };
		ssize_t n = write(p->fd, at, len);

		if (n > 0) {
			at += n;
			len -= n;
			continue;
		}
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			p->gone = 1;
		poll(&pfd, 1, BEAT_MS);
		if (pfd.revents & POLLHUP)
			check_hangup(p);
	}
}

static void send_frame(struct port *p, enum frame type, const void *data, uint32_t len)
{
	static uint8_t frame[HEADER_SIZE + FRAME_MAX];

	frame[0] = type;
	memcpy(frame + 1, &len, sizeof(len));
	memcpy(frame + HEADER_SIZE, data, len);
	port_write(p, frame, HEADER_SIZE + len);
}

static void answer_hello(struct port *p, const uint8_t *nonce)
{
	static const uint8_t zeros[HEADER_SIZE + FRAME_MAX];

	port_write(p, zeros, sizeof(zeros));
	send_frame(p, FRAME_HELLO, nonce, NONCE_SIZE);
}

static void send_exit(struct port *p, uint32_t status)
{
	send_frame(p, FRAME_EXIT, &status, sizeof(status));
}

/* ---- the command ---- */

static void exec_child(char *cwd, char **argv, char **env)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	environ = env;
	if (chdir(cwd) < 0)
		fprintf(stderr, "lab: %s: %s\n", cwd, strerror(errno));
	else if (execvp(argv[0], argv) < 0)
		fprintf(stderr, "lab: %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static int spawn_pty(struct command *c, const struct run_head *head, char *cwd, char **argv,
		     char **env)
{
	struct winsize ws = { .ws_row = head->rows, .ws_col = head->columns };
	int fd;

	c->pid = forkpty(&fd, NULL, NULL, &ws);
	if (c->pid < 0)
		return -1;
	if (!c->pid)
		exec_child(cwd, argv, env);
	c->is_pty = 1;
	c->in = fd;
	c->out = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	c->err = -1;
	return 0;
}

static int spawn_pipes(struct command *c, char *cwd, char **argv, char **env)
{
	int in[2], out[2], err[2];

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		return -1;
	c->pid = fork();
	if (c->pid < 0)
		return -1;
	if (!c->pid) {
		setsid();
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		exec_child(cwd, argv, env);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	c->is_pty = 0;
	c->in = in[1];
	c->out = out[0];
	c->err = err[0];
	return 0;
}

/* Splits @count strings off *@at; NULL if there are not that many before @end. */
static char **take_strings(char **at, char *end, uint32_t count)
{
	char **list = calloc(count + 1, sizeof(*list));

	for (uint32_t i = 0; list && i < count; i++) {
		char *nul = memchr(*at, 0, end - *at);

		if (!nul) {
			free(list);
			return NULL;
		}
		list[i] = *at;
		*at = nul + 1;
	}
	return list;
}

static void command_run(struct port *p, struct command *c, char *data, size_t len)
{
	struct run_head head;
	char **cwd, **argv, **env, *at = data + sizeof(head), *end = data + len;

	if (len < sizeof(head))
		return send_exit(p, 126);
	memcpy(&head, data, sizeof(head));
	if (head.argc > FRAME_MAX || head.envc > FRAME_MAX)
		return send_exit(p, 126);
	cwd = take_strings(&at, end, 1);
	argv = take_strings(&at, end, head.argc);
	env = take_strings(&at, end, head.envc);
	command_kill(c);
	if (!cwd || !argv || !argv[0] || !env ||
	    (head.flags & RUN_PTY ? spawn_pty(c, &head, *cwd, argv, env)
				  : spawn_pipes(c, *cwd, argv, env)) < 0) {
		c->pid = 0;
		send_exit(p, 126);
	} else {
		c->pidfd = pidfd_open(c->pid, 0);
		set_nonblock(c->in);
		set_nonblock(c->out);
		if (c->err >= 0)
			set_nonblock(c->err);
	}
	free(cwd);
	free(argv);
	free(env);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void command_forget(struct command *c)
{
	close_fd(&c->in);
	close_fd(&c->out);
	close_fd(&c->err);
	close_fd(&c->pidfd);
	c->pid = 0;
	c->pending_len = 0;
	c->in_eof = 0;
}

static void command_kill(struct command *c)
{
	if (c->pid) {
		kill(-c->pid, SIGKILL);
		kill(c->pid, SIGKILL);
		waitpid(c->pid, NULL, 0);
	}
	command_forget(c);
}

static void taken(struct port *p, struct command *c, uint32_t n)
{
	c->pending_len -= n;
	memmove(c->pending, c->pending + n, c->pending_len);
	send_frame(p, FRAME_TAKEN, &n, sizeof(n));
}

/* What comes for a command that closed its input is taken and dropped. */
static void feed_stdin(struct port *p, struct command *c)
{
	if (c->in >= 0 && c->pending_len) {
		ssize_t n = write(c->in, c->pending, c->pending_len);

		if (n > 0)
			taken(p, c, n);
		else if (errno != EAGAIN && !c->is_pty)
			close_fd(&c->in);
	}
	if (c->in < 0 && c->pending_len)
		taken(p, c, c->pending_len);
	if (c->pending_len)
		return;
	if (c->in_eof && c->in >= 0) {
		if (c->is_pty)
			(void)!write(c->in, "\4", 1);
		else
			close_fd(&c->in);
		c->in_eof = 0;
	}
}

/* Passes on what is there; closes @fd at its end. Returns bytes passed. */
static ssize_t drain(struct port *p, int *fd, enum frame type)
{
	static uint8_t buf[FRAME_MAX];
	ssize_t n = read(*fd, buf, sizeof(buf));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		close_fd(fd);
	else
		send_frame(p, type, buf, n);
	return n;
}

/*
 * The command's exit ends the exchange even if a descendant still holds its
 * output open (a daemon): what is in the pipes by then is still passed on.
 */
static void command_reap(struct port *p, struct command *c)
{
	int status;

	if (waitpid(c->pid, &status, WNOHANG) != c->pid)
		return;
	while (c->out >= 0 && drain(p, &c->out, FRAME_STDOUT) > 0)
		;
	while (c->err >= 0 && drain(p, &c->err, FRAME_STDERR) > 0)
		;
	command_forget(c);
	send_exit(p, WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

/* ---- one port ---- */

static void handle_frame(struct port *p, struct command *c, enum frame type, uint8_t *data,
			 uint32_t len)
{
	struct winsize ws = { 0 };
	uint32_t signal;

	switch (type) {
	case FRAME_HELLO:
		command_kill(c);
		if (len == NONCE_SIZE)
			answer_hello(p, data);
		break;
	case FRAME_RUN:
		command_run(p, c, (char *)data, len);
		break;
	case FRAME_STDIN:
		if (len > sizeof(c->pending) - c->pending_len)
			break;
		c->in_eof |= !len;
		memcpy(c->pending + c->pending_len, data, len);
		c->pending_len += len;
		feed_stdin(p, c);
		break;
	case FRAME_SIGNAL:
		memcpy(&signal, data, sizeof(signal));
		if (c->pid && len == sizeof(signal))
			kill(-c->pid, signal);
		break;
	case FRAME_WINSIZE:
		memcpy(&ws.ws_row, data, 2);
		memcpy(&ws.ws_col, data + 2, 2);
		if (c->is_pty && c->in >= 0)
			ioctl(c->in, TIOCSWINSZ, &ws);
		break;
	default:
		break;
	}
}

static void parse(struct port *p, struct command *c)
{
	size_t at = 0;

	while (at < p->in_len) {
		uint32_t len;

		if (p->in[at] == FRAME_PAD) {
			at++;
			continue;
		}
		if (p->in_len - at < HEADER_SIZE)
			break;
		memcpy(&len, p->in + at + 1, sizeof(len));
		if (len > FRAME_MAX) {		/* remains of an earlier client */
			at++;
			continue;
		}
		if (p->in_len - at < HEADER_SIZE + len)
			break;
		handle_frame(p, c, p->in[at], p->in + at + HEADER_SIZE, len);
		at += HEADER_SIZE + len;
	}
	p->in_len -= at;
	memmove(p->in, p->in + at, p->in_len);
}

/*
 * A port without a client reads as at its end, and poll() never sleeps on it: the kernel sends
 * SIGIO when a client comes.
 */
static void wait_for_client(struct port *p)
{
	const struct timespec second = { .tv_sec = 1 };
	sigset_t io;
	ssize_t n;

	sigemptyset(&io);
	sigaddset(&io, SIGIO);
	while ((n = read(p->fd, p->in, sizeof(p->in))) == 0)
		sigtimedwait(&io, NULL, &second);
	p->in_len = n > 0 ? n : 0;
	p->gone = 0;
}

/* A port without a client reads as at its end, which poll() tells as a hang-up, too. */
static void port_read(struct port *p, struct command *c)
{
	ssize_t n = read(p->fd, p->in + p->in_len, sizeof(p->in) - p->in_len);

	if (n > 0) {
		p->in_len += n;
		parse(p, c);
	}
}

static void beat(struct port *p)
{
	static struct timespec last;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if ((now.tv_sec - last.tv_sec) * 1000 + (now.tv_nsec - last.tv_nsec) / 1000000 < BEAT_MS)
		return;
	last = now;
	send_frame(p, FRAME_BEAT, "", 0);
}

/* Returns -1 when the client is gone. */
static int serve_events(struct port *p, struct command *c)
{
	struct pollfd pfd[] = {
		{ .fd = p->fd, .events = POLLIN },
		{ .fd = c->out, .events = POLLIN },
		{ .fd = c->err, .events = POLLIN },
		{ .fd = c->pending_len || c->in_eof ? c->in : -1, .events = POLLOUT },
		{ .fd = c->pidfd, .events = POLLIN },
	};

	if (poll(pfd, 5, BEAT_MS) < 0)
		return errno == EINTR ? 0 : -1;
	beat(p);
	if (pfd[1].revents)
		drain(p, &c->out, FRAME_STDOUT);
	if (pfd[2].revents)
		drain(p, &c->err, FRAME_STDERR);
	if (pfd[3].revents)
		feed_stdin(p, c);
	if (pfd[4].revents)
		command_reap(p, c);
	if (pfd[0].revents & POLLIN)
		port_read(p, c);
	if (pfd[0].revents & POLLHUP)
		check_hangup(p);
	return p->gone ? -1 : 0;
}

static void serve(struct port *p)
{
	static struct command c = { .in = -1, .out = -1, .err = -1, .pidfd = -1 };
	sigset_t io;

	sigemptyset(&io);
	sigaddset(&io, SIGIO);
	sigprocmask(SIG_BLOCK, &io, NULL);
	signal(SIGPIPE, SIG_IGN);
	fcntl(p->fd, F_SETOWN, getpid());
	fcntl(p->fd, F_SETFL, fcntl(p->fd, F_GETFL) | O_ASYNC | O_NONBLOCK);
	for (;;) {
		wait_for_client(p);
		parse(p, &c);
		while (serve_events(p, &c) == 0)
			;
		command_kill(&c);
	}
}

/* ---- all ports ---- */

static int open_port(const char *vport)
{
	char path[300], name[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", vport);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (!fgets(name, sizeof(name), f))
		name[0] = 0;
	fclose(f);
	if (strncmp(name, PORT_NAME, strlen(PORT_NAME)))
		return -1;
	snprintf(path, sizeof(path), "/dev/%s", vport);
	return open(path, O_RDWR | O_CLOEXEC);
}

/* Starts a process for every port; returns how many. */
static int start_servers(void)
{
	DIR *dir = opendir("/sys/class/virtio-ports");
	struct dirent *entry;
	static struct port port;
	int count = 0;

	while (dir && (entry = readdir(dir))) {
		port.fd = open_port(entry->d_name);
		if (port.fd < 0)
			continue;
		if (!fork()) {
			closedir(dir);
			serve(&port);
		}
		close(port.fd);
		count++;
	}
	if (dir)
		closedir(dir);
	return count;
}

/* The signals are those of BusyBox' init. */
static void run_init(void)
{
	static const struct {
		int signal, how;
	} requests[] = {
		{ SIGTERM, RB_AUTOBOOT },
		{ SIGUSR1, RB_HALT_SYSTEM },
		{ SIGUSR2, RB_POWER_OFF },
	};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (unsigned int i = 0; i < 3; i++)
		sigaddset(&set, requests[i].signal);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (;;) {
		int signal = sigwaitinfo(&set, NULL);

		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		for (unsigned int i = 0; i < 3; i++)
			if (requests[i].signal == signal)
				reboot(requests[i].how);
	}
}

int main(void)
{
	/*
	 * Ports, and their names, come one by one and after the driver. One that is served cannot be
	 * opened again, and is passed over.
	 */
	for (int served = 0; (served += start_servers()) < PORTS;)
		usleep(PORTS_EVERY_US);
	if (getpid() == 1)
		run_init();
	while (wait(NULL) > 0 || errno == EINTR)
		;
	return 0;
}
