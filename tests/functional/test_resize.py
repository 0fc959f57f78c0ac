# SPDX-License-Identifier: GPL-2.0
"""Cores and memory come to and go from a running subOS, as both kernels see it."""

import time

import pytest
from functional.elastic import CHURN, LOAD, Ledger
from functional.functions import until
from functional.subos import BLOCK, DEBUG, MIB, Supervisor, troubles

USAGE, BAD_VALUE, NO_SUCH_SUBOS, BUSY, NOT_ENOUGH = range(2, 7)


@pytest.mark.budget(180)
def test_cores(machines):
    """Added, removed, set as a list and as a number, under load on both sides."""
    supervisor = Supervisor(machines())
    before = supervisor.state()
    supervisor.machine.exec("for i in 1 2; do setsid sh -c 'while :; do :; done' & done")
    supervisor.create("web", "3", mem="256M", run=LOAD)
    with supervisor.shells("web") as shell:
        ledger = Ledger(supervisor, [shell])
        for words, cores in (
            (("--cores", "+2"), [3, 2]),
            (("--cores", "+1"), [3, 2, 1]),
            (("--cores", "-1,2"), [3]),
            (("--ncores", "3"), [1, 2, 3]),
            (("--cores", "1,3"), [1, 3]),
            (("--cores", "2-3"), [2, 3]),
            (("--ncores", "1"), [3]),
        ):
            shown = supervisor.resize("web", *words)
            assert sorted(shown["cores"]) == sorted(cores), words
            assert shown["cores"][0] == 3 and shown["cores_online"] == len(cores)
            assert len(shell.apic_ids()) == len(cores)
            ledger.check()
        steps = [each for each in supervisor.history("web") if each["result"] == 0]
        assert len(steps) >= 7 and all(each["duration_seconds"] > 0 for each in steps)
        assert not troubles(shell.run("dmesg"))
    supervisor.destroy("web")
    assert supervisor.state()["online"] == before["online"] == "0-3"
    assert supervisor.state()["pool"] == before["pool"]


def test_cores_refused(supervisor):
    """Nothing changes, and the line says what."""
    supervisor.create("web", "2-3", mem="256M")
    supervisor.create("other", "1", mem="256M")
    for words, status, part in (
        (("--cores", "-2"), BAD_VALUE, "boot core"),
        (("--cores", "3"), BAD_VALUE, "boot core"),
        (("--cores", "+0"), BAD_VALUE, "core 0"),
        (("--cores", "+1"), BAD_VALUE, "core 1"),
        (("--cores", "-1"), BAD_VALUE, "core 1"),
        (("--cores", "+7"), BAD_VALUE, "core 7"),
        (("--ncores", "3"), NOT_ENOUGH, "0 can be given"),
        (("--ncores", "0"), BAD_VALUE, "0"),
        (("--cores", "+x"), BAD_VALUE, "x"),
    ):
        result = supervisor.rfm("resize", "web", *words)
        assert result.status == status and part in result.stderr, (words, result)
        assert result.stderr.count("\n") == 1, result
    assert supervisor.show("web")["cores"] == [2, 3]
    result = supervisor.rfm("resize", "nobody", "--cores", "+1")
    assert result.status == NO_SUCH_SUBOS


def adjust_memory(supervisor, shell):
    """Added, removed, absolute; as the kernel inside sees it, too."""
    ledger = Ledger(supervisor, [shell])
    memory, total = ledger.first["web"]
    for words, size in (
        (("--mem", "+128M"), memory + BLOCK),
        (("--mem", "+256M"), memory + 3 * BLOCK),
        (("--mem", "-128M"), memory + 2 * BLOCK),
        (("--mem", f"{(memory + 3 * BLOCK) // MIB}M"), memory + 3 * BLOCK),
        (("--mem", f"{memory // MIB}M"), memory),
    ):
        shown = supervisor.resize("web", *words)
        assert shown["memory"] == size, words
        assert shell.memory() - total == size - memory
        ledger.check()
    # Hot-added memory can be used, and is removed while it is in use.
    supervisor.resize("web", "--mem", "+256M")
    shell.run("dd if=/dev/zero of=/tmp/fill bs=1M count=96 && rm /tmp/fill", timeout=60)
    shell.run(CHURN)
    supervisor.resize("web", "--mem", "-256M")
    ledger.check()
    assert not troubles(shell.run("dmesg"))


@pytest.mark.budget(180)
def test_memory_of_the_pool(supervisor):
    before = supervisor.state()
    supervisor.create("web", "2-3", mem="256M")
    with supervisor.shells("web") as shell:
        adjust_memory(supervisor, shell)
        shown = supervisor.show("web")
    assert shown["memory_block_size"] == BLOCK
    kinds = {each["event"] for each in supervisor.history("web")}
    assert kinds == {"memory-added", "memory-removed"}
    # What it gave up is cleared without anybody asking for it.
    supervisor.sh(until(f"grep -qx 0 {DEBUG}/pool_left"))
    assert supervisor.pool_intact()
    supervisor.destroy("web")
    assert supervisor.state() == before


@pytest.mark.budget(180)
def test_memory_of_the_supervisor(machines):
    """Blocks come out of the supervisor's kernel, and go back online there."""
    supervisor = Supervisor(machines(pool="runtime"))
    # With the arena and gaps around it: all that is movable, for other blocks need not come.
    supervisor.create("first", "3", "--no-start", mem="896M")
    supervisor.destroy("first")
    before = supervisor.state()
    supervisor.create("web", "2-3", mem="256M")
    with supervisor.shells("web") as shell:
        adjust_memory(supervisor, shell)
    supervisor.destroy("web")
    assert supervisor.state() == before


