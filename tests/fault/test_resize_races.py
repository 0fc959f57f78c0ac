# SPDX-License-Identifier: GPL-2.0
"""A subOS ends, crashes or hangs, or rfm dies, at the very moment of a resize."""

import shlex

import pytest
from functional.elastic import Ledger
from functional.subos import Supervisor, troubles
from lab import images

BUSY, TIMED_OUT = 5, 13
# What happens to the subOS meanwhile; {} is a delay in seconds.
ENDS = {
    "poweroff": "(sleep {}; poweroff -f) &",
    "crash": "(sleep {}; echo c > /proc/sysrq-trigger) &",
    "hang": "(sleep {}; insmod /rf_hang.ko) &",
}
RESIZES = (("--cores", "+1"), ("--cores", "-3"), ("--mem", "+256M"), ("--mem", "-128M"))
DELAYS = (0.02, 0.1, 0.3)


def race(supervisor, initrd, end, delay, words):
    supervisor.create("web", "2-3", "--initrd", initrd, "--on-reboot", "keep", mem="384M")
    with supervisor.shells("web") as shell:
        # The shell does not answer any more: it is not asked.
        shell.send(f"( {end.format(delay)} )")
        result = supervisor.rfm("resize", "web", *words, "--timeout", "3", timeout=60)
    # It was done, was refused, was too late, or the subOS ended: one line says which.
    assert result.status == 0 or result.stderr.count("\n") == 1, result
    assert result.status != 1, result
    supervisor.await_state("web", "stopped", "crashed", "lost", timeout=30)
    shown = supervisor.show("web")
    assert len(set(shown["cores"])) == len(shown["cores"])
    online = supervisor.sh("grep -c ^processor /proc/cpuinfo")
    assert int(online) + len(shown["cores"]) == 4, (online, shown)
    supervisor.destroy("web")


@pytest.mark.budget(300)
@pytest.mark.extended
@pytest.mark.parametrize("end, resizes", [
    ("crash", RESIZES),
    ("hang", RESIZES[1:3]),  # it takes longer to find out
])  # fmt: skip
def test_ends_in_a_resize(supervisor, end, resizes):
    before = supervisor.state()
    initrd = supervisor.initrd_with("rf_hang")
    for number, words in enumerate(resizes):
        race(supervisor, initrd, ENDS[end], DELAYS[number % len(DELAYS)], words)
        assert supervisor.state() == before
    assert supervisor.pool_intact()


@pytest.mark.soak
@pytest.mark.budget(3600)
@pytest.mark.parametrize("end", ENDS)
def test_ends_in_a_resize_long(machines, end, soak_seconds):
    supervisor = Supervisor(machines())
    before = supervisor.state()
    initrd = supervisor.initrd_with("rf_hang")
    for delay in DELAYS if soak_seconds >= 600 else DELAYS[:1]:
        for words in RESIZES:
            race(supervisor, initrd, ENDS[end], delay, words)
            assert supervisor.state() == before


@pytest.mark.extended
@pytest.mark.budget(240)
def test_rfm_is_killed(supervisor):
    """Whenever: the subOS runs on, each core and block has one owner, all can be done again."""
    before = supervisor.state()
    supervisor.create("web", "2-3", mem="256M")
    for words, back in (
        (("--cores", "+1"), ("--cores", "2-3")),
        (("--mem", "+256M"), ("--mem", "256M")),
    ):
        for delay in (5, 20, 80, 200):
            supervisor.machine.exec(
                f"rfm resize web {' '.join(words)} & usleep {delay}000; kill -9 $!; wait $!; true"
            )
            # Its adjustment is finished or undone by the supervisor: until then it is busy.
            again = f"until rfm resize web {' '.join(back)}; do usleep 100000; done"
            supervisor.sh(f"timeout 30 sh -c '{again}' 2>&1", timeout=40)
            shown = supervisor.show("web")
            assert shown["cores"] == [2, 3] and shown["memory"] == 256 << 20
            assert supervisor.online() == "0-1"
    with supervisor.shells("web") as shell:
        assert len(shell.apic_ids()) == 2
    supervisor.destroy("web")
    assert supervisor.state() == before


def await_lines(supervisor, command, text, count):
    """Wait until @command prints so many lines with @text."""
    script = f"until [ $({command} | grep -c '{text}') = {count} ]; do usleep 50000; done"
    supervisor.sh(f"timeout 20 sh -c {shlex.quote(script)}")


