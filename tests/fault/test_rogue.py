# SPDX-License-Identifier: GPL-2.0
"""A subOS whose device is told to read and write what is not its own (tests/modules/rf_rogue.c).

What memory holds is read by QEMU, not by a kernel.
"""

import re
import time
from contextlib import contextmanager

import pytest
from functional.doorbells import Layout
from functional.functions import INCOMPLETE, MASTER, MEMORY, bars, command, driver, errors
from functional.subos import DEBUG, Supervisor
from functional.test_isolation import fill_pool

ROGUE = "/sys/kernel/debug/rf_rogue"
# Without PCI Express, and nothing resets it: handed out with --force only.
DEVICE = "edu:rootbus"
BYTES = 64
PAGE = 4096
# A fault is reported by an interrupt of the IOMMU.
PATIENCE = 10
HOME_SIZE = 2 << 20


class Kernel:
    """The test module in a kernel. @run: runs a command there and returns what it prints."""

    def __init__(self, run):
        self.run = run

    def say(self, command):
        self.run(f"echo {command} >{ROGUE}/command", timeout=60)

    def report(self):
        return dict(line.split() for line in self.run(f"cat {ROGUE}/report").splitlines())

    @property
    def page(self):
        return int(self.report()["page"], 16)

    def store(self, byte, address):
        """The device writes: first it fetches what to write from the kernel's own page."""
        self.say(f"fill {byte:x}")
        self.say(f"load {self.page:x}")
        self.say(f"store {address:x}")

    def load(self, address, into):
        """The device reads, and then writes to @into what it got."""
        self.say(f"load {address:x}")
        self.say(f"store {into:x}")


