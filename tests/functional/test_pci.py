# SPDX-License-Identifier: GPL-2.0
"""PCI functions go to subOSes and come back, as sysfs of both kernels and QEMU's disks show it."""

import re

import pytest
from functional import disks
from functional.functions import (
    BAD_VALUE, BUSY, DRIVERS, INCOMPLETE, LENT, MASTER, MEMORY, USER_NETWORK, Lender, attribute,
    as_before, await_driver, bars, below, block, check_vectors, command, config, driver, interface, interrupts,
    numbers, ping, present, until, vectors,
)  # fmt: skip
from functional.subos import SYSFS, troubles

# The supervisor's own; one of each kind behind a root port and on the root bus; and two functions
# of one device, each with a reset of its own.
DISKS = ["nvme", "nvme", "virtio", "virtio:rootbus", "nvme:rootbus", "nvme", "nvme:function"]
TWINS = ("disk5", "disk6")
# The third one has nothing that resets it; the last two are only reset together.
DEVICES = ["e1000e", "virtio-net", "e1000e:rootbus", "e1000e", "e1000e:function"]
HARD, PAIR = "dev2", ("dev3", "dev4")
DRIVER = {"disk1": "nvme", "disk2": "virtio-pci", "disk3": "virtio-pci", "disk4": "nvme",
          "dev0": "e1000e", "dev1": "virtio-pci"}  # fmt: skip
QEMU = [
    *USER_NETWORK,
    # Virtual functions, without a namespace.
    "-device", "nvme-subsys,id=several",
    "-device", "nvme,id=pf,serial=pf,subsys=several,sriov_max_vfs=2,sriov_vq_flexible=4,"
               "sriov_vi_flexible=2",
    # Interrupts by a pin only.
    "-device", "rtl8139,id=pin",
]  # fmt: skip
ROUNDS = 10


def disk(spec):
    kind, _, where = spec.partition(":")
    return f"{kind}:blank=64M" + (f":{where}" if where else "")


@pytest.fixture(scope="module")
def machine(shared_machines):
    return shared_machines(
        snapshot=False, disks=[disk(each) for each in DISKS], devices=DEVICES, qemu_args=QEMU
    )


@pytest.fixture(scope="module")
def lender(machine):
    return Lender(machine)


@pytest.mark.extended
@pytest.mark.budget(240)
def test_every_kind(lender):
    """The stock driver of each binds, interrupts by MSI-X and moves data; nothing else is there."""
    machine = lender.machine
    bdfs = {each: lender.bdf(each) for each in DRIVER}
    own = lender.bdf("disk0")
    quiet = sum(interrupts(lender.sh, own).values())
    lender.create("web", "2-3", "--pci", ",".join(bdfs.values()), mem="256M")
    assert lender.lent() == lender.functions_of("web") == set(bdfs.values())
    digests = {}
    with lender.shells("web") as shell:
        assert present(shell.run) == set(bdfs.values())
        for name, bdf in bdfs.items():
            assert driver(shell.run, bdf) == DRIVER[name]
            names = ("vendor", "device", "class")
            assert numbers(shell.run, bdf, *names) == numbers(lender.sh, bdf, *names)
            assert bars(shell.run, bdf) == bars(lender.sh, bdf)
            assert not interrupts(lender.sh, bdf)
        for name in ("disk1", "disk2", "disk3", "disk4"):
            device = block(shell.run, bdfs[name])
            before = check_vectors(shell.run, bdfs[name])
            digests[name] = disks.check(shell.run, machine, name, device)
            assert check_vectors(shell.run, bdfs[name]) > before
        for name in ("dev0", "dev1"):
            ping(shell.run, interface(shell.run, bdfs[name]))
            check_vectors(shell.run, bdfs[name])
        assert not troubles(shell.run("dmesg"))
    lender.destroy("web")
    lender.unchanged()
    # Counts of cores that are not online are not shown.
    assert sum(interrupts(lender.sh, own).values()) == quiet
    for name, digest in digests.items():
        assert disks.read(lender.sh, block(lender.sh, bdfs[name]), 0, 4) == digest


@pytest.mark.extended
@pytest.mark.budget(120)
def test_cores_beside_probes(lender):
    """The kernel lets no core come or go while it binds a driver: it is tried again."""
    before, bdf = lender.state(), lender.bdf("disk2")
    driver = f"/sys/bus/pci/drivers/{DRIVER['disk2']}"
    with lender.again_and_again(f"echo {bdf} > {driver}/unbind; echo {bdf} > {driver}/bind"):
        for _ in range(6):
            lender.create("web", "2-3", "--no-start", mem="256M")
            lender.destroy("web")
    assert lender.state() == before


