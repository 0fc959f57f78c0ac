# SPDX-License-Identifier: GPL-2.0
"""The rooms of the supervisor call downwards only.

Each room has one header for the others, so what a file includes is what it may call: the
include graph is the call graph.
"""

import re

from lab.paths import SOURCE

SUPERVISOR = SOURCE / "supervisor"
# Bottom to top, as main.c brings them up.
ROOMS = ["ledger", "base", "subos", "cores", "memory", "pci", "shared", "agent", "resize", "lifecycle", "control"]  # fmt: skip
INCLUDE = re.compile(r'^#include "([a-z]+)/(\w+)\.h"', re.MULTILINE)


def folders():
    return {path.relative_to(SUPERVISOR).parts[0] for path in SUPERVISOR.rglob("*.c")} - {"main.c"}


def included(path):
    """What @path includes of the supervisor's own: pairs of room and header."""
    return [(room, name) for room, name in INCLUDE.findall(path.read_text()) if room in folders()]


def room_of(path):
    return path.relative_to(SUPERVISOR).parts[0]


def files():
    return [path for path in SUPERVISOR.rglob("*.[chS]") if path.parent != SUPERVISOR]


def test_each_folder_is_a_room():
    assert folders() == set(ROOMS)


def test_rooms_come_up_bottom_to_top():
    brought_up = re.findall(r"\{ rf_(\w+)_init, rf_\1_exit \}", (SUPERVISOR / "main.c").read_text())
    assert brought_up == [room for room in ROOMS if room in brought_up]
    assert set(ROOMS) - set(brought_up) <= {"ledger", "subos"}  # have nothing to bring up


def test_no_room_includes_one_above():
    upwards = [
        f"{path.relative_to(SOURCE)} includes {room}/{name}.h"
        for path in files()
        for room, name in included(path)
        if ROOMS.index(room) > ROOMS.index(room_of(path))
    ]
    assert not upwards


def test_rooms_know_one_header_of_each_other():
    inner = [
        f"{path.relative_to(SOURCE)} includes {room}/{name}.h"
        for path in files()
        for room, name in included(path)
        if room != room_of(path) and name != room
    ]
    assert not inner


def test_what_is_declared_for_others_is_used_by_others():
    """A header of a room promises no more than others need."""
    text = {path: path.read_text() for path in [*files(), SUPERVISOR / "main.c"]}
    unused = []
    for room in ROOMS:
        header = SUPERVISOR / room / f"{room}.h"
        for name in re.findall(r"^\w[\w *]*?\b(rf_\w+)\(", header.read_text(), re.MULTILINE):
            users = [path for path in text if path != header and re.search(rf"\b{name}\b", text[path])]
            if not any(path.parent == SUPERVISOR or room_of(path) != room for path in users):
                unused.append(f"{room}/{room}.h: {name}()")
    assert not unused
