// SPDX-License-Identifier: GPL-2.0
/*
 * Plays ping-pong with a process of another kernel, by doorbells bound to eventfds.
 *
 *   bells MEMBER COUNT PEER [first]
 *
 * Prints "index N" for its own doorbell, reads the index of the other one from the
 * file PEER (a FIFO), then answers COUNT rings by a ring each, and says "done COUNT".
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "uapi/rainforest_ficm.h"

#define PATIENCE_MS	60000	/* also outlives a destroy and a create */

static void fail(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

static int make_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		fail("eventfd");
	return fd;
}

static uint32_t read_peer(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned int index;

	if (!file || fscanf(file, "%u", &index) != 1)
		fail(path);
	fclose(file);
	return index;
}

static void ring(int fd)
{
	const uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		fail("ring");
}

/* Waits until it rings; how often it did. */
static uint64_t await_bell(int fd)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN };
	uint64_t count;

	if (poll(&entry, 1, PATIENCE_MS) != 1) {
		errno = ETIMEDOUT;
		fail("bell");
	}
	if (read(fd, &count, sizeof(count)) != sizeof(count))
		fail("bell");
	return count;
}

int main(int argc, char **argv)
{
	struct rf_ficm_doorbell bell = { .size = sizeof(bell), .cpu = RF_FICM_ANY_CPU };
	struct rf_ficm_ring peer = { .size = sizeof(peer) };
	int fd = open(RF_FICM_DEVICE, O_RDWR | O_CLOEXEC);
	unsigned long count, done;

	if (argc < 4)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (fd < 0)
		fail(RF_FICM_DEVICE);
	count = strtoul(argv[2], NULL, 10);
	bell.eventfd = make_eventfd();
	if (ioctl(fd, RF_FICM_IOC_DOORBELL, &bell))
		fail("doorbell");
	printf("index %u\n", bell.index);
	peer.member = strtoul(argv[1], NULL, 10);
	peer.index = read_peer(argv[3]);
	peer.eventfd = make_eventfd();
	if (ioctl(fd, RF_FICM_IOC_RING, &peer))
		fail("binding");
	if (argc > 4)
		ring(peer.eventfd);
	for (done = 0; done < count; done++) {
		if (await_bell(bell.eventfd) != 1) {
			printf("rung more than once\n");
			return 1;
		}
		ring(peer.eventfd);
	}
	printf("done %lu\n", done);
	/* Closing the device ends what is bound: the last ring of this side must be out. */
	sleep(1);
	return 0;
}
