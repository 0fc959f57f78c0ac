# SPDX-License-Identifier: GPL-2.0
"""The console of a subOS: the whole log, a shell on a terminal, several viewers, the afterlife."""

import re

import pytest
from functional.subos import troubles

PROMPT = "subos# "
DETACH = "\x1d"  # Ctrl-]


def terminal(supervisor, name, *words, size=(24, 80)):
    return supervisor.session("rfm", "console", name, *words, size=size)


@pytest.mark.budget(180)
def test_shell_on_a_terminal(supervisor):
    """From the first line of the kernel on; job control, window size, detach, come again."""
    supervisor.create("web", "3", mem="256M")
    with terminal(supervisor, "web", size=(31, 97)) as console:
        console.send("\n")
        console.expect(PROMPT, timeout=60)
        lines = ("Linux version", "Command line:", "Run /rf/init", "subos: init reached")
        places = [console.text.find(line) for line in lines]
        assert -1 not in places and places == sorted(places), places
        console.send("stty size\n")
        console.expect(r"\n31 97\n")
        console.size = (40, 120)
        console.send("sleep 1; stty size\n")
        console.expect(r"\n40 120\n")
        # One job each, which is in the foreground when it says the first word.
        console.send("sh -c 'tty; exec sleep 1000'\n")
        console.expect(r"\n/dev/(hvc0|console)\n")
        console.send("\x1a")  # Ctrl-Z
        console.expect(r"Stopped")
        console.send("jobs; kill %1\n")
        console.expect(r"(?s)Stopped.*jobs.*Stopped.*subos# ")
        console.send("sh -c 'echo begun; exec sleep 1000'\n")
        console.expect(r"\nbegun\n")
        console.send("\x03")  # Ctrl-C
        console.send("echo $((6 * 7))\n")
        console.expect(r"\n42\n")
        console.send(DETACH)
        assert console.wait() == 0
    assert supervisor.show("web")["state"] == "running"
    with terminal(supervisor, "web", "--no-history") as console:
        console.send("echo again $((6 * 7))\n")
        console.expect(r"\nagain 42\n")
        assert "Linux version" not in console.text
        console.send(DETACH)
        assert console.wait() == 0


@pytest.mark.budget(150)
def test_one_writes_many_see(supervisor):
    supervisor.create("web", "3", mem="256M")
    with terminal(supervisor, "web") as writer:
        writer.send("\n")
        writer.expect(PROMPT, timeout=60)
        second = terminal(supervisor, "web")
        with second, terminal(supervisor, "web", "--read-only") as third:
            second.expect("read-only", timeout=10)
            third.expect("Linux version")
            assert supervisor.show("web")["console_viewers"] == 3
            second.send("echo nobody $((6 * 7))\n")
            writer.send("echo everybody $((6 * 7))\n")
            for each in (writer, second, third):
                each.expect(r"\neverybody 42\n")
                assert "nobody 42" not in each.text
            for each in (second, third):
                each.send(DETACH)
                assert each.wait() == 0
        writer.send(DETACH)
        assert writer.wait() == 0
    # Whoever comes next may write.
    with terminal(supervisor, "web", "--no-history") as console:
        console.send("echo next $((6 * 7))\n")
        console.expect(r"\nnext 42\n")
        console.send(DETACH)


@pytest.mark.budget(150)
def test_terminal_is_asked_by_who_asks_now(supervisor):
    """Questions of the past, and to who only watches, do not reach the terminal."""
    asks = "\x1b[6n\x1b]52;c;?\x07"
    supervisor.create("web", "3", mem="256M")
    watcher = terminal(supervisor, "web", "--read-only")
    with watcher, terminal(supervisor, "web") as writer:
        writer.send("\n")
        writer.expect(PROMPT, timeout=60)
        writer.send(r"printf 'be\033[6n\033]52;c;?\007\033[1mgun\033[m\n'" + "\n")
        writer.expect(re.escape(f"be{asks}\x1b[1mgun"))
        watcher.expect(re.escape("be\x1b[1mgun\x1b[m"))
        assert asks not in watcher.text
        writer.send(DETACH)
        assert writer.wait() == 0
    with terminal(supervisor, "web") as later:
        later.expect(re.escape("be\x1b[1mgun\x1b[m"))
        assert asks not in later.text
        # It has caught up once it is answered.
        later.send("\n")
        later.expect(rf"gun(?s:.*){PROMPT}(?s:.*){PROMPT}")
        later.send(r"printf 'en\033[6nded\n'" + "\n")
        later.expect(re.escape("en\x1b[6nded"))
        later.send(DETACH)
        assert later.wait() == 0
    # Nor those of who has no terminal, in whose shell the answers would arrive.
    assert "\x1b[6n" not in supervisor.sh("rfm console web --read-only </dev/null")


@pytest.mark.extended
@pytest.mark.budget(150)
def test_afterlife(supervisor):
    """What was written is still there after a crash, and ends with the destroy."""
    supervisor.create("web", "3", mem="256M")
    with terminal(supervisor, "web") as console:
        console.send("\n")
        console.expect(PROMPT, timeout=60)
        console.send("echo last $((6 * 7)); echo c >/proc/sysrq-trigger\n")
        supervisor.await_state("web", "crashed")
        console.expect("Kernel panic - not syncing: sysrq triggered crash")
        with terminal(supervisor, "web", "--read-only") as late:
            late.expect("Linux version")
            late.expect(r"\nlast 42\n")
            late.expect("Kernel panic - not syncing: sysrq triggered crash")
            supervisor.destroy("web")
            late.wait(15)
        console.wait(15)
    assert supervisor.online() == "0-3"


@pytest.mark.extended
@pytest.mark.budget(150)
def test_flood(supervisor):
    """More than anyone reads: it is dropped and counted; nobody waits, nothing is garbled."""
    supervisor.create("web", "3", mem="256M")
    with supervisor.shells("web") as shell:
        # Console output faster than any reader: the shell itself writes it, so it ends.
        lines = "while [ $i -lt 40000 ]; do echo line $i of the flood; i=$((i+1)); done"
        mark = shell.start(f"i=0; {lines}")
        supervisor.ok("list")
        shell.session.expect("line 3999. of the flood", timeout=90)
        assert shell.result(mark, timeout=30)[0] == 0
        assert shell.alive()
        # And the kernel, which never waits: all tasks, more than a ring holds.
        tasks = "for i in 1 2 3; do echo t >/proc/sysrq-trigger; done"
        shell.run(f"dmesg -n 8; {tasks}; dmesg -n 1", timeout=60)
        assert shell.alive()
    assert supervisor.show("web")["state"] == "running"
    # No more is kept than that, and who comes late begins with the oldest of it.
    kept = supervisor.sh("rfm console web --read-only </dev/null | wc -c")
    assert 100_000 < int(kept) <= 512 << 10
    # The lists of tasks look like trouble to who searches the logs afterwards.
    assert {line.split("] ")[1] for line in troubles(supervisor.log("web"))} <= {"Call Trace:"}
    supervisor.destroy("web")


def test_pipe(supervisor):
    """A script goes in, its output comes out; a closed pipe ends it."""
    supervisor.create("web", "3", mem="256M")
    # What is typed before there is a shell to read it is lost, as on any terminal.
    with supervisor.shells("web") as shell:
        assert shell.alive()
    out = supervisor.sh("echo 'echo product $((6 * 7))' | rfm console web --idle 5")
    assert "product 42" in out
    assert supervisor.sh("rfm console web --read-only </dev/null | head -n 3").count("\n") == 3
    assert supervisor.show("web")["console_viewers"] == 0
