# SPDX-License-Identifier: GPL-2.0
"""A stock Debian kernel boots as a subOS, on its cores and memory and no others."""

import re

import pytest
from functional.functions import BUSY
from functional.subos import Supervisor, troubles


@pytest.mark.parametrize("cores", ["3", "1-3"])
def test_cores(supervisor, cores):
    count = {"3": 1, "1-3": 3}[cores]
    before = supervisor.state()
    run = "cat /sys/devices/system/cpu/online; grep MemTotal /proc/meminfo; grep -c . /proc/iomem"
    made = supervisor.create("web", cores, run=run)
    assert made["state"] == "running"
    supervisor.await_log("web", "lab.run ended")

    assert supervisor.online() == {1: "0-2", 3: "0"}[count]
    said = supervisor.said("web")
    assert said[1] == ("0" if count == 1 else f"0-{count - 1}")
    total = int(re.search(r"MemTotal: +(\d+) kB", said[2])[1])
    assert 400 << 10 < total < 512 << 10
    shown = supervisor.show("web")
    assert shown["cores_online"] == count and shown["memory"] == 512 << 20
    assert not troubles(supervisor.log("web"))

    supervisor.destroy("web")
    assert supervisor.state() == before


def side_by_side(supervisor, *wishes):
    """Create subOSes at the same time. @wishes: (name, cores, memory). Returns the exit codes."""
    kernel = f"/boot/vmlinuz-{supervisor.version}"
    lines = [
        f"""rfm create {name} --cores {cores} --mem {mem} --kernel {kernel} \\
            --append 'lab.run="echo I am {name}"' >/dev/null 2>/tmp/said-{cores} & all="$all $!" """
        for name, cores, mem in wishes
    ]
    ends = "for each in $all; do wait $each; echo $?; done"
    return [int(code) for code in supervisor.sh("\n".join([*lines, ends]), timeout=150).split()]


@pytest.mark.budget(150)
def test_two_at_once(supervisor):
    """They are made side by side, and run side by side; of two of the same name there is one."""
    before = supervisor.state()
    wishes = [("web", 3, "256M"), ("batch", 2, "384M"), ("web", 1, "256M")]
    codes = side_by_side(supervisor, *wishes)
    assert sorted(codes) == [0, 0, BUSY] and codes[1] == 0
    assert "'web' exists" in supervisor.sh(f"cat /tmp/said-{3 if codes[0] else 1}")
    for name in ("web", "batch"):
        supervisor.await_log(name, f"I am {name}")
        assert not troubles(supervisor.log(name))
    names = [each["name"] for each in supervisor.json("list")["subos"]]
    assert sorted(names) == ["batch", "web"]
    first, second = sorted((each["start"], each["size"]) for name in names
                           for each in supervisor.show(name)["ranges"])  # fmt: skip
    assert sum(first) <= second[0]
    supervisor.destroy("--all")
    assert supervisor.state() == before


def test_several_ranges(supervisor):
    """A partition of pieces: no free range is large enough alone."""
    supervisor.create("one", "3", "--no-start", mem="256M")
    supervisor.create("two", "2", "--no-start", mem="256M")
    supervisor.destroy("one")
    supervisor.create("web", "3", mem="640M", run="grep MemTotal /proc/meminfo")
    assert len(supervisor.show("web")["ranges"]) == 2
    supervisor.await_log("web", "lab.run ended")
    total = int(re.search(r"MemTotal: +(\d+) kB", supervisor.log("web"))[1])
    assert 560 << 10 < total < 640 << 10
    assert not troubles(supervisor.log("web"))
    supervisor.destroy("--all")


def test_mtrrs_and_pat(supervisor):
    """Of the supervisor, also on a processor that clears them on INIT."""
    supervisor.create("web", "2-3", mem="256M", run="cat /proc/mtrr; dmesg | grep x86/PAT")
    supervisor.await_log("web", "lab.run ended")
    said = supervisor.said("web")[1:-1]
    mtrrs = supervisor.sh("cat /proc/mtrr").splitlines()
    assert mtrrs and said[: len(mtrrs)] == mtrrs
    pat = re.search(r"x86/PAT: .*", supervisor.sh("dmesg"))[0]
    assert any(pat in line for line in said)


def test_cloud_flavour(supervisor):
    kernel = supervisor.version.replace("-amd64", "-cloud-amd64")
    supervisor.create("cloud", "2-3", kernel=kernel, run="uname -r")
    supervisor.await_log("cloud", "lab.run ended")
    assert kernel in supervisor.said("cloud")
    assert not troubles(supervisor.log("cloud"))


