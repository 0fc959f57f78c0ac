#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""How long creates, messages, resizes and I/O take, each beside the same without rainforest.

Every round measures each way once, so that whatever else the host does meets all of them; what is
compared are the two times of one round. The method is in docs/benchmark.md.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab import LabError, images, kernels, paths, tiny  # noqa: E402
from performance import report  # noqa: E402
from performance.ficm import Ficm  # noqa: E402
from performance.kept import Kept  # noqa: E402
from performance.metadata import Metadata  # noqa: E402
from performance.resize import Resize  # noqa: E402
from performance.storage import Storage  # noqa: E402
from performance.subject import Subject  # noqa: E402
from performance.tenants import Tenants  # noqa: E402
from performance.yardsticks import Kexec, QemuBoot  # noqa: E402

RESULT = paths.BUILD / "bench.json"
PARTS = ("create", "memory", "ficm", "resize", "storage", "tenants", "metadata")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=9, help="rounds that count (default: 9)")
    parser.add_argument("--cores", type=int, default=1, help="cores of the subOS (default: 1)")
    parser.add_argument("--mem", default="512M", help="memory of the subOS (default: 512M)")
    parser.add_argument("--kernel", default="amd64", help="as of the lab (default: amd64)")
    parser.add_argument("--memory-rounds", type=int, default=5, metavar="N",
                        help="measurements of the memory kept per subOS (default: 5)")  # fmt: skip
    parser.add_argument("--parts", default=",".join(PARTS), metavar="LIST",
                        help=f"what to measure (default: {','.join(PARTS)})")  # fmt: skip
    arguments = parser.parse_args()
    unknown = set(arguments.parts.split(",")) - set(PARTS)
    if unknown:
        parser.error(f"--parts: no part '{unknown.pop()}' ({', '.join(PARTS)})")
    if arguments.pairs < 1 or arguments.memory_rounds < 1:
        parser.error("at least one pair and one memory round are needed")
    if not 1 <= arguments.cores <= os.cpu_count():
        parser.error(f"--cores {arguments.cores}: this host has {os.cpu_count()} cores, more busy "
                     "virtual ones would only wait for each other")  # fmt: skip
    return arguments


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def uncompressed(subject, kernel):
    """The kernel as rfm enters it, kept for the next time."""
    name = "the uncompressed kernel"
    return images.cached(
        "vmlinux", [kernel.image], lambda out: out.write_bytes(subject.vmlinux()), label=name
    )


def ways(subject, arguments, kernel):
    """All that a round measures, in its order."""
    cores, mem, initrd = arguments.cores, arguments.mem, tiny.subos_initrd(kernel)
    vmlinux = uncompressed(subject, kernel)
    yardsticks = [
        QemuBoot("qemu", cores, mem, kernel.image, initrd),
        QemuBoot("qemu-silent", cores, mem, kernel.image, initrd, silent=True),
        QemuBoot("pvh", cores, mem, vmlinux, initrd),
        Kexec("kexec", cores, mem, arguments.kernel),
    ]
    named = {
        "rfm": lambda: subject.create(uart=True),
        "rfm-silent": lambda: subject.create(uart=False),
        "rfm-bare": subject.create_without_agent,
    }
    for each in yardsticks:
        named[each.name] = paused(subject, each.measure)
    return named


def paused(subject, measure):
    def run():
        with subject.paused():
            return measure()

    return run


def measure_creates(arguments, kernel):
    with Subject(arguments.cores, arguments.mem, arguments.kernel) as subject:
        say("first create, nothing cached")
        first = subject.create(uart=True)
        named = ways(subject, arguments, kernel)
        rounds = []
        for number in range(arguments.pairs + 1):
            start = time.monotonic()
            results = {name: run() for name, run in named.items()}
            line = ", ".join(f"{name} {result['total']:.2f}" for name, result in results.items())
            what = f"round {number}/{arguments.pairs}" if number else "warm-up, does not count"
            say(f"{what}: {line} s ({time.monotonic() - start:.0f} s)")
            if number:
                rounds.append(results)
        return first, rounds


def measure_memory(arguments):
    with Kept(arguments.kernel) as kept:
        rounds = []
        for number in range(arguments.memory_rounds):
            rounds.append(kept.measure())
            say(f"memory {number + 1}/{arguments.memory_rounds}: "
                f"{rounds[-1]['total'] / 1024:.0f} KiB per subOS")  # fmt: skip
        return rounds


def measure_rounds(subject, name, arguments):
    """Rounds of a machine that measures all its ways by itself; the first one does not count."""
    with subject(arguments.kernel) as machine:
        rounds = []
        for number in range(arguments.pairs + 1):
            start = time.monotonic()
            rounds.append(machine.measure())
            what = f"{number}/{arguments.pairs}" if number else "warm-up, does not count"
            say(f"{name} {what} ({time.monotonic() - start:.0f} s)")
        return rounds[1:]


def main():
    arguments = parse_arguments()
    if os.getloadavg()[0] > 0.5:
        say(f"the host is busy (load {os.getloadavg()[0]:.1f}): times will be too long")
    try:
        kernel = kernels.find(arguments.kernel)
        measures = {
            "create": lambda: measure_creates(arguments, kernel),
            "memory": lambda: measure_memory(arguments),
            "ficm": lambda: measure_rounds(Ficm, "ficm", arguments),
            "resize": lambda: measure_rounds(Resize, "resize", arguments),
            "storage": lambda: measure_rounds(Storage, "storage", arguments),
            "tenants": lambda: measure_rounds(Tenants, "tenants", arguments),
            "metadata": lambda: measure_rounds(Metadata, "metadata", arguments),
        }
        wanted = arguments.parts.split(",")
        parts = {name: measure() for name, measure in measures.items() if name in wanted}
    except (LabError, AssertionError) as error:
        sys.exit(f"bench: {error}")
    result = report.summarize(vars(arguments) | {"version": kernel.version}, parts)
    RESULT.write_text(json.dumps(result, indent="\t") + "\n")
    print(report.text(result))
    print(f"\nAll of it: {RESULT.relative_to(paths.SOURCE)}")


if __name__ == "__main__":
    main()
