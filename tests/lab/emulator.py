# SPDX-License-Identifier: GPL-2.0
"""The lab's QEMU: Debian's source with two races mended, and the devices of the lab's machines only.

A processor's TLB names a region of I/O by its place in a list. Debian's QEMU (7.2, and 10.0 again)
lets a processor see a new list before its TLB is flushed: what it then writes to one device goes to
another one, or QEMU crashes. That happens when one processor moves the window of a PCI function
while another one uses a device, its APIC for instance, so whenever functions change hands.

And while one processor writes to code, another one may translate what was there before, which then
goes on being executed. A kernel patches its code all the time, when it boots, loads a module, traces:
one boot in some hundred hung, in instructions that were long gone.
"""

import tempfile
from pathlib import Path

from . import debian, images, paths, tools

RACES = [Path(__file__).with_name(f"emulator-{each}.patch") for each in ("regions", "code")]

# Symbols of QEMU's Kconfig files; what these need comes with them.
DEVICES = [
    "Q35", "I440FX", "HPET", "VTD", "PCIE_PORT", "ISA_DEBUG", "GENERIC_LOADER", "EDU", "NVME_PCI",
    "E1000E_PCI_EXPRESS", "RTL8139_PCI", "VIRTIO_PCI", "VIRTIO_BLK", "VIRTIO_NET", "VIRTIO_RNG",
    "VIRTIO_SERIAL",
]  # fmt: skip

# Where the packages qemu-system-data, seabios and ipxe-qemu put what a machine starts with.
FIRMWARE = "/usr/share/qemu:/usr/share/seabios:/usr/lib/ipxe/qemu"
CONFIGURE = [
    "./configure", "--target-list=x86_64-softmmu", "--without-default-features", "--enable-tcg",
    "--enable-slirp", "--disable-kvm", "--disable-tools", "--disable-docs", "--disable-debug-info",
    "--disable-install-blobs", "--without-default-devices", "--with-devices-x86_64=lab",
    f"--firmwarepath={FIRMWARE}", "--with-pkgversion=Debian's source, two races mended",
]  # fmt: skip
PROGRAM = "qemu-system-x86_64"


def path(config):
    """The QEMU of @config's machine: the lab's own, built now if it is not, or a given one."""
    return Path(config.qemu) if config.qemu else built()


def built():
    def build(out):
        with tempfile.TemporaryDirectory(dir=paths.CACHE) as scratch:
            source = tools.fetch_source("qemu", Path(scratch))
            for race in RACES:
                images.run("patch", "-p1", "-i", race, cwd=source)
            devices = source / "configs/devices/x86_64-softmmu/lab.mak"
            devices.write_text("".join(f"CONFIG_{each}=y\n" for each in DEVICES))
            images.run(*CONFIGURE, cwd=source)
            images.run("ninja", "-C", "build", PROGRAM, cwd=source)
            out.mkdir()
            images.run("strip", "-o", out / PROGRAM, source / "build" / PROGRAM)

    # A package that is built of the same source.
    inputs = [debian.versions(["qemu-system-data"]), *RACES, DEVICES, CONFIGURE]
    return images.cached("qemu", inputs, build, label="QEMU (Debian source)") / PROGRAM
