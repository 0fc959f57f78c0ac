# SPDX-License-Identifier: GPL-2.0
"""The lab's QEMU: Debian's source with two races mended, and the devices of the lab's machines only.

It is the one of Debian's backports, for Debian 12's own (7.2) has neither x2APIC nor the flags right
after a cmpxchg16b: an interrupt there made Debian's cloud kernels of 6.12 double-fault.

A processor's TLB names a region of I/O by its place in a list. QEMU lets a processor use a list that
is gone: what it then writes to one device goes to another one, or QEMU crashes. That happens when one
processor moves the window of a PCI function while another one uses a device, its APIC for instance,
so whenever functions change hands.

And while one processor writes to code, another one may translate what was there before, which then
goes on being executed. A kernel patches its code all the time, when it boots, loads a module, traces:
one boot in some hundred hung, in instructions that were long gone.

A processor can be made to ignore INIT (property ignore-init), as one in VMX root operation does.
"""

import os
import tempfile
from pathlib import Path

from . import backports, images, paths

PATCHES = [Path(__file__).with_name(f"emulator-{each}.patch")
           for each in ("build", "nvme", "regions", "code", "init")]  # fmt: skip

# Symbols of QEMU's Kconfig files; what these need comes with them.
DEVICES = [
    "Q35", "I440FX", "HPET", "VTD", "AMD_IOMMU", "PCIE_PORT", "ISA_DEBUG", "GENERIC_LOADER", "EDU",
    "NVME_PCI", "E1000E_PCI_EXPRESS", "RTL8139_PCI", "VIRTIO_PCI", "VIRTIO_BLK", "VIRTIO_NET",
    "VIRTIO_RNG", "VIRTIO_SERIAL",
    "SPDM_SOCKET",  # NVME_PCI does not say that it needs it
]  # fmt: skip

# Where the packages qemu-system-data, seabios and ipxe-qemu put what a machine starts with.
FIRMWARE = "/usr/share/qemu:/usr/share/seabios:/usr/lib/ipxe/qemu"
CONFIGURE = [
    "./configure", "--python=/usr/bin/python3", "--disable-download", "--target-list=x86_64-softmmu",
    "--without-default-features", "--enable-tcg", "--enable-slirp", "--disable-kvm", "--disable-tools",
    "--disable-docs", "--disable-debug-info", "--disable-install-blobs",
    "--without-default-devices", "--with-devices-x86_64=lab", f"--firmwarepath={FIRMWARE}",
    # Hardening against who breaks out of a machine costs the translator more than a tenth of its time.
    "--extra-cflags=-ftrivial-auto-var-init=uninitialized -fzero-call-used-regs=skip",
    "--with-pkgversion=Debian's source, two races mended",
]  # fmt: skip
PROGRAM = "qemu-system-x86_64"

# Runs backports' own where it was unpacked, with the libraries that came along.
STOCK = "stock"
START = f"""#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
libraries=$here/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH="$libraries:$here/lib/x86_64-linux-gnu" QEMU_MODULE_DIR="$libraries/qemu"
exec "$here/usr/bin/{PROGRAM}" -L "$here/usr/share/qemu" -L "$here/usr/share/seabios" \\
	-L "$here/usr/lib/ipxe/qemu" "$@"
"""


def path(config):
    """The QEMU of @config's machine: the lab's own, built now if it is not, backports', or a given one."""
    if config.qemu == STOCK:
        return stock()
    return Path(config.qemu) if config.qemu else built()


def stock():
    """The package of backports: it takes no time to build, and has the races."""

    def build(out):
        backports.unpack_with_needs("qemu-system-x86", out)
        (out / "start").write_text(START)
        (out / "start").chmod(0o755)
        images.run(out / "start", "--version")

    inputs = [START, backports.SUITE]
    return images.cached("qemu-stock", inputs, build, keep=1, label="QEMU (Debian package)") / "start"


def built():
    def build(out):
        with tempfile.TemporaryDirectory(dir=paths.CACHE) as scratch:
            source = backports.unpack_source("qemu", Path(scratch) / "qemu")
            for each in PATCHES:
                images.run("patch", "-p1", "-i", each, cwd=source)
            devices = source / "configs/devices/x86_64-softmmu/lab.mak"
            devices.write_text("".join(f"CONFIG_{each}=y\n" for each in DEVICES))
            # Debian 12's own meson is too old.
            meson = Path(scratch) / "meson"
            backports.unpack("meson", meson)
            where = {**os.environ, "PYTHONPATH": str(meson / "usr/lib/python3/dist-packages")}
            images.run(*CONFIGURE, cwd=source, env=where)
            images.run("ninja", "-C", "build", PROGRAM, cwd=source, env=where)
            out.mkdir()
            images.run("strip", "-o", out / PROGRAM, source / "build" / PROGRAM)

    inputs = [*PATCHES, DEVICES, CONFIGURE]
    return images.cached("qemu", inputs, build, label="QEMU (Debian source), some minutes") / PROGRAM
