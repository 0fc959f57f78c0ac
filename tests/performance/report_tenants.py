# SPDX-License-Identifier: GPL-2.0
"""Tenants: what two get out of a machine together, and what one notices of the other."""

from performance.tables import compare, estimates, ratio_rows, span, table

# As in report.py: title, subject, its figure, yardstick, its figure, target if any.
RATIOS = (
    ("both together, I/O a second: subOSes / cgroups",
     "subos", "both: IOPS", "cgroups", "both: IOPS", None),
    ("the slower one of both: subOSes / cgroups",
     "subos", "slower: IOPS", "cgroups", "slower: IOPS", None),
    ("victim's p99 beside noise: subOS / cgroup",
     "subos", "noisy: p99", "cgroups", "noisy: p99", None),
    ("victim's p99, cgroup: beside noise / alone",
     "cgroups", "noisy: p99", "cgroups", "alone: p99", None),
    ("victim's p99, subOS: beside noise / alone",
     "subos", "noisy: p99", "subos", "alone: p99", None),
)  # fmt: skip
TITLES = {
    "both: IOPS": "both together, I/O a second",
    "slower: IOPS": "the slower one of both, I/O a second",
    "alone: p99": "victim alone, p99, us",
    "noisy: p99": "victim beside noise, p99, us",
}


def summarize(rounds):
    return {
        "figures": estimates(rounds),
        "ratios": [compare(rounds, *row) for row in RATIOS],
        "raw": rounds,
    }


def text(result):
    head = ["4k random", "cgroups", "interval", "subOSes", "interval"]
    return "\n".join([
        *table(head, figures(result)),
        "",
        *table(["ratio", "median", "interval", "target", ""], ratio_rows(result["ratios"])),
    ])  # fmt: skip


def figures(result):
    for key, title in TITLES.items():
        cells = [title]
        for side in ("cgroups", "subos"):
            figure = result["figures"][side][key]
            cells += [f"{figure['median']:.0f}", span(figure, 0)]
        yield cells
