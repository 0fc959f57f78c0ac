# SPDX-License-Identifier: GPL-2.0
"""What a machine boots from: kernel, initramfs, and what goes with them."""

from dataclasses import dataclass
from pathlib import Path

from . import debian, kernels, tiny


@dataclass
class Root:
    kernel: Path
    initrd: Path
    append: tuple = ()
    drives: tuple = ()


def prepare(config, folder):
    """Have the images of @config's root ready; what is the machine's own goes into @folder."""
    kernel = kernels.find(config.kernel)
    if config.rootfs == "debian":
        return Root(*debian.prepare(kernel))
    tiny.initrd(config, kernel, folder / "initrd")
    return Root(kernel.image, Path("initrd"))
