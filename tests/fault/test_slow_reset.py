# SPDX-License-Identifier: GPL-2.0
"""A function takes long to reset: who wants that function, or its subOS, waits; nobody else does.

A reset hangs because a test has it hang; a function-level reset may take a minute.
"""

import time
from contextlib import contextmanager

import pytest
from functional import patience
from functional.functions import BUSY, DRIVERS, NO_SUCH_SUBOS, Lender, as_before, block, until
from functional.subos import DEBUG

DISKS = ["nvme:blank=64M", "virtio:blank=64M:rootbus"]
MEM, SMALL = "256M", "128M"
STALL = 120  # seconds; a test ends it when it has seen enough
SOON = 30  # an emulated core is slow
AT_ONCE = 5
STALLS = "dmesg | grep -c 'stalling the reset' || true"


@pytest.fixture(scope="module")
def lender(shared_machines):
    return Lender(shared_machines(snapshot=False, cpus=6, disks=DISKS))


class Command:
    """rfm in the background."""

    number = 0

    def __init__(self, lender, *words):
        Command.number += 1
        self.lender, self.words, self.path = lender, words, f"/tmp/rfm{Command.number}"
        script = f"(rfm {' '.join(words)} 2>{self.path}; echo $? >{self.path}.status)"
        lender.sh(f"rm -f {self.path}.status; {script} >/dev/null 2>&1 &")

    def runs(self):
        return self.lender.machine.exec(f"[ -e {self.path}.status ]").status != 0

    def ended(self):
        """Its status, and the lines that it ended with."""
        self.lender.sh(until(f"[ -e {self.path}.status ]", 60), timeout=70)
        said = self.lender.sh(f"cat {self.path}").splitlines()
        lines = [line for line in said if not line.startswith("rfm: note: ")]
        return int(self.lender.sh(f"cat {self.path}.status")), lines


@contextmanager
def slow_resets(lender, *commands):
    """Each of @commands resets a function, and none of these resets ends before this does."""
    stall = patience.limit(STALL)
    lender.sh(f"echo {stall} > {DEBUG}/stall_reset")
    try:
        running, begun = [], time.monotonic()
        for words in commands:
            seen = int(lender.sh(STALLS))
            running.append(Command(lender, *words))
            lender.sh(until(f"[ $({STALLS}) -gt {seen} ]"))
        yield running
        assert all(each.runs() for each in running) and time.monotonic() - begun < stall
    finally:
        lender.sh(f"echo 0 > {DEBUG}/stall_reset")


@contextmanager
def within(seconds):
    begun = time.monotonic()
    yield
    lasted = time.monotonic() - begun
    assert lasted < patience.limit(seconds), lasted


def create(lender, name, core, *words):
    kernel = f"/boot/vmlinuz-{lender.version}"
    return ("create", name, "--cores", core, "--mem", SMALL, "--no-start", "--kernel", kernel, *words)


def looks(lender, *names):
    """Who only looks does not wait."""
    with within(AT_ONCE):
        assert {each["name"] for each in lender.json("list")["subos"]} == set(names)
    with within(AT_ONCE):
        assert lender.show("other")["state"] == "running"


def others_go_on(lender):
    """A third subOS comes and goes, another one gets a core and gives it back."""
    with within(SOON):
        lender.ok(*create(lender, "third", "4"))
    with within(SOON):
        lender.resize("other", "--cores", "+5")
    with within(SOON):
        lender.resize("other", "--cores", "-5")
    with within(SOON):
        lender.destroy("third")


def refused(lender, bdf):
    """Nobody else gets the function, as they are told at once in one line."""
    with within(SOON):
        lender.refuses_create(bdf, BUSY)
    with within(SOON):
        lender.refuses(("resize", "other", "--pci", f"+{bdf}"), BUSY, bdf)


@pytest.mark.extended
@pytest.mark.budget(240)
def test_destroy(lender):
    """A subOS that others wait for is not in the way; whoever destroys it, too, is told its end."""
    bdf = lender.bdf("disk0")
    lender.create("web", "3", "--no-start", "--pci", bdf, mem=MEM)
    lender.create("other", "2", mem=MEM)
    with slow_resets(lender, ("destroy", "web")) as (first,):
        second = Command(lender, "destroy", "web")
        looks(lender, "web", "other")
        others_go_on(lender)
        refused(lender, bdf)
        looks(lender, "web", "other")
        assert second.runs()
    assert first.ended()[0] == 0
    status, said = second.ended()
    assert status in (0, NO_SUCH_SUBOS) and len(said) == (status != 0), said
    assert not lender.lent()
    assert block(lender.sh, bdf)


@pytest.mark.extended
@pytest.mark.budget(240)
def test_create(lender):
    """A function is on its way from the moment that its driver has to let it go."""
    bdf = lender.bdf("disk0")
    lender.create("other", "2", mem=MEM)
    with slow_resets(lender, create(lender, "web", "3", "--pci", bdf)) as (made,):
        looks(lender, "other")
        refused(lender, bdf)
    assert made.ended()[0] == 0
    assert lender.lent() == lender.functions_of("web") == {bdf}


@pytest.mark.extended
@pytest.mark.budget(240)
def test_side_by_side(lender):
    """Two resets at once; one subOS is destroyed meanwhile, and the other gets its function."""
    nvme, virtio = (lender.bdf(each) for each in ("disk0", "disk1"))
    for name, core in (("web", "3"), ("other", "2")):
        lender.create(name, core, mem=MEM)
        with lender.shells(name) as shell:
            shell.run(DRIVERS)
    adds = [("resize", name, "--pci", f"+{bdf}") for name, bdf in (("web", nvme), ("other", virtio))]
    with slow_resets(lender, *adds) as (lost, kept):
        looks(lender, "web", "other")
        with within(SOON):
            lender.ok(*create(lender, "third", "4"))
        with within(SOON):
            lender.destroy("third")
        lender.refuses_create(nvme, BUSY, nvme)
        gone = Command(lender, "destroy", "web")
        lender.await_state("web", "stopping")
        looks(lender, "web", "other")
        assert gone.runs()
    assert gone.ended()[0] == kept.ended()[0] == 0
    status, said = lost.ended()
    assert status and len(said) == 1, said
    assert lender.lent() == lender.functions_of("other") == {virtio}
    assert block(lender.sh, nvme)