class Memory:
    """The machine's memory, as QEMU reads it."""

    def __init__(self, machine):
        self.qmp = machine.qmp()

    def words(self, address, count):
        line = f"xp /{count}gx {address:#x}"
        text = self.qmp("human-monitor-command", **{"command-line": line})
        return [int(word, 16) for row in text.splitlines()
                for word in re.findall(r"0x[0-9a-f]+", row.partition(":")[2])]  # fmt: skip

    def memory(self, address):
        """What lies there: BYTES bytes."""
        return b"".join(word.to_bytes(8, "little") for word in self.words(address, BYTES // 8))


class Lair(Memory):
    """A subOS `rogue` with the device, and the machine's memory."""

    def __init__(self, supervisor, shells):
        super().__init__(supervisor.machine)
        self.supervisor = supervisor
        self.rogue, self.good = (Kernel(shell.run) for shell in shells)
        self.mine = Kernel(supervisor.sh)

    def faults(self):
        return self.supervisor.show("rogue")["dma_faults"]

    def blocked(self, deed, address):
        """Do @deed, which the IOMMU has to block and the supervisor to report."""
        before = self.faults()
        deed()
        end = time.monotonic() + PATIENCE
        # Events are not as frequent as faults can be; the last one has the sum of all.
        while self.faults() == before or self.told() != self.faults():
            assert time.monotonic() < end, f"no fault reported at {address:#x}"
            time.sleep(0.1)
        assert self.events()[-1]["address"] & -PAGE == address & -PAGE

    def told(self):
        """How many faults the last event tells of."""
        events = self.events()
        return events[-1]["faults"] if events else 0

    def events(self):
        return [each for each in self.supervisor.events("rogue") if each["event"] == "pci-fault"]

    def arena(self):
        """Where the home segments of all kernels are, by member."""
        layout = Layout()
        shown = self.supervisor.show("rogue")
        page = shown["ranges"][0]["start"] + layout.grant
        pairs = self.words(page + layout.segments, 2 * layout.members)
        homes = zip(pairs[::2], pairs[1::2])
        return {member: start for member, (start, size) in enumerate(homes) if size}


@contextmanager
def lair(machines, iommu):
    """The device in a subOS `rogue`, another subOS `good`, and the module in all kernels."""
    supervisor = Supervisor(machines(snapshot=False, iommu=iommu, devices=[DEVICE]))
    initrd = supervisor.initrd_with("rf_rogue")
    bdf = supervisor.machine.bdf("dev0")
    warned = create_rogue(supervisor, bdf, initrd)
    supervisor.create("good", "3", "--initrd", initrd, mem="256M")
    supervisor.load("rf_rogue")
    with supervisor.shells("rogue", "good") as shells:
        for shell in shells:
            shell.run("insmod /rf_rogue.ko")
        made = Lair(supervisor, shells)
        assert made.rogue.report()["device"] == "1" and made.mine.report()["device"] == "0"
        yield made, bdf, warned
        made.qmp.close()
    supervisor.sh("rmmod rf_rogue")
    supervisor.destroy("--all")


def create_rogue(supervisor, bdf, initrd):
    """Returns what `rfm create` had to say about it."""
    words = ("create", "rogue", "--cores", "2", "--mem", "384M", "--pci", bdf, "--initrd", initrd,
             "--kernel", f"/boot/vmlinuz-{supervisor.version}")  # fmt: skip
    refused = supervisor.rfm(*words)
    assert refused.status != 0 and bdf in refused.stderr and "--force" in refused.stderr
    result = supervisor.rfm(*words, "--force")
    assert result.status == 0, result.stderr
    return result.stderr


def pattern(byte):
    return bytes([byte]) * BYTES


@pytest.mark.extended
@pytest.mark.budget(180)
def test_iommu_confines_dma(machines):
    """Reads and writes reach the subOS's memory and the arena, and nothing else."""
    with lair(machines, iommu=True) as (made, bdf, _):
        supervisor, rogue = made.supervisor, made.rogue
        shown = supervisor.show("rogue")
        assert shown["dma_isolated"] and shown["dma_faults"] == 0

        own = rogue.page + PAGE // 2
        rogue.store(0x11, own)
        assert made.memory(own) == pattern(0x11)
        for member, home in made.arena().items():
            # The end of a home segment is nobody's.
            rogue.store(0x20 + member, home + HOME_SIZE - BYTES)
            assert made.memory(home + HOME_SIZE - BYTES) == pattern(0x20 + member)
        assert made.faults() == 0 and not made.events()

        for kernel in (made.mine, made.good):
            kernel.say("fill 77")
            target = kernel.page
            made.blocked(lambda: rogue.store(0x5A, target), target)
            assert made.memory(target) == pattern(0x77)
            made.blocked(lambda: rogue.load(target, own), target)
            assert made.memory(own) != pattern(0x77)

        slot = bdf.partition(":")[2]
        assert re.search(rf"DMAR: \[DMA Write.*\[{slot}\] fault addr", supervisor.machine.dmesg())
        assert all(each["function"] == bdf for each in made.events())
        assert supervisor.show("good")["dma_faults"] == 0

        removed_memory_is_out_of_reach(made, own)


def removed_memory_is_out_of_reach(made, own):
    """What a resize adds can be reached, and what one removes cannot any more."""
    supervisor, rogue = made.supervisor, made.rogue
    before, faults = spans(supervisor.show("rogue")), made.faults()
    added = spans(supervisor.resize("rogue", "--mem", "+128M")) - before
    rogue.load(min(added), own)
    assert made.faults() == faults
    held = spans(supervisor.show("rogue"))
    gone = min(held - spans(supervisor.resize("rogue", "--mem", "-128M")))
    assert supervisor.pool_intact()  # it is cleared
    was = made.memory(gone)
    made.blocked(lambda: rogue.store(0x5A, gone), gone)
    assert made.memory(gone) == was
    made.blocked(lambda: rogue.load(gone, own), gone)


def spans(shown):
    """The first address of each 2 MiB it has."""
    step = 2 << 20
    return {start for each in shown["ranges"]
            for start in range(each["start"], each["start"] + each["size"], step)}  # fmt: skip


@pytest.mark.budget(180)
def test_failed_reset_stays_out_of_reach(machines):
    """Passed through, the supervisor's own domain is all of memory: what was not reset is not in it."""
    machine = machines(snapshot=False, iommu=True, append="iommu=pt", devices=["edu"])
    supervisor = Supervisor(machine)
    bdf = machine.bdf("dev0")
    mine = Kernel(supervisor.sh)
    supervisor.create("web", "2-3", "--pci", bdf, mem="256M")
    assert supervisor.show("web")["dma_isolated"]
    supervisor.load("rf_rogue")

    supervisor.sh(f"echo 1000 >{DEBUG}/fail_resets")
    refused = supervisor.rfm("resize", "web", "--pci", f"-{bdf}")
    assert refused.status and len(errors(refused)) == 1, refused
    shown = supervisor.show("web")
    assert list(shown["functions"]) == [bdf] and shown["dma_isolated"]
    for _ in range(2):
        refused = supervisor.rfm("destroy", "web")
        assert refused.status == INCOMPLETE and len(errors(refused)) == 1, refused
        # All but the function came back.
        shown = supervisor.show("web")
        assert shown["state"] == "stopping" and not shown["cores"] and not shown["ranges"], shown
        assert list(shown["functions"]) == [bdf] and shown["dma_isolated"]
        assert bdf in shown["reason"] and "could not be reset" in shown["reason"]
        assert supervisor.events("web")[-1]["event"] == "pci-error"
    assert supervisor.pool_intact()

    mine.say(f"device {bars(supervisor.sh, bdf)[0][0]:x}")
    mine.say("fill 77")
    seen = Memory(machine)
    write_from_outside(supervisor, mine, bdf)
    assert seen.memory(mine.page) == pattern(0x77)
    supervisor.sh(f"echo 0 >{DEBUG}/fail_resets")
    supervisor.destroy("web")
    assert driver(supervisor.sh, bdf) == "" and not command(supervisor.sh, bdf) & MASTER
    # At home again it reaches that page: it was not for another reason that it did not before.
    write_from_outside(supervisor, mine, bdf)
    assert seen.memory(mine.page) == pattern(0)
    seen.qmp.close()
    slot = bdf.partition(":")[2]
    assert re.search(rf"DMAR: \[DMA Write.*\[{slot}\] fault addr", machine.dmesg())
    supervisor.sh("rmmod rf_rogue")


def write_from_outside(supervisor, kernel, bdf):
    """The device writes the zeros of its buffer to the page of @kernel, whoever has it."""
    control = MEMORY | MASTER | 0x400
    octal = "".join(f"\\{byte:03o}" for byte in control.to_bytes(2, "little"))
    config = f"/sys/bus/pci/devices/{bdf}/config"
    supervisor.sh(f"printf '{octal}' | dd of={config} bs=1 seek=4 conv=notrunc 2>/dev/null")
    assert command(supervisor.sh, bdf) & MASTER
    kernel.say(f"store {kernel.page:x}")


@pytest.mark.extended
@pytest.mark.budget(150)
def test_without_iommu_dma_reaches_everything(machines):
    """And `rfm create` has said so."""
    with lair(machines, iommu=False) as (made, bdf, warned):
        supervisor, rogue = made.supervisor, made.rogue
        assert len([line for line in warned.splitlines() if "IOMMU" in line]) == 1
        assert bdf in warned
        assert supervisor.show("rogue")["dma_isolated"] is False

        own = rogue.page + PAGE // 2
        for kernel in (made.mine, made.good):
            kernel.say("fill 77")
            rogue.load(kernel.page, own)
            assert made.memory(own) == pattern(0x77)
            rogue.store(0x5A, kernel.page)
            assert made.memory(kernel.page) == pattern(0x5A)

        # Memory nobody owns: the guard block behind the partition.
        last = supervisor.show("rogue")["ranges"][-1]
        beside = last["start"] + last["size"] + PAGE
        rogue.store(0x5A, beside)
        wrong = supervisor.sh("cat /sys/kernel/debug/rainforest/pool_check", timeout=120)
        assert int(wrong, 16) == beside
        assert made.faults() == 0 and not made.events()
    fill_pool(supervisor)
