# SPDX-License-Identifier: GPL-2.0
"""The isolation oracle: judges what QEMU traced (a machine with trace=True) by docs/isolation.json.

Who runs on a core at a time is read from the trace itself, from the INITs and SIPIs in it:

- Every command to a core is INIT, the deassertion of INIT, SIPI. Where the SIPI leads tells the rest.
- To the park, the last page of a slice of low memory: rf_supervisor holds that core, and it is lent from
  here on. (The lab's supervisors have their real-mode code elsewhere.) An NMI asks whether it is there.
- To the first page of the same slice, the common trampoline, of a held core that is the boot core of a
  grant: it starts that subOS, and its cores are its own.
- To any other page, Linux's real-mode code: Linux brings the core online. By the supervisor to a lent
  core, that is its return; by a subOS, it stays inside the subOS, or it is a held core that was
  granted later: then it is its own from here on.

What crosses a border is a doorbell: a fixed interrupt to a core and with a vector that the owner of
the core published. What was published is not in the trace (functional/doorbells.py reads it).

A PCI function that a subOS was given is its own from its start until all its cores are held, and
the supervisor does not touch its BARs meanwhile. One that changes hands in between is announced by
a mark of the test before, and one after: in between both may touch it.

QEMU's index of a vCPU is its APIC id: the lab's machines have one socket and no SMT.
"""

import json
import re
from collections import Counter, namedtuple
from dataclasses import dataclass, field

from functional.trace_pci import ConfigRules, Messages, message

APIC_REGION = "apic-msi"
APIC = 0xFEE00000
ICR_LOW = APIC + 0x300
ICR_HIGH = APIC + 0x310
CMOS_INDEX, CMOS_DATA = 0x70, 0x71
PCI_ADDRESS, PCI_DATA = 0xCF8, 0xCFC
# A write to this port by the supervisor tells that the subOSes started so far have booted. What it
# writes is the phase from here on, for who counts, or says that a function changes hands or has.
MARK_PORT = 0x80
MARK_MOVE = 0xB0

DELIVERY = ("fixed", "lowest", "smi", "3", "nmi", "init", "startup", "extint")
SHORTHAND = ("none", "self", "all", "others")
LOW_SLICE_SIZE = 32 << 10
SLICE_PAGES = LOW_SLICE_SIZE >> 12

# Who has a core, if no subOS: the supervisor's kernel, or nobody (it waits for a SIPI, or is parked).
SUPERVISOR = "supervisor"
HELD = "held"

# Conditions of entries that depend on the machine, as they are in the lab.
LAB = {
    "always": True,
    "AMD processor of family 0xf": False,
    "CPUID and MSRs do not tell the processor's frequency": True,
}
BOOTING = {"boot", "core-online"}
BOOTED = {"run", "shutdown", "core-online"}
PHASES = BOOTING | BOOTED

Access = namedtuple("Access", "line cpu write address value size region")
Violation = namedtuple("Violation", "line who what")
# A function changes hands while both run: from whom to whom, by name.
Move = namedtuple("Move", "function giver receiver")

PREFIX = "memory_region_ops_"
LINE = re.compile(
    PREFIX + r"(read|write) cpu (-?\d+) mr 0x[0-9a-f]+ addr (0x[0-9a-f]+) value (0x[0-9a-f]+) "
    r"size (\d+) name '([^']*)'\n"
)


def accesses(lines):
    """The accesses in the lines of a trace; others (resets of vCPUs) are left out."""
    for number, line in enumerate(lines, 1):
        # The last line may still be on its way.
        if not line.startswith(PREFIX) or not line.endswith("\n"):
            continue
        match = LINE.fullmatch(line)
        if not match:
            raise ValueError(f"line {number} of the trace is not understood: {line!r}")
        kind, cpu, address, value, size, region = match.groups()
        yield Access(
            number, int(cpu), kind == "write", int(address, 16), int(value, 16), int(size), region
        )


