# SPDX-License-Identifier: GPL-2.0
"""The README's section Install, word by word, and what becomes of packages later."""

import json
import re
import subprocess

import pytest
from functional.subos import Supervisor
from lab import images, kernels, packaged

# Packages are built, and modules for them: longer than a part of the extended tests may take.
pytestmark = pytest.mark.soak

BAD_FILE = 7
DROP_IN = "/etc/default/grub.d/rainforest.cfg"
MODULES = ("rf_ficm", "rf_supervisor", "rf_subos")
POOL = 1 << 30
# Of programs that keep books of what was installed, DKMS's key, and the group that stays.
BOOKS = re.compile(r"(var/(lib/(dpkg|apt|systemd)|log|cache)|etc/(g?shadow-?|group-?|\.pwd\.lock)|root|run|tmp)(/|$)|"
                   r"var/lib/dkms/mok\.|usr/lib/modules/[^/]*/modules\.")  # fmt: skip


@pytest.fixture(scope="module")
def kernel():
    return kernels.find("amd64")


def files(tree):
    found = subprocess.run(["find", ".", "-mindepth", "1", "-printf", "%P\\n"], cwd=tree, check=True,
                           capture_output=True, text=True).stdout  # fmt: skip
    return {path for path in found.splitlines() if not BOOKS.match(path)}


class Host(Supervisor):
    """A machine on which all that there is of the project came in packages."""

    def __init__(self, machines, root_disk, *append):
        super().__init__(
            machines(snapshot=False, mem="4G", rootfs="packages", bare=True, root_disk=str(root_disk),
                     append=" ".join(["lab.nomodule", *append]))  # fmt: skip
        )

    def setup(self, *words):
        """(exit code, result) of `rfm setup`."""
        result = self.rfm("setup", *words, "--json")
        assert result.status in (0, 3), result.stderr
        return result.status, json.loads(result.stdout)

    def menu_words(self):
        """What GRUB would put on the kernel command line: its shell takes a backslash away."""
        line = self.sh("grep -m1 -E '^[[:space:]]*linux[[:space:]]' /boot/grub/grub.cfg")
        return re.sub(r"\\(.)", r"\1", line).split()[2:]

    def reboot(self):
        self.sh("sync")
        self.machine.stop()


@pytest.mark.budget(900)
@pytest.mark.parametrize("pool", [(), ("--pool", "1G")], ids=["movable", "reserved"])
def test_from_packages_to_a_subos(machines, kernel, tmp_path, pool):
    """rfm setup --apply, one reboot, and all is there."""
    disk = packaged.disk(kernel, tmp_path)
    host = Host(machines, disk)
    assert "rf_supervisor" not in host.sh("cat /proc/modules")
    status, shown = host.setup(*pool)
    assert (status, shown["able"], shown["reboot"], shown["done"]) == (3, False, True, None)
    assert {row["status"] for row in shown["findings"]} == {"ok"}
    assert not host.machine.exec("test", "-e", DROP_IN).ok

    said = host.ok("setup", "--apply", *pool)
    assert f"'{DROP_IN}' is written" in said
    wanted = " ".join(each["words"] for each in shown["parameters"]).split()
    assert {"no_ipi_broadcast=1", "possible_cpus=16", "modules_load=rf_supervisor"} < set(wanted)
    assert [word for word in host.menu_words() if word in wanted] == wanted
    stamps = host.sh(f"stat -c '%y %i' {DROP_IN} /boot/grub/grub.cfg")
    assert host.setup("--apply", *pool)[1]["done"] == "unchanged"
    assert host.sh(f"stat -c '%y %i' {DROP_IN} /boot/grub/grub.cfg") == stamps
    booted = [word for word in host.menu_words() if not word.startswith(("root=", "ro", "quiet"))]
    host.reboot()

    host = Host(machines, disk, *booted)
    assert "/updates/dkms/rf_supervisor.ko" in host.sh("modinfo -n rf_supervisor")
    assert "rf_supervisor" in host.sh("cat /proc/modules")
    assert host.rfm("check").status == 0
    status, shown = host.setup()
    assert (status, shown["able"], shown["reboot"]) == (0, True, False)
    assert host.setup("--apply")[1]["done"] == "unchanged"
    if pool:
        assert host.json("check")["module"]["pool_reserved"] == POOL
    host.create("web", "2-3", "--initrd", "/boot/initrd-subos.img", run="echo up", timeout=400)
    host.await_log("web", "lab.run ended")
    assert "up" in host.said("web")
    host.destroy("web")
    assert host.online() == "0-3"
    program = "/usr/sbin/update-grub"
    host.sh(f"mv {program} {program}.away")
    refused = host.rfm("setup", "--remove")
    host.sh(f"mv {program}.away {program}")
    assert refused.status == BAD_FILE
    assert "by hand to take off" in refused.stderr and "no_ipi_broadcast=1" in refused.stderr
    assert f"and remove '{DROP_IN}'" in refused.stderr
    assert host.machine.exec("test", "-e", DROP_IN).ok
    assert host.setup("--remove")[1]["done"] == "removed"
    assert not set(wanted) & set(host.menu_words())
    assert host.setup("--remove")[1]["done"] == "unchanged"


