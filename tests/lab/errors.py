# SPDX-License-Identifier: GPL-2.0
"""What can go wrong in the lab, as exceptions whose text is one clear message."""


class LabError(Exception):
    """The lab itself cannot do what was asked."""


class MachineDied(LabError):
    """The machine panicked, hung, was reset, or its QEMU ended."""


class Timeout(LabError):
    """A command took longer than it was allowed to."""


class CommandFailed(LabError):
    """A command that had to succeed did not."""

    def __init__(self, message, result):
        super().__init__(message)
        self.result = result
