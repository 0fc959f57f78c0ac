# SPDX-License-Identifier: GPL-2.0
"""rf_subos and the first stage on a stock kernel, without a supervisor.

QEMU plays the supervisor: it adds the RFOS table, puts a hand-off, a grant page and an empty arena
into memory that the guest leaves alone, and reads the mailbox from outside; it answers nobody. The
guest has three cores and owns two of them.
Commands go in and results come out through a shell on the second serial port. A machine boots
once; each test starts from a snapshot of it.
"""

import itertools
import json
import os
import re
import socket
import struct
import subprocess
import time
from pathlib import Path

import pytest
from lab import emulator, kernels, tools

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("RF_BUILD", ROOT / "build"))
KERNEL = os.environ.get("RF_KERNEL", "amd64")  # flavour or version
PATIENCE = 60

# From include/wire: layout.h, mailbox.h, handoff.h, grant.h.
BOOT_AREA = 0x20000000
MAILBOX = BOOT_AREA + 0x2000
HANDOFF = BOOT_AREA + 0x3000
GRANT = BOOT_AREA + 0x6000
SEGMENT = 0x200000
ARENA = BOOT_AREA + SEGMENT  # two homes: the supervisor's and its own
STAGE_CPUS, STAGE_RUNNING = 8, 9
POWEROFF, HALT, REBOOT, PANIC, EMERGENCY, AGENT = 2, 3, 4, 5, 6, 9

INIT = b"""#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
tr '\\0' ' ' </proc/1/cmdline >/start
tr '\\0' ' ' </proc/1/environ >>/start
exec </dev/ttyS1 >/dev/ttyS1 2>&1
stty raw -echo
echo ready
while read -r line; do eval "$line"; done
"""

KEXEC = b"""
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void)
{
	int kernel = open("/kernel", O_RDONLY);

	/* KEXEC_FILE_NO_INITRAMFS; LINUX_REBOOT_CMD_KEXEC */
	return syscall(SYS_kexec_file_load, kernel, -1, 1L, "", 4L) ||
	       syscall(SYS_reboot, 0xfee1dead, 672274793, 0x45584543, 0);
}
"""


def handoff(name=b"test", cpus=(0, 1), nr_cpus=None, start=BOOT_AREA, size=0x200000,
            mailbox=MAILBOX, low_slice=0x20000, grant=GRANT, magic=0x4F484652, major=2, spoil=0):
    """A hand-off as rfm would write it; the arguments make it wrong in one place each."""
    body = struct.pack("<II32sQQIIII", 7, 0, name, mailbox, low_slice, 0x8000,
                       len(cpus) if nr_cpus is None else nr_cpus, 1, 0)
    body += struct.pack("<QQ", start, size).ljust(64 * 16, b"\0")
    body += struct.pack("<Q", grant) + bytes(15 * 8)
    body += struct.pack(f"<{len(cpus)}I", *cpus).ljust(256 * 4, b"\0")
    head = struct.pack("<IIHH", 16 + len(body), magic, major, 0)
    total = sum(struct.unpack(f"<{len(head + body) // 4}I", head + body))
    return head + struct.pack("<I", (spoil - total) & 0xFFFFFFFF) + body


def grant_page(cpus=(0, 1), magic=0x52474652):
    """A grant page of member 1, as the supervisor would write it."""
    segments = struct.pack("<QQQQ", ARENA, SEGMENT, ARENA + SEGMENT, SEGMENT).ljust(32 * 16, b"\0")
    kernels_there = [0, 1] + [0xFFFFFFFF] * 14
    owner = bytes(1 if core in cpus else 0 for core in range(256))
    ranges = struct.pack("<QQ", BOOT_AREA, 0x200000).ljust(64 * 16, b"\0")
    functions = bytes(16 * 128)
    body = ranges + segments + struct.pack("<16I", *kernels_there) + owner + functions
    return struct.pack("<IIHHIIIII", 32 + len(body), magic, 1, 1, 2, 1, 1, 0, 0) + body


