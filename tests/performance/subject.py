# SPDX-License-Identifier: GPL-2.0
"""What is measured: rfm create on a machine of the lab, until the subOS's init runs."""

import json
import re
import time
from contextlib import contextmanager

from lab import LabError, Machine
from performance.console import FIRST_LINE, INIT, Console

NAME = "bench"
UART = "ttyS1"
TIMEOUT = 180
QUIET = 1.5
UP = re.compile(r"^\[ *([\d.]+)\] rf_subos: subOS .* up$", re.M)
REACHED = re.compile(r"^\[ *([\d.]+)\] subos: init reached$", re.M)


class Subject:
    """A supervisor with as many cores for itself as a create can use, and @cores to lend."""

    OWN_CORES = 2

    def __init__(self, cores, mem, kernel):
        self.machine = Machine(name="bench-supervisor", cpus=self.OWN_CORES + cores, kernel=kernel)
        self.cores = f"{self.OWN_CORES}-{self.OWN_CORES + cores - 1}"
        self.mem = mem
        self.version = None

    def __enter__(self):
        self.machine.start_from_snapshot()
        self.version = self.machine.sh("uname -r").strip()
        return self

    def __exit__(self, *_):
        self.machine.stop()

    @contextmanager
    def paused(self):
        """The machine takes no processor time from what is measured beside it."""
        with self.machine.qmp() as qmp:
            qmp("stop")
        try:
            yield
        finally:
            with self.machine.qmp() as qmp:
                qmp("cont")

    def create(self, uart):
        """One create, and its destroy; returns seconds."""
        words = ["--uart", UART] if uart else []
        with self.machine.channel() as channel, self.console() as console:
            begin, answer = self.run_create(channel, words)
            returned = time.monotonic() - console.start
            if uart:
                console.wait(INIT, TIMEOUT, self.machine.alive)
        log = self.await_init()
        result = times(begin, answer, log)
        if uart:
            result["total"] = console.seen[INIT]
            result[f"{FIRST_LINE} to init"] = console.seen[INIT] - console.seen[FIRST_LINE]
        result["rfm returned"] = returned
        known = sum(result["phases"].values())
        result["phases"]["start of rfm, between phases"] = result["total"] - known
        self.machine.sh(f"rfm destroy {NAME}", timeout=TIMEOUT)
        return result

    def create_without_agent(self):
        """The same with no first stage, no agent, and so one core."""
        with self.machine.channel() as channel, self.console() as console:
            self.run_create(channel, ["--uart", UART, "--no-agent"])
            console.wait(INIT, TIMEOUT, self.machine.alive)
        self.machine.sh(f"rfm destroy {NAME}", timeout=TIMEOUT)
        return {
            "total": console.seen[INIT],
            f"{FIRST_LINE} to init": console.seen[INIT] - console.seen[FIRST_LINE],
        }

    def console(self):
        return Console(self.machine.folder / f"serial{UART[-1]}.log")

    def run_create(self, channel, words):
        """When it began by the supervisor's clock, and what rfm said."""
        command = (
            "read up rest </proc/uptime; echo $up; "
            f"exec rfm create {NAME} --cores {self.cores} --mem {self.mem} "
            f"--kernel /boot/vmlinuz-{self.version} --json {' '.join(words)}"
        )
        status, out, err = self.machine.run(channel, ["sh", "-c", command], timeout=TIMEOUT)
        if status:
            raise LabError(f"rfm create failed: {err.decode()}")
        begin, _, answer = out.decode().partition("\n")
        return float(begin), json.loads(answer)

    def await_init(self):
        # To look earlier would take processor time from what is measured.
        time.sleep(QUIET)
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            log = self.machine.sh(f"rfm log {NAME}")
            if REACHED.search(log):
                return log
            time.sleep(0.2)
        raise LabError(f"the subOS's init was not reached in {TIMEOUT} s")

    def vmlinux(self):
        """The uncompressed kernel, as the last create entered it."""
        entry = self.machine.sh("ls -t /var/cache/rainforest/vmlinux-* | head -n1").strip()
        status, data, err = self.machine.exec_bytes(["cat", entry], timeout=TIMEOUT)
        if status or b"\x7fELF" not in data[:8192]:
            raise LabError(f"no uncompressed kernel in {entry}: {err.decode()}")
        return data[data.index(b"\x7fELF") :]


def times(begin, answer, log):
    """Seconds, from what rfm, the supervisor's clock and the subOS's kernel log say.

    The supervisor's clock ends with 'running', the subOS's log goes on: it has that moment too, for
    the agent's last line comes right before it.
    """
    at = {name: ns / 1e9 for name, ns in answer["moments_ns"].items()}
    to_init = float(REACHED.search(log)[1]) - float(UP.search(log)[1])
    phases = {phase["phase"]: phase["seconds"] for phase in answer["phases"]}
    phases["running to init"] = to_init
    return {
        "phases": phases,
        "SIPI to init": at["running"] - at["start"] + to_init,
        "total": at["running"] - begin + to_init,
        "entry": answer["entry"],
    }