@pytest.mark.extended
@pytest.mark.budget(240)
def test_hot_add_and_remove(lender):
    """Ten times, under I/O on the disk that goes and on one that stays; no byte is wrong."""
    machine = lender.machine
    lender.create("web", "2-3", "--pci", lender.bdf("disk4"), mem="256M")
    lender.create("other", "1", mem="256M")
    digests = {}
    with lender.shells("web") as shell:
        shell.run(DRIVERS)
        disks.begin_verifying(shell.run, block(shell.run, lender.bdf("disk4")), 32)
        for number in range(ROUNDS):
            name = ("disk1", "disk2")[number % 2]
            bdf = lender.bdf(name)
            lender.resize("web", "--pci", f"+{bdf}")
            assert lender.functions_of("web") == lender.lent() == {bdf, lender.bdf("disk4")}
            device = block(shell.run, bdf)
            if name in digests:  # as the supervisor left it
                assert disks.read(shell.run, device, 0, 2) == digests[name]
            digest = disks.write(shell.run, device, 0, 2)
            disks.begin_writes(shell.run, device, 32)
            lender.resize("web", "--pci", f"-{bdf}")
            assert bdf not in present(shell.run)
            assert driver(lender.sh, bdf) == DRIVER[name]
            device = block(lender.sh, bdf)
            assert disks.read(lender.sh, device, 0, 2) == digest
            assert disks.stored(machine, name, 0, 2) == digest
            digests[name] = disks.write(lender.sh, device, 0, 2)
        assert disks.end_verifying(shell.run) > ROUNDS
        assert not troubles(shell.run("dmesg"))
    same = lender.show("web")["id"]
    kinds = [each["event"] for each in lender.history("web")
             if each["id"] == same and each["result"] == 0]  # fmt: skip
    assert kinds.count("pci-added") == ROUNDS + 1
    assert kinds.count("pci-removed") == ROUNDS
    assert lender.functions_of("other") == set()


@pytest.mark.budget(150)
def test_with_cores_and_memory(lender):
    """Several at once, together with cores and memory, to a subOS that had none and back."""
    bdfs = [lender.bdf(each) for each in ("disk1", "dev0", "disk3")]
    every = ",".join(bdfs)
    lender.create("web", "3", mem="256M")
    with lender.shells("web") as shell:
        assert present(shell.run) == set()
        shell.run(DRIVERS)
        shown = lender.resize("web", "--cores", "+2", "--mem", "+128M", "--pci", f"+{every}")
        assert sorted(shown["cores"]) == [2, 3] and shown["memory"] == 384 << 20
        assert present(shell.run) == set(bdfs)
        ping(shell.run, interface(shell.run, bdfs[1]))
        # Memory that came later is as good for DMA: fill more than there was at first.
        shell.run("mount -o remount,size=300M /tmp")
        shell.run("dd if=/dev/zero of=/tmp/fill bs=1M count=200 2>/dev/null", timeout=60)
        for name, bdf in (("disk1", bdfs[0]), ("disk3", bdfs[2])):
            disks.check(shell.run, lender.machine, name, block(shell.run, bdf), count=8)
        shell.run("rm /tmp/fill")
        shown = lender.resize("web", "--cores", "-2", "--mem", "-128M", "--pci", f"-{every}")
        assert shown["cores"] == [3] and shown["memory"] == 256 << 20
        assert present(shell.run) == set() == lender.lent()
        assert not troubles(shell.run("dmesg"))


