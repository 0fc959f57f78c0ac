# SPDX-License-Identifier: GPL-2.0
"""Snapshots of booted machines: boot once, resume as often as wanted.

A snapshot is named by all that shaped it: images, QEMU and its command line. It consists of the
machine's memory, a file that machines which run on from it map privately, and of all other state.
"""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from . import emulator, images, paths, qemu, roots
from .errors import LabError

KEEP = 8


@dataclass(frozen=True)
class State:
    folder: Path
    saved: bool = True  # or still to be

    @property
    def memory(self):
        return self.folder / "memory"

    @property
    def rest(self):
        return self.folder / "state"

    def lay_out(self, folder):
        """A resumed machine's console starts with what the booted one had printed."""
        for log in self.folder.glob("serial*.log"):
            shutil.copy(log, folder / log.name)


def ensure(config, machine_class):
    """The snapshot of @config's machine, made now if there is none."""
    if config.rootfs != "tiny" or config.disks:
        raise LabError("only machines with the tiny root and without disks have snapshots")
    neutral = replace(config, name="snapshot", trace=False, allow_reboot=False)
    with images.lock("snapshot-boot"):
        return State(find(neutral, machine_class))


def find(config, machine_class):
    config = replace(config, name="snapshot-boot")
    root = roots.prepare(config)
    arguments = qemu.arguments(config, root.kernel, root.initrd, root.append, root.drives)
    program = str(emulator.path(config))
    version = config.qemu and images.run(program, "--version")
    inputs = [Path(__file__), program, version, arguments, config.warm_up]

    def build(out):
        out.mkdir()
        state = State(out, saved=False)
        machine = machine_class(config).start(state=state)
        try:
            if config.warm_up:
                machine.sh(config.warm_up, timeout=120)
            with machine.qmp() as qmp:
                qmp.save(f"exec:cat >'{state.rest}'")
            for log in machine.folder.glob("serial*.log"):
                shutil.copy(log, out / log.name)
        except BaseException:
            machine.stop(keep=True)
            raise
        machine.stop()

    return images.cached("snapshot", inputs, build, keep=KEEP, label="snapshot of a booted machine")
