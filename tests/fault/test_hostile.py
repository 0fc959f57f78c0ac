# SPDX-License-Identifier: GPL-2.0
"""A subOS that overwrites all shared memory harms nobody but itself."""

import re
import time

import pytest
from functional.chat import CHAT, FICM, NORMAL, talkers, whole
from functional.doorbells import Doorbells
from functional.session import Shell
from functional.subos import Supervisor, troubles
from functional.trace import SUPERVISOR

SECONDS = 5
# Words of the machine page before the table of members: what it is, and the segments.
PAGE_WORDS = 2 + 2 * 32
NEW_SHELL = (
    'until grep -q "^all 0 " /sys/kernel/debug/rf_chat/report; do usleep 100000; done; '
    'pkill -9 -f "^-sh"; echo shell ended >/dev/kmsg'
)


@pytest.mark.extended
@pytest.mark.budget(240)
def test_arena_is_overwritten(machines):
    supervisor = Supervisor(machines(cpus=6, mem="4G"))
    with talkers(supervisor, good="2", rogue="3") as (made, shells):
        sup, good, rogue = made["supervisor"], made["good"], made["rogue"]
        bells = Doorbells(supervisor.machine)
        bells.add(supervisor.show("good"))
        page = bells.read(bells.homes[SUPERVISOR], PAGE_WORDS)
        # Its shell reads what is written over the input ring: after that it has to be another.
        good.run(f"(setsid sh -c '{NEW_SHELL}' >/dev/null 2>&1 &)")
        shells["rogue"].send(f"insmod /rf_scribble.ko seconds={SECONDS}")
        # Meanwhile both others are asked to do things; they may fail, but soon.
        for words in (("--cores", "+4"), ("--cores", "2"), ("--mem", "+128M")):
            assert supervisor.rfm("resize", "good", *words, "-t", "2", timeout=30).status != 124
        supervisor.rfm("list")
        supervisor.await_log("rogue", "overwrote the arena", timeout=SECONDS + 30)

        # All comes to order by itself, with the rogue still there; it is sound again, too.
        for name in ("good", "rogue"):
            supervisor.await_state(name, "running", timeout=10)
        end = time.monotonic() + 10
        while bells.read(bells.homes[SUPERVISOR], PAGE_WORDS) != page:
            assert time.monotonic() < end
        bells.look()
        bells.qmp.close()
        sup.say(f"echo {rogue.member} 100")
        shells["good"].close()
        sup.say("multicast 0")
        supervisor.await_log("good", "shell ended", timeout=10)
        shell = Shell(supervisor, "good", "--no-history")
        good.run = shell.run
        # Nor can what is written over the ring ever be a SysRq.
        shell.session.send("\x0fb\n")
        assert shell.alive()
        talk(sup, good)
        supervisor.resize("good", "--ncores", "1")
        supervisor.resize("good", "--cores", "+4")
        assert len(shell.apic_ids()) == 2
        assert not troubles(supervisor.log("good"))

        supervisor.destroy("rogue")
        talk(sup, good)
        supervisor.create("next", "3", "--initrd", "/tmp/subos-more.img", mem="256M")
        with supervisor.shells("next") as other:
            other.run("insmod /rf_chat.ko")
            for member in (0, good.member):
                other.run(f"echo echo {member} 100 >/sys/kernel/debug/rf_chat/command")
        supervisor.resize("next", "--mem", "+128M")
        shell.close()
    assert not troubles(supervisor.machine.dmesg())
    supervisor.destroy("--all")
    assert supervisor.online() == "0-5"


