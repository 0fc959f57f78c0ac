# SPDX-License-Identifier: GPL-2.0
"""A subOS touches nothing but its own, beyond a list in which every entry has its cause."""

import pytest
from functional.doorbells import Doorbells
from functional.subos import Supervisor
from functional.trace import (
    ICR_HIGH, ICR_LOW, MARK_PORT, SUPERVISOR, AllowList, Command, Grant, Oracle, accesses,
)  # fmt: skip
from lab import paths, qemu

ALLOWED = AllowList((paths.SOURCE / "docs/isolation.json").read_text())
CORES = 4

# What is written to send a core somewhere.
INIT, DEASSERT, SIPI = 0xC500, 0x8500, 0x600
TRAMPOLINE, PARK, SLICE = 0x10, 0x17, 0x18000
FIXED = 0x40FB
REAL_MODE = SLICE >> 12


# ---- the oracle itself, on traces made by hand ----


def line(cpu, address, value=None, region="apic-msi"):
    kind = "read" if value is None else "write"
    return (
        f"memory_region_ops_{kind} cpu {cpu} mr 0x55d4c0de addr {address:#x} "
        f"value {value or 0:#x} size 4 name '{region}'\n"
    )


def icr(cpu, destination, low):
    return [line(cpu, ICR_HIGH, destination << 24), line(cpu, ICR_LOW, low)]


def online(cpu, core, page):
    """Linux on @cpu brings @core online."""
    return [
        line(cpu, 0x70, 0x0F, "rtc-index"), line(cpu, 0x71, 0x0A, "rtc"),
        *icr(cpu, core, INIT), *icr(cpu, core, DEASSERT), *2 * icr(cpu, core, SIPI | page),
        line(cpu, 0x70, 0x0F, "rtc-index"), line(cpu, 0x71, 0, "rtc"),
    ]  # fmt: skip


def sent(core, page):
    """The supervisor sends @core there."""
    return [*icr(0, core, INIT), *icr(0, core, DEASSERT), *icr(0, core, SIPI | page)]


def held(*cores):
    return [each for core in cores for each in sent(core, PARK)]


WEB = Grant("web", (2, 3), SLICE)
# The supervisor holds two cores and starts the first; that brings the second online.
STARTED = [*held(2, 3), *sent(2, TRAMPOLINE), *online(2, 3, REAL_MODE)]
MARK = [line(0, MARK_PORT, 1, "ioport80")]
DESTROYED = [*held(2, 3), *online(0, 2, 0x99), *online(0, 3, 0x99)]


# Where a kernel may be rung.
BELLS = {SUPERVISOR: {(0x24, 0)}, "web": {(0x25, 2)}, "a": {(0x26, 2)}}
RING = 0x4000


def judge(lines, *grants):
    return Oracle(ALLOWED, CORES, grants or [WEB], BELLS).judge(lines)


def test_oracle_accepts_a_life():
    clean = [
        *icr(1, 2, FIXED), *STARTED, *icr(3, 2, FIXED), *icr(2, 3, 0x4400), *icr(2, 0, 0x40000),
        *MARK, *online(2, 3, REAL_MODE), *icr(1, 0, FIXED), line(-1, 0xFEE01000, 0x27), *DESTROYED,
        *icr(1, 2, FIXED), *icr(2, 0, FIXED), line(3, 0x64, region="i8042-cmd"),
    ]  # fmt: skip
    oracle = judge(clean)
    assert oracle.violations == []
    assert oracle.subos[0].interrupts == 11
    assert oracle.subos[0].used == {"local-apic", "warm-reset-code"}