@pytest.mark.budget(180)
def test_groups_and_resets(lender):
    """Functions that share their reset go together, others of one device need not; without a
    reset, only by force; virtio has one of its own.
    """
    pair, hard = [lender.bdf(each) for each in PAIR], lender.bdf(HARD)
    for one, other in (pair, pair[::-1]):
        lender.refuses_create(one, BAD_VALUE, one, other)
    lender.refuses_create(hard, BAD_VALUE, hard, "reset", "--force")
    shown = lender.functions()
    assert shown[pair[0]]["group"] == shown[pair[1]]["group"] == sorted(pair)
    assert shown[hard]["reset"] == "none" and shown[lender.bdf("disk3")]["reset"] == "virtio"
    lender.create("web", "2-3", "--force", "--pci", ",".join([hard, *pair]), mem="256M")
    with lender.shells("web") as shell:
        shell.run(DRIVERS)
        assert {driver(shell.run, each) for each in (hard, *pair)} == {"e1000e"}
        ping(shell.run, interface(shell.run, hard))
        lender.refuses(("resize", "web", "--pci", f"-{pair[0]}"), BAD_VALUE, pair[0], pair[1])
        assert present(shell.run) == {hard, *pair}
        lender.resize("web", "--pci", "-" + ",".join([hard, *pair]))
        assert present(shell.run) == set()
        for one, part in ((pair[1], pair[0]), (hard, "--force")):
            lender.refuses(("resize", "web", "--pci", f"+{one}"), BAD_VALUE, one, part)
        # The second of two nvmes alone: there is no function 0 in that slot for the subOS.
        first, twin = (lender.bdf(each) for each in TWINS)
        assert twin.endswith(".1")
        lender.resize("web", "--pci", f"+{twin}")
        assert present(shell.run) == {twin}
        disks.check(shell.run, lender.machine, TWINS[1], block(shell.run, twin))
        check_vectors(shell.run, twin)
        assert driver(lender.sh, first) == "nvme"
        assert not troubles(shell.run("dmesg"))


USES = {
    # how it is taken into use, how that ends, what the refusal says
    "mounted": ("mke2fs -q -F {d} >/dev/null && mount {d} /mnt", "umount /mnt", "/mnt"),
    "swap": ("mkswap {d} >/dev/null && swapon {d}", "swapoff {d}", "swap"),
    "partition": (
        "printf 'n\\np\\n1\\n\\n\\nw\\n' | fdisk {d} >/dev/null 2>&1; {wait}; "
        "mke2fs -q -F {d}p1 >/dev/null && mount {d}p1 /mnt",
        "umount /mnt; dd if=/dev/zero of={d} bs=1M count=1 conv=fsync 2>/dev/null; "
        "blockdev --rereadpt {d}",
        "p1 is mounted on /mnt",
    ),
    "hidden": (  # in a mount namespace that rfm does not see
        "mke2fs -q -F {d} >/dev/null && (setsid unshare -m sh -c '"
        "mount {d} /mnt; touch /tmp/there; until [ -e /tmp/end ]; do usleep 50000; done; "
        "umount /mnt; touch /tmp/gone' >/dev/null 2>&1 </dev/null &) && {there}",
        "touch /tmp/end; {gone}; rm /tmp/end /tmp/there /tmp/gone",
        "exclusively",
    ),
    "loop": ("losetup /dev/loop0 {d}", "losetup -d /dev/loop0", "loop0"),
    "open": (
        "sh -c 'exec 3<{d}; setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo $! >/tmp/opener'",
        "kill $(cat /tmp/opener); {closed}; rm /tmp/opener",
        "is open in s",  # the shell's child, that will be sleep
    ),
}  # fmt: skip


@pytest.mark.extended
@pytest.mark.budget(180)
def test_in_use(lender):
    """Refused with what uses it, and nothing happens to it."""
    bdf = lender.bdf("disk0")
    device = block(lender.sh, bdf)
    lender.sh("mkdir -p /mnt")
    waits = {"wait": until(f"[ -b {device}p1 ]"), "there": until("[ -e /tmp/there ]"),
             "gone": until("[ -e /tmp/gone ]"),
             "closed": until("[ ! -e /proc/$(cat /tmp/opener)/fd/3 ]")}  # fmt: skip
    lender.create("web", "3", mem="256M")
    for take, end, part in USES.values():
        lender.sh(take.format(d=device, **waits))
        try:
            lender.refuses_create(bdf, BUSY, bdf, device.removeprefix("/dev/"), part)
            lender.refuses(("resize", "web", "--pci", f"+{bdf}"), BUSY, bdf, part)
            assert disks.read(lender.sh, device, 0, 1)
        finally:
            lender.sh(end.format(d=device, **waits))
    lender.resize("web", "--pci", f"+{bdf}")
    # An interface that is up is given with --force.
    bdf = lender.bdf("dev1")
    name = interface(lender.sh, bdf)
    lender.sh(f"ip link set {name} up")
    lender.refuses_create(bdf, BUSY, bdf, name, "up")
    lender.resize("web", "--force", "--pci", f"+{bdf}")
    assert lender.lent() == {bdf, lender.bdf("disk0")}


