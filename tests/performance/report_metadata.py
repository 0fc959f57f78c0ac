# SPDX-License-Identifier: GPL-2.0
"""Metadata: two tenants with a kernel each, beside two in one kernel."""

from performance.tables import compare, estimates, ratio_rows, span, table

# As in report.py: title, subject, its figure, yardstick, its figure, target if any.
RATIOS = (
    ("operations a second: two subOSes / one kernel", "subos", "operations", "one", "operations",
     None),
    ("    first tenant", "subos", "operations of a", "one", "operations of a", None),
    ("    second tenant", "subos", "operations of b", "one", "operations of b", None),
)  # fmt: skip
TITLES = {"one": "one kernel", "subos": "two subOSes"}
RATES = ("operations", "operations of a", "operations of b")
# Counted for 1000 operations.
COUNTS = {
    "lock waits": "lock waits",
    "RES": "rescheduling interrupts",
    "CAL": "function call interrupts",
    "TLB": "TLB shootdowns",
    "rings": "doorbells to other kernels",
    "sent": "messages to other kernels",
}


def summarize(rounds):
    return {
        "times": estimates(rounds),
        "ratios": [compare(rounds, *row) for row in RATIOS],
        "raw": rounds,
    }


def text(result):
    return "\n".join([
        *table(["operations a second", "median", "interval"], rates(result)),
        "",
        *table(["for 1000 operations", *TITLES.values()], counts(result)),
        "",
        *table(["ratio", "median", "interval", "target", ""], ratio_rows(result["ratios"])),
    ])  # fmt: skip


def rates(result):
    for name, title in TITLES.items():
        for key in RATES:
            figure = result["times"][name][key]
            row = title if key == "operations" else f"    {key.removeprefix('operations ')}"
            yield [row, f"{figure['median']:.0f}", span(figure, 0)]


def counts(result):
    for key, title in COUNTS.items():
        cells = (result["times"][name][key]["median"] for name in TITLES)
        yield [title, *(f"{cell:.3f}" for cell in cells)]
