# SPDX-License-Identifier: GPL-2.0
"""Kernels that hammer their file systems do not meet: each has its own locks, inodes and cores.

What they could wait for together is memory that both map, which is the arena alone; so it is
enough that nothing goes through it and that no interrupt leads from one to the other. How the same
work fares in one kernel is measured by the benchmark (performance/metadata.py).
"""

import pytest
from functional.doorbells import Doorbells
from functional.functions import block
from functional.metadata import (
    IPIS, between, counted, counts, hammer, make_file_systems, operations, program, rings_with,
    watch_locks,
)  # fmt: skip
from functional.subos import Supervisor
from functional.test_isolation import ALLOWED, mark_booted
from functional.trace import MARK_PORT, SUPERVISOR, Grant, Oracle
from functional.trace_pci import Function
from lab import qemu

CORES = 6
TENANTS = {"a": "2-3", "b": "4-5"}
PROCESSES = 4
SECONDS = 8
# Marks in the trace, and what runs between two of them.
IDLE, BUSY, DONE = 0x11, 0x12, 0x13
WINDOW = (
    "mark() {{ printf \"\\\\$1\" | dd of=/dev/port bs=1 seek={port} conv=notrunc 2>/dev/null; }}; "
    "mark {begin:o}; cat /proc/interrupts; echo ==; sleep {seconds}; cat /proc/interrupts; "
    "mark {end:o}"
)
# Of the supervisor with its subOSes busy: twice what it has when they are idle, and a few.
NOISE = 60
# Doorbells between supervisor and subOS that have nothing to do with it: console, end of a command.
STRAY = 10

INTERRUPTS = """           CPU0       CPU1
 24:         10          0  PCI-MSI 49152-edge      nvme0q0
 40:          3          1  rainforest    0-edge      rf_ficm
RES:          1          2   Rescheduling interrupts
CAL:         10         20   Function call interrupts
TLB:          4          0   TLB shootdowns
ERR:          0
entries: 3
overrun: 4
commit overrun: 9
bytes: 100
entries: 1
overrun: 0
sent 5
rings 2
rescues 0
"""


def test_counts():
    assert counted(INTERRUPTS) == {
        "RES": 3, "CAL": 30, "TLB": 4, "doorbells": 4, "lock waits": 8, "sent": 5, "rings": 2,
    }  # fmt: skip


@pytest.mark.extended
@pytest.mark.budget(240)
def test_storms_of_metadata_do_not_meet(machines):
    supervisor = Supervisor(
        machines(snapshot=False, cpus=CORES, trace=True, disks=2 * ["nvme:blank=256M"])
    )
    bdfs = [supervisor.machine.bdf(f"disk{number}") for number in range(2)]
    functions = [Function.of(supervisor, bdf) for bdf in bdfs]
    make_file_systems(supervisor, *bdfs)
    initrd = supervisor.initrd_with(files=program())
    grants = []
    with Doorbells(supervisor.machine) as doorbells:
        for (name, cores), function in zip(TENANTS.items(), functions):
            words = ("--pci", function.bdf, "--initrd", initrd)
            supervisor.create(name, cores, *words, mem="256M")
            mark_booted(supervisor)
            grants.append(Grant.of(supervisor.show(name), functions=[function]))
            doorbells.add(supervisor.show(name))
        with supervisor.shells(*TENANTS) as shells:
            idle, busy, done = storms(supervisor, shells, bdfs)
        supervisor.destroy("--all")

    with open(supervisor.machine.folder / qemu.EVENTS) as lines:
        oracle = Oracle(ALLOWED, CORES, grants, doorbells.published).judge(lines)
    assert oracle.violations == []
    sent = {key[1:]: n for key, n in oracle.commands.items() if key[0] == BUSY}
    print(f"supervisor idle {idle}, busy {busy}; inside {done}; interrupt commands {sent}")
    # They interrupt themselves, each other never.
    assert ("a", "b") not in sent and ("b", "a") not in sent
    for name in TENANTS:
        assert sent[name, name] > 0
        assert sent.get((name, SUPERVISOR), 0) + sent.get((SUPERVISOR, name), 0) <= STRAY
    assert sum(busy[row] for row in IPIS) <= 2 * sum(idle[row] for row in IPIS) + NOISE
    assert busy["doorbells"] <= STRAY
    assert all(each["operations"] > 1000 for each in done)


def storms(supervisor, shells, bdfs):
    """What the supervisor counts while both are idle, then busy, and what they count then."""
    for shell, bdf in zip(shells, bdfs):
        shell.run(f"mount -t ext4 {block(shell.run, bdf)} /mnt", timeout=60)
        watch_locks(shell.run)
    idle = window(supervisor, IDLE, DONE)
    before = [counts(shell.run) for shell in shells]
    rings = rings_between(supervisor, shells)
    # Longer than what is looked at, at both ends.
    work = hammer("/mnt", PROCESSES, SECONDS + 4)
    begun = [(shell, shell.start(f"{work}; sync")) for shell in shells]
    for shell, each in begun:
        shell.await_start(each)
    busy = window(supervisor, BUSY, DONE)
    ended = [shell.result(each, timeout=90) for shell, each in begun]
    assert [status for status, _ in ended] == [0, 0], ended
    assert rings_between(supervisor, shells) == rings, "messages between the two"
    done = [
        between(old, counts(shell.run)) | {"operations": operations(text)}
        for shell, old, (_, text) in zip(shells, before, ended)
    ]
    for shell in shells:
        shell.run("umount /mnt", timeout=60)
    return idle, busy, done


def window(supervisor, begin, end):
    script = WINDOW.format(port=MARK_PORT, begin=begin, end=end, seconds=SECONDS)
    before, after = supervisor.sh(script, timeout=60 + SECONDS).split("==\n")
    return between(counted(before), counted(after))


def rings_between(supervisor, shells):
    """Positions of the rings between the two, as each of them has them."""
    one, other = shells
    member = {shell.name: supervisor.show(shell.name)["member"] for shell in shells}
    found = [rings_with(one.run, member[other.name]), rings_with(other.run, member[one.name])]
    assert all(found)
    return found
