# SPDX-License-Identifier: GPL-2.0
"""What the lab's machines boot from is complete: no program there lacks a library; no boot."""

import re
import subprocess
from pathlib import Path

import pytest
from lab import Config, cpio, debian, elf, kernels, overlay, packages, paths, tiny, tools

PROGRAMS = [*tools.SOURCES, *(name for names in packages.PROGRAMS.values() for name in names)]
RFM = "usr/sbin/rfm"


class Files:
    """As a root for elf.py, a merged-/usr one: files that are laid over another root."""

    def __init__(self, files):
        self.files = files

    def link(self, path):
        return f"usr/{path}" if path in packages.TOP_LINKS else None

    def read(self, path):
        return self.files[path].read_bytes() if path in self.files else None


class Image:
    """As a root for elf.py: a file system in a file, and @over it more files."""

    def __init__(self, image, over):
        self.image = image
        self.over = Files(over)

    def link(self, path):
        found = re.search(rb'^Fast link dest: "(.*)"$', self.ask("stat", path), re.M)
        return found[1].decode() if found else None

    def read(self, path):
        return self.over.read(path) or self.ask("cat", path) or None

    def ask(self, verb, path):
        command = ["debugfs", "-R", f'{verb} "/{path}"', self.image]
        return subprocess.run(command, check=True, capture_output=True).stdout


def check(root, *programs):
    """@programs are there and have all they need; returns the paths of it all."""
    found, missing = elf.closure(root, *programs)
    assert programs and not missing
    return set(found)


def check_all(root, *some):
    """Whatever needs anything has it; @some are among that."""
    programs = [path for path in root.entries if any(elf.needs(root.read(path) or b""))]
    assert check(root, *some, *programs) >= set(some)


@pytest.mark.parametrize("flavour", kernels.FLAVOURS)
def test_tiny_root(flavour):
    initrd = tiny.initrd(Config(kernel=flavour), kernels.find(flavour))
    check_all(cpio.Root(initrd.read_bytes()), "usr/bin/kmod", "usr/sbin/kexec", RFM)


@pytest.mark.parametrize("flavour", kernels.FLAVOURS)
def test_subos_root(flavour):
    initrd = tiny.subos_initrd(kernels.find(flavour))
    check_all(cpio.Root(initrd.read_bytes()), "usr/bin/busybox")


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_needs_nothing_of_a_root(name):
    files = tools.program(name)
    found = check(Files(files), next(path for path in files if Path(path).name == name))
    assert found == set(files)


@pytest.mark.extended
def test_debian_subos():
    packed = debian.subos_initrd()
    data = subprocess.run(["lz4", "-dc", packed], check=True, capture_output=True).stdout
    check_all(cpio.Root(data), "usr/lib/systemd/systemd")


@pytest.mark.extended
def test_debian_root_has_what_rfm_needs():
    image = debian.supervisor_root(kernels.find("amd64")) / "root.ext4"
    check(Image(image, overlay.built()), RFM)


def test_needs_are_those_that_the_loader_finds():
    """Of a program that is built here, for which the loader can be asked."""
    rfm = str(paths.RFM.relative_to("/"))
    found = check(elf.Folder(Path("/")), rfm) - {rfm}
    assert {Path(path).name for path in found} == {
        Path(path).name for path in overlay.libraries(paths.RFM)
    }


def test_what_is_missing_is_told():
    files = tools.program("kexec")
    program, gone = "usr/sbin/kexec", "libxenctrl.so.4.17"
    del files[f"usr/lib/x86_64-linux-gnu/{gone}"]
    assert elf.closure(Files(files), program)[1] == [f"{program} needs {gone}"]
    assert elf.closure(Files(files), "usr/bin/none")[1] == ["usr/bin/none: no such file"]


def test_links_do_not_leave_a_root(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/real").touch()
    for name, target in (("out", "/../lib/real"), ("up", "../../../lib"), ("loop", "loop")):
        (tmp_path / name).symlink_to(target)
    root = elf.Folder(tmp_path)
    assert elf.place(root, "out") == elf.place(root, "up/real") == "lib/real"
    assert root.read(elf.place(root, "loop")) is None
