# SPDX-License-Identifier: GPL-2.0
"""PCI functions for the isolation oracle: where they lie, what a subOS may write to them, and which
interrupt messages it has arranged for itself.
"""

from collections import namedtuple
from dataclasses import dataclass

CONFIG_SIZE = 4096
PAGE_REGION = "pcie-mmcfg-mmio"
TABLE_REGION = "msix-table"
COMMAND, STATUS, BARS, BARS_END, CAPABILITIES = 0x04, 0x06, 0x10, 0x28, 0x34
HAS_CAPABILITIES = 1 << 4
MSI, MSIX = 0x05, 0x11
MSI_64 = 1 << 7
IORESOURCE_MEM, IORESOURCE_MEM_64 = 0x200, 0x100000
MESSAGES, MESSAGES_END = 0xFEE00000, 0xFEF00000

# A BAR in memory: its end is exclusive, and with 64 bits (wide) it takes the next one's place, too.
Bar = namedtuple("Bar", "start end wide")
# An interrupt message, as a device sends it: to an APIC id, with a vector.
Message = namedtuple("Message", "destination vector")


@dataclass(frozen=True)
class Function:
    """A PCI function. @bars: by number, None for one that is none or not in memory."""

    bdf: str
    config: int  # physical address of its configuration space
    bars: tuple = ()
    capabilities: tuple = ()  # (id, offset)
    table: tuple = None  # (start, end) of its MSI-X table
    msi_64: bool = False

    @classmethod
    def of(cls, supervisor, bdf):
        """As the supervisor's kernel shows it; before it is lent, so that all of it can be read."""
        folder = f"/sys/bus/pci/devices/{bdf}"
        status, config, _ = supervisor.machine.exec_bytes(["cat", f"{folder}/config"])
        assert status == 0, f"no function {bdf}"
        bars = bars_in(supervisor.sh(f"head -n 6 {folder}/resource"))
        ecam = supervisor.sh("grep 'PCI MMCONFIG 0000 ' /proc/iomem").partition("-")[0]
        capabilities = capabilities_in(config)
        found = dict(capabilities)
        return cls(
            bdf, int(ecam, 16) + page_of(bdf), bars, capabilities,
            table=table_in(config, found.get(MSIX), bars),
            msi_64=MSI in found and bool(config[found[MSI] + 2] & MSI_64),
        )  # fmt: skip

    def in_config(self, address):
        return self.config <= address < self.config + CONFIG_SIZE

    def in_bars(self, address):
        return any(bar.start <= address < bar.end for bar in self.bars if bar)

    def bar_words(self):
        """The addresses in the BARs, word by word, by offset."""
        found = {}
        for number, bar in enumerate(self.bars):
            if bar:
                found[BARS + 4 * number] = bar.start & 0xFFFFFFF0
            if bar and bar.wide:
                found[BARS + 4 * number + 4] = bar.start >> 32
        return found

    def find(self, offset):
        """The capability in which @offset lies: its id, and the offset in it."""
        before = [(at, number) for number, at in self.capabilities if at <= offset < 0x100]
        if not before:
            return None
        at, number = max(before)
        return number, offset - at


def page_of(bdf):
    """Where the page of a function of domain 0 begins in the enhanced configuration space."""
    bus, device, function = (int(word, 16) for word in bdf.replace(".", ":").split(":")[1:])
    return bus << 20 | device << 15 | function << 12


def bars_in(text):
    """BARs as sysfs shows them."""
    words = [[int(word, 16) for word in line.split()] for line in text.splitlines()]
    return tuple(
        Bar(start, end + 1, bool(flags & IORESOURCE_MEM_64)) if flags & IORESOURCE_MEM else None
        for start, end, flags in words
    )


def capabilities_in(config):
    """(id, offset) of each in the list."""
    found = []
    at = config[CAPABILITIES] & ~3 if config[STATUS] & HAS_CAPABILITIES else 0
    while at and len(found) < 48:
        found.append((config[at], at))
        at = config[at + 1] & ~3
    return tuple(found)


def table_in(config, at, bars):
    """(start, end) of the MSI-X table, of which the capability at @at tells."""
    if at is None:
        return None
    entries = (word(config, at + 2) & 0x7FF) + 1
    place = word(config, at + 4) | word(config, at + 6) << 16
    start = bars[place & 7].start + (place & ~7)
    return start, start + 16 * entries


def word(config, at):
    return int.from_bytes(config[at : at + 2], "little")


class ConfigRules:
    """What a subOS may write to the configuration space of its own functions."""

    def __init__(self, data):
        self.header = spans(data["header"])
        listed = data["capabilities"].items()
        self.capabilities = {int(number, 16): spans(each) for number, each in listed}
        assert data["bars"] == "as they are"
        self.set = int(data["command"]["set"], 16)
        self.clear = int(data["command"]["clear"], 16)

    def permit(self, function, offset, size, value):
        if offset == COMMAND and (value & self.set != self.set or value & self.clear):
            return False
        if BARS <= offset < BARS_END:
            return size == 4 and value & ~0xF == function.bar_words().get(offset, -1)
        return all(self.permit_byte(function, offset + i) for i in range(size))

    def permit_byte(self, function, offset):
        if inside(self.header, offset):
            return True
        found = function.find(offset)
        return bool(found) and inside(self.capabilities.get(found[0], ()), found[1])


def spans(pairs):
    return [(int(first, 16), int(last, 16)) for first, last in pairs]


def inside(ranges, offset):
    return any(first <= offset <= last for first, last in ranges)


def message(address, data):
    """A message by what is written where; None if it is none, or not fixed and physical."""
    if not MESSAGES <= address < MESSAGES_END or address & 0xC or data & 0x700:
        return None
    return Message(address >> 12 & 0xFF, data & 0xFF)


class Messages:
    """The messages that a kernel has arranged with its functions, by what it wrote to them."""

    def __init__(self):
        self.words = {}  # by place: the last word of address written there
        self.arranged = set()

    def see(self, access, function):
        """A write to @function. Returns what it arranges: a Message, None, or False if wrong."""
        place = self.place(access, function)
        if not place:
            return None
        entry, field = place
        if field == "address":
            self.words[entry] = access.value
            return None
        address = self.words.get(entry, 0)
        # An entry that is switched off is all zero.
        if not address and not access.value:
            return None
        arranged = message(address, access.value)
        if not arranged:
            return False
        self.arranged.add(arranged)
        return arranged

    @staticmethod
    def place(access, function):
        """Which entry, and is it the lower word of its address or its data?"""
        if access.region == TABLE_REGION and function.table:
            entry, field = divmod(access.address - function.table[0], 16)
            name = {0: "address", 8: "data"}.get(field)
        elif access.region == PAGE_REGION:
            entry, field = function.find(access.address - function.config) or (None, None)
            data = 12 if function.msi_64 else 8
            name = {4: "address", data: "data"}.get(field) if entry == MSI else None
        else:
            return None
        return ((function.bdf, access.region, entry), name) if name else None
