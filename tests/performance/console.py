# SPDX-License-Identifier: GPL-2.0
"""When something came out of a serial port, by the host's clock."""

import threading
import time

from lab import LabError

TICK = 0.002
HANDED_OVER = "firmware done"
FIRST_LINE = "first line"
INIT = "init"
LONGEST = 80

# What tells how far a boot has come. The same words for every way of booting.
MARKS = {
    "loaded": b"bench: loaded",
    FIRST_LINE: b"Linux version ",
    INIT: b"subos: init reached",
}
# The last word of SeaBIOS before it enters QEMU's loader, which only has the initrd left to copy.
FIRMWARE_MARKS = {HANDED_OVER: b"Booting from ROM"}


class Console:
    """Follows a log from its present end on, from the moment it is entered."""

    def __init__(self, path, marks=MARKS):
        self.path = path
        self.marks = dict(marks)
        self.seen = {}
        self.ended = threading.Event()
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.follow, daemon=True)

    def __enter__(self):
        self.offset = self.path.stat().st_size if self.path.exists() else 0
        self.start = time.monotonic()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def follow(self):
        rest = b""
        while not self.ended.wait(TICK):
            try:
                with open(self.path, "rb") as log:
                    log.seek(self.offset)
                    new = log.read()
            except FileNotFoundError:
                continue
            if not new:
                continue
            self.offset += len(new)
            now = time.monotonic() - self.start
            # A mark may come in two parts.
            rest = (rest + new)[-len(new) - LONGEST :]
            self.note(rest, now)

    def note(self, text, now):
        with self.changed:
            for name, words in self.marks.items():
                if name not in self.seen and words in text:
                    self.seen[name] = now
            self.changed.notify_all()

    def wait(self, name, timeout, alive=lambda: True):
        """Seconds from the start until the mark @name."""
        end = time.monotonic() + timeout
        with self.changed:
            while name not in self.seen:
                if not alive() or time.monotonic() > end:
                    words = self.marks[name].decode()
                    raise LabError(f"'{words}' did not come out of {self.path}")
                self.changed.wait(0.1)
            return self.seen[name]
