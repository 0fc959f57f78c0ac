# SPDX-License-Identifier: GPL-2.0
"""A subOS on a disk of its own: block layer, page cache and file system are private to it."""

import re

import pytest
from functional import disks
from functional.elastic import Ledger
from functional.functions import (
    BAD_VALUE, LENT, MASTER, MEMORY, Lender, as_before, block, command, driver, errors, present, until,
)  # fmt: skip
from functional.session import Shell
from functional.subos import BLOCK, troubles
from lab import debian, kernels

FIO = "--size=4M"
LONG = "--size=16M --time_based --runtime={}"


class Tenants(Lender):
    """With fio and the programs of ext4 on both sides."""

    def __init__(self, machine):
        files = disks.programs("fio", "mkfs.ext4", "e2fsck")
        super().__init__(machine)
        self.install(files)
        self.initrd = self.initrd_with(files=files)

    def create_on(self, name, cores, disk, *words, mem="384M"):
        given = ("--initrd", self.initrd, "--pci", self.bdf(disk))
        return self.create(name, cores, *given, *words, mem=mem)


@pytest.fixture(scope="module")
def lender(shared_machines):
    """Three disks; the first is the supervisor's own."""
    disk = "nvme:blank=256M"
    return Tenants(shared_machines(snapshot=False, cpus=6, mem="4G", disks=[disk] * 3))


@pytest.mark.extended
@pytest.mark.budget(240)
def test_three_kernels(lender):
    """Two subOSes and the supervisor, each with its own ext4, all at work at the same time."""
    own = block(lender.sh, lender.bdf("disk0"))
    lender.create_on("web", "2-3", "disk1")
    lender.create_on("batch", "4-5", "disk2")
    with lender.shells("web", "batch") as (web, batch):
        kernels = {"disk0": lender.sh, "disk1": web.run, "disk2": batch.run}
        digests = {}
        for disk, run in kernels.items():
            device = own if disk == "disk0" else block(run, lender.bdf(disk))
            disks.make_ext4(run, device)
            disks.mount(run, device, "/mnt")
            digests[disk] = disks.write(run, "/mnt/data", 0, 8)
            disks.begin_fio(run, "--filename=/mnt/fio", FIO, "--fsync=64")
        for disk, run in kernels.items():
            disks.end_fio(run)
            device = run("sed -n 's/ .mnt ext4 .*//p' /proc/mounts").strip()
            run("umount /mnt")
            disks.check_ext4(run, device)
            disks.mount(run, device, "/mnt")
            assert disks.read(run, "/mnt/data", 0, 8) == digests[disk]
            run("umount /mnt")
        for shell in (web, batch):
            assert not troubles(shell.run("dmesg"))
    lender.destroy("--all")
    for disk in ("disk1", "disk2"):  # what they left, as the supervisor reads it
        device = block(lender.sh, lender.bdf(disk))
        disks.check_ext4(lender.sh, device)
        disks.mount(lender.sh, device, "/mnt")
        assert disks.read(lender.sh, "/mnt/data", 0, 8) == digests[disk]
        lender.sh("umount /mnt")


@pytest.mark.extended
@pytest.mark.budget(240)
def test_resize_under_load(lender):
    """Cores and memory come and go while fio verifies what it writes."""
    lender.create_on("web", "2-3", "disk1")
    with lender.shells("web") as shell:
        ledger = Ledger(lender, [shell])
        device = block(shell.run, lender.bdf("disk1"))
        disks.begin_fio(shell.run, f"--filename={device}", LONG.format(12))
        for words in (
            ("--cores", "+4"), ("--mem", "+256M"), ("--cores", "-3"), ("--mem", "-128M"),
            ("--cores", "+1"), ("--mem", "-128M"), ("--cores", "-1,4"), ("--cores", "+3"),
        ):  # fmt: skip
            lender.resize("web", *words)
            ledger.check()
        disks.end_fio(shell.run)
        assert lender.show("web")["memory"] == 3 * BLOCK
        assert not troubles(shell.run("dmesg"))


