# SPDX-License-Identifier: GPL-2.0
"""What the benchmark reads from kernels."""

from performance.ficm import interrupts_between, numbers

BEFORE = """           CPU0       CPU1
 24:         10          0  PCI-MSI 49152-edge      virtio0-config
 40:          3          1  rf_doorbell 0  rf_ficm
LOC:       5000       4000   Local timer interrupts
RES:          1          2   Rescheduling interrupts
CAL:         10         20   Function call interrupts
"""
AFTER = BEFORE.replace(" 40:          3", " 40:         13")
AFTER = AFTER.replace("CAL:         10", "CAL:         11")
AFTER += " 41:          7          0  rf_doorbell 1  rf_bench\n"


def test_interrupts_of_all_cores_are_added_up():
    found = interrupts_between(BEFORE, AFTER)
    assert found == {
        "interrupts rf_ficm": 10,
        "interrupts RES": 0,
        "interrupts CAL": 1,
        "interrupts rf_bench": 7,
    }


def test_numbers():
    assert numbers("count 3\nns 4500\n") == {"count": 3, "ns": 4500}
