# SPDX-License-Identifier: GPL-2.0
"""A core and memory added to and removed from a running subOS, beside plain hotplug in one kernel.

The same core, and as much memory at another place: what a resize adds to the hotplug that both
kernels have to do anyway.
"""

import json
import time

from functional.subos import DEBUG
from lab import LabError, Machine, paths
from performance.ficm import MEASURE, TIMEOUT, numbers

NAME = "bench"
FIRST, CORE = 2, 3
MEM = "512M"
STEP = 512 << 20
# Of the 3 GiB above 4 GiB the pool has all but the last step, which the yardstick adds and removes.
MACHINE_MEM = "5G"
POOL = "2560M@0x100000000"
FREE = 0x1A0000000


class Resize:
    """A supervisor and a subOS with one core."""

    def __init__(self, kernel):
        words = f"rf_supervisor.pool={POOL} memhp_default_state=online_movable"
        self.machine = Machine(
            name="bench-resize", cpus=4, mem=MACHINE_MEM, kernel=kernel, append=words
        )

    def __enter__(self):
        self.machine.start_from_snapshot()
        version = self.machine.sh("uname -r").strip()
        module = paths.MODULES / version / "tests/modules/rf_bench/rf_bench.ko"
        self.machine.put(module, "/root/rf_bench.ko")
        self.machine.sh(
            f"rfm create {NAME} --cores {FIRST} --mem {MEM} --kernel /boot/vmlinuz-{version} && "
            "insmod /root/rf_bench.ko",
            timeout=TIMEOUT,
        )
        return self

    def __exit__(self, *_):
        self.machine.stop()

    def measure(self):
        """One round: seconds, by the supervisor's event and by the host's clock."""
        core = self.plain("core", CORE)
        memory = self.plain("memory", f"0x{FREE:x} 0x{STEP:x}")
        clear = self.plain("clear", f"0x{FREE:x} 0x{STEP:x}")
        return {
            "core-hotplug": {"offline": core["ns"], "online": core["ns-back"],
                             "total": core["ns"] + core["ns-back"]},
            "core-add": self.resize("--cores", f"+{CORE}"),
            "core-remove": self.resize("--cores", f"-{CORE}"),
            "memory-hotplug": {"added": memory["ns"], "removed": memory["ns-back"]},
            "memory-clear": {"total": clear["ns"]},
            "memory-add": self.resize("--mem", "+512M"),
            "memory-remove": self.remove_memory(),
        }  # fmt: skip

    def remove_memory(self):
        """What a subOS gave up is cleared in the background: until that is done, too."""
        start = time.monotonic()
        found = self.resize("--mem", "-512M")
        waiting = f"until grep -qx 0 {DEBUG}/pool_left; do usleep 10000; done"
        self.machine.sh(f"timeout {TIMEOUT} sh -c '{waiting}'", timeout=TIMEOUT + 10)
        return found | {"cleared": time.monotonic() - start}

    def plain(self, subject, target):
        command = MEASURE.format(f"{subject} 1 {target}")
        found = numbers(self.machine.sh(command, timeout=TIMEOUT))
        return {name: value / 1e9 for name, value in found.items()}

    def resize(self, *words):
        command = ["rfm", "resize", NAME, *words]
        with self.machine.channel() as channel:
            start = time.monotonic()
            status, _, err = self.machine.run(channel, command, timeout=TIMEOUT)
            wall = time.monotonic() - start
        if status:
            raise LabError(f"{' '.join(command)} failed: {err.decode()}")
        event = json.loads(self.machine.sh(f"rfm history {NAME} --json"))["history"][-1]
        if event["result"] or event["partial"]:
            raise LabError(f"{' '.join(command)} was done in part only: {event}")
        return {"event": event["duration_seconds"], "wall": wall}
