# SPDX-License-Identifier: GPL-2.0
"""What packages are made of is what the rest of the tree says."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from lab import packaged
from lab.paths import RFM, SOURCE

DEBIAN = SOURCE / "debian"
# Debhelper's, and what every Debian that builds packages has.
OF_PACKAGING = {"debhelper-compat", "dh-dkms"}


def field(name):
    text = (DEBIAN / "control").read_text()
    return re.search(rf"^{name}:((?:\n? .*)*)", text, re.M)[1]


def list_of_deps(name):
    return set(re.search(rf'^{name}="([^"]*)"', (SOURCE / "tools/deps").read_text(), re.M)[1].split())


def complete(*words):
    """What zsh would offer for the last word."""
    script = """
        compdef() { :; }
        _files() { print FILES; }
        _describe() { print -rl -- ${(P)2}; }
        completion=$1; shift
        words=("$@"); CURRENT=$#
        source $completion
    """
    environment = os.environ | {"PATH": f"{RFM.parent}:{os.environ['PATH']}"}
    command = ["zsh", "-fc", script, "zsh", SOURCE / "rfm/completion/_rfm", *words]
    output = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    return {line.partition(":")[0] for line in output.splitlines() if line}


@pytest.fixture(scope="module")
def verbs():
    output = subprocess.run([RFM, "help", "--json"], check=True, capture_output=True).stdout
    return {verb["verb"]: verb for verb in json.loads(output)["verbs"]}


def test_versions_are_the_same():
    package = re.match(r"rainforest \((.*)\)", (DEBIAN / "changelog").read_text())[1]
    tool = re.search(r'tool_version = "(.*)"', (SOURCE / "rfm/src/base/version.hpp").read_text())[1]
    assert package == tool


def test_packages_are_built_with_what_a_build_takes():
    named = set(re.findall(r"^ ([a-z0-9][a-z0-9.+-]*)", field("Build-Depends"), re.M)) - OF_PACKAGING
    libraries = {name for name in list_of_deps("build") if name.endswith("-dev")} - {"libgtest-dev"}
    assert named <= list_of_deps("build")
    assert libraries <= named


def test_kernels_of_dkms_are_those_of_check():
    requirements = (SOURCE / "rfm/src/plan/requirements.cpp").read_text()
    bounds = re.search(r"oldest\{(\d+), (\d+)\}, newest\{(\d+), (\d+)\}", requirements).groups()
    major, first, same, last = map(int, bounds)
    assert major == same
    pattern = re.search(r'BUILD_EXCLUSIVE_KERNEL="(.*)"', (DEBIAN / "rainforest-dkms.dkms").read_text())[1]
    for minor in range(30):
        for kernel in (f"{major}.{minor}.0-56-amd64", f"{major}.{minor}-rc1", f"{major}.{minor}.95+deb12-amd64"):
            assert bool(re.search(pattern, kernel)) == (first <= minor <= last), kernel
    assert not re.search(pattern, f"{major - 1}.{first}.0-1-amd64")


def test_all_modules_are_for_dkms():
    built = re.search(r"^obj-m := (.*?) \$", (SOURCE / "Kbuild").read_text(), re.M)[1].split()
    of_dkms = re.findall(r'BUILT_MODULE_LOCATION\[\d\]="(.*)"', (DEBIAN / "rainforest-dkms.dkms").read_text())
    assert [f"{folder}/" for folder in of_dkms] == built
    shipped = (DEBIAN / "rainforest-dkms.install").read_text()
    assert {*of_dkms, "Kbuild", "include"} == set(re.findall(r"^(\S+) ", shipped, re.M))


def test_install_section_can_be_followed():
    """test_packages.py does."""
    assert [line.split()[0] for line in packaged.install_commands()] == ["make", "apt", "rfm", "rfm", "reboot"]


def test_zsh_offers_all_verbs_and_options(verbs):
    assert complete("rfm", "") == set(verbs)
    for name, verb in verbs.items():
        assert complete("rfm", name, "--") == {f"--{option['name']}" for option in verb["options"]}, name
    assert "--dry-run" in complete("rfm", "-o", "json", "create", "--")
    assert "--output" in complete("rfm", "-") and "--dry-run" not in complete("rfm", "-")


def test_zsh_knows_what_names_a_file():
    assert complete("rfm", "create", "--kernel", "") == {"FILES"}
    assert "build" in complete("rfm", "image", "")
