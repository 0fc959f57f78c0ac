# SPDX-License-Identifier: GPL-2.0
"""Resize: what it adds to the hotplug that both kernels do anyway."""

from performance.tables import compare, estimates, ratio, ratio_rows, span, table

# As in report.py: title, subject, its figure, yardstick, its figure, target if any.
RATIOS = (
    ("core added / offline and online again", "core-add", "event", "core-hotplug", "total", 1.2),
    ("core removed / the same", "core-remove", "event", "core-hotplug", "total", 1.2),
    ("    rfm resize --cores +N / the same", "core-add", "wall", "core-hotplug", "total", None),
    ("    rfm resize --cores -N / the same", "core-remove", "wall", "core-hotplug", "total", None),
    ("512M added / added in one kernel", "memory-add", "event", "memory-hotplug", "added", 1.2),
    ("512M removed / removed in one kernel",
     "memory-remove", "event", "memory-hotplug", "removed", 1.2),
)  # fmt: skip
TITLES = {
    "core-hotplug": "core in one kernel",
    "core-add": "rfm resize --cores +N",
    "core-remove": "rfm resize --cores -N",
    "memory-hotplug": "512M in one kernel",
    "memory-clear": "512M cleared",
    "memory-add": "rfm resize --mem +512M",
    "memory-remove": "rfm resize --mem -512M",
}


def summarize(rounds):
    # What was somebody's is cleared before it is somebody else's; one kernel does not have to.
    cleared = [each["memory-remove"]["cleared"]
               / (each["memory-hotplug"]["removed"] + each["memory-clear"]["total"])
               for each in rounds]  # fmt: skip
    ratios = [compare(rounds, *row) for row in RATIOS]
    ratios.append(ratio("    until it is cleared / removed and cleared", cleared, None))
    return {"times": estimates(rounds), "ratios": ratios, "raw": rounds}


def text(result):
    return "\n".join([
        *table(["seconds", "median", "interval"], times(result)),
        "",
        *table(["ratio", "median", "interval", "target", ""], ratio_rows(result["ratios"])),
    ])  # fmt: skip


def times(result):
    for name, title in TITLES.items():
        for key, figure in result["times"][name].items():
            yield [f"{title}: {key}", f"{figure['median']:.3f}", span(figure, 3)]
