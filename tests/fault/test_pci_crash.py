# SPDX-License-Identifier: GPL-2.0
"""However a subOS ends in the middle of heavy writes: no late DMA, its disks come back whole."""

import time

import pytest
from functional import disks
from functional.functions import (
    BAD_VALUE, BUSY, DRIVERS, LENT, MASTER, MEMORY, Lender, await_driver, bars, block, command, driver,
    errors, present, until,
)  # fmt: skip
from functional.subos import troubles

# Function-level reset; and on the root bus without one: virtio's own.
DISKS = ["nvme:blank=128M", "virtio:blank=128M", "virtio:blank=128M:rootbus", "nvme:blank=64M"]
LOADED = ("disk0", "disk1", "disk2")
PLUGGED = "disk3"  # pulled out by a test, so that it is no other test's


def long(*values):
    """A case that is not tried every day."""
    return pytest.param(*values, marks=pytest.mark.extended)


@pytest.fixture(scope="module")
def lender(shared_machines):
    lender = Lender(shared_machines(snapshot=False, disks=DISKS))
    lender.files = disks.programs("mkfs.ext4", "e2fsck")
    lender.install(lender.files)
    lender.initrd = lender.initrd_with("rf_hang", files=lender.files)
    return lender


@pytest.fixture(autouse=True)
def as_before(lender):
    yield
    lender.clear()
    assert lender.pool_intact()


def create(lender, *names, cores="2-3"):
    bdfs = ",".join(lender.bdf(each) for each in names)
    words = ["--initrd", lender.initrd, "--on-reboot", "keep"] + (["--pci", bdfs] if names else [])
    lender.create("web", cores, *words, mem="384M")


def write_heavily(lender, shell, names):
    """On an ext4 of each of these disks."""
    for name in names:
        device = block(shell.run, lender.bdf(name))
        disks.make_ext4(shell.run, device)
        disks.mount(shell.run, device, f"/mnt/{name}")
    for name in names:
        disks.begin_files(shell.run, f"/mnt/{name}")


def check_disks(lender, names):
    """Mounted by the supervisor, the journal brings all in order; what was synced is there."""
    for name in names:
        device = block(lender.sh, lender.bdf(name))
        done = lender.sh("dmesg").count("recovery complete")
        disks.mount(lender.sh, device, "/mnt")
        assert lender.sh("dmesg").count("recovery complete") == done + 1, f"{name} was not in use"
        assert disks.check_files(lender.sh, "/mnt") >= 1
        lender.sh("umount /mnt")
        disks.check_ext4(lender.sh, device)


# How the writes end: what is done inside (or nothing), the state that this leads to.
@pytest.mark.extended
@pytest.mark.budget(180)
@pytest.mark.parametrize("inside, state", [
    long("echo c >/proc/sysrq-trigger", "crashed"),
    long("echo b >/proc/sysrq-trigger", "crashed"),
    long("insmod /rf_hang.ko", "lost"),
    (None, "running"),
    long(None, "stopped"),
], ids=["crash", "emergency", "hang", "destroy", "stop"])  # fmt: skip
def test_end_under_load(lender, inside, state):
    create(lender, *LOADED)
    with lender.shells("web") as shell:
        write_heavily(lender, shell, LOADED)
        if inside:
            shell.send(inside)
            lender.await_state("web", state, timeout=30)
        elif state == "stopped":
            lender.ok("stop", "web", "--timeout", "0", "--force")
            assert lender.lent() == {lender.bdf(name) for name in LOADED}
        lender.destroy("web")
    # Nothing of the memory that it had is written to any more; the disks are where they were.
    assert lender.pool_intact()
    lender.unchanged()
    check_disks(lender, LOADED)


@pytest.mark.budget(180)
@pytest.mark.extended
def test_memory_is_used_again_at_once(lender):
    """The next subOS gets the memory and the disks of one that was torn down while it wrote."""
    create(lender, *LOADED)
    with lender.shells("web") as shell:
        write_heavily(lender, shell, LOADED)
        lender.destroy("web")
    create(lender, *LOADED)
    with lender.shells("web") as shell:
        for name in LOADED:
            disks.mount(shell.run, block(shell.run, lender.bdf(name)), f"/mnt/{name}")
            assert disks.check_files(shell.run, f"/mnt/{name}") >= 1
            shell.run(f"umount /mnt/{name}")
        assert not troubles(shell.run("dmesg"))


