# SPDX-License-Identifier: GPL-2.0
"""The statistics of the benchmark."""

import pytest
from performance.intervals import coverage, estimate


def test_nine_values():
    found = estimate([9, 1, 8, 2, 7, 3, 6, 4, 5])
    assert (found.median, found.low, found.high, found.count) == (5, 2, 8, 9)
    assert found.confidence == pytest.approx(0.961, abs=0.001)


def test_too_few_values_give_the_range():
    found = estimate([3, 1, 2])
    assert (found.median, found.low, found.high, found.confidence) == (2, 1, 3, 0.75)
    assert estimate([4]).confidence == 0


def test_coverage_is_that_of_a_fair_coin():
    assert coverage(6, 1) == pytest.approx(1 - 2 / 2**6)
