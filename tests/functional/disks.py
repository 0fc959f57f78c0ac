# SPDX-License-Identifier: GPL-2.0
"""Data on the disks of a machine: written in one kernel, read in another and in QEMU's files.

@run runs a command in a kernel and returns what it prints: Supervisor.sh, or Shell.run in a subOS.
"""

import hashlib
import re

from functional.functions import until
from lab import tools

MIB = 1 << 20
# 4: the kernel need not tell each time.
DROP = "echo 4 >/proc/sys/vm/drop_caches; echo 3 >/proc/sys/vm/drop_caches"
# What follows runs on in the background.
# A disk that is gone must not become a file: it is opened once, and again through its descriptor.
WRITER = (
    "( ( exec 3<{device}; while dd if=/dev/zero of=/proc/self/fd/3 bs=256k seek={seek} count=16 "
    "conv=fsync; do echo >>/tmp/written; done ) >/dev/null 2>&1 & )"
)
# Writes, reads back and compares, until /tmp/enough is there.
VERIFIER = (
    "( ( while [ ! -e /tmp/enough ]; do dd if=/dev/urandom of=/tmp/pattern bs=256k count=8; "
    "dd if=/tmp/pattern of={device} bs=256k seek={seek} conv=fsync && "
    f"{DROP} && "
    "dd if={device} bs=256k skip={seek} count=8 | cmp - /tmp/pattern && echo >>/tmp/verified || "
    "echo wrong >>/tmp/wrong; done; touch /tmp/over ) >/dev/null 2>&1 & )"
)
# Files with checksums, each of them on the disk for certain before the next one is begun.
FILES = (
    "( ( n=0; cd {folder}; while dd if=/dev/urandom of=part bs=64k count=16 conv=fsync && "
    "md5sum <part >part.sum && sync && mv part file.$((n % 8)) && mv part.sum sum.$((n % 8)); "
    "do n=$((n + 1)); echo $n >>{count}; done ) >/dev/null 2>&1 & )"
)
FIO = (
    "fio --name=verify --rw=randwrite --bs=4k --direct=1 --ioengine=io_uring --iodepth=8 "
    "--verify=crc32c --verify_fatal=1 --verify_backlog=256 {words}"
)


def image(machine, disk):
    """The file behind a disk, by its id in QEMU."""
    with machine.qmp() as qmp:
        for each in qmp("query-block"):
            if disk in (each["device"], *re.split("/", each.get("qdev") or "")):
                return machine.folder / each["inserted"]["file"]
    raise AssertionError(f"QEMU has no disk {disk}")


def stored(machine, disk, first, count):
    """MD5 of @count MiB of a disk from MiB @first on, as QEMU's file holds them."""
    with open(image(machine, disk), "rb") as file:
        file.seek(first * MIB)
        return hashlib.md5(file.read(count * MIB)).hexdigest()


def write(run, device, first, count):
    """Write random data for good; returns their MD5."""
    return run(
        f"dd if=/dev/urandom of=/tmp/data bs=1M count={count} 2>/dev/null && "
        f"dd if=/tmp/data of={device} bs=1M seek={first} conv=fsync 2>/dev/null && "
        "md5sum </tmp/data && rm /tmp/data"
    ).split()[0]  # fmt: skip


def read(run, device, first, count):
    """MD5 of what the disk itself holds, not a cache."""
    return run(
        f"{DROP}; dd if={device} bs=1M skip={first} count={count} 2>/dev/null | md5sum"
    ).split()[0]  # fmt: skip


def check(run, machine, disk, device, first=0, count=4):
    """Data go to the disk and come back from there; returns their MD5."""
    digest = write(run, device, first, count)
    assert read(run, device, first, count) == digest, f"{device} does not return what was written"
    assert stored(machine, disk, first, count) == digest, f"{disk} does not hold what was written"
    return digest


def begin_writes(run, device, first):
    """Write 4 MiB from MiB @first on again and again, until the disk is gone."""
    run("rm -f /tmp/written")
    run(WRITER.format(device=device, seek=first * 4))
    run(wait_for("/tmp/written"))


def begin_verifying(run, device, first):
    """Write, read and compare 2 MiB from MiB @first on again and again."""
    run("rm -f /tmp/verified /tmp/wrong /tmp/enough /tmp/over")
    run(VERIFIER.format(device=device, seek=first * 4))
    run(wait_for("/tmp/verified"))


def end_verifying(run):
    """Nothing was wrong; returns how often it was compared."""
    run("touch /tmp/enough")
    run(wait_for("/tmp/over"), timeout=40)
    assert run("cat /tmp/wrong 2>/dev/null; true") == ""
    return int(run("wc -l </tmp/verified"))


def wait_for(path, timeout=30):
    """A command that waits until there is something at @path."""
    return until(f"[ -e {path} ]", timeout)


# ---- file systems ----


def programs(*names):
    """Debian's programs with their libraries, as files to lay over a root."""
    files = {}
    for name in names:
        files |= tools.program(name)
    return files


def make_ext4(run, device):
    run(f"mkfs.ext4 -q -F {device}", timeout=60)


def mount(run, device, folder, kind="ext4"):
    run(f"mkdir -p {folder} && mount -t {kind} {device} {folder}")


def check_ext4(run, device):
    """What e2fsck finds on a disk that nobody has mounted: nothing."""
    run(f"e2fsck -fn {device}", timeout=60)


def begin_files(run, folder):
    """Make files with checksums in @folder, heavily and without end; some are on the disk."""
    count = f"/tmp/{folder.strip('/').replace('/', '-')}.count"
    run(f"rm -f {count}")
    run(FILES.format(folder=folder, count=count))
    run(until(f"[ $(cat {count} 2>/dev/null | wc -l) -ge 3 ]", 60), timeout=70)


def check_files(run, folder):
    """Each file that has a checksum holds what was written; returns how many there are.

    The last of them may have been replaced while its checksum was not, or the other way round.
    """
    said = run(
        f"(cd {folder}; for s in sum.?; do n=${{s#sum.}}; "
        '[ "$(md5sum <file.$n)" = "$(cat $s)" ] && echo right || echo wrong; done)',
        timeout=60,
    ).split()
    assert said.count("wrong") <= 1, f"{folder} lost data: {said}"
    return said.count("right")


def fio(run, *words, timeout=120):
    """Write and verify with fio; it has to find all as it wrote it."""
    run(FIO.format(words=" ".join(words)) + " >/tmp/fio.log 2>&1", timeout=timeout)


def begin_fio(run, *words):
    """The same in the background; see end_fio()."""
    told = "echo $? >/tmp/fio.part; mv /tmp/fio.part /tmp/fio.status"
    script = f"{FIO.format(words=' '.join(words))}; {told}"
    run(f"rm -f /tmp/fio.status; ( ( {script} ) >/tmp/fio.log 2>&1 & )")


def end_fio(run, timeout=90):
    run(wait_for("/tmp/fio.status", timeout), timeout=timeout + 10)
    status = run("cat /tmp/fio.status").strip()
    assert status == "0", run("cat /tmp/fio.log")
