# SPDX-License-Identifier: GPL-2.0
"""SMT siblings stay together, however cores change hands, unless somebody insists."""

import re

import pytest
from functional.subos import DEBUG, Supervisor
from lab import qemu

BAD_VALUE, INCOMPLETE = 3, 11
INSIST = "--allow-smt-split"
SMT = "-smp", "6,cores=3,threads=2,sockets=1"


@pytest.fixture
def smt(machines):
    """Cores 0-1, 2-3 and 4-5 are SMT siblings."""
    return Supervisor(machines(cpus=6, snapshot=False, qemu_args=[*SMT]))


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


@pytest.mark.extended
@pytest.mark.budget(300)
def test_one_loan_keeps_no_others(smt):
    """Of all that is borrowed, what has to stay stays, and the rest goes home."""
    smt.create("web", "2", INSIST, mem="256M")
    smt.create("batch", "4-5", mem="256M")
    smt.resize("batch", "--cores", "+3", INSIST)
    smt.move("5", "batch", "web", "--borrow", INSIST)
    smt.move("3", "batch", "web", "--borrow", INSIST)
    # Core 3 would leave core 2 behind. If another one fails, that is what is said.
    with smt.shells("web") as shell:
        fail_once(shell, 4)
        result = smt.rfm("return", "web")
        assert result.status == INCOMPLETE and "core 5" in result.stderr, result
        assert INSIST not in result.stderr, result
    result = smt.rfm("return", "web")
    assert result.status == INCOMPLETE, result
    assert "core(s) 3 stay with subOS 'web'" in result.stderr and INSIST in result.stderr, result
    assert smt.show("web")["cores"] == [2, 3] and smt.show("batch")["cores"] == [4, 5]
    remedy = re.search(r"'rfm (return [^']*)'", result.stderr)[1]
    smt.ok(*remedy.split())
    assert smt.show("web")["cores"] == [2] and sorted(smt.show("batch")["cores"]) == [3, 4, 5]


def fail_once(shell, cpu, state="workqueue:online"):
    """The next time that this core of the subOS comes to a state of hotplug, its kernel fails."""
    shell.run(
        "cd /sys/devices/system/cpu; "
        f"sed -n 's/^ *\\([0-9]*\\): {state}$/\\1/p' hotplug/states > /tmp/state; "
        f"[ -s /tmp/state ] && cat /tmp/state > cpu{cpu}/hotplug/fail; cd /"
    )


@pytest.mark.extended
@pytest.mark.budget(300)
def test_half_an_answer(smt):
    """An agent that gives up, or starts, one of two siblings leaves nobody with a half."""
    smt.create("batch", "2-5", mem="256M")
    smt.create("web", "1", INSIST, mem="256M")
    move = ("move", "--cores", "4-5", "batch", "web")
    with smt.shells("batch", "web") as (batch, web):
        # Inside, cores have the numbers of the hand-off: first the own ones, then all others.
        fail_once(batch, 3)
        result = smt.rfm(*move)
        assert result.status == INCOMPLETE and "core 5" in result.stderr, result
        assert smt.show("web")["cores"] == [1]
        assert sorted(smt.show("batch")["cores"]) == [2, 3, 4, 5]
        assert batch.apic_ids() == {2, 3, 4, 5} and web.apic_ids() == {1}
        fail_once(web, 4)
        result = smt.rfm(*move)
        assert result.status == INCOMPLETE and "core 5" in result.stderr, result
        assert smt.show("web")["cores"] == [1]
        assert sorted(smt.show("batch")["cores"]) == [2, 3, 4, 5]
        assert batch.apic_ids() == {2, 3, 4, 5} and web.apic_ids() == {1}
        smt.ok(*move)
        assert web.apic_ids() == {1, 4, 5} and batch.apic_ids() == {2, 3}
        # To the supervisor and back, too.
        fail_once(web, 4)
        result = smt.rfm("resize", "web", "--cores", "-4-5")
        assert result.status == INCOMPLETE and "core 5" in result.stderr, result
        assert web.apic_ids() == {1, 4, 5} and smt.online() == "0"
        smt.resize("web", "--cores", "-4-5")
        assert smt.online() == "0,4-5"
        fail_once(web, 4)
        result = smt.rfm("resize", "web", "--cores", "+4-5")
        assert result.status == INCOMPLETE and "core 5" in result.stderr, result
        assert web.apic_ids() == {1} and smt.online() == "0,4-5"
        # What is started, and not given back then, keeps its sibling. Only who goes offline waits.
        fail_once(web, 4)
        fail_once(web, 3, "sched:waitempty")
        result = smt.rfm("resize", "web", "--cores", "+4-5")
        assert result.status == INCOMPLETE and "core 5" in result.stderr, result
        assert smt.show("web")["cores"] == [1, 4, 5]
        assert web.apic_ids() == {1, 4} and smt.online() == "0"
        smt.resize("web", "--cores", "-4-5")
        assert smt.online() == "0,4-5"


