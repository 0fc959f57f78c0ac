# SPDX-License-Identifier: GPL-2.0
"""Programs of Debian for machines, with what they need; nothing is installed on the host."""

import shutil
import tempfile
from pathlib import Path

from . import debian, images, packages, paths

# Programs that are built here, of Debian's source: how, and what results. fio's package needs
# 100 MB of libraries of storage clusters.
SOURCES = {
    "fio": (
        "./configure --build-static --disable-native --disable-numa --disable-shm && "
        "make -j$(nproc) fio && strip fio",
        "fio",
    ),
}


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
    debian.apt(folder, debian.source_list(folder), "source", name)
    return next(path.parent for path in folder.glob("*/debian"))


def program(name):
    """Program @name and all it needs, as files to lay over a root: path -> Path here."""
    return {f"usr/bin/{name}": built(name)} if name in SOURCES else packages.program(name)
