# SPDX-License-Identifier: GPL-2.0
"""Tells whether a machine is still alive, and if not, what it died of, in one line."""

import re
import signal
import time

from .errors import MachineDied
from .qemu import EVENTS, PID_FILE, serial_log

PANIC = re.compile(rb"Kernel panic - not syncing: [^\r\n]*")
PANIC_END = b"---[ end Kernel panic"
STALL = re.compile(rb"rcu: INFO: rcu_\w+ (detected|self-detected) stall|watchdog: BUG: soft lockup")
# enum ShutdownCause of QEMU's qapi/run-state.json
SHUTDOWN = re.compile(rb"qemu_system_shutdown_request reason=(\d+)")
GUEST_SHUTDOWN = 6
TAIL = 4096


class Watch:
    """Looks at the console and at QEMU of the machine in @folder."""

    def __init__(self, folder, name, alive, status=lambda: None):
        """@status: how QEMU ended, as subprocess tells it, or None if that is not known."""
        self.folder = folder
        self.name = name
        self.alive = alive
        self.status = status
        self.offset = 0
        self.rest = b""
        self.booting = False
        self.stalled = False

    def check(self):
        """Raise MachineDied if it did."""
        panic = self.find_panic()
        if panic:
            self.await_panic_end()
            self.died(panic)
        if self.booting and self.stalled:
            self.died("its boot hangs")
        if not self.alive():
            self.died(self.exit_cause())

    def died(self, cause):
        raise MachineDied(f"machine '{self.name}': {cause} (logs in {self.folder})")

    def find_panic(self):
        try:
            with open(self.folder / serial_log(0), "rb") as log:
                log.seek(self.offset)
                new = log.read()
        except FileNotFoundError:
            return None
        self.offset += len(new)
        text = self.rest + new
        self.stalled |= bool(STALL.search(text))
        match = PANIC.search(text)
        self.rest = text[-512:] if not match else text[match.start() :]
        return match[0].decode(errors="replace") if match else None

    def await_panic_end(self, timeout=5):
        """A panic takes a while to print its trace, which belongs into the logs."""
        end = time.monotonic() + timeout
        while time.monotonic() < end and self.alive():
            if PANIC_END in (self.folder / serial_log(0)).read_bytes():
                return
            time.sleep(0.05)

    def exit_cause(self):
        events = self.tail(EVENTS, 1 << 20)
        reasons = SHUTDOWN.findall(events)
        if reasons and int(reasons[-1]) == GUEST_SHUTDOWN:
            return "powered off"
        status = self.status() or 0
        if status < 0 and -status != signal.SIGKILL:
            return f"QEMU crashed: {signal.strsignal(-status)}"
        said = self.tail("qemu.log").decode(errors="replace").strip()
        if said:
            return f"QEMU ended: {said.splitlines()[-1]}"
        # QEMU reports no reset that it answers with its own end, but only then (or powered off)
        # does it end without a word and remove its pid file.
        if not reasons and not (self.folder / PID_FILE).exists():
            triple = b"Triple fault" in events
            return "unexpected machine reset" + (" (triple fault)" if triple else "")
        return "QEMU was killed"

    def tail(self, name, size=TAIL):
        try:
            with open(self.folder / name, "rb") as file:
                file.seek(max(0, file.seek(0, 2) - size))
                return file.read()
        except FileNotFoundError:
            return b""
