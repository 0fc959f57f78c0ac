// SPDX-License-Identifier: GPL-2.0
/*
 * Two processes on two cores of one kernel that wake each other with a futex.
 *
 *   futex CORE CORE COUNT    prints the nanoseconds of COUNT round trips
 */
#define _GNU_SOURCE
#include <err.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

/* One cache line for each direction; each word is written by one process. */
struct line {
	_Alignas(64) atomic_uint number;
};

static void stay_on(const char *core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(atoi(core), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(1, "core %s", core);
}

static void say(struct line *line, unsigned int number)
{
	atomic_store(&line->number, number);
	syscall(SYS_futex, &line->number, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void await(struct line *line, unsigned int number)
{
	unsigned int seen;

	while ((seen = atomic_load(&line->number)) != number)
		syscall(SYS_futex, &line->number, FUTEX_WAIT, seen, NULL, NULL, 0);
}

static unsigned long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

int main(int argc, char **argv)
{
	unsigned long long start;
	unsigned int count, i;
	struct line *lines;
	pid_t other;

	if (argc != 4)
		errx(2, "usage: futex CORE CORE COUNT");
	count = strtoul(argv[3], NULL, 0);
	lines = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (lines == MAP_FAILED)
		err(1, "mmap");
	other = fork();
	if (other < 0)
		err(1, "fork");
	if (!other) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		stay_on(argv[2]);
		for (i = 0; i <= count; i++) {
			await(&lines[0], i + 1);
			say(&lines[1], i + 1);
		}
		return 0;
	}
	stay_on(argv[1]);
	/* The first round trip is that of the start. */
	say(&lines[0], 1);
	await(&lines[1], 1);
	start = now();
	for (i = 1; i <= count; i++) {
		say(&lines[0], i + 1);
		await(&lines[1], i + 1);
	}
	printf("%llu\n", now() - start);
	waitpid(other, NULL, 0);
	return 0;
}
