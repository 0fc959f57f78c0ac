# SPDX-License-Identifier: GPL-2.0
"""What a machine is made of. Everything has a default; a test overrides what it is about."""

import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .errors import LabError

GIB = 1 << 30
MIB = 1 << 20
ABOVE_4G = 4 * GIB


def parse_size(text):
    """'4G' -> bytes. A plain number is MiB, as for QEMU's -m."""
    match = re.fullmatch(r"(\d+)([KMGT]?)B?", str(text).strip(), re.IGNORECASE)
    if not match:
        raise LabError(f"not a size: '{text}' (like 512M or 4G)")
    return int(match[1]) << {"": 20, "K": 10, "M": 20, "G": 30, "T": 40}[match[2].upper()]


def format_size(size):
    for unit, shift in (("G", 30), ("M", 20), ("K", 10)):
        if size and size % (1 << shift) == 0:
            return f"{size >> shift}{unit}"
    return str(size)


def split_flags(text, flags):
    """'nvme:FILE:rootbus' -> 'nvme:FILE' and {'root_bus': True}: the words of @flags at the end."""
    found = {}
    while (word := text.rpartition(":")[2]) in flags:
        found[flags[word]] = True
        text = text[: -len(word) - 1]
    return text, found


# Where a PCI function is, unless behind a root port of its own: on the root bus, or the next
# function of the device before it.
PLACES = {"rootbus": "root_bus", "function": "next_function"}


@dataclass(frozen=True)
class Disk:
    """A PCI function disk0, disk1 ... backed by a file, or by an empty one of the machine's own."""

    driver: str
    file: str = ""
    blank: str = ""  # size of the machine's own file
    root_bus: bool = False
    next_function: bool = False
    snapshot: bool = False  # what is written is forgotten with the machine

    DRIVERS = ("nvme", "virtio")

    @classmethod
    def parse(cls, text):
        """'nvme:FILE', 'virtio:FILE:rootbus', 'nvme:blank=256M:function'."""
        spec, flags = split_flags(text, {**PLACES, "snapshot": "snapshot"})
        driver, _, file = spec.partition(":")
        if driver not in cls.DRIVERS or not file:
            raise LabError(f"not a disk: '{text}' (like nvme:FILE, nvme:blank=256M or "
                           "virtio:FILE:rootbus)")  # fmt: skip
        if file.startswith("blank="):
            size = file.removeprefix("blank=")
            parse_size(size)
            return cls(driver, blank=size, **flags)
        return cls(driver, str(Path(file).resolve()), **flags)


@dataclass(frozen=True)
class Device:
    """A PCI function dev0, dev1 ... of a machine."""

    kind: str
    root_bus: bool = False
    next_function: bool = False

    KINDS = ("e1000e", "virtio-net", "virtio-rng", "edu")

    @classmethod
    def parse(cls, text):
        """'e1000e', 'edu:rootbus'."""
        kind, flags = split_flags(text, PLACES)
        if kind not in cls.KINDS:
            raise LabError(f"not a device: '{text}' (like {', '.join(cls.KINDS)}, or edu:rootbus)")
        return cls(kind, **flags)


def parsed(kind, values):
    """@values, which are words, dicts or of class @kind already, as objects of @kind."""
    return [
        value if isinstance(value, kind) else kind(**value) if isinstance(value, dict)
        else kind.parse(value)
        for value in values
    ]  # fmt: skip


# Under the debug kernel. Its first report is not to be the last, and with page tables of five levels
# the emulator takes minutes to make KASAN's.
DEBUG_WORDS = ("kasan_multi_shot", "no5lvl")
DEBUG_PATIENCE = 8


@dataclass
class Config:
    name: str = "default"
    cpus: int = 4
    mem: str = "4G"
    kernel: str = "amd64"
    append: str = ""
    rootfs: str = "tiny"
    qemu: str = ""  # the lab's own; "stock": the one of Debian's backports
    lean: bool = False  # of a Debian root: without other kernels and the small subOS
    qemu_args: list = field(default_factory=list)
    disks: list = field(default_factory=list)
    devices: list = field(default_factory=list)
    iommu: bool | str = False  # "intremap": it remaps interrupts too; "ats": virtio has ATS
    pool: str = "reserved"
    bare: bool = False  # nothing of what `rfm setup` asks for is on the command line
    root_disk: str = ""  # of the root "packages": a qcow2 file that keeps what is written
    trace: bool = False
    allow_reboot: bool = False
    debian_subos: bool = False
    warm_up: str = ""  # shell commands that run before a snapshot is taken
    boot_timeout: float = 240
    hang_timeout: float = 60

    def __post_init__(self):
        self.disks = parsed(Disk, self.disks)
        self.devices = parsed(Device, self.devices)
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.name):
            raise LabError(f"not a machine name: '{self.name}'")
        if self.rootfs not in ("tiny", "debian", "packages"):
            raise LabError(f"no such root: '{self.rootfs}' (tiny, debian or packages)")
        if self.kernel == "debug" and self.rootfs != "tiny":
            raise LabError("the debug kernel has the tiny root only")
        if self.pool not in ("reserved", "runtime"):
            raise LabError(f"no such pool: '{self.pool}' (reserved or runtime)")
        if self.iommu not in (False, True, "intremap", "ats"):
            raise LabError(f"no such IOMMU: '{self.iommu}' (True, False, intremap or ats)")
        parse_size(self.mem)

    @property
    def patience(self):
        """How much longer than usual all that is waited for may take."""
        return DEBUG_PATIENCE if self.kernel == "debug" else 1

    @property
    def high_memory(self):
        """Bytes of memory above 4 GiB: q35 puts 2 GiB below it once there are 2.75 or more."""
        size = parse_size(self.mem)
        return size - 2 * GIB if size >= 0xB0000000 else 0

    def kernel_command_line(self):
        if self.bare:
            return " ".join(["console=ttyS0,115200", "panic=0", "oops=panic", *self.append.split()])
        words = [
            "console=ttyS0,115200",
            "no_ipi_broadcast=1",
            f"possible_cpus={max(16, self.cpus)}",
            "panic=0",
            "oops=panic",
        ]
        if self.kernel == "debug":
            words += DEBUG_WORDS
        if self.iommu:
            words.append("intel_iommu=on")
        pool = format_size(self.high_memory)
        if self.pool == "reserved" and self.high_memory:
            words += [f"memmap={pool}$0x{ABOVE_4G:x}", f"rf_supervisor.pool={pool}@0x{ABOVE_4G:x}"]
        elif self.pool == "runtime":
            words.append(f"movablecore={parse_size(self.mem) // 2 // MIB}M")
        return " ".join(words + self.append.split())

    def to_dict(self):
        return asdict(self)