@dataclass(frozen=True)
class Grant:
    """What a subOS was given. @cores: APIC ids, its boot core first; @later: by resizes;
    @functions: by its create.
    """

    name: str
    cores: tuple
    low_slice: int
    uart: str = None
    later: tuple = ()
    functions: tuple = ()

    @classmethod
    def of(cls, shown, later=(), functions=()):
        """From what `rfm show --json` says when it has started."""
        return cls(
            shown["name"], tuple(shown["apic_ids"]), shown["low_slice"], later=tuple(later),
            functions=tuple(functions),
        )  # fmt: skip

    def meets(self, condition):
        several = len(self.cores) + len(self.later) > 1
        own = {"cores > 1": several, "--uart": self.uart, "--pci": self.functions}
        return bool({**LAB, **own}[condition])


@dataclass(eq=False)
class SubOS:
    """A grant in use."""

    grant: Grant
    booting: bool = True
    stopped: set = field(default_factory=set)  # cores that the supervisor sent INIT
    cmos: dict = field(default_factory=dict)  # by core: the register chosen by the index port
    pci: dict = field(default_factory=dict)  # by core: the function chosen by the address port
    used: set = field(default_factory=set)  # ids of entries
    interrupts: int = 0  # interrupt commands written
    rings: int = 0  # of them, doorbells of others
    functions: list = field(default_factory=list)  # that it has now
    messages: Messages = field(default_factory=Messages)

    def __post_init__(self):
        self.functions = list(self.grant.functions)

    def __str__(self):
        return self.grant.name

    def meets(self, condition):
        return bool(self.functions) if condition == "--pci" else self.grant.meets(condition)


class Entry:
    """One entry of the list of what may be touched; docs/isolation.md explains the fields."""

    def __init__(self, data):
        self.id = data["id"]
        self.regions = data["regions"]
        self.ranges = [(int(first, 16), int(last, 16)) for first, last in data.get("ranges", [])]
        self.select = data.get("select")
        self.access = data["access"]
        self.when = set(data["when"])
        self.condition = data["condition"]
        self.values = numbers(data.get("values", {}))
        cmos = data.get("cmos", {})
        self.cmos_read = {int(each, 16) for each in cmos.get("read", [])}
        self.cmos_write = numbers(cmos.get("write", {}))
        self.pci_read = set(data.get("pci", {}).get("read", []))
        self.config = ConfigRules(data["config"]) if "config" in data else None
        assert data["why"] and self.when <= PHASES, self.id
        assert bool(self.ranges) == (self.select in (None, "uart")), self.id

    def permits(self, access, subos):
        return (
            ("w" if access.write else "r") in self.access
            and self.covers(access, subos)
            and not self.when.isdisjoint(BOOTING if subos.booting else BOOTED)
            and subos.meets(self.condition)
            and self.permits_value(access)
            and self.permits_cmos(access, subos)
            and self.permits_pci(access, subos)
        )

    def covers(self, access, subos):
        if self.select == "function-bars":
            return any(each.in_bars(access.address) for each in subos.functions)
        if self.select == "function-config":
            return any(self.covers_config(access, each) for each in subos.functions)
        ranges = self.ranges
        if self.select == "uart" and subos.grant.uart:
            ranges = [ranges[int(subos.grant.uart.removeprefix("ttyS"))]]
        return any(first <= access.address <= last for first, last in ranges)

    def covers_config(self, access, function):
        offset = access.address - function.config
        return function.in_config(access.address) and (
            not access.write or self.config.permit(function, offset, access.size, access.value)
        )

    def permits_value(self, access):
        return (
            not access.write
            or access.address not in self.values
            or access.value in self.values[access.address]
        )

    def permits_cmos(self, access, subos):
        register = subos.cmos.get(access.cpu)
        if access.address == CMOS_INDEX:
            return access.write and (register in self.cmos_read or register in self.cmos_write)
        if access.address == CMOS_DATA:
            if access.write:
                return access.value in self.cmos_write.get(register, ())
            return register in self.cmos_read
        return True

    def permits_pci(self, access, subos):
        if access.address == PCI_ADDRESS:
            return access.write and subos.pci.get(access.cpu) in self.pci_read
        if PCI_DATA <= access.address < PCI_DATA + 4:
            return not access.write and subos.pci.get(access.cpu) in self.pci_read
        return True


