# SPDX-License-Identifier: GPL-2.0
"""What operators look at is what the kernels say, and whoever may only look changes nothing."""

import json
import re
from xml.etree import ElementTree

import pytest
from functional.subos import BLOCK, MIB, SYSFS, Supervisor
from lab import images, paths

NOT_PERMITTED, BAD_FILE, NO_MODULE = 8, 7, 9
GROUP, USER, STRANGER = 4242, 1234, 1235
# Calls that whoever may open the device gets an answer to (uapi/rainforest.h: "any").
LOOKS = {
    "machine": {"0x00": "ok", "0x02": "ok", "0x04": "ENOENT", "0x05": "ok", "0x06": "ok", "0x07": "ok"},
    "subos": {"0x10": "ok", "0x1b": "ok"},
}
CALLS = {"machine": range(0x00, 0x08), "subos": range(0x10, 0x1E)}
# What a member may run, and what is root's. Nothing of the latter may change anything.
LOOKING = (
    ("list",), ("show", "web"), ("top", "--once"), ("events",), ("history",), ("metrics",), ("map",),
    ("version",), ("help",), ("check",), ("pci",),
)  # fmt: skip
CHANGING = (
    ("log", "web"), ("dump", "web", "/tmp/member.core"), ("console", "web"),
    ("console", "web", "--read-only"), ("resize", "web", "--cores", "-3"),
    ("resize", "web", "--mem", "+128M"), ("stop", "web"), ("stop", "web", "--force"), ("start", "web"),
    ("restart", "web"), ("destroy", "web"), ("destroy", "--all"),
    ("create", "more", "--cores", "1", "--mem", "128M", "--no-agent"),
    ("move", "--cores", "3", "web", "batch"), ("return", "batch"),
)  # fmt: skip
SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$', re.M)
SVG = "{http://www.w3.org/2000/svg}"


def samples(text):
    return {(name, labels): float(value) for name, labels, value in SAMPLE.findall(text)}


def of(found, name, subos="web"):
    return found[f"rainforest_subos_{name}", f'subos="{subos}"']


def counter(supervisor, shell, name):
    """What the kernel in the subOS says itself."""
    return int(shell.run(f"awk '/^{name}/ {{print $2}}' /proc/meminfo")) * 1024


# ---- metrics ----


@pytest.mark.extended
@pytest.mark.budget(180)
def test_metrics_are_what_the_kernels_say(supervisor):
    supervisor.create("web", "2-3", mem="384M")
    supervisor.create("bare", "1", "--no-agent", mem="128M")
    with supervisor.shells("web") as shell:
        before = samples(supervisor.ok("metrics"))
        shell.run("i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done", timeout=60)
        total, free = counter(supervisor, shell, "MemTotal"), counter(supervisor, shell, "MemAvailable")
        after = samples(supervisor.ok("metrics"))
    shown = supervisor.show("web")
    assert of(after, "cores") == of(after, "cores_online") == 2
    assert of(after, "memory_bytes") == shown["memory"] == 384 * MIB
    assert of(after, "memory_usable_bytes") == total
    assert abs(of(after, "memory_available_bytes") - free) < 16 * MIB
    assert of(after, "starts_total") == shown["starts"] == 1 and of(after, "crashes_total") == 0
    assert 0 <= of(after, "heartbeat_age_seconds") < 1
    assert of(after, "cpu_seconds_total") > of(before, "cpu_seconds_total")
    assert of(after, "ficm_messages_received_total") > of(before, "ficm_messages_received_total")
    assert of(after, "uptime_seconds") <= shown["uptime_seconds"]
    assert of(after, "agent_up") == 1 and of(after, "agent_up", "bare") == 0
    assert after["rainforest_subos_state", 'subos="web",state="running"'] == 1
    free, pool = map(int, supervisor.sh(f"cat {SYSFS}/pool").split())
    assert after["rainforest_pool_free_bytes", ""] == free
    assert after["rainforest_pool_size_bytes", ""] == pool
    assert after["rainforest_cores", 'owner="supervisor",id="0"'] == 1
    assert after["rainforest_cores", f'owner="web",id="{shown["id"]}"'] == 2
    assert after["rainforest_events_total", ""] == supervisor.events()[-1]["sequence"]


