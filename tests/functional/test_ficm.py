# SPDX-License-Identifier: GPL-2.0
"""Messages, doorbells and shared memory between kernels: none lost, none doubled, in order."""

import pytest
from functional.chat import CHAT, NORMAL, URGENT, talkers, whole
from functional.subos import Supervisor, troubles
from lab import images, paths

FLOOD = 20000


def flood_all(made, count, priority, during=lambda: None):
    """Every kernel floods all others at once. The supervisor's goes on beside the shells."""
    everyone = {name: talker.member for name, talker in made.items()}
    for name, talker in made.items():
        mask = sum(1 << member for other, member in everyone.items() if other != name)
        command = f"echo flood {mask:x} {count} {priority} >/sys/kernel/debug/rf_chat/command"
        script = f"{command}; echo $? >/tmp/flooded"
        talker.run(f"rm -f /tmp/flooded; (setsid sh -c '{script}' >/dev/null 2>&1 &)")
    during()
    for talker in made.values():
        ended = "until [ -s /tmp/flooded ]; do usleep 50000; done"
        talker.run(f"timeout 90 sh -c '{ended}'", timeout=100)
        assert talker.run("cat /tmp/flooded").strip() == "0"
        assert talker.report()["given_up"] == "0"


def check_flood(made, count):
    for name, talker in made.items():
        for other, peer in made.items():
            if other != name:
                assert talker.flow("flood", peer.member) == whole(count), f"{other} to {name}"
        assert talker.rescues() == 0, name


def healthy(supervisor, *names):
    for name in names:
        assert not troubles(supervisor.log(name)), name
    assert not troubles(supervisor.machine.dmesg())


@pytest.mark.budget(240)
def test_messages(machines):
    """Questions, floods in all directions, multicasts, a full ring, a doorbell of one's own."""
    supervisor = Supervisor(machines())
    with talkers(supervisor, web="2", batch="3") as (made, _):
        sup, web, batch = made["supervisor"], made["web"], made["batch"]
        assert sup.member == 0 and len({talker.member for talker in made.values()}) == 3
        for talker in made.values():
            assert talker.present() >= {sup.member, web.member, batch.member}
            for peer in made.values():
                if peer is not talker:
                    talker.say(f"echo {peer.member} 200")
                    assert talker.report()["answers"] == "200"
        for priority in (URGENT, NORMAL):
            flood_all(made, FLOOD, priority)
            check_flood(made, FLOOD)
        multicasts(made)
        full_ring(sup, web)
        own_doorbell(web, sup)
        late_and_lost(sup, web)
        rings = [name for name, count in sup.doorbell_interrupts().items() if count]
        assert len(rings) >= 2, rings  # messages, and consoles or the client's own
        assert any(web.doorbell_interrupts().values())
        healthy(supervisor, "web", "batch")


def multicasts(made):
    sup, web, batch = made["supervisor"], made["web"], made["batch"]
    both = 1 << web.member | 1 << batch.member
    sup.say(f"multicast {both:x}")
    assert int(sup.report()["reached"], 16) == both
    web.say("multicast 0")
    assert int(web.report()["reached"], 16) == 1 << sup.member | 1 << batch.member
    for talker, senders in ((web, [sup]), (batch, [sup, web]), (sup, [web])):
        text = talker.run("cat /sys/kernel/debug/rf_chat/report")
        for sender in senders:
            assert f"all {sender.member} 1\n" in text


def full_ring(sup, web):
    """Who sends to a handler that sleeps is told that the ring is full; nothing is dropped."""
    web.say("stall 3000")
    sup.say(f"fill {web.member}")
    sent = int(sup.report()["filled"])
    assert sent >= 100
    web.run(
        f"timeout 20 sh -c 'until grep -q \"^fill {sup.member} count {sent} \" "
        "/sys/kernel/debug/rf_chat/report; do usleep 50000; done'"
    )
    assert web.flow("fill", sup.member) == whole(sent)


def own_doorbell(web, sup):
    web.say("bell")
    index = web.report()["bell"]
    sup.say(f"ring {web.member} {index} 100")
    rung = int(web.report()["rung"])
    assert 0 < rung <= 100
    assert web.doorbell_interrupts().get("rf_chat") == rung
    result = sup.run(f"echo ring {web.member} 15 1 >/sys/kernel/debug/rf_chat/command || echo no")
    assert result == "no\n"


def late_and_lost(sup, web):
    """A ring that a core takes late comes by itself; for one that does not come, the heartbeat looks."""
    sup.run(
        "for f in /proc/irq/[0-9]*; do [ -d $f/rf_ficm ] && echo 1 >$f/smp_affinity_list; done; true"
    )
    sup.say(f"echo {web.member} 10")
    for deaf_ms, rescues in ((80, 0), (80, 0), (80, 0), (800, 1)):
        before = sup.rescues()
        command = f"echo deaf 1 {deaf_ms} {web.member} >{CHAT}/command"
        sup.run(f'taskset -c 0 sh -c "{command}"')
        assert sup.rescues() - before == rescues
        assert (int(sup.report()["waited_ms"]) < deaf_ms / 2) == bool(rescues)


