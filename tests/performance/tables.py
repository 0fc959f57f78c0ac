# SPDX-License-Identifier: GPL-2.0
"""What all parts of the report have in common: ratios of one round, verdicts, tables."""

from performance.intervals import estimate


def estimates(rounds):
    """By subject and figure: the median of all rounds."""
    return {
        name: {key: estimate([each[name][key] for each in rounds]).to_dict()
               for key, value in rounds[0][name].items() if isinstance(value, (int, float))}
        for name in rounds[0]
    }  # fmt: skip


def ratio(title, values, target):
    result = {"title": title, "target": target, **estimate(values).to_dict()}
    if target:
        result["met"] = result["median"] <= target
    return result


def compare(rounds, title, subject, figure, yardstick, other, target):
    """The ratio of two figures, both of the same round."""
    values = [each[subject][figure] / each[yardstick][other] for each in rounds]
    return ratio(title, values, target)


# ---- for people ----


def span(estimated, digits=2, scale=1):
    return f"{estimated['low'] / scale:.{digits}f} - {estimated['high'] / scale:.{digits}f}"


def verdict(met):
    return "met" if met else "MISSED"


def ratio_rows(ratios):
    for row in ratios:
        target = f"<= {row['target']:.1f}" if row["target"] else ""
        yield [row["title"], f"{row['median']:.2f}", span(row), target,
               verdict(row["met"]) if row["target"] else ""]  # fmt: skip


def table(head, rows):
    rows = [head, *rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    for number, row in enumerate(rows):
        cells = [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:]))]
        yield "  ".join(cells).rstrip()
        if not number:
            yield "-" * (sum(widths) + 2 * (len(widths) - 1))
