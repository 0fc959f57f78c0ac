# SPDX-License-Identifier: GPL-2.0
"""A subOS touches the PCI functions that it has, and no other; the supervisor keeps off those."""

from dataclasses import replace

import pytest
from functional.doorbells import Doorbells
from functional.functions import DRIVERS
from functional.subos import Supervisor
from functional.test_isolation import (
    ALLOWED, BELLS, CORES, DESTROYED, FIXED, MARK, STARTED, WEB, held, icr, mark_booted,
)  # fmt: skip
from functional.trace import MARK_MOVE, MARK_PORT, SUPERVISOR, Grant, Move, Oracle
from functional.trace_pci import (
    MSI, MSIX, PAGE_REGION, TABLE_REGION, Bar, Function, Message, bars_in, capabilities_in,
    page_of, table_in,
)  # fmt: skip
from lab import qemu

# ---- the oracle itself, on traces made by hand ----

ECAM = 0xB0000000
BAR = 0xFE400000
TABLE = BAR + 0x2000
PM, PCIE = 0x01, 0x10
DISK = Function(
    "0000:01:00.0", ECAM + 0x100000, (Bar(BAR, BAR + 0x4000, True),),
    ((PM, 0x60), (MSIX, 0x40), (PCIE, 0x80)), (TABLE, TABLE + 16 * 65),
)  # fmt: skip
CARD = Function(
    "0000:00:04.0", ECAM + 0x20000, (Bar(0xFE600000, 0xFE700000, False),), ((MSI, 0x40),),
    msi_64=True,
)  # fmt: skip
OTHER = replace(DISK, bdf="0000:02:00.0", config=ECAM + 0x200000,
                bars=(Bar(BAR + 0x100000, BAR + 0x104000, True),), table=None)  # fmt: skip
OWNER = replace(WEB, functions=(DISK, CARD))
BUS_MASTER = 0x406


def touch(cpu, address, value=None, region="nvme", size=4):
    kind = "read" if value is None else "write"
    return (
        f"memory_region_ops_{kind} cpu {cpu} mr 0x55d4c0de addr {address:#x} "
        f"value {value or 0:#x} size {size} name '{region}'\n"
    )


def config(cpu, function, offset, value=None, size=4):
    return touch(cpu, function.config + offset, value, PAGE_REGION, size)


def entry(cpu, number, address, data):
    """A kernel on @cpu writes an entry of the disk's table, in the order of Linux."""
    at = TABLE + 16 * number
    return [touch(cpu, at + place, value, TABLE_REGION)
            for place, value in ((0, address), (4, 0), (8, data), (12, 0))]  # fmt: skip


def sent(apic_id, data, cpu=-1):
    return touch(cpu, 0xFEE00000 | apic_id << 12, data, "apic-msi")


def moved():
    return touch(0, MARK_PORT, MARK_MOVE, "ioport80", 1)


def judge(lines, *grants, moves=()):
    return Oracle(ALLOWED, CORES, grants or [OWNER], BELLS, moves).judge(lines)


def test_oracle_accepts_the_own_functions():
    clean = [
        touch(0, BAR, 0), config(0, DISK, 0x10, BAR),
        *STARTED,
        config(2, DISK, 0), config(3, DISK, 0x100), config(2, DISK, 0x04, BUS_MASTER, 2),
        config(2, DISK, 0x64, 0x8, 2), config(2, DISK, 0x88, 0x2810, 2),
        config(2, DISK, 0x42, 0xC000, 2), config(2, DISK, 0x10, BAR | 4), config(2, DISK, 0x14, 0),
        *entry(2, 0, 0, 0),
        *entry(2, 0, 0xFEE02000, 0x31), *entry(2, 64, 0xFEE03000, 0x32),
        touch(2, BAR + 0x1000, 1), sent(2, 0x31), sent(3, 0x32), sent(3, 0x32, cpu=2),
        config(3, CARD, 0x44, 0xFEE03000), config(3, CARD, 0x48, 0), config(3, CARD, 0x4C, 0x41, 2),
        sent(3, 0x41), config(0, DISK, 0x04),
        *DESTROYED,
        touch(0, BAR, 0), sent(0, 0x31),
    ]  # fmt: skip
    oracle = judge(clean)
    assert oracle.violations == []
    assert {"own-function-config", "own-function-bars"} <= oracle.subos[0].used
    assert oracle.subos[0].messages.arranged == {
        Message(2, 0x31), Message(3, 0x32), Message(3, 0x41)}  # fmt: skip


