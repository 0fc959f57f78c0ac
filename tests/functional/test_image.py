# SPDX-License-Identifier: GPL-2.0
"""rfm image build, on this host: what it refuses. What it makes, the lab's Debian disk is."""

import json
import os
import re
import signal
import subprocess

import pytest
from lab import paths

USAGE, BAD_VALUE, BAD_FILE, INCOMPLETE, INTERRUPTED = 2, 3, 7, 11, 130

REFUSED = {
    "no-disk": ((), USAGE, "--disk is missing, or --initrd"),
    "both": (("--disk", "x", "--initrd", "y"), USAGE, "give one of them"),
    "size-of-initrd": (("--initrd", "x", "--size", "4G"), USAGE, "--size applies only to --disk"),
    "kernel-of-initrd": (("--initrd", "x", "--kernel", "0.1"), BAD_FILE,
                         "kernel 0.1 is not installed on this host"),
    "initrd-exists": (("--initrd", "there", "--boot", "boot"), BAD_FILE, "'there' exists"),
    "other-verb": (("--disk", "x", "more"), USAGE, "unexpected argument 'more'"),
    "suite": (("--disk", "x", "--suite", "../x"), BAD_VALUE, "suite '../x'"),
    "file-system": (("--disk", "x", "--fs", "btrfs"), BAD_VALUE, "give ext4 or xfs"),
    "size": (("--disk", "x", "--size", "5M"), BAD_VALUE, "give 1G to 16T"),
    "package": (("--disk", "x", "--include", "a,-b"), BAD_VALUE, "include '-b'"),
    "mirror": (("--disk", "x", "--mirror", "nowhere"), BAD_VALUE, "mirror 'nowhere'"),
    "key": (("--disk", "x", "--ssh-key", "none"), BAD_FILE, "'none': No such file"),
    "no-key": (("--disk", "x", "--ssh-key", "there"), BAD_FILE, "'there' holds no public key"),
    "no-device": (("--disk", "/dev/none"), BAD_FILE, "'/dev/none' is not a disk"),
    "no-folder": (("--disk", "none/x"), BAD_FILE, "'none/x' cannot be written"),
    "exists": (("--disk", "there"), BAD_FILE, "'there' exists"),
    "folder": (("--disk", ".", "--force"), BAD_FILE, "'.' is not a regular file"),
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "there").write_text("kept")
    return tmp_path


def environment(folder, *path):
    """Programs in the folders @path come first, and temporary files in @folder, where they show."""
    words = [*map(str, path), os.environ["PATH"]]
    return {**os.environ, "PATH": ":".join(words), "TMPDIR": str(folder)}


def image(folder, *words, path=(), temporary=None):
    """rfm image build with programs in the folders @path first: status and its error."""
    env = environment(temporary or folder, *path)
    return subprocess.run([paths.RFM, "image", "build", *words], cwd=folder, env=env,
                          capture_output=True, text=True, timeout=60)  # fmt: skip


def unchanged(folder):
    names = [each.name for each in folder.iterdir()]
    return names == ["there"] and (folder / "there").read_text() == "kept"


@pytest.mark.parametrize("words, status, said", REFUSED.values(), ids=REFUSED)
def test_refused(folder, words, status, said):
    done = image(folder, *words)
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr and done.stderr.count("\n") == 1
    assert unchanged(folder)


def installer(folder, script):
    """A folder with an mmdebstrap that does @script instead."""
    place = folder.parent / f"{folder.name}-bin"
    place.mkdir()
    (place / "mmdebstrap").write_text(f"#!/bin/sh\n{script}\n")
    (place / "mmdebstrap").chmod(0o755)
    return place


def test_failure_leaves_nothing(folder):
    path = [installer(folder, "echo 'E: no such suite'; exit 25")]
    done = image(folder, "--disk", "new", "--json", path=path)
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["code"]) == (INCOMPLETE, INCOMPLETE)
    assert error["log"] == ["E: no such suite"]
    assert unchanged(folder)


