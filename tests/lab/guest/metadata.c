// SPDX-License-Identifier: GPL-2.0
/*
 * Creates, renames and unlinks small files, as fast as it goes.
 *
 *   metadata FOLDER PROCESSES SECONDS
 *
 * Each process has two folders of its own in FOLDER, and moves its files from one to
 * the other. Prints "operations N": creates, renames and unlinks of all of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH		64
#define PROCESSES_MAX	64
#define PATH_MAX_HERE	256

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec + at.tv_nsec / 1e9;
}

static int make_folder(const char *parent, unsigned int number, char half)
{
	char path[PATH_MAX_HERE];
	int fd;

	snprintf(path, sizeof(path), "%s/%u%c", parent, number, half);
	if (mkdir(path, 0755) && errno != EEXIST)
		fail(path);
	fd = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail(path);
	return fd;
}

static void create(int folder, const char *name)
{
	int fd = openat(folder, name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);

	if (fd < 0)
		fail("create");
	close(fd);
}

/* A batch of files through all their life; returns the operations. */
static uint64_t batch(int from, int to)
{
	char names[BATCH][16];
	unsigned int i;

	for (i = 0; i < BATCH; i++) {
		snprintf(names[i], sizeof(names[i]), "file%u", i);
		create(from, names[i]);
	}
	for (i = 0; i < BATCH; i++)
		if (renameat(from, names[i], to, names[i]))
			fail("rename");
	for (i = 0; i < BATCH; i++)
		if (unlinkat(to, names[i], 0))
			fail("unlink");
	return 3 * BATCH;
}

static void work(const char *folder, unsigned int number, double end, uint64_t *operations)
{
	const int from = make_folder(folder, number, 'a');
	const int to = make_folder(folder, number, 'b');

	while (now() < end)
		*operations += batch(from, to);
	exit(0);
}

int main(int argc, char **argv)
{
	unsigned int processes, i;
	uint64_t *operations, sum = 0;
	int status, failed = 0;
	double end;

	if (argc != 4)
		return 2;
	processes = strtoul(argv[2], NULL, 10);
	if (!processes || processes > PROCESSES_MAX)
		return 2;
	end = now() + strtod(argv[3], NULL);
	/* A cache line for each. */
	operations = mmap(NULL, PROCESSES_MAX * 64, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (operations == MAP_FAILED)
		fail("mmap");
	for (i = 0; i < processes; i++) {
		const pid_t pid = fork();

		if (pid < 0)
			fail("fork");
		if (!pid)
			work(argv[1], i, end, &operations[i * 8]);
	}
	while (wait(&status) > 0)
		failed |= status;
	for (i = 0; i < processes; i++)
		sum += operations[i * 8];
	printf("operations %llu\n", (unsigned long long)sum);
	return failed ? 1 : 0;
}
