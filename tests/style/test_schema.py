# SPDX-License-Identifier: GPL-2.0
"""rfm's JSON, its schema and its man page name the same keys."""

import json
import os
import re
import subprocess

import jsonschema
import pytest

from lab import schema
from style.test_docs import MAN, RFM

PAGE = MAN / "rfm-json.5"
# They print what a subOS writes, not a result.
WITHOUT_RESULT = {"console"}
# Words for kinds of values, which the page explains in place.
WORDS = {"big", "state", "cause"}


@pytest.fixture(scope="module")
def definitions():
    return schema.schema()["$defs"]


def base_of(part):
    """The object whose key this is, if it is another one's."""
    found = re.fullmatch(r"#/\$defs/([^/]+)/properties/[^/]+", part.get("$ref", ""))
    return found and found[1]


def keys_of(definition):
    """Its own keys."""
    parts = definition["properties"].items()
    return {key for key, part in parts if key != "schema" and not base_of(part)}


def sections():
    """The sections of the page's objects, with their keys."""
    text = PAGE.read_text().partition(".Sh OBJECTS\n")[2].partition("\n.Sh ")[0]
    parts = re.split(r"^\.Ss (\S+)\n", text, flags=re.M)[1:]
    return dict(zip(parts[::2], parts[1::2]))


def test_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(schema.schema())


def test_page_names_the_keys_of_the_schema(definitions):
    told = sections()
    assert set(told) == set(definitions) - WORDS
    for name, text in told.items():
        named = re.findall(r"^\.It Va (\S+)", text, re.M)
        assert len(named) == len(set(named)), name
        assert set(named) == keys_of(definitions[name]), name
        bases = {base_of(part) for part in definitions[name]["properties"].values()} - {None}
        assert set(re.findall(r"^\.Sx (\S+)", text, re.M)) == bases, name
        for base in bases:
            assert set(definitions[base]["properties"]) <= set(definitions[name]["properties"]), name


def test_page_is_clean():
    lint = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", PAGE], capture_output=True, text=True
    )
    assert lint.returncode == 0, lint.stdout


def test_results_are_all_of_the_schema(definitions):
    """What stands at the top has the number of the schema, and nothing else has."""
    tops = {each["$ref"].rpartition("/")[2] for each in schema.schema()["anyOf"]}
    assert tops == {name for name, each in definitions.items() if "schema" in each.get("properties", {})}
    verbs = json.loads(subprocess.run([RFM, "help", "--json"], capture_output=True).stdout)["verbs"]
    assert {each["verb"] for each in verbs} - WITHOUT_RESULT <= tops


def test_every_key_is_explained(definitions):
    for name in set(definitions) - WORDS:
        for key in keys_of(definitions[name]):
            assert definitions[name]["properties"][key].get("description"), f"{name}: {key}"


@pytest.mark.parametrize(
    "words",
    ["help", "help list", "version", "--version", "check", "pci", "frob", "list --frob", "help -h",
     "create web --frob", "list -o csv --json", "--help", "create --help"],
)  # fmt: skip
@pytest.mark.parametrize("option", ["--json", "-o json"])
def test_what_needs_no_machine(words, option):
    argv = [*words.split(), *option.split()]
    done = subprocess.run([RFM, *argv], capture_output=True, text=True)
    values = schema.values_of(done.stdout)
    assert len(values) == 1, done
    schema.check(argv, values[0])


def test_csv_and_columns():
    done = subprocess.run(
        [RFM, "pci", "-o", "csv", "--columns", "function,can-give"], capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout.splitlines()[0] == "function,can-give"
    for words in (["check", "-o", "csv"], ["version", "-o", "yaml"], ["list", "--columns", "nmae"],
                  ["list", "--filter", "nmae=web"], ["pci", "vf", "00:01.0", "1", "-o", "csv"]):  # fmt: skip
        done = subprocess.run([RFM, *words], capture_output=True, text=True)
        assert done.returncode == 2 and done.stdout == "", words


def test_other_keys_are_noticed():
    value = {"schema": 1, "error": {"code": 1, "kind": "internal", "message": "no"}}
    schema.check(["list"], value)
    value["error"]["new"] = 1
    with pytest.raises(AssertionError, match="'new' was unexpected"):
        schema.check(["list"], value)
    with pytest.raises(AssertionError):
        schema.check(["list"], {"subos": []})
