# SPDX-License-Identifier: GPL-2.0
"""What tests do with rfm on a machine of the lab, and how they see what the machine did."""

import json
import re
import shlex
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from functional import patience
from functional.session import Session, Shell
from lab import cpio, kernels, paths, schema

SYSFS = "/sys/class/misc/rainforest"
KERNEL = "/boot/vmlinuz-{}"
DEBUG = "/sys/kernel/debug/rainforest"
# What rfm notes when it has looked at tasks for long enough, as it may with the debug kernel.
UNSEEN = re.compile(r"rfm: note: affinities of some tasks were not looked at.*\n")
MIB = 1 << 20
# Of the kernels' memory hotplug, on machines of less than 64 GiB.
BLOCK = 128 * MIB

# What a healthy kernel log never says. The first is what a Debian kernel says of the processor.
HARMLESS = re.compile(
    r"RETBleed: WARNING|MDS: Vulnerable|WARNING: Spectre|ACPI BIOS Warning|RCU lockdep checking is enabled"
)
TROUBLE = re.compile(
    r"WARNING|\bBUG\b|Oops|lockdep|[Uu]nexpected|No irq handler|general protection|Call Trace|"
    r"soft lockup|hard LOCKUP|rcu.*stall|INFO: task|memory nobody owned|spurious APIC",
)


def troubles(log):
    return [line for line in log.splitlines() if TROUBLE.search(line) and not HARMLESS.search(line)]


def system_ram_joined(iomem):
    """/proc/iomem with neighbours joined: memory that came back is a resource of its own."""
    lines, last = [], None  # last: index of the top-level entry before
    for line in iomem.splitlines():
        span, _, name = line.partition(" : ")
        if not line.startswith(" "):
            if name == "System RAM" and last is not None and lines[last].endswith(" : System RAM"):
                start, end = lines[last].partition(" : ")[0].split("-")
                if int(span.split("-")[0], 16) == int(end, 16) + 1:
                    lines[last] = f"{start}-{span.split('-')[1]} : System RAM"
                    continue
            last = len(lines)
        lines.append(line)
    return lines


def ignore_init(machine, cpu, value):
    """Core @cpu does not react to INIT from now on, as one in VMX root operation, or does again."""
    with machine.qmp() as qmp:
        [path] = [each["qom-path"] for each in qmp("query-cpus-fast") if each["cpu-index"] == cpu]
        qmp("qom-set", path=path, property="ignore-init", value=value)


