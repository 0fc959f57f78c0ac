# SPDX-License-Identifier: GPL-2.0
"""Functions come and go for a long time, under load, and from subOSes that end in every way."""

import random
import time

import pytest
from functional import disks
from functional.functions import DRIVERS, INCOMPLETE, Lender, block, driver, present
from functional.subos import troubles

DISKS = ["nvme:blank=128M", "virtio:blank=128M", "virtio:blank=128M:rootbus", "nvme:blank=128M"]
NAMES = ("disk0", "disk1", "disk2")
STEADY = "disk3"
ENDS = {
    "destroy": None,
    "crash": "echo c >/proc/sysrq-trigger",
    "emergency": "echo b >/proc/sysrq-trigger",
    "poweroff": "poweroff -f",
    "hang": "insmod /rf_hang.ko",
}
CYCLES = 100  # of functions, in a run of full length
CRASHES = 20


@pytest.fixture
def lender(machines):
    lender = Lender(machines(snapshot=False, cpus=6, mem="4G", disks=DISKS))
    lender.files = disks.programs("mkfs.ext4", "e2fsck")
    lender.install(lender.files)
    return lender


def deadline(seconds):
    """Of one of two tests that share the time."""
    return time.monotonic() + seconds / 2


def seeded():
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    return random.Random(seed)


@pytest.mark.soak
@pytest.mark.budget(10800)
def test_random_resizes(lender, soak_seconds):
    """Functions, cores and memory of two subOSes in random order; data follow the disks."""
    rng, done, digests = seeded(), 0, {}
    owner = dict.fromkeys(NAMES)
    lender.create("web", "2-3", "--pci", lender.bdf(STEADY), mem="384M")
    lender.create("batch", "4", mem="384M")
    slab = lender.slab()
    ends, least = deadline(soak_seconds), CYCLES if soak_seconds >= 600 else 0
    with lender.shells("web", "batch") as shells:
        runs = {shell.name: shell.run for shell in shells}
        for run in runs.values():
            run(DRIVERS)
        disks.begin_verifying(runs["web"], block(runs["web"], lender.bdf(STEADY)), 64)
        while time.monotonic() < ends or done < least:
            disk = rng.choice(NAMES)
            bdf, holder = lender.bdf(disk), owner[disk]
            if holder:
                if rng.random() < 0.5:
                    disks.begin_writes(runs[holder], block(runs[holder], bdf), 64)
                lender.resize(holder, "--pci", f"-{bdf}")
                assert bdf not in present(runs[holder])
                owner[disk], run = None, lender.sh
            else:
                owner[disk] = rng.choice(sorted(runs))
                lender.resize(owner[disk], "--pci", f"+{bdf}")
                run = runs[owner[disk]]
            device = block(run, bdf)
            if disk in digests:
                assert disks.read(run, device, 0, 4) == digests[disk], disk
            digests[disk] = disks.write(run, device, 0, 4)
            name, step = rng.choice(sorted(runs)), rng.choice(("+128M", "-128M"))
            if lender.rfm("resize", name, "--mem", step).status == 0 and step[0] == "+":
                lender.rfm("resize", name, "--mem", "-128M")
            done += 1
        assert disks.end_verifying(runs["web"]) > 0
        for shell in shells:
            assert not troubles(shell.run("dmesg"))
    print(f"{done} adjustments")
    lender.destroy("--all")
    lender.unchanged()
    assert lender.slab() < slab + 2048 + 64 * done
    assert lender.pool_intact()


@pytest.mark.soak
@pytest.mark.budget(10800)
def test_ends_under_load(lender, soak_seconds):
    """Again and again, the disks come back readable and no memory is written to afterwards."""
    rng, done = seeded(), 0
    initrd = lender.initrd_with("rf_hang", files=lender.files)
    bdfs = {name: lender.bdf(name) for name in NAMES}
    fresh = set(NAMES)
    ends, least = deadline(soak_seconds), CRASHES if soak_seconds >= 600 else 0
    while time.monotonic() < ends or done < least:
        end = rng.choice(list(ENDS))
        words = ("--initrd", initrd, "--on-reboot", "keep", "--pci", ",".join(bdfs.values()))
        lender.create("web", "2-3", *words, mem="384M")
        with lender.shells("web") as shell:
            for name, bdf in bdfs.items():
                device = block(shell.run, bdf)
                if name in fresh:
                    disks.make_ext4(shell.run, device)
                disks.mount(shell.run, device, f"/mnt/{name}")
            fresh.clear()
            for name in NAMES:
                disks.begin_files(shell.run, f"/mnt/{name}")
            if ENDS[end]:
                shell.send(ENDS[end])
                lender.await_state("web", "crashed", "stopped", "lost", timeout=30)
            if end == "hang" and rng.random() < 0.5:
                taken = rng.choice(sorted(bdfs.values()))
                take = ("resize", "web", "--pci", f"-{taken}", "--force")
                assert lender.rfm(*take).status == INCOMPLETE
            lender.destroy("web")
        assert lender.pool_intact(), end
        lender.unchanged()
        for name, bdf in bdfs.items():
            assert driver(lender.sh, bdf) in ("nvme", "virtio-pci")
            device = block(lender.sh, bdf)
            disks.mount(lender.sh, device, "/mnt")
            assert disks.check_files(lender.sh, "/mnt") >= 1
            lender.sh("umount /mnt")
            disks.check_ext4(lender.sh, device)
        done += 1
        print(f"{done}: {end}")
        assert not troubles(lender.machine.dmesg())
    assert lender.pool_intact()
