# SPDX-License-Identifier: GPL-2.0
"""What rfm and the modules tell somebody to do is done, word by word, and then what was refused works.

The command, or the parameter, is always taken out of the line that says it. Where else that is done,
and what the lab cannot do: remedies.py, which a style test holds against the sources.
"""

import re
import shlex

import pytest
from functional.session import Session
from functional.subos import KERNEL, Supervisor

INTERNAL, USAGE, BAD_VALUE, BUSY, NO_MODULE = 1, 2, 3, 5, 9
NOT_UP, NO_LOG, NO_ANSWER, INTERRUPTED = 10, 12, 13, 130
INSIST = "--allow-smt-split"


def refused(result, status):
    """The line that says what to do."""
    assert result.status == status, result
    return result.stderr


def said(line, command, *more):
    """The words of the command in quotes in a line that begins with @command, and @more if there is none."""
    [words] = {each for each in re.findall(r"'([^']*)'", line) if each.startswith(command)}
    return shlex.split(words) + [each for each in more if each not in words.split()]


def follow(supervisor, line, command, *more):
    """Do what the line says; it has to work."""
    program, *words = said(line, command, *more)
    assert program == "rfm"
    return supervisor.ok(*words)


def create_words(supervisor, cores, *more):
    return ["create", "web", "--cores", cores, "--mem", "256M", "--kernel",
            KERNEL.format(supervisor.version), *more]  # fmt: skip


def test_module_that_is_not_loaded(supervisor):
    supervisor.sh("rmmod rf_supervisor")
    line = refused(supervisor.rfm("list"), NO_MODULE)
    [row] = [each for each in supervisor.rfm("check").stdout.splitlines() if each.startswith("  module: ")]
    command = said(line, "modprobe")
    assert row.rpartition("module: ")[2].strip() == shlex.join(command)
    assert supervisor.machine.exec(*command).ok
    assert supervisor.json("list")["subos"] == []


def test_helper_that_cannot_be_executed(supervisor):
    supervisor.sh("rmmod rf_supervisor")
    assert supervisor.machine.exec("modprobe", "rf_supervisor", "helper=/none").ok
    row = {each["name"]: each for each in supervisor.json("check")["findings"]}["restart helper"]
    assert row["status"] == "warn"
    for command in row["remedy"].split(", then "):
        assert supervisor.machine.exec(*command.replace("PATH", "/usr/sbin/rfm").split()).ok
    row = {each["name"]: each for each in supervisor.json("check")["findings"]}["restart helper"]
    assert row["status"] == "ok"


def test_command_line(supervisor):
    """Who mistypes is told where to look, and what is there helps."""
    for words in ((), ("help", "frob")):
        line = refused(supervisor.rfm(*words), USAGE)
        assert "create" in follow(supervisor, line, "rfm help")
    line = refused(supervisor.rfm("create", "--frob"), USAGE)
    assert "--cores" in follow(supervisor, line, "rfm help create")
    line = refused(supervisor.rfm("pci", "vf", "00:1f.2"), USAGE)
    assert "0000:00:00.0" in supervisor.ok(*re.search(r"give 'rfm (pci)'", line)[1].split())
    for bdf in ("nvme0", "0000:7f:00.0"):
        line = refused(supervisor.rfm(*create_words(supervisor, 3, "--pci", bdf)), BAD_VALUE)
        assert "0000:00:00.0" in follow(supervisor, line, "rfm pci")
    line = refused(supervisor.rfm(*create_words(supervisor, 3, "--until", "login", "--no-console",
                                                "--dry-run")), BAD_VALUE)  # fmt: skip
    instead = re.search(r"give (--until \w+)", line)[1].split()
    supervisor.ok(*create_words(supervisor, 3, *instead, "--no-console", "--dry-run"))


def test_few_files(supervisor):
    exec_few = "ulimit -S -n 10; {} rfm list"
    result = supervisor.machine.exec("sh", "-c", exec_few.format(""))
    assert result.status == INTERNAL, result
    raised = shlex.join(said(result.stderr, "ulimit"))
    assert supervisor.machine.exec("sh", "-c", exec_few.format(raised + ";")).ok


def test_not_root(supervisor):
    """`rfm check` of a user says what root sees."""
    supervisor.sh("grep -q nobody /etc/passwd || echo 'nobody:x:65534:65534::/:/bin/sh' >>/etc/passwd")
    result = supervisor.machine.exec("su", "-s", "/bin/sh", "-c", "rfm check --json", "nobody")
    assert "run rfm check as root to see all" in result.stdout, result
    assert "run rfm check as root" not in supervisor.rfm("check", "--json").stdout