def cpio(entries):
    """A newc archive of (name, mode, content)."""
    out = bytearray()
    for ino, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        fields = (ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        out += b"070701" + b"".join(b"%08X" % field for field in fields)
        out += name.encode() + b"\0"
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return bytes(out)


class Machine:
    """One QEMU process, its monitor, and the shell on its second serial port."""

    def __init__(self, folder, append, table=True):
        self.folder = folder
        self.log = folder / "console"
        (folder / "initrd").write_bytes(self._initrd(folder))
        (folder / "handoff").write_bytes(handoff())
        (folder / "grant").write_bytes(grant_page())
        (folder / "rfos").write_bytes(struct.pack("<IQ", 0, HANDOFF))
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", folder / "state", "1M"],
                       check=True)
        command = [
            emulator.built(), "-M", "q35", "-cpu", "max", "-accel", "tcg,thread=multi",
            "-nodefaults", "-smp", "3", "-m", "1G", "-display", "none", "-nic", "none",
            "-no-reboot",
            "-kernel", kernels.find(KERNEL).image, "-initrd", folder / "initrd",
            "-append", f"console=ttyS0 maxcpus=1 panic=0 memmap=6M${BOOT_AREA:#x} {append}",
            "-drive", f"if=none,format=qcow2,file={folder}/state",
            "-serial", f"file:{self.log}",
            "-serial", f"unix:{folder}/shell,server=on,wait=off",
            "-qmp", f"unix:{folder}/qmp,server=on,wait=off",
            "-device", f"loader,file={folder}/handoff,addr={HANDOFF:#x},force-raw=on",
            "-device", f"loader,file={folder}/grant,addr={GRANT:#x},force-raw=on",
        ]
        if table:
            command += ["-acpitable", f"sig=RFOS,rev=1,data={folder}/rfos"]
        self.process = subprocess.Popen(command, stderr=(folder / "stderr").open("wb"))
        self.qmp = self._connect("qmp").makefile("rw")
        self.qmp.readline()
        self._monitor("qmp_capabilities")
        self.shell = self._connect("shell")
        self.marks = itertools.count()

    @staticmethod
    def _initrd(folder):
        kexec, busybox = folder / "kexec", *tools.program("busybox").values()
        subprocess.run(["gcc", "-static", "-Os", "-s", "-x", "c", "-", "-o", kexec], input=KEXEC,
                       check=True)
        built = BUILD / "modules" / kernels.find(KERNEL).version
        ficm, module = ((built / f"{name}.ko").read_bytes() for name in ("rf_ficm", "rf_subos"))
        first = cpio([
            ("rf", 0o40755, b""),
            ("rf/init", 0o100755, (BUILD / "subos/first_stage").read_bytes()),
            ("rf/rf_ficm.ko", 0o100644, ficm),
            ("rf/rf_subos.ko", 0o100644, module),
        ])
        folders = [(name, 0o40755, b"") for name in ("bin", "dev", "proc", "sys")]
        return first + cpio([
            *folders,
            ("bin/busybox", 0o100755, busybox.read_bytes()),
            ("bin/kexec", 0o100755, kexec.read_bytes()),
            ("kernel", 0o100644, kernels.find(KERNEL).image.read_bytes()),
            ("init", 0o100755, INIT),
            ("rf_ficm.ko", 0o100644, ficm),
            ("rf_subos.ko", 0o100644, module),
        ])

    def _connect(self, name):
        end = socket.socket(socket.AF_UNIX)
        end.settimeout(PATIENCE)
        for _ in poll(f"{name} socket of QEMU"):
            try:
                end.connect(str(self.folder / name))
                return end
            except OSError:
                assert self.process.poll() is None, (self.folder / "stderr").read_text()

    def _monitor(self, verb, **arguments):
        json.dump({"execute": verb, "arguments": arguments}, self.qmp)
        self.qmp.flush()
        for line in self.qmp:
            answer = json.loads(line)
            assert "error" not in answer, answer
            if "return" in answer:
                return answer["return"]
        raise AssertionError("QEMU closed its monitor")

    def _human(self, line):
        output = self._monitor("human-monitor-command", **{"command-line": line})
        assert "rror" not in output, output
        return output

    def save(self):
        self._human("savevm ready")

    def restore(self):
        self._human("loadvm ready")
        self._monitor("cont")

    def pause(self):
        self._monitor("stop")

    def memory(self, address, size):
        path = self.folder / "memory"
        self._monitor("pmemsave", val=address, size=size, filename=str(path))
        return path.read_bytes()

    def parked(self, cores):
        """How many of these cores halted with interrupts off."""
        text = self._human("info registers -a")
        state = re.findall(r"RFL=(\w+).*HLT=(\d)", text)
        return sum(state[core][1] == "1" and not int(state[core][0], 16) & 0x200 for core in cores)

    def mailbox(self):
        page = self.memory(MAILBOX, 0x180)
        names = ("magic", "major", "minor", "cpus_online", "cause", "note", "note_size")
        box = dict(zip(names, struct.unpack_from("<IHHIIQQ", page, 0x80)))
        box["stage"] = struct.unpack_from("<I", page, 0x40)[0]
        box["reset"], box["sleep"] = page[0], page[1]
        box["reason"] = page[0x100:].split(b"\0")[0].decode()
        return box

    def wait_cause(self):
        for _ in poll("a cause in the mailbox"):
            box = self.mailbox()
            if box["cause"]:
                return box

    def wait_ready(self):
        data = b""
        while b"ready\n" not in data:
            data += self.receive()

    def receive(self):
        data = self.shell.recv(4096)
        assert data, "QEMU closed the shell"
        return data

    def send(self, command):
        self.shell.sendall(command.encode() + b"\n")

    def run(self, command):
        """Runs a command in the guest; returns (status, output).

        Marks on both sides: a snapshot may have caught earlier output on its way out.
        """
        mark = f"#{next(self.marks)}#"
        self.send(f"echo '{mark}'; {command}; echo '{mark}'$?'{mark}'")
        output = b""
        while output.count(mark.encode()) < 3:
            output += self.receive()
        _, text, status, _ = output.decode().split(mark)
        return int(status), text.removeprefix("\n")

    def console(self):
        return self.log.read_text(errors="replace")

    def close(self):
        self.process.kill()
        self.process.wait()