@pytest.mark.extended
@pytest.mark.budget(150)
def test_late_answers(supervisor):
    """An agent is so slow that it is given up: busy until it answers, then all is as it was."""
    supervisor.install({"usr/bin/member": images.static_program("member")})
    supervisor.sh("chgrp 4242 /dev/rainforest && chmod 640 /dev/rainforest")
    look = "member 1234 4242 -- rfm top --once --json"
    supervisor.create("web", "2-3", "--initrd", supervisor.initrd_with("rf_hang"), mem="256M")
    with supervisor.shells("web") as shell:
        ledger = Ledger(supervisor, [shell])
        for count, words in enumerate((("--cores", "+1"), ("--cores", "-3")), 1):
            # It outlasts all that waits for it: the grant, the agent, and its word that it gives up.
            slow = shell.start("insmod /rf_hang.ko hotplug=1 seconds=14 && rmmod rf_hang")
            await_lines(supervisor, "rfm log web", "holding CPU", count)
            result = supervisor.rfm("resize", "web", *words, "--timeout", "1")
            assert result.status == TIMED_OUT and result.stderr.count("\n") == 1, result
            # Members put no question behind it: the agent does not answer, but they do not wait.
            assert "is being adjusted" in supervisor.sh(look)
            assert supervisor.rfm("resize", "web", "--mem", "+128M").status == BUSY
            assert shell.result(slow, 60)[0] == 0
            await_lines(supervisor, "rfm events web", "late", count)
            # What was given in vain comes home now.
            home = "until grep -qx 0-1 /sys/devices/system/cpu/online; do usleep 50000; done"
            supervisor.sh(f"timeout 20 sh -c '{home}'")
            assert ledger.check()["web"]["cores"] == [2, 3]
            later = f"while {look} | grep -q adjusted; do usleep 50000; done"
            supervisor.sh(f"timeout 20 sh -c '{later}'")
        assert not troubles(shell.run("dmesg"))
    supervisor.destroy("web")
    assert supervisor.online() == "0-3"


@pytest.mark.extended
@pytest.mark.budget(180)
def test_cancelled_beside_the_user(supervisor):
    """No core that the supervisor takes back is online inside, however hard the user tries."""
    supervisor.create("web", "1", "--initrd", supervisor.initrd_with("rf_hang"), mem="256M")
    online = "for each in /sys/devices/system/cpu/cpu*/online; do echo 1 >$each; done"
    loop = f"while [ ! -e /tmp/quiet ]; do {online}; done"
    with supervisor.shells("web") as shell:
        ledger, refused = Ledger(supervisor, [shell]), 0
        for count in range(1, 5):
            shell.run(f"rm -f /tmp/quiet; (setsid sh -c '{loop}' >/dev/null 2>&1 &)")
            slow = shell.start("insmod /rf_hang.ko hotplug=1 seconds=3 && rmmod rf_hang")
            await_lines(supervisor, "rfm log web", "holding CPU", count)
            result = supervisor.rfm("resize", "web", "--cores", "+2-3", "--timeout", "1")
            assert result.status in (0, TIMED_OUT), result
            refused += result.status == TIMED_OUT
            assert shell.result(slow, 60)[0] == 0
            over = "while pgrep -f 'sh -c whil[e]' >/dev/null; do usleep 50000; done"
            shell.run(f"touch /tmp/quiet; {over}")
            back = "rfm resize web --cores 1 2>/dev/null; [ $? != 5 ]"
            supervisor.sh(f"timeout 20 sh -c 'until {back}; do usleep 50000; done'")
            assert ledger.check()["web"]["cores"] == [1]
        assert refused
        assert not troubles(shell.run("dmesg"))
    supervisor.destroy("web")
    assert supervisor.online() == "0-3"


def test_two_at_once(supervisor):
    """One adjustment at a time: the other one is told that it is busy, or waits its turn."""
    supervisor.create("web", "3", mem="256M")
    script = "rfm resize web --mem +256M & a=$!; rfm resize web --cores +2 & b=$!; wait $a; A=$?; "
    statuses = supervisor.sh(f"({script} wait $b; echo $A $?) 2>/dev/null | tail -n1").split()
    assert set(statuses) <= {"0", "5"} and "0" in statuses
    shown = supervisor.show("web")
    assert (shown["memory"] == 512 << 20) == (statuses[0] == "0")
    assert (sorted(shown["cores"]) == [2, 3]) == (statuses[1] == "0")
