# SPDX-License-Identifier: GPL-2.0
"""What names cores or keeps memory of the supervisor: as before after a destroy, or said before."""

import re
import subprocess
import tempfile
from pathlib import Path

import pytest
from functional.subos import Supervisor

BAD_VALUE = 3
TAKEN = "2-3"
CPUSETS = "/tmp/cpusets"
# Of 2 MiB. What is left of the movable half of the machine is less than what the subOS gets.
HUGE_PAGES = 650
KEPT = "will not be restored by destroy"
# It runs often enough to need another core while its own ones are away, and has no child.
TASK = "while :; do read -t 1 _; done <>/tmp/never"
# deadline MS: reserves so many of each 1000 ms as SCHED_DEADLINE, says so, and sleeps.
DEADLINE = r"""
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = { .size = sizeof(attr), .policy = 6, .deadline = 1000000000, .period = 1000000000 };

	attr.runtime = strtoull(argv[1], NULL, 10) * 1000000;
	if (argc != 2 || syscall(SYS_sched_setattr, 0, &attr, 0))
		return 1;
	puts("reserved");
	fclose(stdout);
	for (;;)
		pause();
}
"""


class Settings:
    """Tasks, cpusets, interrupts and huge pages of a supervisor."""

    def __init__(self, supervisor):
        self.supervisor = supervisor
        self.sh = supervisor.sh
        self.sh("mkfifo /tmp/never")
        self.tasks = {}
        self.cpusets = []
        self.interrupts = {}
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "deadline"
            command = ["gcc", "-static", "-Os", "-s", "-x", "c", "-", "-o", program]
            subprocess.run(command, input=DEADLINE, text=True, check=True)
            supervisor.machine.put(program, "/tmp/deadline")

    def begin(self, name, command):
        quiet = "</dev/null >/dev/null 2>&1"
        self.tasks[name] = int(self.sh(f"setsid {command} {quiet} & echo $!"))

    def task(self, name, cores, cpuset=None):
        """A task on @cores, in @cpuset."""
        self.begin(name, f"sh -c '{TASK}'")
        if cpuset:
            self.sh(f"echo {self.tasks[name]} > {CPUSETS}/{cpuset}/cgroup.procs")
        if cores:
            mask = sum(1 << core for core in cores)
            self.sh(f"taskset -p {mask:x} {self.tasks[name]}")

    def deadline(self, milliseconds):
        """A task that reserves so many of each second; it has by now."""
        name = f"deadline {len(self.tasks)}"
        self.sh(f"setsid /tmp/deadline {milliseconds} </dev/null >/tmp/said 2>&1 & echo $! >/tmp/pid")
        self.supervisor.until("until grep -q reserved /tmp/said; do usleep 50000; done", 30)
        self.tasks[name] = int(self.sh("cat /tmp/pid"))
        return name

    def end(self, *names):
        for name in names:
            self.sh(f"kill -9 {self.tasks.pop(name)}")

    def mount_cpusets(self):
        self.sh(f"mkdir -p {CPUSETS} && mount -t cgroup2 none {CPUSETS}")
        self.sh(f"echo +cpuset > {CPUSETS}/cgroup.subtree_control")

    def cpuset(self, name, cores, partition=None):
        folder = f"{CPUSETS}/{name}"
        self.sh(f"mkdir {folder} && echo {cores} > {folder}/cpuset.cpus")
        if partition:
            self.sh(f"echo {partition} > {folder}/cpuset.cpus.partition")
        self.cpusets.append(name)

    def interrupt(self, user, cores):
        """The affinity of the interrupt of @user becomes @cores."""
        [number] = re.findall(rf"(?m)^ *(\d+):.* {user}$", self.sh("cat /proc/interrupts"))
        self.sh(f"echo {cores} > /proc/irq/{number}/smp_affinity_list")
        self.interrupts[user] = number

    def state(self):
        """What each of them is set to now."""
        found = {}
        for name, tid in self.tasks.items():
            status = self.sh(f"cat /proc/{tid}/status")
            found[name] = re.search(r"Cpus_allowed_list:\s+(\S+)", status)[1]
        for name in self.cpusets:
            files = "cpuset.cpus cpuset.cpus.effective cpuset.cpus.partition"
            found[f"cpuset {name}"] = self.sh(f"cd {CPUSETS}/{name} && cat {files}").split("\n")
        for user, number in self.interrupts.items():
            found[user] = self.sh(f"cat /proc/irq/{number}/smp_affinity_list").strip()
        found["huge pages"] = self.sh("cat /proc/sys/vm/nr_hugepages").strip()
        return found

    def await_tasks(self):
        """Each task that runs now and then has run."""
        for name, tid in self.tasks.items():
            if not name.startswith("deadline"):
                switches = f"$(grep ^voluntary /proc/{tid}/status | cut -f2)"
                script = f"had={switches}; until [ {switches} -gt $had ]; do usleep 50000; done"
                self.supervisor.until(script, 10)

    def lend(self, mem="126M"):
        """Create and destroy; returns the notes, and the names of what is different afterwards."""
        before = self.state()
        notes = self.supervisor.create("web", TAKEN, "--no-start", mem=mem)["notes"]
        self.await_tasks()
        self.supervisor.destroy("web")
        after = self.state()
        return notes, {name for name in before if before[name] != after[name]}


