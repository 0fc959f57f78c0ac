# SPDX-License-Identifier: GPL-2.0
"""Every step of handing functions out and back fails in turn, or rfm is killed there."""

import time

import pytest
from functional.functions import (
    BAD_VALUE, BUSY, DRIVERS, LENT, Lender, below, driver, errors, present,
)  # fmt: skip
from functional.subos import DEBUG, troubles

DISKS = ["nvme:blank=64M", "virtio:blank=64M:rootbus"]
KILLED = 128 + 9
FAULTS = pytest.mark.parametrize(
    "fault", ["fail_nth", pytest.param("kill_nth", marks=pytest.mark.extended)]
)


@pytest.fixture(scope="module")
def lender(shared_machines):
    lender = Lender(shared_machines(snapshot=False, disks=DISKS))
    lender.bdfs = [lender.bdf("disk0"), lender.bdf("disk1")]
    return lender


@pytest.fixture(autouse=True)
def as_before(lender):
    yield
    lender.sh(f"echo 0 > {DEBUG}/fail_nth; echo 0 > {DEBUG}/kill_nth")
    lender.clear()
    assert lender.pool_intact()


def create(lender, *words):
    return lender.rfm(
        "create", "web", "--cores", "2-3", "--mem", "256M", "--no-start", *words,
        "--kernel", f"/boot/vmlinuz-{lender.version}",
    )  # fmt: skip


def come_and_go(lender, *words):
    """Steps of a create and a destroy."""
    lender.sh(f"echo 0 > {DEBUG}/steps")
    assert create(lender, *words).status == 0
    created = int(lender.sh(f"cat {DEBUG}/steps"))
    lender.destroy("web")
    return created, int(lender.sh(f"cat {DEBUG}/steps"))


def check_disks(lender):
    """Their drivers have them again, and they answer."""
    for bdf in lender.bdfs:
        device = "/dev/" + below(lender.sh, bdf, "block")
        lender.sh(f"dd if={device} of=/dev/null bs=1M count=1 iflag=direct 2>/dev/null")


@pytest.mark.extended
@pytest.mark.budget(240)
@FAULTS
def test_create_and_destroy(lender, fault):
    """All is undone each time, the functions are with their drivers."""
    words = ("--pci", ",".join(lender.bdfs))
    plain, _ = come_and_go(lender)
    created, steps = come_and_go(lender, *words)
    assert created > plain, "handing out functions has steps that can fail"
    seen = set()
    for step in range(1, steps + 1):
        lender.sh(f"echo {step} > {DEBUG}/{fault}")
        made = create(lender, *words)
        gone = lender.rfm("destroy", "web") if made.status == 0 else None
        lender.sh(f"echo 0 > {DEBUG}/{fault}")
        # Exactly one of the two met the fault.
        ended = made if made.status else gone
        assert (ended.status == KILLED) == (fault == "kill_nth") and ended.status, (step, ended)
        if fault == "fail_nth":
            assert len(errors(ended)) == 1, (step, ended)
        seen.add(made.status == 0)
        lender.clear()
        check_disks(lender)
    assert seen == {True, False}


RESIZES = {"add": ("+", "-"), "remove": ("-", "+")}


@pytest.mark.extended
@pytest.mark.budget(240)
@FAULTS
def test_resize(lender, fault):
    """It is done or not done each time, and both kernels agree on which."""
    lender.create("web", "2-3", mem="256M")
    every = ",".join(lender.bdfs)
    with lender.shells("web") as shell:
        shell.run(DRIVERS)
        for kind, (sign, back) in RESIZES.items():
            if kind == "remove":
                lender.resize("web", "--pci", f"{back}{every}")
            lender.sh(f"echo 0 > {DEBUG}/steps")
            lender.resize("web", "--pci", f"{sign}{every}")
            steps = int(lender.sh(f"cat {DEBUG}/steps"))
            assert steps > 0, kind
            lender.resize("web", "--pci", f"{back}{every}")
            for step in range(1, steps + 1):
                lender.sh(f"echo {step} > {DEBUG}/{fault}")
                result = lender.rfm("resize", "web", "--pci", f"{sign}{every}")
                lender.sh(f"echo 0 > {DEBUG}/{fault}")
                assert (result.status == KILLED) == (fault == "kill_nth"), (kind, step, result)
                if fault == "fail_nth":
                    assert result.status and len(errors(result)) == 1, (kind, step, result)
                    if kind == "add":
                        agree(lender, shell)
                        assert not lender.lent(), (kind, step)
                    # A step on the way back that fails leaves the function with nobody's kernel.
                    assert present(shell.run) <= lender.lent() == lender.functions_of("web")
                restore(lender, shell, kind)
        assert not troubles(shell.run("dmesg"))
        lender.destroy("web")
    check_disks(lender)


def agree(lender, shell):
    assert lender.lent() == lender.functions_of("web") == present(shell.run)
    for bdf in lender.bdfs:
        assert driver(lender.sh, bdf), f"{bdf} has no driver"
        if bdf in lender.lent():
            assert driver(shell.run, bdf) not in ("", LENT)


def restore(lender, shell, kind):
    """Without functions, or with both; what a killed rfm left unfinished may take its time."""
    end = time.monotonic() + 20
    for bdf in lender.bdfs:
        while (status := lender.rfm("resize", "web", "--pci", f"-{bdf}").status) != 0:
            if status == BAD_VALUE:  # it has not got it
                break
            assert status == BUSY and time.monotonic() < end, status
    agree(lender, shell)
    assert not lender.lent()
    if kind == "remove":
        lender.resize("web", "--pci", "+" + ",".join(lender.bdfs))
        agree(lender, shell)
