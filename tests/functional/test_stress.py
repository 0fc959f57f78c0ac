# SPDX-License-Identifier: GPL-2.0
"""stress-ng on both sides while a subOS is resized."""

import pytest
from functional.stress import stressed
from functional.subos import Supervisor


@pytest.mark.extended
@pytest.mark.budget(240)
def test_stress(machines):
    stressed(Supervisor(machines(cpus=6, mem="4G")), 40)
