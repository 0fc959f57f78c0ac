# SPDX-License-Identifier: GPL-2.0
"""The image cache: what is built from inputs is named by their hash and built only once."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from . import paths
from .errors import LabError
from .qemu import PORTS

KEEP = 4


def digest(*inputs):
    """A name for @inputs: Paths count by what they contain, all else by its text."""
    total = hashlib.sha256()
    for item in inputs:
        if isinstance(item, Path):
            total.update(file_digest(item))
        else:
            total.update(repr(item).encode())
        total.update(b"\0")
    return total.hexdigest()[:16]


def file_digest(path):
    try:
        facts = path.stat()
    except FileNotFoundError:
        return b"none"
    return digest_of(path, facts.st_ino, facts.st_size, facts.st_mtime_ns)


@cache
def digest_of(path, *_):
    """Files that have not changed are not read again: each start of a machine asks for many."""
    return hashlib.sha256(path.read_bytes()).digest()


def cached(kind, inputs, build, keep=KEEP, label=None):
    """The path of the image of @kind made of @inputs; @build(path) makes it if it is missing."""
    path = paths.CACHE / f"{kind}-{digest(*inputs)}"
    if not path.exists():
        with lock(kind):
            if not path.exists():
                make(path, build, label)
                prune(kind, keep, path)
    os.utime(path)
    return path


def make(path, build, label):
    if label:
        print(f"lab: building {label}", file=sys.stderr, flush=True)
    part = path.with_name("part-" + path.name)
    began = time.monotonic()
    remove(part)
    try:
        with stopwatch:
            build(part)
        part.rename(path)
    finally:
        remove(part)
    if label:
        print(f"lab: built {label} in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


class Stopwatch:
    """Sums up the time in its blocks, of which some are inside others."""

    def __init__(self):
        self.total = 0.0
        self.depth = 0
        self.start = 0.0

    def __enter__(self):
        if not self.depth:
            self.start = time.monotonic()
        self.depth += 1

    def __exit__(self, *_):
        self.depth -= 1
        if not self.depth:
            self.total += time.monotonic() - self.start

    def seconds(self):
        return self.total + (time.monotonic() - self.start if self.depth else 0)


stopwatch = Stopwatch()


def seconds_spent():
    """How long this process has been building images, or waiting for others that did."""
    return stopwatch.seconds()


def prune(kind, keep, current):
    """Drop all but the @keep last used images of @kind."""
    found = [p for p in paths.CACHE.glob(f"{kind}-" + "[0-9a-f]" * 16) if p != current]
    for old in sorted(found, key=lambda p: p.stat().st_mtime, reverse=True)[keep - 1 :]:
        remove(old)


def remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def lock(name):
    paths.CACHE.mkdir(parents=True, exist_ok=True)
    with open(paths.CACHE / f".{name}.lock", "w") as file:
        with stopwatch:  # others build what is wanted here
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run(*command, **kwargs):
    """Run a build step; its output is shown only if it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **kwargs,
    )
    if done.returncode:
        raise LabError(f"'{command[0]}' failed ({done.returncode}):\n{done.stdout.strip()}")
    return done.stdout


def agent():
    """The agent, a static program."""
    return static_program("agent", f"-DPORTS={PORTS}")


def static_program(name, *words, headers=()):
    """A program of guest/ that needs nothing on the machine it runs on."""
    source = paths.GUEST / f"{name}.c"
    words = ["-std=gnu11", "-O2", "-Wall", "-static", "-s", *words]
    inputs = [source, words, *headers]
    return cached(name, inputs, lambda out: run("cc", *words, "-o", out, source))
