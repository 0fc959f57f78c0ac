# SPDX-License-Identifier: GPL-2.0
"""A supervisor whose own kernel has no memory left says so, instead of taking a fault."""

from functional.functions import NOT_ENOUGH


def test_no_memory_for_page_tables(supervisor):
    """The shared memory above 4 GiB is the first there that this kernel maps."""
    before = supervisor.state()
    supervisor.load("rf_famine", "during=rf_arena_apply")
    kernel = f"/boot/vmlinuz-{supervisor.version}"
    made = supervisor.rfm("create", "web", "--cores", "3", "--mem", "256M", "--kernel", kernel)
    assert supervisor.sh("cat /sys/module/rf_famine/parameters/met").strip() != "0"
    assert made.status == NOT_ENOUGH and "kernel is short of memory" in made.stderr, made
    supervisor.sh("rmmod rf_famine")
    assert supervisor.state() == before
    supervisor.create("web", "3", "--no-start", mem="256M")
    supervisor.destroy("web")