@pytest.mark.extended
@pytest.mark.budget(180)
def test_crashes_are_counted(supervisor):
    supervisor.create("web", "2", "--on-crash", "restart", mem="256M")
    with supervisor.shells("web") as shell:
        shell.send("echo c > /proc/sysrq-trigger")
        supervisor.until("until rfm metrics | grep -q 'crashes_total{subos=\"web\"} 1'; do usleep 200000; done", 60)
    supervisor.until("until rfm metrics | grep -q 'starts_total{subos=\"web\"} 2'; do usleep 200000; done", 60)
    supervisor.await_state("web", "running")
    assert of(samples(supervisor.ok("metrics")), "crashes_total") == 1


def test_textfile_without_a_module_says_so(supervisor):
    """Not what was true before; when the module is back, all is."""
    file = "/tmp/rainforest.prom"
    supervisor.ok("metrics", "--textfile", file)
    assert samples(supervisor.sh(f"cat {file}"))["rainforest_up", ""] == 1
    supervisor.sh("rmmod rf_supervisor")
    assert supervisor.rfm("metrics", "--textfile", file).status == NO_MODULE
    assert samples(supervisor.sh(f"cat {file}")) == {("rainforest_up", ""): 0}
    supervisor.sh("modprobe rf_supervisor")
    supervisor.ok("metrics", "--textfile", file)
    assert samples(supervisor.sh(f"cat {file}"))["rainforest_up", ""] == 1


def test_textfile_is_replaced_as_a_whole(supervisor):
    """In a folder of somebody else, who lays a link there."""
    supervisor.sh("mkdir /tmp/collector && chown 1234 /tmp/collector && echo mine > /tmp/precious")
    file = "/tmp/collector/rainforest.prom"
    supervisor.ok("metrics", "--textfile", file)
    first = supervisor.sh(f"cat {file}; stat -c %a {file}; ls -A /tmp/collector")
    assert first.splitlines()[-2:] == ["644", "rainforest.prom"]
    supervisor.create("web", "3", "--no-start", mem="128M")
    supervisor.ok("metrics", "--textfile", file)
    found = samples(supervisor.sh(f"cat {file}"))
    assert found["rainforest_subos_state", 'subos="web",state="loaded"'] == 1
    supervisor.sh(f"ln -sf /tmp/precious {file}; chown -h 1234 {file}")
    assert supervisor.rfm("metrics", "--textfile", file).status == BAD_FILE
    assert supervisor.sh("cat /tmp/precious; ls -A /tmp/collector") == "mine\nrainforest.prom\n"


# ---- map ----


@pytest.mark.extended
@pytest.mark.budget(180)
def test_map_is_what_the_kernels_say(machines):
    """Two nodes, SMT siblings, memory and a PCI function of a subOS."""
    args = ["-smp", "8,cores=2,threads=2,sockets=2"]
    supervisor = Supervisor(machines(cpus=8, snapshot=False, qemu_args=args, disks=["nvme:blank=64M"]))
    bdf = supervisor.machine.bdf("disk0")
    supervisor.create("web", "2-3", "--pci", bdf, mem="256M")
    drawn = supervisor.json("map")
    owners = {each["core"]: each["owner"] for each in drawn["cores"]}
    assert owners == {core: "web" if core in (2, 3) else "supervisor" for core in range(8)}
    for core in (0, 1, 4, 5):  # sysfs knows siblings of cores that are online
        path = f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list"
        said = {each["core"] for each in drawn["cores"] if each["group"] == group_of(drawn, core)}
        assert said == set(cores(supervisor.sh(f"cat {path}").strip()))
    owned = {(each["start"], each["size"]) for each in drawn["memory"] if each["owner"] == "web"}
    assert sum(size for _, size in owned) == 256 * MIB
    shown = supervisor.show("web")
    assert min(start for start, _ in owned) == min(each["start"] for each in shown["ranges"])
    online = int(supervisor.sh("grep -lx online /sys/devices/system/memory/memory*/state | wc -l"))
    held = sum(each["size"] for each in drawn["memory"] if each["owner"] == "supervisor")
    assert held <= online * BLOCK and held > online * BLOCK // 2
    [function] = [each for each in drawn["functions"] if each["function"] == bdf]
    assert function["owner"] == "web"

    text = supervisor.ok("map")
    assert max(map(len, text.splitlines())) <= 80 and "\033" not in text
    assert "2a+3a" in text and bdf in text

    supervisor.ok("map", "--svg", "/tmp/machine.svg")
    assert supervisor.rfm("map", "--svg", "/tmp/machine.svg").status == BAD_FILE
    supervisor.ok("map", "--svg", "/tmp/machine.svg", "--force")
    picture = ElementTree.fromstring(supervisor.sh("cat /tmp/machine.svg"))
    titles = [each.text for each in picture.iter(f"{SVG}title")]
    assert sum(title.startswith("core ") for title in titles) == 8
    assert [title for title in titles if title.startswith("core 3, ") and title.endswith(": subOS web")]
    assert [title for title in titles if bdf in title and title.endswith(": subOS web")]


