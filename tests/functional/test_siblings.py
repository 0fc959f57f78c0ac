# SPDX-License-Identifier: GPL-2.0
"""SMT siblings stay together, however cores change hands, unless somebody insists."""

import pytest
from functional.subos import Supervisor

BAD_VALUE = 3
INSIST = "--allow-smt-split"


@pytest.fixture
def smt(machines):
    """Cores 0-1, 2-3 and 4-5 are SMT siblings."""
    args = ["-smp", "6,cores=3,threads=2,sockets=1"]
    return Supervisor(machines(cpus=6, snapshot=False, qemu_args=args))


def refuses(supervisor, words, *parts):
    result = supervisor.rfm(*words)
    assert result.status == BAD_VALUE and result.stderr.count("\n") == 1, result
    assert not [part for part in (*parts, INSIST) if part not in result.stderr], result


@pytest.mark.extended
@pytest.mark.budget(300)
def test_stay_together(smt):
    smt.create("web", "2-5", mem="256M")
    for words, *parts in (
        (("--cores", "-5"), "core 5 is an SMT sibling of core 4", "add core 4"),
        (("--cores", "-3"), "core 3 is an SMT sibling of core 2", "the boot core"),
        (("--cores", "2-4"), "core 5 is an SMT sibling of core 4"),
        (("--ncores", "-1"), "1 cores", "can be taken: 2"),
        (("--ncores", "3"), "can be taken: 2"),
    ):
        refuses(smt, ("resize", "web", *words), *parts)
    assert smt.show("web")["cores"] == [2, 3, 4, 5]
    assert smt.resize("web", "--ncores", "-2")["cores"] == [2, 3]
    assert smt.online() == "0-1,4-5"
    refuses(smt, ("resize", "web", "--cores", "+5"), "cores 4-5 are SMT siblings", "add core 4")
    refuses(smt, ("resize", "web", "--ncores", "+1"), "whole groups", "ask for 2")
    assert sorted(smt.resize("web", "--ncores", "+2")["cores"]) == [2, 3, 4, 5]
    smt.destroy("web")
    assert smt.online() == "0-5"


@pytest.mark.extended
@pytest.mark.budget(300)
def test_offline_ones_count(smt):
    """The kernel says of an orphan that it has no sibling: its sibling is lent, or just offline."""
    smt.create("web", "2-3", mem="256M")
    smt.resize("web", "--cores", "-3", INSIST)
    assert smt.online() == "0-1,3-5"
    alone = smt.sh("cat /sys/devices/system/cpu/cpu3/topology/thread_siblings_list")
    assert alone.strip() == "3"
    create = ("create", "batch", "--mem", "256M", "--kernel", f"/boot/vmlinuz-{smt.version}")
    refuses(smt, (*create, "--cores", "3"), "core 3", "core 2, which belongs to subOS 'web'")
    refuses(smt, (*create, "--cores", "3-5"), "core 3", "core 2, which belongs to subOS 'web'")
    refuses(smt, (*create, "--ncores", "1"), "whole groups")
    smt.sh("echo 0 > /sys/devices/system/cpu/cpu5/online")
    refuses(smt, (*create, "--cores", "4"), "core 4", "core 5, which is offline")
    smt.sh("echo 1 > /sys/devices/system/cpu/cpu5/online")
    smt.ok(*create, "--ncores", "2")
    assert smt.show("batch")["cores"] == [4, 5]
    refuses(smt, ("move", "--cores", "5", "batch", "web"), "core 5", "core 4, the boot core")
    # To where its sibling is, a core may go.
    assert smt.resize("web", "--cores", "+3")["cores"] == [2, 3]


@pytest.mark.extended
@pytest.mark.budget(300)
def test_loans(smt):
    """What was split by who insisted goes back without more words."""
    smt.create("web", "2-3", mem="256M")
    smt.create("batch", "4-5", mem="256M")
    refuses(smt, ("move", "--cores", "5", "batch", "web", "--borrow"), "core 5", "the boot core")
    smt.move("5", "batch", "web", "--borrow", INSIST)
    assert smt.show("web")["cores"] == [2, 3, 5] and smt.show("batch")["cores"] == [4]
    smt.ok("return", "web")
    assert smt.show("web")["cores"] == [2, 3] and smt.show("batch")["cores"] == [4, 5]


# Of a full pipe: rfm stands where it says that it rounds, and what it found out grows old.
RACE = """
    cd /tmp
    mkfifo full && exec 9<>full 8<full && head -c 65536 /dev/zero >&9
    rfm resize web --cores +5 --mem +79M >/dev/null 2>full & pid=$!
    until read -r call fd rest </proc/$pid/syscall; [ "$call $fd" = "1 0x2" ]; do
        kill -0 $pid || break
    done
    rfm resize web --cores -4 >/dev/null; a=$?
    dd bs=65536 count=1 <&8 >/dev/null 2>&1; wait $pid; b=$?
    exec 9>&-; cat <&8 >b; exec 8<&-; rm full
    echo $a $b; cat b
"""


@pytest.mark.extended
@pytest.mark.budget(300)
def test_module_looks_too(smt):
    """Whatever was planned: core 4, whose sibling was to follow, has left meanwhile."""
    smt.create("web", "2-3", mem="256M")
    smt.resize("web", "--cores", "+4", INSIST)
    statuses, *lines = smt.sh(RACE, timeout=120).splitlines()
    assert statuses == f"0 {BAD_VALUE}"
    assert "an SMT sibling of core 5 would have another owner" in lines[-1]
    assert INSIST in lines[-1]
    assert smt.show("web")["cores"] == [2, 3]
    assert smt.online() == "0-1,4-5"
