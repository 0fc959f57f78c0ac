# SPDX-License-Identifier: GPL-2.0
"""The lab itself: commands, files, several machines, and how a machine's end is told."""

import hashlib
import os
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from lab import LabError, Machine, MachineDied, Timeout, paths

LAB = paths.SOURCE / "tests/lab/lab"


def lab(*words, input=b"", timeout=300):
    return subprocess.run([LAB, *map(str, words)], input=input, capture_output=True,
                          timeout=timeout)  # fmt: skip


def test_status_and_streams(machine):
    result = machine.exec("cat; echo err >&2; exit 7", input="in\n")
    assert (result.status, result.stdout, result.stderr) == (7, "in\n", "err\n")
    assert machine.exec("no-such-program", "x").status == 127
    assert machine.exec("kill -9 $$").status == 128 + 9
    assert machine.sh("echo $WORD $PWD", env={"WORD": "w"}, cwd="/usr") == "w /usr\n"


def test_streams_are_binary_safe(machine):
    data = os.urandom(3_000_000)
    status, out, err = machine.exec_bytes(["tee", "/dev/stderr"], data)
    assert status == 0 and out == data and err == data


def test_input_that_is_not_taken(machine):
    assert machine.exec("exec <&-; sleep 0.2; echo done", input=b"x" * 1_000_000).ok
    assert machine.exec("sleep 0.2", input=b"x" * 1_000_000).ok


def test_timeout_ends_the_command(machine):
    with pytest.raises(Timeout, match="took longer than 0.5 s"):
        machine.exec("exec sleep 1000", timeout=0.5)
    assert machine.exec("while pidof sleep; do usleep 10000; done", timeout=10).ok


def test_commands_at_once(machine):
    """More than there are ports: the others wait for a free one."""
    with ThreadPoolExecutor(12) as pool:
        results = list(pool.map(lambda n: machine.sh(f"usleep 100000; echo {n}"), range(12)))
    assert results == [f"{n}\n" for n in range(12)]


def test_put_and_get(machine, tmp_path):
    source = tmp_path / "source"
    (source / "folder").mkdir(parents=True)
    data = os.urandom(2_000_000)
    (source / "folder/data").write_bytes(data)
    (source / "script").write_text("#!/bin/sh\necho ran\n")
    (source / "script").chmod(0o755)

    machine.put(source, "/tmp/copy")
    assert machine.sh("/tmp/copy/script") == "ran\n"
    digest = hashlib.sha256(data).hexdigest()
    assert machine.sh("sha256sum </tmp/copy/folder/data").split()[0] == digest
    machine.get("/tmp/copy", tmp_path / "back")
    assert (tmp_path / "back/folder/data").read_bytes() == data
    assert os.access(tmp_path / "back/script", os.X_OK)
    machine.put(source / "script", "/tmp")
    machine.get("/tmp/script", tmp_path)
    assert (tmp_path / "script").read_text() == (source / "script").read_text()


def test_serial_ports(machine):
    for port in (1, 2, 3):
        machine.sh(f"echo this is port {port} >/dev/ttyS{port}")
        assert f"this is port {port}" in machine.serial(port)
    assert "Linux version" in machine.serial(0)


def test_machines_at_once(machines):
    """Each is its own, resumed from the same snapshot."""
    first, second = machines(), machines()
    first.sh("echo first >/tmp/mark")
    assert not second.exec("test -e /tmp/mark").ok
    second.sh("echo second >/tmp/mark")
    assert first.sh("cat /tmp/mark") == "first\n"


def test_resumed_clock(machine):
    assert abs(int(machine.sh("date +%s")) - time.time()) < 5
    before, start = float(machine.sh("cat /proc/uptime").split()[0]), time.monotonic()
    machine.sh("sleep 2")
    after = float(machine.sh("cat /proc/uptime").split()[0])
    assert after - before == pytest.approx(time.monotonic() - start, abs=0.5)


@pytest.mark.trouble_expected
def test_panic_ends_the_command(machine):
    start = time.monotonic()
    with pytest.raises(MachineDied, match="Kernel panic - not syncing: sysrq triggered crash"):
        machine.exec("echo c >/proc/sysrq-trigger; sleep 1000", timeout=None)
    assert time.monotonic() - start < 15
    assert "---[ end Kernel panic" in machine.serial(0)
    with pytest.raises(MachineDied, match="Kernel panic"):
        machine.exec("true")


@pytest.mark.parametrize(
    "command, cause",
    [("reboot -f", "unexpected machine reset"), ("poweroff -f", "powered off")],
)
def test_end_of_the_machine(machine, command, cause):
    with pytest.raises(MachineDied, match=cause):
        machine.exec(f"{command}; sleep 1000", timeout=None)


def test_hang_ends_the_command(machines):
    machine = machines(hang_timeout=3)
    with machine.qmp() as qmp:
        with machine.channel() as channel:
            qmp("stop")
            with pytest.raises(MachineDied, match="hung: no sign of life for 3 s"):
                machine.run(channel, ["true"])
        qmp("cont")


@pytest.mark.budget(60)
def test_boot(machines):
    """Not from a snapshot: the reserved pool is there, KASLR is on."""
    machine = machines(snapshot=False, mem="4G")
    assert re.search(r"^\w+-17fffffff : Reserved$", machine.sh("cat /proc/iomem"), re.MULTILINE)
    assert "rf_supervisor.pool=2G@0x100000000" in machine.sh("cat /proc/cmdline")
    # Either place may be the one without KASLR by chance (1 in some 500), not both.
    link = machine.sh("grep ' _text$' /proc/kallsyms").split()[0]
    load = re.search(r"(\w+)-\w+ : Kernel code", machine.sh("cat /proc/iomem")).group(1)
    assert (int(link, 16), int(load, 16)) != (0xFFFFFFFF81000000, 0x1000000)


