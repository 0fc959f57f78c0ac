# SPDX-License-Identifier: GPL-2.0
"""From measurements to medians, ratios and a verdict on each target."""

import os
import platform
import subprocess
from datetime import datetime, timezone

from performance.console import FIRST_LINE, HANDED_OVER
from performance.intervals import estimate

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
)
KEPT_TARGET = MIB

TITLES = {
    "rfm": "rfm create",
    "rfm-silent": "rfm create, no serial console",
    "qemu": "(a) QEMU -kernel",
    "qemu-silent": "(a) without serial console",
    "pvh": "(b) uncompressed, PVH entry",
    "kexec": "(c) kexec -l, kexec -e",
}


def summarize(arguments, first, rounds, memory):
    """All that goes into the file: what was measured where, raw and condensed."""
    return {
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "host": host(),
        "arguments": arguments,
        "times": {
            name: {key: estimate([each[name][key] for each in rounds]).to_dict()
                   for key, value in rounds[0][name].items() if isinstance(value, float)}
            for name in rounds[0]
        },
        "phases": {
            name: phases([each[name]["phases"] for each in rounds])
            for name in ("rfm", "rfm-silent")
        },
        "ratios": [ratio(rounds, *row) for row in RATIOS],
        "first": first | {"ratio to (a)": first["total"] / estimate(
            [each["qemu"]["total"] for each in rounds]).median},
        "kept": {name: estimate([each[name] for each in memory]).to_dict() for name in memory[0]},
        "raw": {"rounds": rounds, "memory": memory},
    }  # fmt: skip


def host():
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file if "model name" in line), "?")
    version = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True)
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "qemu": version.stdout.partition("\n")[0],
        "load": os.getloadavg()[2],
    }


def phases(rounds):
    return {name: estimate([each[name] for each in rounds]).to_dict() for name in rounds[0]}


def ratio(rounds, title, subject, figure, yardstick, other, target):
    values = [each[subject][figure] / each[yardstick][other] for each in rounds]
    result = {"title": title, "target": target, **estimate(values).to_dict()}
    if target:
        result["met"] = result["median"] <= target
    return result


# ---- for people ----


def text(result):
    count = len(result["raw"]["rounds"])
    given = result["arguments"]
    machine = result["host"]
    lines = [
        f"{machine['processor']}, {machine['cores']} cores; {machine['qemu']}, TCG",
        f"kernel {given['version']}, {given['cores']} core(s), {given['mem']}; {count} rounds, "
        f"medians, {interval_name(result['ratios'][0])}",
        "",
        *table(["seconds", "median", "interval"], times(result)),
        "",
        *table(["phase of rfm create", "serial", "none", "first"], phase_rows(result)),
        "",
        *table(["ratio", "median", "interval", "target", ""], ratio_rows(result)),
        "",
        *table(["KiB outside the partition, per subOS", "median", "interval", "target", ""],
               kept_rows(result)),
    ]  # fmt: skip
    return "\n".join(lines)


def interval_name(estimated):
    return f"intervals hold the true median with {estimated['confidence']:.0%} confidence"


def span(estimated, digits=2, scale=1):
    return f"{estimated['low'] / scale:.{digits}f} - {estimated['high'] / scale:.{digits}f}"


def verdict(met):
    return "met" if met else "MISSED"


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


def ratio_rows(result):
    for row in result["ratios"]:
        target = f"<= {row['target']:.1f}" if row["target"] else ""
        yield [row["title"], f"{row['median']:.2f}", span(row), target,
               verdict(row["met"]) if row["target"] else ""]  # fmt: skip
    first = result["first"]["ratio to (a)"]
    yield ["first create, nothing cached / (a)", f"{first:.2f}", "once", "", ""]


def kept_rows(result):
    for name, row in result["kept"].items():
        total = name == "total"
        yield [name if total else f"    {name}", f"{row['median'] / 1024:.0f}", span(row, 0, 1024),
               f"<= {KEPT_TARGET >> 10}" if total else "",
               verdict(row["median"] <= KEPT_TARGET) if total else ""]  # fmt: skip


def table(head, rows):
    rows = [head, *rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    for number, row in enumerate(rows):
        cells = [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:]))]
        yield "  ".join(cells).rstrip()
        if not number:
            yield "-" * (sum(widths) + 2 * (len(widths) - 1))