@pytest.mark.budget(240)
def test_states(supervisor):
    """A subOS that cannot be asked what is asked says what can be done."""
    initrd = supervisor.initrd_with("rf_hang")
    supervisor.create("web", 3, "--no-start", "--initrd", initrd, mem="256M")
    for words in (("log", "web"), ("dump", "web", "/tmp/dump")):
        line = refused(supervisor.rfm(*words), NO_LOG)
        assert said(line, "rfm start") == ["rfm", "start", "web"]
    follow(supervisor, line, "rfm start")
    assert "Linux version" in supervisor.log("web")

    line = refused(supervisor.rfm("start", "web"), BUSY)
    follow(supervisor, line, "rfm restart", "web")
    assert supervisor.show("web")["starts"] == 2

    with supervisor.shells("web") as shell:
        shell.send("insmod /rf_hang.ko")
        supervisor.await_state("web", "lost", timeout=20)
    line = refused(supervisor.rfm("start", "web"), BUSY)
    follow(supervisor, line, "rfm restart --force", "web", "--timeout", "30")
    assert supervisor.show("web")["state"] == "running"
    supervisor.destroy("web")

    supervisor.ok(*create_words(supervisor, 3, "--no-agent"))
    line = refused(supervisor.rfm("stop", "web"), NO_ANSWER)
    follow(supervisor, line, "rfm stop --force")
    assert supervisor.show("web")["state"] == "stopped"
    supervisor.destroy("web")


@pytest.mark.budget(240)
def test_boots_that_fail_or_are_interrupted(supervisor):
    """What is kept can be looked at, and removed."""
    supervisor.sh("mkdir /tmp/none; cd /tmp/none; echo . | cpio -o -H newc > /tmp/empty.img 2>/dev/null")
    result = supervisor.rfm(*create_words(supervisor, 3, "--initrd", "/tmp/empty.img"))
    line = refused(result, NOT_UP).splitlines()[0]
    assert "cannot run the init" in follow(supervisor, line, "rfm log", "web")
    follow(supervisor, line, "rfm destroy", "web")

    # Nobody asks for a login there.
    words = create_words(supervisor, 3, "--until", "login")
    with Session(supervisor.machine, "rfm", *words) as session:
        supervisor.await_state("web", "running")
        supervisor.sh("kill -INT $(pidof rfm)")
        assert session.wait() == INTERRUPTED
    line = session.text.splitlines()[-1]
    assert "web" in follow(supervisor, line, "rfm list")
    follow(supervisor, line, "rfm destroy")
    assert supervisor.json("list")["subos"] == []


@pytest.mark.extended
@pytest.mark.budget(300)
def test_siblings(machines):
    """Who insists gets what was refused."""
    args = ["-smp", "6,cores=3,threads=2,sockets=1"]
    supervisor = Supervisor(machines(cpus=6, snapshot=False, qemu_args=args))
    words = create_words(supervisor, 2)
    line = refused(supervisor.rfm(*words), BAD_VALUE)
    supervisor.ok(*words, insisted(line))
    supervisor.resize("web", "--cores", "+4-5")
    words = ("resize", "web", "--cores", "-5")
    line = refused(supervisor.rfm(*words), BAD_VALUE)
    supervisor.ok(*words, insisted(line))
    line = refused(supervisor.rfm("resize", "web"), USAGE)
    supervisor.ok("resize", "web", re.search(r"give (--\w+)", line)[1], "+5")
    line = refused(supervisor.rfm("resize", "web", "--ncores", "-3"), BAD_VALUE)
    assert INSIST in line
    assert sorted(supervisor.show("web")["cores"]) == [2, 4, 5]


def insisted(line):
    return re.search(r"insist with (--[a-z-]+)", line)[1]


# What the machine was booted with, to be refused.
PARAMETERS = {"no_ipi_broadcast=1": "no_ipi_broadcast=0", "possible_cpus=16": "possible_cpus=4"}


@pytest.mark.extended
@pytest.mark.budget(300)
@pytest.mark.parametrize("parameter", PARAMETERS)
def test_boot_with(machines, parameter):
    """The module, and `rfm check`, say with which parameter to boot; with it the module loads."""
    bad = PARAMETERS[parameter]
    supervisor = Supervisor(machines(snapshot=False, cpus=2, append=bad))
    [line] = [each for each in supervisor.machine.dmesg().splitlines() if "; boot with " in each][:1]
    helps = line.rpartition("; boot with ")[2].strip()
    rows = supervisor.json("check")["findings"] if supervisor.rfm("check").status == 0 else [
        each for each in supervisor.rfm("check").stdout.splitlines() if f"{helps} on the" in each
    ]  # fmt: skip
    assert helps == parameter and rows
    better = Supervisor(machines(snapshot=False, cpus=2, append=f"{bad} {helps}"))
    assert better.json("list")["subos"] == []
