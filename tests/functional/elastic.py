# SPDX-License-Identifier: GPL-2.0
"""Random adjustments of busy subOSes, and what has to hold after each: from every side, each core
and each byte has exactly one owner.
"""

import random
from collections import Counter
from contextlib import contextmanager

from functional.session import apic_ids, system_ram
from functional.subos import BLOCK, MIB, SYSFS, troubles

# What a removed or added block may change beside itself: the structs of its pages.
SLACK = 8 * MIB
# Exit codes of rfm that an adjustment may end with: it was refused, or not enough could be had.
REFUSED = {3, 5, 6, 10}
# Of low priority: no core is ever idle, but what a test asks for does not wait for its turn.
LOAD = "for i in 1 2 3; do (nice -n 19 sh -c 'while :; do :; done' &); done"
CHURN = "(nice -n 19 sh -c 'while :; do dd if=/dev/zero of=/tmp/churn bs=1M count=24; done' >/dev/null 2>&1 &)"


def overlaps(one, other):
    return [(a, b) for a in one for b in other if a[0] < b[1] and b[0] < a[1]]


def spans(shown):
    return [(each["start"], each["start"] + each["size"]) for each in shown["ranges"]]


class Ledger:
    """What the kernels of a machine say about who owns what."""

    def __init__(self, supervisor, shells):
        self.supervisor = supervisor
        self.shells = {shell.name: shell for shell in shells}
        self.all_cores = None
        self.first = {name: self.inside(name) for name in self.shells}
        self.all_cores = self.cores_of_all()

    def cores_of_all(self):
        cores = apic_ids(self.supervisor.sh("cat /proc/cpuinfo"))
        for name in self.shells:
            cores |= set(self.supervisor.show(name)["apic_ids"])
        return cores

    def inside(self, name):
        """(memory it owns, MemTotal)"""
        return self.supervisor.show(name)["memory"], self.shells[name].memory()

    def check(self):
        """Compare all sides; returns what rfm shows of every subOS."""
        shown = {name: self.supervisor.show(name) for name in self.shells}
        self.check_cores(shown)
        self.check_memory(shown)
        self.check_pool(shown)
        return shown

    def check_cores(self, shown):
        owners = Counter(apic_ids(self.supervisor.sh("cat /proc/cpuinfo")))
        for name, shell in self.shells.items():
            online = shell.apic_ids()
            assert online == set(shown[name]["apic_ids"]), f"{name} runs on {online}"
            owners.update(online)
        assert owners == Counter(self.all_cores), f"cores by how many have them: {owners}"

    def check_memory(self, shown):
        taken = []
        for name, shell in self.shells.items():
            own = spans(shown[name])
            assert sum(end - start for start, end in own) == shown[name]["memory"]
            assert not overlaps(own, taken), f"ranges of {name} are somebody else's, too"
            taken += own
            low = shown[name]["low_slice"]
            ram = [each for each in shell.ram() if each[0] >= 1 << 20 or each[0] < low]
            foreign = [
                (start, end) for start, end in ram
                if not any(first <= start and end <= last for first, last in joined(own))
            ]  # fmt: skip
            assert not foreign, f"{name} uses {foreign}, which it does not own"
            memory, total = self.first[name]
            grown = shown[name]["memory"] - memory
            assert abs(shell.memory() - total - grown) <= SLACK * (1 + abs(grown) // BLOCK)
        mine = system_ram(self.supervisor.sh("cat /proc/iomem"))
        assert not overlaps(mine, taken), "the supervisor's kernel uses what a subOS owns"

    def check_pool(self, shown):
        free, total = map(int, self.supervisor.sh(f"cat {SYSFS}/pool").split())
        owned = sum(each["memory"] for each in shown.values())
        # The rest is the arena: one home for each kernel.
        arena = total - free - owned
        assert 0 <= arena <= 16 * (2 << 20) and arena % (2 << 20) == 0, f"arena of {arena}"


def joined(ranges):
    """Neighbours as one."""
    result = []
    for start, end in sorted(ranges):
        if result and result[-1][1] == start:
            result[-1] = (result[-1][0], end)
        else:
            result.append((start, end))
    return result


class Elastic:
    """Two busy subOSes and a source of random adjustments of them."""

    NAMES = ("web", "batch")

    def __init__(self, supervisor, shells, seed):
        print(f"seed {seed}")
        self.supervisor = supervisor
        self.random = random.Random(seed)
        self.ledger = Ledger(supervisor, shells)
        self.shown = self.ledger.check()
        self.results = Counter()
        self.borrowed = set()

    def pick(self):
        """Words of a random adjustment that makes sense, or nearly."""
        one, other = self.random.sample(self.NAMES, 2)
        spare = cores(self.supervisor.online()) - {0}
        extra = self.shown[one]["cores"][1:]
        steps = self.random.choice((1, 1, 2))
        picks = [
            ("resize", one, "--mem", f"+{steps * BLOCK // MIB}M"),
            ("resize", one, "--mem", f"-{steps * BLOCK // MIB}M"),
        ]
        if spare:
            picks.append(("resize", one, "--cores", f"+{self.random.choice(sorted(spare))}"))
        if extra:
            core = self.random.choice(extra)
            picks += [
                ("resize", one, "--cores", f"-{core}"),
                ("move", "--cores", core, one, other),
                ("move", "--cores", core, one, other, "--borrow"),
            ]
        if self.borrowed:
            picks.append(("return", self.random.choice(sorted(self.borrowed))))
        return self.random.choice(picks)

    def step(self):
        words = self.pick()
        result = self.supervisor.rfm(*words)
        print(*words, "->", result.status, result.stderr.strip())
        assert result.status in {0} | REFUSED, result
        assert result.status == 0 or result.stderr.count("\n") == 1, result
        if result.status == 0 and "--borrow" in words:
            self.borrowed.add(words[-2])
        if words[0] == "return":
            self.borrowed.discard(words[1])
        self.results[words[0], result.status == 0] += 1
        self.shown = self.ledger.check()

    def finish(self):
        """Adjustments were made, and no kernel complains."""
        assert sum(n for (_, done), n in self.results.items() if done) > 0, self.results
        for name in self.NAMES:
            assert not troubles(self.supervisor.log(name)), name


def cores(text):
    """'0-1,3' as a set."""
    result = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        result |= set(range(int(first), int(last or first) + 1))
    return result


@contextmanager
def unchanged(supervisor):
    """What comes leaves the supervisor as it was.

    But if more was wanted than the pool has, it gave blocks of its own, and counts some page
    structs of each that it did not count before (test_runtime_memory.py).
    """
    before, managed = supervisor.state("present|spanned"), supervisor.managed()
    yield
    assert supervisor.state("present|spanned") == before
    grown = supervisor.managed() - managed
    assert grown in range(0, 2 << 30, BLOCK // 64), grown


def busy(supervisor):
    """Two subOSes under load; more is left to give."""
    supervisor.create("web", "2", mem="384M", run=LOAD)
    supervisor.create("batch", "3", mem="384M", run=LOAD)


def elastic(supervisor, seed, steps=None, until=None):
    """@steps random adjustments, or as many as until() allows; returns how many."""
    busy(supervisor)
    done = 0
    with supervisor.shells(*Elastic.NAMES) as shells:
        for shell in shells:
            shell.run(CHURN)
        run = Elastic(supervisor, shells, seed)
        while done < steps if steps is not None else until():
            run.step()
            done += 1
        run.finish()
    supervisor.destroy("--all")
    return done
