# SPDX-License-Identifier: GPL-2.0
"""Dumps of subOSes that run, crashed or hang, as the usual tools read them."""

import re

import pytest
from functional.subos import Supervisor
from functional.vmcore import EM_X86_64, ET_CORE, NT_PRSTATUS, Vmcore
from lab import tools

DUMP = "/tmp/vmcore"
LINE = re.compile(r"^(?:<\d+>)?\[ *\d+\.\d+\](?:\[[^]]*\])? (.*)$", re.M)


def tool_files():
    return tools.program("makedumpfile") | tools.program("vmcore-dmesg")


def reader(supervisor, path):
    def read(offset, size):
        command = ["sh", "-c", f"tail -c +{offset + 1} {path} | head -c {size}"]
        status, data, err = supervisor.machine.exec_bytes(command)
        assert status == 0 and len(data) == size, err
        return data

    return read


def check_elf(supervisor, shown):
    core = Vmcore(reader(supervisor, DUMP))
    assert (core.type, core.machine) == (ET_CORE, EM_X86_64)
    registers = [note for note in core.notes if note.type == NT_PRSTATUS]
    assert len(registers) == len(shown["cores"])
    assert core.info("OSRELEASE") == supervisor.version
    for each in shown["ranges"]:
        for address in (each["start"] + (2 << 20), each["start"] + each["size"] - 1):
            assert core.physical(address), f"{address:#x} is in no segment"
    # The name of the kernel, through the mapping of the kernel and through that of all memory.
    name = core.symbol("init_uts_ns") + int(core.info("OFFSET(uts_namespace.name)"))
    text = core.virtual(name, 195)
    assert text.startswith(b"Linux\0") and supervisor.version.encode() in text
    load = next(each for each in core.loads if each.vaddr <= name < each.vaddr + each.filesz)
    places = core.physical(load.paddr + name - load.vaddr)
    assert len(places) >= 1
    for place in places:
        assert core.read(place, 195) == text


def check_log(supervisor, name, running):
    """The log as vmcore-dmesg and makedumpfile find it in the dump."""
    log = LINE.findall(supervisor.log(name))
    for command in (
        f"vmcore-dmesg {DUMP}",
        f"makedumpfile --dump-dmesg {DUMP} /tmp/log >/dev/null && cat /tmp/log; rm -f /tmp/log",
    ):
        found = set(LINE.findall(supervisor.sh(command, timeout=90)))
        missing = [line for line in log if line not in found]
        # What came after the dump of a subOS that runs is not in it.
        assert not missing or running and len(missing) < 5, (command, missing)


@pytest.mark.budget(400)
def test_dump(machines):
    supervisor = Supervisor(machines())
    supervisor.install(tool_files())
    initrd = supervisor.initrd_with("rf_hang")
    for act, state in (
        ("true", "running"),
        ("sleep 1; echo c > /proc/sysrq-trigger", "crashed"),
        ("sleep 1; insmod /rf_hang.ko", "lost"),
    ):
        supervisor.create("web", "2-3", "--initrd", initrd, mem="256M", run=act)
        supervisor.await_state("web", state)
        supervisor.await_log("web", "init reached")
        result = supervisor.json("dump", "web", DUMP)
        assert result["file"] == DUMP
        assert supervisor.sh(f"stat -c '%a %U' {DUMP}") == "600 root\n"
        shown = supervisor.show("web")
        assert shown["state"] == state
        check_elf(supervisor, shown)
        check_log(supervisor, "web", state == "running")
        supervisor.sh(f"makedumpfile -l -d 31 {DUMP} /tmp/small && rm /tmp/small", timeout=90)
        again = supervisor.rfm("dump", "web", DUMP)
        assert again.status != 0 and again.stderr.count("\n") == 1, again
        supervisor.ok("dump", "web", DUMP, "--force")
        supervisor.sh(f"rm {DUMP}")
        supervisor.destroy("web")


def test_nothing_to_dump(supervisor):
    supervisor.create("later", "3", "--no-start", mem="256M")
    result = supervisor.rfm("dump", "later", DUMP)
    assert result.status == 12 and result.stderr.count("\n") == 1, result
    assert not supervisor.machine.exec(f"ls {DUMP}*").ok
