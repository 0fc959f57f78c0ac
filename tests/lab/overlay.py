# SPDX-License-Identifier: GPL-2.0
"""What this project builds, as files to lay over any root: small, so that it can change often."""

import re
import tempfile
from pathlib import Path

from . import images, paths
from .cpio import usr_merged
from .errors import LabError


def built():
    """The project's own files: path in the root -> Path here. What is not built is left out."""
    files = {}
    for module in sorted(paths.MODULES.glob("*/*.ko")):
        files[f"usr/lib/modules/{module.parent.name}/updates/{module.name}"] = module
    if paths.FIRST_STAGE.exists():
        files["usr/lib/rainforest/first_stage"] = paths.FIRST_STAGE
    for unit in sorted((paths.SOURCE / "units").iterdir()):
        files[f"usr/lib/systemd/system/{unit.name}"] = unit
    if paths.RFM.exists():
        files["usr/sbin/rfm"] = images.cached(
            "rfm", [paths.RFM], lambda out: images.run("strip", "-o", out, paths.RFM)
        )
    return files


def module_index(kernel, stock_modules=None, ours=True):
    """depmod's files for @kernel's modules (or some of them), with our own or without."""
    ours = sorted(paths.MODULES.glob(f"{kernel.version}/*.ko")) if ours else []

    def build(out):
        out.mkdir()
        with tempfile.TemporaryDirectory(dir=paths.CACHE) as scratch:
            tree = Path(scratch) / "lib/modules" / kernel.version
            (tree / "updates").mkdir(parents=True)
            names = stock_modules if stock_modules is not None else ["kernel"]
            for name in [*names, "modules.builtin", "modules.builtin.modinfo", "modules.order"]:
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                (tree / name).symlink_to(kernel.modules / name)
            for module in ours:
                (tree / "updates" / module.name).symlink_to(module)
            images.run("depmod", "-b", scratch, kernel.version)
            for index in tree.glob("modules.*"):
                (out / index.name).write_bytes(index.read_bytes())

    inputs = [kernel.version, stock_modules, [p.name for p in ours], *ours]
    folder = images.cached("module-index", inputs, build, keep=8)
    return {f"usr/lib/modules/{kernel.version}/{p.name}": p for p in sorted(folder.iterdir())}


def libraries(program):
    """The shared libraries of @program, built here, and its loader: path -> Path here."""
    said = images.run("ldd", program)
    if "not found" in said:
        raise LabError(f"{program} lacks libraries:\n{said}")
    found = re.findall(r"(?:=> )?(/\S+) \(0x", said)
    return {usr_merged(path): Path(path) for path in found}
