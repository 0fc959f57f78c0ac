# SPDX-License-Identifier: GPL-2.0
"""The tiny root: an initramfs with BusyBox, the agent, kmod, kexec, stock kernels and our files.

It consists of two archives, one after the other: a base that changes with Debian's packages, and
an overlay of what this project builds, which is written anew for every machine.
"""

from pathlib import Path

from . import images, kernels, overlay, packages, paths
from .cpio import Archive

BUSYBOX = "usr/bin/busybox"
KMOD_NAMES = ("depmod", "insmod", "lsmod", "modinfo", "modprobe", "rmmod")

# Modules that can be loaded in the tiny root; their dependencies come along.
MODULES = [
    "virtio_pci", "virtio_console", "virtio_blk", "virtio_rng", "virtio_net",
    "nvme", "ext4", "crc32c_generic", "loop", "msr", "cpuid", "overlay", "configfs", "e1000e",
]  # fmt: skip

# In the small root of a subOS: for the PCI functions that it may be given.
SUBOS_MODULES = ["virtio_pci", "virtio_blk", "virtio_net", "virtio_rng", "nvme", "e1000e", "ext4",
                 "crc32c_generic"]  # fmt: skip
SUBOS_INDEX = ("modules.alias", "modules.dep", "modules.softdep")

FOLDERS = ("boot", "etc", "mnt", "proc", "root", "run", "sys", "usr/bin", "usr/sbin", "usr/lib",
           "usr/lib64", "var/cache", "var/lib", "var/log")  # fmt: skip

PROFILE = b"""PS1='\\u@\\h:\\w\\$ '
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin
alias ll='ls -l'
"""


def initrd(config, kernel):
    """The initramfs of a machine."""
    parts = [base(kernel), changing(config, kernel)]

    def build(out):
        with open(out, "wb") as file:
            for part in parts:
                file.write(part.read_bytes())

    return images.cached("tiny-initrd", [part.name for part in parts], build)


def skeleton():
    """A merged-/usr root with BusyBox in it."""
    archive = Archive()
    for folder in FOLDERS:
        archive.dir(folder)
    archive.dir("dev")
    archive.dir("tmp", 0o1777)
    for name in packages.TOP_LINKS:
        archive.symlink(name, f"usr/{name}")
    archive.device("dev/console", 5, 1)
    archive.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
    archive.file("etc/group", b"root:x:0:\ntty:x:5:\n")
    archive.file("etc/profile", PROFILE)
    busybox = packages.program("busybox")[BUSYBOX]
    archive.file(BUSYBOX, busybox)
    for applet in images.run(busybox, "--list").split():
        if applet != "busybox":
            archive.symlink(f"usr/bin/{applet}", "busybox")
    return archive


def base(kernel):
    """The part of the root that comes from Debian; for machines that boot @kernel."""
    stock = kernels.stock()
    modules = kernel.module_files(MODULES)

    def build(out):
        archive = skeleton()
        archive.file("init", paths.GUEST / "tiny-init", 0o755)
        archive.file("usr/sbin/lab-agent", images.agent(), 0o755)
        archive.file("usr/lib/lab/load-supervisor", paths.GUEST / "load-supervisor", 0o755)
        add_tools(archive)
        for file in modules:
            path = f"usr/lib/modules/{kernel.version}/{file}"
            archive.file(path, (kernel.modules / file).read_bytes())
        for each in stock:
            archive.file(f"boot/{each.image.name}", each.image.read_bytes())
            archive.file(f"boot/{each.config.name}", each.config.read_bytes())
            archive.file(f"boot/{initrd_name(each)}", subos_initrd(each).read_bytes())
        archive.symlink("boot/initrd-subos.img", initrd_name(stock[0]))
        archive.save(out)

    inputs = [Path(__file__), paths.GUEST / "tiny-init", paths.GUEST / "load-supervisor",
              images.agent(), *packages.program("busybox").values(), list(tools()),
              *tools().values(), str(kernel.root), modules, [each.version for each in stock],
              *map(subos_initrd, stock)]  # fmt: skip
    return images.cached("tiny-base", inputs, build, label=f"tiny root ({kernel.version})")


def tools():
    """kmod and kexec. kexec-tools, where it is installed, hooks into reboots."""
    return packages.program("kmod") | packages.program("kexec")


def add_tools(archive):
    for name in KMOD_NAMES:
        archive.symlink(f"usr/sbin/{name}", "../bin/kmod")
        archive.entries.pop(f"usr/bin/{name}", None)
    for path, source in tools().items():
        archive.file(path, source)


def changing(config, kernel):
    """The part of the root that this project builds."""
    files = overlay.built()
    if paths.RFM.exists():
        files |= overlay.libraries(paths.RFM)
    files |= overlay.module_index(kernel, kernel.module_files(MODULES))
    if config.debian_subos:
        from . import debian

        files["boot/debian-subos.img"] = debian.subos_initrd()

    def build(out):
        archive = Archive()
        for path, source in files.items():
            archive.file(path, source)
        archive.save(out)

    return images.cached("tiny-overlay", [list(files), *files.values()], build)


def initrd_name(kernel):
    return f"initrd.img-{kernel.version}"


def subos_initrd(kernel):
    """The small root of a subOS: BusyBox, drivers, and an init which reports in the kernel log."""
    modules = kernel.module_files(SUBOS_MODULES)
    programs = [paths.GUEST / name for name in ("subos-run", "load-drivers")]

    def build(out):
        archive = skeleton()
        archive.file("init", paths.GUEST / "subos-init", 0o755)
        for program in programs:
            archive.file(f"usr/bin/{program.name}", program, 0o755)
        # Where the kernel looks for it.
        archive.symlink("usr/sbin/modprobe", "../bin/busybox")
        folder = f"usr/lib/modules/{kernel.version}"
        for file in modules:
            archive.file(f"{folder}/{file}", (kernel.modules / file).read_bytes())
        index = overlay.module_index(kernel, modules, ours=False)
        for name in SUBOS_INDEX:
            archive.file(f"{folder}/{name}", index[f"{folder}/{name}"].read_bytes())
        archive.save(out)

    inputs = [Path(__file__), paths.GUEST / "subos-init", *programs,
              *packages.program("busybox").values(), str(kernel.root), modules]  # fmt: skip
    return images.cached("subos-initrd", inputs, build)