def take_back(lender, bdf):
    """Whatever became of a resize whose rfm was killed: from here on the subOS has not got it."""
    end = time.monotonic() + 20
    while (status := lender.rfm("resize", "web", "--pci", f"-{bdf}").status) not in (0, BAD_VALUE):
        assert status == BUSY and time.monotonic() < end, status
    assert driver(lender.sh, bdf) != LENT


@pytest.mark.budget(240)
def test_rfm_is_killed_in_a_resize(lender):
    """Under load, at any moment: functions are lent, or they are not."""
    bdf = lender.bdf("disk1")
    create(lender, "disk0")
    with lender.shells("web") as shell:
        shell.run(DRIVERS)
        write_heavily(lender, shell, ["disk0"])
        for sign in "+-":
            for delay in (5, 100):
                if sign == "-":
                    lender.resize("web", "--pci", f"+{bdf}")
                    disks.begin_writes(shell.run, block(shell.run, bdf), 0)
                resize = f"rfm resize web --pci {sign}{bdf}"
                lender.machine.exec(f"{resize} & usleep {delay}000; kill -9 $!; wait $!; true")
                take_back(lender, bdf)
                assert present(shell.run) == lender.functions_of("web") == {lender.bdf("disk0")}
        assert shell.alive() and not troubles(shell.run("dmesg"))
    lender.destroy("web")
    check_disks(lender, ["disk0"])


@pytest.mark.extended
@pytest.mark.budget(180)
def test_rfm_is_killed_in_a_create_or_destroy(lender):
    bdf = lender.bdf("disk1")
    kernel = f"/boot/vmlinuz-{lender.version}"
    new = f"rfm create web --cores 3 --mem 256M --pci {bdf} --kernel {kernel} --timeout 0"
    for delay in (50, 500):
        lender.machine.exec(f"{new} & usleep {delay}000; kill -9 $!; wait $!; true")
        lender.clear()
    create(lender, "disk0", "disk1")
    with lender.shells("web") as shell:
        write_heavily(lender, shell, ["disk0", "disk1"])
        for delay in (5, 100):
            lender.machine.exec(f"rfm destroy web & usleep {delay}000; kill -9 $!; wait $!; true")
    lender.clear()
    check_disks(lender, ["disk0", "disk1"])


# What happens to the subOS meanwhile; {} is a delay in seconds.
POWEROFF = "(sleep {}; poweroff -f) &"
CRASH = "(sleep {}; echo c >/proc/sysrq-trigger) &"
HANG = "(sleep {}; insmod /rf_hang.ko) &"


@pytest.mark.extended
@pytest.mark.budget(120)
@pytest.mark.parametrize("sign, end, delay", [
    ("-", HANG, 0.02), ("-", CRASH, 0.1), long("+", CRASH, 0.02),
    long("+", HANG, 0.02), long("+", POWEROFF, 0.02), long("-", POWEROFF, 0.02),
    long("+", CRASH, 0.1), long("-", CRASH, 0.02), long("-", HANG, 0.1),
])  # fmt: skip
def test_ends_in_a_resize(lender, sign, end, delay):
    """While a function comes or goes."""
    bdf = lender.bdf("disk1")
    create(lender, *(["disk1"] if sign == "-" else []))
    with lender.shells("web") as shell:
        shell.run(DRIVERS)
        if sign == "-":
            disks.begin_writes(shell.run, block(shell.run, bdf), 0)
        shell.send(f"( {end.format(delay)} )")
        result = lender.rfm("resize", "web", "--pci", f"{sign}{bdf}", "--timeout", "3", timeout=60)
    assert len(errors(result)) == (result.status != 0), result
    assert result.status != 1, result
    # What an agent that does not answer may have in use is not back by then.
    kept = sign == "+" and result.status != 0 and bdf in lender.functions_of("web")
    assert not (kept and "nothing has changed" in errors(result)[0]), result
    lender.await_state("web", "stopped", "crashed", "lost", timeout=30)
    assert lender.lent() == lender.functions_of("web")


@pytest.mark.extended
@pytest.mark.budget(150)
def test_removed_from_what_ended(lender):
    """A subOS that crashed is not asked: its function comes home by itself."""
    bdf = lender.bdf("disk0")
    create(lender, "disk0", "disk1")
    with lender.shells("web") as shell:
        shell.send("echo c >/proc/sysrq-trigger")
        lender.await_state("web", "crashed")
    lender.resize("web", "--pci", f"-{bdf}")
    assert driver(lender.sh, bdf) == "nvme" and lender.functions_of("web") == {lender.bdf("disk1")}
    lender.ok("start", "web")
    with lender.shells("web") as shell:
        assert present(shell.run) == {lender.bdf("disk1")}