def about(notes, *words):
    """The one of @notes that has all of @words."""
    [found] = [note for note in notes if all(word in note for word in words)]
    return found


@pytest.fixture
def settings(machines):
    return Settings(Supervisor(machines(pool="runtime")))


@pytest.mark.extended
@pytest.mark.budget(300)
def test_as_before_or_said(settings):
    old = settings.supervisor.version.startswith("6.1.")
    settings.mount_cpusets()
    settings.cpuset("some", "1,3")
    settings.cpuset("given", "3")
    settings.task("bound", [3])
    settings.task("bound to both", [2, 3])
    settings.task("wide", [1, 2])
    settings.task("in some", None, "some")
    settings.task("in given", None, "given")
    settings.task("narrow in some", [1], "some")
    settings.interrupt("virtio0-config", "3")
    settings.interrupt("virtio0-virtqueues", "1,3")
    settings.deadline(100)
    settings.sh(f"echo {HUGE_PAGES} > /proc/sys/vm/nr_hugepages")

    rows = {each["name"]: each for each in settings.supervisor.json("check")["findings"]}
    assert rows["settings, interrupts"]["status"] == "warn"
    notes, lost = settings.lend(mem="508M")
    expected = {"bound", "bound to both", "virtio0-config", "huge pages"}
    assert lost == expected | ({"narrow in some"} if old else set())
    tasks = [settings.tasks[name] for name in ("bound", "bound to both")]
    assert all(f"sh {tid} on " in about(notes, "2 tasks with no core but", KEPT) for tid in tasks)
    number = settings.interrupts["virtio0-config"]
    assert f"({number} virtio0-config on 3)" in about(notes, "1 interrupt with no core but", KEPT)
    about(notes, "free huge pages", f"of {HUGE_PAGES} of 2M on node 0", KEPT)
    if old:
        about(notes, "1 task in cpusets that change", f"sh {settings.tasks['narrow in some']} on 1")
    assert len(notes) == (4 if old else 3)

    # What the notes say helps.
    settings.sh(about(notes, "free huge pages").partition("afterwards: ")[2])
    remedy = about(notes, "1 interrupt").rpartition(": ")[2]
    settings.sh(remedy)
    settings.sh(f"taskset -pc 0,3 {tasks[0]}; taskset -pc 0,2-3 {tasks[1]}")
    settings.end(*(["narrow in some"] if old else []))
    assert settings.state()["huge pages"] == str(HUGE_PAGES)
    settings.sh("echo 0 > /proc/sys/vm/nr_hugepages")
    assert settings.lend() == ([], set())


@pytest.mark.extended
@pytest.mark.budget(300)
def test_huge_pages_of_both_sizes(machines):
    """One of 1 GiB goes as a whole with a part of it; what the note says has it there again."""
    words = "hugepagesz=1G hugepages=1 hugepagesz=2M hugepages=50"
    settings = Settings(Supervisor(machines(pool="runtime", mem="6G", append=words)))
    count = "cat /sys/kernel/mm/hugepages/hugepages-*/nr_hugepages"
    assert settings.sh(count).split() == ["1", "50"]
    notes, _ = settings.lend(mem="1500M")
    note = about(notes, "free huge pages", "up to 1 of 1 of 1G", "50 of 50 of 2M", KEPT)
    assert settings.sh(count).split()[0] == "0"
    settings.sh(note.partition("afterwards: ")[2])
    assert settings.sh(count).split() == ["1", "50"]


@pytest.mark.extended
@pytest.mark.budget(300)
def test_partition(settings):
    """It comes back; kernels before 6.2 forget the affinity of tasks beside it."""
    old = settings.supervisor.version.startswith("6.1.")
    settings.mount_cpusets()
    settings.cpuset("part", "3", partition="root")
    settings.task("in part", None, "part")
    settings.task("beside", [1])
    notes, lost = settings.lend()
    assert lost == ({"beside"} if old else set())
    assert len(notes) == len(lost)
    if old:
        about(notes, f"sh {settings.tasks['beside']} on 1", KEPT)


@pytest.mark.extended
@pytest.mark.budget(300)
def test_deadlines_that_would_not_fit(settings):
    """The kernel refuses; all is as before, and the note names the tasks."""
    tasks = [settings.deadline(900) for _ in range(3)]
    before = settings.supervisor.state()
    supervisor = settings.supervisor
    words = ("--mem", "126M", "--no-start", "--kernel", f"/boot/vmlinuz-{supervisor.version}")
    refused = supervisor.rfm("create", "web", "--cores", TAKEN, *words)
    assert refused.status == BAD_VALUE and "could not be taken offline" in refused.stderr, refused
    assert "3 tasks (deadline" in refused.stderr and "reserved 2.70 of cores 0-3" in refused.stderr
    assert supervisor.state() == before
    settings.end(*tasks[1:])
    assert settings.lend() == ([], set())


@pytest.mark.extended
@pytest.mark.budget(300)
def test_chosen_cores_lose_nothing(settings):
    settings.task("bound", [3])
    words = ("--mem", "126M", "--kernel", f"/boot/vmlinuz-{settings.supervisor.version}")
    plan = settings.supervisor.json("create", "web", "--ncores", "2", "--dry-run", *words)["plan"]
    assert plan["cores"] == [1, 2] and not plan["notes"]
