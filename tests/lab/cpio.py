# SPDX-License-Identifier: GPL-2.0
"""Initramfs archives (cpio "newc"), written with everything owned by root; needs no privileges.

Archives can be concatenated: the kernel unpacks one after the other.
"""

import stat
from pathlib import Path

MAGIC = b"070701"
TRAILER = "TRAILER!!!"


def usr_merged(path):
    """The place of a file on a merged-/usr system: /lib/x -> usr/lib/x."""
    path = str(path).lstrip("/")
    top = path.split("/", 1)[0]
    return "usr/" + path if top in ("bin", "sbin", "lib", "lib64") else path


class Archive:
    """Entries by path, parents made as needed."""

    def __init__(self):
        self.entries = {}

    def add(self, path, mode, data=b"", rdev=(0, 0)):
        path = str(path).strip("/")
        parent = path.rpartition("/")[0]
        if parent and parent not in self.entries:
            self.dir(parent)
        self.entries[path] = (mode, data, rdev)

    def dir(self, path, mode=0o755):
        self.add(path, stat.S_IFDIR | mode)

    def file(self, path, source, mode=None):
        """@source is the content, or the Path to take content and mode from."""
        if isinstance(source, Path):
            mode = mode or (0o755 if source.stat().st_mode & 0o111 else 0o644)
            source = source.read_bytes()
        self.add(path, stat.S_IFREG | (mode or 0o644), source)

    def symlink(self, path, target):
        self.add(path, stat.S_IFLNK | 0o777, target.encode())

    def device(self, path, major, minor, mode=0o600):
        self.add(path, stat.S_IFCHR | mode, b"", (major, minor))

    def write(self, out):
        for inode, (path, entry) in enumerate(self.entries.items(), 1):
            write_entry(out, inode, path, *entry)
        write_trailer(out)

    def save(self, path):
        with open(path, "wb") as out:
            self.write(out)


def write_entry(out, inode, path, mode, data=b"", rdev=(0, 0), owner=(0, 0), mtime=0, nlink=1):
    name = path.encode() + b"\0"
    fields = (inode, mode, *owner, nlink, mtime, len(data), 0, 0, *rdev, len(name), 0)
    header = MAGIC + b"".join(b"%08X" % field for field in fields) + name
    out.write(header + bytes(-len(header) % 4) + data + bytes(-len(data) % 4))


def write_trailer(out):
    write_entry(out, 0, TRAILER, 0)


def read(data):
    """What archives one after the other leave in a root: path -> (mode, content)."""
    entries, at = {}, 0
    while (at := data.find(MAGIC, at)) >= 0:
        fields = [int(data[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        size, names = fields[6], fields[11]
        name = data[at + 110 : at + 110 + names - 1].decode()
        content = at + (110 + names + 3) // 4 * 4
        at = content + (size + 3) // 4 * 4
        if name != TRAILER:
            entries[name] = (fields[1], data[content : content + size])
    return entries


class Root:
    """The root that @data, an initramfs, unpacks to; as elf.py wants it."""

    def __init__(self, data):
        self.entries = read(data)

    def link(self, path):
        mode, content = self.entries.get(path, (0, b""))
        return content.decode() if stat.S_ISLNK(mode) else None

    def read(self, path):
        mode, content = self.entries.get(path, (0, b""))
        return content if stat.S_ISREG(mode) else None