def test_too_much_memory_is_refused(supervisor):
    supervisor.create("web", "3", mem="256M")
    result = supervisor.rfm("resize", "web", "--mem", "+64G")
    assert result.status == NOT_ENOUGH and "could be given" in result.stderr
    assert supervisor.show("web")["memory"] == 256 * MIB


@pytest.mark.extended
@pytest.mark.budget(150)
def test_shrink_below_use(supervisor):
    """It fails, or stops half-way, cleanly and soon; nothing is killed inside."""
    supervisor.create("web", "3", mem="256M")
    with supervisor.shells("web") as shell:
        ledger = Ledger(supervisor, [shell])
        supervisor.resize("web", "--mem", "+256M")
        # Pages of a tmpfs cannot be dropped: what is left free is less than what is asked for.
        shell.run("mount -o remount,size=400M /tmp")
        shell.run("dd if=/dev/zero of=/tmp/fill bs=1M count=280", timeout=90)
        digest = shell.run("md5sum /tmp/fill", timeout=60)
        began = time.monotonic()
        result = supervisor.rfm("resize", "web", "--mem", "-384M")
        assert time.monotonic() - began < 30
        assert result.status == NOT_ENOUGH and result.stderr.count("\n") == 1, result
        given = 512 * MIB - supervisor.show("web")["memory"]
        assert 0 <= given < 384 * MIB and given % BLOCK == 0
        ledger.check()
        assert shell.run("md5sum /tmp/fill", timeout=60) == digest
        log = shell.run("dmesg")
        assert "Out of memory" not in log and "oom-kill" not in log and not troubles(log)
        # With the memory free again, the rest goes.
        shell.run("rm /tmp/fill")
        if supervisor.show("web")["memory"] > 256 * MIB:
            supervisor.resize("web", "--mem", "256M")
        ledger.check()


@pytest.mark.budget(180)
def test_move_and_borrow(machines):
    """Cores go from one subOS to the other, for good or as a loan."""
    supervisor = Supervisor(machines(cpus=6, mem="4G"))
    supervisor.create("web", "1-3", mem="256M", run=LOAD)
    supervisor.create("batch", "4-5", mem="256M", run=LOAD)
    with supervisor.shells("web", "batch") as shells:
        ledger = Ledger(supervisor, shells)

        def check(web, batch):
            shown = ledger.check()
            assert sorted(shown["web"]["cores"]) == web
            assert sorted(shown["batch"]["cores"]) == batch

        supervisor.move("3", "web", "batch")
        check([1, 2], [3, 4, 5])
        supervisor.move("3,5", "batch", "web")
        check([1, 2, 3, 5], [4])
        supervisor.move("2-3", "web", "batch", "--borrow")
        check([1, 5], [2, 3, 4])
        supervisor.ok("return", "batch", "--cores", "2")
        check([1, 2, 5], [3, 4])
        supervisor.ok("return", "batch")
        check([1, 2, 3, 5], [4])
        for words in (
            ("move", "--cores", "1", "web", "batch"),  # boot core
            ("move", "--cores", "4", "web", "batch"),  # not its own
            ("move", "--cores", "2", "web", "web"),
            ("return", "batch", "--cores", "4"),  # not borrowed
        ):
            result = supervisor.rfm(*words)
            assert result.status == BAD_VALUE and result.stderr.count("\n") == 1, (words, result)
        check([1, 2, 3, 5], [4])
    kinds = {each["event"] for each in supervisor.history()}
    assert kinds == {"cores-moved", "cores-borrowed", "cores-returned"}
    for name in ("web", "batch"):
        assert not troubles(supervisor.log(name))


@pytest.mark.extended
@pytest.mark.budget(150)
def test_loans_end_with_either_side(machines):
    supervisor = Supervisor(machines(cpus=6, mem="4G"))
    supervisor.create("web", "1-3", mem="256M")
    supervisor.create("batch", "4-5", mem="256M")
    supervisor.move("3", "web", "batch", "--borrow")
    supervisor.destroy("batch")  # the borrower: its loan goes home, the rest to the supervisor
    assert sorted(supervisor.show("web")["cores"]) == [1, 2, 3]
    assert supervisor.online() == "0,4-5"
    # The lender's kernel starts the core on its own time; the event tells when.
    home = "until rfm history web | grep cores-returned; do usleep 50000; done"
    supervisor.sh(f"timeout 20 sh -c '{home}'")
    with supervisor.shells("web") as shell:
        assert len(shell.apic_ids()) == 3
    supervisor.create("batch", "4-5", mem="256M")
    supervisor.move("3", "web", "batch", "--borrow")
    supervisor.destroy("web")  # the lender: the borrower keeps the core, now its own
    assert sorted(supervisor.show("batch")["cores"]) == [3, 4, 5]
    assert supervisor.rfm("return", "batch", "--cores", "3").status == BAD_VALUE
    with supervisor.shells("batch") as shell:
        assert len(shell.apic_ids()) == 3
    supervisor.destroy("batch")
    assert supervisor.online() == "0-5"


def test_without_agent(supervisor):
    """Who cannot be asked is not resized, and the line says why."""
    supervisor.create("bare", "3", "--no-agent", mem="256M")
    for words in (("--cores", "+2"), ("--mem", "+128M")):
        result = supervisor.rfm("resize", "bare", *words)
        assert result.status not in (0, 1) and result.stderr.count("\n") == 1, result
    assert supervisor.online() == "0-2"