class Supervisor:
    """The supervisor of a machine, seen through rfm and through its own kernel."""

    def __init__(self, machine):
        self.machine = machine
        self.running = machine.sh("uname -r").strip()
        # Of the kernel that subOSes get: the supervisor's, or a stock one beside the debug kernel.
        stock = [each.version for each in kernels.stock()]
        self.version = self.running if self.running in stock else stock[0]

    def sh(self, script, timeout=60):
        return self.machine.sh(script, timeout=timeout)

    @contextmanager
    def again_and_again(self, script):
        """@script runs in a loop beside the body; at the end its last round is over."""
        loop = f"while [ ! -e /tmp/quiet ]; do {script}; done; echo over > /tmp/over"
        self.sh(f"rm -f /tmp/quiet /tmp/over; mkfifo /tmp/over; setsid sh -c '{loop}' >/dev/null 2>&1 &")
        try:
            yield
        finally:
            self.sh("touch /tmp/quiet; cat /tmp/over")

    def rfm(self, *words, timeout=150):
        result = self.machine.exec("rfm", *map(str, words), timeout=timeout)
        if patience.factor > 1:
            result.stderr = UNSEEN.sub("", result.stderr)
        schema.check_output([*map(str, words)], result.stdout)
        return result

    def ok(self, *words, timeout=150):
        result = self.rfm(*words, timeout=timeout)
        assert result.status == 0, f"rfm {shlex.join(map(str, words))}: {result.stderr}"
        return result.stdout

    def json(self, *words, timeout=150):
        return json.loads(self.ok(*words, "--json", timeout=timeout))

    def create(self, name, cores, *words, mem="512M", run=None, kernel=None, timeout=150):
        """Create and return what `rfm create --json` says. @run: a command for the subOS."""
        append = ["--append", f'lab.run="{run}"'] if run else []
        kernel = KERNEL.format(kernel or self.version)
        return self.json(
            "create", name, "--cores", cores, "--mem", mem, "--kernel", kernel, *append, *words,
            timeout=timeout,
        )  # fmt: skip

    def show(self, name):
        return self.json("show", name)

    def destroy(self, *names):
        return self.ok("destroy", *names)

    def log(self, name):
        return self.ok("log", name)

    def await_log(self, name, text, timeout=60):
        """Wait until the kernel log of a subOS has @text; returns the line."""
        script = f"until rfm log {name} | grep -m1 -F {shlex.quote(text)}; do usleep 100000; done"
        return self.until(script, timeout)

    def await_state(self, name, *states, timeout=60):
        """Wait until a subOS is in one of @states; returns `rfm show`'s view of it."""
        pattern = "|".join(states)
        script = f"until grep -qxE '{pattern}' {SYSFS}/subos/{name}/state; do usleep 50000; done"
        self.until(script, timeout)
        return self.show(name)

    def until(self, script, timeout):
        """What @script, which waits for something, prints."""
        limit = timeout * self.machine.config.patience
        return self.sh(f"timeout {limit:g} sh -c {shlex.quote(script)}", timeout=timeout + 30)

    def said(self, name):
        """What the lab's init in the subOS wrote to its kernel log."""
        return re.findall(r"\] subos: (.*)", self.log(name))

    def online(self):
        return self.sh("cat /sys/devices/system/cpu/online").strip()

    # ---- adjustments ----

    def resize(self, name, *words, timeout=150):
        """`rfm resize` that has to succeed; returns what rfm shows afterwards."""
        self.ok("resize", name, *words, timeout=timeout)
        return self.show(name)

    def move(self, cores, giver, receiver, *words):
        return self.ok("move", "--cores", cores, giver, receiver, *words)

    def history(self, name=None):
        """Adjustments, oldest first."""
        return self.json("history", *([name] if name else []))["history"]

    def events(self, name=None):
        return self.json("events", *([name] if name else []))["events"]

    # ---- inside of subOSes ----

    @contextmanager
    def shells(self, *names, kind=Shell, **options):
        """Shells in subOSes, through their consoles."""
        made = []
        try:
            for name in names:
                made.append(kind(self, name, **options))
            yield made[0] if len(names) == 1 else made
        finally:
            for shell in made:
                shell.close()

    def session(self, *argv, size=None):
        return Session(self.machine, *argv, size=size)

    def module(self, name, version=None):
        """A test module as a file here, without debugging symbols."""
        version = version or self.version
        source = paths.MODULES / version / "tests/modules" / f"{name}.ko"
        with tempfile.NamedTemporaryFile(suffix=".ko") as stripped:
            subprocess.run(["objcopy", "--strip-debug", source, stripped.name], check=True)
            return Path(stripped.name).read_bytes()

    def load(self, name, *parameters):
        """Load a test module into the supervisor."""
        with tempfile.NamedTemporaryFile(suffix=".ko") as file:
            file.write(self.module(name, self.running))
            file.flush()
            self.machine.put(file.name, f"/tmp/{name}.ko")
        self.sh(shlex.join(["insmod", f"/tmp/{name}.ko", *parameters]))

    def put_archive(self, files):
        """An archive of @files (path -> Path here, or content) on the machine."""
        archive = cpio.Archive()
        for path, source in files.items():
            archive.file(cpio.usr_merged(path), source)
        with tempfile.NamedTemporaryFile(suffix=".cpio") as file:
            archive.write(file)
            file.flush()
            self.machine.put(file.name, "/tmp/more.cpio")
        return "/tmp/more.cpio"

    def install(self, files):
        """Lay @files over the supervisor's root."""
        self.sh(f"cd / && cpio -idu < {self.put_archive(files)} 2>/dev/null", timeout=120)

    def initrd_with(self, *modules, files=None):
        """An initrd of the small subOS with test modules (/NAME.ko) and more files."""
        content = {f"{name}.ko": self.module(name) for name in modules}
        archive = self.put_archive(content | (files or {}))
        path = "/tmp/subos-more.img"
        self.sh(f"cat /boot/initrd.img-{self.version} {archive} > {path}")
        return path

    def managed(self):
        """Bytes that the kernel counts as its own to give (MemTotal)."""
        pages = self.sh("awk '/ managed / {n += $2} END {print n}' /proc/zoneinfo")
        return int(pages) * 4096

    def state(self, figures="present|managed|spanned"):
        """All that has to be the same again after a subOS came and went. @figures: of zones."""
        view = {
            "online": self.online(),
            "iomem": system_ram_joined(self.sh("cat /proc/iomem")),
            "blocks": self.sh("cd /sys/devices/system/memory; grep -H . memory*/state memory*/valid_zones"),
            "zones": self.sh(f"awk '/^Node/ {{z=$2 $4}} z !~ /Device/ && / ({figures}) / {{print z, $1, $2}}' /proc/zoneinfo"),
            "pool": self.sh(f"cat {SYSFS}/pool {SYSFS}/low_slices"),
            "subos": self.sh(f"ls {SYSFS}/subos"),
            "modules": self.sh("cut -d' ' -f1-3 /proc/modules"),
        }  # fmt: skip
        return view

    def slab(self):
        """KiB of slab that cannot be reclaimed, after caches were dropped."""
        self.sh("echo 3 > /proc/sys/vm/drop_caches")
        return int(self.sh("awk '/^SUnreclaim/ {print $2}' /proc/meminfo"))

    def pool_intact(self):
        """Memory nobody owns still holds what it should (reads all of it)."""
        wrong = self.sh("cat /sys/kernel/debug/rainforest/pool_check", timeout=120).strip()
        return wrong == "0x0"