# What a subOS does, and what is said of it.
MISDEEDS = {
    "IPI to the supervisor": (icr(2, 0, FIXED), "fixed interrupt, vector 0xfb, physical, to 0"),
    "NMI to the supervisor": (icr(3, 1, 0x4400), "nmi interrupt, vector 0x0, physical, to 1"),
    "INIT to the supervisor": (icr(3, 0, INIT), "init interrupt, vector 0x0, physical, to 0"),
    "broadcast": (icr(2, 0xFF, FIXED), "to 255"),
    "logical": (icr(2, 2, FIXED | 0x800), "logical, to 2"),
    "lowest priority": (icr(2, 3, FIXED | 0x100), "lowest interrupt"),
    "SMI": (icr(2, 3, 0x4200), "smi interrupt"),
    "vector of no doorbell": (icr(2, 0, RING | 0x25), "vector 0x25, physical, to 0"),
    "core of no doorbell": (icr(2, 1, RING | 0x24), "vector 0x24, physical, to 1"),
    "NMI to a doorbell": (icr(2, 0, 0x4424), "nmi interrupt, vector 0x24"),
    "doorbell by a shorthand": (icr(2, 0, RING | 0xC0024), "shorthand others"),
    "doorbell, logical": (icr(2, 0, RING | 0x824), "logical, to 0"),
    "SIPI to a core of nobody": (
        [*held(1), *icr(2, 1, SIPI | REAL_MODE)], "startup interrupt, vector 0x18"),
    "shorthand others": (icr(2, 2, FIXED | 0xC0000), "shorthand others"),
    "shorthand all": (icr(2, 2, FIXED | 0x80000), "shorthand all"),
    "SIPI outside its slice": (icr(2, 3, SIPI | 0x99), "startup interrupt, vector 0x99"),
    "interrupt message": ([line(2, 0xFEE01000, 0x27)], "write 0x27 to 0xfee01000 (apic-msi)"),
    "message to APIC 0": ([line(2, 0xFEE00000, 0x27)], "write 0x27 to 0xfee00000 (apic-msi)"),
    "IO-APIC": ([line(3, 0xFEC00000, 0x10, "ioapic")], "write 0x10 to 0xfec00000 (ioapic)"),
    "i8042": ([line(2, 0x64, None, "i8042-cmd")], "read 0x64 (i8042-cmd)"),
    "a UART": ([line(2, 0x3F8, 0x41, "serial")], "write 0x41 to 0x3f8 (serial)"),
    "PIT channel 0": ([line(2, 0x40, 0, "pit")], "write 0x0 to 0x40 (pit)"),
    "PIT mode of channel 0": ([line(2, 0x43, 0x34, "pit")], "write 0x34 to 0x43 (pit)"),
    "the clock, written": (
        [line(2, 0x70, 4, "rtc-index"), line(2, 0x71, 1, "rtc")], "write 0x1 to 0x71 (rtc)"),
    "the clock's alarm": ([line(2, 0x70, 1, "rtc-index")], "write 0x1 to 0x70 (rtc-index)"),
    "a PCI function": (
        [line(2, 0xCF8, 0x80001800, "pci-conf-idx")], "write 0x80001800 to 0xcf8 (pci-conf-idx)"),
    "PCI, written": (
        [line(2, 0xCF8, 0x80001000, "pci-conf-idx"), line(2, 0xCFC, 0, "pci-conf-data")],
        "write 0x0 to 0xcfc (pci-conf-data)"),
    "the RTC after boot": (
        [*MARK, line(2, 0x70, 4, "rtc-index")], "write 0x4 to 0x70 (rtc-index) by core 2"),
    "after its end": ([*held(2, 3), *icr(2, 1, FIXED)], "fixed interrupt"),
}  # fmt: skip


@pytest.mark.parametrize("misdeed", MISDEEDS)
def test_oracle_reports_a_subos(misdeed):
    lines, what = MISDEEDS[misdeed]
    [violation] = judge([*STARTED, *lines]).violations
    assert violation.who == "web" and what in violation.what


