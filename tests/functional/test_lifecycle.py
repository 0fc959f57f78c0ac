# SPDX-License-Identifier: GPL-2.0
"""Stop, start, restart, and what policies do about a subOS that ends or hangs by itself."""

import json
import re
import time

import pytest
from functional.elastic import Ledger
from functional.subos import BLOCK, MIB, Supervisor, troubles
from lab import kernels, tools

NO_ANSWER = 13
CRASH = "echo c > /proc/sysrq-trigger"


def boot_id(shell):
    return shell.run("cat /proc/sys/kernel/random/boot_id")


@pytest.mark.budget(240)
def test_stop_start_restart(supervisor):
    """Stopped in order, started with what it owned last, twice."""
    before = supervisor.state()
    first = supervisor.create("web", "2-3", mem="256M")
    supervisor.resize("web", "--cores", "+1")
    supervisor.resize("web", "--mem", "+128M")
    with supervisor.shells("web") as shell:
        boots = {boot_id(shell)}
        shell.run("echo data > /tmp/data")
    supervisor.ok("stop", "web")
    shown = supervisor.show("web")
    assert (shown["state"], shown["cause"]) == ("stopped", "poweroff")
    assert shown["cores"] == [2, 3, 1] and shown["memory"] == 256 * MIB + BLOCK
    assert supervisor.online() == "0"
    for verb, starts in (("start", 2), ("restart", 3)):
        supervisor.ok(verb, "web")
        shown = supervisor.show("web")
        assert shown["state"] == "running" and shown["starts"] == starts
        assert shown["id"] == first["id"] and shown["uptime_seconds"] < 60
        assert shown["cores"] == [2, 3, 1] and shown["memory"] == 256 * MIB + BLOCK
        with supervisor.shells("web") as shell:
            assert shell.run("ls /tmp/data 2>/dev/null || echo none") == "none\n"
            boots.add(boot_id(shell))
            assert len(shell.apic_ids()) == 3
            assert 300 * MIB < shell.memory() < 384 * MIB
            Ledger(supervisor, [shell]).check()
        assert not troubles(supervisor.log("web"))
    assert len(boots) == 3
    # What is not running cannot be stopped, what runs cannot be started.
    assert supervisor.rfm("start", "web").status not in (0, 1)
    supervisor.ok("stop", "web")
    assert supervisor.rfm("stop", "web").stderr.count("\n") <= 1
    supervisor.destroy("web")
    assert supervisor.state() == before


@pytest.mark.budget(180)
def test_reboot_inside(supervisor):
    """Restarts that subOS and nothing else; --on-reboot keep leaves it stopped."""
    supervisor.create("other", "1", mem="256M")
    supervisor.create("web", "2-3", mem="256M")
    with supervisor.shells("other", "web") as (other, web):
        boots = boot_id(other), boot_id(web)
        web.send("reboot -f")
        web.close()  # there is one writer
        await_starts(supervisor, "web", 2)
        with supervisor.shells("web") as again:
            assert boot_id(again) != boots[1]
        assert boot_id(other) == boots[0]
    assert supervisor.show("web")["restarts_left"] == supervisor.show("other")["restarts_left"]
    supervisor.destroy("web")
    supervisor.create("web", "2-3", "--on-reboot", "keep", mem="256M", run="reboot -f")
    shown = supervisor.await_state("web", "stopped")
    assert (shown["cause"], shown["starts"]) == ("reboot", 1)


def await_starts(supervisor, name, starts, timeout=60):
    end = time.monotonic() + timeout
    while True:
        shown = supervisor.show(name)
        if shown["starts"] >= starts and shown["state"] == "running":
            return shown
        assert time.monotonic() < end, shown
        time.sleep(0.2)


@pytest.mark.budget(240)
def test_crash_policies(supervisor):
    """Restarted as often as allowed, then kept; or destroyed."""
    before = supervisor.state()
    words = ("--on-crash", "restart", "--restarts", "2", "--timeout", "0")
    supervisor.create("web", "2-3", *words, mem="256M", run=CRASH)
    end = time.monotonic() + 120
    while (shown := supervisor.show("web"))["starts"] < 3 or shown["state"] != "crashed":
        assert time.monotonic() < end, shown
        time.sleep(0.3)
    assert (shown["starts"], shown["restarts_left"]) == (3, 0)
    assert "Kernel panic" in supervisor.log("web")
    supervisor.destroy("web")
    supervisor.create("web", "2-3", "--on-crash", "destroy", "-t", "0", mem="256M", run=CRASH)
    gone = "until [ ! -e /sys/class/misc/rainforest/subos/web ]; do usleep 100000; done"
    supervisor.sh(f"timeout 60 sh -c '{gone}'", timeout=70)
    back = "until grep -qx 0-3 /sys/devices/system/cpu/online; do usleep 100000; done"
    supervisor.sh(f"timeout 10 sh -c '{back}'")
    assert supervisor.state() == before


