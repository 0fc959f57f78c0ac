# SPDX-License-Identifier: GPL-2.0
"""Reads the headers of an ELF core of a kernel, and its memory through them."""

import re
import struct
from collections import namedtuple

ET_CORE, EM_X86_64 = 4, 62
PT_LOAD, PT_NOTE = 1, 4
NT_PRSTATUS = 1
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SEGMENT = struct.Struct("<IIQQQQQQ")

Segment = namedtuple("Segment", "type flags offset vaddr paddr filesz memsz align")
Note = namedtuple("Note", "name type data")


class Vmcore:
    """@read(offset, size) gives bytes of the file."""

    def __init__(self, read):
        self.read = read
        head = HEADER.unpack(read(0, HEADER.size))
        assert head[0][:7] == b"\x7fELF\x02\x01\x01", "not a 64-bit little-endian ELF file"
        self.type, self.machine = head[1], head[2]
        table, size, count = head[5], head[9], head[10]
        assert size == SEGMENT.size and count
        data = read(table, size * count)
        self.segments = [Segment(*each) for each in SEGMENT.iter_unpack(data)]
        self.loads = [each for each in self.segments if each.type == PT_LOAD]
        self.notes = [note for each in self.segments if each.type == PT_NOTE
                      for note in notes(read(each.offset, each.filesz))]  # fmt: skip
        self.vmcoreinfo = next(n.data for n in self.notes if n.name == b"VMCOREINFO").decode()

    def info(self, key):
        return re.search(rf"^{re.escape(key)}=(.*)$", self.vmcoreinfo, re.M)[1]

    def symbol(self, name):
        return int(self.info(f"SYMBOL({name})"), 16)

    def virtual(self, address, size):
        for each in self.loads:
            if each.vaddr <= address and address + size <= each.vaddr + each.filesz:
                return self.read(each.offset + address - each.vaddr, size)
        raise AssertionError(f"no segment has virtual address {address:#x}")

    def physical(self, address):
        """All places of the file that hold the byte at a physical address."""
        return {each.offset + address - each.paddr for each in self.loads
                if each.paddr <= address < each.paddr + each.filesz}  # fmt: skip


def notes(data):
    at = 0
    while at + 12 <= len(data):
        name_size, size, kind = struct.unpack_from("<III", data, at)
        name = data[at + 12 : at + 12 + name_size].rstrip(b"\0")
        begin = at + 12 + (name_size + 3) // 4 * 4
        yield Note(name, kind, data[begin : begin + size].rstrip(b"\0"))
        at = begin + (size + 3) // 4 * 4
