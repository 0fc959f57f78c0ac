# SPDX-License-Identifier: GPL-2.0
"""Every step of create and destroy fails in turn, or rfm is killed there: all is undone."""

import pytest
from functional.subos import SYSFS, Supervisor

DEBUG = "/sys/kernel/debug/rainforest"
NO_SUCH_SUBOS = 4
CREATE = ("create", "web", "--cores", "2-3", "--timeout", "0")


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


@pytest.mark.extended
@pytest.mark.budget(120)
def test_destroyed_while_it_is_made(supervisor):
    """Whichever step of a create a destroy meets, both say what became of it."""
    before = supervisor.state()
    kernel = f"/boot/vmlinuz-{supervisor.version}"
    create_words = f"create web --cores 2-3 --mem 512M --timeout 0 --kernel {kernel}"
    interrupted = 0
    for pause in (0, 50, 100, 200, 300, 500):
        made, *said = supervisor.sh(
            f"rfm {create_words} >/tmp/made 2>&1 & pid=$!;"
            f"n=0; until [ -e {SYSFS}/subos/web ] || [ $n -gt 200000 ]; do n=$((n + 1)); done;"
            f"usleep {1000 * pause}; rfm destroy web >/tmp/gone 2>&1; gone=$?;"
            "wait $pid; echo $?; cat /tmp/made; [ $gone = 0 ] || cat /tmp/gone"
        ).splitlines()
        assert int(made) in (0, NO_SUCH_SUBOS), said
        interrupted += int(made) != 0
        # One that was over before the destroy came also says where its time went.
        assert len(said) <= 6 or said[0].startswith("subOS 'web' is booting"), said
        assert not any("RF_IOC" in line for line in said), said
        if supervisor.json("list")["subos"]:
            supervisor.destroy("web")
        assert supervisor.state() == before
    assert interrupted
