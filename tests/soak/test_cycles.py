# SPDX-License-Identifier: GPL-2.0
"""SubOSes come and go for a long time, end in every way, under load: nothing is left behind."""

import random
import time

import pytest
from functional.subos import Supervisor, troubles

CYCLES = 30  # at least, in a run of full length
ENDINGS = {
    "destroy": ("true", None),
    "busy": ("for i in 1 2 3; do while :; do :; done & done; sleep 1; echo at work", None),
    "panic": ("echo c > /proc/sysrq-trigger", "crashed"),
    "sysrq-b": ("echo b > /proc/sysrq-trigger", "crashed"),
    "reboot": ("reboot -f", "stopped"),
    "poweroff": ("poweroff -f", "stopped"),
}


def cycle(supervisor, rng):
    """One or two subOSes with random cores, memory and endings."""
    free = [1, 2, 3]
    rng.shuffle(free)
    split = rng.randint(1, 2)
    shares = [free[:split], free[split:]][: rng.randint(1, 2)]
    endings = [rng.choice(list(ENDINGS)) for _ in shares]
    for number, (share, ending) in enumerate(zip(shares, endings)):
        mem = f"{rng.randrange(192, 640, 2)}M"
        cores = ",".join(map(str, share))
        supervisor.create(
            f"s{number}", cores, "--on-reboot", "keep", mem=mem, run=ENDINGS[ending][0]
        )
    for number, ending in enumerate(endings):
        state = ENDINGS[ending][1]
        if state:
            assert supervisor.await_state(f"s{number}", "stopped", "crashed")["state"] == state
        elif ending == "destroy":
            supervisor.await_log(f"s{number}", "lab.run ended")
            assert not troubles(supervisor.log(f"s{number}"))
    supervisor.destroy("--all")
    return endings


def cycles(supervisor, seconds):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    # The first time that a memory block is taken, MemTotal grows by its page structs: take at
    # once more than any cycle does.
    supervisor.create("first", "3", "--no-start", mem="1600M")
    supervisor.destroy("first")
    cycle(supervisor, rng)  # fills caches
    before, slab = supervisor.state(), supervisor.slab()
    began, done = time.monotonic(), 0
    while time.monotonic() - began < seconds or (seconds >= 600 and done < CYCLES):
        ended = cycle(supervisor, rng)
        done += 1
        print(f"cycle {done}: {', '.join(ended)}")
        assert supervisor.state() == before
        assert not troubles(supervisor.machine.dmesg())
    assert supervisor.slab() - slab < 2048 + 64 * done
    assert supervisor.pool_intact()


@pytest.mark.soak
@pytest.mark.budget(10800)
@pytest.mark.parametrize("pool", ["reserved", "runtime"])
def test_cycles(machines, pool, soak_seconds):
    cycles(Supervisor(machines(pool=pool, mem="4G")), soak_seconds / 3)


@pytest.mark.soak
@pytest.mark.budget(10800)
def test_cycles_under_load(machines, soak_seconds):
    supervisor = Supervisor(machines(mem="4G"))
    supervisor.machine.exec(
        "for i in 1 2; do setsid sh -c 'while :; do :; done' > /dev/null 2>&1 & done;"
        "setsid sh -c 'while :; do dd if=/dev/zero of=/tmp/x bs=1M count=64; done' > /dev/null 2>&1 &"
    )
    start = time.monotonic() - float(supervisor.sh("cut -d' ' -f1 /proc/uptime"))
    cycles(supervisor, soak_seconds / 3)
    end = time.monotonic() - float(supervisor.sh("cut -d' ' -f1 /proc/uptime"))
    assert abs(end - start) < 1
