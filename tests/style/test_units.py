# SPDX-License-Identifier: GPL-2.0
"""The systemd units call rfm as it is, and systemd understands them."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RFM = Path(os.environ.get("RFM", ROOT / "build/rfm/rfm"))
UNITS = sorted((ROOT / "units").iterdir())


def test_commands_are_those_of_rfm():
    said = subprocess.run([RFM, "help", "--json"], check=True, capture_output=True).stdout
    options = {
        verb["verb"]: {f"--{option['name']}" for option in verb["options"]}
        for verb in json.loads(said)["verbs"]
    }
    calls = [
        words.split()
        for unit in UNITS
        for line in re.findall(r"^Exec\w+=(.*)", unit.read_text(), re.M)
        for words in re.findall(r"/usr/sbin/rfm ([^|;']*)", line)
    ]
    assert calls
    for verb, *words in calls:
        assert {word for word in words if word.startswith("--")} <= options[verb]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not here")
def test_systemd_understands_them(tmp_path):
    """rfm itself need not be installed here."""
    for unit in UNITS:
        text = unit.read_text().replace("/usr/sbin/rfm", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    paths = [tmp_path / unit.name for unit in UNITS]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *paths],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"}, capture_output=True, text=True,
    )  # fmt: skip
    said = [line for line in done.stderr.splitlines() if any(unit.name in line for unit in UNITS)]
    assert done.returncode == 0 and not said, done.stderr