def poll(what):
    """Yields every 20 ms; fails when patience is over."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        yield
        time.sleep(0.02)
    pytest.fail(f"timed out waiting for {what}")


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    """Starts machines; all that were started end with the module."""
    started = []

    def start(append, **options):
        started.append(Machine(tmp_path_factory.mktemp("machine"), append, **options))
        return started[-1]

    yield start
    for machine in started:
        machine.close()


@pytest.fixture(scope="module")
def booted_subos(machines):
    """The agent was loaded by the first stage; the user's init runs."""
    machine = machines("first=1 rdinit=/rf/init -- last")
    machine.wait_ready()
    machine.save()
    machine.pause()
    return machine


@pytest.fixture
def subos(booted_subos):
    booted_subos.restore()
    yield booted_subos
    booted_subos.pause()


@pytest.fixture(scope="module")
def booted_bare(machines):
    """The same machine, the agent not loaded."""
    machine = machines("rdinit=/init")
    machine.wait_ready()
    machine.save()
    machine.pause()
    return machine


@pytest.fixture
def bare(booted_bare):
    booted_bare.restore()
    yield booted_bare
    booted_bare.pause()


def test_reports_running(subos):
    box = subos.mailbox()
    assert (box["magic"], box["major"], box["minor"]) == (0x424D4652, 1, 2)
    assert (box["stage"], box["cpus_online"], box["cause"]) == (STAGE_RUNNING, 2, 0)
    note = subos.memory(box["note"], box["note_size"])
    assert b"VMCOREINFO" in note and f"OSRELEASE={kernels.find(KERNEL).version}".encode() in note


def test_only_granted_cores_come_up(subos):
    assert subos.run("cat /sys/devices/system/cpu/online") == (0, "0-1\n")
    status, output = subos.run("echo 1 >/sys/devices/system/cpu/cpu2/online")
    assert status and "busy" in output
    assert subos.run("cat /sys/devices/system/cpu/online") == (0, "0-1\n")


def test_own_core_goes_and_comes_back(subos):
    assert subos.run("echo 0 >/sys/devices/system/cpu/cpu1/online")[0] == 0
    assert subos.mailbox()["cpus_online"] == 1
    assert subos.run("echo 1 >/sys/devices/system/cpu/cpu1/online")[0] == 0
    assert subos.mailbox()["cpus_online"] == 2


def test_agent_cannot_be_unloaded(subos):
    assert subos.run("rmmod rf_subos")[0]
    assert subos.run("test -d /sys/module/rf_subos")[0] == 0


def test_first_stage_leaves_nothing_behind(subos):
    assert subos.run("ls -d /rf")[0]
    assert subos.run("grep -c -v -e rootfs -e ' /proc ' -e ' /sys ' -e ' /dev ' /proc/mounts")[0]
    assert subos.run("cat /start")[1] == "/bin/busybox sh /init last HOME=/ TERM=linux first=1 "


@pytest.mark.parametrize(
    "command, cause, reason, parked",
    [
        ("reboot -f", REBOOT, "asked for by reboot[", 1),
        ("poweroff -f", POWEROFF, "asked for by poweroff[", 1),
        ("halt -f", HALT, "asked for by halt[", 1),
        ("echo b >/proc/sysrq-trigger", EMERGENCY, "init", 1),
        ("echo o >/proc/sysrq-trigger", POWEROFF, "asked for by kworker", 1),
        ("echo c >/proc/sysrq-trigger", PANIC, "sysrq triggered crash", 0),
        ("echo 1 >/proc/sys/kernel/panic; echo c >/proc/sysrq-trigger", PANIC,
         "sysrq triggered crash", 2),
        ("kexec", REBOOT, "kexec is not possible", 1),
    ],
)
def test_way_down_is_told_and_harms_nobody(subos, command, cause, reason, parked):
    subos.send(command)
    box = subos.wait_cause()
    assert box["cause"] == cause
    assert box["reason"].startswith(reason)
    for _ in poll("cores to be parked"):
        if subos.parked((0, 1)) >= parked:
            break
    # The machine went on: no reset, no power-off, and no ACPI register was needed.
    assert subos.process.poll() is None
    assert (box["reset"], box["sleep"]) == (0, 0)


