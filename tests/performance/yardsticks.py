# SPDX-License-Identifier: GPL-2.0
"""What a create is compared with: the same kernel and initrd, booted in other ways."""

import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from lab import Config, LabError, Machine, emulator, paths, qemu
from lab.channel import ENVIRONMENT, EXIT, STDERR
from performance.console import FIRMWARE_MARKS, FIRST_LINE, HANDED_OVER, INIT, MARKS, Console

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
        marks = SILENT_MARKS if self.silent else MARKS
        with (
            Console(folder / "firmware.log", FIRMWARE_MARKS) as firmware,
            Console(folder / "serial.log", marks) as console,
        ):
            process = self.launch(folder)
            try:
                console.wait(INIT, TIMEOUT, lambda: process.poll() is None)
            finally:
                process.kill()
                process.wait()
        return with_parts(firmware.seen | console.seen)

    def launch(self, folder):
        config = Config(name=f"bench-{self.name}", cpus=self.cores, mem=self.mem)
        command = [
            "setpriv", "--pdeathsig", "KILL", emulator.path(config), *qemu.machine(config),
            "-kernel", str(self.kernel), "-initrd", str(self.initrd),
            "-append", SILENT_WORDS if self.silent else SERIAL_WORDS,
            "-chardev", "file,id=serial,path=serial.log",
            "-device", "isa-serial,chardev=serial,index=0",
            "-chardev", "file,id=firmware,path=firmware.log",
            "-device", "isa-debugcon,iobase=0x402,chardev=firmware",
        ]  # fmt: skip
        with open(folder / "qemu.log", "wb") as log:
            return subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )


@dataclass
class Kexec:
    """kexec -l and -e in a lab machine with the memory of the subOS, and one core more: as for a
    create, the kernel after it gets not all of them."""

    name: str
    cores: int
    mem: str
    kernel: str

    def measure(self):
        """Seconds from the start of the command."""
        machine = Machine(
            name=f"bench-{self.name}", cpus=self.cores + 1, mem=self.mem, kernel=self.kernel,
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
            f"--command-line='{SERIAL_WORDS} nr_cpus={self.cores}'"
        )
        # As rfm has run before it is measured, so has kexec.
        machine.sh(f"{load} && kexec -u", timeout=TIMEOUT)
        script = f"{load} && echo bench: loaded >/dev/kmsg && kexec -e"
        with machine.channel() as channel:
            with Console(machine.folder / qemu.serial_log(0)) as console:
                channel.start(["sh", "-c", script], ENVIRONMENT, "/root", None)
                self.await_init(channel, console)
        return with_parts(console.seen)

    @staticmethod
    def await_init(channel, console):
        """The channel tells if a command failed; the kernel that follows is mute there."""
        said = b""
        while INIT not in console.seen:
            channel.exchange(tick=0.02)
            for kind, data in channel.frames():
                said += data if kind == STDERR else b""
                if kind == EXIT:
                    raise LabError(f"kexec failed: {said.decode(errors='replace').strip()}")
            if time.monotonic() - console.start > TIMEOUT:
                raise LabError(f"no init within {TIMEOUT} s after kexec -e")


def with_parts(seen):
    """Seconds until each mark, and between those that are compared."""
    result = {"total": seen[INIT], **{name: at for name, at in seen.items() if name != INIT}}
    for name in (HANDED_OVER, FIRST_LINE):
        if name in seen:
            result[f"{name} to init"] = seen[INIT] - seen[name]
    return result
