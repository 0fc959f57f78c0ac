# SPDX-License-Identifier: GPL-2.0
"""The rooms of the supervisor, and those of rfm, call downwards only.

What a file includes is what it may call: the include graph is the call graph. Each room of the
supervisor has one header for the others; one of rfm has a header for each noun, and is a library
that is linked with those below it.
"""

import re

from lab.paths import SOURCE

SUPERVISOR = SOURCE / "supervisor"
# Bottom to top, as main.c brings them up.
ROOMS = ["ledger", "base", "subos", "cores", "memory", "pci", "shared", "agent", "resize", "lifecycle", "control"]  # fmt: skip
INCLUDE = re.compile(r'^#include "([a-z]+)/(\w+)\.h"', re.MULTILINE)

RFM = SOURCE / "rfm/src"
RFM_ROOMS = ["base", "cli", "host", "client", "view", "plan", "operations", "verbs"]
# What all of them may include: interfaces, and libraries that know no room.
BESIDE_RFM = {"uapi", "wire", "boot", "inspect"}
QUOTED = re.compile(r'^#\s*include\s+"([^"]+)"', re.MULTILINE)


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


def rfm_includes(folder=RFM):
    """Pairs of a file below @folder and what it includes by quotes."""
    files = [path for path in folder.rglob("*") if path.suffix in (".cpp", ".hpp")]
    return [(path, name) for path in files for name in QUOTED.findall(path.read_text())]


def test_each_folder_of_rfm_is_a_room():
    assert {path.name for path in RFM.iterdir()} == {*RFM_ROOMS, "main.cpp"}


def test_includes_of_rfm_name_the_room():
    roomless = [
        f"{path.relative_to(SOURCE)} includes {name}"
        for path, name in rfm_includes()
        if not (RFM / name).is_file() or name.split("/")[0] not in RFM_ROOMS
        if name.split("/")[0] not in BESIDE_RFM
    ]
    assert rfm_includes() and not roomless


def test_no_room_of_rfm_includes_one_above():
    upwards = [
        f"{path.relative_to(SOURCE)} includes {name}"
        for path, name in rfm_includes()
        if path.parent != RFM and name.split("/")[0] in RFM_ROOMS
        if RFM_ROOMS.index(name.split("/")[0]) > RFM_ROOMS.index(path.parent.name)
    ]
    assert not upwards


def test_libraries_of_rfm_know_no_room():
    beside = [*rfm_includes(RFM.parent / "boot"), *rfm_includes(RFM.parent / "inspect")]
    assert beside and not [name for _, name in beside if name.split("/")[0] in RFM_ROOMS]


def test_rooms_of_rfm_are_linked_downwards():
    build = (RFM.parent / "CMakeLists.txt").read_text()
    added = [words.split() for words in re.findall(r"^add_room\((.+)\)", build, re.MULTILINE)]
    assert [room for room, *_ in added] == RFM_ROOMS
    assert all(RFM_ROOMS.index(below) < RFM_ROOMS.index(room) for room, *rest in added for below in rest)
    linked = re.findall(r"^target_link_libraries\(rfm_(\w+)([^)]*)\)", build, re.MULTILINE)
    assert not [room for room, libraries in linked if room in RFM_ROOMS and "rfm_" in libraries]
