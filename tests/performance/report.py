# SPDX-License-Identifier: GPL-2.0
"""From measurements to medians, ratios and a verdict on each target."""

import os
import platform
import subprocess
from datetime import datetime, timezone

from lab import emulator
from performance import (
    report_ficm,
    report_metadata,
    report_resize,
    report_storage,
    report_tenants,
)
from performance.console import FIRST_LINE, HANDED_OVER
from performance.intervals import estimate
from performance.tables import compare, estimates, ratio_rows, span, table, verdict

TO_INIT = f"{FIRST_LINE} to init"
KERNEL_TIME = f"{HANDED_OVER} to init"
MIB = 1 << 20

# What is compared within a round: title, subject, its figure, yardstick, its figure, target if any.
RATIOS = (
    ("rfm create / (a) QEMU -kernel", "rfm", "total", "qemu", "total", 0.7),
    ("rfm create / (c) kexec -l, -e", "rfm", "total", "kexec", "total", 1.0),
    ("SIPI to init / (b) kernel entry to init", "rfm", "SIPI to init", "pvh", KERNEL_TIME, 1.0),
    ("SIPI to init / (b) first line to init", "rfm", "SIPI to init", "pvh", TO_INIT, None),
    ("rfm create / (b)", "rfm", "total", "pvh", "total", None),
    ("first line to init: rfm / (a)", "rfm", TO_INIT, "qemu", TO_INIT, None),
    ("first line to init: rfm / (b)", "rfm", TO_INIT, "pvh", TO_INIT, None),
    ("no serial console: rfm create / (a)", "rfm-silent", "total", "qemu-silent", "total", None),
    ("rfm create / rfm create --no-agent", "rfm", "total", "rfm-bare", "total", None),
)
KEPT_TARGET = MIB

TITLES = {
    "rfm": "rfm create",
    "rfm-silent": "rfm create, no serial console",
    "rfm-bare": "rfm create --no-agent",
    "qemu": "(a) QEMU -kernel",
    "qemu-silent": "(a) without serial console",
    "pvh": "(b) uncompressed, PVH entry",
    "kexec": "(c) kexec -l, kexec -e",
}


def summarize(arguments, parts):
    """All that goes into the file: what was measured where, raw and condensed.

    @parts: by name, what was measured.
    """
    result = {
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "host": host(),
        "arguments": arguments,
    }
    summaries = {
        "create": lambda measured: summarize_create(*measured),
        "memory": summarize_memory,
        "ficm": report_ficm.summarize,
        "resize": report_resize.summarize,
        "storage": report_storage.summarize,
        "tenants": report_tenants.summarize,
        "metadata": report_metadata.summarize,
    }
    return result | {name: summaries[name](measured) for name, measured in parts.items()}


def summarize_create(first, rounds):
    to_init = estimate([each["qemu"]["total"] for each in rounds]).median
    return {
        "times": estimates(rounds),
        "phases": {
            name: phases([each[name]["phases"] for each in rounds])
            for name in ("rfm", "rfm-silent")
        },
        "ratios": [compare(rounds, *row) for row in RATIOS],
        "first": first | {"ratio to (a)": first["total"] / to_init},
        "raw": rounds,
    }


def summarize_memory(rounds):
    return {
        "kept": {name: estimate([each[name] for each in rounds]).to_dict() for name in rounds[0]},
        "raw": rounds,
    }


def host():
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file if "model name" in line), "?")
    version = subprocess.run([emulator.built(), "--version"], capture_output=True, text=True)
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "qemu": version.stdout.partition("\n")[0],
        "load": os.getloadavg()[2],
    }


def phases(rounds):
    return {name: estimate([each[name] for each in rounds]).to_dict() for name in rounds[0]}


# ---- for people ----


def text(result):
    machine = result["host"]
    given = result["arguments"]
    lines = [
        f"{machine['processor']}, {machine['cores']} cores; {machine['qemu']}, TCG",
        f"kernel {given['version']}, {given['cores']} core(s), {given['mem']}; {given['pairs']} "
        f"rounds, medians, {interval_name(given)}",
    ]
    parts = {"create": create_text, "memory": memory_text, "ficm": report_ficm.text,
             "resize": report_resize.text, "storage": report_storage.text,
             "tenants": report_tenants.text, "metadata": report_metadata.text}  # fmt: skip
    for name, of_part in parts.items():
        if name in result:
            lines += ["", f"{name.upper()}", "", of_part(result[name])]
    return "\n".join(lines)


def create_text(result):
    return "\n".join([
        *table(["seconds", "median", "interval"], times(result)),
        "",
        *table(["phase of rfm create", "serial", "none", "first"], phase_rows(result)),
        "",
        *table(["ratio", "median", "interval", "target", ""], create_ratio_rows(result)),
    ])  # fmt: skip


def memory_text(result):
    return "\n".join(
        table(["KiB outside the partition, per subOS", "median", "interval", "target", ""],
              kept_rows(result))
    )  # fmt: skip


def interval_name(given):
    confidence = estimate(range(given["pairs"])).confidence
    return f"intervals hold the true median with {confidence:.0%} confidence"


def times(result):
    for name, figures in result["times"].items():
        total = figures["total"]
        yield [TITLES[name] + ": total", f"{total['median']:.2f}", span(total)]
        for key in ("loaded", HANDED_OVER, FIRST_LINE, KERNEL_TIME, TO_INIT, "SIPI to init"):
            if key in figures:
                until = key if key.endswith("to init") else f"until {key}"
                yield [f"    {until}", f"{figures[key]['median']:.2f}", span(figures[key])]


def phase_rows(result):
    serial, silent = result["phases"]["rfm"], result["phases"]["rfm-silent"]
    first = result["first"]["phases"]
    for name in serial:
        cells = serial[name]["median"], silent[name]["median"], first[name]
        yield [name, *(f"{cell:.3f}" for cell in cells)]
    totals = [result["times"][name]["total"]["median"] for name in ("rfm", "rfm-silent")]
    totals.append(result["first"]["total"])
    yield ["total, command to init", *(f"{cell:.3f}" for cell in totals)]


def create_ratio_rows(result):
    yield from ratio_rows(result["ratios"])
    first = result["first"]["ratio to (a)"]
    yield ["first create, nothing cached / (a)", f"{first:.2f}", "once", "", ""]


def kept_rows(result):
    for name, row in result["kept"].items():
        total = name == "total"
        yield [name if total else f"    {name}", f"{row['median'] / 1024:.0f}", span(row, 0, 1024),
               f"<= {KEPT_TARGET >> 10}" if total else "",
               verdict(row["median"] <= KEPT_TARGET) if total else ""]  # fmt: skip