@pytest.mark.budget(240)
def test_doorbells_leave_cores(machines):
    """At full rate, the cores that doorbells are on go offline, on both sides, and they move."""
    supervisor = Supervisor(machines(cpus=6, mem="4G"))
    move = (
        "for f in /proc/irq/[0-9]*; do ls $f | grep -qE 'rf_|ficm|rainforest' && "
        "for c in 0 1 0; do echo $c >$f/smp_affinity_list; usleep 50000; done; done; true"
    )
    with talkers(supervisor, web="2-4") as (made, shells):

        def during():
            for _ in range(2):
                supervisor.resize("web", "--cores", "-3,4")
                supervisor.sh("echo 0 > /sys/devices/system/cpu/cpu1/online")
                supervisor.sh("echo 1 > /sys/devices/system/cpu/cpu1/online")
                supervisor.resize("web", "--cores", "+3,4")
            supervisor.sh(move)
            shells["web"].run(move)
            supervisor.sh("echo 0 > /sys/devices/system/cpu/cpu1/online")
            supervisor.resize("web", "--cores", "-3")
            supervisor.sh("echo 1 > /sys/devices/system/cpu/cpu1/online")

        flood_all(made, 4 * FLOOD, NORMAL, during)
        check_flood(made, 4 * FLOOD)
        healthy(supervisor, "web")


@pytest.mark.budget(180)
@pytest.mark.parametrize("end", ["destroy", pytest.param("panic", marks=pytest.mark.extended)])
def test_sender_dies(machines, end):
    """In the middle of a flood; the others go on, and its successor starts afresh."""
    supervisor = Supervisor(machines())
    with talkers(supervisor, web="2", batch="3") as (made, shells):
        sup, web, batch = made["supervisor"], made["web"], made["batch"]
        command = f"echo flood {1 << 0 | 1 << batch.member:x} 4000000 {NORMAL}"
        web.run(f"(setsid sh -c '{command} >/sys/kernel/debug/rf_chat/command' &)")
        supervisor.sh("usleep 500000")
        if end == "panic":
            shells["web"].send("echo c >/proc/sysrq-trigger")
            supervisor.await_state("web", "crashed")
        supervisor.destroy("web")
        for talker in (sup, batch):
            flow = talker.flow("flood", web.member)
            assert flow["count"] > 0 and flow == whole(flow["count"])
        for talker, peer in ((sup, batch), (batch, sup)):
            talker.say(f"echo {peer.member} 100")
        result = sup.run(f"echo echo {web.member} 1 >/sys/kernel/debug/rf_chat/command || echo no")
        assert result == "no\n"
        supervisor.create("next", "2", "--initrd", "/tmp/subos-more.img", mem="256M")
        with supervisor.shells("next") as shell:
            shell.run("insmod /rf_chat.ko")
            for peer in (sup, batch):
                shell.run(f"echo echo {peer.member} 100 >/sys/kernel/debug/rf_chat/command")
        healthy(supervisor, "batch", "next")


@pytest.mark.budget(150)
def test_eventfds(supervisor):
    """Processes of two kernels play ping-pong: no ring is lost, none is made up."""
    include = paths.SOURCE / "include"
    headers = sorted(include.glob("*/*.h"))
    bells = images.static_program("bells", "-I", str(include), headers=headers)
    supervisor.install({"usr/bin/bells": bells})
    initrd = supervisor.initrd_with(files={"usr/bin/bells": bells})
    supervisor.create("web", "2-3", "--initrd", initrd, mem="256M")
    member, count = supervisor.show("web")["member"], 300
    with supervisor.shells("web") as shell:
        players = ((supervisor.sh, member, "first"), (shell.run, 0, ""))
        for run, peer, first in players:
            words = f"bells {peer} {count} /tmp/peer {first}"
            run(f"mkfifo /tmp/peer; (setsid sh -c '{words} >/tmp/bells 2>&1' >/dev/null 2>&1 &)")
        said = "until grep -m1 '{}' /tmp/bells; do usleep 20000; done"
        indexes = [run(f"timeout 10 sh -c \"{said.format('index')}\"").split()[-1]
                   for run, _, _ in players]  # fmt: skip
        # The one that begins hears of the other last.
        shell.run(f"echo {indexes[0]} >/tmp/peer")
        supervisor.sh(f"echo {indexes[1]} >/tmp/peer")
        for run, _, _ in players:
            run(f"timeout 60 sh -c \"{said.format('done')}\"", timeout=70)
            assert run("cat /tmp/bells").splitlines()[-1] == f"done {count}"
        assert not troubles(shell.run("dmesg"))
    outlive_the_arena(supervisor, member)


def outlive_the_arena(supervisor, member):
    """A process that has doorbells bound is there when the last subOS goes, and another comes."""
    words = f"bells {member} 1 /tmp/none first"
    supervisor.sh(f"mkfifo /tmp/none; (setsid sh -c '{words} >/tmp/left 2>&1' >/dev/null 2>&1 &)")
    supervisor.sh("echo 15 >/tmp/none")
    supervisor.destroy("web")
    supervisor.create("next", "2", mem="256M")
    supervisor.sh("killall bells")
    supervisor.destroy("next")


def test_atomics(supervisor):
    """A kernel on one core and one on two count in the same word: LOCK prefixes are in place."""
    count = 3_000_000
    with talkers(supervisor, web="3") as (made, _):
        sup, web = made["supervisor"], made["web"]
        before = sup.word(web.member)
        supervisor.machine.exec(
            f"setsid sh -c 'echo atomic {web.member} {count} >/sys/kernel/debug/rf_chat/command; "
            "echo done >/tmp/counted' > /dev/null 2>&1 &"
        )
        web.say(f"atomic {web.member} {count}", timeout=90)
        ended = "until [ -s /tmp/counted ]; do usleep 50000; done"
        supervisor.sh(f"timeout 60 sh -c '{ended}'", timeout=70)
        assert sup.word(web.member) - before == 2 * count == web.word(web.member) - before
