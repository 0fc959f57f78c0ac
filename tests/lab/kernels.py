# SPDX-License-Identifier: GPL-2.0
"""Debian's kernel packages, unpacked into the cache and never installed on the host."""

import re
from dataclasses import dataclass
from pathlib import Path

from . import debug_kernel, images, packages
from .errors import LabError

FLAVOURS = ("amd64", "cloud-amd64")


@dataclass(frozen=True)
class Kernel:
    version: str
    root: Path  # holds boot/ and lib/modules/<version>/

    @property
    def image(self):
        return self.root / "boot" / f"vmlinuz-{self.version}"

    @property
    def config(self):
        return self.root / "boot" / f"config-{self.version}"

    @property
    def modules(self):
        return self.root / "lib" / "modules" / self.version

    def module_files(self, names):
        """Paths below the module directory of @names and all they need, in load order."""
        needs, where = {}, {}
        for line in (self.modules / "modules.dep").read_text().splitlines():
            file, _, rest = line.partition(":")
            needs[file] = rest.split()
            where[module_name(file)] = file
        files = {}
        for name in names:
            file = where.get(name)
            if file:  # else built in, or not in this flavour
                files.update(dict.fromkeys([*reversed(needs[file]), file]))
        return list(files)


def module_name(file):
    return file.rpartition("/")[2].partition(".ko")[0].replace("-", "_")


def version_of(flavour):
    """The flavour's version for which headers are installed, else the newest of Debian."""
    pattern = re.compile(rf"(\d[\d.]*-\d+)-{flavour}")
    found = [p.parent.name for p in Path("/lib/modules").glob("*/build")]
    found = [name for name in found if pattern.fullmatch(name)]
    if found:
        return max(found, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])
    depends = images.run("apt-cache", "depends", f"linux-image-{flavour}")
    match = re.search(r"Depends: linux-image-(\S+)", depends)
    if not match:
        raise LabError(f"apt knows no package linux-image-{flavour} (run tools/deps)")
    return match[1]


def packaged(version):
    """Debian's kernel of that version."""

    def build(out):
        packages.unpack(f"linux-image-{version}", out)
        images.run("depmod", "-b", out, version)

    label = f"kernel {version} (Debian package)"
    return Kernel(version, images.cached(f"kernel-{version}", [version], build, label=label))


def debug():
    root = debug_kernel.built()
    return Kernel(debug_kernel.version(root), root)


def stock():
    """The stock kernels of the tests, one per flavour."""
    return [packaged(version_of(flavour)) for flavour in FLAVOURS]


def find(spec):
    """A kernel by flavour, by version, or by the path of an image with its modules beside it; 'debug'."""
    if spec == "debug":
        return debug()
    if "/" in spec or Path(spec).is_file():
        return from_image(Path(spec).resolve())
    return packaged(version_of(spec) if spec in FLAVOURS else spec)


def from_image(path):
    if not path.is_file():
        raise LabError(f"no such kernel image: {path}")
    version = image_version(path)
    for root in (path.parent.parent, Path("/")):
        kernel = Kernel(version, root)
        if (kernel.modules / "modules.dep").exists() and kernel.image == path:
            return kernel
    tree = path.parent.parent
    if (tree / "lib/modules" / version).is_dir():
        return foreign(path, Kernel(version, tree))
    return foreign(path, packaged(version))


def foreign(path, base):
    """The image @path with the modules of @base."""

    def build(out):
        (out / "boot").mkdir(parents=True)
        (out / "lib/modules" / base.version).mkdir(parents=True)
        (out / "boot" / f"vmlinuz-{base.version}").write_bytes(path.read_bytes())
        if base.config.exists():
            (out / "boot" / base.config.name).write_bytes(base.config.read_bytes())
        for entry in base.modules.iterdir():
            if not re.match(r"modules\.(dep|alias|symbols|softdep|devname)", entry.name):
                (out / "lib/modules" / base.version / entry.name).symlink_to(entry)
        images.run("depmod", "-b", out, base.version)

    inputs = [path, str(base.modules)]
    return Kernel(base.version, images.cached("kernel-image", inputs, build))


def image_version(path):
    """The version a bzImage states in its header."""
    data = path.read_bytes()
    if data[0x202:0x206] != b"HdrS":
        raise LabError(f"not a Linux bzImage: {path}")
    start = int.from_bytes(data[0x20E:0x210], "little") + 0x200
    return data[start : data.index(b"\0", start)].decode().split()[0]
