# SPDX-License-Identifier: GPL-2.0
"""Words that rfm keeps from a subOS's kernel: booted past the check, they do what the table says.

What a kernel does with such a word may cost the supervisor its interrupts. So all is seen from
outside of the machine, in the trace of what processors touched, and nothing is undone.
"""

import re
import shlex
import time

import pytest
from functional import patience
from functional.subos import DEBUG, KERNEL, MIB, Supervisor
from functional.trace import AllowList, Grant, Oracle
from lab import paths, qemu

ALLOWED = AllowList((paths.SOURCE / "docs/isolation.json").read_text())
CORES = 4
BOOT_CORE = 3
UNCHECKED = {"RF_UNCHECKED_APPEND": "1"}

# The word: devices of the machine of which it makes the kernel touch one, as QEMU names them.
CONTROLLERS = ("ioapic", "elcr", "pic")
TOUCHES = {
    "acpi=off": CONTROLLERS,
    "acpi=noirq": CONTROLLERS,
    "acpi=rsdt": CONTROLLERS,
    "noapic": CONTROLLERS,
    "nolapic": CONTROLLERS,
    "nosmp": CONTROLLERS,
    "pci=conf1": ("pci-conf-idx",),
    "console=ttyS0": ("serial",),
    "console=uart8250,io,0x3f8": ("serial",),
    "earlyprintk=serial,ttyS0": ("serial",),
}


def create(supervisor, word, *words):
    """A subOS that gets the word, whatever becomes of it."""
    command = [
        "rfm", "create", "web", "--cores", BOOT_CORE, "--mem", "256M", "--timeout", "0",
        "--kernel", KERNEL.format(supervisor.version), "--append", word, *words,
    ]  # fmt: skip
    script = shlex.join(map(str, command))
    result = supervisor.machine.exec(script, timeout=150, env=UNCHECKED)
    assert result.ok, result.stderr
    assert "append is not checked" in result.stderr


def without_our_table(supervisor):
    """Where ours is (cores/x86/mp_table.c), kernels do not find the MP table of the machine."""
    supervisor.sh("rmmod rf_supervisor")
    assert supervisor.machine.exec("modprobe", "rf_supervisor", "mp_table=0").ok


def touched(trace, regions):
    """Whether the subOS's core has touched one of these yet: what does not cost much to ask."""
    names = "|".join(map(re.escape, regions))
    pattern = re.compile(rf" cpu {BOOT_CORE} .* name '(?:{names})'\n")
    with open(trace) as lines:
        return any(pattern.search(line) for line in lines)


def violations(trace, grant):
    with open(trace) as lines:
        oracle = Oracle(ALLOWED, CORES, [grant]).judge(lines)
    return [each.what for each in oracle.violations_of(grant.name)]


@pytest.mark.extended
@pytest.mark.trouble_expected
@pytest.mark.budget(180)
@pytest.mark.parametrize("word", TOUCHES)
def test_word_leads_to_the_machine(machines, word):
    """With it the kernel touches what is not its own; without, nothing: see test_isolation.py."""
    supervisor = Supervisor(machines(trace=True))
    without_our_table(supervisor)
    trace = supervisor.machine.folder / qemu.EVENTS
    checked = supervisor.rfm(
        "create", "web", "--cores", BOOT_CORE, "--mem", "256M", "--append", word, "--dry-run",
        "--kernel", KERNEL.format(supervisor.version),
    )  # fmt: skip
    said = checked.stderr.splitlines()
    assert any(f"append '{word}' is " in line for line in said), checked
    # Loaded first: once it runs, rfm may not be there to ask any more.
    create(supervisor, word, "--no-start")
    grant = Grant.of(supervisor.show("web"))
    supervisor.ok("start", "web", "--timeout", "0")
    end = time.monotonic() + patience.limit(90)
    names = [f"({each})" for each in TOUCHES[word]]
    seen = violations(trace, grant)
    while not any(name in what for what in seen for name in names):
        assert time.monotonic() < end, seen
        wait_for(trace, TOUCHES[word], end)
        seen = violations(trace, grant)