@pytest.mark.extended
@pytest.mark.budget(300)
def test_starts_keep_function_and_data(lender):
    """Stop and start, restart, a reboot inside, a crash: the disk stays that subOS's."""
    bdf = lender.bdf("disk1")
    lender.create_on("web", "2-3", "disk1", "--on-crash", "restart")
    with lender.shells("web") as shell:
        device = block(shell.run, bdf)
        disks.make_ext4(shell.run, device)
        disks.mount(shell.run, device, "/mnt")
        digest = disks.write(shell.run, "/mnt/data", 0, 4)
        disks.begin_files(shell.run, "/mnt")
    lender.ok("stop", "web")
    # It is still lent, and silent.
    assert driver(lender.sh, bdf) == LENT and lender.functions_of("web") == {bdf}
    assert not command(lender.sh, bdf) & MASTER
    lender.ok("start", "web")
    for starts, end in ((2, "reboot -f"), (3, "echo c >/proc/sysrq-trigger"), (4, None)):
        await_start(lender, "web", starts)
        with lender.shells("web") as shell:
            assert present(shell.run) == {bdf} and command(lender.sh, bdf) & MEMORY
            device = block(shell.run, bdf)
            disks.mount(shell.run, device, "/mnt")
            assert disks.read(shell.run, "/mnt/data", 0, 4) == digest
            assert disks.check_files(shell.run, "/mnt") > 0
            if end:
                disks.begin_files(shell.run, "/mnt")
                shell.send(end)
            else:
                shell.run("umount /mnt")
                assert not troubles(shell.run("dmesg"))
    lender.destroy("web")
    disks.check_ext4(lender.sh, block(lender.sh, bdf))


def await_start(lender, name, starts, timeout=90):
    state = f"/sys/class/misc/rainforest/subos/{name}"
    running = f"[ $(cat {state}/starts) -ge {starts} ] && grep -qx running {state}/state"
    lender.sh(until(running, timeout), timeout=timeout + 10)
    assert lender.show(name)["starts"] == starts


@pytest.mark.extended
@pytest.mark.budget(240)
def test_behind_an_iommu(machines):
    """DMA is confined to what the subOS owns, also as that changes, and none is blocked."""
    machine = machines(
        snapshot=False, iommu=True, disks=["nvme:blank=128M", "nvme:blank=128M:rootbus"],
        devices=["e1000e"],
    )  # fmt: skip
    lender = Tenants(machine)
    bdfs = [lender.bdf(each) for each in ("disk0", "disk1", "dev0")]
    shown = lender.functions()
    assert all(shown[bdf]["iommu"] for bdf in bdfs)
    lender.create_on("web", "2-3", "disk0", "--require-iommu", mem="256M")
    assert lender.show("web")["dma_isolated"]
    with lender.shells("web") as shell:
        device = block(shell.run, bdfs[0])
        disks.fio(shell.run, f"--filename={device}", FIO)
        # More memory, nearly all of it filled by the disk, once through the page cache.
        lender.resize("web", "--mem", "+256M")
        lender.resize("web", "--pci", "+" + ",".join(bdfs[1:]))
        shell.run("mount -o remount,size=400M /tmp")
        for words in ("of=/tmp/one", "of=/tmp/other iflag=direct"):
            shell.run(f"dd if={device} {words} bs=1M count=96 2>/dev/null", timeout=60)
        shell.run("cmp /tmp/one /tmp/other && rm /tmp/one /tmp/other", timeout=60)
        disks.begin_fio(shell.run, f"--filename={device}", LONG.format(8))
        lender.resize("web", "--mem", "-256M")
        lender.resize("web", "--pci", "-" + ",".join(bdfs[1:]))
        disks.end_fio(shell.run)
        # With another kernel, the memory that all share grows.
        lender.create("other", "1", mem="256M")
        disks.fio(shell.run, f"--filename={device}", FIO)
        assert not troubles(shell.run("dmesg"))
    shown = lender.show("web")
    assert shown["dma_isolated"] and shown["dma_faults"] == 0
    assert "DMAR: [DMA" not in lender.sh("dmesg")
    lender.clear()


@pytest.mark.budget(120)
def test_remapped_interrupts(machines):
    """Refused, with the reason and the remedy."""
    machine = machines(snapshot=False, iommu="intremap", disks=["nvme:blank=64M"])
    lender = Lender(machine, warm=False)
    bdf = lender.bdf("disk0")
    lender.refuses_create(bdf, BAD_VALUE, bdf, "remapped", "intremap=off")
    lender.unchanged()


