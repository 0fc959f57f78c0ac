# SPDX-License-Identifier: GPL-2.0
"""Where the supervisor module refuses to load or to create: one clear line, and no harm done."""

import pytest
from functional.subos import Supervisor
from lab import qemu

BAD_VALUE, NOT_PERMITTED, NO_MODULE = 3, 8, 9

POOL = "0x100000000"  # where the lab reserves memory
PREFIX = "rf_supervisor: "

# What is wrong with pool=: what the line says. 2 GiB are reserved from 4 GiB on.
POOLS = {
    "64M": ["pool=64M", "SIZE@ADDRESS"],
    "some@where": ["pool=some@where", "SIZE@ADDRESS"],
    f"64M@{POOL}x": [f"pool=64M@{POOL}x", "SIZE@ADDRESS"],
    f"0@{POOL}": ["0x0@0x100000000", "2 MiB"],
    f"1M@{POOL}": ["0x100000@0x100000000", "2 MiB"],
    "64M@0x100001000": ["0x4000000@0x100001000", "2 MiB"],
    "64M@0x10000000": ["0x4000000@0x10000000", "memmap=SIZE$START"],
    f"4G@{POOL}": ["0x100000000@0x100000000", "memmap=SIZE$START"],
    "64M@0xffffffffffe00000": ["0x4000000@0xffffffffffe00000", "memmap=SIZE$START"],
    f"64M@{POOL},32M@{POOL}": ["0x2000000@0x100000000", "used by somebody else"],
}

# Machines that cannot lend cores: (fields of the machine, what the line says)
MACHINES = {
    "broadcast": ({"append": "no_ipi_broadcast=0"}, ["may be broadcast", "no_ipi_broadcast=1"]),
    "logical": ({"append": "possible_cpus=4"}, ["logical APIC", "possible_cpus=16"]),
    "no-arat": ({"qemu_args": ["-cpu", f"{qemu.CPU},arat=off"]}, ["no ARAT", "no timer"]),
}


def refuses_to_load(supervisor, parts, *parameters):
    """Check that the module does not load and leaves one line in the kernel log, and no more."""
    known = len(supervisor.machine.dmesg().splitlines())
    # Not by the shell: that of BusyBox has a modprobe of its own, which tries everything twice.
    result = supervisor.machine.exec("modprobe", "rf_supervisor", *parameters)
    assert result.status != 0, result
    # The lab's debug kernel tells of each object that goes.
    lines = supervisor.machine.dmesg().splitlines()[known:]
    (line,) = [each for each in lines if "kobject: '" not in each]
    assert PREFIX in line and not [part for part in parts if part not in line], line
    assert "rf_supervisor" not in supervisor.sh("cat /proc/modules")
    assert not supervisor.machine.exec("test -e /dev/rainforest").ok


def refuses(supervisor, words, status, parts):
    result = supervisor.rfm(*words)
    assert result.status == status and not result.stdout, result
    assert result.stderr.startswith("rfm: ") and result.stderr.count("\n") == 1, result
    assert not [part for part in parts if part not in result.stderr], result


def create_words(supervisor):
    kernel = f"/boot/vmlinuz-{supervisor.version}"
    return ["create", "web", "--cores", "3", "--mem", "128M", "--kernel", kernel]


def test_unloaded(supervisor):
    """rfm says what to do; the module refuses bad values of pool=, then loads as before."""
    before = supervisor.state()
    supervisor.sh("rmmod rf_supervisor")
    for words in (create_words(supervisor), ["list"], ["show", "web"], ["destroy", "--all"]):
        refuses(supervisor, words, NO_MODULE, ["rf_supervisor is not loaded", "modprobe"])
    for pool, parts in POOLS.items():
        refuses_to_load(supervisor, parts, f"pool={pool}")
    supervisor.sh("modprobe rf_supervisor")
    assert supervisor.state() == before


def test_locked_down(machine):
    """Under kernel lockdown nothing is created; what can be seen is still seen."""
    supervisor = Supervisor(machine)
    supervisor.sh("mount -t securityfs securityfs /sys/kernel/security")
    supervisor.sh("echo integrity > /sys/kernel/security/lockdown")
    before = supervisor.state()
    refuses(supervisor, create_words(supervisor), NOT_PERMITTED, ["locked down"])
    assert supervisor.json("list")["subos"] == []
    assert supervisor.state() == before


@pytest.mark.parametrize("reason", MACHINES)
def test_machine(machines, reason):
    """The module says what is missing, so does rfm, and the machine goes on."""
    fields, parts = MACHINES[reason]
    supervisor = Supervisor(machines(snapshot=False, cpus=2, **fields))
    refuses_to_load(supervisor, parts)
    refuses(supervisor, create_words(supervisor), NO_MODULE, ["rf_supervisor is not loaded"])
    check = supervisor.rfm("check", "--json")
    assert check.status == BAD_VALUE and (reason == "no-arat" or parts[1] in check.stdout), check
    assert supervisor.online() == "0-1"