@pytest.mark.extended
@pytest.mark.trouble_expected
@pytest.mark.budget(240)
@pytest.mark.parametrize("word", ["acpi=off", "acpi=noirq"])
def test_io_apic_is_not_found(machines, word):
    """A kernel that looks for an MP table finds ours, which has no IO-APIC, and boots without one."""
    supervisor = Supervisor(machines(trace=True))
    trace = supervisor.machine.folder / qemu.EVENTS
    create(supervisor, word, "--no-agent", "--no-start")
    grant = Grant.of(supervisor.show("web"))
    supervisor.ok("start", "web", "--timeout", "0")
    # Long past all that sets up interrupts; and the supervisor has its own to tell us.
    supervisor.await_log("web", "init reached", timeout=120)
    log = supervisor.log("web")
    assert "found SMP MP-table at [mem 0x00000180-" in log, log[:3000]
    seen = violations(trace, grant)
    assert not [what for what in seen if "(ioapic)" in what or "(elcr)" in what], seen
    supervisor.destroy("web")
    assert supervisor.online() == "0-3"
    # What lay there comes back with the module.
    read = "dd if=/dev/mem bs=64 skip=6 count=10 2>/dev/null | md5sum"
    with_table = supervisor.sh(read)
    supervisor.sh("rmmod rf_supervisor")
    assert supervisor.sh(read) != with_table
    assert supervisor.machine.exec("modprobe", "rf_supervisor").ok
    assert supervisor.sh(read) == with_table


def wait_for(trace, regions, end):
    """Until the core touches one of @regions: some are its own at times, as far as a list goes."""
    size = trace.stat().st_size
    while time.monotonic() < end:
        if trace.stat().st_size > size and touched(trace, regions):
            return
        time.sleep(0.2)


@pytest.mark.extended
@pytest.mark.trouble_expected
@pytest.mark.budget(180)
def test_memmap_is_memory_of_others(machines):
    """RAM by memmap= is used like any other: what nobody owned there has been written."""
    supervisor = Supervisor(machines())
    supervisor.create("web", BOOT_CORE, mem="256M")
    [own] = supervisor.show("web")["ranges"]
    supervisor.destroy("web")
    assert supervisor.pool_intact()
    # The same place again, and behind it the rest of the pool; memtest writes to all RAM there is.
    create(supervisor, f"memmap=16M@{own['start'] + own['size'] + 64 * MIB:#x} memtest=1")
    supervisor.until(f"until ! grep -qx 0x0 {DEBUG}/pool_check; do usleep 500000; done", 90)


@pytest.mark.extended
@pytest.mark.budget(180)
def test_words_of_other_machines(machines):
    """What stands in tutorials and in /proc/cmdline boots, without what a subOS does without."""
    supervisor = Supervisor(machines())
    tutorial = "console=ttyS0 reboot=k panic=1 pci=off"
    for append in (tutorial, supervisor.sh("cat /proc/cmdline").strip()):
        created = supervisor.create("web", BOOT_CORE, "--append", f"{append} -- last", mem="256M")
        notes = [note for note in created["notes"] if "is left out" in note]
        assert any("'console=ttyS0" in note for note in notes) and len(notes) >= 4
        given = created["cmdline"].split()
        assert not [word for word in given if word.startswith("console=ttyS0")]
        assert given[-3:] == ["rdinit=/rf/init", "--", "last"]
        # The same bytes each time.
        assert supervisor.json("restart", "web")["cmdline"] == created["cmdline"]
        supervisor.destroy("web")


@pytest.mark.extended
def test_panic_stays(machines):
    """Words about what follows a panic do not count: the subOS stays, and the machine runs on."""
    supervisor = Supervisor(machines())
    crash = 'lab.run="echo c > /proc/sysrq-trigger"'
    words = f"reboot=k,force panic=-1 sysctl.kernel.panic=1 {crash}"
    supervisor.create("web", BOOT_CORE, "--append", words, "--timeout", "0", mem="256M")
    supervisor.await_state("web", "crashed")
    assert "Rebooting in" not in supervisor.log("web")
    assert supervisor.online() == "0-2"
    supervisor.destroy("web")
