# SPDX-License-Identifier: GPL-2.0
"""Fixtures by lifecycle, and what holds for every test: its budget, its logs, a clean kernel log.

A test gets machines resumed from a snapshot, so that none sees what another one did.
"""

import itertools
import os
import re
import shutil
import signal
import time

import pytest
from functional import patience
from functional.subos import Supervisor, troubles
from lab import LabError, Machine, images, paths
from lab.config import DEBUG_PATIENCE

BUDGET = 120
# A test that hangs is ended some time after its budget, to which images that it builds do not count.
GRACE = 60
# Budgets of a part of the extended tests, in all. They take a third to half of them.
PART_SECONDS = 1500
LOGS = paths.BUILD / "test-logs"
NAME = "test-{pid}-{number}"
# Fills rfm's cache of decompressed kernels, which takes longer than most tests.
WARM_UP = (
    "for kernel in /boot/vmlinuz-*; do "
    "rfm create warm --cores 1 --mem 192M --no-start --kernel $kernel && rfm destroy warm; done; true"
)
# Large, or nothing to read.
NOT_LOGS = shutil.ignore_patterns("*.raw", "*.sock", "*.lock", "pid")


def pytest_addoption(parser):
    parser.addoption("--soak-seconds", type=int, default=120, metavar="S",
                     help="how long a soak test runs (default: 120)")  # fmt: skip
    parser.addoption("--debug-kernel", action="store_true",
                     help="supervisors run the lab's debug kernel where they can")  # fmt: skip
    parser.addoption("--part", type=lambda text: int(text, 16), metavar="HASH",
                     help="one part of the extended tests only, chosen by this hexadecimal number")  # fmt: skip


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "trouble_expected: the supervisor's kernel log may complain, or it dies"
    )
    if config.getoption("--debug-kernel"):
        patience.factor = DEBUG_PATIENCE


def pytest_sessionstart(session):
    """Forget the machines of a run that was killed."""
    register_lines(session.config)
    for folder in paths.MACHINES.glob("test-*-*"):
        pid = re.fullmatch(NAME.format(pid=r"(\d+)", number=r"\d+"), folder.name)
        if pid and not os.path.exists(f"/proc/{pid[1]}"):
            shutil.rmtree(folder, ignore_errors=True)


# ---- budgets ----


def budget(item):
    marker = item.get_closest_marker("budget")
    return patience.limit(marker.args[0] if marker else BUDGET)


def parts(items):
    """@items in their order, in parts of which each takes some minutes."""
    made, seconds = [], PART_SECONDS
    for item in items:
        if seconds + budget(item) > PART_SECONDS:
            made.append([])
            seconds = 0
        made[-1].append(item)
        seconds += budget(item)
    return made


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Of the extended tests that are chosen, only those of --part stay; some need the debug kernel."""
    if not config.getoption("--debug-kernel"):
        for item in items:
            if item.get_closest_marker("debug_kernel"):
                item.add_marker(pytest.mark.skip(reason="for the debug kernel"))
    chosen = config.getoption("--part")
    made = parts([item for item in items if item.get_closest_marker("extended")])
    if chosen is None or not made:
        return
    kept = made.pop(chosen % len(made))
    left = [item for part in made for item in part]
    items[:] = [item for item in items if item not in left]
    config.hook.pytest_deselected(items=left)
    print(f"part {chosen % (len(made) + 1) + 1} of {len(made) + 1}: {len(kept)} tests")


def pytest_itemcollected(item):
    """Tests that use the same machines one after the other run in one process."""
    if "shared_machines" in item.fixturenames:
        item.add_marker(pytest.mark.xdist_group(item.module.__name__))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    item.seconds = 0
    item.failed = False
    item.built = images.seconds_spent()
    yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    limit, start, built = budget(item) + GRACE, time.monotonic(), images.seconds_spent()

    def too_long(*_):
        left = limit + images.seconds_spent() - built - (time.monotonic() - start)
        if left < 1:
            raise TimeoutError(f"the test was ended {GRACE} s after its budget")
        signal.alarm(int(left))

    previous = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(int(limit))
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test's time is that of all its phases, but without images that had to be built for it."""
    report = (yield).get_result()
    item.seconds += report.duration
    report.seconds = max(0, item.seconds - (images.seconds_spent() - item.built))
    if report.when == "teardown" and report.passed and report.seconds > budget(item):
        report.outcome = "failed"
        report.longrepr = f"took {report.seconds:.1f} s, its budget is {budget(item):g} s"
    item.failed |= report.failed


def pytest_report_teststatus(report):
    """One line a test instead of letters."""
    if report.when == "call" or report.failed or report.skipped:
        category = "error" if report.failed and report.when != "call" else report.outcome
        return category, "", ""
    return "", "", ""


