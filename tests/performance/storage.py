# SPDX-License-Identifier: GPL-2.0
"""An NVMe disk in a subOS that owns it, beside the same disk driven by the supervisor.

The device goes to and fro by hot add and remove, so that both kernels and their drivers stay warm.
Behind it is QEMU's null-co: data does not matter here, and the host's disk would be noise.
"""

import json
import re
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path

from functional.subos import Supervisor
from lab import LabError, Machine, qemu, tools

NAME = "bench"
CORE = 1
# With less than 512 MiB Linux leaves transparent huge pages off, which the supervisor has.
MEM = "640M"
TIMEOUT = 180
RUN_TIMEOUT = 60
# fio reads the time twice for each I/O: without it the supervisor's clock may be the HPET.
APPEND = "tsc=reliable"
CLOCK = "/sys/devices/system/clocksource/clocksource0/current_clocksource"

PATTERNS = {
    "4k random read": "--rw=randread --bs=4k",
    "4k random write": "--rw=randwrite --bs=4k",
    "1M sequential read": "--rw=read --bs=1M",
    "1M sequential write": "--rw=write --bs=1M",
}
DEPTHS = (1, 32)
WORKLOADS = {
    f"{pattern}, QD{depth}": f"{options} --iodepth={depth}"
    for pattern, options in PATTERNS.items()
    for depth in DEPTHS
}
TIMED = "--time_based --runtime=1 --ramp_time=300ms"
# What is counted runs apart from what is timed: QEMU writes a line for each doorbell.
COUNTED = [workload for workload in WORKLOADS if workload.startswith("4k")]
COUNT = "--number_ios=500"

EVENTS = "pci_nvme_mmio_doorbell_*"
# The admin queue is number 0.
DOORBELL = re.compile(r"^pci_nvme_mmio_doorbell_(sq|cq) [cs]qid [1-9]\d* new_", re.M)
ANSWER = re.compile(r"(?s)interrupts (\d+)\n(\{.*\})")


class Storage:
    """A supervisor with one core, a subOS with one core, and a disk for either."""

    def __init__(self, kernel):
        self.machine = Machine(
            name="bench-storage", cpus=1 + CORE, kernel=kernel, qemu_args=disks(1), append=APPEND
        )
        self.stack = ExitStack()

    def __enter__(self):
        self.stack.callback(self.machine.stop)
        self.supervisor, initrd = bring_up(self.machine)
        self.bdf = self.machine.bdf(disk_id(0))
        self.supervisor.create(
            NAME, CORE, "--initrd", initrd, "--pci", self.bdf, mem=MEM, timeout=TIMEOUT
        )
        self.shell = self.stack.enter_context(self.supervisor.shells(NAME))
        return self

    def __exit__(self, *_):
        self.stack.close()

    def measure(self):
        """One round, at whose beginning and end the subOS has the disk.

        Each workload runs in the subOS, twice in the supervisor, and in the subOS again: a host
        that becomes slower meets both alike.
        """
        inside, outside = {}, {}
        for workload in WORKLOADS:
            first = self.speed(self.shell.run, workload)
            self.supervisor.resize(NAME, "--pci", f"-{self.bdf}")
            second, third = (self.speed(self.supervisor.sh, workload) for _ in range(2))
            outside |= self.counts(self.supervisor.sh, workload)
            self.supervisor.resize(NAME, "--pci", f"+{self.bdf}")
            fourth = self.speed(self.shell.run, workload)
            inside |= self.counts(self.shell.run, workload)
            inside[iops(workload)] = (first + fourth) / 2
            outside[iops(workload)] = (second + third) / 2
        return {"subos": inside, "native": outside}

    def speed(self, run, workload):
        """@run: runs a command in the kernel that has the disk."""
        return self.fio(run, WORKLOADS[workload], TIMED).iops

    def counts(self, run, workload):
        """What an I/O takes, if that is counted for this workload."""
        if workload not in COUNTED:
            return {}
        with doorbells(self.machine) as rung:
            answer = self.fio(run, WORKLOADS[workload], COUNT)
        found = {f"{queue} doorbells": rung[queue] / answer.ios for queue in ("sq", "cq")}
        found["interrupts"] = answer.interrupts / answer.ios
        return {per_io(what, workload): count for what, count in found.items()}

    def fio(self, run, *options):
        command = f"storage run {self.bdf} {' '.join(options)}"
        return Answer(run(command, timeout=RUN_TIMEOUT))


def iops(workload):
    return f"{workload}: IOPS"


def per_io(what, workload):
    return f"{workload}: {what}"


class Answer:
    """What `storage run` printed."""

    def __init__(self, text):
        match = ANSWER.search(text)
        if not match:
            raise LabError(f"fio's answer is not understood: {text[-500:]!r}")
        self.interrupts = int(match[1])
        self.job = json.loads(match[2])["jobs"][0]
        if self.job["error"]:
            raise LabError(f"fio ended with error {self.job['error']}")

    @property
    def iops(self):
        return sum(self.job[way]["iops"] for way in ("read", "write"))

    @property
    def ios(self):
        return sum(self.job[way]["total_ios"] for way in ("read", "write"))

    @property
    def read_p99_us(self):
        return self.job["read"]["clat_ns"]["percentile"]["99.000000"] / 1000


# ---- the machine ----


def disk_id(number):
    return f"bench{number}"


def disks(count):
    """QEMU's words for NVMe disks without content, each behind a root port of its own."""
    words = []
    for number in range(count):
        name = disk_id(number)
        words += [
            "-drive", f"if=none,id={name}-drive,format=raw,file=null-co://,file.size=1G,"
                      "file.read-zeroes=on",
            "-device", f"pcie-root-port,id={name}-port,chassis={50 + number},slot={50 + number}",
            "-device", f"nvme,id={name},serial={name},drive={name}-drive,bus={name}-port",
        ]  # fmt: skip
    return words


def bring_up(machine):
    """Start @machine, with fio; returns its supervisor and an initrd with fio for subOSes."""
    machine.start()
    supervisor = Supervisor(machine)
    clock = supervisor.sh(f"cat {CLOCK}").strip()
    if clock != "tsc":
        raise LabError(f"the supervisor's clock is {clock}, that of a subOS is tsc: not comparable")
    script = Path(__file__).with_name("storage.sh")
    files = tools.program("fio") | {"usr/bin/storage": script}
    supervisor.install(files)
    return supervisor, supervisor.initrd_with(files=files)


@contextmanager
def doorbells(machine):
    """Counts the writes to doorbells of I/O queues, by sort; complete when the block has ended."""
    rung = Counter()
    log = machine.folder / qemu.EVENTS
    start = log.stat().st_size
    trace(machine, True)
    try:
        yield rung
    finally:
        trace(machine, False)
    with open(log, "rb") as file:
        file.seek(start)
        rung.update(DOORBELL.findall(file.read().decode(errors="replace")))


def trace(machine, enable):
    with machine.qmp() as qmp:
        qmp("trace-event-set-state", name=EVENTS, enable=enable)
