# SPDX-License-Identifier: GPL-2.0
"""A whole Debian with systemd as a subOS, told through its kernel log and its console."""

import pytest
from functional.subos import Supervisor, troubles


@pytest.mark.extended
@pytest.mark.budget(240)
def test_systemd_is_running(machines):
    supervisor = Supervisor(machines(mem="4G", debian_subos=True))
    supervisor.create(
        "web", "2-3", "--initrd", "/boot/debian-subos.img", mem="1G",
        run=". /etc/os-release; echo $ID $VERSION_ID; nproc; systemctl --failed --no-legend",
    )  # fmt: skip
    supervisor.await_log("web", "lab.run ended", timeout=180)
    said = supervisor.said("web")
    assert said[0] == "systemd says running"
    assert said[1:3] == ["debian 12", "2"]
    assert said[3] == "lab.run ended with status 0"
    assert not troubles(supervisor.log("web"))
    with supervisor.session("rfm", "console", "web", "--read-only", size=(24, 80)) as console:
        console.expect("subos login: ")
        # systemd goes down in order, and comes up again.
        assert supervisor.json("restart", "web")["stopped"]["cause"] == "reboot"
        console.expect("started again")
        console.send("\x1d")
    supervisor.await_log("web", "lab.run ended", timeout=180)
    assert supervisor.said("web")[0] == "systemd says running"
    assert not troubles(supervisor.log("web"))
    supervisor.ok("stop", "web")
    assert supervisor.show("web")["cause"] == "poweroff"
    supervisor.destroy("web")
    assert supervisor.online() == "0-3"
