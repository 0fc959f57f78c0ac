# SPDX-License-Identifier: GPL-2.0
"""Hotplug of the supervisor's kernel that does not end: whoever needs it is told, all else goes on.

A thread of the supervisor's hangs as the kernel would let it, for a test has it hang; only how a
page looks whose I/O does not end is seen with a disk that does not answer.
"""

import time
from contextlib import contextmanager

import pytest
from functional import disks
from functional.functions import BUSY, until
from functional.subos import BLOCK, DEBUG, MIB, SYSFS, Supervisor

DEVICE = "/dev/vda"
SOON = 15  # seconds; an emulated core is slow
TRY = 45  # a try of one block ends after 4 s, its thread is overdue 11 s later
SMALL = "112M"  # fits beside the keeper
SUSPEND = "echo freeze > /sys/power/state"
MOVABLE = "cd /sys/devices/system/memory; grep -lx Movable memory*/valid_zones | wc -l"
ONLINE = "cd /sys/devices/system/memory; cat memory*/state | grep -c online"
THREAD = "grep -qx rf_hotplug /proc/[0-9]*/comm"


def made(machines, **fields):
    """A supervisor with a subOS whose last block has room for another one."""
    # A core does not leave a disk's queue before its I/O there has ended: one queue for all cores.
    append = "rf_supervisor.poison=0 virtio_blk.num_request_queues=1"
    machine = machines(pool="runtime", cpus=5, append=append, warm_up="", **fields)
    supervisor = Supervisor(machine)
    keep(supervisor)
    return supervisor


def keep(supervisor):
    supervisor.create("keeper", "4", "--no-start", mem="130M")
    # A second one has a home of its own in the arena, which stays.
    supervisor.create("second", "3", "--no-start", mem=SMALL)
    supervisor.destroy("second")


@pytest.fixture
def supervisor(machines):
    return made(machines)


def state(supervisor):
    """Without what changes the first time that a block is taken: see test_runtime_memory."""
    return supervisor.state(figures="present|spanned")


def all_movable(supervisor, but=0):
    """What needs all movable blocks but @but, with the arena."""
    return f"{(int(supervisor.sh(MOVABLE)) - but) * BLOCK // MIB - 4}M"


def create(supervisor, name, core, mem):
    kernel = f"/boot/vmlinuz-{supervisor.version}"
    began = time.monotonic()
    result = supervisor.rfm("create", name, "--cores", core, "--mem", mem, "--kernel", kernel, "--no-start")
    return result, time.monotonic() - began


@contextmanager
def stalled(supervisor, which="blocks"):
    """Threads that hotplug hang."""
    supervisor.sh(f"echo 600 > {DEBUG}/stall_{which}")
    try:
        yield
    finally:
        supervisor.sh(f"echo 0 > {DEBUG}/stall_{which}")


def blocked(supervisor):
    return supervisor.sh(f"cat {DEBUG}/hotplug_blocked").strip() != "0x0"


def await_blocked(supervisor):
    """A thread that was left behind blocks hotplug when it is overdue."""
    supervisor.sh(until(f"! grep -qx 0x0 {DEBUG}/hotplug_blocked", 2 * SOON), timeout=3 * SOON)


def said(supervisor, what):
    return supervisor.machine.dmesg().count(f"hotplug of this kernel is blocked by {what}")


def destroyed(supervisor, *left):
    """A subOS whose cores could not come back goes by itself when they can: @left are the others."""
    gone = f"! {THREAD} && [ $(ls {SYSFS}/subos | wc -l) = {len(left)} ]"
    supervisor.sh(until(gone, 60), timeout=70)
    assert [each["name"] for each in supervisor.json("list")["subos"]] == list(left)
    assert not blocked(supervisor)


def settles(supervisor, before):
    """Threads that were left behind end, and their blocks go back by themselves."""
    online = before["blocks"].count("state:online")
    supervisor.sh(until(f"! {THREAD} && [ $({ONLINE}) = {online} ]", 60), timeout=70)
    assert not blocked(supervisor)
    assert state(supervisor) == before