@pytest.mark.parametrize("who, lines, what", [
    (SUPERVISOR, [*STARTED, *icr(1, 2, RING | 0x24)], "vector 0x24, physical, to 2"),
    (SUPERVISOR, [*STARTED, *icr(1, 2, 0x4425)], "nmi"),
    (SUPERVISOR, [*STARTED, *held(2, 3), *icr(1, 2, RING | 0x25)], "vector 0x25"),
    (SUPERVISOR, [*STARTED, *icr(1, 2, FIXED)], "to 2"),
    (SUPERVISOR, [*STARTED, *icr(1, 3, 0x4400)], "nmi"),
    (SUPERVISOR, [*held(2), *icr(1, 2, FIXED)], "to 2"),
    (SUPERVISOR, [*STARTED, *icr(1, 0, FIXED | 0xC0000)], "shorthand others"),
    (SUPERVISOR, [*STARTED, *icr(1, 0, FIXED | 0x800)], "logical"),
    (SUPERVISOR, [*STARTED, line(-1, 0xFEE02000, 0x27)], "device to core 2"),
    (SUPERVISOR, [*held(2), *sent(2, TRAMPOLINE)], "core 3 of web was not held"),
    (SUPERVISOR, [*held(2, 3), *sent(3, TRAMPOLINE)], "boot core of no subOS"),
    (SUPERVISOR, [*held(2), *icr(0, 3, INIT), *sent(2, TRAMPOLINE)], "core 3 of web was not held"),
    (SUPERVISOR, [*held(2), *sent(3, PARK + 8)], "two parks"),
    ("held", [*held(2, 3), line(3, 0x64, None, "i8042-cmd")], "core 3 runs"),
])  # fmt: skip
def test_oracle_reports_others(who, lines, what):
    [violation] = judge(lines).violations
    assert violation.who == who and what in violation.what


def test_oracle_knows_several():
    """Each of two subOSes is foreign to the other, and cores change hands."""
    two = [Grant("a", (2,), SLICE), Grant("b", (3,), SLICE + 0x8000), Grant("c", (3,), SLICE)]
    starts = [*held(2), *sent(2, TRAMPOLINE), *held(3), *sent(3, TRAMPOLINE)]
    [violation] = judge([*starts, *icr(2, 2, FIXED), *icr(3, 2, FIXED)], *two).violations
    assert violation.who == "b"
    again = [*held(3), *online(0, 3, 0x99), *held(3), *sent(3, TRAMPOLINE)]
    [violation] = judge([*starts, *again, *icr(2, 3, FIXED)], *two).violations
    assert violation.who == "a"


def test_oracle_knows_doorbells():
    rings = [*icr(2, 0, RING | 0x24), *icr(3, 0, RING | 0x24), *icr(1, 2, RING | 0x25)]
    oracle = judge([*STARTED, *rings])
    assert oracle.violations == [] and oracle.subos[0].rings == 2


def test_oracle_knows_cores_that_come_and_go():
    """Held, then brought online by the subOS; held again, then by the supervisor or another one."""
    one = Grant("a", (2,), SLICE, later=(1, 3))
    other = Grant("b", (3,), SLICE + 0x8000, later=(1,))
    start = [*held(2), *sent(2, TRAMPOLINE), *held(3), *sent(3, TRAMPOLINE)]
    comes = [*held(1), *online(2, 1, REAL_MODE), *icr(1, 2, FIXED), *icr(2, 1, FIXED)]
    goes = [*held(1), *online(0, 1, 0x99), *icr(1, 0, FIXED)]
    moves = [*held(1), *online(3, 1, REAL_MODE + 8), *icr(1, 3, FIXED)]
    assert judge([*start, *comes, *goes, *comes, *moves, *goes], one, other).violations == []
    [violation] = judge([*start, *comes, *moves, *icr(2, 1, FIXED)], one, other).violations
    assert violation.who == "a"
    # Not while the supervisor still runs on it.
    early = judge([*start, *online(2, 1, REAL_MODE)], one, other).violations
    assert {each.who for each in early} == {"a"}


def test_uart_is_its_own():
    alone = Grant("web", (2,), SLICE, uart="ttyS1")
    start = [*held(2), *sent(2, TRAMPOLINE)]
    lines = [*start, line(2, 0x2F8, 0x41, "serial"), line(2, 0x3F8, 0x41, "serial")]
    [violation] = judge(lines, alone).violations
    assert "0x3f8" in violation.what


def test_trace_that_is_not_understood():
    with pytest.raises(ValueError, match="line 2"):
        list(accesses([*MARK, "memory_region_ops_write cpu 0 something else\n"]))
    assert list(accesses(["CPU Reset (CPU 1)\n", "memory_region_ops_wr"])) == []


def test_interrupt_command():
    shown = "fixed interrupt, vector 0xfd, physical, to shorthand others"
    assert str(Command(0xC00FD, 3)) == shown
    assert not Command(INIT, 3).deassert and Command(DEASSERT, 3).deassert


# ---- real traces ----