@pytest.mark.budget(150)
def test_lent(lender):
    """What a subOS has, nobody else gets, neither by rfm nor through sysfs."""
    bdf = lender.bdf("disk1")
    result = lender.rfm(
        "create", "web", "--cores", "3", "--mem", "256M", "--pci", bdf,
        "--kernel", f"/boot/vmlinuz-{lender.version}",
    )  # fmt: skip
    assert result.status == 0 and result.stderr.count("no IOMMU confines") == 1, result
    lender.create("other", "2", mem="256M")
    lender.refuses_create(bdf, BUSY, bdf, "'web'")
    lender.refuses_create(lender.bdf("disk2"), BAD_VALUE, "IOMMU", words=("--require-iommu",))
    lender.refuses(("resize", "web", "--pci", f"+{bdf}"), BAD_VALUE, bdf, "'web' already")
    lender.refuses(("resize", "other", "--pci", f"+{bdf}"), BUSY, bdf, "'web'")
    lender.refuses(("resize", "other", "--pci", f"-{bdf}"), BAD_VALUE, bdf, "'other'")
    for script in (
        f"echo {bdf} >/sys/bus/pci/drivers/nvme/bind",
        f"echo {bdf} >/sys/bus/pci/drivers/{LENT}/unbind",
        f"echo {bdf} >/sys/bus/pci/devices/{bdf}/driver/unbind",
        "rmmod rf_supervisor",
    ):
        assert lender.machine.exec(f"( {script} ) 2>/dev/null").status != 0, script
    assert driver(lender.sh, bdf) == LENT
    iomem = lender.sh("cat /proc/iomem")
    for start, size in bars(lender.sh, bdf).values():
        assert f"{start:08x}-{start + size - 1:08x} : {LENT}" in iomem, iomem
    with lender.shells("web") as shell:
        disks.check(shell.run, lender.machine, "disk1", block(shell.run, bdf))
        # It can do to its function what concerns that alone, and nothing else is there.
        shell.run("echo 1 >/sys/bus/pci/rescan")
        assert present(shell.run) == {bdf} and bars(shell.run, bdf) == bars(lender.sh, bdf)


@pytest.mark.budget(150)
def test_inventory(lender):
    """`rfm pci` says of each function what sysfs and its configuration space say."""
    lent = lender.bdf("disk2")
    lender.create("web", "3", "--no-start", "--pci", lent, mem="256M")
    shown = lender.functions()
    assert set(shown) == present(lender.sh)
    for bdf, each in shown.items():
        vendor, device, kind = numbers(lender.sh, bdf, "vendor", "device", "class")
        assert (each["vendor"], each["device"], each["class"]) == (vendor, device, kind), bdf
        assert (each["msi"] or 0, each["msix"] or 0) == vectors(config(lender.sh, bdf)), bdf
        assert each["numa"] == int(attribute(lender.sh, bdf, "numa_node")), bdf
        assert (each["driver"] or "") == (driver(lender.sh, bdf) if bdf != lent else ""), bdf
        assert each["owner"] == ("web" if bdf == lent else "supervisor"), bdf
    problems = {"dev0": None, HARD: "no-reset", "pin": "no-msi", "disk2": "lent", "disk1": None}
    for name, problem in problems.items():
        assert shown[lender.bdf(name)]["problem"] == problem, name
    for bdf, each in shown.items():
        if each["class"] >> 8 == 0x0604:
            assert each["problem"] == "bridge", bdf
    table = lender.ok("pci").splitlines()
    assert max(map(len, table)) <= 80
    assert {line.split()[0] for line in table[1:]} == set(shown)
    assert lender.ok("pci", lent)
    assert lender.rfm("pci", "0000:7f:00.0").status == BAD_VALUE