@pytest.mark.extended
def test_kaslr(supervisor):
    """Three creates show different places: one of about 500 slots is taken each time."""
    places = set()
    for _ in range(3):
        supervisor.create("web", "3", mem="256M", run="grep -m1 ' _text$' /proc/kallsyms")
        supervisor.await_log("web", "lab.run ended")
        places.add(next(line for line in supervisor.said("web") if line.endswith(" _text")))
        supervisor.destroy("web")
    assert len(places) > 1


def test_without_agent(supervisor):
    supervisor.create("bare", "3", "--no-agent", mem="256M")
    supervisor.await_log("bare", "init reached")
    assert supervisor.show("bare")["stage"] == "kernel"
    supervisor.destroy("bare")
    assert supervisor.online() == "0-3"


def test_no_start(supervisor):
    before = supervisor.state()
    assert supervisor.create("later", "3", "--no-start", mem="256M")["state"] == "loaded"
    assert supervisor.online() == "0-2"
    supervisor.destroy("later")
    assert supervisor.state() == before


def test_dry_run_changes_nothing(supervisor):
    before = supervisor.state()
    supervisor.create("plan", "2-3", "--dry-run")
    assert supervisor.state() == before


@pytest.mark.budget(150)
def test_damaged_cache(supervisor):
    """An uncompressed kernel that is not as it was kept is not booted, but made again."""
    cache = "/var/cache/rainforest"

    def detail(*words):
        made = supervisor.create("web", "3", *words, mem="256M")
        supervisor.destroy("web")
        (phase,) = [each for each in made["phases"] if each["phase"] == "decompress kernel"]
        return phase["detail"]

    supervisor.sh(f"rm -rf {cache}")
    assert detail("--no-start") == "now cached"
    (entry,) = supervisor.sh(f"ls {cache}").split()
    # 64 bytes where its code begins, and what a killed rfm leaves.
    supervisor.sh(f"""
        cd {cache} && echo half >.new-killed
        head -c 64 /dev/zero | tr '\\0' '\\377' | dd of={entry} bs=4096 seek=513 conv=notrunc
        """)  # fmt: skip
    assert detail() == "its cached copy was damaged; now cached"
    assert supervisor.sh(f"ls -A {cache}").split() == [entry]
    assert detail("--no-start") == "cached"


@pytest.mark.extended
def test_supervisor_without_5_level_paging(machines):
    """Its own kernel was told not to use it; the subOS's uses what the processor has."""
    supervisor = Supervisor(machines(snapshot=False, append="no5lvl"))
    assert "la57" not in supervisor.sh("grep -m1 flags /proc/cpuinfo").split()
    supervisor.create("web", "3", mem="256M", run="grep -m1 flags /proc/cpuinfo")
    supervisor.await_log("web", "lab.run ended")
    assert any("la57" in line.split() for line in supervisor.said("web"))
    supervisor.destroy("web")


@pytest.mark.extended
def test_cycles_leave_nothing_behind(supervisor):
    supervisor.create("web", "2-3", mem="256M")
    supervisor.destroy("web")
    before, slab = supervisor.state(), supervisor.slab()
    for _ in range(4):
        supervisor.create("web", "2-3", mem="256M")
        supervisor.destroy("web")
    assert supervisor.state() == before
    assert supervisor.slab() < slab + 1024
    assert supervisor.pool_intact()


def test_veto(supervisor):
    """The supervisor's own CPU hotplug cannot start a lent core."""
    supervisor.create("web", "3", mem="256M")
    result = supervisor.machine.exec("echo 1 > /sys/devices/system/cpu/cpu3/online")
    assert result.status != 0 and supervisor.online() == "0-2"
    assert supervisor.machine.exec("rmmod rf_supervisor").status != 0
    assert supervisor.machine.exec("echo mem > /sys/power/state").status != 0
    assert supervisor.machine.exec("echo freeze > /sys/power/state").status != 0
    assert supervisor.show("web")["state"] == "running"


def test_unload_and_load_again(supervisor):
    before = supervisor.state()
    for _ in range(2):
        supervisor.sh("rmmod rf_supervisor && modprobe rf_supervisor")
        supervisor.create("web", "3", mem="256M")
        supervisor.destroy("web")
    assert supervisor.state() == before
