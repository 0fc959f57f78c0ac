# SPDX-License-Identifier: GPL-2.0
"""Memory taken from the supervisor's running kernel, and given back to the zone it came from."""

import pytest
from functional.subos import Supervisor


@pytest.mark.budget(180)
def test_taken_and_given_back(machines):
    supervisor = Supervisor(machines(pool="runtime"))
    before = supervisor.state()
    total = int(supervisor.sh("awk '/MemTotal/ {print $2}' /proc/meminfo"))
    for mem, taken in (("512M", 512), ("130M", 256)):
        supervisor.create("web", "2-3", mem=mem, run="grep MemTotal /proc/meminfo")
        supervisor.await_log("web", "lab.run ended")
        left = int(supervisor.sh("awk '/MemTotal/ {print $2}' /proc/meminfo"))
        assert total - left == taken << 10  # whole memory blocks
        supervisor.destroy("web")
        assert supervisor.state() == before


@pytest.mark.budget(180)
def test_two_share_a_block(machines):
    """A block goes back when the last partition in it is gone."""
    supervisor = Supervisor(machines(pool="runtime"))
    before = supervisor.state()
    supervisor.create("one", "3", mem="192M")
    supervisor.create("two", "2", mem="192M")
    supervisor.destroy("one")
    assert supervisor.show("two")["state"] == "running"
    supervisor.destroy("two")
    assert supervisor.state() == before


def boots_with_kaslr(machines, boots):
    """Wherever the kernel image lies: create works, or is refused with a remedy; no trouble."""
    made = 0
    for _ in range(boots):
        supervisor = Supervisor(machines(snapshot=False, pool="runtime"))
        before = supervisor.state()
        kernel = f"/boot/vmlinuz-{supervisor.version}"
        result = supervisor.rfm("create", "web", "--cores", "3", "--mem", "512M", "--kernel", kernel)
        if result.status == 0:
            supervisor.destroy("web")
            made += 1
        else:
            assert result.status == 6 and "can be taken" in result.stderr, result
        assert supervisor.state() == before
    return made


@pytest.mark.budget(180)
def test_kernel_image_anywhere(machines):
    assert boots_with_kaslr(machines, 2)


@pytest.mark.soak
@pytest.mark.budget(1200)
def test_kernel_image_anywhere_long(machines):
    assert boots_with_kaslr(machines, 10)
