# SPDX-License-Identifier: GPL-2.0
"""rfm image build, on this host: what it refuses. What it makes, the lab's Debian disk is."""

import json
import os
import signal
import subprocess

import pytest
from lab import paths

USAGE, BAD_VALUE, BAD_FILE, INCOMPLETE, INTERRUPTED = 2, 3, 7, 11, 130

REFUSED = {
    "no-disk": ((), USAGE, "--disk is missing"),
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


def image(folder, *words, path=()):
    """rfm image build with programs in the folders @path first: status and its error."""
    env = {**os.environ, "PATH": ":".join([*map(str, path), os.environ["PATH"]])}
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
    env = {**os.environ, "PATH": f"{installer(folder, script)}:{os.environ['PATH']}"}
    rfm = subprocess.Popen([paths.RFM, "image", "build", "--disk", "new"], cwd=folder, env=env,
                           stderr=subprocess.PIPE, text=True)  # fmt: skip
    assert begun.read_text() == "\n"
    rfm.send_signal(signal.SIGINT)
    assert "nothing is left" in rfm.communicate(timeout=60)[1]
    assert rfm.returncode == INTERRUPTED
    assert unchanged(folder)
    assert subprocess.run(["pgrep", "-f", "sleep 12345"]).returncode == 1
