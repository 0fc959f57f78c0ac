# SPDX-License-Identifier: GPL-2.0
"""Programs on a machine that go on while a test does something else, and shells in subOSes."""

import itertools
import os
import re
import signal
import threading
import time

from lab import LabError


class Session:
    """A program on the machine, with its input and output at hand.

    @size: (rows, columns) of the terminal it runs on; without one it has pipes.
    """

    def __init__(self, machine, *argv, size=None):
        self.machine = machine
        self.argv = list(map(str, argv))
        self.size = size
        self.status = None
        self.farewell = None  # the signal at the end of its input
        self.ended = False
        self.output = b""
        self.changed = threading.Condition()
        self.source, self.sink = os.pipe()
        self.thread = threading.Thread(target=self.follow, daemon=True)
        self.thread.start()

    def follow(self):
        window = (lambda: self.size) if self.size else None
        env = {"TERM": "vt100"}
        try:
            with self.machine.channel() as channel:
                self.status = channel.run(
                    self.argv, self.source, self.take, self.take, env=env, window=window,
                    farewell=lambda: self.farewell,
                )  # fmt: skip
        except LabError as error:
            self.take(f"\n[{error}]\n".encode())
        finally:
            os.close(self.source)
            with self.changed:
                self.ended = True
                self.changed.notify_all()

    def take(self, data):
        with self.changed:
            self.output += data
            self.changed.notify_all()

    @property
    def text(self):
        return self.output.decode(errors="replace").replace("\r", "")

    def send(self, text):
        os.write(self.sink, text.encode())

    def expect(self, pattern, timeout=30, start=0):
        """Wait until the output from @start on matches; returns the match."""
        end = time.monotonic() + timeout * self.machine.config.patience
        with self.changed:
            while not (match := re.search(pattern, self.text[start:])):
                assert not self.ended, f"{self.argv} ended before '{pattern}': {self.text[-2000:]}"
                left = end - time.monotonic()
                assert left > 0, f"no '{pattern}' from {self.argv}: {self.text[-2000:]}"
                self.changed.wait(min(left, 1))
        return match

    def wait(self, timeout=30):
        """Wait until the program ends; returns its status."""
        self.thread.join(timeout * self.machine.config.patience)
        assert self.ended, f"{self.argv} goes on: {self.text[-2000:]}"
        return self.status

    def close(self, timeout=30):
        """No more input; what the program does of it is its affair. Once."""
        if self.sink is None:
            return
        os.close(self.sink)
        self.sink = None
        self.thread.join(timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Shell:
    """Commands in a subOS, through its console. Kernel messages go to its log only."""

    PROMPT = "subos# "
    marks = itertools.count(1)

    def __init__(self, supervisor, name, *options, timeout=60):
        self.name = name
        self.unheard = None  # the last line, or its mark, until something is heard of it
        self.session = Session(supervisor.machine, "rfm", "console", name, "--idle", "1", *options)
        again = ""
        if "--no-history" in options:
            # The prompt may have been printed already, and what was typed before may have
            # stopped the output or begun a line: go on (Ctrl-Q), give that line up (Ctrl-C).
            self.session.send("\x11\x03")
        else:
            # A prompt of the kernel that runs now, not one in the scroll-back of those before.
            again = "started again.*" * (supervisor.show(name)["starts"] - 1)
            self.send("")
        self.session.expect(f"(?s){again}{self.PROMPT}", timeout=timeout)
        # No prompt, no editing, no echo: one line is one command.
        self.send("dmesg -n 1; stty -echo -onlcr; while IFS= read -r line; do eval \"$line\"; done")
        self.run("mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null; true")

    def send(self, line, mark=None):
        self.unheard = mark or line
        self.session.send(line + "\n")

    def heard(self, mark):
        if self.unheard == mark:
            self.unheard = None

    def start(self, command):
        """Begin @command; returns what result() wants."""
        # The mark is put together there, so that an echo of the line does not hold it.
        mark = f"{os.getpid()}.{next(self.marks)}"
        start = len(self.session.text)
        self.send(f"echo '<'{mark}'<'; {{ {command}; }} 2>&1 </dev/null; echo '>'{mark} $?'>'", mark)
        return command, mark, start

    def await_start(self, begun, timeout=30):
        """Wait until a command that was begun runs."""
        _, mark, start = begun
        self.session.expect(f"<{re.escape(mark)}<", timeout, start)
        self.heard(mark)

    def result(self, begun, timeout=30):
        """(status, output) of a command that was begun."""
        _, mark, start = begun
        each = re.escape(mark)
        match = self.session.expect(rf"(?s)<{each}<\n(.*?)>{each} (\d+)>", timeout, start)
        self.heard(mark)
        return int(match[2]), match[1]

    def run(self, command, timeout=30):
        """What @command prints, which has to succeed."""
        status, output = self.result(self.start(command), timeout)
        assert status == 0, f"in {self.name}: '{command}' ended with status {status}: {output}"
        return output

    def close(self):
        """At once if it has all that was said to it, else when nothing comes any more."""
        self.session.farewell = None if self.unheard else signal.SIGTERM
        self.session.close(timeout=5)

    # ---- what the kernel inside says ----

    def online(self):
        return self.run("cat /sys/devices/system/cpu/online").strip()

    def apic_ids(self):
        return apic_ids(self.run("cat /proc/cpuinfo"))

    def memory(self):
        """MemTotal in bytes."""
        return int(self.run("sed -n 's/MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo")) << 10

    def ram(self):
        return system_ram(self.run("cat /proc/iomem"))

    def alive(self):
        return self.run("echo alive").strip() == "alive"


def apic_ids(cpuinfo):
    """Physical ids of the cores that are online."""
    return {int(each) for each in re.findall(r"^apicid\s*: (\d+)$", cpuinfo, re.M)}


def system_ram(iomem):
    """[(start, end)] of System RAM, ends exclusive."""
    found = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) : System RAM", iomem, re.M)
    return [(int(start, 16), int(end, 16) + 1) for start, end in found]
