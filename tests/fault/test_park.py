# SPDX-License-Identifier: GPL-2.0
"""A core that does not react to INIT, as one in VMX root operation: nothing it could touch changes hands."""

import re
from contextlib import contextmanager

from functional.subos import ignore_init

BAD_VALUE = 3
INCOMPLETE = 11
BUSY = "while :; do :; done"


@contextmanager
def ignoring_init(supervisor, cpu):
    """Core @cpu does not react to INIT meanwhile."""
    ignore_init(supervisor.machine, cpu, True)
    try:
        yield
    finally:
        ignore_init(supervisor.machine, cpu, False)


def refused(result, status, *texts):
    """One line, with these texts."""
    assert result.status == status and result.stderr.count("\n") == 1, result
    assert all(each in result.stderr for each in texts), result


def online(supervisor, cpu):
    return supervisor.sh(f"cat /sys/devices/system/cpu/cpu{cpu}/online").strip() == "1"


def test_nothing_comes_back_from_a_core_that_runs_on(supervisor):
    """The kernel inside still runs on one core: destroy and restart touch nothing of it."""
    before = supervisor.state()
    supervisor.create("web", "2-3", mem="256M", run=BUSY)
    shown = supervisor.show("web")
    pool = supervisor.state()["pool"]
    assert shown["core_not_held"] is None
    with ignoring_init(supervisor, 3):
        supervisor.ok("stop", "--force", "--timeout", "0", "web")
        refused(supervisor.rfm("start", "web"), INCOMPLETE, "core 3 does not react to INIT")
        now = supervisor.show("web")
        assert now["state"] == "stopped" and now["core_not_held"] == 3
        for _ in range(2):
            refused(supervisor.rfm("destroy", "web"), INCOMPLETE, "core 3 does not react to INIT", "reboot")
            now = supervisor.show("web")
            assert now["state"] == "stopping" and now["core_not_held"] == 3
            assert now["ranges"] == shown["ranges"] and now["cores"] == shown["cores"]
            assert supervisor.state()["pool"] == pool and not online(supervisor, 2)
        # Others are not concerned.
        supervisor.create("other", "1", mem="128M")
        supervisor.destroy("other")
    events = [each for each in supervisor.events("web") if each["event"] == "core-not-held"]
    assert [each["core"] for each in events] == [3] * len(events) and events
    supervisor.destroy("web")
    assert supervisor.state() == before and supervisor.pool_intact()
    log = supervisor.sh("dmesg")
    assert re.search("subOS web: CPU 3 does not react to INIT: it is not held", log)


def test_core_that_cannot_be_removed_stays(supervisor):
    before = supervisor.state()
    supervisor.create("web", "2-3", mem="256M")
    supervisor.create("other", "1", mem="128M")
    with ignoring_init(supervisor, 3):
        for words in (("resize", "web", "--cores", "-3"), ("move", "--cores", "3", "web", "other")):
            result = supervisor.rfm(*words)
            refused(result, INCOMPLETE, "core 3 does not react to INIT: it stays where it is")
            assert supervisor.show("web")["cores"] == [2, 3] and not online(supervisor, 3)
    supervisor.move("3", "web", "other")
    supervisor.resize("other", "--cores", "-3")
    assert supervisor.show("web")["core_not_held"] is None and online(supervisor, 3)
    supervisor.destroy("web")
    supervisor.destroy("other")
    assert supervisor.state() == before


def test_core_that_cannot_be_held_is_not_given(supervisor):
    before = supervisor.state()
    kernel = f"/boot/vmlinuz-{supervisor.version}"
    with ignoring_init(supervisor, 3):
        made = supervisor.rfm("create", "web", "--cores", "2-3", "--mem", "256M", "--kernel", kernel)
        refused(made, BAD_VALUE, "core 3 does not react to INIT")
        assert supervisor.json("list")["subos"] == [] and online(supervisor, 2)
        # It has never left the supervisor, whose log has the remedy.
        supervisor.sh("dmesg | grep -q 'CPU 3 stays offline'")
    supervisor.sh("echo 1 > $(dmesg | sed -n 's/.*CPU 3 stays offline.*write 1 to //p')")
    assert supervisor.state() == before
