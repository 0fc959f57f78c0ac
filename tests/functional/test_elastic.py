# SPDX-License-Identifier: GPL-2.0
"""Random adjustments of two busy subOSes: after each, every core and byte has one owner."""

import random

import pytest
from functional.elastic import elastic, unchanged
from functional.subos import Supervisor

FIXED = 1947


@pytest.mark.budget(300)
@pytest.mark.parametrize(
    "seed", [pytest.param("fixed", marks=pytest.mark.extended), "random"]
)
@pytest.mark.extended
def test_elastic(machines, seed):
    supervisor = Supervisor(machines(cpus=6, mem="4G"))
    with unchanged(supervisor):
        elastic(supervisor, FIXED if seed == "fixed" else random.randrange(1 << 32), steps=20)


@pytest.mark.extended
@pytest.mark.budget(300)
def test_elastic_with_memory_of_the_supervisor(machines):
    supervisor = Supervisor(machines(pool="runtime"))
    elastic(supervisor, FIXED, steps=8)
    assert supervisor.online() == "0-3"
