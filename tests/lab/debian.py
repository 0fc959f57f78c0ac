# SPDX-License-Identifier: GPL-2.0
"""Real Debian, made by mmdebstrap: the supervisor's root on a disk, the subOS's in an initramfs."""

import os
import re
import shutil
import stat
import subprocess
import tarfile
from pathlib import Path

from . import cpio, images, kernels, overlay, paths, tiny
from .errors import LabError
from .packages import versions

SUITE = "bookworm"
DEFAULT = f"deb http://deb.debian.org/debian {SUITE} main\n"  # if the host's lists do not tell
LABEL = "rainforest-lab"
ROOT_SIZE = "3G"
DISK_SIZE = "2G"

BASE = ["usr-is-merged", "systemd", "systemd-sysv", "dbus", "udev", "kmod"]
# The libraries are those of rfm.
SUPERVISOR = BASE + [
    "initramfs-tools", "zstd", "procps", "iproute2", "util-linux",
    "libboost-program-options1.74.0", "libnuma1", "libpci3", "libsmartcols1", "libstdc++6",
    "liblz4-1", "liblzma5", "libnettle8", "libzstd1", "zlib1g", "libkmod2", "libmount1",
    "libblkid1",
]  # fmt: skip

# What no lab machine reads.
EXCLUDE = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*",
           "/usr/share/i18n/*", "/usr/lib/x86_64-linux-gnu/gconv/*",
           "/lib/udev/hwdb.d/*"]  # fmt: skip
INITRAMFS_MODULES = ("virtio_pci", "virtio_blk", "virtio_console", "ext4", "nvme")


def mmdebstrap(packages, out, *options):
    """A Debian tree of @packages and what is essential, as a folder or an archive."""
    if os.geteuid() != 0:
        raise LabError("building a Debian root needs root")
    words = ["mmdebstrap", "--quiet", "--variant=essential", "--include=" + ",".join(packages)]
    words += [f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDE]
    words += ["--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr"]  # else usrmerge needs all of perl
    words += ['--aptopt=Acquire::Languages "none"', *options, SUITE, out, *mirror()]
    images.run(*words)


def mirror():
    """Where the host takes its packages from; mmdebstrap knows a default."""
    for name in ("/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"):
        path = Path(name)
        if path.exists() and SUITE in path.read_text():
            return [path]
    return []


def source_list(folder):
    """A list of the same places for packages of source, in @folder."""
    found = mirror()
    if not found:
        path = folder / "source.list"
        path.write_text(DEFAULT.replace("deb ", "deb-src ", 1))
        return path
    path = folder / f"source{found[0].suffix}"
    text = re.sub(r"^deb ", "deb-src ", found[0].read_text(), flags=re.MULTILINE)
    path.write_text(re.sub(r"^Types:.*", "Types: deb-src", text, flags=re.MULTILINE))
    return path


def apt(folder, sources, *words):
    """apt-get in @folder, with the list @sources as all it knows: the host's lists stay what they are."""
    lists = folder / "lists"
    (lists / "partial").mkdir(parents=True)
    command = ["apt-get", "-q", "-o", f"Dir::Etc::SourceList={sources}",
               "-o", "Dir::Etc::SourceParts=/dev/null", "-o", f"Dir::State::Lists={lists}",
               "-o", "APT::Sandbox::User=root"]  # fmt: skip
    images.run(*command, "update")
    images.run(*command, *words, cwd=folder)


def prepare(kernel, lean=False):
    """Kernel, initramfs, command line and drives of a machine with the Debian root."""
    root = supervisor_root(kernel)
    drives = drive("root", root / "root.ext4", snapshot=True)
    drives += drive("overlay", built_overlay(kernel, lean), readonly=True)
    image = root / "boot" / f"vmlinuz-{kernel.version}"
    initrd = root / "boot" / f"initrd.img-{kernel.version}"
    return image, initrd, (f"root=LABEL={LABEL}", "rw"), tuple(drives)


def drive(name, file, snapshot=False, readonly=False):
    file = str(file).replace(",", ",,")
    flags = (",snapshot=on" if snapshot else "") + (",readonly=on" if readonly else "")
    return ["-drive", f"if=none,id={name},format=raw,file={file}{flags}",
            "-device", f"virtio-blk-pci,drive={name},serial=lab-{name}"]  # fmt: skip


def built_overlay(kernel, lean):
    """What the project built and the subOS's Debian, as a tar archive. Not @lean: also the small
    subOS, and the other stock kernels."""
    files = overlay.built() | overlay.module_index(kernel)
    files["boot/debian-subos.img"] = subos_initrd()
    if not lean:
        files["boot/initrd-subos.img"] = tiny.subos_initrd(kernel)
        for each in kernels.stock():
            if each.version != kernel.version:
                files[f"boot/{each.image.name}"] = each.image
                files[f"boot/{each.config.name}"] = each.config
                files[f"boot/{tiny.initrd_name(each)}"] = tiny.subos_initrd(each)

    def build(path):
        with tarfile.open(path, "w") as archive:
            for name, source in files.items():
                archive.add(source, arcname=name)

    return images.cached("debian-overlay", [list(files), *files.values()], build)


# ---- the supervisor's root ----