@pytest.mark.extended
def test_map_in_a_terminal_has_colours(supervisor):
    supervisor.create("web", "3", "--no-start", mem="128M")
    with supervisor.session("env", "TERM=xterm", "rfm", "map", size=(50, 100)) as shown:
        shown.expect("\033\\[38;5;16;48;5;214m3a\033\\[0m")
        assert shown.wait(10) == 0
    with supervisor.session("env", "TERM=xterm", "NO_COLOR=1", "rfm", "map", size=(50, 100)) as shown:
        shown.expect("3a")
        assert shown.wait(10) == 0
        assert "\033" not in shown.text


def group_of(drawn, core):
    return next(each["group"] for each in drawn["cores"] if each["core"] == core)


def cores(text):
    for part in text.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


# ---- members of the operators' group, and strangers ----


@pytest.fixture
def operators(supervisor):
    """A subOS; and what the udev rule does, which this small root has nobody for."""
    supervisor.install({"usr/bin/member": images.static_program("member")})
    assert supervisor.sh("stat -c '%u %g %a' /dev/rainforest") == "0 0 600\n"
    supervisor.sh(f"chgrp {GROUP} /dev/rainforest && chmod 640 /dev/rainforest")
    supervisor.create("web", "2-3", mem="256M")
    return supervisor


def calls_of(supervisor, *words):
    """(descriptor, call) -> how it ended."""
    lines = supervisor.sh(f"member {' '.join(map(str, words))}").splitlines()
    return {tuple(line.split()[:-1]): line.split()[-1] for line in lines}


def check_calls(said):
    for what, numbers in CALLS.items():
        for number in numbers:
            name = f"0x{number:02x}"
            assert said.pop((what, name)) == LOOKS[what].get(name, "EPERM"), (what, name)
        assert said.pop((what, "mmap")) == "ENODEV"
        assert said.pop((what, "write")) in ("EBADF", "EINVAL", "ESPIPE")
    assert said.pop(("subos", "read")) == "EPERM"
    assert said.pop(("machine", "read")) == "EINVAL"
    assert not said, said  # a call that is new: is it for all?


def test_calls_of_a_member(operators):
    check_calls(calls_of(operators, USER, GROUP))
    # Whoever opened it: each call is judged by who makes it.
    check_calls(calls_of(operators, USER, GROUP, "passed"))
    check_calls(calls_of(operators, STRANGER, STRANGER, "passed"))
    # Root's program reads what a member put before it.
    assert calls_of(operators, USER, GROUP, "stdin") == {("read",): "EPERM"}
    assert operators.show("web")["state"] == "running"


def test_a_stranger_opens_nothing(operators):
    assert calls_of(operators, STRANGER, STRANGER) == {("open",): "EACCES"}
    for words in (("list",), ("metrics",), ("destroy", "web")):
        result = operators.machine.exec("member", str(STRANGER), str(STRANGER), "--", "rfm", *words)
        assert result.status == NOT_PERMITTED and result.stderr.count("\n") == 1
        assert "the group 'rainforest'" in result.stderr


@pytest.mark.budget(180)
def test_verbs_of_a_member(operators):
    before = operators.show("web")

    def run(*words):
        return operators.machine.exec("member", str(USER), str(GROUP), "--", "rfm", *words)

    for words in LOOKING:
        result = run(*words)
        # What rfm check says of this machine is another matter.
        assert result.status == 0 or words == ("check",), (words, result.stderr)
    for words in CHANGING:
        result = run(*words)
        assert result.status not in (0, 1), (words, result)
        assert result.stderr.count("\n") == 1, (words, result)
        if words[0] not in ("create", "move", "return", "start"):  # these may find another fault first
            assert result.status == NOT_PERMITTED and "root" in result.stderr, (words, result)
    after = operators.show("web")
    for key in ("id", "state", "cores", "memory", "starts", "ranges", "moments_ns"):
        assert after[key] == before[key], key
    assert [each["name"] for each in operators.json("list")["subos"]] == ["web"]