@pytest.mark.extended
@pytest.mark.budget(240)
def test_hang(supervisor):
    """Lost within about a second; heals when it beats again; the hang time-out acts."""
    initrd = supervisor.initrd_with("rf_hang")
    supervisor.create("web", "2-3", "--initrd", initrd, "--hang-timeout", "20", mem="256M")
    with supervisor.shells("web") as shell:
        shell.send("insmod /rf_hang.ko seconds=4")
        supervisor.await_log("web", "hanging every core")
        began = time.monotonic()
        assert supervisor.await_state("web", "lost", timeout=10)["state"] == "lost"
        assert time.monotonic() - began < 3
        # It cannot answer now: this ends soon, and nothing has changed.
        result = supervisor.rfm("resize", "web", "--cores", "+1")
        assert result.status not in (0, 1) and result.stderr.count("\n") == 1, result
        assert supervisor.await_state("web", "running", timeout=20)["state"] == "running"
        assert shell.run("echo back", timeout=20) == "back\n"
    supervisor.resize("web", "--cores", "+1")
    assert supervisor.show("web")["starts"] == 1
    assert not troubles(supervisor.log("web"))
    supervisor.destroy("web")

    policy = ("--hang-timeout", "2", "--on-crash", "restart")
    supervisor.create("web", "2-3", "--initrd", initrd, *policy, mem="256M")
    with supervisor.shells("web") as shell:
        shell.send("insmod /rf_hang.ko")
        await_starts(supervisor, "web", 2)
    assert "hang" in [each.get("why") for each in supervisor.events("web")]
    assert supervisor.show("web")["restarts_left"] == 4


@pytest.mark.extended
@pytest.mark.budget(150)
def test_stop_of_what_hangs(supervisor):
    """Asking does not help: the time-out says so, and --force holds it."""
    initrd = supervisor.initrd_with("rf_hang")
    supervisor.create("web", "2-3", "--initrd", initrd, mem="256M")
    with supervisor.shells("web") as shell:
        shell.send("insmod /rf_hang.ko")
        supervisor.await_state("web", "lost", timeout=20)
    result = supervisor.rfm("stop", "web", "--timeout", "2")
    assert result.status == NO_ANSWER and result.stderr.count("\n") == 1, result
    assert supervisor.show("web")["state"] == "lost"
    supervisor.ok("stop", "web", "--timeout", "1", "--force")
    shown = supervisor.show("web")
    assert (shown["state"], shown["cause"]) == ("stopped", "operator")
    supervisor.ok("start", "web")
    assert supervisor.show("web")["state"] == "running"


@pytest.mark.extended
@pytest.mark.budget(150)
def test_stop_behind_what_takes_long(supervisor):
    """STOP does not wait for the request that the agent is busy with."""
    initrd = supervisor.initrd_with("rf_hang")
    supervisor.create("web", "2-3", "--initrd", initrd, mem="256M")
    with supervisor.shells("web") as shell:
        shell.send("insmod /rf_hang.ko hotplug=1 seconds=20")
        supervisor.await_log("web", "holding CPU")
        # Behind the first time-out the agent is still at it.
        assert supervisor.rfm("resize", "web", "--cores", "+1", "-t", "1").status == NO_ANSWER
        supervisor.ok("stop", "web", "--timeout", "60")
    held, asked = (
        float(re.search(rf"\[ *([0-9.]+)\][^\n]*{text}", supervisor.log("web"))[1])
        for text in ("holding CPU", "asks for a power-off")
    )
    assert asked - held < 15
    shown = supervisor.show("web")
    assert (shown["state"], shown["cause"]) == ("stopped", "poweroff")


@pytest.mark.budget(150)
@pytest.mark.parametrize(
    "then", ["exec /init", pytest.param("sleep 1000", marks=pytest.mark.extended)]
)
def test_stop_before_init(supervisor, tmp_path, then):
    """It is done once there is an init to hear it; where none comes, the kernel goes by itself."""
    script = tmp_path / "slow"
    script.write_text(f"#!/bin/sh\nsleep 5\n{then}\n")
    script.chmod(0o755)
    initrd = supervisor.initrd_with(files={"slow": script})
    supervisor.create("web", "2-3", "--initrd", initrd, "--append", "rdinit=/slow", mem="256M")
    supervisor.ok("stop", "web", "--timeout", "60")
    shown = supervisor.show("web")
    assert (shown["state"], shown["cause"]) == ("stopped", "poweroff")
    log = supervisor.log("web")
    assert ("init reached" in log) == (then == "exec /init")
    assert ("no init that could be asked" in log) == (then != "exec /init")
    assert not troubles(log)