@pytest.mark.extended
@pytest.mark.budget(240)
def test_thread_is_left_behind(supervisor):
    """A block does not come: hotplug is blocked, and nothing else."""
    before = state(supervisor)
    with stalled(supervisor):
        big, lasted = create(supervisor, "big", "2-3", all_movable(supervisor))
        assert big.status == BUSY and big.stderr.count("\n") == 1, big
        assert lasted < TRY
        assert blocked(supervisor) and said(supervisor, "memory block") == 2
        began = time.monotonic()
        assert [each["name"] for each in supervisor.json("list")["subos"]] == ["keeper"]
        supervisor.show("keeper")
        # There is memory for it in the pool, but its core cannot leave.
        small, _ = create(supervisor, "small", "3", SMALL)
        assert small.status == BUSY and small.stderr.count("\n") == 1, small
        assert said(supervisor, "memory block") == 3
        assert time.monotonic() - began < 2 * SOON
    settles(supervisor, before)
    for _ in range(2):
        supervisor.create("big", "2-3", "--no-start", mem="508M")
        supervisor.destroy("big")
    assert state(supervisor) == before


@pytest.mark.extended
@pytest.mark.budget(240)
def test_others_hotplug_without_an_end(supervisor):
    """Cores do not go while another task hotplugs: not under the lock that others need."""
    before = state(supervisor)
    with stalled(supervisor, "pass"):
        # There is memory for it in the pool: its thread only passes through the kernel's lock.
        small, lasted = create(supervisor, "small", "3", SMALL)
        assert small.status == BUSY and small.stderr.count("\n") == 1, small
        assert lasted < TRY
        await_blocked(supervisor)
        assert said(supervisor, "another task") == 1
        gone = supervisor.rfm("destroy", "keeper")
        assert gone.status and gone.stderr.count("\n") == 1, gone
        # All that needs no hotplug is back, though it was the last one with a home in the arena.
        left = supervisor.show("keeper")
        assert left["state"] == "stopping" and not left["memory"], left
    destroyed(supervisor)
    assert supervisor.online() == "0-4"
    keep(supervisor)
    assert state(supervisor) == before


@pytest.mark.extended
@pytest.mark.budget(240)
def test_interrupted_while_a_thread_hangs(supervisor):
    """Ctrl-C ends the create, but not its thread; no suspend and no unload before both are over."""
    supervisor.destroy("keeper")
    before = state(supervisor)
    kernel = f"/boot/vmlinuz-{supervisor.version}"
    words = f"big --cores 2-3 --mem {all_movable(supervisor)} --kernel {kernel} --no-start"
    supervisor.sh("echo freezer > /sys/power/pm_test")
    with stalled(supervisor):
        ended = supervisor.sh(
            f"set -m; rfm create {words} 2>/tmp/said & pid=$!; until {THREAD}; do usleep 10000; done;"
            f"{SUSPEND} 2>/dev/null && echo suspended; kill -INT $pid; wait $pid; echo $?"
        )
        assert ended.split() == [str(128 + 2)], ended
        assert not blocked(supervisor)  # yet
        assert supervisor.machine.exec(SUSPEND).status != 0
        assert "cannot suspend while memory is taken" in supervisor.machine.dmesg()
        assert supervisor.machine.exec("rmmod", "rf_supervisor").status != 0
    settles(supervisor, before)
    supervisor.sh(SUSPEND)
    supervisor.create("big", "2-3", "--no-start", mem="508M")
    supervisor.destroy("big")
    assert state(supervisor) == before


@pytest.mark.extended
@pytest.mark.budget(300)
def test_block_does_not_return(supervisor):
    """What a create took goes back when hotplug is free again; without it, its subOS stays."""
    before = state(supervisor)
    supervisor.create("big", "2-3", "--no-start", mem="254M")
    with stalled(supervisor):
        gone = supervisor.rfm("destroy", "big")
        assert gone.status and gone.stderr.count("\n") == 1, gone
        assert blocked(supervisor) and said(supervisor, "memory block")
        assert supervisor.online() == "0-1"
    supervisor.sh(until(f"! {THREAD} && [ $({ONLINE}) = {before['blocks'].count('state:online')} ]", 60),
                  timeout=70)  # fmt: skip
    destroyed(supervisor, "keeper")
    assert state(supervisor) == before


