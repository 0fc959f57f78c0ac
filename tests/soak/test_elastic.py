# SPDX-License-Identifier: GPL-2.0
"""A thousand random adjustments, and stress on both sides for a long time."""

import random
import time

import pytest
from functional.elastic import elastic, unchanged
from functional.stress import stressed
from functional.subos import Supervisor

STEPS = 1000  # in a run of full length


@pytest.mark.soak
@pytest.mark.budget(14400)
def test_elastic(machines, soak_seconds):
    supervisor = Supervisor(machines(cpus=6, mem="4G"))
    slab, seed = supervisor.slab(), random.randrange(1 << 32)
    with unchanged(supervisor):
        if soak_seconds >= 600:
            elastic(supervisor, seed, steps=STEPS)
        else:
            end = time.monotonic() + soak_seconds / 2
            elastic(supervisor, seed, until=lambda: time.monotonic() < end)
    assert supervisor.slab() < slab + 8192
    assert supervisor.pool_intact()


@pytest.mark.soak
@pytest.mark.budget(2400)
def test_stress(machines, soak_seconds):
    stressed(Supervisor(machines(cpus=6, mem="4G")), min(600, soak_seconds))
