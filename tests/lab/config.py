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


@dataclass(frozen=True)
class Disk:
    """A disk backed by a file, behind a root port of its own unless it is on the root bus."""

    driver: str
    file: str
    root_bus: bool = False

    DRIVERS = ("nvme", "virtio")

    @classmethod
    def parse(cls, text):
        """'nvme:FILE', 'virtio:FILE:rootbus'."""
        driver, _, file = text.partition(":")
        root_bus = file.endswith(":rootbus")
        file = file.removesuffix(":rootbus")
        if driver not in cls.DRIVERS or not file:
            raise LabError(f"not a disk: '{text}' (like nvme:FILE or virtio:FILE:rootbus)")
        return cls(driver, str(Path(file).resolve()), root_bus)


@dataclass
class Config:
    name: str = "default"
    cpus: int = 4
    mem: str = "4G"
    kernel: str = "amd64"
    append: str = ""
    rootfs: str = "tiny"
    qemu: str = "qemu-system-x86_64"
    qemu_args: list = field(default_factory=list)
    disks: list = field(default_factory=list)
    pool: str = "reserved"
    trace: bool = False
    allow_reboot: bool = False
    debian_subos: bool = False
    warm_up: str = ""  # shell commands that run before a snapshot is taken
    boot_timeout: float = 240
    hang_timeout: float = 60

    def __post_init__(self):
        self.disks = [
            disk if isinstance(disk, Disk) else Disk(**disk) if isinstance(disk, dict)
            else Disk.parse(disk)
            for disk in self.disks
        ]
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.name):
            raise LabError(f"not a machine name: '{self.name}'")
        if self.rootfs not in ("tiny", "debian"):
            raise LabError(f"no such root: '{self.rootfs}' (tiny or debian)")
        if self.pool not in ("reserved", "runtime"):
            raise LabError(f"no such pool: '{self.pool}' (reserved or runtime)")
        parse_size(self.mem)

    @property
    def high_memory(self):
        """Bytes of memory above 4 GiB: q35 puts 2 GiB below it once there are 2.75 or more."""
        size = parse_size(self.mem)
        return size - 2 * GIB if size >= 0xB0000000 else 0

    def kernel_command_line(self):
        words = [
            "console=ttyS0,115200",
            "no_ipi_broadcast=1",
            f"possible_cpus={max(16, self.cpus)}",
            "panic=0",
            "oops=panic",
        ]
        pool = format_size(self.high_memory)
        if self.pool == "reserved" and self.high_memory:
            words += [f"memmap={pool}$0x{ABOVE_4G:x}", f"rf_supervisor.pool={pool}@0x{ABOVE_4G:x}"]
        elif self.pool == "runtime":
            words.append(f"movablecore={parse_size(self.mem) // 2 // MIB}M")
        return " ".join(words + self.append.split())

    def to_dict(self):
        return asdict(self)
