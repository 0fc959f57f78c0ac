# SPDX-License-Identifier: GPL-2.0
"""The kernel log of a subOS, followed until a signal ends it."""

import json

import pytest

FOLLOW = """
rfm log {name} --follow >/tmp/followed 2>&1 & pid=$!
until {begun}; do usleep 50000; done
kill -{signal} $pid; wait $pid; echo $?
rm /tmp/followed
"""
PRINTED = "grep -q 'Linux version' /tmp/followed"
# It has read more than the first few of its subOS's pages, and finds nothing in any.
SEARCHES = "[ $(awk '/^rchar/ { print $2 }' /proc/$pid/io) -gt 50000000 ]"


@pytest.mark.parametrize("signal", ["INT", "TERM"])
def test_follow_ends_with_a_signal(supervisor, signal):
    supervisor.create("web", "2", mem="256M")
    supervisor.create("later", "3", "--no-start", mem="512M")
    for name, begun in (("web", PRINTED), ("later", SEARCHES)):
        script = FOLLOW.format(name=name, begun=begun, signal=signal)
        assert supervisor.sh(script, timeout=30).split()[-1] == "0", name


def test_list_as_json(supervisor):
    supervisor.create("web", "2", mem="256M")
    supervisor.await_log("web", "init reached")
    lines = supervisor.log("web").splitlines()
    result = supervisor.json("log", "web")
    assert result["name"] == "web" and result["release"] == supervisor.version
    records = result["records"]
    numbers = [record["seq"] for record in records]
    assert numbers == sorted(set(numbers))
    found = [line for record in records for line in record["line"].split("\n")]
    assert found[: len(lines)] == lines


def test_last_and_level(supervisor):
    """Those that dmesg would choose; also when it is followed."""
    supervisor.create("web", "2", mem="256M")
    supervisor.await_log("web", "init reached")
    supervisor.ok("stop", "web")  # nothing comes any more
    records = supervisor.json("log", "web")["records"]
    severe = [record for record in records if record["level"] <= 4]
    assert len(records) > 3
    for words, expected in (
        (("-n", "3"), records[-3:]),
        (("--last", "0"), []),
        (("--level", "warn+"), severe),
        (("-l", "0,1,2,3,4", "-n", "2"), severe[-2:]),
    ):
        assert supervisor.json("log", "web", *words)["records"] == expected, words
        followed = supervisor.ok("log", "web", "--follow", "--json", *words).splitlines()
        numbers = [json.loads(line)["seq"] for line in followed]
        assert numbers == [record["seq"] for record in expected], words


def test_search_has_an_end(supervisor):
    """Of a kernel that never started there is no log, but much memory to look for it in."""
    supervisor.create("later", "3", "--no-start", mem="512M")
    result = supervisor.rfm("log", "later", "--timeout", "1ms", timeout=30)
    assert result.status == 5 and "--timeout" in result.stderr, result
    assert supervisor.rfm("log", "later").status == 12
