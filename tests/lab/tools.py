# SPDX-License-Identifier: GPL-2.0
"""Programs of Debian for machines, with what they need; nothing is installed on the host."""

import os
import re
import shutil
import tempfile
from pathlib import Path

from . import debian, images, kernels, paths
from .cpio import usr_merged
from .errors import LabError

LOADER = "/lib64/ld-linux-x86-64.so.2"
LIBRARIES = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu")

FILE_SYSTEM_TOOLS = ["e2fsprogs", "libblkid1", "libcom-err2", "libext2fs2", "libuuid1"]

# Packages by program: its own, and those of its libraries that a host may not have.
PACKAGES = {
    "mkfs.ext4": FILE_SYSTEM_TOOLS,  # not mke2fs, of which BusyBox's shell has its own
    "e2fsck": FILE_SYSTEM_TOOLS,
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


# Programs that are built here, of Debian's source: how, and what results. fio's package needs
# 100 MB of libraries of storage clusters.
SOURCES = {
    "fio": (
        "./configure --build-static --disable-native --disable-numa --disable-shm && "
        "make -j$(nproc) fio && strip fio",
        "fio",
    ),
}
PLACES = ("usr/bin", "usr/sbin", "sbin")


def package(name):
    """The folder with program @name and libraries."""
    packages = PACKAGES[name]

    def build(out):
        out.mkdir(parents=True)
        for each in packages:
            part = out / "part"
            kernels.download(each, part)
            images.run("cp", "-a", f"{part}/.", out)
            images.remove(part)

    label = f"{packages[0]} (Debian package)"
    return images.cached(f"tool-{packages[0]}", [packages], build, label=label)


def built(name):
    """Program @name, built without any need for libraries."""
    recipe, result = SOURCES[name]

    def build(out):
        with tempfile.TemporaryDirectory(dir=paths.CACHE) as scratch:
            source = fetch_source(name, Path(scratch))
            images.run("sh", "-c", recipe, cwd=source)
            shutil.move(source / result, out)

    inputs = [debian.versions([name]), recipe]
    return images.cached(f"tool-{name}", inputs, build, label=f"{name} (Debian source)")


def fetch_source(name, folder):
    """The source of Debian's package @name, unpacked and patched in @folder."""
    sources, lists = debian.source_list(folder), folder / "lists"
    (lists / "partial").mkdir(parents=True)
    apt = ["apt-get", "-q", "-o", f"Dir::Etc::SourceList={sources}",
           "-o", "Dir::Etc::SourceParts=/dev/null", "-o", f"Dir::State::Lists={lists}",
           "-o", "APT::Sandbox::User=root"]  # fmt: skip
    images.run(*apt, "update")
    images.run(*apt, "source", name, cwd=folder)
    return next(path.parent for path in folder.glob("*/debian"))


def program(name):
    """Program @name and all it needs, as files to lay over a root: path -> Path here."""
    if name in SOURCES:
        return {f"usr/bin/{name}": built(name)}
    folder = package(name)
    path = next(folder / place / name for place in PLACES if (folder / place / name).exists())
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