def numbers(lists):
    return {int(key, 16): {int(each, 16) for each in values} for key, values in lists.items()}


class AllowList:
    def __init__(self, text):
        data = json.loads(text)
        assert data["format"] == 1
        self.ipi = data["ipi"]
        self.entries = [Entry(each) for each in data["entries"]]
        self.by_region = {}
        for entry in self.entries:
            assert entry.condition in {*LAB, "cores > 1", "--uart", "--pci"}, entry.id
            for region in entry.regions:
                self.by_region.setdefault(region, []).append(entry)

    def entry_for(self, access, subos):
        for entry in self.by_region.get(access.region, ()):
            if entry.permits(access, subos):
                return entry
        return None

    def expected(self, grant):
        """Ids of what every boot of such a subOS touches: an entry never used has no cause."""
        return {each.id for each in self.entries if grant.meets(each.condition)}


class Command:
    """A write to the low word of the interrupt command register."""

    def __init__(self, value, destination):
        self.vector = value & 0xFF
        self.delivery = DELIVERY[value >> 8 & 7]
        self.logical = bool(value >> 11 & 1)
        # Level 0 with trigger mode 1 takes an INIT back: it reaches cores, and does nothing.
        self.deassert = self.delivery == "init" and value >> 14 & 3 == 2
        self.shorthand = SHORTHAND[value >> 18 & 3]
        self.destination = destination

    def __str__(self):
        mode = "logical" if self.logical else "physical"
        where = f"shorthand {self.shorthand}" if self.shorthand != "none" else self.destination
        return f"{self.delivery} interrupt, vector {self.vector:#x}, {mode}, to {where}"


