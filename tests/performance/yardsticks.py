# SPDX-License-Identifier: GPL-2.0
"""What a create is compared with: the same kernel and initrd, booted in other ways."""

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from lab import Config, LabError, Machine, paths, qemu
from lab.channel import ENVIRONMENT, EXIT, STDERR
from performance.console import FIRST_LINE, INIT, MARKS, Console

TIMEOUT = 180
SERIAL_WORDS = "console=ttyS0,115200 earlyprintk=serial,0x3f8,115200"
# No kernel console: init itself says on the port that it was reached.
SILENT_WORDS = 'console=tty0 lab.run="echo init reached >/dev/ttyS0"'
SILENT_MARKS = {INIT: b"init reached"}


@dataclass
class QemuBoot:
    """QEMU's -kernel: a bzImage through firmware and decompressor, or an ELF by its PVH entry."""

    name: str
    cores: int
    mem: str
    kernel: Path
    initrd: Path
    silent: bool = False

    def measure(self):
        """Seconds from the start of the QEMU process."""
        folder = paths.BUILD / "bench" / self.name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        with Console(folder / "serial.log", SILENT_MARKS if self.silent else MARKS) as console:
            process = self.launch(folder)
            try:
                total = console.wait(INIT, TIMEOUT, lambda: process.poll() is None)
            finally:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
        return with_parts(total, console)

    def launch(self, folder):
        config = Config(name=f"bench-{self.name}", cpus=self.cores, mem=self.mem)
        command = [
            "setpriv", "--pdeathsig", "KILL", config.qemu, *qemu.machine(config),
            "-kernel", str(self.kernel), "-initrd", str(self.initrd),
            "-append", SILENT_WORDS if self.silent else SERIAL_WORDS,
            "-chardev", "file,id=serial,path=serial.log",
            "-device", "isa-serial,chardev=serial,index=0",
        ]  # fmt: skip
        with open(folder / "qemu.log", "wb") as log:
            return subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )


@dataclass
class Kexec:
    """kexec -l and -e in a lab machine that has the cores and the memory of the subOS."""

    name: str
    cores: int
    mem: str
    kernel: str

    def measure(self):
        """Seconds from the start of the command."""
        machine = Machine(
            name=f"bench-{self.name}", cpus=self.cores, mem=self.mem, kernel=self.kernel,
            append="lab.nomodule",
        )  # fmt: skip
        machine.start_from_snapshot()
        try:
            return self.run(machine)
        finally:
            machine.stop()

    def run(self, machine):
        version = machine.sh("uname -r").strip()
        load = (
            f"kexec -l /boot/vmlinuz-{version} --initrd=/boot/initrd.img-{version} "
            f"--command-line='{SERIAL_WORDS}'"
        )
        # As rfm has run before it is measured, so has kexec.
        machine.sh(f"{load} && kexec -u", timeout=TIMEOUT)
        script = f"{load} && echo bench: loaded >/dev/kmsg && kexec -e"
        with machine.channel() as channel:
            with Console(machine.folder / qemu.serial_log(0)) as console:
                channel.start(["sh", "-c", script], ENVIRONMENT, "/root", None)
                self.await_init(channel, console)
        return with_parts(console.seen[INIT], console)

    @staticmethod
    def await_init(channel, console):
        """The channel tells if a command failed or the machine died; the kernel after it is mute."""
        said = b""
        while INIT not in console.seen:
            channel.exchange(tick=0.02)
            for kind, data in channel.frames():
                said += data if kind == STDERR else b""
                if kind == EXIT:
                    raise LabError(f"kexec failed: {said.decode(errors='replace').strip()}")
            if time.monotonic() - console.start > TIMEOUT:
                raise LabError(f"no init within {TIMEOUT} s after kexec -e")


def with_parts(total, console):
    result = {"total": total, **{name: at for name, at in console.seen.items() if name != INIT}}
    if FIRST_LINE in console.seen:
        result["first line to init"] = total - console.seen[FIRST_LINE]
    return result