@pytest.mark.budget(60)
def test_boot_with_allowed_reboot(machines):
    machine = machines(snapshot=False, allow_reboot=True, kernel="cloud-amd64", cpus=2)
    before = machine.sh("cat /proc/sys/kernel/random/boot_id")
    with machine.channel() as channel:
        channel.start(["reboot", "-f"], {}, "/", None)
        channel.exchange()
        end = time.monotonic() + 30
        while machine.serial(0).count("Linux version") < 2 and time.monotonic() < end:
            channel.exchange()
    with machine.channel(60) as channel:
        status, after, _ = machine.run(channel, ["cat", "/proc/sys/kernel/random/boot_id"])
    assert status == 0 and after.decode() != before


@pytest.mark.budget(60)
def test_runtime_pool_and_disk(machines, tmp_path):
    """Half of the memory is movable; a disk is behind a root port of its own."""
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(32 << 20))
    machine = machines(snapshot=False, mem="4G", pool="runtime", disks=[f"nvme:{disk}"])
    pages = machine.sh("awk '/zone +Movable/ {z=1} z && /present/ {print $2; exit}' /proc/zoneinfo")
    assert int(pages) * 4096 == 2 << 30
    assert machine.sh("cat /sys/block/nvme0n1/size") == f"{(32 << 20) // 512}\n"
    path = machine.sh("readlink -f /sys/block/nvme0n1/device/device").strip()
    assert re.search(r"/0000:00:[^/]+/0000:01:00.0$", path)


@pytest.mark.budget(60)
def test_devices(machines):
    """Each function is where it is said to be, by the name it has here, and the IOMMU is on."""
    machine = machines(
        snapshot=False, iommu=True, disks=["nvme:blank=32M", "virtio:blank=16M:rootbus"],
        devices=["e1000e", "virtio-net:function", "edu:rootbus"],
    )  # fmt: skip
    where = {name: machine.bdf(name) for name in ("disk0", "disk1", "dev0", "dev1", "dev2")}
    found = machine.sh("cd /sys/bus/pci/devices; grep -H . */device").split()
    ids = {line.partition("/")[0]: line.rpartition(":")[2] for line in found}
    assert [ids[each] for each in where.values()] == [
        "0x0010", "0x1042", "0x10d3", "0x1041", "0x11e8",
    ]  # fmt: skip
    assert where["disk1"].startswith("0000:00:") and where["dev2"].startswith("0000:00:")
    assert where["dev0"].removesuffix(".0") == where["dev1"].removesuffix(".1")
    groups = "cd /sys/bus/pci/devices; realpath {dev0}/iommu_group {dev1}/iommu_group"
    first, second = machine.sh(groups.format(**where)).split()
    assert first == second
    with pytest.raises(LabError, match="no PCI function 'disk2'"):
        machine.bdf("disk2")


def test_trace(machines):
    """Every access to a device is told with its core."""
    machine = machines(trace=True)
    machine.sh("taskset 4 cat /sys/class/rtc/rtc0/time /proc/interrupts")
    events = (machine.folder / "events.log").read_text(errors="replace")
    assert "memory_region_ops_write cpu 2 mr" in events and "'apic-msi'" in events


@pytest.mark.budget(400)
def test_command_line():
    """The verbs, as a person uses them."""
    name = f"--name=test-{os.getpid()}-cli"
    assert lab("exec", name, "--", "true").returncode == 125
    done = lab("up", name, "--snapshot", "--cpus=2")
    assert done.returncode == 0, done.stderr
    try:
        script = "cat; nproc; echo err >&2; exit 3"
        done = lab("exec", name, "--", "sh", "-c", script, input=b"in\n")
        assert (done.returncode, done.stdout, done.stderr) == (3, b"in\n2\n", b"err\n")
        assert lab("exec", name, "--timeout=1", "--", "sleep", "100").returncode == 124
        assert lab("shell", name, input=b"echo $((6 * 7))\n").stdout == b"42\n"
        assert b"Linux version" in lab("serial", name, 0).stdout
        assert name.partition("=")[2] in lab("list").stdout.decode()
        done = lab("exec", name, "--", "sh", "-c", "echo c >/proc/sysrq-trigger; sleep 100")
        assert done.returncode == 125 and b"Kernel panic" in done.stderr
    finally:
        assert lab("down", name).returncode == 0
    done = lab("run", name, "--snapshot", "--cpus=2", "--", "sh", "-c", "exit 9")
    assert done.returncode == 9, done.stderr
    assert not (paths.MACHINES / name.partition("=")[2]).exists()


@pytest.mark.extended
@pytest.mark.budget(240)
def test_debian(machines):
    """A real Debian: systemd has brought up all it should."""
    machine = machines(snapshot=False, rootfs="debian")
    assert machine.sh("systemctl is-system-running --wait", timeout=120) == "running\n"
    machine.sh("test -s /boot/debian-subos.img && test -s /boot/initrd.img-$(uname -r)")


def test_unknown_machine():
    done = lab("exec", "--name=nobody", "--", "true")
    assert done.returncode == 125 and b"no machine 'nobody'" in done.stderr
    assert "nobody" not in Machine.names()