@pytest.mark.budget(180)
def test_doorbells_without_end(machines):
    """A subOS rings all others as fast as it can: they are slower, and that is all."""
    supervisor = Supervisor(machines())
    with talkers(supervisor, good="2", rogue="3") as (made, shells):
        sup, good, rogue = made["supervisor"], made["good"], made["rogue"]
        command = f"echo storm {1 << sup.member | 1 << good.member:x} {1000 * SECONDS}"
        storm = shells["rogue"].start(f"{command} >/sys/kernel/debug/rf_chat/command")
        talk(sup, good)
        supervisor.resize("good", "--mem", "+128M")
        assert shells["good"].alive()
        assert shells["rogue"].result(storm, timeout=SECONDS + 30)[0] == 0
        assert int(rogue.report()["stormed"]) > 1000
        for name in ("good", "rogue"):
            assert supervisor.show(name)["state"] == "running"
            assert not troubles(supervisor.log(name))
        assert "lost" not in {each.get("to") for each in supervisor.events("good")}
    assert not troubles(supervisor.machine.dmesg())


@pytest.mark.extended
@pytest.mark.budget(240)
def test_heartbeats_are_forged(machines):
    """No other kernel can make one look dead, or keep one that hangs looking alive."""
    supervisor = Supervisor(machines())
    initrd = supervisor.initrd_with("rf_hang", "rf_scribble")
    policy = ("--on-crash", "destroy", "--hang-timeout", "1")
    supervisor.create("good", "2", "--initrd", initrd, *policy, mem="256M")
    supervisor.create("rogue", "3", "--initrd", initrd, mem="256M")
    with supervisor.shells("good", "rogue") as (good, rogue):
        rogue.run(f"insmod /rf_scribble.ko beats=1 seconds={SECONDS}")
        supervisor.await_log("rogue", "overwrote the arena", timeout=SECONDS + 30)
        assert good.alive()
        assert supervisor.show("good")["state"] == "running"
        assert "lost" not in {each.get("to") for each in supervisor.events("good")}
        rogue.run(f"rmmod rf_scribble && insmod /rf_scribble.ko beats=2 seconds={12 * SECONDS}")
        good.send("insmod /rf_hang.ko")
        supervisor.await_log("good", "hanging every core")
        gone = "until [ ! -e /sys/class/misc/rainforest/subos/good ]; do usleep 100000; done"
        supervisor.sh(f"timeout 30 sh -c '{gone}'")
        assert "hang" in {each.get("why") for each in supervisor.events("good")}
        assert supervisor.show("rogue")["state"] == "running"
    assert not troubles(supervisor.machine.dmesg())


@pytest.mark.budget(180)
def test_one_core_is_rung_without_end(machines):
    """Two cores ring the only one of the supervisor: it stops telling how, and works on."""
    supervisor = Supervisor(machines(cpus=3))
    limit = 5000  # a second
    with talkers(supervisor, rogue="1-2") as (made, shells):
        sup, rogue = made["supervisor"], made["rogue"]
        supervisor.sh(f"echo {limit} >/sys/module/rf_ficm/parameters/brake")
        before, started = sup.doorbell_interrupts(), time.monotonic()
        command = f"echo storm {1 << sup.member:x} {2000 * SECONDS} >{CHAT}/command"
        storm = shells["rogue"].start(f"({command}) & ({command}) & wait")
        shells["rogue"].await_start(storm)
        began = time.monotonic()
        while not int(re.search(r"brakes (\d+)", supervisor.sh(f"cat {FICM}/counters"))[1]):
            assert time.monotonic() - began < SECONDS
        asked = []
        while time.monotonic() - began < SECONDS:
            asked.append(time.monotonic())
            supervisor.sh("true")
        asked.append(time.monotonic())
        assert max(end - start for start, end in zip(asked, asked[1:])) < 1
        assert shells["rogue"].result(storm, timeout=2 * SECONDS + 30)[0] == 0
        after = sup.doorbell_interrupts()
        taken = sum(after.values()) - sum(before.values())
        assert taken < limit * (time.monotonic() - started), (before, after)
        # Calm again: doorbells work, and nothing is lost.
        began, now = time.monotonic(), bells(sup)
        while bells(sup) < now + 10:
            assert time.monotonic() - began < 10
            rogue.say(f"echo {sup.member} 10")
        rescues = sup.rescues()
        rogue.say(f"echo {sup.member} 100")
        assert sup.rescues() == rescues
        assert supervisor.show("rogue")["state"] == "running"
    assert not troubles(supervisor.machine.dmesg())


