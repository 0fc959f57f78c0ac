# SPDX-License-Identifier: GPL-2.0
"""What the benchmark reads from fio and from QEMU, and its verdicts about disks."""

import json
from collections import Counter

import pytest
from lab import LabError
from performance.report_storage import difference, throughput
from performance.storage import DOORBELL, Answer, disks, iops, per_io

WORKLOAD = "4k random read, QD1"
WAY = {"iops": 100.5, "total_ios": 400, "clat_ns": {"percentile": {"99.000000": 7000}}}
JOB = {"error": 0, "read": WAY, "write": WAY | {"iops": 20, "total_ios": 100}}
TRACE = """pci_nvme_mmio_doorbell_sq sqid 0 new_tail 3
pci_nvme_mmio_doorbell_sq sqid 1 new_tail 4
pci_nvme_mmio_doorbell_sq sqid 12 new_tail 5
pci_nvme_mmio_doorbell_cq cqid 1 new_head 4
CPU Reset (CPU 1)
"""


def answer(job):
    return f"fio: a warning\ninterrupts 7\n{json.dumps({'jobs': [job]}, indent=2)}\n"


def test_answer_of_fio():
    found = Answer(answer(JOB))
    assert (found.interrupts, found.ios) == (7, 500)
    assert found.iops == pytest.approx(120.5)
    assert found.read_p99_us == 7


@pytest.mark.parametrize(
    "text",
    ["", "interrupts 7\n", answer(JOB | {"error": 5})],
    ids=["nothing", "no result", "an error"],
)
def test_what_is_no_answer_is_an_error(text):
    with pytest.raises(LabError):
        Answer(text)


def test_doorbells_of_the_admin_queue_do_not_count():
    assert Counter(DOORBELL.findall(TRACE)) == {"sq": 2, "cq": 1}


def test_each_disk_has_a_port_of_its_own():
    words = disks(2)
    assert len({word for word in words if word.startswith("pcie-root-port")}) == 2
    assert sum(word.startswith("nvme,id=bench") for word in words) == 2


def rounds(key, pairs):
    return [{"subos": {key: subos}, "native": {key: native}} for subos, native in pairs]


@pytest.mark.parametrize(
    "ratios, met",
    [
        ([0.96, 0.98, 1.0, 1.0, 1.01, 1.02], True),
        ([1.1, 1.2, 1.3, 1.1, 1.2, 1.3], True),
        ([0.96, 0.97, 0.98, 0.97, 0.96, 0.99], False),  # does not reach 1.0
        ([0.9, 1.0, 1.0, 1.0, 1.0, 1.1], False),  # reaches below 0.95
    ],
)
def test_verdict_on_throughput(ratios, met):
    found = throughput(rounds(iops(WORKLOAD), [(each * 1000, 1000) for each in ratios]), WORKLOAD)
    assert found["met"] is met


@pytest.mark.parametrize("more, met", [(0.0, True), (0.2, False), (-0.2, True)])
def test_verdict_on_counts(more, met):
    key = per_io("interrupts", WORKLOAD)
    found = difference(rounds(key, [(1 + more, 1)] * 6), WORKLOAD, "interrupts")
    assert found["met"] is met
    assert found["median"] == pytest.approx(more)
