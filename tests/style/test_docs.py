# SPDX-License-Identifier: GPL-2.0
"""rfm's verb table, man pages, completion and example files say the same."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RFM = Path(os.environ.get("RFM", ROOT / "build/rfm/rfm"))
MAN = ROOT / "docs/man"
COMPLETION = ROOT / "rfm/completion/rfm"
# Verbs that rfm(8) itself documents.
IN_MAIN_PAGE = {"help", "version"}
# Options of every command that only rfm(8) documents.
EVERYWHERE = {"quiet", "verbose"}
BEFORE_COMMANDS = {"--version", "--help", "--json", "--output", "--quiet", "--verbose"}


@pytest.fixture(scope="module")
def table():
    """What rfm says about itself."""
    assert RFM.exists(), f"{RFM} is not built: run 'make rfm'"
    output = subprocess.run([RFM, "help", "--json"], check=True, capture_output=True).stdout
    return json.loads(output)


@pytest.fixture(scope="module")
def verbs(table):
    return {verb["verb"]: verb for verb in table["verbs"]}


def options_of(verb):
    return {option["name"]: option["value"] for option in verb["options"]}


def letters_of(verb):
    return {option["name"]: option["letter"] for option in verb["options"] if option["letter"]}


ITEM = re.compile(r"^\.It (?:Fl (\w) , )?Fl Fl (\S+)(?: Ar (\S+))?$", re.M)


def page_options(page):
    """Options with the words for their values, from '.It Fl n , Fl Fl name Ar VALUE' lines."""
    return {name: value or None for _, name, value in ITEM.findall(page.read_text())}


def page_letters(page):
    return {name: letter for letter, name, _ in ITEM.findall(page.read_text()) if letter}


def complete(*words):
    """What bash would offer for the last word."""
    script = """
        source "$1"; shift
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        compopt() { :; }
        _rfm; printf '%s\\n' "${COMPREPLY[@]}"
    """
    command = ["bash", "-c", script, "bash", COMPLETION, *words]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return set(output.split())


def test_each_verb_has_a_page_with_its_options(verbs):
    for name, verb in verbs.items():
        if name not in IN_MAIN_PAGE:
            own = {key: word for key, word in options_of(verb).items() if key not in EVERYWHERE}
            assert page_options(MAN / f"rfm-{name}.8") == own, name


def test_pages_have_the_letters_of_options(verbs):
    """Those of every command are in rfm(8), which has all of them in a list, too."""
    everywhere = letters_of(verbs["version"])
    main = page_letters(MAN / "rfm.8")
    assert everywhere and {name: main.get(name) for name in everywhere} == everywhere
    known = {}
    for name, verb in verbs.items():
        known |= letters_of(verb)
        own = {key: value for key, value in letters_of(verb).items() if key not in everywhere}
        if name not in IN_MAIN_PAGE:
            assert page_letters(MAN / f"rfm-{name}.8") == own, name
    listed = re.findall(r"^\.Fl (\w)\n\.Fl Fl (\w+) [,.]$", (MAN / "rfm.8").read_text(), re.M)
    assert {name: letter for letter, name in listed} == known


def test_main_page_documents_the_options_of_every_command(verbs):
    assert set(options_of(verbs["version"])) <= set(page_options(MAN / "rfm.8"))


def test_no_page_without_a_verb(verbs):
    pages = {page.stem.removeprefix("rfm-") for page in MAN.glob("rfm-*.8")}
    assert pages == set(verbs) - IN_MAIN_PAGE


def test_page_titles_are_the_summaries(verbs):
    for name, verb in verbs.items():
        if name not in IN_MAIN_PAGE:
            assert f".Nd {verb['summary']}\n" in (MAN / f"rfm-{name}.8").read_text()


def test_main_page_names_all_verbs_and_exit_codes(table, verbs):
    page = (MAN / "rfm.8").read_text()
    named = re.findall(r"^\.It Cm (\S+)$", page, re.M)
    assert named == list(verbs)
    codes = re.findall(r"^\.It (\d+)$", page, re.M)
    assert codes == [str(row["code"]) for row in table["exit_codes"]]


def test_pages_are_clean():
    for page in sorted(MAN.glob("rfm*.8")):
        lint = subprocess.run(
            ["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True
        )
        assert lint.returncode == 0, lint.stdout


def test_completion_offers_all_verbs(verbs):
    assert complete("rfm", "") == set(verbs) | BEFORE_COMMANDS
    assert complete("rfm", "--json", "-q", "-o", "csv", "") == set(verbs) | BEFORE_COMMANDS


def test_completion_offers_all_options(verbs):
    for name, verb in verbs.items():
        assert complete("rfm", name, "--") == {f"--{option}" for option in options_of(verb)}, name
    assert "--follow" in complete("rfm", "--json", "log", "web", "--")


def test_completion_offers_keys_behind_the_name_that_is_set():
    keys = complete("rfm", "--json", "set", "web", "")
    assert {"on-crash=", "timeout=", "no-console="} <= keys and "wait=" not in keys
    assert not keys & complete("rfm", "--json", "set", "")


def test_completion_knows_which_options_take_values(verbs):
    for option, value in options_of(verbs["create"]).items():
        offered = complete("rfm", "create", f"--{option}", "--")
        assert bool(offered) == (value is None), option


def test_completion_knows_the_letters_of_options_that_take_values(verbs):
    for name, verb in verbs.items():
        values = options_of(verb)
        for option, letter in letters_of(verb).items():
            offered = complete("rfm", name, f"-{letter}", "--")
            assert bool(offered) == (values[option] is None), (name, letter)


def test_values_that_are_times_have_one_word(verbs):
    """And how long rfm waits is one option."""
    for name, verb in verbs.items():
        for option, value in options_of(verb).items():
            assert value not in ("S", "SECONDS", "DURATION"), (name, option)
            assert option not in ("wait", "time-limit", "deadline"), name


def test_help_shows_every_option(verbs):
    for name, verb in verbs.items():
        text = subprocess.run([RFM, "help", name], check=True, capture_output=True, text=True)
        for option in options_of(verb):
            assert f"--{option}" in text.stdout, name
        for option, letter in letters_of(verb).items():
            assert f"-{letter}, --{option}" in text.stdout, name


def test_create_page_names_the_keys_of_files(verbs):
    page = (MAN / "rfm-create.8").read_text()
    section = page[page.index(".Sh CONFIGURATION FILES") : page.index(".Sh EXIT STATUS")]
    keys = [option["name"] for option in verbs["create"]["options"] if option["in_file"]]
    assert all(re.search(rf"\b{key}\b", section) for key in keys)


def test_example_files_use_known_keys(verbs):
    known = {option["name"] for option in verbs["create"]["options"] if option["in_file"]}
    examples = sorted((ROOT / "configs").iterdir())
    assert examples
    for example in examples:
        assert example.suffix == ".toml"
        assert set(tomllib.loads(example.read_text())) <= known, example.name


def test_example_files_can_be_read():
    """rfm takes them: what it refuses afterwards, if anything, is about this machine."""
    for example in sorted((ROOT / "configs").glob("*.toml")):
        command = [RFM, "create", "web", "--config", example, "--kernel", "/none", "--dry-run"]
        output = subprocess.run([*command, "--json"], capture_output=True, text=True).stdout
        assert "configuration file" not in json.loads(output)["error"]["message"], output


def test_example_in_the_create_page_can_be_read(verbs):
    page = (MAN / "rfm-create.8").read_text()
    example = page[page.index(".Bd -literal") : page.index(".Ed")].partition("\n")[2]
    known = {option["name"] for option in verbs["create"]["options"] if option["in_file"]}
    assert set(tomllib.loads(example)) <= known


def test_files_named_in_the_documentation_exist():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    names = tracked.stdout.split()
    pages = [ROOT / name for name in names if name.endswith((".md", ".8"))]
    missing = [
        f"{page.name}: {named}"
        for page in pages
        for named in re.findall(r"`([\w/.-]+\.(?:c|h|S|cpp|hpp|py))`", page.read_text())
        if not any(name == named or name.endswith(f"/{named}") for name in names)
    ]
    assert pages and not missing


def test_words_of_the_table_are_documented():
    """Each word that --append must not have stands in the documentation."""
    rules = (ROOT / "rfm/boot/word_rules.cpp").read_text()
    names = re.findall(r'^\t\{"([^"]+)", (?:refused|dropped)', rules, re.M)
    assert len(names) > 40
    page = (ROOT / "docs/kernel-support.md").read_text()
    section = page.partition("### The operator's words")[2].partition("\n## ")[0]
    missing = [name for name in names if f"`{name.rstrip('*')}" not in section]
    assert missing == []