CORES_ADD, CORES_REMOVE, MEMORY_ADD, MEMORY_REMOVE, STOP = 2, 3, 4, 5, 6
PROGRESS, DONE, FAILED = 1, 2, 3
BUSY, NO_ANSWER = 5, 13
MIB = 1 << 20
# What a kernel answers, and to what: nothing of it can be.
NONSENSE = (
    (("--mem", "+128M"), MEMORY_ADD, FAILED, -2608, 0),
    (("--mem", "+128M"), MEMORY_ADD, DONE, 6675214785081, 0),
    (("--mem", "-128M"), MEMORY_REMOVE, PROGRESS, "{last}", 4 * MIB),
    (("--mem", "-128M"), MEMORY_REMOVE, DONE, 1 << 40, 0),
    (("--cores", "+3"), CORES_ADD, PROGRESS, 3, 77),
    (("--cores", "+3"), CORES_ADD, DONE, 0, 0),
)


@pytest.mark.budget(240)
def test_forged_answers(machines):
    """What makes no sense is one clear error, and changes nothing that the kernel did not do."""
    # All that is asked for is in the pool: the supervisor's own memory cannot always be had.
    supervisor = Supervisor(machines(cpus=6, mem="4G"))
    with talkers(supervisor, rogue="2", good="1") as (_, shells):
        shown = supervisor.resize("rogue", "--mem", "+256M")
        for count, (words, op, kind, first, second) in enumerate(NONSENSE, 1):
            last = shown["ranges"][-1]
            first = str(first).format(last=last["start"] + last["size"] - 4 * MIB)
            command = f"forge {op} {kind} {first} {second} 60000"
            # Cores come too late to be there in spite of that; memory may be.
            hold = "insmod /rf_hang.ko hotplug=1 seconds=60 & pids=$!"
            shells["rogue"].run(f"{hold}; echo {command} >{CHAT}/command & pids=\"$pids $!\"")
            held = f'[ $(rfm log rogue | grep -c "holding CPU") = {count} ]'
            supervisor.sh(f"timeout 20 sh -c 'until {held}; do usleep 50000; done'")
            result = supervisor.rfm("resize", "rogue", *words, "--timeout", "10")
            if result.status or op == CORES_ADD:
                assert result.status == NO_ANSWER, (words, command, result)
                assert "gave an answer that makes no sense" in result.stderr, result.stderr
                assert len(result.stderr.splitlines()) == 1
            shells["rogue"].run("kill $pids; wait; rmmod rf_hang")
            # Its own agent is sound: what it did after all is known, or gets known.
            again = ("resize", "rogue", "--mem", "768M", "--cores", "2")
            end = time.monotonic() + 20
            while (result := supervisor.rfm(*again)).status == BUSY:
                assert time.monotonic() < end, result
            assert result.status == 0, (words, result)
            shown = supervisor.show("rogue")
            assert all(each["size"] % (128 * MIB) == 0 for each in shown["ranges"]), shown
        supervisor.resize("good", "--mem", "+128M")
        for name in ("rogue", "good"):
            assert supervisor.show(name)["state"] == "running"
            assert not troubles(supervisor.log(name))
    assert not troubles(supervisor.machine.dmesg())


def talk(sup, good):
    """In both directions, by doorbells that work; the first answer may still come late."""
    for talker, peer in ((sup, good), (good, sup)):
        talker.say(f"echo {peer.member} 1")
    before = {each: (each.rescues(), bells(each)) for each in (sup, good)}
    for talker, peer in ((sup, good), (good, sup)):
        talker.say(f"echo {peer.member} 100")
        talker.say(f"flood {1 << peer.member:x} 5000 {NORMAL}")
        peer.say(f"echo {talker.member} 1")
        assert peer.flow("flood", talker.member) == whole(5000)
    for each, (rescues, interrupts) in before.items():
        assert each.rescues() == rescues and bells(each) > interrupts


def bells(talker):
    return talker.doorbell_interrupts()["rf_ficm"]
