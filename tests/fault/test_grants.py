# SPDX-License-Identifier: GPL-2.0
"""A core gets its next owner when every kernel knows that it has left the last one, or is given up on."""

import statistics

import pytest
from functional.chat import CHAT, talkers
from functional.subos import Supervisor, troubles

LIMIT = "/sys/module/rf_supervisor/parameters/grant_ms"
LINE = "does not acknowledge its grant"
ROUNDS = 10
# Seconds. The host may be so busy that a core is deaf for longer: LONG is enough for that, and what
# the wait has cost, which is missing from the next one, is not more than SHORT.
BOUND, DEAF, LONG, SHORT, HUNG = 1.0, 0.6, 3.0, 1.5, 10
# What waiting for kernels that are well may cost, by the median, on a machine that is emulated.
COST = 0.25


class Mover:
    """Moves one core to and fro between two subOSes."""

    def __init__(self, supervisor, core, *names):
        self.supervisor, self.core, self.names = supervisor, core, names

    def move(self):
        """Seconds that the module needed for it."""
        self.supervisor.move(self.core, *self.names)
        last = self.supervisor.history(self.names[0])[-1]
        assert last["event"] == "cores-moved" and last["result"] == 0, last
        self.names = self.names[::-1]
        return last["duration_seconds"]

    def medians(self, *bounds):
        """With each of these bounds in turn, for the host's load changes."""
        took = {each: [] for each in bounds}
        for _ in range(ROUNDS):
            for bound, done in took.items():
                self.bound(bound)
                done.append(self.move())
        return [statistics.median(each) for each in took.values()]

    def bound(self, seconds):
        self.supervisor.sh(f"echo {1000 * seconds:.0f} >{LIMIT}")


def lines(supervisor):
    return [each for each in supervisor.machine.dmesg().splitlines() if LINE in each]


@pytest.mark.extended
@pytest.mark.budget(240)
def test_cores_wait_for_all_kernels(machines):
    supervisor = Supervisor(machines(cpus=6, mem="4G"))
    with talkers(supervisor, web="1-2", batch="3", slow="4-5") as (made, shells):
        mover, shell = Mover(supervisor, 2, "web", "batch"), shells["slow"]

        # Kernels that are well cost next to nothing.
        assert int(supervisor.sh(f"cat {LIMIT}")) == 1000 * BOUND
        before, after = mover.medians(0, BOUND)
        print(f"a move takes {1000 * before:.1f} ms without waiting, {1000 * after:.1f} ms with it")
        assert after < before + COST
        assert not lines(supervisor)

        # One core of a kernel has interrupts off, as if it were about to ring.
        deaf = f"taskset -c 0 sh -c 'echo deaf 1 {1000 * DEAF:.0f} 0 >{CHAT}/command'"
        mover.bound(LONG)
        begun = shell.start(deaf)
        shell.await_start(begun)
        took = mover.move()
        print(f"with a core that is deaf for {DEAF} s it takes {took:.2f} s")
        assert DEAF / 3 < took < SHORT
        assert shell.result(begun)[0] == 0
        assert not lines(supervisor)

        # All of them: it is given up on, once, and named.
        shell.send(f"insmod /rf_hang.ko seconds={HUNG}")
        supervisor.await_log("slow", "hanging every core")
        took = [mover.move() for _ in range(3)]
        print("with a kernel that hangs:", *(f"{each:.2f} s" for each in took))
        assert LONG - SHORT <= took[0] < LONG + SHORT
        assert max(took[1:]) < SHORT
        [line] = lines(supervisor)
        assert "subOS slow" in line

        # It has caught up, and counts again.
        supervisor.await_log("slow", "going on")
        supervisor.await_state("slow", "running")
        made["slow"].say("echo 0 10")
        mover.medians(BOUND)
        assert len(lines(supervisor)) == 1
        for name in ("web", "batch", "slow"):
            assert not troubles(supervisor.log(name)), name
    assert not troubles(supervisor.machine.dmesg())
    supervisor.destroy("--all")
    assert supervisor.online() == "0-5"
