# SPDX-License-Identifier: GPL-2.0
"""What a create waits for: an agent, an init that has begun, a login prompt; or it says what was reached."""

import pytest
from functional.subos import KERNEL

NOT_UP = 10
CORE = 3

GETTY = b"""#!/bin/sh
mount -t proc proc /proc
mount -t devtmpfs dev /dev
hostname web
sleep 2
while :; do
	setsid getty -L 0 hvc0 vt100
	sleep 1
done
"""
# By name: what the archive of the user's has in it.
WITHOUT_INIT = {
    "an early archive alone": {"kernel/x86/microcode/README": b"nothing for this processor\n"},
    "no interpreter": {"init": b"#!/bin/no-such-shell\n"},
}


def create(supervisor, initrd, *words):
    return supervisor.rfm(
        "create", "web", "--cores", CORE, "--mem", "256M", "--initrd", initrd,
        "--kernel", KERNEL.format(supervisor.version), *words,
    )  # fmt: skip


def has_no_init(supervisor, initrd):
    result = create(supervisor, initrd)
    assert result.status == NOT_UP and not result.stdout, result
    first = result.stderr.splitlines()[0]
    assert "went down while booting: cannot run the init of this subOS, /init: " in first, first
    assert "'all cores up'" in first and "kept for 'rfm log'" in first, first
    shown = supervisor.show("web")
    assert shown["state"] == "stopped" and "cannot run the init" in supervisor.log("web")
    # It is kept, and can be started again with the same end.
    again = supervisor.rfm("start", "web")
    assert again.status == NOT_UP and "/init" in again.stderr, again
    supervisor.destroy("web")


@pytest.mark.budget(240)
def test_no_init_is_no_success(supervisor):
    before = supervisor.state()
    for files in WITHOUT_INIT.values():
        files = {path: (data, 0o755) for path, data in files.items()}
        has_no_init(supervisor, archive(supervisor, files))
    supervisor.sh(f"head -c 3000 /boot/initrd.img-{supervisor.version} > /tmp/cut.img")
    has_no_init(supervisor, "/tmp/cut.img")
    # Who waits for the agent only, is told that it is there.
    result = create(supervisor, "/tmp/cut.img", "--until", "agent")
    assert result.ok, result
    supervisor.await_state("web", "stopped")
    supervisor.destroy("web")
    assert supervisor.state() == before


def archive(supervisor, files):
    """An archive with modes: put_archive() has files that nobody executes."""
    supervisor.sh("rm -rf /tmp/tree; mkdir /tmp/tree")
    for path, (data, mode) in files.items():
        # The words of these files need no quotes but these.
        supervisor.sh(
            f"cd /tmp/tree; mkdir -p $(dirname {path}); "
            f"cat > {path} <<'END'\n{data.decode()}END\nchmod {mode:o} {path}"
        )
    supervisor.sh("cd /tmp/tree; find . | cpio -o -H newc > /tmp/tree.cpio 2>/dev/null")
    return "/tmp/tree.cpio"


@pytest.mark.extended
@pytest.mark.budget(240)
def test_login(supervisor):
    more = archive(supervisor, {"init": (GETTY, 0o755)})
    supervisor.sh(f"cat /boot/initrd.img-{supervisor.version} {more} > /tmp/getty.img")
    result = create(supervisor, "/tmp/getty.img", "--until", "login")
    assert result.ok and "running to login" in result.stdout, result
    said = supervisor.rfm("console", "web", "--read-only", "--idle", "1", timeout=60)
    assert "web login: " in said.stdout, said
    # As it was created, and not by the prompt of the kernel before.
    restart = ("restart", "web", "--force", "--timeout", "20s")
    for words in (restart, (*restart, "--until", "login")):
        assert "running to login" in supervisor.ok(*words)
    assert "running to login" not in supervisor.ok(*restart, "--until", "init")
    supervisor.destroy("web")


@pytest.mark.extended
@pytest.mark.budget(180)
def test_no_login(supervisor):
    """It runs, and goes on running; what is missing is said."""
    result = create(supervisor, f"/boot/initrd.img-{supervisor.version}", "--until", "login",
                    "--timeout", "25s")  # fmt: skip
    assert result.status == NOT_UP, result
    assert "'web' runs, but showed no login prompt within 25s" in result.stderr.splitlines()[0]
    assert supervisor.show("web")["state"] == "running"
    supervisor.destroy("web")
