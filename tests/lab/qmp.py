# SPDX-License-Identifier: GPL-2.0
"""QEMU's control socket."""

import json
import time

from .errors import LabError
from .sockets import connect


class Qmp:
    def __init__(self, path, timeout=30):
        self.file = connect(path, timeout).makefile("rwb")
        self.read()
        self("qmp_capabilities")

    def __call__(self, command, **arguments):
        request = {"execute": command, "arguments": arguments}
        self.file.write(json.dumps(request).encode() + b"\n")
        self.file.flush()
        while True:
            answer = self.read()
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise LabError(f"QEMU refused {command}: {answer['error']['desc']}")

    def read(self):
        line = self.file.readline()
        if not line:
            raise LabError("QEMU closed its control socket")
        return json.loads(line)

    def save(self, uri, timeout=120):
        """Write the machine's state, but for its memory, to @uri; the machine stays stopped."""
        self.leave_memory()
        self("migrate-set-parameters", **{"max-bandwidth": 0})
        self("stop")
        self("migrate", uri=uri)
        self.wait_migration(timeout)

    def resume(self, uri, timeout=120):
        """Run on from the state at @uri."""
        self.leave_memory()
        self("migrate-incoming", uri=uri)
        end = time.monotonic() + timeout
        while self("query-status")["status"] == "inmigrate":
            if time.monotonic() > end:
                raise LabError(f"QEMU did not read the machine's state in {timeout} s")
            time.sleep(0.02)
        self("cont")

    def leave_memory(self):
        """Memory in a file is no part of the state."""
        capability = {"capability": "x-ignore-shared", "state": True}
        self("migrate-set-capabilities", capabilities=[capability])

    def wait_migration(self, timeout):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            status = self("query-migrate").get("status")
            if status == "completed":
                return
            if status in ("failed", "cancelled"):
                raise LabError(f"QEMU could not move the machine's state: {status}")
            time.sleep(0.02)
        raise LabError(f"QEMU did not finish moving the machine's state in {timeout} s")

    def close(self):
        self.file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
