# SPDX-License-Identifier: GPL-2.0
"""PCI functions as kernels show them in sysfs, and machines that lend them.

@run runs a command in a kernel and returns what it prints: Supervisor.sh, or Shell.run in a subOS.
"""

import re
import shlex
import time

import pytest
from functional import patience
from functional.subos import Supervisor, troubles

DEVICES = "/sys/bus/pci/devices"
LENT = "rf_supervisor"  # what is bound to a function that a subOS has
# Drivers that nobody loads for a function which comes while the small subOS runs.
DRIVERS = "modprobe -a nvme virtio_pci virtio_blk virtio_net e1000e"
# Of the command register.
MEMORY, MASTER = 1 << 1, 1 << 2
CAP_MSI, CAP_MSIX = 0x05, 0x11
IORESOURCE_MEM = 0x200
# The network that all cards of a machine share gets somebody who answers.
USER_NETWORK = ("-netdev", "user,id=user", "-netdev", "hubport,id=up,hubid=0,netdev=user")
GATEWAY = "10.0.2.2"

USAGE, BAD_VALUE, NO_SUCH_SUBOS, BUSY, NOT_ENOUGH = range(2, 7)
INCOMPLETE, NO_ANSWER = 11, 13


def until(condition, timeout=20):
    """A command that waits for a condition of the shell."""
    return f"timeout {patience.limit(timeout)} sh -c {shlex.quote(f'until {condition}; do usleep 50000; done')}"


def present(run):
    """The functions a kernel knows."""
    return set(run(f"ls {DEVICES}").split())


def driver(run, bdf):
    """Name of the driver of a function, '' without one."""
    return run(f"readlink {DEVICES}/{bdf}/driver || true").strip().rpartition("/")[2]


def await_driver(run, bdf, name, timeout=20):
    bound = f"readlink {DEVICES}/{bdf}/driver | grep -q '/{name}$'"
    run(until(bound, timeout), timeout=timeout + 10)


def attribute(run, bdf, name):
    return run(f"cat {DEVICES}/{bdf}/{name}").strip()


def numbers(run, bdf, *names):
    return [int(attribute(run, bdf, name), 16) for name in names]


def config(run, bdf):
    """The configuration space, as many bytes as that kernel can read."""
    return bytes.fromhex("".join(run(f"xxd -p {DEVICES}/{bdf}/config").split()))


def command(run, bdf):
    return int.from_bytes(config(run, bdf)[4:6], "little")


def capabilities(space):
    """Offsets of the capabilities in a configuration space, by their ids."""
    found, at = {}, space[0x34] & ~3 if space[6] & 0x10 else 0
    while at and len(found) < 48:
        found.setdefault(space[at], at)
        at = space[at + 1] & ~3
    return found


def vectors(space):
    """(MSI, MSI-X) vectors that a function has, as its configuration space says."""
    found = capabilities(space)
    control = {key: int.from_bytes(space[at + 2 : at + 4], "little") for key, at in found.items()}
    msi = 1 << (control[CAP_MSI] >> 1 & 7) if CAP_MSI in found else 0
    msix = (control[CAP_MSIX] & 0x7FF) + 1 if CAP_MSIX in found else 0
    return msi, msix


def bars(run, bdf):
    """{number: (start, size)} of the memory BARs, as that kernel has them."""
    found = {}
    for number, line in enumerate(attribute(run, bdf, "resource").splitlines()[:6]):
        start, end, flags = (int(each, 16) for each in line.split())
        if flags & IORESOURCE_MEM:
            found[number] = (start, end - start + 1)
    return found


def below(run, bdf, kind, timeout=20):
    """What stands below a function in /sys/@kind, as 'nvme0n1' in /sys/block, once it is there."""
    here = f"/sys/{kind}/*"
    look = f"for e in {here}; do case $(readlink -f $e) in */{bdf}/*) echo ${{e##*/}};; esac; done"
    script = f'until e=$({look}) && [ "$e" ]; do usleep 50000; done; echo $e'
    (found,) = run(f"timeout {timeout} sh -c {shlex.quote(script)}", timeout=timeout + 10).split()
    return found


def block(run, bdf, timeout=20):
    """The disk of a function, such as /dev/nvme0n1."""
    device = "/dev/" + below(run, bdf, "block", timeout)
    run(until(f"[ -b {device} ]"))
    return device


def interface(run, bdf):
    return below(run, bdf, "class/net")


def interrupts(run, bdf):
    """How often each MSI or MSI-X vector of a function came, as that kernel counted it."""
    own = run(f"ls {DEVICES}/{bdf}/msi_irqs 2>/dev/null; true").split()
    rows = dict(re.findall(r"^ *(\d+):((?: +\d+)+) ", run("cat /proc/interrupts"), re.M))
    return {int(each): sum(map(int, rows[each].split())) for each in own if each in rows}