@pytest.mark.budget(150)
def test_virtual_functions(lender):
    """Made by rfm, given one by one; the subOS sees what their configuration space lacks."""
    pf = lender.bdf("pf")
    assert lender.rfm("pci", "vf", lender.bdf("disk1"), "1").status == BAD_VALUE
    assert lender.rfm("pci", "vf", pf, "3").status == BAD_VALUE
    lender.ok("pci", "vf", pf, "2")
    first, second = (pf[:-1] + each for each in "12")
    try:
        assert attribute(lender.sh, pf, "sriov_numvfs") == "2"
        assert driver(lender.sh, first) == driver(lender.sh, second) == ""
        # Another number: the line says what comes first.
        again = lender.rfm("pci", "vf", pf, "1")
        assert again.status == BUSY, again
        lender.ok(*re.search(r"'rfm (pci vf [^']*)'", again.stderr)[1].split())
        assert attribute(lender.sh, pf, "sriov_numvfs") == "0"
        lender.ok("pci", "vf", pf, "2")
        lender.refuses_create(pf, BAD_VALUE, pf, "virtual functions")
        lender.create("web", "2-3", "--pci", second, mem="256M")
        with lender.shells("web") as shell:
            assert present(shell.run) == {second}
            names = ("vendor", "device", "class")
            assert numbers(shell.run, second, *names) == numbers(lender.sh, second, *names)
            assert bars(shell.run, second) == bars(lender.sh, second)
            # What a driver reads there, which the function itself answers with ones and zeros.
            space = config(shell.run, second)
            assert int.from_bytes(space[0:2], "little") == 0x1B36
            start, _ = bars(shell.run, second)[0]
            assert int.from_bytes(space[0x10:0x18], "little") & ~0xF == start
        lender.refuses(("pci", "vf", pf, "0"), BUSY, second, "'web'")
        # Nor does the driver of the physical function remove it when somebody else asks.
        numvfs = f"/sys/bus/pci/devices/{pf}/sriov_numvfs"
        assert lender.machine.exec(f"( echo 0 >{numvfs} ) 2>/dev/null").status != 0
        assert lender.lent() == {second} == lender.functions_of("web")
        lender.destroy("web")
    finally:
        if lender.json("list")["subos"]:
            lender.destroy("--all")
        lender.ok("pci", "vf", pf, "0")
    assert first not in present(lender.sh) and attribute(lender.sh, pf, "sriov_numvfs") == "0"


@pytest.mark.extended
@pytest.mark.budget(240)
def test_taken_by_force(lender):
    """From a subOS that hangs: silent at once, and nobody else's before that subOS says so."""
    bdf, machine = lender.bdf("disk1"), lender.machine
    initrd = lender.initrd_with("rf_hang")
    take = ("resize", "web", "--pci", f"-{bdf}", "--force")
    lender.create("web", "2-3", "--initrd", initrd, "--pci", bdf, mem="256M")
    with lender.shells("web") as shell:
        device = block(shell.run, bdf)
        digest = disks.write(shell.run, device, 0, 2)
        disks.begin_writes(shell.run, device, 32)
        shell.send("insmod /rf_hang.ko seconds=15")
        lender.await_state("web", "lost", timeout=20)
        result = lender.rfm("resize", "web", "--pci", f"-{bdf}")
        assert result.status not in (0, 1, INCOMPLETE) and result.stderr.count("\n") == 1, result
        assert command(lender.sh, bdf) & MEMORY and driver(lender.sh, bdf) == LENT
        result = lender.rfm(*take)
        assert result.status == INCOMPLETE and result.stderr.count("\n") == 1, result
        assert lender.sh(f"cat {SYSFS}/subos/web/state").strip() == "lost"
        assert not command(lender.sh, bdf) & (MEMORY | MASTER)
        assert driver(lender.sh, bdf) == LENT and lender.functions_of("web") == {bdf}
        lender.refuses_create(bdf, BUSY, bdf)
        assert "pci-taken" in [each["event"] for each in lender.events("web")]
        # It heals, and gives up what it has lost.
        lender.await_state("web", "running", timeout=30)
        await_driver(lender.sh, bdf, "nvme", timeout=30)
        assert bdf not in present(shell.run) and lender.functions_of("web") == set()
        assert shell.alive() and not troubles(shell.run("dmesg"))
        device = block(lender.sh, bdf)
        assert disks.read(lender.sh, device, 0, 2) == digest
        assert disks.stored(machine, "disk1", 0, 2) == digest
        # And it can have it again.
        lender.resize("web", "--pci", f"+{bdf}")
        assert disks.read(shell.run, block(shell.run, bdf), 0, 2) == digest
        # This time it never comes back.
        shell.send("rmmod rf_hang; insmod /rf_hang.ko")
        lender.await_state("web", "lost", timeout=20)
        assert lender.rfm(*take).status == INCOMPLETE
    lender.destroy("web")
    assert disks.read(lender.sh, block(lender.sh, bdf), 0, 2) == digest


@pytest.mark.extended
@pytest.mark.budget(120)
def test_no_ecam(machines):
    """A machine without PCI Express: refused, in words that say so."""
    qemu = ["-machine", "pc", "-device", "virtio-rng-pci,id=rng"]
    machine = machines(snapshot=False, mem="5G", pool="runtime", qemu_args=qemu)
    lender = Lender(machine, warm=False)
    bdf = lender.bdf("rng")
    lender.refuses_create(bdf, BAD_VALUE, bdf, "MCFG")
    assert lender.functions()[bdf]["problem"] == "no-ecam"
    assert below(lender.sh, bdf, "bus/virtio/devices")
