# SPDX-License-Identifier: GPL-2.0
"""FICM between kernels, beside what two cores or two processes of one kernel do.

All in one machine and one run. rf_bench measures in the supervisor and answers in the subOSes
(tests/modules/rf_bench/bench.h).
"""

import re
from pathlib import Path

from lab import Machine, images, paths

# Cores of the machine: the supervisor measures on its communication core, and its other core is the
# peer of what stays in one kernel. One core for each subOS.
OWN, OTHER = 0, 1
LENT = (2, 3, 4)
MEM = "192M"
TIMEOUT = 180
RUN = "/sys/kernel/debug/rf_bench"
# Times that each is done in one round.
TRIPS = 3000
POLLED = 20000
FLOOD = 20000
# Rows of /proc/interrupts: function calls, rescheduling, and what modules named.
ROWS = re.compile(r"^ *(CAL|RES|\d+):((?: +\d+)+) +(.*)$", re.M)
READY = "rf_bench: member"
MEASURE = f"taskset {1 << OWN:x} sh -c 'echo {{}} >{RUN}/run' && cat {RUN}/result"


class Ficm:
    """A supervisor with three subOSes."""

    def __init__(self, kernel):
        self.machine = Machine(name="bench-ficm", cpus=2 + len(LENT), kernel=kernel)
        self.members = []

    def __enter__(self):
        self.machine.start_from_snapshot()
        self.version = self.machine.sh("uname -r").strip()
        self.bring_in()
        for core in LENT:
            self.create(f"peer{core}", core)
        self.machine.sh(f"taskset {1 << OWN:x} insmod /root/rf_bench.ko")
        return self

    def __exit__(self, *_):
        self.machine.stop()

    def bring_in(self):
        """The module, for this kernel and in an initrd of subOSes, and the futex program."""
        module = paths.MODULES / self.version / "tests/modules/rf_bench/rf_bench.ko"
        self.machine.put(module, "/root/rf_bench.ko")
        self.machine.put(futex_program(), "/root/futex")
        self.machine.sh(
            "cd /root && echo rf_bench.ko | cpio -o -H newc >bench.cpio 2>/dev/null && "
            f"cat /boot/initrd.img-{self.version} bench.cpio >bench.img"
        )

    def create(self, name, core):
        self.machine.sh(
            f"rfm create {name} --cores {core} --mem {MEM} --initrd /root/bench.img "
            f"--kernel /boot/vmlinuz-{self.version} --append 'lab.run=\"insmod /rf_bench.ko\"' && "
            f"timeout {TIMEOUT} sh -c "
            f"'until rfm log {name} | grep -q \"{READY}\"; do usleep 100000; done'",
            timeout=TIMEOUT * 2,
        )
        member = self.machine.sh(f"cat /sys/class/misc/rainforest/subos/{name}/member")
        self.members.append(int(member))

    def measure(self):
        """One round: for each subject nanoseconds and counts, each for one operation."""
        first = self.members[0]
        masks = [sum(1 << member for member in self.members[:n]) for n in (1, 2, 3)]
        return {
            "call": self.run("call", TRIPS, OTHER),
            "doorbell": self.run("doorbell", TRIPS, first),
            "doorbell-back": self.run("doorbell-back", TRIPS, first),
            "futex": self.futex(),
            "message": self.run("message", TRIPS, first),
            "message-process": self.run("message-process", TRIPS, first),
            "threads": self.run("threads", POLLED, OTHER),
            "poll": self.run("poll", POLLED, first),
            "flood-1": self.run("flood", FLOOD, masks[0]),
            "flood-2": self.run("flood", FLOOD, masks[1]),
            "flood-3": self.run("flood", FLOOD, masks[2]),
        }

    def run(self, subject, count, target):
        command = MEASURE.format(f"{subject} {count} {target}")
        before, text, after = self.between_interrupts(command)
        values = numbers(text)
        values |= interrupts_between(before, after)
        return {name: value / count for name, value in values.items() if name != "count"}

    def futex(self):
        before, text, after = self.between_interrupts(f"/root/futex {OWN} {OTHER} {TRIPS}")
        values = {"ns": int(text)} | interrupts_between(before, after)
        return {name: value / TRIPS for name, value in values.items()}

    def between_interrupts(self, command):
        look = "cat /proc/interrupts"
        text = self.machine.sh(f"{look} && echo == && {command} && echo == && {look}", TIMEOUT)
        return text.split("==\n")


def numbers(text):
    """What rf_bench says: a name and a number in each line."""
    return {name: int(value) for name, value in map(str.split, text.splitlines())}


def interrupts_between(before, after):
    """Interrupts of this kernel, all its cores together."""
    old, new = interrupts(before), interrupts(after)
    return {f"interrupts {name}": new[name] - old.get(name, 0) for name in new}


def interrupts(text):
    found = {}
    for row, counts, what in ROWS.findall(text):
        name = what.split()[-1] if row.isdigit() else row
        if name in ("CAL", "RES") or name.startswith("rf_"):
            found[name] = sum(map(int, counts.split())) + found.get(name, 0)
    return found


def futex_program():
    """The yardstick of user space, a static program."""
    source = Path(__file__).with_name("futex.c")
    words = ["-std=gnu11", "-O2", "-Wall", "-static", "-s"]
    return images.cached(
        "futex", [source, words], lambda out: images.run("cc", *words, "-o", out, source)
    )