def check_vectors(run, bdf):
    """All its interrupts are MSI-X, and some came; returns how many."""
    kinds = set(run(f"cat {DEVICES}/{bdf}/msi_irqs/*").split())
    assert kinds == {"msix"}, (bdf, kinds)
    total = sum(interrupts(run, bdf).values())
    assert total > 0, f"{bdf} did not interrupt"
    return total


def ping(run, name):
    """Answers come through interface @name."""
    run(f"ip addr add 10.0.2.15/24 dev {name}; ip link set {name} up")
    # The link of a real network card takes a few seconds.
    run(until(f"ping -q -c 1 -W 1 -I {name} {GATEWAY}", 30), timeout=40)
    said = run(f"ping -q -c 5 -W 5 -s 1400 -I {name} {GATEWAY}", timeout=40)
    run(f"ip link set {name} down; ip addr flush dev {name}")
    assert "5 packets received, 0% packet loss" in said, said


def bindings(run):
    """What all functions have to be like again: driver, override, enabled how often, command."""
    each = (
        "n=$(readlink $d/driver); echo $d driver=${n##*/} $(cat $d/driver_override $d/enable)"
        " ${n:+$(xxd -s 4 -l 2 -p $d/config)}"
    )
    return run(f"cd {DEVICES} && for d in *; do {each}; done").splitlines()


def errors(result):
    """The lines that rfm ended with; what it noted before is none of them."""
    return [line for line in result.stderr.splitlines() if not line.startswith("rfm: note: ")]


class Lender(Supervisor):
    """A supervisor whose machine has devices, which several tests use one after the other."""

    def __init__(self, machine, warm=True):
        """@warm: without it, nothing but refusals is wanted of it."""
        super().__init__(machine)
        self.sh("modprobe -a nvme virtio_blk virtio_net e1000e ext4 crc32c_generic loop")
        if warm:
            # Fills rfm's cache of kernels; and the first subOS changes some things for good.
            self.create("warm", "2-3", "--no-start", mem="256M")
            self.destroy("warm")
        self.before = None
        self.remember()

    def bdf(self, device):
        """The function that is @device in QEMU."""
        return self.machine.bdf(device)

    def remember(self):
        self.before = self.everything()

    def everything(self):
        return self.state() | {"functions": bindings(self.sh)}

    def unchanged(self):
        """Nothing of what is lent or could be differs from when it was remembered.

        A driver that has a disk again looks at it in the background, and is in use meanwhile.
        """
        before, end = self.before, time.monotonic() + 20
        while (now := self.everything()) != before and time.monotonic() < end:
            pass
        changed = [key for key in now if now[key] != before[key]]
        assert not changed, {key: (before[key], now[key]) for key in changed}

    def clear(self):
        """After a test: no subOS, and all as before."""
        if self.json("list")["subos"]:
            self.destroy("--all")
        self.unchanged()

    def refuses(self, words, status, *parts):
        """`rfm @words` ends with @status and one line with @parts, and changes nothing."""
        lent = self.lent()
        result = self.rfm(*words)
        line = result.stderr.removesuffix("\n")
        assert result.status == status and not result.stdout, (words, result)
        assert line.startswith("rfm: ") and "\n" not in line, result
        assert not [part for part in parts if part not in line], (parts, line)
        assert self.lent() == lent

    def refuses_create(self, bdfs, status, *parts, words=()):
        """The same of a create on core 1, which tests leave to it."""
        create = ("create", "no", "--cores", "1", "--mem", "256M", "--no-start")
        kernel = ("--kernel", f"/boot/vmlinuz-{self.version}")
        self.refuses((*create, *kernel, "--pci", bdfs, *words), status, *parts)
        assert "no" not in self.sh("ls /sys/class/misc/rainforest/subos").split()

    def lent(self):
        """The functions that are lent: our driver is bound to them."""
        return set(self.sh(f"ls /sys/bus/pci/drivers/{LENT} | grep : || true").split())

    def functions_of(self, name):
        """What rfm shows of a subOS's functions: {BDF}."""
        return set(self.show(name)["functions"])

    def functions(self):
        """What `rfm pci` says, by BDF."""
        return {each["function"]: each for each in self.json("pci")["functions"]}

    def sound(self, name):
        assert not troubles(self.log(name))


@pytest.fixture(autouse=True)
def as_before(request):
    """Whatever a test did on a machine that several share, it is as it was before.

    For tests that import it.
    """
    if "lender" not in request.fixturenames:
        yield
        return
    lender = request.getfixturevalue("lender")
    yield
    lender.clear()
