# SPDX-License-Identifier: GPL-2.0
"""rf_supervisor.ko of an older and of a newer version, made of this one: what an upgrade meets.

Every struct of the interface that begins with its size can grow. The newer module has grown all of
them; the older one knows one field less, where there is one that it can do without.
"""

import re
import shutil
import tempfile
from pathlib import Path

from lab import images, paths

HEADER = "include/uapi/rainforest.h"
DISPATCH = "supervisor/control/ioctl.c"
ABI = re.compile(r"(#define RF_ABI_VERSION\s+)(\d+)")
STRUCT = re.compile(r"(struct rf_\w+ \{\n\t__u32\tsize;\n(?:.*\n)*?)\};")
# Bytes of the field that the older one lacks, of structs that had fewer in their first version.
# So its ABI is the last before these fields came.
OLDER = 3
LACKS = "(table[i].size > table[i].min_size ? 8 : 0)"


def replaced(text, old, new):
    assert text.count(old) == 1, old
    return text.replace(old, new)


def abi():
    return int(ABI.search((paths.SOURCE / HEADER).read_text())[2])


def newer(tree):
    header = tree / HEADER
    text, grown = STRUCT.subn(r"\1\t__u64\tgrown;\n};", header.read_text())
    assert grown > 15
    header.write_text(ABI.sub(rf"\g<1>{abi() + 1}", text))


def older(tree):
    header, dispatch = tree / HEADER, tree / DISPATCH
    header.write_text(ABI.sub(rf"\g<1>{OLDER}", header.read_text()))
    text = replaced(
        dispatch.read_text(),
        "copy_struct_from_user(copy, table[i].size, user, size)",
        f"copy_struct_from_user(copy, table[i].size - {LACKS}, user, size)",
    )
    text = replaced(text, "min(size, table[i].size)", f"min(size, table[i].size - {LACKS})")
    dispatch.write_text(text)


def headers(version):
    debug = sorted(paths.CACHE.glob(f"kernel-debug-*/lib/modules/{version}/build"))
    return debug[0] if debug else Path("/lib/modules") / version / "build"


def module(edit, version):
    """rf_supervisor.ko for kernel @version, of a source that @edit (older, newer) has changed."""
    sources = [
        path
        for folder in ("include", "supervisor")
        for path in sorted((paths.SOURCE / folder).rglob("*"))
        if path.is_file()
    ]
    exported = paths.MODULES / version / "Module.symvers"

    def build(out):
        with tempfile.TemporaryDirectory(dir=paths.CACHE) as scratch:
            tree = Path(scratch)
            for folder in ("include", "supervisor"):
                shutil.copytree(paths.SOURCE / folder, tree / folder)
            edit(tree)
            images.run(
                "make", "-s", "-j2", "-C", headers(version), f"M={tree}/supervisor",
                f"KBUILD_EXTRA_SYMBOLS={exported}", "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules",
            )  # fmt: skip
            images.run("objcopy", "--strip-debug", tree / "supervisor/rf_supervisor.ko", out)

    inputs = [edit.__name__, version, Path(__file__), exported, *sources]
    return images.cached("other-version", inputs, build, label=f"an {edit.__name__} rf_supervisor")
