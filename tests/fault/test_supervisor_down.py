# SPDX-License-Identifier: GPL-2.0
"""The supervisor goes down while a subOS runs: the subOS is stopped first."""

import hashlib
import os
import re
import shutil
import subprocess
import time

import pytest
from functional import disks
from functional.functions import Lender, block
from functional.subos import Supervisor, ignore_init

BUSY = "while :; do :; done"


def busy_subos(machines, **fields):
    supervisor = Supervisor(machines(**fields))
    supervisor.create("web", "2-3", mem="256M", run=BUSY)
    return supervisor


def test_poweroff(machines):
    """Also beside a core that runs on."""
    supervisor = busy_subos(machines)
    machine = supervisor.machine
    ignore_init(machine, 3, True)
    machine.exec("setsid sh -c 'sleep 0.2; poweroff -f' > /dev/null 2>&1 &")
    assert machine.wait_exit(60) == "powered off"
    assert "subOS web is stopped: the supervisor goes down" in machine.serial(0)
    assert "subOS web: CPU 3 does not react to INIT: it runs on" in machine.serial(0)


def test_reboot(machines):
    supervisor = busy_subos(machines, allow_reboot=True)
    machine = supervisor.machine
    machine.exec("setsid sh -c 'sleep 0.2; reboot -f' > /dev/null 2>&1 &")
    await_serial(machine, r"(?s)the supervisor goes down.*Run /init")
    machine.wait_ready(clock=True)
    supervisor.create("web", "2-3", mem="256M")


def test_kexec(machines):
    """The next kernel finds all cores and a machine in which nothing else writes."""
    supervisor = busy_subos(machines)
    kernel = f"/boot/vmlinuz-{supervisor.version}"
    initrd = f"/boot/initrd.img-{supervisor.version}"
    machine = supervisor.machine
    supervisor.sh(f"kexec -l {kernel} --initrd={initrd} --append='console=ttyS0,115200 panic=0'")
    machine.exec("setsid sh -c 'sleep 0.2; kexec -e' > /dev/null 2>&1 &")
    log = await_serial(machine, r"(?s)the supervisor goes down.*subos: init reached")
    assert re.search(r"(?s)the supervisor goes down.*smp: Brought up 1 node, 4 CPUs", log)
    # Nobody answers in that kernel: end the machine before its log is asked for.
    machine.stop(keep=True)


@pytest.mark.extended
@pytest.mark.budget(200)
@pytest.mark.trouble_expected
def test_crash_kernel(machines):
    """It finds the subOS's disk at rest, which was written to all the time, and all cores parked."""
    machine = machines(snapshot=False, disks=["nvme:blank=128M"], append="crashkernel=256M")
    lender = Lender(machine)
    files = disks.programs("mkfs.ext4")
    words = ("--initrd", lender.initrd_with(files=files), "--pci", lender.bdf("disk0"))
    lender.create("web", "2-3", *words, mem="384M")
    with lender.shells("web") as shell:
        device = block(shell.run, lender.bdf("disk0"))
        disks.make_ext4(shell.run, device)
        disks.mount(shell.run, device, "/mnt")
        disks.begin_files(shell.run, "/mnt")
        read = "dd if=/proc/vmcore bs=1M skip=64 count=32 of=/dev/null 2>/dev/null"
        read = f'lab.run="head -c 4 /proc/vmcore; {read} && stat -c %s /proc/vmcore"'
        lender.sh(
            f"kexec -p /boot/vmlinuz-{lender.version} --initrd=/boot/initrd.img-{lender.version} "
            f"--append='console=ttyS0,115200 panic=0 nr_cpus=1 reset_devices {read}'"
        )
        machine.exec("setsid sh -c 'sleep 0.2; echo c > /proc/sysrq-trigger' > /dev/null 2>&1 &")
        await_serial(machine, "subOS web is stopped: a crash kernel follows", crashed=True)
        first = digest(disks.image(machine, "disk0"))
        log = await_serial(machine, r"(?s)subos: .ELF\d+.*ended with status 0", crashed=True)
    assert digest(disks.image(machine, "disk0")) == first
    assert int(re.search(r"subos: .ELF(\d+)", log)[1]) > 1 << 30
    kept = shutil.copy(disks.image(machine, "disk0"), machine.folder / "copy.raw")
    machine.stop(keep=True)
    for options, wanted in (("-fy", (0, 1)), ("-fn", (0,))):
        done = subprocess.run(["e2fsck", options, kept], capture_output=True, text=True)
        assert done.returncode in wanted, done
    os.remove(kept)


def digest(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def await_serial(machine, pattern, timeout=90, crashed=False):
    """Wait until the console has @pattern; a machine that dies ends the wait, unless it @crashed."""
    end = time.monotonic() + timeout
    while not re.search(pattern, log := machine.serial(0)):
        if not crashed:
            machine.watch.check()
        assert time.monotonic() < end, f"no '{pattern}' on the console"
        time.sleep(0.1)
    return log


def test_no_suspend_beside_a_create(supervisor):
    """Not even while it takes what it needs, and is in no list yet."""
    supervisor.sh("echo freezer > /sys/power/pm_test")
    suspend = "echo freeze > /sys/power/state"
    kernel = f"/boot/vmlinuz-{supervisor.version}"
    create = f"rfm create web --cores 1-3 --mem 256M --no-start --kernel {kernel} >/dev/null"
    result = supervisor.machine.exec(
        f"{create} & pid=$!; until grep -qv 0-3 /sys/devices/system/cpu/online; do :; done;"
        f"ls /sys/class/misc/rainforest/subos; {suspend}; wait $pid"
    )
    assert result.ok and not result.stdout and "busy" in result.stderr.lower(), result
    assert supervisor.machine.exec(suspend).status != 0
    supervisor.destroy("web")
    supervisor.sh(suspend)
    supervisor.create("web", "3", mem="256M")


@pytest.mark.parametrize("load", ["idle", pytest.param("busy", marks=pytest.mark.extended)])
def test_clock_and_interrupts(supervisor, load):
    """The supervisor's time and interrupts stay right while subOSes come and go."""
    if load == "busy":
        supervisor.machine.exec("for i in 1 2; do setsid sh -c 'while :; do :; done' & done")

    def offset():
        return time.monotonic() - float(supervisor.sh("cat /proc/uptime").split()[0])

    first = offset()
    for cores in ("3", "2-3"):
        supervisor.create("web", cores, mem="256M", run="true")
        supervisor.await_log("web", "lab.run ended")
        supervisor.destroy("web")
    assert abs(offset() - first) < 1
    interrupts = supervisor.sh("cat /proc/interrupts")
    assert re.search(r"ERR: +0\n", interrupts) and re.search(r"MIS: +0\n", interrupts)
    assert re.search(r"SPU:( +0)+ ", interrupts)
    assert "unstable" not in supervisor.sh("dmesg")
