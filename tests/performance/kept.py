# SPDX-License-Identifier: GPL-2.0
"""What a subOS costs the supervisor outside the partition: memory that is free without it only.

Compared with the same cores offline in the supervisor: a core that does not run needs less memory
of its own, which would hide what is kept. Memory is reserved at boot, so the partition itself was
never part of what is free.
"""

import re

from lab import Machine

LENT = (1, 2, 3)
MEM = "256M"
TIMEOUT = 180
CORE_STATE = "/sys/devices/system/cpu/cpu{}/online"
# Drops what can be had back at any time, and updates counters that processors keep to themselves.
SETTLE = """
sync
for turn in 1 2; do
	echo 3 >/proc/sys/vm/drop_caches
	echo 1 >/proc/sys/vm/compact_memory
	echo 1 >/proc/sys/vm/stat_refresh
	sleep 0.5
done
cat /proc/zoneinfo /proc/meminfo
"""
PARTS = ("Slab", "VmallocUsed", "Percpu", "PageTables", "KernelStack")


class Kept:
    """A machine of its own, with a subOS on every core but the first."""

    def __init__(self, kernel):
        self.machine = Machine(name="bench-memory", cpus=1 + len(LENT), kernel=kernel)

    def __enter__(self):
        self.machine.start_from_snapshot()
        self.version = self.machine.sh("uname -r").strip()
        # What is allocated once, by whoever comes first, is not a subOS's.
        self.create_all()
        self.destroy_all()
        return self

    def __exit__(self, *_):
        self.machine.stop()

    def create_all(self):
        for core in LENT:
            create = f"rfm create memory{core} --cores {core} --mem {MEM}"
            self.machine.sh(f"{create} --kernel /boot/vmlinuz-{self.version}", timeout=TIMEOUT)

    def destroy_all(self):
        self.machine.sh("rfm destroy --all", timeout=TIMEOUT)

    def online(self, value):
        for core in LENT:
            self.machine.sh(f"echo {value} >{CORE_STATE.format(core)}")

    def measure(self):
        """Bytes per subOS, in total and by kind."""
        self.online(0)
        without = self.look()
        self.online(1)
        self.create_all()
        with_them = self.look()
        self.destroy_all()
        kept = {"total": without["free"] - with_them["free"]}
        kept |= {part: with_them[part] - without[part] for part in PARTS}
        return {name: size / len(LENT) for name, size in kept.items()}

    def look(self):
        text = self.machine.sh(SETTLE)
        view = {part: int(re.search(rf"^{part}: +(\d+) kB", text, re.M)[1]) << 10 for part in PARTS}
        view["free"] = int(re.search(r"^MemFree: +(\d+) kB", text, re.M)[1]) << 10
        # Free pages that processors keep at hand.
        view["free"] += 4096 * sum(map(int, re.findall(r"^ +count: +(\d+)$", text, re.M)))
        return view

