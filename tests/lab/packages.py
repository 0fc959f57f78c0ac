# SPDX-License-Identifier: GPL-2.0
"""Debian's packages, unpacked into the cache and never installed on the host.

Which ones a program needs is what apt says for a machine on which nothing is installed, and its
libraries are those of these packages, whatever the host has.
"""

import os
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path

from . import elf, images, paths
from .errors import LabError

# Programs by their package.
PROGRAMS = {
    "busybox-static": ("busybox",),
    "e2fsprogs": ("mkfs.ext4", "e2fsck"),  # not mke2fs, of which BusyBox's shell has its own
    "kexec-tools": ("kexec", "vmcore-dmesg"),
    "kmod": ("kmod",),
    "makedumpfile": ("makedumpfile",),
    "stress-ng": ("stress-ng",),
}
FOLDERS = ("usr/bin", "usr/sbin", "bin", "sbin")
TOP_LINKS = ("bin", "sbin", "lib", "lib64")


def versions(packages):
    """The versions apt would install now: a new one makes a new image."""
    return policy(tuple(packages))


@cache
def policy(packages):
    said = images.run("apt-cache", "policy", *packages)
    return re.findall(r"^(\S+):$|^  Candidate: (.*)$", said, re.MULTILINE)


def candidate(package):
    """The version of one of PROGRAMS' packages; all are asked for at once, which takes a second."""
    said = versions(PROGRAMS)
    return {name: version for (name, _), (_, version) in zip(said[::2], said[1::2])}.get(package)


def unpack(package, out):
    """Package @package alone, in the new directory @out."""
    out.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=paths.CACHE) as scratch:
        apt_get("download", package, cwd=scratch)
        extract(Path(scratch), out)


def unpack_with_needs(package, out):
    """Package @package and all that it depends on, in the new directory @out."""
    out.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=paths.CACHE) as scratch:
        archives, nothing = Path(scratch) / "archives", Path(scratch) / "status"
        (archives / "partial").mkdir(parents=True)
        nothing.touch()
        apt_get("-y", "-o", f"Dir::State::Status={nothing}", "-o", f"Dir::Cache={scratch}",
                "-o", f"Dir::Cache::Archives={archives}", "--no-install-recommends",
                "--download-only", "install", package)  # fmt: skip
        extract(archives, out)


def apt_get(*words, **kwargs):
    command = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", *words]
    try:
        images.run(*command, **kwargs)
    except LabError:
        images.run("apt-get", "-q", "update")
        images.run(*command, **kwargs)


def extract(archives, out):
    for archive in sorted(archives.glob("*.deb")):
        images.run("dpkg-deb", "-x", archive, out)


def folder_of(package):
    """A merged-/usr root of @package's programs and what they need."""
    names = PROGRAMS[package]

    def build(out):
        with tempfile.TemporaryDirectory(dir=paths.CACHE) as scratch:
            tree = Path(scratch) / "tree"
            unpack_with_needs(package, tree)
            for name in TOP_LINKS:
                (out / "usr" / name).mkdir(parents=True)
                (out / name).symlink_to(f"usr/{name}")
            for path, source in complete(tree, *(where(tree, name) for name in names)).items():
                (out / path).parent.mkdir(exist_ok=True)
                shutil.copy(source, out / path)

    inputs = [Path(__file__), Path(elf.__file__), candidate(package), names]
    return images.cached(f"tool-{package}", inputs, build, label=f"{package} (Debian package)")


def where(root, name):
    """The path of program @name in @root."""
    for folder in FOLDERS:
        if os.path.lexists(root / folder / name):
            return f"{folder}/{name}"
    raise LabError(f"no program {name} in {root}")


def complete(root, *programs):
    """@programs of the root in the folder @root and all they need: path -> Path here."""
    found, missing = elf.closure(elf.Folder(root), *programs)
    if missing:
        raise LabError("programs lack libraries:\n" + "\n".join(missing))
    return {path: root / place for path, place in found.items()}


def program(name):
    """Program @name and all it needs, as files to lay over a root: path -> Path here."""
    folder = folder_of(next(package for package, names in PROGRAMS.items() if name in names))
    return complete(folder, where(folder, name))
