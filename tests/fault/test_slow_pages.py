# SPDX-License-Identifier: GPL-2.0
"""Pages of a program that do not come: it waits for them, and nobody else.

A page registered with userfaultfd is there when somebody says so, which nobody does: as a page of a
file on a disk that does not answer.
"""

import subprocess
import time

import pytest
from functional.functions import until
from lab import paths

SOON = 10  # seconds; rfm takes one, emulated
PROGRAM = "/bin/slow"

SLOW = r"""
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "uapi/rainforest.h"

#define LENGTH 65536

static void *slow_page(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register mine = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	void *page = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	mine.range.start = (uintptr_t)page;
	mine.range.len = LENGTH;
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &mine))
		return NULL;
	return page;
}

/* A partition of this program's own, or that of @name. */
static int partition(int device, const char *name)
{
	uint32_t cpu = 3;
	struct rf_create create = {
		.size = sizeof(create), .name = "slow", .cpus = (uintptr_t)&cpu, .nr_cpus = 1,
		.node = -1, .memory = 64 << 20,
	};
	struct rf_open open = { .size = sizeof(open) };

	if (!name)
		return ioctl(device, RF_IOC_CREATE, &create) ? -1 : create.fd;
	strncpy(open.name, name, sizeof(open.name) - 1);
	return ioctl(device, RF_IOC_OPEN, &open) ? -1 : open.fd;
}

int main(int argc, char **argv)
{
	struct rf_status status = { .size = sizeof(status) };
	struct rf_segment segment = { .bufsz = LENGTH, .memsz = LENGTH };
	struct rf_load load = { .size = sizeof(load), .nr_segments = 1, .segments = (uintptr_t)&segment };
	int fd = partition(open("/dev/rainforest", O_RDWR), argv[1]);
	void *page = slow_page();

	if (fd < 0 || !page || ioctl(fd, RF_IOC_STATUS, &status))
		return perror("slow"), 1;
	segment.buf = (uintptr_t)page;
	segment.phys = status.ranges[0].start + (32 << 20);
	close(creat("/tmp/slow", 0600));
	if (argv[1])
		return pread(fd, page, LENGTH, segment.phys) != LENGTH;
	return ioctl(fd, RF_IOC_LOAD, &load);
}
"""


@pytest.fixture
def slow(supervisor, tmp_path):
    """Runs the program in the background; it waits for its page when this returns."""
    program = tmp_path / "slow"
    command = ["gcc", "-static", "-I", paths.SOURCE / "include", "-x", "c", "-", "-o", program]
    subprocess.run(command, input=SLOW, text=True, check=True)
    supervisor.machine.put(program, PROGRAM)

    def run(*words):
        supervisor.sh(f"rm -f /tmp/slow; {PROGRAM} {' '.join(words)} >/tmp/said 2>&1 &")
        supervisor.sh(until("[ -e /tmp/slow ] && grep -q userfault /proc/$(pidof slow)/wchan", SOON))

    return run


def waits(supervisor):
    return "userfault" in supervisor.sh("cat /proc/$(pidof slow)/wchan")


def everything_else_goes_on(supervisor, others):
    began = time.monotonic()
    assert sorted(each["name"] for each in supervisor.json("list")["subos"]) == sorted(others)
    supervisor.show(others[0])
    supervisor.sh("cat /sys/kernel/debug/rainforest/ledger | grep -qx sound")
    assert time.monotonic() - began < 3 * SOON
    assert waits(supervisor)


@pytest.mark.budget(150)
def test_page_of_an_image_or_a_reader(supervisor, slow):
    before = supervisor.state()
    slow()
    everything_else_goes_on(supervisor, ["slow"])
    supervisor.ok("destroy", "slow")  # under its builder, who learns it when the page comes
    assert waits(supervisor)
    supervisor.sh("kill -9 $(pidof slow); " + until("! pidof slow"))
    assert supervisor.state() == before

    supervisor.create("other", "2", "--no-start", mem="128M")
    slow("other")
    everything_else_goes_on(supervisor, ["other"])
    supervisor.destroy("other")
    assert waits(supervisor)
    supervisor.sh("kill -9 $(pidof slow); " + until("! pidof slow"))
    assert supervisor.state() == before
