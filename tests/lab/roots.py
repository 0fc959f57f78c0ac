# SPDX-License-Identifier: GPL-2.0
"""What a machine boots from: kernel, initramfs, and what goes with them."""

from dataclasses import dataclass
from pathlib import Path

from . import debian, kernels, packaged, tiny


@dataclass
class Root:
    kernel: Path
    initrd: Path
    append: tuple = ()
    drives: tuple = ()


def prepare(config):
    """Have the images of @config's root ready."""
    kernel = kernels.find(config.kernel)
    if config.rootfs == "debian":
        return Root(*debian.prepare(kernel, config.lean))
    if config.rootfs == "packages":
        return Root(*packaged.prepare(kernel, config.root_disk))
    return Root(kernel.image, tiny.initrd(config, kernel))


def prepare_debian(config):
    """Have ready what a Debian root consists of and what is not built here: it can be made meanwhile."""
    kernel = kernels.find(config.kernel)
    debian.supervisor_root(kernel)
    debian.subos_initrd()
