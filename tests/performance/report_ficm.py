# SPDX-License-Identifier: GPL-2.0
"""FICM: times of one operation, messages a second, what it costs besides time."""

from performance.tables import compare, estimates, ratio_rows, span, table

# As in report.py: title, subject, its figure, yardstick, its figure, target if any.
RATIOS = (
    ("doorbell, seen in memory / function call", "doorbell", "ns", "call", "ns", 1.2),
    ("doorbell there and back / function call", "doorbell-back", "ns", "call", "ns", 2.0),
    ("doorbell there and back / futex", "doorbell-back", "ns", "futex", "ns", 1.0),
    ("message there and back / futex", "message", "ns", "futex", "ns", 1.0),
    ("message, sleeping at both ends / futex", "message-process", "ns", "futex", "ns", None),
    ("polled ring: two kernels / two threads", "poll", "ns", "threads", "ns", 1.1),
)
TITLES = {
    "call": "function call on another core, waited for",
    "doorbell": "doorbell, seen in shared memory",
    "doorbell-back": "doorbell there and back",
    "futex": "two processes, futex, there and back",
    "message": "message there and back",
    "message-process": "message, sleeping at both ends",
    "threads": "polled ring, two threads of one kernel",
    "poll": "polled ring, two kernels",
}
FLOODS = {
    "flood-1": "to one",
    "flood-2": "multicast to two",
    "flood-3": "multicast to three",
}


def summarize(rounds):
    return {
        "per_operation": estimates(rounds),
        "per_second": estimates([
            {name: {"messages": 1e9 / each[name]["ns"]} for name in FLOODS} for each in rounds
        ]),
        "ratios": [compare(rounds, *row) for row in RATIOS],
        "raw": rounds,
    }  # fmt: skip


def text(result):
    return "\n".join([
        *table(["microseconds", "median", "interval"], times(result)),
        "",
        *table(["ratio", "median", "interval", "target", ""], ratio_rows(result["ratios"])),
        "",
        *table(["messages a second", "median", "interval"], floods(result)),
        "",
        *table(COUNTS, counts(result)),
    ])  # fmt: skip


def times(result):
    for name, title in TITLES.items():
        figure = result["per_operation"][name]["ns"]
        yield [title, f"{figure['median'] / 1000:.1f}", span(figure, 1, 1000)]


def floods(result):
    for name, title in FLOODS.items():
        figure = result["per_second"][name]["messages"]
        yield [title, f"{figure['median']:.0f}", span(figure, 0)]


# ---- what does not depend on how fast the machine is ----

COUNTS = ["counts for each operation", "sent", "rings", "taken there", "taken here", "polls",
          "calls", "wakes", "full"]  # fmt: skip


def counts(result):
    for name, title in (TITLES | FLOODS).items():
        figures = result["per_operation"][name]

        def of(*keys):
            return f"{sum(figures[key]['median'] for key in keys if key in figures):.3f}"

        yield [
            title,
            of("own-sent", "others-sent"),
            of("own-rings", "others-rings"),
            of("others-interrupts"),
            of("own-interrupts"),
            of("own-polls", "others-polls"),
            of("interrupts CAL"),
            of("interrupts RES"),
            of("own-full"),
        ]
