# SPDX-License-Identifier: GPL-2.0
"""Rules that every source file keeps."""

import re
import subprocess

import pytest
from lab.paths import SOURCE

SOURCES = (".c", ".h", ".S", ".cpp", ".hpp", ".py", ".mk")
LINES = 600


def tracked():
    names = subprocess.run(["git", "ls-files"], cwd=SOURCE, capture_output=True, text=True, check=True)
    return [SOURCE / name for name in names.stdout.splitlines() if (SOURCE / name).exists()]


def sources():
    return [path for path in tracked() if path.suffix in SOURCES]


def test_licence_is_named():
    missing = [p for p in sources() if "SPDX-License-Identifier" not in p.read_text()[:200]]
    assert not missing


def test_files_are_small():
    long = {str(p): n for p in sources() if (n := len(p.read_text().splitlines())) > LINES}
    assert not long


def test_kernel_versions_are_told_apart_in_one_place():
    pattern = re.compile(r"LINUX_VERSION_CODE|KERNEL_VERSION\(")
    found = [p for p in sources() if p.suffix in (".c", ".h", ".S") and pattern.search(p.read_text())]
    assert found and all(p.parent == SOURCE / "include/compat" for p in found)


@pytest.mark.parametrize("language", ["c", "c++"])
def test_shared_headers_compile_alone(language):
    for header in [*(SOURCE / "include/uapi").glob("*.h"), *(SOURCE / "include/wire").glob("*.h")]:
        subprocess.run(
            ["gcc", "-x", language, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", SOURCE / "include", "-"],
            input=f'#include "{header}"\n', text=True, check=True,
        )  # fmt: skip
