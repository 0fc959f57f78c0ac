# SPDX-License-Identifier: GPL-2.0
"""What a subOS is to be, in files: set, wait, export, apply, and the units that do it at boot."""

import json
import time

import pytest
from functional.subos import BLOCK, MIB, SYSFS, Supervisor, troubles

BAD_VALUE, NO_SUCH_SUBOS, BUSY, NOT_ENOUGH, BAD_FILE = 3, 4, 5, 6, 7
NOT_UP, NO_ANSWER, INTERRUPTED = 10, 13, 130
CRASH = "echo c > /proc/sysrq-trigger"
# What goes down slowly, when it is to be started again.
REBOOT = r"printf '#!/bin/sh\nsleep 7\nexec /usr/bin/reboot -f\n' >reboot"
SLOW = f'lab.run="cd /usr/sbin; rm reboot; {REBOOT}; chmod +x reboot"'


def definition(supervisor, name, cores, *lines, mem="256M"):
    """A table of a file of definitions."""
    kernel = f'kernel = "/boot/vmlinuz-{supervisor.version}"'
    return "\n".join([f"[{name}]", f'cores = "{cores}"', f'mem = "{mem}"', kernel, *lines, ""])


def write(supervisor, path, *tables):
    supervisor.machine.exec("tee", path, input="\n".join(tables), check=True)


def apply(supervisor, path, *words):
    """What `rfm apply` did: (name, what); and what it planned, by name."""
    said = supervisor.json("apply", path, *words)
    return [(each["name"], each["what"]) for each in said["done"]], {
        each["name"]: each for each in said["plan"]
    }


def keys(plan):
    return [change["key"] for change in plan["changes"]]


def names(supervisor):
    return [each["name"] for each in supervisor.json("list")["subos"]]


@pytest.mark.budget(240)
def test_set_and_wait(supervisor):
    """What was set is there after a restart; what is waited for is found, or cannot come."""
    with supervisor.session("rfm", "wait", "web", "--for", "running") as created:
        supervisor.create("web", "2-3", mem="256M")
        assert created.wait() == 0, created.text
    append = 'append=lab.run="echo it was set"'
    said = supervisor.json("set", "web", "on-crash=restart", "restarts=1", append)
    assert [(each["key"], each["takes_effect"]) for each in said["changes"]] == [
        ("on-crash", "now"), ("restarts", "now"), ("append", "next-start")
    ]  # fmt: skip
    shown = supervisor.show("web")
    assert (shown["on_crash"], shown["restarts_left"], shown["starts"]) == ("restart", 1, 1)
    assert supervisor.json("set", "web", "on-crash=restart", append)["changes"] == []
    # All or nothing, and what could not be started is refused.
    result = supervisor.rfm("set", "web", "on-crash=keep", "kernel=/none")
    assert result.status == BAD_FILE and result.stderr.count("\n") == 1, result
    assert supervisor.rfm("set", "web", "on-crash=keep", "append=acpi=off").status not in (0, 1)
    assert supervisor.show("web")["on_crash"] == "restart"

    with supervisor.session("rfm", "wait", "web", "--for", "crashed", "--timeout", "60") as crashed:
        crash(supervisor)
        assert crashed.wait(60) == 0, crashed.text
    supervisor.ok("wait", "web", "--for", "running", "--timeout", "60")
    supervisor.await_log("web", "subos: it was set")
    shown = supervisor.show("web")
    assert (shown["starts"], shown["restarts_left"], shown["on_crash"]) == (2, 0, "restart")
    assert not troubles(supervisor.log("web"))

    # This was its last restart.
    crash(supervisor)
    supervisor.ok("wait", "web", "--for", "crashed", "--timeout", "60")
    result = supervisor.rfm("wait", "web", "--for", "running,booting")
    assert result.status == NOT_UP and "'rfm start web' does" in result.stderr, result
    assert result.stderr.count("\n") == 1
    result = supervisor.rfm("wait", "web", "nobody", "--for", "gone", "--timeout", "1", "--json")
    error = json.loads(result.stdout)["error"]
    assert result.status == error["code"] == NO_ANSWER
    assert [each["name"] for each in error["arrived"]] == ["nobody"]
    [failed] = error["failed"]
    assert failed["name"] == "web" and "is crashed" in failed["message"], failed
    with supervisor.session("rfm", "wait", "web", "--for", "gone") as gone:
        supervisor.destroy("web")
        assert gone.wait() == 0, gone.text
    assert supervisor.rfm("wait", "web", "--for", "stopped").status == NO_SUCH_SUBOS


