# SPDX-License-Identifier: GPL-2.0
"""However a subOS ends, it ends alone: the machine and other kernels go on, the cause is told."""

import pytest
from functional.subos import troubles

ENDINGS = {
    # what is done inside the subOS: (state, cause)
    "panic": ("echo c > /proc/sysrq-trigger", "crashed", "panic"),
    "sysrq-b": ("echo b > /proc/sysrq-trigger", "crashed", "emergency"),
    "sysrq-b-disarmed": (
        "mount -t debugfs none /sys/kernel/debug; echo 0 > /proc/sys/kernel/ftrace_enabled; "
        "echo 0 > /sys/kernel/debug/kprobes/enabled; echo b > /proc/sysrq-trigger",
        "crashed", "emergency",
    ),  # fmt: skip
    "reboot": ("reboot -f", "stopped", "reboot"),
    "poweroff": ("poweroff -f", "stopped", "poweroff"),
    "halt": ("halt -f", "stopped", "halt"),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_ending(supervisor, ending):
    command, state, cause = ENDINGS[ending]
    before = supervisor.state()
    # Kernel messages of the ending itself go to the log before the cores are held.
    supervisor.create("web", "2-3", "--on-reboot", "keep", mem="256M", run=command)
    shown = supervisor.await_state("web", "stopped", "crashed")
    assert (shown["state"], shown["cause"]) == (state, cause)
    if ending == "panic":
        assert "sysrq triggered crash" in shown["reason"]
        assert "Kernel panic - not syncing" in supervisor.log("web")
    assert "init reached" in supervisor.log("web")
    assert supervisor.online() == "0-1"
    supervisor.destroy("web")
    assert supervisor.state() == before
    assert supervisor.pool_intact()
    supervisor.create("web", "2-3", mem="256M")


@pytest.mark.parametrize("ending", ["sysrq-b", "poweroff"])
def test_ending_without_agent(supervisor, ending):
    """Nothing but the registers in the mailbox catches these."""
    command, cause = {
        "sysrq-b": (ENDINGS["sysrq-b"][0], "acpi-reset"),
        "poweroff": (ENDINGS["poweroff"][0], "acpi-sleep"),
    }[ending]
    supervisor.create("bare", "3", "--no-agent", mem="256M", run=command)
    shown = supervisor.await_state("bare", "stopped", "crashed")
    assert shown["cause"] == cause
    supervisor.destroy("bare")
    assert supervisor.online() == "0-3"


def test_hang(supervisor):
    """Every core of the subOS spins with interrupts off: its log is still read, and it goes."""
    before = supervisor.state()
    initrd = supervisor.initrd_with("rf_hang")
    supervisor.create("web", "2-3", "--initrd", initrd, mem="256M", run="insmod /rf_hang.ko")
    supervisor.await_log("web", "hanging every core")
    assert supervisor.await_state("web", "lost", timeout=20)["state"] == "lost"
    assert "hanging every core" in supervisor.log("web")
    supervisor.destroy("web")
    assert supervisor.state() == before


def test_boot_time_out(supervisor):
    """A subOS that never reports is kept for a look at it, and the exit code says so."""
    result = supervisor.rfm(
        "create", "web", "--cores", "3", "--mem", "256M", "--timeout", "1",
        "--kernel", f"/boot/vmlinuz-{supervisor.version}",
    )  # fmt: skip
    assert result.status == 10
    assert supervisor.show("web")["state"] in ("booting", "running")
    supervisor.destroy("web")
    assert supervisor.online() == "0-3"


@pytest.mark.extended
def test_third_kernel_is_left_alone(supervisor):
    supervisor.create("good", "3", mem="256M", run="while :; do :; done")
    supervisor.create("bad", "2", mem="256M", run="echo c > /proc/sysrq-trigger")
    supervisor.await_state("bad", "crashed")
    supervisor.destroy("bad")
    assert supervisor.show("good")["state"] == "running"
    assert not troubles(supervisor.log("good"))
