# SPDX-License-Identifier: GPL-2.0
"""Storage: I/O a second, doorbells and interrupts for each I/O, in subOS and supervisor."""

from performance.intervals import estimate
from performance.storage import COUNTED, WORKLOADS, iops, per_io
from performance.tables import estimates, span, table, verdict

# The interval of the ratio must reach the first, and nothing of it may lie below the second.
REACHED, LEAST = 1.0, 0.95
# So much more for each I/O counts as equal.
ROUNDING = 0.01
COUNTS = ("sq doorbells", "cq doorbells", "interrupts")


def summarize(rounds):
    return {
        "figures": estimates(rounds),
        "ratios": [throughput(rounds, workload) for workload in WORKLOADS],
        "counts": [
            difference(rounds, workload, what) for workload in COUNTED for what in COUNTS
        ],
        "raw": rounds,
    }  # fmt: skip


def throughput(rounds, workload):
    key = iops(workload)
    found = estimate([each["subos"][key] / each["native"][key] for each in rounds])
    met = found.high >= REACHED and found.low >= LEAST
    return {"title": workload, "reached": REACHED, "least": LEAST, "met": met, **found.to_dict()}


def difference(rounds, workload, what):
    """What the subOS needs more for an I/O."""
    key = per_io(what, workload)
    found = estimate([each["subos"][key] - each["native"][key] for each in rounds])
    return {"title": key, "met": found.low <= ROUNDING, **found.to_dict()}


# ---- for people ----


def text(result):
    return "\n".join([
        *table(["I/O a second", "supervisor", "subOS", "ratio", "interval", ""], ratios(result)),
        "",
        *table(["for each I/O", "supervisor", "subOS", "more", "interval", ""], counts(result)),
    ])  # fmt: skip


def ratios(result):
    for row in result["ratios"]:
        yield [row["title"], *sides(result, iops(row["title"]), 0), f"{row['median']:.2f}",
               span(row), verdict(row["met"])]  # fmt: skip


def counts(result):
    for row in result["counts"]:
        yield [row["title"], *sides(result, row["title"], 2), f"{row['median']:+.2f}",
               span(row), verdict(row["met"])]  # fmt: skip


def sides(result, key, digits):
    for side in ("native", "subos"):
        yield f"{result['figures'][side][key]['median']:.{digits}f}"