@pytest.mark.extended
@pytest.mark.budget(240)
def test_cached_translations(machines):
    """A function with ATS is refused, with the remedy; with the remedy, it works."""
    fields = {"snapshot": False, "iommu": "ats", "disks": ["virtio:blank=64M"]}
    lender = Lender(machines(**fields), warm=False)
    bdf = lender.bdf("disk0")
    lender.refuses_create(bdf, BAD_VALUE, bdf, "ATS", "pci=noats")
    assert "pci=noats" in lender.rfm("check").stdout
    lender.create("web", "2-3", mem="256M")
    refused = lender.rfm("resize", "web", "--pci", f"+{bdf}")
    assert refused.status == BAD_VALUE and len(errors(refused)) == 1
    assert bdf in refused.stderr and "pci=noats" in refused.stderr
    lender.clear()
    lender.unchanged()

    lender = Tenants(machines(append="pci=noats", **fields))
    bdf = lender.bdf("disk0")
    assert "pci=noats" not in lender.rfm("check").stdout
    lender.create_on("web", "2-3", "disk0", "--require-iommu", mem="256M")
    with lender.shells("web") as shell:
        disks.fio(shell.run, f"--filename={block(shell.run, bdf)}", FIO)
        shell.run(f"echo 1 > /sys/bus/pci/devices/{bdf}/reset")
        assert not troubles(shell.run("dmesg"))
    assert lender.show("web")["dma_faults"] == 0
    lender.clear()


# ---- Debian ----


class DebianShell(Shell):
    """Debian's own console: getty logs root in."""

    PROMPT = r"root@debian:\S*# "


@pytest.mark.extended
@pytest.mark.budget(400)
def test_debian_from_its_own_disk(machines):
    """Made by `rfm image build`, with the stock initrd: systemd, apt, fio; a reboot keeps all."""
    folder = debian.disk(kernels.find("amd64"))
    machine = machines(snapshot=False, mem="4G", disks=[f"nvme:{folder / 'disk.raw'}:snapshot"])
    lender = Lender(machine)
    lender.install(disks.programs("e2fsck"))
    bdf = lender.bdf("disk0")
    for name in ("vmlinuz", "initrd.img"):
        (file,) = (folder / "boot").glob(f"{name}-*")
        machine.put(file, f"/tmp/{name}")
    lender.json(
        "create", "web", "--cores", "2-3", "--mem", "1G", "--pci", bdf, "--kernel", "/tmp/vmlinuz",
        "--initrd", "/tmp/initrd.img", "--append", "root=/dev/nvme0n1 ro", timeout=300,
    )  # fmt: skip
    boots = set()
    for starts in (1, 2):
        with lender.shells("web", kind=DebianShell, timeout=180) as shell:
            assert shell.run("systemctl is-system-running --wait", timeout=180) == "running\n"
            boots.add(shell.run("cat /proc/sys/kernel/random/boot_id"))
            root = shell.run("findmnt -no SOURCE,FSTYPE,OPTIONS /").split()
            assert root[:2] == ["/dev/nvme0n1", "ext4"] and root[2].startswith("rw,")
            assert re.search(r"Installed: \d", shell.run("apt-cache policy bash", timeout=60))
            if starts == 1:
                digest = disks.write(shell.run, "/root/data", 0, 8)
                disks.fio(shell.run, "--filename=/var/tmp/fio", "--size=16M", "--fsync=32")
                # Journal and caches are written out, and read again.
                shell.run("mount -o remount,sync / && mount -o remount,async /", timeout=60)
            assert disks.read(shell.run, "/root/data", 0, 8) == digest
            assert "recovery complete" not in shell.run("dmesg")
            assert not troubles(shell.run("dmesg"))
            if starts == 1:
                shell.send("systemctl reboot")
                await_start(lender, "web", 2, timeout=180)  # much memory to clear that held code
    assert len(boots) == 2
    lender.ok("stop", "web", timeout=200)
    assert lender.show("web")["cause"] == "poweroff"
    lender.destroy("web")
    device = block(lender.sh, bdf)
    disks.check_ext4(lender.sh, device)
    disks.mount(lender.sh, device, "/mnt")
    assert disks.read(lender.sh, "/mnt/root/data", 0, 8) == digest
    lender.sh("umount /mnt")
    lender.unchanged()
