# SPDX-License-Identifier: GPL-2.0
"""Kernels that talk: the test client of rf_ficm (tests/modules/rf_chat.c) on every side."""

import re
from contextlib import contextmanager

from functional.subos import Supervisor

CHAT = "/sys/kernel/debug/rf_chat"
FICM = "/sys/kernel/debug/rainforest-ficm"
NORMAL, URGENT = 1, 0


class Talker:
    """The client in one kernel. @run: runs a command there and returns what it prints."""

    def __init__(self, run):
        self.run = run
        self.member = int(self.report()["self"])

    def say(self, command, timeout=60):
        """Run a command of the client to its end."""
        return self.run(f"echo {command} >{CHAT}/command", timeout=timeout)

    def report(self):
        """Single values by name."""
        lines = self.run(f"cat {CHAT}/report").splitlines()
        return dict(line.split() for line in lines if len(line.split()) == 2)

    def present(self):
        text = self.run(f"cat {CHAT}/report")
        return {int(each) for each in re.findall(r"^present (\d+)$", text, re.M)}

    def word(self, member):
        """The word in the arena that `atomic` counts in."""
        text = self.run(f"cat {CHAT}/report")
        return int(re.search(rf"^word {member} (-?\d+)$", text, re.M)[1])

    def flow(self, kind, member):
        """Of what came from @member: count, lost, late, wrong."""
        text = self.run(f"cat {CHAT}/report")
        match = re.search(rf"^{kind} {member} (.*)$", text, re.M)
        words = match[1].split() if match else []
        return {key: int(value) for key, value in zip(words[::2], words[1::2])}

    def rescues(self):
        """How often only the heartbeat found a message that waited."""
        text = self.run(f"grep -rhoE 'rescues:?[ \\t]+[0-9]+' {FICM}")
        return sum(int(each) for each in re.findall(r"\d+", text))

    def doorbell_interrupts(self):
        """Interrupts taken, by action, summed over the cores."""
        found = {}
        for line in self.run("cat /proc/interrupts").splitlines():
            match = re.match(r"\s*\d+:((?:\s+\d+)+)\s+(\S.*)", line)
            if match and re.search("rf_|ficm|rainforest", match[2]):
                counts = [int(each) for each in match[1].split()]
                found[match[2].split()[-1]] = found.get(match[2].split()[-1], 0) + sum(counts)
        return found


def whole(count):
    """What a flow says when nothing went wrong."""
    return {"count": count, "lost": 0, "late": 0, "wrong": 0}


@contextmanager
def talkers(supervisor: Supervisor, **subos):
    """Talkers by name: the supervisor, and subOSes made on these cores, with their shells."""
    initrd = supervisor.initrd_with("rf_chat", "rf_hang", "rf_scribble")
    for name, cores in subos.items():
        supervisor.create(name, cores, "--initrd", initrd, mem="256M")
    supervisor.load("rf_chat")
    try:
        with supervisor.shells(*subos) as shells:
            shells = shells if isinstance(shells, list) else [shells]
            for shell in shells:
                shell.run("insmod /rf_chat.ko")
            made = {"supervisor": Talker(supervisor.sh)}
            made |= {shell.name: Talker(shell.run) for shell in shells}
            yield made, {shell.name: shell for shell in shells}
    finally:
        supervisor.machine.exec("rmmod rf_chat")