@pytest.mark.budget(900)
def test_upgrade_while_a_subos_runs(machines, kernel, tmp_path):
    """Nothing is stranded; a removal waits for the subOS, and a purge leaves nothing behind."""
    disk = packaged.disk(kernel, tmp_path)
    words = "no_ipi_broadcast=1 possible_cpus=16 movablecore=2G modules_load=rf_supervisor".split()
    host = Host(machines, disk, *words)
    host.ok("setup", "--apply")
    host.create("web", "2-3", "--initrd", "/boot/initrd-subos.img", run="echo up", timeout=400)
    host.await_log("web", "lab.run ended")
    boot = host.show("web")["starts"]

    # An emulated machine takes an hour to build modules: of the new ones, only the source.
    host.sh("touch /etc/dkms/no-autoinstall")
    host.sh("cd /root/newer && dpkg -i rainforest_*.deb rainforest-dkms_*.deb", timeout=300)
    assert host.sh("dpkg-query -W -f '${Version}' rainforest") == packaged.NEWER
    assert not host.machine.exec("modinfo", "rf_supervisor").ok
    shown = host.show("web")
    assert (shown["state"], shown["starts"]) == ("running", boot)
    assert host.resize("web", "--cores", "-3")["cores"] == [2]
    with host.shells("web") as shell:
        assert shell.alive()

    refused = host.machine.exec("dpkg", "--purge", "rainforest", timeout=120)
    assert not refused.ok and "rfm destroy --all" in refused.stdout + refused.stderr
    assert host.show("web")["state"] == "running"
    host.sh("rfm destroy --all")
    assert host.online() == "0-3"

    host.sh("dpkg --purge rainforest rainforest-dkms", timeout=300)
    host.sh("modprobe -r rf_supervisor 2>/dev/null || rmmod rf_supervisor rf_ficm")
    for path in (DROP_IN, "/usr/sbin/rfm", "/var/cache/rainforest", "/var/lib/dkms/rainforest"):
        assert not host.machine.exec("test", "-e", path).ok, path
    assert not set(words) & set(host.menu_words())


@pytest.mark.budget(1200)
def test_life_in_a_root(kernel, tmp_path):
    """Modules for each kernel with headers; built anew by an upgrade; gone with the package."""
    tree = tmp_path / "tree"
    images.run("cp", "-a", "--reflink=auto", packaged.installed(kernel) / "tree", tree)
    with_headers = {each.version for each in kernels.stock()}
    assert modules_of(tree) >= {f"{version}/{name}.ko" for version in with_headers for name in MODULES}
    other = (with_headers - {kernel.version}).pop()
    assert not (tree / "boot" / f"vmlinuz-{other}").exists()  # it came from elsewhere

    # What rfm says to do for a kernel without modules.
    packaged.inside(tree, f"dkms uninstall rainforest/{version_of(tree)} -k {other}")
    assert f"{other}/rf_subos.ko" not in modules_of(tree)
    packaged.inside(tree, f"dkms autoinstall -k {other}")
    assert f"{other}/rf_subos.ko" in modules_of(tree)

    first = version_of(tree)
    packaged.inside(tree, "cd /root/newer && dpkg -i rainforest_*.deb rainforest-dkms_*.deb")
    assert version_of(tree) == packaged.NEWER != first
    assert {path.split("/")[0] for path in modules_of(tree)} >= with_headers
    assert not (tree / "usr/src" / f"rainforest-{first}").exists()

    packaged.inside(tree, "dpkg -i /root/newer/rainforest-guest_*.deb")
    packaged.inside(tree, "dpkg --purge rainforest rainforest-dkms rainforest-guest")
    assert files(tree) == files(packaged.bare(kernel))


def version_of(tree):
    [folder] = [path.name for path in (tree / "usr/src").glob("rainforest-*")]
    return folder.removeprefix("rainforest-")


def modules_of(tree):
    """What DKMS installed: VERSION/NAME.ko."""
    found = (tree / "usr/lib/modules").glob("*/updates/dkms/*.ko")
    return {f"{path.parts[-4]}/{path.name}" for path in found}
