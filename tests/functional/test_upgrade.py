# SPDX-License-Identifier: GPL-2.0
"""rfm and a loaded rf_supervisor of another version: subOSes are seen, used and destroyed."""

import pytest
from functional import versions
from functional.subos import Supervisor
from lab import paths

pytestmark = [pytest.mark.extended, pytest.mark.budget(180)]

FILE = "usr/lib/modules/{}/updates/rf_supervisor.ko"
RELOAD = "modprobe -r rf_supervisor && modprobe rf_supervisor"


class Host(Supervisor):
    def put_module(self, file):
        """Lay it where modprobe finds it, as an upgrade does: what is loaded stays so."""
        self.install({FILE.format(self.running): file})

    def abi_row(self):
        result = self.rfm("check")
        [row] = [line for line in result.stdout.splitlines() if line.startswith("module ABI ")]
        remedies = [line for line in result.stdout.splitlines() if "  module ABI: " in line]
        return row.split()[2], row, remedies[0].partition("module ABI: ")[2] if remedies else ""


@pytest.fixture
def host(machine):
    host = Host(machine)
    before = host.state()
    yield host
    after = host.state()
    # Loaded anew, the modules may be in another order.
    assert after | {"modules": ""} == before | {"modules": ""}


def use(host, abi):
    """A subOS from its create to its end, under a module of ABI @abi."""
    shown = host.json("version")
    assert (shown["abi"], shown["rf_supervisor_abi"]) == (versions.abi(), abi)
    assert f"(ABI {abi}, another ABI: 'rfm check'" in host.ok("--version")
    host.create("web", "2-3", mem="256M")
    [listed] = host.json("list")["subos"]
    assert (listed["name"], listed["state"], listed["cores"]) == ("web", "running", [2, 3])
    assert host.resize("web", "--cores", "-3")["cores"] == [2]
    assert host.events("web") and "core(s) up" in host.log("web")
    host.ok("stop", "web")
    host.ok("start", "web")
    assert host.show("web")["state"] == "running"


def test_newer_module(host):
    """Every struct has grown since this rfm was built."""
    host.put_module(versions.module(versions.newer, host.running))
    host.sh(RELOAD)
    use(host, versions.abi() + 1)
    status, row, remedy = host.abi_row()
    assert status == "warn" and f"has ABI {versions.abi() + 1}" in row
    assert remedy.startswith("install the rfm that came with rf_supervisor ")
    assert "web' is gone: cores 2 online again, 256M given back" in host.destroy("web")
    host.put_module(paths.MODULES / host.running / "rf_supervisor.ko")
    host.sh(RELOAD)


def test_older_module(host):
    """An upgrade while a subOS runs; then the remedy of `rfm check`, word by word."""
    host.put_module(versions.module(versions.older, host.running))
    host.sh(RELOAD)
    use(host, versions.OLDER)
    host.put_module(paths.MODULES / host.running / "rf_supervisor.ko")

    status, row, remedy = host.abi_row()
    assert status == "warn" and f"has ABI {versions.OLDER}" in row
    when, _, commands = remedy.partition(": ")
    assert when == "when its subOSes (1 now) may end"
    assert "subOS 'web' is gone: cores 2 online again" in host.sh(commands, timeout=150)
    status, row, remedy = host.abi_row()
    assert status == "ok" and row.split()[3] == str(versions.abi()) and not remedy
    assert host.json("version")["problem"] is None
