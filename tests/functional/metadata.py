# SPDX-License-Identifier: GPL-2.0
"""Metadata of file systems, hammered (lab/guest/metadata.c), and what a kernel counts of it."""

import re

from functional.functions import block
from lab import images, tools

PROGRAM = "metadata"
TRACING = "/sys/kernel/tracing"
FICM = "/sys/kernel/debug/rainforest-ficm"
# Interrupts from core to core, as rows of /proc/interrupts.
IPIS = ("RES", "CAL", "TLB")
WATCH_LOCKS = (
    f"{{ [ -e {TRACING}/tracing_on ] || mount -t tracefs tracefs {TRACING}; }} && "
    f"echo 1 >{TRACING}/events/lock/contention_begin/enable && echo 1 >{TRACING}/tracing_on"
)
LOOK = f"cat /proc/interrupts {TRACING}/per_cpu/cpu*/stats {FICM}/counters"
ROW = re.compile(r"^ *(\w+):((?: +\d+)+)(?: +(.*))?$", re.M)


def program():
    """As a file to lay over a root."""
    return {f"usr/bin/{PROGRAM}": images.static_program(PROGRAM)}


def hammer(folder, processes, seconds):
    return f"{PROGRAM} {folder} {processes} {seconds}"


def operations(text):
    return int(re.search(r"^operations (\d+)$", text, re.M)[1])


def make_file_systems(supervisor, *bdfs):
    """An empty ext4 on each."""
    supervisor.install(tools.program("mkfs.ext4"))
    for bdf in bdfs:
        supervisor.sh(f"mkfs.ext4 -q -F {block(supervisor.sh, bdf)}")


def watch_locks(run):
    """From here on the kernel counts who has to wait for a lock."""
    run(WATCH_LOCKS)


def counts(run):
    """What a kernel has counted so far, all its cores together."""
    return counted(run(LOOK))


def counted(text):
    found = dict.fromkeys((*IPIS, "doorbells", "lock waits"), 0)
    for name, numbers, what in ROW.findall(text):
        total = sum(map(int, numbers.split()))
        if name in IPIS:
            found[name] = total
        elif name.isdigit() and "rainforest" in what:
            found["doorbells"] += total
        elif name in ("entries", "overrun"):
            found["lock waits"] += total
    for name, value in re.findall(r"^(sent|received|rings) (\d+)$", text, re.M):
        found[name] = int(value)
    return found


def between(before, after):
    return {name: after[name] - before[name] for name in after}


def rings_with(run, member):
    """Positions of the message rings to and from another kernel: they move with each message."""
    text = run(f"cat {FICM}/rings")
    return re.findall(rf"^member {member} kernel .*$", text, re.M)
