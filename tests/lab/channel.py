# SPDX-License-Identifier: GPL-2.0
"""The host's side of the agent's protocol (guest/agent.c has the rules)."""

import fcntl
import os
import select
import struct
import time

from .errors import LabError, Timeout
from .qemu import PORTS, port_socket
from .sockets import connect

FRAME_MAX = 65536
HEADER = struct.Struct("<BI")
RUN_HEAD = struct.Struct("<IHHII")
RUN_PTY = 1
HELLO, RUN, STDIN, SIGNAL, WINSIZE, STDOUT, STDERR, EXIT, BEAT, TAKEN = range(1, 11)
STDIN_WINDOW = 262144

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "USER": "root",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
}
TICK = 0.2
# A greeting can get lost in the change from one client to the next.
GREET_EVERY = 3


class Channel:
    """One of the machine's ports, for one command after the other.

    @watch() is called while waiting and raises when the machine died; @hung() is called when the
    agent has not been heard of for @hang_timeout seconds.
    """

    def __init__(self, folder, watch, hung, hang_timeout):
        self.folder = folder
        self.watch = watch
        self.hung = hung
        self.hang_timeout = hang_timeout
        self.lock = None
        self.sock = None
        self.out = bytearray()
        self.received = bytearray()
        self.heard = time.monotonic()

    def open(self, timeout):
        """Take a free port and greet the agent, which may still be booting."""
        end = time.monotonic() + timeout
        self.take_port(end)
        nonce = os.urandom(16)
        answer = HEADER.pack(HELLO, len(nonce)) + nonce
        greeted = 0
        while answer not in self.received:
            now = time.monotonic()
            if now > end:
                raise Timeout(f"no answer from the agent within {timeout:.0f} s")
            if now - greeted > GREET_EVERY and not self.out:
                greeted = now
                self.out += bytes(HEADER.size + FRAME_MAX) + answer
            self.exchange()
        del self.received[: self.received.index(answer) + len(answer)]
        self.heard = time.monotonic()
        return self

    def take_port(self, end):
        while True:
            for index in range(PORTS):
                lock = open(self.folder / f"port{index}.lock", "w")
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    lock.close()
                    continue
                self.lock = lock
                self.sock = self.connect(port_socket(index), end)
                return
            if time.monotonic() > end:
                raise LabError(f"all {PORTS} command ports are in use")
            time.sleep(TICK)

    def connect(self, name, end):
        while True:
            self.watch()
            try:
                sock = connect(self.folder / name)
                sock.setblocking(False)
                return sock
            except (FileNotFoundError, ConnectionRefusedError) as error:
                if time.monotonic() > end:
                    raise LabError(f"cannot connect to the machine: {error}") from error
                time.sleep(0.02)

    def close(self):
        if self.sock:
            self.sock.close()
        if self.lock:
            self.lock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- frames ----

    def send(self, kind, data=b""):
        self.out += HEADER.pack(kind, len(data)) + data

    def exchange(self, *others, tick=TICK):
        """Move bytes both ways, wait at most @tick; returns which of @others can be read."""
        writers = [self.sock] if self.out else []
        readable, writable, _ = select.select([self.sock, *others], writers, [], tick)
        if writable:
            self.write()
        if self.sock in readable:
            self.read()
            readable.remove(self.sock)
        self.watch()
        return readable

    def write(self):
        try:
            count = self.sock.send(self.out[: 1 << 18])
            del self.out[:count]
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            self.gone()

    def read(self):
        try:
            data = self.sock.recv(1 << 18)
        except ConnectionResetError:
            data = b""
        if not data:
            self.gone()
        self.received += data
        self.heard = time.monotonic()

    def gone(self):
        """QEMU closed the socket: say why, once it is known."""
        end = time.monotonic() + 5
        while time.monotonic() < end:
            self.watch()
            time.sleep(0.02)
        raise LabError("the connection to the machine was lost")

    def frames(self):
        """The whole frames that have arrived."""
        while self.received:
            if not self.received[0]:
                padding = len(self.received) - len(self.received.lstrip(b"\0"))
                del self.received[:padding]
                continue
            if len(self.received) < HEADER.size:
                return
            kind, size = HEADER.unpack_from(self.received)
            if len(self.received) < HEADER.size + size:
                return
            data = bytes(self.received[HEADER.size : HEADER.size + size])
            del self.received[: HEADER.size + size]
            yield kind, data

    # ---- commands ----

    def run(self, argv, stdin, on_stdout, on_stderr, timeout=None, env=None, cwd="/root",
            window=None, farewell=None):  # fmt: skip
        """Run @argv; returns its status, as a shell tells it.

        @stdin is bytes, or a descriptor that is forwarded until its end, after which the command
        gets the signal that @farewell returns, if any. @window makes it run on a terminal:
        (rows, columns) now, and window() whenever it may have changed.
        """
        start = time.monotonic()
        self.start(argv, {**ENVIRONMENT, **(env or {})}, cwd, window() if window else None)
        source = Source(self, stdin)
        size = window() if window else None
        while True:
            for kind, data in self.frames():
                if kind == STDOUT:
                    on_stdout(data)
                elif kind == STDERR:
                    on_stderr(data)
                elif kind == TAKEN:
                    source.window += int.from_bytes(data, "little")
                elif kind == EXIT:
                    return int.from_bytes(data, "little")
            now = time.monotonic()
            if timeout is not None and now - start > timeout:
                raise Timeout(f"'{argv[0]}' took longer than {timeout:g} s")
            if now - self.heard > self.hang_timeout:
                self.hung(now - self.heard)
            left = TICK if timeout is None else max(0.001, min(TICK, start + timeout - now))
            if source.forward(self.exchange(*source.wanted(), tick=left)):
                signal = farewell and farewell()
                if signal:
                    self.send(SIGNAL, struct.pack("<I", signal))
            if window and window() != size:
                size = window()
                self.send(WINSIZE, struct.pack("<HH", *size))

    def start(self, argv, env, cwd, window):
        strings = [cwd, *argv, *(f"{key}={value}" for key, value in env.items())]
        rows, columns = window or (0, 0)
        head = RUN_HEAD.pack(RUN_PTY if window else 0, rows, columns, len(argv), len(env))
        data = head + b"".join(os.fsencode(s) + b"\0" for s in strings)
        if len(data) > FRAME_MAX:
            raise LabError("the command is too long")
        self.send(RUN, data)


class Source:
    """Standard input of a command: bytes, or a descriptor. No more is sent than is taken."""

    def __init__(self, channel, stdin):
        self.channel = channel
        self.window = STDIN_WINDOW
        self.fd = stdin if isinstance(stdin, int) else None
        self.data = None if isinstance(stdin, int) else memoryview(stdin)
        self.forward([])

    def wanted(self):
        return [self.fd] if self.fd is not None and self.window else []

    def forward(self, readable):
        """Send what there is; @readable is the descriptor if it can be read. Is this its end?"""
        while self.data is not None and (self.window or not self.data):
            size = min(FRAME_MAX, self.window)
            if not self.send(self.data[:size]):
                self.data = None
            else:
                self.data = self.data[size:]
        if self.fd in readable and not self.send(os.read(self.fd, min(FRAME_MAX, self.window))):
            self.fd = None
            return True
        return False

    def send(self, data):
        self.channel.send(STDIN, data)
        self.window -= len(data)
        return len(data)
