# SPDX-License-Identifier: GPL-2.0
"""Medians and what is known about them: no distribution is assumed."""

import statistics
from dataclasses import dataclass
from math import comb

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    median: float
    low: float
    high: float
    confidence: float  # that the true median lies in [low, high]
    count: int

    def to_dict(self):
        return dict(vars(self))


def coverage(count, rank):
    """Probability that the median lies between the @rank-th smallest and largest of @count."""
    return 1 - 2 * sum(comb(count, k) for k in range(rank)) / 2**count


def estimate(values):
    """The median of @values with the narrowest interval of order statistics that is sure enough.

    With fewer than six values no interval is: then it is the whole range.
    """
    ordered = sorted(values)
    count = len(ordered)
    ranks = [rank for rank in range(1, count // 2 + 1) if coverage(count, rank) >= CONFIDENCE]
    rank = max(ranks, default=1)
    confidence = coverage(count, rank) if count > 1 else 0.0
    median = statistics.median(ordered)
    return Estimate(median, ordered[rank - 1], ordered[-rank], confidence, count)
