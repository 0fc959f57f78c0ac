# SPDX-License-Identifier: GPL-2.0
"""The lab: QEMU machines on which the project is developed, tested and measured."""

from .config import Config, Device, Disk
from .errors import CommandFailed, LabError, MachineDied, Timeout
from .machine import Machine, Result

__all__ = [
    "CommandFailed",
    "Config",
    "Device",
    "Disk",
    "LabError",
    "Machine",
    "MachineDied",
    "Result",
    "Timeout",
]
