# SPDX-License-Identifier: GPL-2.0
"""The doorbells that kernels have published, read from the machine's memory by QEMU.

Where things lie comes from the project's headers, through the compiler.
"""

import re
import subprocess
import tempfile
import threading
from pathlib import Path

from functional.trace import SUPERVISOR
from lab import LabError, paths

PERIOD = 0.02

PROGRAM = """
#include <stddef.h>
#include <stdio.h>
#include "wire/arena.h"
#include "wire/grant.h"
int main(void)
{
	printf("%d %d %zu %zu %d %d %zu %d %d",
	       RF_GRANT_OFF, RF_MEMBERS_MAX,
	       offsetof(struct rf_grant, segments), offsetof(struct rf_grant, member),
	       RF_HOME_ENDPOINT_OFF, RF_DOORBELLS_MAX, offsetof(struct rf_endpoint, doorbells),
	       RF_DOORBELL_VECTOR_MIN, RF_DOORBELL_VECTOR_MAX);
	return 0;
}
"""


class Layout:
    def __init__(self):
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "layout"
            command = ["gcc", "-I", paths.SOURCE / "include", "-x", "c", "-", "-o", program]
            subprocess.run(command, input=PROGRAM, text=True, check=True)
            numbers = subprocess.run([program], capture_output=True, text=True, check=True).stdout
        (
            self.grant, self.members, self.segments, self.member,
            self.endpoint, self.bells, self.doorbells, self.low, self.high,
        ) = map(int, numbers.split())  # fmt: skip


class Doorbells:
    """Collects, in a thread, what the kernels publish: {owner: {(vector, APIC id)}}."""

    def __init__(self, machine):
        self.layout = Layout()
        self.qmp = machine.qmp()
        self.published = {}
        self.homes = {}  # by owner: address
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.follow, daemon=True)

    def add(self, shown):
        """A subOS runs; where the homes are stands in its grant page."""
        page = shown["ranges"][0]["start"] + self.layout.grant
        with self.lock:
            segments = self.read(page + self.layout.segments, 2 * self.layout.members)
            member = self.read(page + self.layout.member, 1)[0] & 0xFFFFFFFF
            self.homes[SUPERVISOR] = segments[0]
            self.homes[shown["name"]] = segments[2 * member]
            self.look()

    def read(self, address, count):
        """64-bit words of physical memory."""
        line = f"xp /{count}gx {address:#x}"
        text = self.qmp("human-monitor-command", **{"command-line": line})
        return [int(word, 16) for row in text.splitlines()
                for word in re.findall(r"0x[0-9a-f]+", row.partition(":")[2])]  # fmt: skip

    def look(self):
        for owner, home in self.homes.items():
            place = home + self.layout.endpoint + self.layout.doorbells
            for word in self.read(place, self.layout.bells):
                if word:
                    bell = (word & 0xFF, word >> 8 & 0xFFFFFFFF)
                    assert self.layout.low <= bell[0] <= self.layout.high, (owner, bell)
                    self.published.setdefault(owner, set()).add(bell)

    def follow(self):
        while not self.ended.wait(PERIOD):
            with self.lock:
                try:
                    self.look()
                except (LabError, OSError):
                    return

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        self.qmp.close()