HOTPLUG = "cd /sys/devices/system/cpu; echo 0 >cpu1/online; echo 1 >cpu1/online; cat online"
# Reads of devices that do no harm: the HPET's counter and the status of the keyboard controller.
ROGUE = "devmem 0xfed000f0 32; dd if=/dev/port bs=1 skip=100 count=1"


@pytest.mark.budget(240)
def test_subos_touches_only_what_is_listed(machines):
    """Cores off and on, resizes, messages, poweroff; then two at once: one does touch more."""
    supervisor = Supervisor(machines(trace=True))
    grants = []

    def create(name, cores, run, mem="256M", later=()):
        supervisor.create(name, cores, mem=mem, run=run)
        mark_booted(supervisor)
        shown = supervisor.show(name)
        grants.append(Grant.of(shown, later))
        doorbells.add(shown)

    with Doorbells(supervisor.machine) as doorbells:
        create("web", "2-3", HOTPLUG, later=(1, 3))
        supervisor.await_log("web", "lab.run ended")
        for words in (("--cores", "+1"), ("--cores", "-3"), ("--mem", "+128M")):
            supervisor.resize("web", *words)
        supervisor.resize("web", "--cores", "+3")
        supervisor.ok("stop", "web")
        supervisor.await_state("web", "stopped")
        assert "0-1" in supervisor.said("web")
        supervisor.destroy("web")
        create("good", "2", "echo I am good; while :; do sleep 0.1; done", later=(1,))
        create("rogue", "3", f"sleep 1; {ROGUE}")
        supervisor.await_log("rogue", "lab.run ended")
        assert "lab.run ended with status 0" in supervisor.said("rogue")
        supervisor.resize("good", "--cores", "+1")
        supervisor.destroy("--all")

    with open(supervisor.machine.folder / qemu.EVENTS) as lines:
        oracle = Oracle(ALLOWED, CORES, grants, doorbells.published).judge(lines)
    rogue = oracle.violations_of("rogue")
    assert [each for each in oracle.violations if each not in rogue] == []
    assert [each.what.split(" by ")[0] for each in rogue] == [
        "read 0xfed000f0 (hpet)", "read 0x64 (i8042-cmd)"]  # fmt: skip
    assert not oracle.waiting and not oracle.lent()
    for subos in oracle.subos:
        assert subos.used == ALLOWED.expected(subos.grant), subos
        assert subos.rings > 0, subos
    assert oracle.subos[0].interrupts > 100


def mark_booted(supervisor):
    """Leave a mark in the trace: whatever runs has booted."""
    supervisor.sh(rf"printf '\1' | dd of=/dev/port bs=1 seek={MARK_PORT} conv=notrunc")


# ---- memory that nobody owns ----

GUARD = 2 << 20


@pytest.fixture
def poisoned(supervisor):
    """The supervisor, with a pattern in all memory that nobody owns."""
    fill_pool(supervisor)
    return supervisor


def fill_pool(supervisor):
    """Loading the module fills what was reserved at boot."""
    supervisor.sh("rmmod rf_supervisor && modprobe rf_supervisor poison=1")


def test_two_subos_leave_the_pool_alone(poisoned):
    before = poisoned.state()
    poisoned.create("a", "2", mem="256M")
    poisoned.create("b", "3", mem="384M")
    a, b = (poisoned.show(name)["ranges"][0] for name in ("a", "b"))
    assert a["start"] + a["size"] + GUARD <= b["start"]
    assert poisoned.pool_intact()
    poisoned.destroy("--all")
    assert poisoned.pool_intact()
    assert poisoned.state() == before


def test_a_write_beside_a_partition_is_seen(poisoned):
    """Root in a subOS reaches the guard block behind its memory through /dev/mem."""
    end = "0x$(sed -n '/System RAM/s/.*-\\([0-9a-f]*\\) .*/\\1/p' /proc/iomem | tail -n1)"
    poisoned.create("web", "3", mem="256M", run=f"devmem $(({end} + 4097)) 8 0x5a")
    poisoned.await_log("web", "lab.run ended with status 0")
    ranges = poisoned.show("web")["ranges"][0]
    wrong = poisoned.sh("cat /sys/kernel/debug/rainforest/pool_check").strip()
    assert int(wrong, 16) == ranges["start"] + ranges["size"] + 4096
    poisoned.destroy("web")
    assert not poisoned.pool_intact()
    fill_pool(poisoned)
