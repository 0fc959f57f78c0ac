# SPDX-License-Identifier: GPL-2.0
"""The kernel log of a subOS, followed until a signal ends it."""

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
