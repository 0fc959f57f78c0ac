# SPDX-License-Identifier: GPL-2.0
"""rfm with streams and limits that are not as usual: no result is lost without a word."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RFM = Path(os.environ.get("RFM", ROOT / "build/rfm/rfm"))


def shell(script):
    """Run @script in bash; $RFM is rfm."""
    assert RFM.exists(), f"{RFM} is not built: run 'make rfm'"
    return subprocess.run(
        ["bash", "-c", script], env=os.environ | {"RFM": str(RFM)}, capture_output=True, text=True
    )


def fails(script, *parts):
    """@script ends as rfm's internal errors do, with one line on standard error that has @parts."""
    result = shell(script)
    line = result.stderr.removesuffix("\n")
    assert result.returncode == 1 and not result.stdout, result
    assert line.startswith("rfm: ") and line.isprintable(), result
    assert not [part for part in parts if part not in line], result


@pytest.mark.parametrize("option", ["", "--json"])
def test_closed_output(option):
    fails(f'"$RFM" help {option} >&-', "standard output is closed", "/dev/null")


@pytest.mark.parametrize("option", ["", "--json"])
def test_full_output(option):
    fails(f'"$RFM" help {option} >/dev/full', "could not be written", "No space left on device")


def test_error_that_output_does_not_take():
    """As JSON, errors go to standard output, too."""
    result = shell('"$RFM" frob --json >/dev/full')
    assert result.returncode == 2 and "unknown command 'frob'" in result.stderr, result


def test_limit_of_file_size():
    script = 'file=$(mktemp) && (ulimit -f 0; "$RFM" help >"$file"); status=$?; rm "$file"; exit $status'
    fails(script, "could not be written", "File too large")


@pytest.mark.parametrize("words", ["check", "create web --cores 5 --mem 1G --kernel x --dry-run"])
def test_limit_of_open_files(words):
    """Not as if the files that tell of the machine did not exist."""
    fails(f'ulimit -n 5; "$RFM" {words}', "only 2 more files", "ulimit -n 1024")


def test_remedy_for_open_files():
    result = shell('ulimit -Sn 5; ulimit -Sn 1024; "$RFM" help --json')
    assert result.returncode == 0 and json.loads(result.stdout)["verbs"]


def test_reader_that_goes_away():
    """As for other programs: the signal, and no word."""
    reader, writer = os.pipe()
    os.close(reader)
    result = subprocess.run([RFM, "help"], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert result.returncode == -signal.SIGPIPE and not result.stderr, result