def crash(supervisor):
    with supervisor.shells("web") as shell:
        shell.send(CRASH)
        shell.close()  # nothing is heard of that any more


@pytest.mark.budget(240)
def test_export_and_apply(supervisor):
    """Applied twice nothing happens, nor with what was exported; what differs becomes the same."""
    before = supervisor.state()
    folder = "/etc/rainforest"
    supervisor.sh(f"mkdir -p {folder}")
    write(supervisor, f"{folder}/1.toml", definition(supervisor, "db", "2"))
    write(supervisor, f"{folder}/web.toml", definition(supervisor, "web", "3"))
    done, plan = apply(supervisor, folder, "--dry-run")
    assert done == [] and [plan[name]["create"] for name in ("db", "web")] == [True, True]
    assert names(supervisor) == []
    done, _ = apply(supervisor, folder)
    assert done == [("db", "created"), ("web", "created")] and names(supervisor) == ["db", "web"]
    done, plan = apply(supervisor, folder)
    assert done == [] and not keys(plan["db"]) and not plan["web"]["create"]

    # As it is now, and back to what the file says.
    supervisor.resize("web", "--cores", "+1", "--mem", "+128M")
    exported = json.loads(supervisor.sh("rfm export web | rfm apply - --json"))
    assert exported["done"] == [] and exported["plan"][0]["changes"] == []
    supervisor.sh("rfm export web > /tmp/web.toml")
    assert 'cores = "3,1"' in supervisor.sh("cat /tmp/web.toml")
    assert supervisor.rfm("create", "web", "--config", "/tmp/web.toml", "--dry-run").status == BUSY
    done, _ = apply(supervisor, folder)
    shown = supervisor.show("web")
    assert done == [("web", "resized")]
    assert shown["cores"] == [3] and shown["memory"] == 256 * MIB

    # What runs is changed while it runs; a restart is for who wants it.
    lines = ('on-crash = "restart"', "append = 'lab.run=\"echo applied\"'")
    changed = definition(supervisor, "web", "1,3", *lines, mem="384M")
    write(supervisor, f"{folder}/web.toml", changed)
    result = supervisor.rfm("apply", folder)
    assert result.status == 0 and result.stderr.count("--restart") == 1, result
    assert f"'rfm apply --restart {folder}'" in result.stderr
    shown = supervisor.show("web")
    assert shown["on_crash"] == "restart" and sorted(shown["cores"]) == [1, 3]
    assert shown["memory"] == 256 * MIB + BLOCK and shown["starts"] == 1
    done, plan = apply(supervisor, folder)
    assert done == [] and plan["web"]["needs_restart"] and keys(plan["web"]) == ["append"]
    assert apply(supervisor, folder, "--restart")[0] == [("web", "restarted")]
    supervisor.await_log("web", "subos: applied")
    assert supervisor.show("web")["starts"] == 2 and supervisor.show("db")["starts"] == 1
    assert not apply(supervisor, folder, "--restart")[0]
    # What is not named is left alone.
    supervisor.sh(f"rm {folder}/1.toml")
    assert not apply(supervisor, folder)[0] and names(supervisor) == ["db", "web"]
    supervisor.destroy("db", "web")
    supervisor.sh(f"rm -r {folder}")
    assert supervisor.state() == before


