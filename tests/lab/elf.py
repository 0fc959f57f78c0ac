# SPDX-License-Identifier: GPL-2.0
"""What programs need at run time, as their ELF headers say it: the host's loader is not asked.

A root is what has link(path), where a symbolic link leads or None, and read(path), the content of a
file or None. Paths in it are relative to its top.
"""

import os
import struct
from collections import deque
from pathlib import PurePosixPath

from .cpio import usr_merged

# Where Debian's loader looks.
FOLDERS = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib", "usr/lib")
LINKS = 40

ET_EXEC, ET_DYN = 2, 3
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NEEDED, DT_STRTAB, DT_RPATH, DT_RUNPATH = 1, 5, 15, 29
HEADER = struct.Struct("<4sBB10xHH12xQ14xHH")  # magic, class, order, type, machine, phoff, ...
SEGMENT = struct.Struct("<II4Q")  # type, flags, offset, vaddr, paddr, filesz
ENTRY = struct.Struct("<qQ")


class Folder:
    """The root in a folder here."""

    def __init__(self, folder):
        self.folder = folder

    def link(self, path):
        here = self.folder / path
        return os.readlink(here) if here.is_symlink() else None

    def read(self, path):
        here = self.folder / path
        return here.read_bytes() if here.is_file() else None


def place(root, path):
    """Where @path leads in @root, which none of its links leaves."""
    todo, done, links = deque(PurePosixPath(path).parts), [], 0
    while todo:
        part = todo.popleft()
        if part in ("/", ".."):
            done = [] if part == "/" else done[:-1]
            continue
        target = root.link("/".join([*done, part]))
        links += target is not None
        if target is None or links > LINKS:
            done.append(part)
        else:
            todo.extendleft(reversed(PurePosixPath(target).parts))
    return "/".join(done)


def needs(data):
    """The loader, libraries and library folders that the program or library @data asks for."""
    if len(data) < HEADER.size or data[:4] != b"\x7fELF":
        return [], [], []
    _, bits, _, kind, _, table, size, count = HEADER.unpack_from(data)
    if bits != 2 or kind not in (ET_EXEC, ET_DYN):
        return [], [], []
    loads, loader, dynamic = [], [], []
    for number in range(count):
        kind, _, offset, address, _, length = SEGMENT.unpack_from(data, table + number * size)
        if kind == PT_LOAD:
            loads.append((address, length, offset))
        elif kind == PT_INTERP:
            loader = [text(data, offset)]
        elif kind == PT_DYNAMIC:
            dynamic = list(ENTRY.iter_unpack(data[offset : offset + length]))
    strings = next((value for tag, value in dynamic if tag == DT_STRTAB), 0)
    strings = next((o + strings - a for a, n, o in loads if a <= strings < a + n), 0)

    def texts(*tags):
        return [text(data, strings + value) for tag, value in dynamic if tag in tags]

    paths = ":".join(texts(DT_RPATH, DT_RUNPATH))
    return loader, texts(DT_NEEDED), [each for each in paths.split(":") if each]


def text(data, offset):
    return data[offset : data.index(b"\0", offset)].decode()


def closure(root, *programs):
    """What @programs need in @root, themselves too: path on a merged-/usr system -> path in @root.

    And what is not there, in lines.
    """
    found, missing, lacking, todo = {}, [], [], list(programs)
    while todo:
        path = todo.pop()
        if usr_merged(path) in found:
            continue
        found[usr_merged(path)] = real = place(root, path)
        content = root.read(real)
        if content is None:
            missing.append(f"{path}: no such file")
            continue
        loader, libraries, search = needs(content)
        origin = f"/{real.rpartition('/')[0]}"
        search = [each.replace("$ORIGIN", origin) for each in search]
        for name, choices in [
            *((name, [name]) for name in loader),
            *((name, [f"{each}/{name}" for each in (*search, *FOLDERS)]) for name in libraries),
        ]:
            hits = (each for each in choices if root.read(place(root, each)) is not None)
            if hit := next(hits, None):
                todo.append(hit)
            else:
                lacking.append((path, name))
    # The loader does not look for a library that it has loaded for somebody else.
    loaded = {path.rpartition("/")[2] for path in found}
    missing += [f"{path} needs {name}" for path, name in lacking if name not in loaded]
    return found, missing