def supervisor_root(kernel):
    """A folder with root.ext4 and its boot/: Debian with @kernel's package, and the agent."""
    packages = [*SUPERVISOR, f"linux-image-{kernel.version}"]
    guest = [paths.GUEST / name for name in ("lab-agent.service", "load-supervisor")]

    def build(out):
        out.mkdir()
        tree = out / "tree"
        mmdebstrap(packages, tree, "--format=directory", "--setup-hook=" + initramfs_hook())
        add_agent(tree)
        shutil.copytree(tree / "boot", out / "boot")
        images.run("mke2fs", "-q", "-t", "ext4", "-L", LABEL, "-d", tree, out / "root.ext4",
                   ROOT_SIZE)  # fmt: skip
        shutil.rmtree(tree)

    inputs = [Path(__file__), versions(packages), images.agent(), *guest]
    return images.cached("debian-root", inputs, build, keep=2,
                         label=f"Debian root ({kernel.version}), a few minutes")  # fmt: skip


def initramfs_hook():
    """The initramfs of a lab machine needs the drivers of lab machines only."""
    modules = "\\n".join(INITRAMFS_MODULES)
    return (
        'mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d"; '
        'echo MODULES=list >"$1/etc/initramfs-tools/conf.d/lab"; '
        f'printf "{modules}\\n" >"$1/usr/share/initramfs-tools/modules.d/lab"'
    )


def add_agent(tree):
    install(images.agent(), tree / "usr/sbin/lab-agent")
    install(paths.GUEST / "load-supervisor", tree / "usr/lib/lab/load-supervisor")
    enable(tree, "lab-agent.service")
    (tree / "etc/hostname").write_text("supervisor\n")


def install(source, target, mode=0o755):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)


def enable(tree, unit):
    install(paths.GUEST / unit, tree / "etc/systemd/system" / unit, 0o644)
    wants = tree / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    (wants / unit).symlink_to(f"../{unit}")


# ---- a subOS's disk ----


def disk(kernel, packages=("fio",)):
    """A folder with disk.raw, a Debian as `rfm image build` makes it, and its boot/.

    Machines get it as "nvme:DISK.RAW:snapshot", so that it stays as it is; boot/ they get by put().
    """
    source = [paths.SOURCE / "rfm/src" / f"{name}.cpp"
              for name in ("host/tree", "operations/debian_tree", "operations/image_disk",
                           "plan/image_options")]  # fmt: skip
    package = f"linux-image-{kernel.version}"

    def build(out):
        out.mkdir()
        where = [f"--mirror={path}" for path in mirror()]
        images.run(paths.RFM, "image", "build", "--suite", SUITE, "--kernel", kernel.version,
                   "--include", ",".join(packages), "--disk", out / "disk.raw", "--size", DISK_SIZE,
                   "--boot", out / "boot", *where)  # fmt: skip

    inputs = [versions([package, "systemd", *packages]), packages, DISK_SIZE, *source]
    return images.cached("debian-disk", inputs, build, keep=2,
                         label=f"Debian disk ({kernel.version}), a few minutes")  # fmt: skip


# ---- the subOS's root ----


def subos_initrd():
    """Debian with systemd as an initramfs, for a subOS: it reports in its kernel log."""
    guest = [paths.GUEST / name
             for name in ("subos-report.service", "subos-run", "subos-kmsg.conf")]  # fmt: skip

    def build(out):
        archive = out.with_suffix(".tar")
        try:
            mmdebstrap(BASE, archive, "--format=tar")
            with open(out, "wb") as file:
                # The format the kernel unpacks fastest; -l is the kernel's kind of it.
                pack = subprocess.Popen(["lz4", "-l", "-9", "-q", "-", "-"],
                                        stdin=subprocess.PIPE, stdout=file)  # fmt: skip
                with pack.stdin:
                    convert(archive, pack.stdin)
                    add_report(pack.stdin)
                if pack.wait():
                    raise LabError("lz4 failed")
        finally:
            archive.unlink(missing_ok=True)

    inputs = [Path(__file__), versions(BASE), *guest]
    return images.cached("debian-subos", inputs, build, keep=2, label="Debian subOS")


def convert(archive, out):
    """A tar archive as cpio. Links become copies of what they link to; times are dropped."""
    kinds = {tarfile.DIRTYPE: stat.S_IFDIR, tarfile.SYMTYPE: stat.S_IFLNK,
             tarfile.CHRTYPE: stat.S_IFCHR, tarfile.BLKTYPE: stat.S_IFBLK,
             tarfile.FIFOTYPE: stat.S_IFIFO}  # fmt: skip
    with tarfile.open(archive) as tar:
        for inode, info in enumerate(tar, 1):
            name = info.name.removeprefix("./").strip("/")
            if name in ("", "."):
                continue
            kind = kinds.get(info.type, stat.S_IFREG)
            data = b""
            if kind == stat.S_IFLNK:
                data = info.linkname.encode()
            elif kind == stat.S_IFREG:
                data = tar.extractfile(info).read()
            cpio.write_entry(out, inode, name, kind | info.mode, data,
                             (info.devmajor, info.devminor), (info.uid, info.gid))  # fmt: skip
    cpio.write_trailer(out)


def add_report(out):
    """The second archive: what makes of a Debian tree the root of a subOS."""
    wants = "etc/systemd/system/multi-user.target.wants"
    extra = cpio.Archive()
    extra.symlink("init", "usr/lib/systemd/systemd")
    extra.file("etc/hostname", b"subos\n")
    extra.file("etc/machine-id", b"")  # every subOS makes its own
    extra.file("etc/systemd/system/subos-report.service", paths.GUEST / "subos-report.service")
    extra.symlink(f"{wants}/subos-report.service", "../subos-report.service")
    extra.file("etc/sysctl.d/subos-kmsg.conf", paths.GUEST / "subos-kmsg.conf")
    extra.file("usr/bin/subos-run", paths.GUEST / "subos-run", 0o755)
    extra.write(out)
