# SPDX-License-Identifier: GPL-2.0
"""Every step of create and destroy fails in turn, or rfm is killed there: all is undone."""

import pytest
from functional.subos import Supervisor

DEBUG = "/sys/kernel/debug/rainforest"
CREATE = ("create", "web", "--cores", "2-3", "--wait", "0")


def create(supervisor, mem):
    kernel = f"/boot/vmlinuz-{supervisor.version}"
    return supervisor.rfm(*CREATE, "--mem", mem, "--kernel", kernel)


def count_steps(supervisor, mem):
    """Steps of one create and destroy, which also fills rfm's cache of kernels."""
    supervisor.sh(f"echo 0 > {DEBUG}/steps")
    assert create(supervisor, mem).status == 0
    supervisor.destroy("web")
    return int(supervisor.sh(f"cat {DEBUG}/steps"))


def settle(supervisor):
    """Destroy what is left, as an operator would: again if something did not come back."""
    supervisor.sh(f"echo 0 > {DEBUG}/fail_nth; echo 0 > {DEBUG}/kill_nth")
    if supervisor.json("list")["subos"]:
        supervisor.destroy("web")


def sweep(supervisor, fault, mem, steps):
    """Meet @fault at each step; yields what rfm's create and destroy ended with."""
    before = supervisor.state()
    for step in steps:
        supervisor.sh(f"echo {step} > {DEBUG}/{fault}")
        made = create(supervisor, mem)
        gone = supervisor.rfm("destroy", "web") if made.status == 0 else None
        settle(supervisor)
        assert supervisor.state() == before, f"{fault} at step {step}"
        yield made, gone
    assert supervisor.pool_intact()


@pytest.mark.budget(240)
def test_every_step_fails(supervisor):
    steps = count_steps(supervisor, "256M")
    assert steps >= 10
    failed = 0
    for made, gone in sweep(supervisor, "fail_nth", "256M", range(1, steps + 1)):
        # Exactly one of the two met the fault, and said so in one line.
        ended = made if made.status else gone
        assert ended.status not in (0, 128 + 9) and ended.stderr.count("\n") == 1, ended
        failed += made.status != 0
    assert 0 < failed < steps


@pytest.mark.extended
@pytest.mark.budget(240)
def test_killed_at_every_step(supervisor):
    steps = count_steps(supervisor, "256M")
    for made, gone in sweep(supervisor, "kill_nth", "256M", range(1, steps + 1)):
        assert 128 + 9 in (made.status, gone and gone.status)


@pytest.mark.extended
@pytest.mark.budget(180)
def test_every_step_fails_with_memory_of_the_supervisor(machines):
    """The steps of taking memory blocks from the running kernel and giving them back."""
    supervisor = Supervisor(machines(pool="runtime"))
    steps = count_steps(supervisor, "128M")
    supervisor.machine.exec("dmesg -c")
    for made, gone in sweep(supervisor, "fail_nth", "128M", range(1, steps + 1)):
        assert made.status or gone.status


def test_interrupted(supervisor):
    """Ctrl-C while rfm builds the boot image."""
    before = supervisor.state()
    kernel = f"/boot/vmlinuz-{supervisor.version}"
    script = (
        f"rfm create web --cores 2-3 --mem 512M --kernel {kernel} & pid=$!;"
        "until grep -q 0-1 /sys/devices/system/cpu/online; do usleep 10000; done;"
        "kill -INT $pid; wait $pid; echo ended with $?"
    )
    # A shell without job control starts its children with SIGINT ignored.
    assert "ended with 0" not in supervisor.sh(f"set -m; {script}", timeout=60)
    assert supervisor.state() == before