class Oracle:
    """Judges a trace; see judge() and .violations."""

    def __init__(self, allowed, cores, grants, doorbells=None, moves=()):
        """@doorbells: by owner, what it published: {(vector, APIC id)}; @moves: in their order."""
        self.allowed = allowed
        self.doorbells = doorbells or {}
        self.owner = dict.fromkeys(range(cores), SUPERVISOR)
        self.waiting = list(grants)  # not started yet, in the order of their starts
        self.subos = []  # started
        self.waits = set()  # cores to which the supervisor sent INIT, and no SIPI yet
        self.parked = set()  # cores in the park
        self.park = None  # the page to which the supervisor sends a core that it holds
        self.destination = {}  # by core: what the high word of the command register says
        self.moves = list(moves)
        self.moving = None  # the move that takes place
        self.phase = None  # what the last mark said
        self.commands = Counter()  # interrupt commands by phase, who wrote and who gets it
        self.violations = []

    def judge(self, lines):
        for access in accesses(lines):
            self.see(access)
        return self

    def violations_of(self, who):
        return [each for each in self.violations if each.who == who]

    def wrong(self, access, who, what):
        self.violations.append(Violation(access.line, str(who), what))

    def see(self, access):
        # Interrupts of devices come from QEMU's other threads: cpu -1.
        owner = self.owner.get(access.cpu, SUPERVISOR)
        if access.region == APIC_REGION and access.write:
            self.see_apic(access, owner)
        if owner is SUPERVISOR:
            if access.write and access.address == MARK_PORT:
                self.see_mark(access)
            self.see_supervisor_touch(access)
        elif owner is HELD:
            self.wrong(access, HELD, f"core {access.cpu} runs: {describe(access)}")
        else:
            self.see_touch(access, owner)

    def see_mark(self, access):
        for subos in self.subos:
            subos.booting = False
        if access.value != MARK_MOVE:
            self.phase = access.value
        elif self.moving:
            self.change(self.moving.giver, list.remove)
            self.moving = None
        else:
            self.moving = self.moves.pop(0)
            self.change(self.moving.receiver, list.append)

    def change(self, name, how):
        """The function that moves comes to or leaves the subOS @name that runs."""
        for subos in self.subos:
            if subos.grant.name == name and self.runs(subos):
                how(subos.functions, self.moving.function)

    def runs(self, subos):
        """One of its cores is not held."""
        return any(
            owner is subos and core not in subos.stopped for core, owner in self.owner.items()
        )

    def see_supervisor_touch(self, access):
        """Its configuration space is the supervisor's affair, too, for the bridges to it are."""
        moving = self.moving and self.moving.function
        for subos in self.subos:
            for function in subos.functions:
                if function.in_bars(access.address) and function != moving and self.runs(subos):
                    what = f"{describe(access)}: {function.bdf} is {subos}'s"
                    self.wrong(access, SUPERVISOR, what)

    def see_touch(self, access, subos):
        if access.write and access.address == CMOS_INDEX:
            subos.cmos[access.cpu] = access.value
        elif access.write and access.address == PCI_ADDRESS:
            subos.pci[access.cpu] = pci_function(access.value)
        entry = self.allowed.entry_for(access, subos)
        if entry:
            subos.used.add(entry.id)
        elif not self.is_own_message(access, subos):
            self.wrong(access, subos, describe(access))
        if access.write:
            self.see_arranged(access, subos)

    def see_arranged(self, access, subos):
        """What a subOS tells its devices to send goes to its own cores."""
        for function in subos.functions:
            if not function.in_bars(access.address) and not function.in_config(access.address):
                continue
            arranged = subos.messages.see(access, function)
            own = arranged and self.owner.get(arranged.destination) is subos
            if arranged is not None and not own:
                what = f"an interrupt of {function.bdf} arranged: {describe(access)}"
                self.wrong(access, subos, what)

    @staticmethod
    def is_own_message(access, subos):
        """A device may send its interrupt at once, in QEMU's thread of who touched it."""
        return access.region == APIC_REGION and access.write and is_arranged(access, subos)

    # ---- interrupts ----

    def see_apic(self, access, owner):
        if access.address == ICR_HIGH:
            self.destination[access.cpu] = access.value >> 24
        elif access.address == ICR_LOW:
            command = Command(access.value, self.destination.get(access.cpu))
            self.count(command, owner)
            if owner is SUPERVISOR:
                self.see_supervisor_command(access, command)
            elif owner is not HELD:
                self.see_subos_command(access, command, owner)
        elif owner is SUPERVISOR and is_message(access.address):
            self.see_message(access)

    def count(self, command, owner):
        to = owner
        if command.shorthand != "self":
            to = self.owner.get(command.destination)
        self.commands[self.phase, str(owner), str(to)] += 1

    def lent(self):
        return any(owner is not SUPERVISOR for owner in self.owner.values())

    def see_message(self, access):
        """An interrupt of a device, or of the IO-APIC. Whose device it is, no trace shows."""
        destination, logical = access.address >> 12 & 0xFF, access.address >> 2 & 1
        owner = self.owner.get(destination)
        if self.lent() and logical:
            self.wrong(access, SUPERVISOR, "an interrupt of a device in logical mode")
        elif isinstance(owner, SubOS) and is_arranged(access, owner):
            return
        elif owner is not SUPERVISOR:
            self.wrong(access, SUPERVISOR, f"an interrupt of a device to core {destination}")

    def see_supervisor_command(self, access, command):
        if command.shorthand == "self":
            return
        if command.logical or command.shorthand != "none":
            if self.lent():
                self.wrong(access, SUPERVISOR, str(command))
            return
        core = command.destination
        if command.delivery == "init":
            self.see_init(core, command)
        elif command.delivery == "startup":
            self.see_sipi(access, core, command.vector)
        elif command.delivery == "nmi" and core in self.parked:
            pass  # the question whether it is there
        elif self.owner.get(core) is not SUPERVISOR and not self.is_ring(command):
            self.wrong(access, SUPERVISOR, str(command))

    def is_ring(self, command):
        """A doorbell of who has that core now."""
        ipi = self.allowed.ipi["doorbells"]
        return (
            command.delivery in ipi["delivery"]
            and command.shorthand in ipi["shorthand"]
            and not command.logical
            and not self.is_held(command.destination)
            and (command.vector, command.destination)
            in self.doorbells.get(str(self.owner.get(command.destination)), ())
        )

    def is_held(self, core):
        """The supervisor sent it INIT: whoever had it, it executes nothing of theirs."""
        owner = self.owner.get(core)
        return owner is HELD or isinstance(owner, SubOS) and core in owner.stopped

    def give(self, core, owner):
        last = self.owner.get(core)
        self.parked.discard(core)
        if isinstance(last, SubOS):
            last.stopped.discard(core)
        self.owner[core] = owner

    def see_init(self, core, command):
        if command.deassert:
            return
        self.waits.add(core)
        self.parked.discard(core)
        owner = self.owner.get(core)
        # An INIT takes its time: what a subOS does until then is still judged as its doing.
        if isinstance(owner, SubOS):
            owner.stopped.add(core)
        else:
            self.owner[core] = HELD

    def see_sipi(self, access, core, page):
        if core not in self.waits:
            return  # it runs already: every SIPI may be sent twice
        self.waits.discard(core)
        if page % SLICE_PAGES == SLICE_PAGES - 1:
            self.see_park(access, core, page)
        elif self.park is not None and page == self.park - SLICE_PAGES + 1:
            self.begin(access, core)
        else:
            self.give(core, SUPERVISOR)

    def see_park(self, access, core, page):
        self.park = page if self.park is None else self.park
        if page != self.park:
            self.wrong(access, SUPERVISOR, f"two parks: pages {self.park:#x} and {page:#x}")
        self.parked.add(core)

    def begin(self, access, core):
        grant = next((each for each in self.waiting if each.cores[0] == core), None)
        if not grant:
            return self.wrong(access, SUPERVISOR, f"SIPI to core {core}, boot core of no subOS")
        self.waiting.remove(grant)
        subos = SubOS(grant)
        for each in grant.cores:
            if each not in self.parked and each != core:
                self.wrong(access, SUPERVISOR, f"core {each} of {grant.name} was not held")
            self.give(each, subos)
        self.subos.append(subos)

    def see_subos_command(self, access, command, subos):
        subos.interrupts += 1
        if self.is_own(command, subos):
            self.see_core_joins(command, subos)
        elif self.is_ring(command):
            subos.rings += 1
        else:
            self.wrong(access, subos, str(command))

    def is_own(self, command, subos):
        """An interrupt that stays inside a subOS."""
        low = subos.grant.low_slice
        allowed = (
            command.shorthand in self.allowed.ipi["shorthand"]
            and command.delivery in self.allowed.ipi["delivery"]
            and not command.logical
        )
        if command.shorthand == "self":
            return allowed and command.delivery == "fixed"
        if command.delivery == "startup":
            allowed &= low <= command.vector << 12 < low + LOW_SLICE_SIZE
        return allowed and (
            self.owner.get(command.destination) is subos or self.is_joining(command, subos)
        )

    def is_joining(self, command, subos):
        """A core that waits, and that this subOS was granted while it ran, is brought online."""
        core = command.destination
        return (
            command.delivery in ("init", "startup")
            and core in subos.grant.later
            and self.is_held(core)
        )

    def see_core_joins(self, command, subos):
        if command.delivery == "startup" and command.shorthand == "none":
            if command.destination in subos.grant.later and self.is_held(command.destination):
                self.give(command.destination, subos)


def is_arranged(access, subos):
    return message(access.address, access.value) in subos.messages.arranged


def is_message(address):
    """Not a register of the own local APIC, but an interrupt message into the machine."""
    return address - APIC > 0xFFF or address - APIC < 0x10


def pci_function(value):
    """The function that a value of the address port chooses, as 00:02.0."""
    return f"{value >> 16 & 0xFF:02x}:{value >> 11 & 0x1F:02x}.{value >> 8 & 7}"


def describe(access):
    done = f"write {access.value:#x} to" if access.write else "read"
    return f"{done} {access.address:#x} ({access.region}) by core {access.cpu}"
