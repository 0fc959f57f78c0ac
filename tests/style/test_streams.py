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


# Each is refused before it changes anything, if not for its output, then for another reason.
ACTING = [
    "create web --cores 2-3 --mem 1K --kernel /none",
    "destroy",
    "start web --timeout soon",
    "restart web --timeout soon",
    "stop web --timeout soon",
    "resize web",
    "move a b",
    "image build",
]


@pytest.mark.parametrize("words", ACTING)
@pytest.mark.parametrize("option", ["", "--json"])
def test_closed_output_of_what_acts(words, option):
    """What it does is wanted all the same; its error is told as text, where somebody may see it."""
    result = shell(f'"$RFM" {option} {words} >&-')
    assert result.returncode in (2, 3), result
    assert result.stderr.startswith("rfm: ") and "standard output" not in result.stderr


@pytest.mark.parametrize("words", ["create -h", "create web --dry-run", "stop --help"])
def test_closed_output_of_what_would_act(words):
    fails(f'"$RFM" {words} >&-', "standard output is closed")


@pytest.mark.parametrize("words", ["--json list --no", "list --no --json", "--json --no list"])
def test_json_before_and_behind_the_command(words):
    """Errors are JSON, too."""
    result = shell(f'"$RFM" {words}')
    assert result.returncode == 2 and not result.stderr, result
    assert json.loads(result.stdout)["error"]["kind"] == "usage"


@pytest.mark.parametrize("words", ["-h stop", "stop -h", "--help stop", "help stop", "stop web -qh"])
def test_help_from_everywhere(words):
    result = shell(f'"$RFM" {words}')
    assert result.returncode == 0 and result.stdout.startswith("Usage: rfm stop NAME..."), result


@pytest.mark.parametrize("words", ["-V", "--version", "version", "-q --version"])
def test_version_from_everywhere(words):
    result = shell(f'"$RFM" {words}')
    assert result.returncode == 0 and result.stdout.startswith("rfm "), result
    assert json.loads(shell(f'"$RFM" --json {words}').stdout)["rfm"]


def test_quiet_and_verbose_exclude_each_other():
    result = shell('"$RFM" -qv list')
    assert result.returncode == 2
    assert "either --quiet or --verbose" in result.stderr


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
