# SPDX-License-Identifier: GPL-2.0
"""What rfm prints as JSON, held against docs/rfm.schema.json.

As a program: each line of standard input is {"words": rfm's words, "value": what it printed}.
"""

import functools
import json
import re
import sys
from pathlib import Path

import jsonschema

SCHEMA = Path(__file__).resolve().parents[2] / "docs/rfm.schema.json"
# What has several results, by an option or operand that tells them apart.
OTHERS = {("create", "--dry-run"): "dry-run", ("events", "--follow"): "events-line",
          ("log", "--follow"): "log-line", ("map", "--svg"): "map-file",
          ("metrics", "--textfile"): "metrics-file", ("pci", "vf"): "pci-vf",
          ("--version", "--version"): "version", ("--help", "--help"): "help"}  # fmt: skip

# Of a long list, so many at each end are looked at.
ENDS = 20


@functools.cache
def schema():
    return json.loads(SCHEMA.read_text())


@functools.cache
def validator(name):
    assert name in schema()["$defs"], f"'{name}' has no definition in {SCHEMA.name}"
    part = {key: value for key, value in schema().items() if key != "anyOf"}
    return jsonschema.Draft202012Validator({**part, "$ref": f"#/$defs/{name}"})


def definition(words, value):
    """Of what `rfm *words` printed as @value."""
    if "error" in value and "schema" in value and len(value) == 2:
        return "error"
    if "--help" in words and words[0] != "--help":
        return "help"
    [verb] = [word for word in words if word not in ("--json", "-o", "json")][:1] or ["help"]
    for (first, other), name in OTHERS.items():
        if verb == first and other in words:
            return name
    return verb


def wants_json(words):
    return re.search(r"(^| )(--json|(-o|--output)[ =]?json)( |$)", " ".join(words)) is not None


def values_of(text):
    """The objects in @text: one, or one a line. Nothing if it is cut."""
    try:
        return [json.loads(text)]
    except ValueError:
        pass
    try:
        return [json.loads(line) for line in text.splitlines()]
    except ValueError:
        return []


def shortened(value):
    """@value with less of what is alike: logs have thousands of records."""
    return {
        key: part[:ENDS] + part[-ENDS:] if isinstance(part, list) and len(part) > 2 * ENDS else part
        for key, part in value.items()
    }


def check(words, value):
    """Fail unless @value, which `rfm *words` printed, is what the schema says."""
    name = definition(words, value)
    for error in validator(name).iter_errors(shortened(value)):
        path = "/".join(map(str, error.absolute_path))
        raise AssertionError(f"rfm {' '.join(words)}: not '{name}' at '{path}': {error.message}")


def check_output(words, text):
    """The same for all of standard output, if it was to be JSON."""
    if wants_json(words):
        for value in values_of(text):
            check(words, value)


if __name__ == "__main__":
    for line in sys.stdin:
        sample = json.loads(line)
        check(sample["words"], sample["value"])
