# SPDX-License-Identifier: GPL-2.0
"""A whole Debian with systemd as a subOS, told through its kernel log."""

import pytest
from functional.subos import Supervisor, troubles


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
    supervisor.destroy("web")
    assert supervisor.online() == "0-3"