class Lines:
    """Prints every test with its seconds."""

    def __init__(self, reporter):
        self.reporter = reporter
        self.outcome = {}

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report):
        if report.failed or report.when == "call" or report.skipped:
            outcome = "FAILED" if report.failed else report.outcome
            self.outcome.setdefault(report.nodeid, outcome)
            if report.failed:
                self.outcome[report.nodeid] = outcome
        if report.when == "teardown":
            outcome = self.outcome.pop(report.nodeid, "?")
            name = report.nodeid.split("@")[0]  # without its group
            self.reporter.ensure_newline()
            self.reporter.write_line(f"{outcome:8}{report.seconds:7.1f} s  {name}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    session.config.pluginmanager.unregister(name="lines")


def register_lines(config):
    """Where there is a terminal: not in a process that only runs tests for another one."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter:
        config.pluginmanager.register(Lines(reporter), "lines")


# ---- machines ----

numbers = itertools.count()


@pytest.fixture
def machines(request):
    """Makes machines: machines(cpus=2), or machines(snapshot=False, ...) for one that boots."""
    yield from fleet(request.node, lambda: request.node.failed)


@pytest.fixture(scope="module")
def shared_machines(request):
    """The same for machines that all tests of a module use one after the other."""
    before = request.session.testsfailed
    yield from fleet(request.node, lambda: request.session.testsfailed > before)


def fleet(node, failed):
    """The machines of @node, a test or a module; afterwards their kernels must not complain."""
    made = []

    def make(snapshot=True, **fields):
        fields.setdefault("name", NAME.format(pid=os.getpid(), number=next(numbers)))
        # 1 GiB of pool: filled with a pattern that is checked after the test.
        fields.setdefault("mem", "3G")
        fields["append"] = f"rf_supervisor.poison=1 {fields.get('append', '')}".strip()
        if node.config.getoption("--debug-kernel") and can_have_debug_kernel(**fields):
            fields.setdefault("kernel", "debug")
        fields.setdefault("warm_up", WARM_UP)
        machine = Machine(**fields)
        made.append(machine)
        return machine.start_from_snapshot() if snapshot else machine.start()

    yield make
    expected = node.get_closest_marker("trouble_expected")
    complaints = []
    if not expected:
        complaints += [line for each in made for line in complaints_of(each)]
        complaints += [line for each in made for line in complaints_inside(each)]
        complaints += [line for each in made for line in written_memory_of(each)]
        complaints += [line for each in made for line in ledger_of(each)]
        complaints += [line for each in made for line in lockdep_of(each)]
    for machine in made:
        if complaints or failed():
            keep_logs(node, machine)
        machine.stop()
    if complaints:
        pytest.fail("kernels complain:\n" + "\n".join(complaints))


def can_have_debug_kernel(rootfs="tiny", pool="reserved", **_):
    """KASAN takes boot memory that was removed for freed: what a runtime pool is made of."""
    return rootfs == "tiny" and pool == "reserved"


def complaints_of(machine):
    try:
        return troubles(machine.dmesg())
    except (LabError, OSError):
        console = machine.folder / "serial0.log"  # absent if it never started
        return troubles(console.read_text(errors="replace")) if console.exists() else []


def complaints_inside(machine):
    """Of the subOSes that still run, in their kernel logs."""
    folder = "/sys/class/misc/rainforest/subos"
    running = f"cd {folder} && for s in *; do grep -qx running $s/state && rfm log $s; done; true"
    try:
        return [f"(subOS) {line}" for line in troubles(machine.sh(running))]
    except (LabError, OSError):
        return []


def written_memory_of(machine):
    """Memory nobody owns that does not hold its pattern any more."""
    check = "/sys/kernel/debug/rainforest/pool_check"
    try:
        wrong = machine.sh(f"[ ! -e {check} ] || cat {check}", timeout=120).strip()
    except (LabError, OSError):
        return []
    return [f"memory nobody owned was written at {wrong}"] if wrong not in ("", "0x0") else []


def ledger_of(machine):
    """What the supervisor's ledger, or its copy in the machine page, is wrong about."""
    check = "/sys/kernel/debug/rainforest/ledger"
    try:
        said = machine.sh(f"[ ! -e {check} ] || cat {check}", timeout=60).strip()
    except (LabError, OSError):
        return []
    return [f"ledger: {said}"] if said not in ("", "sound") else []


def lockdep_of(machine):
    """The debug kernel's, which switches itself off at what it takes for a fault of its own, too."""
    check = "/proc/lockdep_stats"
    try:
        said = machine.sh(f"[ ! -e {check} ] || grep debug_locks: {check}").strip()
    except (LabError, OSError):
        return []
    return [f"lockdep: {said}"] if said and said.split()[-1] != "1" else []


def keep_logs(node, machine):
    """Copy what the machine left to read."""
    if not machine.folder.exists():
        return
    folder = LOGS / re.sub(r"[^A-Za-z0-9._-]+", "-", node.name) / machine.config.name
    shutil.rmtree(folder, ignore_errors=True)
    try:
        (machine.folder / "dmesg.log").write_text(machine.dmesg())
    except (LabError, OSError) as error:
        (machine.folder / "dmesg.log").write_text(f"{error}\n")
    shutil.copytree(machine.folder, folder, ignore=NOT_LOGS)
    if isinstance(node, pytest.Item):
        node.add_report_section("teardown", "logs", f"kept in {folder}")


@pytest.fixture
def machine(machines):
    """The machine with all defaults."""
    return machines()


@pytest.fixture
def supervisor(machine):
    """The default machine seen through rfm."""
    return Supervisor(machine)


@pytest.fixture
def soak_seconds(request):
    return request.config.getoption("--soak-seconds")