@pytest.mark.extended
@pytest.mark.budget(180)
def test_stop_of_several(supervisor, tmp_path):
    """One time limit for all, and a line for each."""
    script = tmp_path / "slow"
    script.write_text("#!/bin/sh\nsleep 1000\n")
    script.chmod(0o755)
    initrd = supervisor.initrd_with(files={"slow": script})
    for name, core in (("one", "3"), ("two", "2")):
        supervisor.create(name, core, "--initrd", initrd, "--append", "rdinit=/slow", mem="256M")
    supervisor.create("bare", "1", "--no-agent", mem="256M")
    began = time.monotonic()
    result = supervisor.rfm("stop", "one", "bare", "two", "--timeout", "8")
    assert time.monotonic() - began < 14
    assert result.status == NO_ANSWER and not result.stdout, result
    lines = result.stderr.splitlines()
    assert [re.search("'([a-z]+)'", line)[1] for line in lines] == ["one", "bare", "two"]
    # No init comes: these two kernels go by themselves.
    result = supervisor.rfm("stop", "one", "bare", "two", "--json")
    assert result.status == NO_ANSWER and result.stdout.count("\n") == 1, result
    error = json.loads(result.stdout)["error"]
    assert [each["name"] for each in error["stopped"]] == ["one", "two"]
    assert [(each["name"], each["code"]) for each in error["failed"]] == [("bare", NO_ANSWER)]
    result = supervisor.rfm("stop", "bare", "one", "--timeout", "1")
    assert result.status == NO_ANSWER
    assert result.stdout.count("\n") == 1 and "'one' is stopped" in result.stdout
    assert result.stderr.count("\n") == 1 and "'bare'" in result.stderr
    assert supervisor.ok("stop", "bare", "one", "two", "--force").count("\n") == 3
    assert supervisor.show("bare")["state"] == "stopped"


@pytest.mark.budget(150)
def test_stop_without_agent(supervisor):
    supervisor.create("bare", "3", "--no-agent", mem="256M")
    assert supervisor.rfm("stop", "bare", "--timeout", "1").status not in (0, 1)
    supervisor.ok("stop", "bare", "--force")
    assert supervisor.show("bare")["state"] == "stopped"


@pytest.mark.budget(180)
@pytest.mark.trouble_expected
def test_supervisor_panics(machines):
    """The subOS notices, says so once, and goes on."""
    supervisor = Supervisor(machines())
    machine = supervisor.machine
    run = "while :; do echo tick; sleep 1; done"
    supervisor.create("web", "2-3", "--uart", "ttyS1", mem="256M", run=run)
    supervisor.await_log("web", "subos: tick")
    machine.exec("setsid sh -c 'sleep 0.2; echo c > /proc/sysrq-trigger' > /dev/null 2>&1 &")
    end = time.monotonic() + 40
    notice = "the supervisor is silent; going on without it"
    while machine.serial(1).count("tick", machine.serial(1).find(notice)) < 5:
        assert time.monotonic() < end, machine.serial(1)[-2000:]
        time.sleep(0.2)
    assert machine.serial(1).count(notice) == 1
    assert "Kernel panic - not syncing" in machine.serial(0)
    assert not troubles(machine.serial(1))
    machine.stop(keep=True)


@pytest.mark.budget(150)
def test_kexec_and_sleep_are_refused(supervisor):
    """With one line in the kernel log that says what to do instead."""
    files = tools.program("kexec") | {"kernel": kernels.find(supervisor.version).image}
    initrd = supervisor.initrd_with(files=files)
    supervisor.create("web", "2-3", "--initrd", initrd, mem="512M")
    with supervisor.shells("web") as shell:
        for option in ("-c", "-s"):
            status, _ = shell.result(shell.start(f"kexec {option} -l /kernel --reuse-cmdline"))
            assert status != 0
            assert shell.run("cat /sys/kernel/kexec_loaded") == "0\n"
        for state in shell.run("cat /sys/power/state").split():
            status, _ = shell.result(shell.start(f"echo {state} >/sys/power/state"))
            assert status != 0
        assert "freeze" in shell.run("cat /sys/power/state")
    log = supervisor.log("web")
    kexec = re.search(r"kexec is not possible inside a subOS.*", log)[0]
    sleep = re.search(r"a subOS cannot sleep.*", log)[0]
    assert supervisor.show("web")["state"] == "running"
    # What these lines say.
    dump, restart, stop = (
        re.search(f"'rfm ({verb})'", line)[1]
        for verb, line in (("dump", kexec), ("restart", kexec), ("stop", sleep))
    )
    supervisor.ok(dump, "web", "/tmp/dump")
    supervisor.ok(restart, "web")
    supervisor.ok(stop, "web")
    supervisor.ok("start", "web")
    assert supervisor.show("web")["state"] == "running"
