# SPDX-License-Identifier: GPL-2.0
"""A kernel that finds faults in modules, built from Debian's source: KASAN, lockdep, fault injection.

It is for supervisors. A create takes five times as long there.
"""

import os
from pathlib import Path

from . import images, packages

SOURCE = "linux-source-6.1"
CONFIG = Path(__file__).with_name("debug-kernel.config")


def built():
    """The root of the kernel, with what modules are built with: lib/modules/VERSION/build."""
    inputs = [*packages.versions([SOURCE]), Path(__file__), CONFIG]
    return images.cached("kernel-debug", inputs, build, keep=1, label="the debug kernel (half an hour)")


def version(root):
    [modules] = (root / "lib/modules").iterdir()
    return modules.name


def build(out):
    packages.unpack(SOURCE, out)
    archive = out / f"usr/src/{SOURCE}.tar.xz"
    images.run("tar", "-xf", archive, "-C", out)
    archive.unlink()
    configure(out / SOURCE)
    # Makes packages beside the source: the image with its modules, and headers to build others.
    jobs = len(os.sched_getaffinity(0))
    make(out / SOURCE, f"-j{jobs}", "bindeb-pkg", "DPKG_FLAGS=-d", "KDEB_COMPRESS=none")
    collect(out)


def collect(out):
    """Of all that was made, keep what is in the packages."""
    packages.extract(out, out)
    for each in out.glob("linux-*"):
        images.remove(each)
    link = out / "lib/modules" / version(out) / "build"
    target = os.readlink(link)  # as on a machine where it is installed
    link.unlink()
    link.symlink_to(f"../../..{target}")


def configure(source):
    # Barred there by a line that later kernels do not have; it works.
    kconfig = source / "lib/Kconfig.debug"
    text = kconfig.read_text()
    kconfig.write_text(text.replace("depends on !X86_64\n", ""))
    (source / ".config").write_bytes(CONFIG.read_bytes())
    make(source, "olddefconfig")


def make(source, *words):
    images.run("make", "-s", "-C", source, *words)
