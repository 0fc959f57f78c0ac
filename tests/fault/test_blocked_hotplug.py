# SPDX-License-Identifier: GPL-2.0
"""A disk that stops to answer: memory with its I/O under way cannot move, and all else goes on."""

import time
from contextlib import contextmanager

import pytest
from functional import disks
from functional.functions import BAD_VALUE, NOT_ENOUGH, until
from functional.subos import BLOCK, DEBUG, MIB, Supervisor

DEVICE = "/dev/vda"
SOON = 15  # seconds; an emulated core is slow
TRY = 30  # a try of one block ends after 10 s, and what it was for soon after
BLOCKED = "hotplug of this kernel is blocked by memory block"
MOVABLE = "cd /sys/devices/system/memory; grep -lx Movable memory*/valid_zones | wc -l"


@pytest.fixture
def supervisor(machines):
    """A supervisor with an ext4 on its disk, and a subOS whose last block has room for another."""
    machine = machines(
        snapshot=False, pool="runtime", cpus=5, append="rf_supervisor.poison=0", warm_up="",
        disks=["virtio:blank=256M"],
    )  # fmt: skip
    supervisor = Supervisor(machine)
    supervisor.install(disks.programs("mkfs.ext4"))
    disks.make_ext4(supervisor.sh, DEVICE)
    disks.mount(supervisor.sh, DEVICE, "/mnt")
    supervisor.sh("mkdir /mnt/d; dd if=/dev/zero of=/mnt/d/data bs=1M count=64; umount /mnt")
    # The first time, the kernel makes new page structs of a block: see test_runtime_memory.
    supervisor.create("first", "3", "--no-start", mem=all_movable(supervisor, more=2))
    supervisor.destroy("first")
    disks.mount(supervisor.sh, f"-o ro {DEVICE}", "/mnt")
    supervisor.create("keeper", "4", "--no-start", mem="130M")
    return supervisor


def throttle(supervisor, bps):
    """Let the disk answer @bps bytes a second; 0: as fast as it can."""
    limits = dict.fromkeys(("bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"), 0)
    with supervisor.machine.qmp() as qmp:
        disk = next(each["qdev"] for each in qmp("query-block") if "disk0" in each.get("qdev", ""))
        qmp("block_set_io_throttle", id=disk, bps=bps, **limits)


@contextmanager
def silent_disk(supervisor):
    """The disk answers no more (in a million seconds); afterwards it answers what it was asked."""
    throttle(supervisor, 1)
    try:
        # What comes first is still answered.
        supervisor.sh(f"( dd if={DEVICE} of=/dev/null bs=1M count=1 iflag=direct skip=200 & ) 2>/dev/null")
        yield
    finally:
        throttle(supervisor, 0)


def stuck(supervisor, command):
    """Run @command in the background; it waits for the disk without listening to signals."""
    supervisor.sh(f"sh -c 'echo $$ >/tmp/stuck; exec {command}' >/dev/null 2>&1 &")
    supervisor.sh(until("grep -q '^State:.D' /proc/$(cat /tmp/stuck)/status", 20))


def timed(supervisor, *words):
    began = time.monotonic()
    return supervisor.rfm(*words), time.monotonic() - began


def create(supervisor, name, core, mem):
    kernel = f"/boot/vmlinuz-{supervisor.version}"
    return timed(supervisor, "create", name, "--cores", core, "--mem", mem, "--kernel", kernel,
                 "--no-start")  # fmt: skip


def all_movable(supervisor, more=0):
    """What needs all movable blocks, and @more blocks."""
    return f"{(int(supervisor.sh(MOVABLE)) + more) * BLOCK // MIB - 4}M"


def blocked(supervisor):
    return supervisor.machine.dmesg().count(BLOCKED)


@pytest.mark.budget(300)
def test_locked_page_is_left_alone(supervisor):
    """A reader's page is locked: its block stays, and others are taken instead of it."""
    before = supervisor.state()
    with silent_disk(supervisor):
        stuck(supervisor, "cat /mnt/d/data")
        made, _ = create(supervisor, "big", "2-3", all_movable(supervisor))
        assert made.status == 0, made
        assert int(supervisor.sh(MOVABLE)) > 0
        supervisor.destroy("big")
        assert not blocked(supervisor)
    assert supervisor.state() == before


@pytest.mark.budget(300)
def test_buffer_blocks_hotplug(supervisor):
    """A buffer is locked, which cannot be seen: hotplug is blocked, and nothing else."""
    before = supervisor.state()
    supervisor.sh(disks.DROP)
    with silent_disk(supervisor):
        stuck(supervisor, "stat /mnt/d/data")
        big, lasted = create(supervisor, "big", "2-3", all_movable(supervisor))
        assert big.status == NOT_ENOUGH and big.stderr.count("\n") == 1, big
        assert lasted < TRY
        assert blocked(supervisor)
        assert supervisor.sh(f"cat {DEBUG}/hotplug_blocked").strip() != "0x0"
        for words in (("list",), ("show", "keeper")):
            answer, lasted = timed(supervisor, *words)
            assert answer.status == 0 and lasted < SOON, answer
        # There is memory for it in the pool, but its core cannot leave.
        small, lasted = create(supervisor, "small", "3", "64M")
        assert small.status == BAD_VALUE and small.stderr.count("\n") == 1, small
        assert lasted < SOON
        assert supervisor.machine.exec("rmmod", "rf_supervisor").status != 0
    # What was taken for `big` goes back by itself once the disk answers.
    supervisor.sh(until(f"[ $(cd /sys/devices/system/memory; cat memory*/state | grep -c online) = "
                        f"{before['blocks'].count('state:online')} ]", 60), timeout=70)  # fmt: skip
    assert supervisor.sh(f"cat {DEBUG}/hotplug_blocked").strip() == "0x0"
    assert supervisor.state() == before
    for _ in range(2):
        supervisor.create("big", "2-3", "--no-start", mem="508M")
        supervisor.destroy("big")
    assert supervisor.state() == before