# What a subOS does, and what is said of it.
MISDEEDS = {
    "BAR of another function": ([touch(2, OTHER.bars[0].start)], "read 0xfe500000 (nvme)"),
    "beyond its BAR": ([touch(2, BAR + 0x4000, 1)], "write 0x1 to 0xfe404000 (nvme)"),
    "page of another function": ([config(3, OTHER, 0)], "read 0xb0200000 (pcie-mmcfg-mmio)"),
    "page of a bridge": ([touch(2, ECAM, None, PAGE_REGION)], "read 0xb0000000"),
    "its port of I/O": ([touch(2, 0xC000, None, "virtio-pci")], "read 0xc000 (virtio-pci)"),
    "BAR moved": ([config(2, DISK, 0x10, 0xFFFFFFFF)], "write 0xffffffff to 0xb0100010"),
    "BAR cleared": ([config(2, DISK, 0x10, 0)], "write 0x0 to 0xb0100010"),
    "BAR that is none": ([config(2, DISK, 0x18, 0)], "write 0x0 to 0xb0100018"),
    "ROM": ([config(2, DISK, 0x30, 1)], "write 0x1 to 0xb0100030"),
    "decoding off": ([config(2, DISK, 0x04, 0x400, 2)], "write 0x400 to 0xb0100004"),
    "INTx on": ([config(2, DISK, 0x04, 0x6, 2)], "write 0x6 to 0xb0100004"),
    "I/O decoding on": ([config(2, DISK, 0x04, 0x407, 2)], "write 0x407 to 0xb0100004"),
    "link control": ([config(2, DISK, 0x90, 0x3, 2)], "write 0x3 to 0xb0100090"),
    "more than what may be written": ([config(2, DISK, 0x40, 0)], "write 0x0 to 0xb0100040"),
    "extended capability": ([config(2, DISK, 0x104, 1)], "write 0x1 to 0xb0100104"),
    "message to the supervisor": (entry(2, 1, 0xFEE00000, 0x31), "0000:01:00.0 arranged"),
    "message in logical mode": (entry(2, 1, 0xFEE02004, 0x31), "0000:01:00.0 arranged"),
    "message that is an NMI": (entry(2, 1, 0xFEE02000, 0x431), "0000:01:00.0 arranged"),
    "message to memory": (entry(2, 1, 0x12345000, 0x31), "0000:01:00.0 arranged"),
    "MSI to the supervisor": (
        [config(3, CARD, 0x44, 0xFEE01000), config(3, CARD, 0x4C, 0x41, 2)],
        "0000:00:04.0 arranged"),
    "a message of its own making": ([sent(0, 0x31, cpu=2)], "write 0x31 to 0xfee00000"),
}  # fmt: skip


@pytest.mark.parametrize("misdeed", MISDEEDS)
def test_oracle_reports_a_subos(misdeed):
    lines, what = MISDEEDS[misdeed]
    [violation] = judge([*STARTED, *lines]).violations
    assert violation.who == "web" and what in violation.what


@pytest.mark.parametrize("lines, what", [
    ([touch(0, BAR + 0x1000, 1)], "0000:01:00.0 is web's"),
    ([touch(-1, BAR)], "0000:01:00.0 is web's"),
    ([*held(3), touch(1, BAR)], "0000:01:00.0 is web's"),
    ([*entry(2, 0, 0xFEE02000, 0x31), sent(2, 0x32)], "device to core 2"),
    ([*entry(2, 0, 0xFEE02000, 0x31), sent(3, 0x31)], "device to core 3"),
])  # fmt: skip
def test_oracle_reports_the_supervisor(lines, what):
    [violation] = judge([*STARTED, *lines]).violations
    assert violation.who == SUPERVISOR and what in violation.what


def test_one_without_functions_has_none():
    lines = [*STARTED, touch(2, BAR), config(2, DISK, 0)]
    assert len(judge(lines, WEB).violations) == 2


def test_oracle_knows_functions_that_come_and_go():
    comes, goes = Move(DISK, SUPERVISOR, "web"), Move(DISK, "web", SUPERVISOR)
    use, own = touch(2, BAR, 1), touch(0, BAR, 1)
    come = [moved(), own, use, moved()]
    clean = [*STARTED, own, *come, use, moved(), use, own, moved(), own, *come, use]
    assert judge(clean, WEB, moves=[comes, goes, comes]).violations == []
    early = judge([*STARTED, use, *come], WEB, moves=[comes]).violations
    assert [each.who for each in early] == ["web"]
    late = judge([*STARTED, *come, moved(), moved(), use], WEB, moves=[comes, goes]).violations
    assert [each.who for each in late] == ["web"]
    both = judge([*STARTED, *come, own], WEB, moves=[comes]).violations
    assert [each.who for each in both] == [SUPERVISOR]


def test_interrupt_commands_are_counted_by_phase():
    rings = [*icr(3, 2, FIXED), *MARK, *icr(2, 3, FIXED), *icr(2, 0, 0x4024), *icr(1, 0, FIXED)]
    oracle = judge([*STARTED, *rings])
    assert oracle.violations == []
    assert {key: n for key, n in oracle.commands.items() if key[0] == 1} == {
        (1, "web", "web"): 1, (1, "web", SUPERVISOR): 1, (1, SUPERVISOR, SUPERVISOR): 1}  # fmt: skip


