# SPDX-License-Identifier: GPL-2.0
"""Where things are in the source tree. All outputs go below build/."""

from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
GUEST = Path(__file__).resolve().parent / "guest"
BUILD = SOURCE / "build"
CACHE = BUILD / "cache"
MACHINES = BUILD / "lab"

MODULES = BUILD / "modules"
RFM = BUILD / "rfm" / "rfm"
FIRST_STAGE = BUILD / "subos" / "first_stage"
