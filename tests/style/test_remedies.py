# SPDX-License-Identifier: GPL-2.0
"""Every command and parameter that rfm or a module tells somebody to use is executed by a test.

functional/remedies.py has the list: by file and command, where it is executed. What is in no list
fails here, and so does what is in it and in no source any more.
"""

import re
from pathlib import Path

import pytest
from functional.remedies import EXECUTED, NOT_IN_THE_LAB

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("rfm/src", "rfm/boot", "rfm/inspect", "supervisor", "subos", "ficm")
# What describes is no remedy: comments, verbs' help, and a table of what is written to a kernel.
COMMENT = re.compile(r"^\s*(?://|\*|/\*).*$", re.M)
DESCRIPTION = re.compile(
    r"^(?:constexpr Option \w+\[\]|const Verb \w+|constexpr auto RULES) = .*?^\}\)?;", re.M | re.S
)
WRITTEN = "rfm/boot/cmdline.cpp"
STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
COMMAND = re.compile(
    r"'rfm [a-z]+(?: --[a-z]+)*|run rfm [a-z]+|(?:insist with|try|give) --[a-z-]+|--force tries|"
    r"modprobe -r \w+|modprobe \w+|rmmod \w+|apt install|dkms autoinstall|make install|"
    r"taskset -pc|chrt [-a-z ]+|udevadm [a-z]+|ulimit -n|kdump-config reload|ln -s /dev/null|"
    r"\becho(?: 1 >)?|boot with \w+(?:=\w+)?|write 1 to|take lockdown= off|movablecore=SIZE|"
    r"(?:intremap=off|intel_iommu=on|possible_cpus=16|no_ipi_broadcast=1|pci=noats)(?!\))"
)


def joined(text):
    """Strings that the compiler joins are one."""
    return re.sub(r'"\s*\n\s*"', "", text)


def commands():
    """{(file, command)} of all sources."""
    found = set()
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in (".c", ".cpp") or path == ROOT / WRITTEN:
                continue
            text = joined(DESCRIPTION.sub("", COMMENT.sub("", path.read_text())))
            for literal in STRING.findall(text):
                for command in COMMAND.findall(literal):
                    found.add((str(path.relative_to(ROOT)), command.lstrip("'").strip()))
    return found


def test_all_are_listed():
    listed = EXECUTED.keys() | NOT_IN_THE_LAB.keys()
    assert not sorted(commands() - listed), "a remedy that no test executes: see this file"
    assert not sorted(listed - commands()), "listed in functional/remedies.py, and in no source"
    assert not EXECUTED.keys() & NOT_IN_THE_LAB.keys()


@pytest.mark.parametrize("test", sorted(set(EXECUTED.values())))
def test_each_test_is_there(test):
    path, _, name = test.partition("::")
    assert re.search(rf"^def {re.escape(name)}\(", (ROOT / path).read_text(), re.M), test


def test_reasons_are_given():
    assert all(len(reason.split()) > 3 for reason in NOT_IN_THE_LAB.values())