def told(lender):
    """What went wrong with functions of this subOS, as events."""
    same = lender.show("web")["id"]
    return [each for each in lender.events("web")
            if each["event"] == "pci-error" and each["id"] == same]  # fmt: skip


@pytest.mark.budget(180)
def test_meddled_with_through_sysfs(lender):
    """Of a lent function, by root in the supervisor: refused, or noticed, and nothing is left of it."""
    bdf = lender.bdf("disk1")
    here = f"/sys/bus/pci/devices/{bdf}"
    create(lender, "disk0", "disk1")
    with lender.shells("web") as shell:
        # Reset under its driver: noticed; what the supervisor had set up is there again.
        before = bars(lender.sh, bdf)
        lender.sh(f"echo 1 >{here}/reset", timeout=60)
        (event,) = told(lender)
        assert event["function"] == bdf and "reset" in event["problem"]
        assert driver(lender.sh, bdf) == LENT and bars(lender.sh, bdf) == before
        assert command(lender.sh, bdf) & MEMORY
        # Names of drivers to come are ours, or of no effect.
        lender.sh(f"echo virtio-pci >{here}/driver_override; echo {bdf} >/sys/bus/pci/drivers_probe")
        assert driver(lender.sh, bdf) == LENT
        for script in (f"echo {bdf} >/sys/bus/pci/drivers/virtio-pci/bind",
                       f"echo {bdf} >{here}/driver/unbind", f"echo 1 >{here}/enable"):  # fmt: skip
            assert lender.machine.exec(f"( {script} ) 2>/dev/null").status != 0, script
        lender.sh("echo 1 >/sys/bus/pci/rescan", timeout=60)
        assert lender.functions_of("web") == {lender.bdf("disk0"), bdf} == lender.lent()
        disks.check(shell.run, lender.machine, "disk0", block(shell.run, lender.bdf("disk0")))
        assert shell.alive()
    lender.destroy("web")
    lender.unchanged()


@pytest.mark.budget(180)
def test_removed_and_found_again(lender):
    """Taken out of the list of devices while it is lent and busy, and found again at once."""
    bdf = lender.bdf("disk0")
    here = f"/sys/bus/pci/devices/{bdf}"
    create(lender, "disk0", "disk1")
    with lender.shells("web") as shell:
        disks.begin_writes(shell.run, block(shell.run, bdf), 0)
        before = bars(lender.sh, bdf)
        lender.sh(f"echo 1 >{here}/remove; echo 1 >/sys/bus/pci/rescan", timeout=90)
        assert not command(lender.sh, bdf) & MASTER or driver(lender.sh, bdf) == "nvme"
        # When the kernel there has let go of it, its old driver has it.
        shell.run(until(f"[ ! -e {here} ]", 30), timeout=40)
        await_driver(lender.sh, bdf, "nvme", 30)
        assert bars(lender.sh, bdf) == before
        disks.read(lender.sh, block(lender.sh, bdf), 0, 1)
        assert lender.functions_of("web") == {lender.bdf("disk1")} == present(shell.run)
        assert told(lender) and all(each["function"] == bdf for each in told(lender))
        assert shell.alive()
    lender.destroy("web")
    # Its command register has what its driver needs, not all that firmware had set.
    before = lender.before
    lender.remember()
    for each in (before, lender.before):
        each["functions"] = [line for line in each["functions"] if not line.startswith(bdf)]
    assert lender.before == before
    lender.remember()


@pytest.mark.budget(150)
def test_unplugged(lender):
    """Pulled out while it is lent and busy: all kernels go on without it."""
    bdf = lender.bdf(PLUGGED)
    create(lender, "disk0", PLUGGED)
    with lender.shells("web") as shell:
        disks.begin_writes(shell.run, block(shell.run, bdf), 0)
        with lender.machine.qmp() as qmp:
            qmp("device_del", id=PLUGGED)
        gone = f"[ ! -e /sys/bus/pci/devices/{bdf} ]"
        lender.sh(until(gone, 30), timeout=40)
        shell.run(until(gone, 30), timeout=40)
        assert lender.functions_of("web") == {lender.bdf("disk0")} == present(shell.run)
        assert told(lender) and all(each["function"] == bdf for each in told(lender))
        disks.check(shell.run, lender.machine, "disk0", block(shell.run, lender.bdf("disk0")))
        assert not troubles(shell.run("dmesg"))
    lender.destroy("web")
    before = lender.before
    lender.remember()
    without = [line for line in before["functions"] if not line.startswith(bdf)]
    assert lender.before["functions"] == without
    assert lender.before["online"] == before["online"] and lender.before["pool"] == before["pool"]
