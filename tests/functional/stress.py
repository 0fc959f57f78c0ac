# SPDX-License-Identifier: GPL-2.0
"""stress-ng in the supervisor and in a subOS at once, while the subOS is resized."""

import time

from functional.elastic import Ledger
from functional.subos import troubles
from lab import tools

STRESS = (
    "(cd /tmp; stress-ng --cpu 2 --vm 1 --vm-bytes 48M --cpu-online 1 --timeout {}s >/dev/null "
    "2>/tmp/stress.log; echo $? >/tmp/stress.status) &"
)
ROUND = (
    ("--cores", "+1"), ("--mem", "+128M"), ("--cores", "-1"), ("--mem", "-128M"),
)  # fmt: skip


def stressed(supervisor, seconds):
    """Stress for so long; both kernels are sound afterwards."""
    files = tools.program("stress-ng")
    supervisor.install(files)
    initrd = supervisor.initrd_with(files=files)
    supervisor.create("web", "2-3", "--initrd", initrd, mem="512M")
    with supervisor.shells("web") as shell:
        ledger = Ledger(supervisor, [shell])
        shell.run(f"( {STRESS.format(seconds)} )")
        supervisor.sh(f"setsid sh -c '{STRESS.format(seconds)}'")
        end, done = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            for words in ROUND:
                # stress-ng takes cores off- and online itself: then this one may be refused.
                done += supervisor.rfm("resize", "web", *words).status == 0
        assert done > 0
        for run in (shell.run, supervisor.sh):
            waiting = "timeout 60 sh -c 'until [ -s /tmp/stress.status ]; do sleep 1; done'"
            run(f"{waiting}; cat /tmp/stress.status /tmp/stress.log", timeout=90)
        # Cores that stress-ng left offline are brought back, on both sides.
        back = "for f in /sys/devices/system/cpu/cpu*/online; do echo 1 >$f; done 2>/dev/null; true"
        shell.run(back)
        supervisor.sh(back)
        ledger.check()
    assert not troubles(supervisor.log("web"))
    supervisor.destroy("web")
    assert supervisor.online() == "0-5"
