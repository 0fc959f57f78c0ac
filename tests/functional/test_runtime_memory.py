# SPDX-License-Identifier: GPL-2.0
"""Memory taken from the supervisor's running kernel, and given back to the zone it came from."""

import pytest
from functional.functions import NOT_ENOUGH
from functional.subos import Supervisor

BLOCK = 128  # MiB: the size of memory blocks on machines of less than 64 GiB
# The arena takes 2 MiB of them for each kernel, the supervisor included.


def runtime_supervisor(machines, **fields):
    """A supervisor whose blocks were taken and given back once.

    The first time, the kernel frees the boot-time page structs of a block into the zone that they
    lie in, and allocates new ones as any other memory: MemTotal grows by 1/64 of the block.
    """
    # No pattern, for it keeps partitions apart; no warm-up, which has taken blocks before.
    machine = machines(pool="runtime", append="rf_supervisor.poison=0", warm_up="", **fields)
    supervisor = Supervisor(machine)
    first = supervisor.managed()
    supervisor.create("first", "3", "--no-start", mem="764M")
    supervisor.destroy("first")
    assert supervisor.managed() - first == (768 << 20) // 64
    return supervisor


def blocks(supervisor):
    return int(supervisor.sh("ls -d /sys/devices/system/memory/memory[0-9]* | wc -l"))


@pytest.mark.budget(180)
def test_taken_and_given_back(machines):
    supervisor = runtime_supervisor(machines)
    before, count = supervisor.state(), blocks(supervisor)
    for mem, taken in (("508M", 512), ("130M", 256)):
        supervisor.create("web", "2-3", mem=mem, run="true")
        supervisor.await_log("web", "lab.run ended")
        assert count - blocks(supervisor) == taken // BLOCK
        supervisor.destroy("web")
        assert supervisor.state() == before


@pytest.mark.extended
@pytest.mark.budget(180)
def test_two_share_a_block(machines):
    """A block goes back when the last partition in it is gone."""
    supervisor = runtime_supervisor(machines)
    before, count = supervisor.state(), blocks(supervisor)
    supervisor.create("one", "3", mem="186M")
    supervisor.create("two", "2", mem="186M")
    assert count - blocks(supervisor) == 384 // BLOCK
    supervisor.destroy("one")
    assert count - blocks(supervisor) == 256 // BLOCK
    assert supervisor.show("two")["state"] == "running"
    supervisor.destroy("two")
    assert supervisor.state() == before


@pytest.mark.budget(180)
def test_bad_page_stays(machines):
    """A block with a page that the hardware reported as bad is not given to anybody else."""
    supervisor = runtime_supervisor(machines)
    supervisor.create("web", "2", "--no-start", mem="126M")
    [first] = supervisor.show("web")["ranges"]
    supervisor.destroy("web")
    bad = first["start"] // (BLOCK << 20) * (BLOCK << 20) + (77 << 20)
    supervisor.sh(f"echo {bad:#x} > /sys/devices/system/memory/hard_offline_page")
    assert "HardwareCorrupted:     4 kB" in supervisor.sh("cat /proc/meminfo")
    supervisor.create("web", "2", "--no-start", mem="126M")
    [other] = supervisor.show("web")["ranges"]
    assert not (other["start"] <= bad < other["start"] + other["size"])
    assert other["start"] // (BLOCK << 20) != first["start"] // (BLOCK << 20)
    supervisor.destroy("web")


@pytest.mark.extended
@pytest.mark.budget(240)
def test_beside_other_hotplug(machines):
    """A core comes and goes all the time, which the kernel lets no other hotplug do meanwhile."""
    supervisor = runtime_supervisor(machines, cpus=5)
    before = supervisor.state()
    core = "/sys/devices/system/cpu/cpu4/online"
    with supervisor.again_and_again(f"echo 0 > {core}; echo 1 > {core}"):
        for _ in range(3):
            supervisor.create("web", "2-3", "--no-start", mem="508M")
            supervisor.destroy("web")
    assert supervisor.state() == before


@pytest.mark.budget(180)
def test_offered_can_be_had(machines):
    """Where it is little, what all kernels share and what the supervisor keeps counts."""
    # Elsewhere, the kernel image may be in the way of all that is movable.
    append = "nokaslr rf_supervisor.poison=0"
    machine = machines(mem="1G", pool="runtime", append=append, warm_up="")
    supervisor = Supervisor(machine)
    [node] = supervisor.json("check")["module"]["memory"]
    offered = node["available"] >> 20
    assert f"up to {offered}M" in supervisor.ok("check")
    words = ("create", "web", "--cores", "3", "--kernel", f"/boot/vmlinuz-{supervisor.version}")
    more = supervisor.rfm(*words, "--mem", f"{offered + 2}M")
    assert more.status == NOT_ENOUGH and f"at most {offered}M" in more.stderr, more
    # Other memory than this is offered for the case that the kernel can migrate what lies there.
    movable = (node["pool_free"] + node["movable"] - node["shared"]) >> 20
    assert 0 < movable <= offered
    supervisor.create("web", "3", "--no-start", mem=f"{movable}M")
    supervisor.destroy("web")


def boots_with_kaslr(machines, boots):
    """Wherever the kernel image lies: create works, or is refused with a remedy; no trouble."""
    made = 0
    for _ in range(boots):
        supervisor = Supervisor(machines(snapshot=False, pool="runtime"))
        before = supervisor.state()
        count = blocks(supervisor)
        kernel = f"/boot/vmlinuz-{supervisor.version}"
        words = ("web", "--cores", "3", "--mem", "512M", "--kernel", kernel)
        result = supervisor.rfm("create", *words)
        if result.status == 0:
            supervisor.destroy("web")
            made += 1
        else:
            assert result.status == 6 and "could be given right now" in result.stderr, result
        after = supervisor.state()
        assert blocks(supervisor) == count
        del before["zones"], after["zones"]  # see runtime_supervisor()
        assert after == before
    return made


@pytest.mark.soak
@pytest.mark.budget(1200)
def test_kernel_image_anywhere(machines, soak_seconds):
    assert boots_with_kaslr(machines, 10 if soak_seconds >= 600 else 2)
