# SPDX-License-Identifier: GPL-2.0
"""Allocations of rf_supervisor fail, here and there: what was begun is undone, or can be done again."""

import pytest
from functional.subos import Supervisor

FAULTS = ("failslab", "fail_page_alloc")
# Each so manieth allocation of rfm's task fails, if it is ours: it hits different places.
INTERVALS = (12, 20, 30, 45, 70)
# What is to be had in the end: rfm also fails if it cannot be told of its success.
CHANGES = ("--cores 2", "--mem 384M", "--mem 256M", "--cores 2-3")
EXPOSED = "echo 1 > /proc/self/make-it-fail; exec rfm {}"


def turn(supervisor, knobs):
    """Set @knobs of both kinds of faults."""
    each = [f"echo {value} > /sys/kernel/debug/{fault}/{knob}" for fault in FAULTS for knob, value in knobs.items()]
    supervisor.sh(" && ".join(each))


def aim(supervisor):
    """At allocations that rf_supervisor asks for, in tasks that are exposed to it."""
    text = int(supervisor.sh("cat /sys/module/rf_supervisor/sections/.text"), 16)
    size = int(supervisor.sh("awk '$1 == \"rf_supervisor\" {print $2}' /proc/modules"))
    # memremap_pages() faults in KASAN's shadow if one of its own fails: the kernel's affair.
    spared = supervisor.sh("awk 'start {print start, $1; exit} / memremap_pages$/ {start = $1}' /proc/kallsyms")
    start, end = (f"0x{each}" for each in spared.split())
    turn(supervisor, {
        "probability": 0, "task-filter": "Y", "ignore-gfp-wait": "N", "times": -1, "space": 0, "verbose": 0,
        "stacktrace-depth": 32, "require-start": hex(text), "require-end": hex(text + size),
        "reject-start": start, "reject-end": end,
    })  # fmt: skip
    supervisor.sh("echo 0 > /sys/kernel/debug/fail_page_alloc/min-order")


def spoilt(supervisor, interval, words):
    """Does rfm with @words fail if some of its allocations do? It ends by itself in any case."""
    turn(supervisor, {"interval": interval, "probability": 100})
    result = supervisor.machine.exec("sh", "-c", EXPOSED.format(words), timeout=150)
    turn(supervisor, {"probability": 0})
    print(interval, words, result)
    assert result.status < 128, result
    return not result.ok


@pytest.mark.debug_kernel
@pytest.mark.budget(200)
def test_allocations_fail(machines):
    supervisor = Supervisor(machines())
    create = f"create web --cores 2-3 --mem 256M --timeout 60 --kernel /boot/vmlinuz-{supervisor.version}"
    aim(supervisor)
    supervisor.ok(*create.split())
    supervisor.destroy("web")
    before = supervisor.state()
    failures = 0
    for interval in INTERVALS:
        supervisor.ok(*create.split())
        for change in CHANGES:
            if spoilt(supervisor, interval, f"resize web {change}"):
                failures += 1
                supervisor.ok("resize", "web", *change.split())
        if spoilt(supervisor, interval, "destroy web"):
            failures += 1
            # As above, it may be gone.
            if supervisor.json("list")["subos"]:
                supervisor.destroy("web")
        if spoilt(supervisor, interval, create):
            failures += 1
        else:
            supervisor.destroy("web")
        assert supervisor.state() == before, interval
    assert failures >= len(INTERVALS)
    assert supervisor.pool_intact()