def interrupted(supervisor, words):
    """Ctrl-C comes while a thread hangs: when, in seconds; the exit code of rfm; when it ended."""
    return supervisor.sh(
        f"set -m; rfm {words} 2>/tmp/said & pid=$!; until {THREAD}; do usleep 10000; done;"
        "kill -INT $pid; cut -d. -f1 /proc/uptime; wait $pid; echo $?; cut -d. -f1 /proc/uptime"
    ).split()


@pytest.mark.budget(240)
def test_core_does_not_leave(supervisor):
    """It stays the supervisor's, and online in the end; all that needs no hotplug goes on."""
    before = state(supervisor)
    words = f"create small --cores 3 --mem {SMALL} --kernel /boot/vmlinuz-{supervisor.version} --no-start"
    with stalled(supervisor, "cores"):
        began, status, ended = map(int, interrupted(supervisor, words))
        assert status == 128 + 2 and ended - began < SOON
        assert [each["name"] for each in supervisor.json("list")["subos"]] == ["keeper"]
        other, _ = create(supervisor, "other", "2", SMALL)
        assert other.status == BUSY and other.stderr.count("\n") == 1, other
        assert said(supervisor, "CPU 3") == 2
        supervisor.sh(until(f"grep -qx 0x8000000000000003 {DEBUG}/hotplug_blocked"))
    settles(supervisor, before)
    assert supervisor.online() == "0-3"


@pytest.mark.extended
@pytest.mark.budget(300)
def test_core_does_not_return(supervisor):
    """What is left of its subOS is destroyed when hotplug works again."""
    before = state(supervisor)
    supervisor.create("small", "2-3", "--no-start", mem=SMALL)
    with stalled(supervisor, "cores"):
        gone = supervisor.rfm("destroy", "small", timeout=90)
        assert gone.status and gone.stderr.count("\n") == 1, gone
        assert supervisor.online() == "0-1"
        assert supervisor.show("small")["state"] == "stopping"
        assert supervisor.machine.exec("rfm", "list", timeout=SOON).status == 0
        # None of its two cores is anybody else's: one is on its way.
        await_blocked(supervisor)
        again = supervisor.rfm("destroy", "small")
        assert again.status and again.stderr.count("\n") == 1, again
    destroyed(supervisor, "keeper")
    settles(supervisor, before)


# ---- a disk that does not answer ----


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
        supervisor.sh(until("! grep -qxE 'dd|cat' /proc/[0-9]*/comm"))


@pytest.mark.extended
@pytest.mark.budget(240)
def test_locked_page_is_left_alone(machines):
    """Pages that a reader waits for are locked: their blocks stay, and others are taken instead."""
    supervisor = made(machines, snapshot=False, disks=["virtio:blank=256M"])
    supervisor.install(disks.programs("mkfs.ext4"))
    disks.make_ext4(supervisor.sh, DEVICE)
    disks.mount(supervisor.sh, DEVICE, "/mnt")
    supervisor.sh(f"dd if=/dev/zero of=/mnt/data bs=1M count=64; sync; {disks.DROP}")
    supervisor.sh("head -c 4096 /mnt/data >/dev/null")  # its blocks are known from here on
    before = state(supervisor)
    with silent_disk(supervisor):
        supervisor.sh("sh -c 'echo $$ >/tmp/stuck; exec cat /mnt/data' >/dev/null 2>&1 &")
        supervisor.sh(until("grep -q '^State:.D' /proc/$(cat /tmp/stuck)/status"))
        big, _ = create(supervisor, "big", "2-3", all_movable(supervisor, but=2))
        assert big.status == 0, big
        assert int(supervisor.sh(MOVABLE)) > 0
        supervisor.destroy("big")
        assert not blocked(supervisor)
    assert state(supervisor) == before
