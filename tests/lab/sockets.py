# SPDX-License-Identifier: GPL-2.0
"""Unix sockets at paths of any length."""

import os
import socket


def connect(path, timeout=None):
    """Connect through the folder's descriptor: a socket's own path may have 107 bytes at most."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    sock.settimeout(timeout)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sock.connect(f"/proc/self/fd/{folder}/{path.name}")
    except OSError:
        sock.close()
        raise
    finally:
        os.close(folder)
    return sock
