# SPDX-License-Identifier: GPL-2.0
"""Two tenants that hammer metadata, each in a subOS on its own disk, beside two in one kernel.

The same programs on the same cores and in the same file systems; in one kernel each tenant has a
cgroup with its core.
"""

from concurrent.futures import ThreadPoolExecutor

from functional.functions import block
from functional.metadata import (
    IPIS, between, counts, hammer, make_file_systems, operations, program, watch_locks,
)  # fmt: skip
from functional.subos import Supervisor
from lab import Machine

# No more cores than hosts have are busy at once: one for each tenant.
TENANTS = {"a": 2, "b": 3}
MASK = 0xC
PROCESSES = 4
SECONDS = 10
# Runs before what counts: a kernel that has just booted is not warm, nor is QEMU's code for it.
WARM_UP = 5
MEM = "640M"
DISK = "nvme:blank=512M"
CGROUPS = "/sys/fs/cgroup"
TIMEOUT = 60
# Only the tenants' cores work for them: unbound work of the kernel, and the journals' threads.
ON_THEIR_CORES = (
    f"echo {MASK:x} >/sys/devices/virtual/workqueue/cpumask; "
    "for each in /proc/[0-9]*; do if grep -q '^jbd2' $each/comm 2>/dev/null; "
    f"then taskset -p {MASK:x} ${{each#/proc/}} >/dev/null; fi; done"
)
EVERYWHERE = "echo f >/sys/devices/virtual/workqueue/cpumask"


class Metadata:
    """A supervisor with two disks, which are those of its subOSes or its own."""

    def __init__(self, kernel):
        disks = [DISK] * len(TENANTS)
        self.machine = Machine(name="bench-metadata", cpus=4, kernel=kernel, disks=disks)

    def __enter__(self):
        self.machine.start()
        self.supervisor = Supervisor(self.machine)
        bdfs = [self.machine.bdf(f"disk{number}") for number in range(len(TENANTS))]
        self.bdfs = dict(zip(TENANTS, bdfs))
        make_file_systems(self.supervisor, *bdfs)
        self.supervisor.install(program())
        self.initrd = self.supervisor.initrd_with(files=program())
        self.prepare_cgroups()
        watch_locks(self.supervisor.sh)
        return self

    def __exit__(self, *_):
        self.machine.stop()

    def prepare_cgroups(self):
        self.supervisor.sh(
            f"mount -t cgroup2 cgroup2 {CGROUPS} && echo +cpuset >{CGROUPS}/cgroup.subtree_control"
        )
        for name, core in TENANTS.items():
            folder = f"{CGROUPS}/{name}"
            own = f"echo {core} >{folder}/cpuset.cpus"
            self.supervisor.sh(f"mkdir -p {folder} /mnt/{name} && {own}")

    def measure(self):
        """One round: operations a second, and what is counted for 1000 of them."""
        return {"one": self.in_one_kernel(), "subos": self.in_subos()}

    # ---- one kernel ----

    def in_one_kernel(self):
        sh = self.supervisor.sh
        for name, bdf in self.bdfs.items():
            sh(f"mount -t ext4 {block(sh, bdf)} /mnt/{name}")
        sh(ON_THEIR_CORES)
        self.both(lambda name: self.hammer_in_cgroup(name, WARM_UP))
        before = counts(sh)
        said = self.both(lambda name: self.hammer_in_cgroup(name, SECONDS))
        counted = between(before, counts(sh))
        for name in TENANTS:
            sh(f"umount /mnt/{name}", timeout=TIMEOUT)
        sh(EVERYWHERE)
        return figures(said, [counted])

    def hammer_in_cgroup(self, name, seconds):
        work = hammer(f"/mnt/{name}", PROCESSES, seconds)
        join = f"echo $$ >{CGROUPS}/{name}/cgroup.procs"
        return self.supervisor.sh(f"{join} && {work}", timeout=seconds + TIMEOUT)

    @staticmethod
    def both(run):
        """What @run(name) returns for each tenant, all at once."""
        with ThreadPoolExecutor(len(TENANTS)) as pool:
            return dict(zip(TENANTS, pool.map(run, TENANTS)))

    # ---- a kernel for each ----

    def in_subos(self):
        supervisor = self.supervisor
        for name, core in TENANTS.items():
            words = ("--pci", self.bdfs[name], "--initrd", self.initrd)
            supervisor.create(name, core, *words, mem=MEM)
        with supervisor.shells(*TENANTS) as shells:
            for shell in shells:
                node = block(shell.run, self.bdfs[shell.name])
                shell.run(f"mount -t ext4 {node} /mnt", timeout=TIMEOUT)
                watch_locks(shell.run)
            self.hammer_inside(shells, WARM_UP)
            before = [counts(shell.run) for shell in shells]
            said = self.hammer_inside(shells, SECONDS)
            counted = [between(old, counts(shell.run)) for shell, old in zip(shells, before)]
            for shell in shells:
                shell.run("umount /mnt", timeout=TIMEOUT)
        supervisor.destroy("--all")
        return figures(said, counted)

    @staticmethod
    def hammer_inside(shells, seconds):
        work = hammer("/mnt", PROCESSES, seconds)
        begun = [(shell, shell.start(work)) for shell in shells]
        return {shell.name: shell.result(each, seconds + TIMEOUT)[1] for shell, each in begun}


def figures(said, kernels):
    """@said: by tenant, what its program printed; @kernels: what each kernel counted meanwhile."""
    done = {name: operations(text) for name, text in said.items()}
    total = sum(done.values())
    per_thousand = {
        name: 1000 * sum(kernel[name] for kernel in kernels) / total
        for name in (*IPIS, "lock waits", "rings", "sent")
    }
    rates = {f"operations of {name}": count / SECONDS for name, count in done.items()}
    return {"operations": total / SECONDS} | rates | per_thousand