@pytest.mark.budget(240)
def test_undone_as_a_whole(supervisor):
    """The second of two cannot be made, or a signal comes: all is as before."""
    before = supervisor.state()
    supervisor.create("web", "3", "--append", SLOW, mem="256M")
    shown = supervisor.show("web")
    append = f"append = {json.dumps(SLOW)}"
    first = (
        definition(supervisor, "web", "3", 'on-crash = "destroy"', append, mem="384M"),
        definition(supervisor, "one", "2"),
    )
    never = definition(supervisor, "two", "1", 'timeout = "1ms"')
    write(supervisor, "/tmp/late.toml", *first, never)
    result = supervisor.rfm("apply", "/tmp/late.toml", "--json")
    error = json.loads(result.stdout)["error"]
    assert result.status == error["code"] == NOT_UP and "'two'" in error["message"], error
    assert error["undone"] is True and error["not_undone"] == []
    check_unchanged(supervisor, shown)
    assert "one" in {each["name"] for each in supervisor.events()}

    # A signal while the last one boots; that the session is lost does not end the way back.
    write(supervisor, "/tmp/slow.toml", *first, definition(supervisor, "two", "1"))
    boots = f"grep -qx booting {SYSFS}/subos/two/state 2>/dev/null"
    script = (
        f"rfm apply /tmp/slow.toml >/dev/null 2>/tmp/said & until {boots}; do usleep 20000; done; "
        "kill -TERM $!; usleep 50000; kill -HUP $! 2>/dev/null; wait $!; echo $?"
    )
    assert supervisor.sh(script, timeout=120) == f"{INTERRUPTED}\n"
    assert "is undone" in supervisor.sh("cat /tmp/said")
    check_unchanged(supervisor, shown)

    # What can be known before is refused before.
    large = definition(supervisor, "two", "1", mem="64G")
    some = definition(supervisor, "some", "1").replace('cores = "1"', "ncores = 1")
    last = supervisor.events()[-1]["sequence"]
    for status, *tables in (
        (NOT_ENOUGH, definition(supervisor, "one", "2"), large),
        (BAD_VALUE, *first, definition(supervisor, "two", "9")),
        (NOT_ENOUGH, some, definition(supervisor, "one", "1-2")),
    ):
        write(supervisor, "/tmp/wrong.toml", *tables)
        result = supervisor.rfm("apply", "/tmp/wrong.toml")
        assert result.status == status and result.stderr.count("\n") == 1, result
    assert supervisor.events()[-1]["sequence"] == last
    check_slow(supervisor)
    supervisor.destroy("web")
    assert supervisor.state() == before


def check_slow(supervisor):
    """What was asked to stop and is late is waited for, not held, and then started again."""
    supervisor.await_log("web", "lab.run ended with status 0")
    write(supervisor, "/tmp/other.toml", definition(supervisor, "web", "3", 'append = "quiet"'))
    last = supervisor.events()[-1]["sequence"]
    result = supervisor.rfm("apply", "/tmp/other.toml", "--restart", "--timeout", "5")
    assert result.status == NO_ANSWER and "is undone" in result.stderr, result
    shown = supervisor.show("web")
    assert (shown["state"], shown["starts"]) == ("running", 2)
    events = [each for each in supervisor.events("web") if each["sequence"] > last]
    ends = {each["why"] for each in events if each.get("to") in ("stopped", "crashed")}
    assert ends == {"reboot"}
    supervisor.await_log("web", "lab.run ended with status 0")  # with its options of before


def check_unchanged(supervisor, shown):
    now = supervisor.show("web")
    assert names(supervisor) == ["web"] and supervisor.online() == "0-2"
    for key in ("cores", "memory", "state", "starts", "on_crash", "restarts_left"):
        assert now[key] == shown[key], key


@pytest.mark.budget(300)
def test_what_refusals_tell_to_do(supervisor):
    """It is done, and then what was refused is not refused any more."""
    before = supervisor.state()
    append = 'append=lab.run="echo it was set"'
    supervisor.create("web", "2", "--no-start", mem="256M")
    refused(supervisor, BUSY, "'rfm start web' first", "set", "web", append)
    supervisor.ok("start", "web")
    supervisor.ok("set", "web", append)
    supervisor.ok("restart", "web")
    supervisor.await_log("web", "subos: it was set")
    refused(supervisor, BAD_VALUE, "'rfm resize web --mem' changes", "set", "web", "mem=384M")
    supervisor.resize("web", "--mem", "+128M")

    path = "/tmp/web.toml"
    lines = ("no-start = true", "append = 'lab.run=\"echo it was set\"'")
    write(supervisor, path, definition(supervisor, "web", "2-3", *lines, mem="384M"))
    supervisor.ok("stop", "web")
    refused(supervisor, NOT_UP, "'rfm start web' first", "apply", path)
    result = supervisor.rfm("wait", "web", "--for", "running")
    assert result.status == NOT_UP and "'rfm start web' does" in result.stderr, result
    supervisor.ok("start", "web")
    supervisor.ok("wait", "web", "--for", "running", "--timeout", "0")
    assert apply(supervisor, path)[0] == [("web", "resized")]

    # What counts only for one that is created.
    write(supervisor, path, definition(supervisor, "web", "2-3", "numa = 0", *lines, mem="384M"))
    refused(supervisor, BAD_VALUE, "'rfm destroy web' first", "apply", path)
    refused(supervisor, BAD_VALUE, "'rfm destroy web', then 'rfm create'", "set", "web", "numa=0")
    supervisor.destroy("web")
    assert apply(supervisor, path)[0] == [("web", "created")]
    supervisor.destroy("web")
    supervisor.create("web", "2-3", "--numa", "0", "--no-start", mem="384M")
    supervisor.destroy("web")
    assert supervisor.state() == before