def test_members_see_no_addresses(operators):
    def seen_json(*words):
        words = ("member", str(USER), str(GROUP), "--", "rfm", *words, "--json")
        return json.loads(operators.machine.exec(*words).stdout)

    whole, seen = operators.show("web"), seen_json("show", "web")
    assert whole["low_slice"] and whole["vmcoreinfo"] and whole["ranges"][0]["start"]
    assert seen["low_slice"] == seen["vmcoreinfo"] == 0
    assert [each["start"] for each in seen["ranges"]] == [0] * len(whole["ranges"])
    assert [each["size"] for each in seen["ranges"]] == [each["size"] for each in whole["ranges"]]
    assert seen["memory"] == whole["memory"]
    held = [each for each in seen_json("map")["memory"] if each["owner"] == "web"]
    assert held and {each["start"] for each in held} == {None}
    assert sum(each["size"] for each in held) == whole["memory"]
    slice_of = operators.machine.exec(
        "member", str(USER), str(GROUP), "--", "cat", f"{SYSFS}/subos/web/low_slice"
    )
    assert slice_of.status != 0


@pytest.mark.extended
@pytest.mark.budget(120)
def test_members_see_no_addresses_in_reasons(operators):
    """What a kernel says when it ends has numbers, and no reader can know which are addresses."""
    # An init that ends: "Attempted to kill init! exitcode=0x00000100".
    kernel = f"/boot/vmlinuz-{operators.version}"
    words = ("create", "short", "--cores", "1", "--mem", "256M", "--kernel", kernel)
    operators.rfm(*words, "--append", "rf.init=/usr/bin/false")
    whole = operators.await_state("short", "crashed")["reason"]
    assert re.search(r"0x[0-9a-f]{8}", whole), whole
    hidden = re.sub(r"0x[0-9a-f]{8}", "0x........", whole)
    member = ("member", str(USER), str(GROUP), "--")
    shown = operators.machine.exec(*member, "rfm", "show", "short", "--json")
    assert json.loads(shown.stdout)["reason"] == hidden
    said = operators.machine.exec(*member, "rfm", "events", "short", "--json").stdout
    assert hidden in said and whole not in said
    assert operators.sh(f"cat {SYSFS}/subos/short/reason") == hidden + "\n"


@pytest.mark.extended
def test_members_do_not_flood_an_agent(operators):
    """However many ask: four questions a second, and each gets an answer."""
    sent = of(samples(operators.ok("metrics")), "ficm_messages_received_total")
    loop = "for i in 1 2 3 4 5 6 7 8 9 10; do rfm top --once --json | grep -c busy_percent; done"
    script = f"for n in 1 2 3 4; do member {USER} {GROUP} -- sh -c '{loop}' & done; wait"
    uptime = "cut -d' ' -f1 /proc/uptime"
    begun = float(operators.sh(uptime))
    answers = operators.sh(script, timeout=120).split()
    took = float(operators.sh(uptime)) - begun
    assert answers == ["2"] * 40  # the supervisor, and web
    received = of(samples(operators.ok("metrics")), "ficm_messages_received_total") - sent
    # The question of each `rfm metrics`, and what the console and grants need.
    assert received <= 4 * took + 10


@pytest.mark.extended
@pytest.mark.budget(240)
def test_udev_gives_it_to_the_group(machines):
    supervisor = Supervisor(machines(rootfs="debian", snapshot=False))
    supervisor.machine.put(paths.SOURCE / "udev/60-rainforest.rules", "/etc/udev/rules.d/60-rainforest.rules")
    look = "udevadm settle; stat -c '%U %G %a' /dev/rainforest"
    assert supervisor.sh(look) == "root root 600\n"
    supervisor.sh(f"echo rainforest:x:{GROUP}: >> /etc/group")
    supervisor.sh("udevadm control --reload && udevadm trigger /dev/rainforest")
    assert supervisor.sh(look, timeout=60) == "root rainforest 640\n"
    # And when the module is loaded anew.
    supervisor.sh("modprobe -r rf_supervisor && modprobe rf_supervisor")
    assert supervisor.sh(look, timeout=60) == "root rainforest 640\n"
