# SPDX-License-Identifier: GPL-2.0
"""Programs of Debian for machines, with their libraries; nothing is installed on the host."""

import os
import re
from pathlib import Path

from . import images, kernels
from .cpio import usr_merged
from .errors import LabError

LOADER = "/lib64/ld-linux-x86-64.so.2"
LIBRARIES = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu")

# Programs by package: the package, and those of their libraries that a host may not have.
PACKAGES = {
    "stress-ng": [
        "stress-ng", "libapparmor1", "libbsd0", "libcrypt1", "libdrm2", "libegl1", "libexpat1",
        "libffi8", "libgbm1", "libgles2", "libglvnd0", "libipsec-mb1", "libjpeg62-turbo",
        "libjudydebian1", "libkmod2", "liblzma5", "libmd0", "libsctp1", "libssl3",
        "libwayland-server0", "libxxhash0", "libzstd1", "zlib1g",
    ],
    "makedumpfile": [
        "makedumpfile", "libbz2-1.0", "libdw1", "libelf1", "liblzma5", "liblzo2-2", "libsnappy1v5",
        "libstdc++6", "libgcc-s1", "libzstd1", "zlib1g",
    ],
}  # fmt: skip


def package(name):
    """The folder with program @name and libraries."""

    def build(out):
        out.mkdir(parents=True)
        for each in PACKAGES[name]:
            part = out / "part"
            kernels.download(each, part)
            images.run("cp", "-a", f"{part}/.", out)
            images.remove(part)

    return images.cached(f"tool-{name}", [PACKAGES[name]], build, label=f"{name} (Debian package)")


def program(name):
    """Program @name and all it needs, as files to lay over a root: path -> Path here."""
    folder = package(name)
    path = next(p for p in (folder / "usr/bin" / name, folder / "usr/sbin" / name) if p.exists())
    search = ":".join(str(folder / each) for each in LIBRARIES)
    listed = images.run(LOADER, "--library-path", search, "--list", path)
    if "not found" in listed:
        raise LabError(f"{name} lacks libraries:\n{listed}")
    files = {f"usr/bin/{name}": path, usr_merged(LOADER): resolved(LOADER)}
    for found in re.findall(r"=> (/\S+) \(0x", listed):
        inside = "/" + os.path.relpath(found, folder) if found.startswith(str(folder)) else found
        files[usr_merged(inside)] = resolved(found)
    return files


def resolved(path):
    """Where a link leads, for its content is what goes into a root."""
    return Path(path).resolve()