@pytest.mark.extended
@pytest.mark.budget(300)
def test_half_a_way(smt):
    """Whatever fails on the way of a whole core, it has one owner afterwards."""
    smt.create("web", "2-5", mem="256M")
    there, back = ("--cores", "-4-5"), ("--cores", "+4-5")
    for words, others in ((there, back), (back, there)):
        smt.sh(f"echo 0 > {DEBUG}/steps")
        smt.resize("web", *words)
        steps = int(smt.sh(f"cat {DEBUG}/steps"))
        smt.resize("web", *others)
        for step in range(1, steps + 1):
            smt.sh(f"echo {step} > {DEBUG}/fail_nth")
            result = smt.rfm("resize", "web", *words)
            smt.sh(f"echo 0 > {DEBUG}/fail_nth")
            assert result.status, (words, step, result)
            has = set(smt.show("web")["cores"])
            assert len(has & {4, 5}) != 1, (words, step, result)
            assert smt.online() == ("0-1" if has & {4, 5} else "0-1,4-5"), (words, step, result)
            if bool(has & {4, 5}) != (words == there):
                smt.resize("web", *others)
        smt.resize("web", *words)


@pytest.mark.extended
@pytest.mark.budget(300)
def test_smt_comes_on_later(smt):
    """A core that was off when its sibling was lent stays off, and the line says how not."""
    control = "/sys/devices/system/cpu/smt/control"
    smt.sh(f"echo off > {control}")
    assert smt.online() == "0,2,4"
    smt.create("web", "2", mem="256M")
    smt.sh(f"echo on > {control}; true")
    smt.sh("for cpu in 1 5; do echo 1 > /sys/devices/system/cpu/cpu$cpu/online; done; true")
    assert smt.online() == "0-1,4-5"
    three = "/sys/devices/system/cpu/cpu3/online"
    assert not smt.machine.exec(f"echo 1 > {three}").ok
    [*_, line] = [each for each in smt.machine.dmesg().splitlines() if "CPU 3 stays offline" in each]
    assert "CPU 2 belongs to subOS" in line
    smt.sh(re.search(r"(echo 1 > \S+)", line)[1])
    smt.sh(f"echo 1 > {three}")
    assert smt.online() == "0-1,3-5"
    # Where somebody has insisted, a core may go and come.
    smt.sh("echo 0 > /sys/module/rf_supervisor/parameters/allow_smt_split")
    smt.sh(f"echo 0 > {three}; echo 1 > {three}")
    smt.destroy("web")
    assert smt.online() == "0-5"


@pytest.mark.extended
@pytest.mark.budget(300)
def test_older_processor(machines):
    """One without CPUID leaf 0xb has siblings all the same."""
    args = [*SMT, "-cpu", f"{qemu.CPU},cpuid-0xb=off"]
    supervisor = Supervisor(machines(cpus=6, snapshot=False, qemu_args=args))
    supervisor.sh("echo 0 > /sys/devices/system/cpu/cpu3/online")
    create = ("create", "web", "--mem", "256M", "--kernel", f"/boot/vmlinuz-{supervisor.version}")
    refuses(supervisor, (*create, "--cores", "2"), "core 2", "core 3, which is offline")
    supervisor.sh("echo 1 > /sys/devices/system/cpu/cpu3/online")
    supervisor.ok(*create, "--cores", "2-3")


# Of a full pipe: rfm stands where it says what it is about to do, and its plan grows old.
RACE = """
    cd /tmp
    mkfifo full && exec 9<>full 8<full && head -c 65536 /dev/zero >&9
    rfm resize web --cores +5 --verbose >/dev/null 2>full & pid=$!
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
    smt.ok(re.search(r"'rfm (list)'", lines[-1])[1])
    insist = re.search(r"insist with (--[a-z-]+)", lines[-1])[1]
    assert smt.resize("web", "--cores", "+5", insist)["cores"] == [2, 3, 5]