def refused(supervisor, status, told, *words):
    result = supervisor.rfm(*words)
    assert result.status == status and told in result.stderr, result


STOPPED = """
[Unit]
After={after}

[Service]
ExecStopPost=/bin/sh -c 'rfm list >/var/tmp/stopped-%i; sync'
"""


@pytest.mark.extended
@pytest.mark.budget(420)
def test_units(machines):
    """Started at boot in order, stopped in order when the machine goes down."""
    machine = machines(snapshot=False, rootfs="debian", allow_reboot=True, mem="4G")
    supervisor = Supervisor(machine)
    initrd = 'initrd = "/boot/initrd-subos.img"'
    supervisor.sh("mkdir -p /etc/rainforest && systemctl daemon-reload")
    # The lab lays out what was built when its agent starts: not to be used before.
    for name, cores, after in (("db", "2", "lab-agent.service"), ("web", "3", "rfm@db.service")):
        folder = f"/etc/systemd/system/rfm@{name}.service.d"
        table = definition(supervisor, name, cores, initrd)
        write(supervisor, f"/etc/rainforest/{name}.toml", table)
        supervisor.sh(f"mkdir -p {folder}")
        write(supervisor, f"{folder}/lab.conf", STOPPED.format(after=after))
    supervisor.sh("systemctl daemon-reload")
    units = "rfm@db.service rfm@web.service rainforest.target"
    said = machine.exec(f"systemd-analyze verify --man=no {units} 2>&1", check=True).stdout
    assert "rfm@" not in said and "rainforest" not in said, said
    # Of the target alone systemctl would not wait for the others.
    supervisor.sh(f"systemctl enable {units} && systemctl start {units}", timeout=150)
    assert created(supervisor) == ["db", "web"]
    ordered = supervisor.sh("systemctl show --property After --value multi-user.target")
    assert "rainforest.target" not in ordered.split() and "rfm@" not in ordered
    # Together, the other way round. The first word is all it takes; the second waits for all.
    supervisor.sh(f"systemctl stop rainforest.target && systemctl stop {units}", timeout=150)
    assert created(supervisor) == ["db", "web", "web gone", "db gone"] and names(supervisor) == []
    # What is gone already has stopped.
    supervisor.sh("systemctl start rfm@web.service", timeout=150)
    supervisor.destroy("web")
    supervisor.sh("systemctl stop rfm@web.service && ! systemctl is-failed rfm@web.service")
    # Only what is called as the unit.
    supervisor.sh("sed -i 's/^.web.$/[www]/' /etc/rainforest/web.toml")
    supervisor.sh("! systemctl start rfm@web.service", timeout=150)
    assert names(supervisor) == []
    supervisor.sh("sed -i 's/^.www.$/[web]/' /etc/rainforest/web.toml")
    supervisor.sh(f"rm /var/tmp/stopped-*; systemctl start {units}", timeout=150)

    reboot(machine)
    supervisor.sh("systemctl is-system-running --wait", timeout=150)
    assert created(supervisor) == ["db", "web"]
    listed = {each["name"]: each["state"] for each in supervisor.json("list")["subos"]}
    assert listed == {"db": "running", "web": "running"}
    # What there was when each had stopped: nothing is given back when the machine goes down.
    web, db = (supervisor.sh(f"cat /var/tmp/stopped-{name}").split() for name in ("web", "db"))
    assert "running" in web and web.count("stopped") == 1, web
    assert "running" not in db and db.count("stopped") == 2, db


def created(supervisor):
    """Which subOSes came and went."""
    words = {"created": "", "destroyed": " gone"}
    return [
        each["name"] + words[each["event"]]
        for each in supervisor.events()
        if each["event"] in words
    ]


def reboot(machine):
    """As an operator does it; returns when the machine is up again."""
    boots = machine.serial(0).count("Linux version")
    with machine.channel() as channel:
        channel.start(["systemctl", "reboot"], {}, "/", None)
        end = time.monotonic() + 180 * machine.config.patience
        while machine.serial(0).count("Linux version") == boots:
            assert time.monotonic() < end, machine.serial(0)[-2000:]
            channel.exchange()
    with machine.channel(180 * machine.config.patience):
        pass
