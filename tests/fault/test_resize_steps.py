# SPDX-License-Identifier: GPL-2.0
"""Every step of a resize fails in turn, or rfm is killed there: all is undone, or said."""

import pytest
from functional.elastic import Ledger
from functional.subos import DEBUG, Supervisor, troubles

# What is swept, and what takes it back.
RESIZES = {
    "cores-add": (("--cores", "+1"), ("--cores", "-1")),
    "cores-remove": (("--cores", "-3"), ("--cores", "+3")),
    "memory-add": (("--mem", "+128M"), ("--mem", "-128M")),
    "memory-remove": (("--mem", "-128M"), ("--mem", "+128M")),
}


def own(supervisor):
    shown = supervisor.show("web")
    return sorted(shown["cores"]), shown["memory"], shown["state"]


def count_steps(supervisor, words):
    supervisor.sh(f"echo 0 > {DEBUG}/steps")
    supervisor.resize("web", *words)
    return int(supervisor.sh(f"cat {DEBUG}/steps"))


def prepare(supervisor):
    supervisor.create("web", "2-3", mem="256M")
    supervisor.resize("web", "--mem", "+256M")


def sweep(supervisor, shell, resize, fault):
    """Meet @fault at each step of @resize; yields the result and whether all is as it was."""
    words, back = RESIZES[resize]
    ledger = Ledger(supervisor, [shell])
    steps = count_steps(supervisor, words)
    supervisor.resize("web", *back)
    assert steps > 0
    before = own(supervisor)
    for step in range(1, steps + 1):
        supervisor.sh(f"echo {step} > {DEBUG}/{fault}")
        result = supervisor.rfm("resize", "web", *words)
        supervisor.sh(f"echo 0 > {DEBUG}/{fault}")
        ledger.check()
        after = own(supervisor)
        yield step, result, after == before
        if after != before:
            supervisor.resize("web", *back)
            assert own(supervisor) == before


@pytest.mark.budget(240)
@pytest.mark.parametrize("pool", [
    "reserved", pytest.param("runtime", marks=pytest.mark.extended),
])  # fmt: skip
def test_every_step_fails(machines, pool):
    supervisor = Supervisor(machines(pool=pool))
    prepare(supervisor)
    with supervisor.shells("web") as shell:
        for resize in RESIZES:
            for step, result, same in sweep(supervisor, shell, resize, "fail_nth"):
                # A step on the way back that fails leaves the change made, and says so.
                assert same or resize.endswith("remove"), (resize, step, result)
                assert result.status not in (0, 128 + 9), (resize, step, result)
                assert result.stderr.count("\n") == 1, (resize, step, result)
    assert not troubles(supervisor.log("web"))
    supervisor.destroy("web")
    assert supervisor.online() == "0-3"


@pytest.mark.budget(240)
def test_killed_at_every_step(supervisor):
    """Whatever is left of it when rfm dies is whole: done, or not done."""
    prepare(supervisor)
    with supervisor.shells("web") as shell:
        for resize in RESIZES:
            for step, result, _ in sweep(supervisor, shell, resize, "kill_nth"):
                assert result.status == 128 + 9, (resize, step, result)
    assert not troubles(supervisor.log("web"))
    supervisor.destroy("web")
    assert supervisor.online() == "0-3"