RESOURCE = """0x00000000fe400000 0x00000000fe403fff 0x0000000000140204
0x0000000000000000 0x0000000000000000 0x0000000000000000
0x000000000000c000 0x000000000000c07f 0x0000000000040101
"""


def test_functions_are_understood():
    bars = bars_in(RESOURCE)
    assert bars == (Bar(BAR, BAR + 0x4000, True), None, None)
    space = bytearray(256)
    space[0x06], space[0x34] = 0x10, 0x80
    space[0x80:0x82] = PCIE, 0x40
    space[0x40:0x4A] = MSIX, 0, 64, 0x80, 0x00, 0x20, 0, 0, 0, 0
    assert capabilities_in(space) == ((PCIE, 0x80), (MSIX, 0x40))
    assert table_in(space, 0x40, bars) == (TABLE, TABLE + 16 * 65)
    assert page_of("0000:3a:1f.7") == 0x3A << 20 | 0x1F << 15 | 7 << 12
    assert DISK.find(0x64) == (PM, 4) and DISK.find(0x30) is None and DISK.find(0x100) is None


# ---- real traces ----

DISKS = 2 * ["nvme:blank=64M"] + ["virtio:blank=64M:rootbus"]
# Written, and read back by the device.
COPY = (
    "until [ -b {0} ]; do usleep 50000; done; dd if=/dev/urandom of=/tmp/data bs=256k count=4; "
    "dd if=/tmp/data of={0} bs=256k conv=fsync; echo 3 >/proc/sys/vm/drop_caches; "
    "dd if={0} bs=256k count=4 | cmp - /tmp/data"
)


@pytest.mark.budget(240)
def test_functions_are_touched_by_their_owners_only(machines):
    """A disk each, one that comes and goes meanwhile; then some look at what is not theirs."""
    # Without the last option, /dev/mem of the supervisor refuses BARs that somebody has claimed.
    supervisor = Supervisor(
        machines(snapshot=False, trace=True, disks=DISKS, append="iomem=relaxed")
    )
    bdfs = [supervisor.machine.bdf(f"disk{number}") for number in range(3)]
    first, second, third = (Function.of(supervisor, bdf) for bdf in bdfs)
    grants = []

    def create(name, core, function):
        supervisor.create(name, core, "--pci", function.bdf, mem="256M")
        mark_booted(supervisor)
        shown = supervisor.show(name)
        grants.append(Grant.of(shown, functions=[function]))
        doorbells.add(shown)

    def resize(name, sign, function):
        mark(supervisor, MARK_MOVE)
        supervisor.resize(name, "--pci", f"{sign}{function.bdf}")
        mark(supervisor, MARK_MOVE)
        return Move(function, *(SUPERVISOR, name)[:: 1 if sign == "+" else -1])

    with Doorbells(supervisor.machine) as doorbells:
        create("a", "2", first)
        create("b", "3", second)
        with supervisor.shells("a", "b") as (a, b):
            for shell in (a, b):
                shell.run(DRIVERS)
            begun = [(shell, shell.start(COPY.format("/dev/nvme0n1"))) for shell in (a, b)]
            assert [shell.result(each, timeout=60)[0] for shell, each in begun] == [0, 0]
            moves = [resize("a", "+", third)]
            a.run(COPY.format("/dev/vda"), timeout=60)
            moves += [resize("a", "-", third), resize("b", "+", third)]
            b.run(COPY.format("/dev/vda"), timeout=60)
            look(b, first.bars[0].start)
            look(b, first.config)
        supervisor.sh(f"devmem {first.bars[0].start:#x} 32")
        supervisor.destroy("--all")

    with open(supervisor.machine.folder / qemu.EVENTS) as lines:
        oracle = Oracle(ALLOWED, CORES, grants, doorbells.published, moves).judge(lines)
    assert [(each.who, each.what.partition(" by ")[0]) for each in oracle.violations] == [
        ("b", f"read {first.bars[0].start:#x} (nvme)"),
        ("b", f"read {first.config:#x} ({PAGE_REGION})"),
        (SUPERVISOR, f"read {first.bars[0].start:#x} (nvme)"),
    ]
    for subos in oracle.subos:
        missing = ALLOWED.expected(subos.grant) - subos.used
        assert not missing, subos
        assert subos.messages.arranged, subos


def mark(supervisor, value):
    supervisor.sh(rf"printf '\{value:o}' | dd of=/dev/port bs=1 seek={MARK_PORT} conv=notrunc")


def look(shell, address):
    """Read what belongs to somebody else, which does no harm here."""
    shell.run(f"devmem {address:#x} 32")
