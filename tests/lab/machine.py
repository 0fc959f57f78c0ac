# SPDX-License-Identifier: GPL-2.0
"""A machine of the lab: one QEMU process with a folder, a console and an agent in it.

    with Machine(cpus=2) as machine:
        print(machine.sh("uname -r"))
"""

import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import tarfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from . import emulator, paths, qemu, roots, snapshot
from .channel import Channel
from .config import Config, parse_size
from .errors import CommandFailed, LabError, MachineDied, Timeout
from .qmp import Qmp
from .watch import Watch

CONFIG_FILE = "config.json"
STDERR_SHOWN = 2000
MISMEASURED = "PIT calibration deviates from HPET"
BOOTS = 3


@dataclass
class Result:
    status: int
    stdout: str
    stderr: str

    @property
    def ok(self):
        return self.status == 0


class Machine:
    """A machine by its configuration (a Config, or the fields of one)."""

    def __init__(self, config=None, **fields):
        self.config = config or Config(**fields)
        self.folder = paths.MACHINES / self.config.name
        self.process = None
        self.watch = Watch(self.folder, self.config.name, self.alive, self.exit_status)

    @classmethod
    def attach(cls, name):
        """A machine that somebody else started."""
        try:
            fields = json.loads((paths.MACHINES / name / CONFIG_FILE).read_text())
        except FileNotFoundError:
            raise LabError(f"no machine '{name}' (start one: lab up --name {name})") from None
        return cls(Config(**fields))

    @classmethod
    def from_snapshot(cls, config=None, detached=False, **fields):
        """A running machine, resumed from the snapshot of one like it, which is made if missing."""
        return cls(config, **fields).start_from_snapshot(detached)

    @staticmethod
    def names():
        return sorted(p.parent.name for p in paths.MACHINES.glob(f"*/{CONFIG_FILE}"))

    # ---- life ----

    def start(self, detached=False, state=None):
        """Start and wait until commands can be run. Not @detached, it dies with its parent.

        @state: a snapshot's, to run on from if it is saved already.

        It is started again if it did not get a fair chance: on a host that is too busy its kernel
        may measure wrongly how fast its processor is, and would keep a clock that is far too fast.
        """
        if self.alive():
            raise LabError(f"machine '{self.config.name}' is running already")
        for _ in range(BOOTS):
            self.boot(detached, state)
            if state and state.saved or MISMEASURED not in self.serial(0):
                return self
            self.stop()
        raise LabError(f"the host is too busy: {MISMEASURED!r}, at {BOOTS} boots")

    def boot(self, detached, state):
        resumes = bool(state and state.saved)
        self.watch = Watch(self.folder, self.config.name, self.alive, self.exit_status)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        root = roots.prepare(self.config)
        self.make_blank_disks()
        if resumes:
            state.lay_out(self.folder)
        command = [str(emulator.path(self.config)), *qemu.arguments(
            self.config, root.kernel, root.initrd, root.append, root.drives, state
        )]  # fmt: skip
        (self.folder / "command").write_text(shlex.join(command) + "\n")
        (self.folder / CONFIG_FILE).write_text(json.dumps(self.config.to_dict()))
        self.launch(command, detached)
        if resumes:
            self.resume(state)
        self.watch.booting = not resumes
        self.wait_ready(clock=resumes)
        self.watch.booting = False

    def start_from_snapshot(self, detached=False):
        """A machine with disks boots: QEMU's NVMe disk cannot be in a snapshot."""
        if self.config.disks:
            return self.start(detached)
        return self.start(detached, state=snapshot.ensure(self.config, type(self)))

    def make_blank_disks(self):
        for index, disk in enumerate(self.config.disks):
            if disk.blank:
                with open(self.folder / qemu.blank_file(index), "wb") as file:
                    file.truncate(parse_size(disk.blank))

    def launch(self, command, detached):
        if not detached:
            command = ["setpriv", "--pdeathsig", "KILL", *command]
        with open(self.folder / "qemu.log", "ab") as log:
            try:
                self.process = subprocess.Popen(
                    command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    start_new_session=True,
                )  # fmt: skip
            except FileNotFoundError as error:
                raise LabError(f"cannot start QEMU: {error}") from error
        # The pid file follows later; until then the process itself tells whether it lives.
        while not (self.folder / qemu.PID_FILE).exists() and self.process.poll() is None:
            time.sleep(0.01)

    def resume(self, state):
        try:
            with self.qmp() as qmp:
                qmp.resume(f"exec:cat '{state.rest}'")
        except MachineDied:
            raise
        except LabError as error:
            self.watch.died(f"cannot resume the snapshot: {error}")

    def wait_ready(self, clock):
        limit = self.config.boot_timeout * self.config.patience
        try:
            with self.channel(limit) as channel:
                if clock:
                    self.run(channel, ["date", "-s", f"@{int(time.time())}"])
        except Timeout:
            self.watch.died(f"not ready after {limit:g} s")

    def pid(self):
        try:
            return int((self.folder / qemu.PID_FILE).read_text())
        except (FileNotFoundError, ValueError):
            return None

    def exit_status(self):
        return self.process.poll() if self.process else None

    def alive(self):
        if self.process:
            return self.process.poll() is None
        pid = self.pid()
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            return f"lab-{self.config.name}".encode() in words
        except OSError:
            return False

    def stop(self, keep=False):
        """End the machine; its folder goes too unless it is to be kept."""
        pid = self.process.pid if self.process else self.pid()
        if pid and self.alive():
            os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + 10
        while self.alive() and time.monotonic() < end:
            time.sleep(0.01)
        if keep:
            (self.folder / CONFIG_FILE).unlink(missing_ok=True)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def wait_exit(self, timeout):
        """Wait until the machine is gone (poweroff); returns what it died of."""
        end = time.monotonic() + timeout * self.config.patience
        while time.monotonic() < end:
            if not self.alive():
                return self.watch.exit_cause()
            time.sleep(0.05)
        raise Timeout(f"machine '{self.config.name}' still runs after {timeout:g} s")

    def __enter__(self):
        return self if self.alive() else self.start()

    def __exit__(self, kind, *_):
        self.stop(keep=kind is not None)

    def qmp(self, timeout=10):
        """QEMU's control socket, which comes a moment after QEMU's start."""
        end = time.monotonic() + timeout
        while True:
            try:
                return Qmp(self.folder / qemu.QMP_SOCKET)
            except (FileNotFoundError, ConnectionRefusedError) as error:
                self.watch.check()
                if time.monotonic() > end:
                    raise LabError(f"QEMU does not answer: {error}") from error
                time.sleep(0.01)

    # ---- commands ----

    @contextmanager
    def channel(self, timeout=30):
        hang_timeout = self.config.hang_timeout * self.config.patience
        channel = Channel(self.folder, self.watch.check, self.hung, hang_timeout)
        try:
            yield channel.open(timeout)
        finally:
            channel.close()

    def hung(self, silent):
        self.watch.died(f"hung: no sign of life for {silent:.0f} s")

    @staticmethod
    def run(channel, argv, input=b"", **options):
        out, err = io.BytesIO(), io.BytesIO()
        status = channel.run(argv, input, out.write, err.write, **options)
        return status, out.getvalue(), err.getvalue()

    def exec_bytes(self, argv, input=b"", timeout=60, **options):
        """Run @argv as root; returns (status, stdout, stderr) as bytes."""
        with self.channel() as channel:
            limit = timeout and timeout * self.config.patience
            return self.run(channel, argv, input, timeout=limit, **options)

    def exec(self, *argv, input=b"", timeout=60, check=False, **options):
        """Run a command as root: words, or one string for the shell. @options: env, cwd."""
        if len(argv) == 1:
            argv = ("sh", "-c", argv[0])
        data = input.encode() if isinstance(input, str) else input
        status, out, err = self.exec_bytes(list(map(str, argv)), data, timeout, **options)
        result = Result(status, out.decode(errors="replace"), err.decode(errors="replace"))
        if check and status:
            said = (result.stderr or result.stdout).strip()[-STDERR_SHOWN:]
            raise CommandFailed(f"'{argv[-1]}' ended with status {status}: {said}", result)
        return result

    def sh(self, script, timeout=60, **options):
        """Standard output of a shell script that has to succeed."""
        return self.exec(script, timeout=timeout, check=True, **options).stdout

    # ---- files ----

    def put(self, source, target, timeout=300):
        """Copy a file or a folder into the machine, as cp -r does, with its modes."""
        source = Path(source)
        if not source.exists():
            raise LabError(f"no such file: {source}")
        if self.exec("test", "-d", target).ok:
            folder, name = target, source.resolve().name
        else:
            folder, name = str(PurePosixPath(target).parent), PurePosixPath(target).name
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
            archive.add(source, arcname=name, filter=owned_by_root)
        self.exec("tar", "-x", "-C", folder, "-f", "-", input=packed.getvalue(), timeout=timeout,
                  check=True)  # fmt: skip

    def get(self, source, target, timeout=300):
        """Copy a file or a folder out of the machine, as cp -r does."""
        path, target = PurePosixPath(source), Path(target)
        argv = ["tar", "-c", "-C", str(path.parent), "-f", "-", path.name]
        status, out, err = self.exec_bytes(argv, timeout=timeout)
        if status:
            said = err.decode(errors="replace").strip()
            raise LabError(f"cannot get {source}: {said}")
        if target.is_dir():
            target = target / path.name
        with tarfile.open(fileobj=io.BytesIO(out)) as archive:
            extract(archive, path.name, target)

    # ---- observation ----

    def serial(self, port):
        """What came out of serial port @port so far."""
        try:
            return (self.folder / qemu.serial_log(port)).read_text(errors="replace")
        except FileNotFoundError:
            raise LabError(f"machine '{self.config.name}' has no serial port {port}") from None

    def dmesg(self):
        return self.sh("dmesg")

    def bdf(self, name):
        """The address of a PCI function by its name in the lab: disk0, dev1 ..."""
        with self.qmp() as qmp:
            found = functions_on([each for bus in qmp("query-pci") for each in bus["devices"]])
        if name not in found:
            raise LabError(f"no PCI function '{name}' (there are: {', '.join(sorted(found))})")
        return found[name]


def functions_on(devices):
    """Addresses by name of all functions on a bus and behind its bridges."""
    found = {}
    for each in devices:
        if each["qdev_id"]:
            address = f"0000:{each['bus']:02x}:{each['slot']:02x}.{each['function']}"
            found[each["qdev_id"]] = address
        found.update(functions_on(each.get("pci_bridge", {}).get("devices", [])))
    return found


def owned_by_root(info):
    info.uid = info.gid = 0
    info.uname = info.gname = "root"
    return info


def extract(archive, top, target):
    """Unpack @archive, whose entries all lie at or below @top, as @target."""
    for member in archive.getmembers():
        rest = PurePosixPath(member.name).relative_to(top)
        if ".." in rest.parts:
            raise LabError(f"a path that leads out of the archive: {member.name}")
        place = target / rest
        if member.isdir():
            place.mkdir(exist_ok=True)
        elif member.issym():
            place.symlink_to(member.linkname)
        elif member.isfile():
            with archive.extractfile(member) as source, open(place, "wb") as out:
                shutil.copyfileobj(source, out)
            place.chmod(member.mode & 0o777)