@pytest.mark.parametrize(
    "fault, reason",
    [
        ({"magic": 0}, "magic"),
        ({"major": 1}, "version 1.0"),
        ({"spoil": 1}, "checksum"),
        ({"start": BOOT_AREA + 0x200000}, "does not belong to boot range"),
        ({"mailbox": 0x1000}, "does not belong to boot range"),
        ({"grant": 0x1000}, "does not belong to grant page"),
    ],
)
def test_broken_handoff_is_refused_untouched(bare, fault, reason):
    """Its mailbox address is worth nothing either: nothing is written anywhere."""
    assert reason in refuse(bare, handoff(**fault))
    box = bare.mailbox()
    assert (box["magic"], box["stage"], box["cause"]) == (0, 0, 0)


@pytest.mark.parametrize(
    "fault, reason",
    [
        ({"name": b"../x"}, "bad name"),
        ({"name": b"x" * 32}, "bad name"),
        ({"nr_cpus": 0}, "0 cores"),
        ({"nr_cpus": 257}, "257 cores"),
        ({"cpus": (0, 0xFFFF)}, "APIC id 65535"),
        ({"cpus": (0, 1, 1)}, "APIC id 1 is there twice"),
        ({"cpus": (1, 0)}, "booted on APIC id 0, the hand-off says 1"),
        ({"cpus": (0, 7)}, "core with APIC id 7"),
        ({"size": 0x1000}, "bad memory range"),
        ({"size": 0xFFFFFFFFFFE00000}, "bad memory range"),
        ({"low_slice": 0}, "bad low-memory slice"),
        ({"low_slice": 0x9C000}, "bad low-memory slice"),
        ({"low_slice": 0xFFFFFFFFFFFF8000}, "bad low-memory slice"),
    ],
)
def test_wrong_grant_is_refused_and_told(bare, fault, reason):
    assert reason in refuse(bare, handoff(**fault))
    box = bare.mailbox()
    assert box["cause"] == AGENT
    assert reason in box["reason"]
    assert bare.run("cat /sys/devices/system/cpu/online") == (0, "0\n")


def test_broken_grant_page_is_refused_and_told(bare):
    poke(bare, GRANT, grant_page(), grant_page(magic=0))
    assert "grant" in refuse(bare, handoff())
    box = bare.mailbox()
    assert box["cause"] == AGENT and "grant" in box["reason"]
    assert bare.run("cat /sys/devices/system/cpu/online") == (0, "0\n")


def test_core_that_is_not_granted_stays_down(bare):
    """The hand-off says that it may have it, the grant page that it may not."""
    poke(bare, GRANT, grant_page(), grant_page(cpus=(0,)))
    bare.run("insmod /rf_ficm.ko; insmod /rf_subos.ko")
    assert bare.run("cat /sys/devices/system/cpu/online") == (0, "0\n")


def test_silent_supervisor_is_noticed(subos):
    """Nobody answers its HELLO: it goes on all the same."""
    assert "going on without it" in subos.run("dmesg | grep rf_subos:")[1]
    assert subos.run("echo alive") == (0, "alive\n")


def refuse(machine, data):
    """Loads the agent on this hand-off, which must fail; returns what it logged."""
    poke(machine, HANDOFF, handoff(), data)
    assert machine.run("insmod /rf_ficm.ko")[0] == 0
    assert machine.run("insmod /rf_subos.ko")[0]
    return machine.run("dmesg | grep rf_subos:")[1]


def poke(machine, address, old, data):
    """Change what differs between @old, which is there, and @data."""
    for offset in range(0, len(data), 4):
        if data[offset:offset + 4] != old[offset:offset + 4]:
            word = int.from_bytes(data[offset:offset + 4], "little")
            assert machine.run(f"devmem {address + offset:#x} 32 {word:#x}")[0] == 0


def test_without_table_first_stage_powers_off(machines):
    machine = machines("rdinit=/rf/init", table=False)
    assert machine.process.wait(PATIENCE) == 0
    assert ("rf_subos: no ACPI table RFOS: this kernel was not started as a subOS"
            in machine.console())
    assert ("rainforest: cannot load /rf/rf_subos.ko: No such device; powering off"
            in machine.console())


def test_without_init_first_stage_powers_off(machines):
    machine = machines('rdinit=/rf/init rf.init="/no where" -- rf.init=/init')
    box = machine.wait_cause()
    # It never ran: nothing of the user's has begun.
    assert (box["stage"], box["cause"]) == (STAGE_CPUS, POWEROFF)
    assert ("rainforest: cannot run the init of this subOS, /no where: "
            "No such file or directory; powering off") in machine.console()
