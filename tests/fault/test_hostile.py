# SPDX-License-Identifier: GPL-2.0
"""A subOS that overwrites all shared memory harms nobody but itself."""

import pytest
from functional.chat import NORMAL, talkers, whole
from functional.session import Shell
from functional.subos import Supervisor, troubles

SECONDS = 5


@pytest.mark.budget(240)
def test_arena_is_overwritten(machines):
    supervisor = Supervisor(machines(cpus=6, mem="4G"))
    with talkers(supervisor, good="2", rogue="3") as (made, shells):
        good = made["good"]
        shells["rogue"].send(f"insmod /rf_scribble.ko seconds={SECONDS}")
        # Meanwhile both others are asked to do things; they may fail, but soon.
        for words in (("--cores", "+4"), ("--cores", "2"), ("--mem", "+128M")):
            assert supervisor.rfm("resize", "good", *words, "--wait", "2", timeout=30).status != 124
        supervisor.rfm("list")
        supervisor.await_log("rogue", "overwrote the arena", timeout=SECONDS + 30)
        for name in ("good", "rogue"):
            assert supervisor.show(name)["state"] in ("running", "lost", "stopped", "crashed")
        supervisor.destroy("rogue")

        supervisor.await_state("good", "running", timeout=10)
        supervisor.resize("good", "--ncores", "1")
        supervisor.resize("good", "--cores", "+4")
        # Its console's rings were overwritten, too: a new reader and writer find it usable.
        shells["good"].close()
        shell = Shell(supervisor, "good")
        good.run = shell.run
        assert len(shell.apic_ids()) == 2
        talk(made["supervisor"], good)
        assert not troubles(supervisor.log("good"))

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


def talk(sup, good):
    for talker, peer in ((sup, good), (good, sup)):
        talker.say(f"echo {peer.member} 100")
        talker.say(f"flood {1 << peer.member:x} 5000 {NORMAL}")
        peer.say(f"echo {talker.member} 1")
        assert peer.flow("flood", talker.member) == whole(5000)
