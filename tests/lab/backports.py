# SPDX-License-Identifier: GPL-2.0
"""Packages of Debian's backports, for what is too old in the release; nothing is installed."""

import re

from . import debian, images

SUITE = f"{debian.SUITE}-backports"


def unpack(package, folder):
    """The files of @package, unpacked in the new directory @folder."""
    debian.apt(folder, source_list(folder), "download", package)
    for deb in folder.glob("*.deb"):
        images.run("dpkg-deb", "-x", deb, folder)


def unpack_source(package, folder):
    """The upstream source of @package in the new directory @folder, without Debian's patches."""
    debian.apt(folder, source_list(folder), "source", "--tar-only", "--download-only", package)
    for archive in folder.glob("*.orig.tar.*"):
        images.run("tar", "-xf", archive, "--no-same-owner", cwd=folder)
    return next(path.parent for path in folder.glob("*/configure"))


def unpack_with_needs(package, folder):
    """Package @package and all that it depends on but the C library, in the new directory @folder."""
    scratch = folder.with_name(folder.name + "-apt")
    archives, nothing = scratch / "archives", scratch / "status"
    (archives / "partial").mkdir(parents=True)
    nothing.touch()
    try:
        debian.apt(scratch, both_lists(scratch), "-y", "-t", SUITE, "-o", f"Dir::State::Status={nothing}",
                   "-o", f"Dir::Cache={scratch}", "-o", f"Dir::Cache::Archives={archives}",
                   "--no-install-recommends", "--download-only", "install", package)  # fmt: skip
        for deb in sorted(archives.glob("*.deb")):
            if not deb.name.startswith("libc6_"):  # the host's loader takes the host's only
                images.run("dpkg-deb", "-x", deb, folder)
    finally:
        images.remove(scratch)


def both_lists(folder):
    """A list, in @folder, of the release and of backports."""
    path = source_list(folder)
    found = debian.mirror()
    own = found[0].read_text() if found else debian.DEFAULT
    path.write_text(f"{own}\n{path.read_text()}")
    return path


def source_list(folder):
    """A list, in @folder, of backports at the places where the host takes Debian itself from."""
    folder.mkdir(parents=True, exist_ok=True)
    found = debian.mirror()
    kind = found[0].suffix if found else ".list"
    path = folder / f"backports{kind}"
    convert = from_stanzas if kind == ".sources" else from_lines
    path.write_text(convert(found[0].read_text() if found else debian.DEFAULT))
    return path


def from_stanzas(text):
    stanzas = re.split(r"\n\s*\n", text)
    release = re.compile(rf"^Suites:(.*\s)?{debian.SUITE}(\s.*)?$", re.MULTILINE)
    kept = [release.sub(f"Suites: {SUITE}", each) for each in stanzas if release.search(each)]
    return re.sub(r"^Types:.*", "Types: deb deb-src", "\n\n".join(kept) + "\n", flags=re.MULTILINE)


def from_lines(text):
    release = re.compile(rf"^deb\s+((?:\[.*?\]\s+)?\S+)\s+{debian.SUITE}\s+(.*)$", re.MULTILINE)
    return "".join(
        f"{kind} {where} {SUITE} {components}\n"
        for where, components in release.findall(text)
        for kind in ("deb", "deb-src")
    )
