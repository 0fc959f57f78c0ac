# SPDX-License-Identifier: GPL-2.0
"""A Debian in which the project's own packages are installed, as the README says, and newer ones lie.

DKMS builds in a root without a machine: an emulated one would take an hour for it.
"""

import re
import shutil
import tarfile
from pathlib import Path

from . import debian, images, kernels, paths, tiny
from .packages import versions

NEWER = "99"
# Beside the supervisor's: what building modules takes, and what writes GRUB's menu.
PACKAGES = ["apt", "dkms", "gcc", "make", "grub-common", "grub2-common", "linux-headers-amd64"]
# All that a package is made of.
SOURCES = ["Makefile", "Kbuild", "README.md", "configs", "debian", "docs", "ficm", "include", "rfm/CMakeLists.txt",
           "rfm/boot", "rfm/completion", "rfm/inspect", "rfm/src", "subos", "supervisor", "udev",
           "units"]  # fmt: skip
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C",
               "DEBIAN_FRONTEND": "noninteractive"}  # fmt: skip
# Programs that find a root without a kernel and without a network, and nobody to ask.
NOBODY_ASKED = 'APT::Get::Assume-Yes "true";\nAPT::Sandbox::User "root";\n'


def install_commands():
    """What the README's section has to be typed in on the machine, in its order."""
    section = (paths.SOURCE / "README.md").read_text().partition("\n## Install\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^ *```\n(.*?)^ *```$", section, re.M | re.S)
    return [line.strip() for block in blocks for line in block.splitlines()]


def sources():
    found = []
    for name in SOURCES:
        path = paths.SOURCE / name
        found += sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    return found


def debs(version=""):
    """A folder with the packages of this tree, or of the same as a newer version."""

    def build(out):
        images.run("make", "-s", "-C", paths.SOURCE, "deb", f"VERSION={version}")
        out.mkdir()
        for package in (paths.BUILD / "deb").glob("*.deb"):
            shutil.copy(package, out)

    return images.cached("deb", [version, *sources()], build, label="Debian packages")


def inside(tree, script):
    """What @script says, as root in the folder @tree."""
    start = 'mount -t proc proc "$1/proc"; exec chroot "$1" sh -ec "$2"'
    return images.run("unshare", "--mount", "--pid", "--fork", "sh", "-ec", start, "sh", tree, script,
                      env=ENVIRONMENT)  # fmt: skip


def bare(kernel):
    """A folder with a Debian that has all that the packages need, but not them."""
    # Of the other flavour, headers only.
    other = [f"linux-headers-{each.version}" for each in kernels.stock() if each.version != kernel.version]
    packages = [*debian.SUPERVISOR, *PACKAGES, f"linux-image-{kernel.version}",
                f"linux-headers-{kernel.version}", *other]  # fmt: skip

    def build(tree):
        debian.mmdebstrap(packages, tree, "--format=directory",
                          "--setup-hook=" + debian.initramfs_hook())  # fmt: skip
        debian.add_agent(tree)
        (tree / "etc/apt/apt.conf.d/99lab").write_text(NOBODY_ASKED)
        (tree / "etc/default/grub").write_text('GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n')
        (tree / "boot/grub").mkdir()

    guest = [paths.GUEST / name for name in ("lab-agent.service", "load-supervisor")]
    inputs = [Path(__file__), Path(debian.__file__), versions(packages), images.agent(), *guest]
    return images.cached("packaged-bare", inputs, build, keep=1,
                         label="Debian root for packages, a few minutes")  # fmt: skip


def installed(kernel):
    """A folder with tree/, a Debian in which they are installed, and root.ext4 and boot/ of it."""
    first, newer, empty = debs(), debs(NEWER), bare(kernel)
    [command] = [line for line in install_commands() if line.startswith("apt ")]

    def build(out):
        out.mkdir()
        tree = out / "tree"
        images.run("cp", "-a", "--reflink=auto", empty, tree)
        shutil.copytree(first, tree / "root/build/deb")
        shutil.copytree(newer, tree / "root/newer")
        inside(tree, f"cd /root; {command}")
        shutil.copytree(tree / "boot", out / "boot")
        images.run("mke2fs", "-q", "-t", "ext4", "-L", debian.LABEL, "-d", tree, out / "root.ext4",
                   debian.ROOT_SIZE)  # fmt: skip

    inputs = [Path(__file__), command, first.name, newer.name, empty.name]
    return images.cached("packaged", inputs, build, keep=1,
                         label="Debian with rainforest's packages, minutes")  # fmt: skip


def disk(kernel, folder):
    """A disk in @folder that several machines can use, one after the other."""
    path = folder / "root.qcow2"
    images.run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", installed(kernel) / "root.ext4",
               path)  # fmt: skip
    return path


def prepare(kernel, root_disk):
    """Kernel, initramfs, command line and drives of a machine with that root, or with @root_disk."""
    root = installed(kernel)
    if root_disk:
        drives = ["-drive", f"if=none,id=root,format=qcow2,file={root_disk.replace(',', ',,')}",
                  "-device", "virtio-blk-pci,drive=root,serial=lab-root"]  # fmt: skip
    else:
        drives = debian.drive("root", root / "root.ext4", snapshot=True)
    drives += debian.drive("overlay", small_overlay(kernel), readonly=True)
    image = root / "boot" / f"vmlinuz-{kernel.version}"
    initrd = root / "boot" / f"initrd.img-{kernel.version}"
    return image, initrd, (f"root=LABEL={debian.LABEL}", "rw"), tuple(drives)


def small_overlay(kernel):
    """Nothing of the project, but an initrd for a subOS."""
    initrd = tiny.subos_initrd(kernel)

    def build(path):
        with tarfile.open(path, "w") as archive:
            archive.add(initrd, arcname="boot/initrd-subos.img")

    return images.cached("packaged-overlay", [initrd], build)
