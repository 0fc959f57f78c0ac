# SPDX-License-Identifier: GPL-2.0
"""Two tenants with a core and a disk each: as two subOSes, and as two cgroups of one kernel."""

import shlex
from contextlib import ExitStack

from functional.session import Session
from lab import LabError, Machine
from performance.storage import (
    APPEND, MEM, RUN_TIMEOUT, TIMEOUT, Answer, bring_up, disk_id, disks,
)  # fmt: skip

VICTIM, NEIGHBOUR = "victim", "neighbour"
# By tenant: its disk, its core as a subOS, its core as a cgroup. Core 0 is nobody's.
PLACES = {VICTIM: (0, 3, 1), NEIGHBOUR: (1, 4, 2)}
CPUS = 5
CGROUPS = "/sys/fs/cgroup"

BOTH = "--rw=randrw --bs=4k --iodepth=32 --time_based --runtime=3 --ramp_time=1"
ALONE = "--rw=randread --bs=4k --iodepth=1 --time_based --runtime=3 --ramp_time=1"
NOISE_SECONDS = 60


class Tenants:
    """A supervisor with three cores, two of them for cgroups; two subOSes; two disks."""

    def __init__(self, kernel):
        self.machine = Machine(
            name="bench-tenants", cpus=CPUS, kernel=kernel, qemu_args=disks(len(PLACES)),
            append=APPEND,
        )  # fmt: skip
        self.stack = ExitStack()
        self.bdfs = {}

    def __enter__(self):
        self.stack.callback(self.machine.stop)
        self.supervisor, initrd = bring_up(self.machine)
        for name, (disk, core, _) in PLACES.items():
            self.bdfs[name] = self.machine.bdf(disk_id(disk))
            self.supervisor.create(
                name, core, "--initrd", initrd, "--pci", self.bdfs[name], mem=MEM, timeout=TIMEOUT
            )
        shells = self.stack.enter_context(self.supervisor.shells(*PLACES))
        self.inside = [SubOS(shell, self.bdfs[shell.name]) for shell in shells]
        self.supervisor.sh(
            f"mount -t cgroup2 cgroup2 {CGROUPS} && cd {CGROUPS} && "
            "echo +cpuset +memory +io >cgroup.subtree_control"
        )
        self.groups = [
            Group(self.supervisor, name, core, self.bdfs[name])
            for name, (_, _, core) in PLACES.items()
        ]
        return self

    def __exit__(self, *_):
        self.stack.close()

    def measure(self):
        """One round, at whose beginning and end the subOSes have the disks."""
        apart = figures(*self.inside)
        self.hand_over("-")
        together = figures(*self.groups)
        self.hand_over("+")
        return {"subos": apart, "cgroups": together}

    def hand_over(self, sign):
        for name, bdf in self.bdfs.items():
            self.supervisor.resize(name, "--pci", f"{sign}{bdf}")


def figures(victim, neighbour):
    begun = [(each, each.start(each.fio(BOTH))) for each in (victim, neighbour)]
    both = [Answer(each.result(it)).iops for each, it in begun]
    alone = Answer(victim.run(victim.fio(ALONE))).read_p99_us
    neighbour.run(f"storage noise {neighbour.bdf} {NOISE_SECONDS}")
    noisy = Answer(victim.run(victim.fio(ALONE))).read_p99_us
    neighbour.run("storage quiet")
    return {
        "both: IOPS": sum(both),
        "slower: IOPS": min(both),
        "alone: p99": alone,
        "noisy: p99": noisy,
    }


class Tenant:
    def __init__(self, name, bdf):
        self.name = name
        self.bdf = bdf

    def fio(self, options):
        return f"storage run {self.bdf} {options}"

    def run(self, command):
        return self.result(self.start(command))

    def check(self, status, output):
        if status:
            raise LabError(f"{self.name}: storage ended with status {status}: {output[-500:]}")
        return output


class SubOS(Tenant):
    """@shell: its console."""

    def __init__(self, shell, bdf):
        super().__init__(shell.name, bdf)
        self.shell = shell

    def start(self, command):
        return self.shell.start(command)

    def result(self, begun):
        return self.check(*self.shell.result(begun, RUN_TIMEOUT))


class Group(Tenant):
    """A cgroup of the supervisor's kernel, with as much of everything."""

    def __init__(self, supervisor, name, core, bdf):
        super().__init__(name, bdf)
        self.machine = supervisor.machine
        self.folder = f"{CGROUPS}/{name}"
        supervisor.sh(
            f"mkdir {self.folder} && cd {self.folder} && "
            f"echo {core} >cpuset.cpus && echo {MEM} >memory.max"
        )

    def start(self, command):
        inner = f"echo $$ >{self.folder}/cgroup.procs && exec {shlex.join(command.split())}"
        return Session(self.machine, "sh", "-c", inner)

    def result(self, session):
        status = session.wait(RUN_TIMEOUT)
        session.close()
        return self.check(status, session.text)
