// SPDX-License-Identifier: GPL-2.0
/*
 * A user of this machine without rights, for tests of who may what.
 *
 *   member UID GID -- COMMAND...	runs it as that user
 *   member UID GID			as that user opens /dev/rainforest, tries every call on it and,
 *					as far as it may, on a subOS, and prints a line for each:
 *					"machine 0x03 EPERM"; "open EACCES" if it may not even open it
 *   member UID GID passed		the same with descriptors that root opened before
 *   member UID GID stdin		root's program reads a subOS's memory through standard input
 *					that the user opened: "read EPERM"
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEVICE		"/dev/rainforest"
#define MAGIC		0xf5
#define CALLS		0x40
#define OPEN		0x04
#define NAME		"web"
#define NAME_MAX_	32

/* Any struct of the interface begins with its size; RF_IOC_OPEN's name and descriptor follow. */
union argument {
	uint32_t size;
	struct {
		uint32_t size, flags;
		char name[NAME_MAX_];
		int32_t fd;
		uint32_t reserved;
	} open;
	char room[8192];
};

static void drop(unsigned int uid, unsigned int gid)
{
	gid_t group = gid;

	if (setgroups(1, &group) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid)) {
		perror("member");
		exit(1);
	}
}

static const char *outcome(long rc)
{
	return rc < 0 ? strerrorname_np(errno) : "ok";
}

/* With a struct that is zero but for its size: all that is newer than the module is zero, too. */
static long call(int fd, unsigned int number)
{
	union argument argument = { .size = 4096 };

	return ioctl(fd, _IO(MAGIC, number), &argument);
}

static int open_subos(int machine)
{
	union argument argument = { 0 };

	argument.open.size = sizeof(argument.open);
	strcpy(argument.open.name, NAME);
	return ioctl(machine, _IO(MAGIC, OPEN), &argument) ? -1 : argument.open.fd;
}

static void try_all(const char *what, int fd)
{
	char byte;

	for (unsigned int number = 0; number < CALLS; number++) {
		long rc = call(fd, number);

		if (rc < 0 && errno == ENOTTY)
			continue;
		printf("%s 0x%02x %s\n", what, number, outcome(rc));
	}
	printf("%s read %s\n", what, outcome(pread(fd, &byte, 1, 0)));
	printf("%s write %s\n", what, outcome(pwrite(fd, "x", 1, 0)));
	printf("%s mmap %s\n", what,
	       outcome(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0));
}

/* What a privileged program does that copies its standard input. */
static int read_as_root(unsigned int uid, unsigned int gid)
{
	char byte;

	/* The user's rights while it opens, root's while it reads. */
	if (setgroups(0, NULL) || setegid(gid) || seteuid(uid)) {
		perror("member");
		return 1;
	}
	int machine = open(DEVICE, O_RDONLY);
	int subos = machine < 0 ? -1 : open_subos(machine);

	if (seteuid(0) || setegid(0) || subos < 0) {
		perror("member");
		return 1;
	}
	printf("read %s\n", outcome(pread(subos, &byte, 1, 0)));
	return 0;
}

int main(int argc, char **argv)
{
	int machine = -1, subos = -1;

	if (argc < 3)
		return 2;
	const unsigned int uid = strtoul(argv[1], NULL, 10), gid = strtoul(argv[2], NULL, 10);

	if (argc > 4 && !strcmp(argv[3], "--")) {
		drop(uid, gid);
		execvp(argv[4], argv + 4);
		perror(argv[4]);
		return 127;
	}
	if (argc > 3 && !strcmp(argv[3], "stdin"))
		return read_as_root(uid, gid);
	if (argc > 3) {
		machine = open(DEVICE, O_RDWR);
		subos = open_subos(machine);
	}
	drop(uid, gid);
	if (machine < 0)
		machine = open(DEVICE, O_RDONLY);
	if (machine < 0) {
		printf("open %s\n", outcome(-1));
		return 0;
	}
	if (subos < 0)
		subos = open_subos(machine);
	try_all("machine", machine);
	try_all("subos", subos);
	return 0;
}