def test_interrupt_leaves_nothing(folder):
    """Not even what the installer started and mounted."""
    begun = folder.parent / f"{folder.name}-begun"
    os.mkfifo(begun)
    script = ("for tree; do case $tree in */tree) break; esac; done; mkdir -p $tree/proc; "
              f"mount -t proc proc $tree/proc; sleep 12345 & echo >{begun}; wait")  # fmt: skip
    env = environment(folder, installer(folder, script))
    rfm = subprocess.Popen([paths.RFM, "image", "build", "--disk", "new"], cwd=folder, env=env,
                           stderr=subprocess.PIPE, text=True)  # fmt: skip
    assert begun.read_text() == "\n"
    rfm.send_signal(signal.SIGINT)
    assert "nothing is left" in rfm.communicate(timeout=60)[1]
    assert rfm.returncode == INTERRUPTED
    assert unchanged(folder)
    assert subprocess.run(["pgrep", "-f", "sleep 12345"]).returncode == 1


# ---- in a folder of somebody else ----

STRANGER = 12345
# The least that is taken for a Debian. Its arguments end with the tree.
TREE = (
    "for tree; do :; done; mkdir -p $tree/boot $tree/etc; "
    "echo kernel >$tree/boot/vmlinuz-6.1.0-0-none"
)


@pytest.fixture
def hers(folder):
    """A folder that belongs to somebody else, beside one of root's that she wants written to."""
    place = folder / "hers"
    for each in (place, folder / "roots"):
        each.mkdir()
    (folder / "roots/shadow").write_text("root's")
    os.chown(place, STRANGER, STRANGER)
    return place


def roots_is_unchanged(folder):
    names = [each.name for each in (folder / "roots").iterdir()]
    return names == ["shadow"] and (folder / "roots/shadow").read_text() == "root's"


def test_folder_is_exchanged(folder, hers):
    """While Debian is installed: the disk is in the folder that it was begun in."""
    away = folder / "away"
    script = f"mv {hers} {away}; ln -s {folder}/roots {hers}"
    path = [installer(folder, f"{TREE}; {script}")]
    done = image(folder, "--disk", hers / "x.img", "--size", "1G", path=path)
    assert done.returncode == 0, done.stderr
    assert roots_is_unchanged(folder)
    assert [each.name for each in away.iterdir()] == ["x.img"]
    words = ["blkid", "-p", "-s", "TYPE", "-o", "value", away / "x.img"]
    assert subprocess.run(words, capture_output=True, text=True).stdout == "ext4\n"


def test_file_is_exchanged(folder, hers):
    """The file system goes into the file that was begun, and who took that away hears of it."""
    script = f"for part in {hers}/*.partial-*; do rm $part; ln -s {folder}/roots/shadow $part; done"
    path = [installer(folder, f"{TREE}; {script}")]
    done = image(folder, "--disk", hers / "x.img", "--size", "1G", path=path)
    assert done.returncode == BAD_FILE
    assert "somebody else has replaced it" in done.stderr
    assert roots_is_unchanged(folder) and not list(hers.iterdir())


def test_boot_files_are_not_written_through_links(folder, hers):
    (hers / "boot").symlink_to(folder / "roots")
    path = [installer(folder, TREE)]
    done = image(folder, "--disk", "new", "--size", "1G", "--boot", hers / "boot", path=path)
    assert done.returncode == BAD_FILE
    assert "a link that others than root can replace" in done.stderr
    assert roots_is_unchanged(folder) and not (folder / "new").exists()


def test_temporary_files_are_only_roots(folder, hers):
    """Programs run in there with root's rights. Without a word, it is not the disk's folder."""
    done = image(folder, "--disk", "new", path=[installer(folder, "exit 1")], temporary=hers)
    assert done.returncode == BAD_FILE
    assert f"'{hers}/*'; set TMPDIR" in done.stderr
    looks = f"echo $RF_FSTAB >&2; ls -ld {hers}/.rfm* >&2; exit 1"
    env = environment(folder, installer(folder / "hers", looks))
    del env["TMPDIR"]
    words = [paths.RFM, "image", "build", "--disk", hers / "x.img"]
    done = subprocess.run(words, env=env, capture_output=True, text=True)
    assert re.search(r"^  /var/tmp/\.rfm-image-\w+/files/fstab$", done.stderr, re.M), done.stderr
    assert not list(hers.iterdir())
