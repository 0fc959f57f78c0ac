# SPDX-License-Identifier: GPL-2.0
"""What happened is told once each, in order; top fits on a terminal."""

import json
from datetime import datetime

import pytest


@pytest.mark.budget(180)
def test_follow(supervisor):
    with supervisor.session("rfm", "events", "--follow", "--json") as follower:
        supervisor.create("web", "3", "--on-reboot", "keep", mem="256M")
        supervisor.resize("web", "--cores", "+2")
        supervisor.resize("web", "--mem", "+128M")
        supervisor.resize("web", "--cores", "-2")
        assert supervisor.rfm("resize", "web", "--mem", "+64G").status != 0
        with supervisor.shells("web") as shell:
            shell.send("reboot -f")
            supervisor.await_state("web", "stopped")
        supervisor.destroy("web")
        follower.expect(r'"name": ?"web".*"destroyed"', timeout=20)
        lines = [json.loads(line) for line in follower.text.splitlines() if line.startswith("{")]
        # Before it, there are the events of a machine that was warmed up.
        lines = [each for each in lines if each["name"] == "web"]
        assert all(each.pop("schema") == 1 for each in lines)
        first = lines[0]["sequence"]
        assert [each["sequence"] - first for each in lines] == list(range(len(lines)))
        assert lines == supervisor.events("web")[: len(lines)]
        follower.close(timeout=0)  # it goes on for as long as the machine
    types = [each["event"] for each in lines]
    for one in ("created", "cores-removed", "destroyed"):
        assert types.count(one) == 1, types
    done = [each["event"] for each in lines if each["result"] == 0]
    assert done.count("cores-added") == 1 and done.count("memory-added") == 1
    assert types.index("created") < types.index("cores-added") < types.index("memory-added")
    times = [int(each["time_ns"]) for each in lines]
    assert times == sorted(times)
    for each in lines:
        told = datetime.fromisoformat(each["time"])
        assert told.utcoffset() is not None
        assert round(told.timestamp() * 1000) == int(each["time_ns"]) // 1_000_000
    states = [(each["from"], each["to"]) for each in lines if each["event"] == "state"]
    # One change leads to the next, and none is told twice.
    assert all(one[1] == other[0] for one, other in zip(states, states[1:])), states
    assert [to for _, to in states if to in ("booting", "running", "stopped")] == [
        "booting", "running", "stopped"]  # fmt: skip


def test_only_of_one(supervisor):
    supervisor.create("web", "3", "--no-start", mem="128M")
    supervisor.create("batch", "2", "--no-start", mem="128M")
    supervisor.destroy("--all")
    assert {each["name"] for each in supervisor.events("web")} == {"web"}
    assert {each["name"] for each in supervisor.events()} >= {"web", "batch"}
    assert supervisor.history("web") == []


def test_since(supervisor):
    supervisor.create("web", "3", "--no-start", mem="128M")
    supervisor.destroy("web")
    events = supervisor.events()
    moment = events[-1]["time"]
    since = supervisor.json("events", "--since", moment)["events"]
    assert since and since == events[-len(since) :]
    assert all(each["time"] >= moment for each in since)
    assert supervisor.json("events", "-S", "1d")["events"] == events
    assert supervisor.json("events", "--since", "2199-01-01T00:00:00Z")["events"] == []


@pytest.mark.extended
@pytest.mark.budget(150)
def test_history_names_who_got_cores(supervisor):
    supervisor.create("web", "2-3", mem="256M")
    supervisor.create("batch", "1", mem="256M")
    supervisor.move("3", "web", "batch", "--borrow")
    assert "3 to 'batch' " in supervisor.ok("history", "web")
    supervisor.destroy("batch")
    assert "3 to 'batch' (gone)" in supervisor.ok("history", "web")
    (moved,) = [each for each in supervisor.history("web") if each["event"] == "cores-borrowed"]
    assert (moved["other"], moved["other_gone"]) == ("batch", True)


@pytest.mark.extended
@pytest.mark.budget(150)
def test_top(supervisor):
    supervisor.create("web", "2-3", mem="256M")
    supervisor.create("bare", "1", "--no-agent", mem="256M")
    lines = supervisor.ok("top", "--once").splitlines()
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if line.startswith("web") and "running" in line]
    assert [line for line in lines if line.startswith("bare")]
    rows = supervisor.json("top", "--once")["kernels"]
    assert [each["name"] for each in rows] == ["supervisor", "web", "bare"]
    with supervisor.session("rfm", "top", "--delay", "1", size=(24, 80)) as top:
        top.expect(r"(?s)web.*web", timeout=20)  # drawn again
        top.send("q")
        assert top.wait(10) == 0
