# SPDX-License-Identifier: GPL-2.0
"""Bad input: one line that names the value and what would be accepted, the documented exit code,
and nothing has changed.

All of it is tried on one machine, on which core 3 is lent, core 2 is offline, and core 1 is free.
"""

import itertools
import json
import os
import shlex

import pytest
from functional.functions import Lender, driver
from functional.subos import SYSFS, Supervisor, troubles
from lab import Machine

USAGE, BAD_VALUE, NO_SUCH_SUBOS, BUSY, NOT_ENOUGH, BAD_FILE, NOT_PERMITTED = range(2, 9)
NOT_UP = 10

KERNEL = "/tmp/kernel"
BZIMAGE = "an x86-64 bzImage such as /boot/vmlinuz-* is needed"
CPIO = "a cpio archive (newc), plain or compressed, is needed"
FREE = "cores that can be given: 1"
LIST = "give logical core numbers and ranges, such as 2-3,5"
MULTIPLE = "give a multiple of 2M, such as 512M or 2G"
SIZE = "give bytes, or a number with K, M, G or T"
NAME = "give 1 to 31 of a-z, 0-9, _ and -, beginning with a letter or digit"
BDF = "give its address, such as 0000:00:04.0 or 00:04.0"
KEYS = "keys are: cores, ncores, numa, mem, pci, require-iommu, kernel, initrd, append, uart"

# Offsets in the setup header of a bzImage, see Documentation/arch/x86/boot.rst.
FILES = r"""
set -e
cd /tmp
mkdir folder
ln -s /boot/vmlinuz-$(uname -r) kernel
head -c 100000 kernel >cut
head -c 300 kernel >stub
: >empty
echo "not what it should be" >text
{ printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\267\0'; head -c 100 /dev/zero; } >arm64
number() { hexdump -s $1 -n $2 -e "1/$2 \"%u\"" kernel; }
patch() { cp kernel $1; printf "$3" | dd of=$1 bs=1 seek=$(($2)) conv=notrunc 2>/dev/null; }
patch i386 0x236 '\0'
patch other 0x200+$(number 0x20e 2) 9
patch corrupt "($(number 0x1f1 1) + 1) * 512 + $(number 0x248 4) + 8" '\377\377\377\377'
# Its payload is a plain ELF file, of another machine and as long as is promised.
payload=$((($(number 0x1f1 1) + 1) * 512 + $(number 0x248 4))) size=$(($(number 0x24c 4) - 4))
patch alien $payload '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\267\0'
for shift in 0 8 16 24; do printf "\\$(printf %03o $((size >> shift & 255)))"; done |
    dd of=alien bs=1 seek=$((payload + size)) conv=notrunc 2>/dev/null
head -c 6 /boot/initrd-subos.img >large
truncate -s 16M large
printf 'cores = 1\ncolour = "blue"\n' >unknown.toml
printf 'cores = 1\nwait = 120\n' >wait.toml
printf 'cores 1\n' >line.toml
printf 'cores = 1\ncores = 2\n' >twice.toml
printf 'no-agent = "maybe"\n' >switch.toml
printf '# a subOS\ncores = 2-3\nmem = 512M\n' >old.conf
grep -q nobody /etc/passwd || echo 'nobody:x:65534:65534::/:/bin/sh' >>/etc/passwd
"""

# What is wrong: (options of a create that is right otherwise, exit code, what the line says)
CREATES = {
    "core-unknown": ({"cores": "7"}, BAD_VALUE, ["core 7 does not exist", FREE]),
    "core-offline": ({"cores": "1-2"}, BAD_VALUE, ["core 2 is offline", FREE]),
    "core-lent": ({"cores": "1,3"}, BAD_VALUE, ["core 3 belongs to subOS 'lent'", FREE]),
    "core-doubled": ({"cores": "1,1"}, BAD_VALUE, ["core 1", "'1,1'", "name each core once"]),
    "core-0": ({"cores": "0-1"}, BAD_VALUE, ["core 0 always stays", FREE]),
    "cores-empty": ({"cores": ""}, BAD_VALUE, ["''", LIST]),
    "cores-word": ({"cores": "all"}, BAD_VALUE, ["'all'", LIST]),
    "cores-backwards": ({"cores": "3-1"}, BAD_VALUE, ["'3-1'", LIST]),
    "cores-billions": ({"cores": "1-4294967295"}, BAD_VALUE, ["'1-4294967295'", LIST]),
    "cores-twofold": ({"ncores": "1"}, USAGE, ["either --cores LIST or --ncores N"]),
    "ncores-0": ({"cores": None, "ncores": "0"}, BAD_VALUE, ["'0'", "from 1 to 256"]),
    "ncores-many": ({"cores": None, "ncores": "2"}, NOT_ENOUGH, ["2 cores", "1 can be given"]),
    "numa-unknown": ({"numa": "5"}, BAD_VALUE, ["numa node 5 does not exist", "0 to 0"]),
    "memory-0": ({"mem": "0"}, BAD_VALUE, ["memory '0'", MULTIPLE]),
    "memory-empty": ({"mem": ""}, BAD_VALUE, ["mem is empty", "512M"]),
    "memory-word": ({"mem": "much"}, BAD_VALUE, ["memory 'much'", SIZE]),
    "memory-unit": ({"mem": "12Q"}, BAD_VALUE, ["memory '12Q'", SIZE]),
    "memory-negative": ({"mem": "-512M"}, BAD_VALUE, ["memory '-512M'", SIZE]),
    "memory-overflow": ({"mem": "99999999999T"}, BAD_VALUE, ["memory '99999999999T'", SIZE]),
    "memory-odd": ({"mem": "513M"}, BAD_VALUE, ["memory '513M'", "of 2M: give 512M or 514M"]),
    "memory-decimal": ({"mem": "512MB"}, BAD_VALUE, ["512000000 bytes", "give 488M or 490M"]),
    "memory-much": ({"mem": "100G"}, NOT_ENOUGH, ["memory 100G", "at most", "M could be given"]),
    "memory-little": ({"mem": "2M"}, BAD_VALUE, ["memory 2M is too small", "give at least"]),
    "kernel-missing": ({"kernel": "/tmp/none"}, BAD_FILE, ["'/tmp/none': No such file", BZIMAGE]),
    "kernel-folder": ({"kernel": "/tmp/folder"}, BAD_FILE, ["'/tmp/folder': not a regu", BZIMAGE]),
    "kernel-empty": ({"kernel": "/tmp/empty"}, BAD_FILE, ["'/tmp/empty': the file is", BZIMAGE]),
    "kernel-cut": ({"kernel": "/tmp/cut"}, BAD_FILE, ["'/tmp/cut': truncated: 100000 bytes",
                                                      "whole bzImage is needed"]),
    "kernel-stub": ({"kernel": "/tmp/stub"}, BAD_FILE, ["'/tmp/stub': truncated", BZIMAGE]),
    "kernel-text": ({"kernel": "/tmp/text"}, BAD_FILE, ["'/tmp/text': a text file", BZIMAGE]),
    "kernel-i386": ({"kernel": "/tmp/i386"}, BAD_FILE, ["'/tmp/i386'", "32-bit", BZIMAGE]),
    "kernel-arm64": ({"kernel": "/tmp/arm64"}, BAD_FILE, ["an ELF file (arm64)", BZIMAGE]),
    "kernel-elf": ({"kernel": "/bin/busybox"}, BAD_FILE, ["an ELF file (x86-64)", BZIMAGE]),
    "kernel-corrupt": ({"kernel": "/tmp/corrupt"}, BAD_FILE, ["'/tmp/corrupt'", "is corrupt"]),
    "kernel-alien": ({"kernel": "/tmp/alien"}, BAD_FILE, ["'/tmp/alien'", "machine 183"]),
    "kernel-foreign": ({"kernel": "/tmp/other", "initrd": "/boot/initrd-subos.img"}, BAD_FILE,
                       ["rf_ficm.ko for kernel 9.", "apt install linux-headers-9."]),
    "initrd-missing": ({"initrd": "/tmp/none"}, BAD_FILE, ["'/tmp/none': No such file", CPIO]),
    "initrd-text": ({"initrd": "/tmp/text"}, BAD_FILE, ["'/tmp/text'", CPIO]),
    "initrd-large": ({"initrd": "/tmp/large", "mem": "80M"}, BAD_VALUE,
                     ["memory 80M is too small", "'/tmp/large' (16777216 bytes)",
                      "give at least 8"]),
    "name-in-use": ({"name": "lent"}, BUSY, ["'lent' exists", "choose another name"]),
    "name-empty": ({"name": ""}, BAD_VALUE, ["name '' is empty", NAME]),
    "name-long": ({"name": "x" * 32}, BAD_VALUE, ["is too long", NAME]),
    "name-upper-case": ({"name": "Web"}, BAD_VALUE, ["name 'Web'", NAME]),
    "name-path": ({"name": "../web"}, BAD_VALUE, ["name '../web'", NAME]),
    "name-lines": ({"name": "a\nb"}, BAD_VALUE, ["name 'a?b'", NAME]),
    "append-lines": ({"append": "a\nb"}, BAD_VALUE, ["append 'a?b'", "give one line"]),
    "append-long": ({"append": "x" * 3000}, BAD_VALUE, ["append makes", "2047 are possible"]),
    "append-crashkernel": ({"append": "crashkernel=1M"}, BAD_VALUE,
                           ["append 'crashkernel=1M' is not possible", "'rfm dump'"]),
    "append-memmap": ({"append": "memmap=1G@0x10000000"}, BAD_VALUE,
                      ["append 'memmap=1G@0x10000000' is not possible", "--mem"]),
    "append-quoted": ({"append": 'quiet "acpi=off"'}, BAD_VALUE, ["'\"acpi=off\"'", "ACPI tables"]),
    "append-open": ({"append": 'quiet x="y'}, BAD_VALUE, ["append 'x=\"y'", "a quote is left open"]),
    "append-hidden": ({"append": "-- earlyprintk=vga"}, BAD_VALUE, ["'earlyprintk='", "behind --"]),
    "append-maxcpus": ({"append": "quiet maxcpus=2"}, BAD_VALUE, ["append 'maxcpus=2'", "--ncores"]),
    "on-crash-unknown": ({"on-crash": "burn"}, BAD_VALUE,
                         ["on-crash 'burn'", "keep, restart, destroy"]),
    "on-reboot-unknown": ({"on-reboot": "destroy"}, BAD_VALUE,
                          ["on-reboot 'destroy'", "restart, keep"]),
    "restarts-word": ({"restarts": "ever"}, BAD_VALUE, ["restarts 'ever'", "from 0 to"]),
    "hang-timeout-0": ({"hang-timeout": "0"}, BAD_VALUE, ["hang-timeout '0'", "from 1s to 1h"]),
    "uart-unknown": ({"uart": "com1"}, BAD_VALUE, ["uart 'com1'", "give ttyS0, ttyS1"]),
    "uart-console": ({"uart": "ttyS0"}, BAD_VALUE, ["uart 'ttyS0' is a console", "give another"]),
    "pci-unknown": ({"pci": "0000:7f:00.0"}, BAD_VALUE, ["0000:7f:00.0 does not", "'rfm pci'"]),
    "pci-domain-unknown": ({"pci": "0007:00:01.0"}, BAD_VALUE, ["0007:00:01.0 does not exist"]),
    "pci-empty": ({"pci": ""}, BAD_VALUE, ["''", BDF]),
    "pci-word": ({"pci": "nvme0"}, BAD_VALUE, ["'nvme0'", BDF]),
    "pci-short": ({"pci": "00:1f"}, BAD_VALUE, ["'00:1f'", BDF]),
    "pci-device": ({"pci": "0000:00:20.0"}, BAD_VALUE, ["'0000:00:20.0'", BDF]),
    "pci-function": ({"pci": "0000:00:1f.8"}, BAD_VALUE, ["'0000:00:1f.8'", BDF]),
    "pci-lines": ({"pci": "a\nb"}, BAD_VALUE, ["'a?b'", BDF]),
    "pci-comma": ({"pci": "00:1f.3,"}, BAD_VALUE, ["''", BDF]),
    "pci-doubled": ({"pci": "0000:00:1f.3,00:1f.3"}, BAD_VALUE, ["0000:00:1f.3", "named twice",
                                                                 "name each function once"]),
    "pci-many": ({"pci": ",".join(f"00:{slot:02x}.0" for slot in range(1, 18))}, BAD_VALUE,
                 ["17 PCI functions", "at most 16"]),
    "pci-bridge": ({"pci": "0000:00:1f.0"}, BAD_VALUE, ["0000:00:1f.0 is a bridge", "stay with"]),
    "pci-host-bridge": ({"pci": "00:00.0"}, BAD_VALUE, ["0000:00:00.0 is a bridge", "stay with"]),
    "pci-no-msi": ({"pci": "0000:00:1f.3"}, BAD_VALUE, ["0000:00:1f.3", "neither MSI nor MSI-X"]),
    "pci-no-iommu": ({"pci": "0000:00:1f.2", "force": True, "require-iommu": True}, BAD_VALUE,
                     ["0000:00:1f.2", "IOMMU", "--require-iommu"]),
    "pci-no-agent": ({"pci": "0000:00:1f.2", "no-agent": True}, BAD_VALUE,
                     ["0000:00:1f.2", "--no-agent"]),
    "force-what": ({"force": True}, USAGE, ["--force", "--pci"]),
    "timeout-word": ({"timeout": "long"}, BAD_VALUE, ["timeout 'long'", "from 0s to 1d", "500ms"]),
    "timeout-old": ({"wait": "60"}, USAGE, ["--wait is now --timeout", "--timeout 30s"]),
    "config-missing": ({"config": "/tmp/none"}, BAD_FILE, ["'/tmp/none': No such", "key = value"]),
    "config-key": ({"config": "/tmp/unknown.toml"}, BAD_VALUE,
                   ["'/tmp/unknown.toml', line 2: unknown key 'colour'", KEYS]),
    "config-line": ({"config": "/tmp/line.toml"}, BAD_VALUE, ["line 1", "expected '='", KEYS]),
    "config-renamed": ({"config": "/tmp/wait.toml"}, BAD_VALUE,
                       ["line 2: key 'wait' is now 'timeout'", 'timeout = "TIME"']),
    "config-twice": ({"config": "/tmp/twice.toml"}, BAD_VALUE,
                     ["line 2: key 'cores' is given twice"]),
    "config-switch": ({"config": "/tmp/switch.toml"}, BAD_VALUE,
                      ["line 1", "'no-agent'", "give true or false"]),
    "config-old": ({"config": "/tmp/old.conf"}, BAD_VALUE,
                   ["'/tmp/old.conf', line 2: key 'cores'", "the old form", "TOML", 'cores = "']),
}  # fmt: skip

OTHERS = {
    "no-verb": ("", USAGE, ["no command given"]),
    "verb-unknown": ("frob", USAGE, ["unknown command 'frob'", "commands are: check, "]),
    "option-unknown": ("list --frob", USAGE, ["'--frob'", "rfm help list"]),
    "operand-missing": ("show", USAGE, ["missing operand", "rfm show NAME"]),
    "operand-excess": ("show lent web", USAGE, ["unexpected argument 'web'", "rfm show NAME"]),
    "destroy-what": ("destroy", USAGE, ["give either subOS names", "--all"]),
    "destroy-unknown": ("destroy lent web", NO_SUCH_SUBOS, ["'web'", "existing subOSes: lent"]),
    "show-unknown": ("show web", NO_SUCH_SUBOS, ["'web'", "existing subOSes: lent"]),
    "log-unknown": ("log web", NO_SUCH_SUBOS, ["'web'", "existing subOSes: lent"]),
    "resize-what": ("resize lent", USAGE, ["nothing to change", "--mem"]),
    "resize-twofold": ("resize lent --cores 1 --ncores 1", USAGE, ["--cores or --ncores"]),
    "resize-unknown": ("resize web --mem 1G", NO_SUCH_SUBOS, ["'web'", "existing subOSes: lent"]),
    "resize-core-0": ("resize lent --cores +0", BAD_VALUE, ["core 0 always stays", FREE]),
    "resize-core-offline": ("resize lent --cores +2", BAD_VALUE, ["core 2 is offline", FREE]),
    "resize-core-had": ("resize lent --cores +3", BAD_VALUE, ["core 3 belongs", "'lent' already"]),
    "resize-core-not-had": ("resize lent --cores -1", BAD_VALUE, ["core 1", "it has cores 3"]),
    "resize-boot-core": ("resize lent --cores -3", BAD_VALUE, ["core 3 is the boot core"]),
    "resize-boot-core-left-out": ("resize lent --cores 1", BAD_VALUE, ["core 3 is the boot core"]),
    "resize-cores-word": ("resize lent --cores +all", BAD_VALUE, ["'all'", LIST]),
    "resize-ncores-0": ("resize lent --ncores 0", BAD_VALUE, ["ncores '0'", "from 1 to 256"]),
    "resize-ncores-few": ("resize lent --ncores -1", BAD_VALUE, ["keeps its boot core"]),
    "resize-ncores-many": ("resize lent --ncores +9", NOT_ENOUGH, ["9 cores", "1 can be given"]),
    "resize-memory-word": ("resize lent --mem +much", BAD_VALUE, ["memory 'much'", SIZE]),
    "resize-memory-all": ("resize lent --mem -80M", BAD_VALUE, ["'-80M'", "'lent' has 80M"]),
    "resize-memory-much": ("resize lent --mem +100G", NOT_ENOUGH, ["memory 100G", "at most"]),
    "resize-timeout": ("resize lent --mem +2M -t 0", BAD_VALUE, ["timeout '0'", "from 1ms to 1d"]),
    "resize-not-running": ("resize lent --cores +1", NOT_UP, ["'lent' is not running: loaded"]),
    "resize-pci-no-sign": ("resize lent --pci 00:1f.2", BAD_VALUE, ["'00:1f.2'", "+", "-"]),
    "resize-pci-word": ("resize lent --pci +nvme0", BAD_VALUE, ["'nvme0'", BDF]),
    "resize-pci-unknown": ("resize lent --pci +7f:00.0", BAD_VALUE, ["0000:7f:00.0 does not"]),
    "resize-pci-bridge": ("resize lent --pci +00:1f.0", BAD_VALUE, ["0000:00:1f.0 is a bridge"]),
    "resize-pci-not-had": ("resize lent --pci -00:1f.2", BAD_VALUE, ["0000:00:1f.2", "'lent'"]),
    "resize-force": ("resize lent --cores +1 --force", USAGE, ["--force", "--pci"]),
    "pci-what": ("pci nvme0", BAD_VALUE, ["'nvme0'", BDF]),
    "pci-who": ("pci 0000:7f:00.0", BAD_VALUE, ["0000:7f:00.0 does not exist"]),
    "pci-vf-none": ("pci vf 00:1f.2 1", BAD_VALUE, ["0000:00:1f.2", "SR-IOV"]),
    "pci-vf-word": ("pci vf 00:1f.2 many", BAD_VALUE, ["'many'", "from 0 to"]),
    "pci-vf-what": ("pci vf 00:1f.2", USAGE, ["rfm pci"]),
    "move-what": ("move lent lent", USAGE, ["--cores is missing"]),
    "move-to-itself": ("move --cores 3 lent lent", BAD_VALUE, ["'lent' cannot be both"]),
    "move-one": ("move --cores 3 lent", USAGE, ["missing operand", "rfm move FROM TO"]),
    "move-unknown": ("move --cores 3 lent web", NO_SUCH_SUBOS, ["'web'", "existing subOSes: lent"]),
    "return-not-borrowed": ("return lent --cores 3", BAD_VALUE, ["core 3", "borrowed: none"]),
    "stop-unknown": ("stop lent web", NO_SUCH_SUBOS, ["'web'", "existing subOSes: lent"]),
    "stop-timeout": ("stop lent --timeout soon", BAD_VALUE, ["timeout 'soon'", "from 0s to 1d"]),
    "start-unknown": ("start web", NO_SUCH_SUBOS, ["'web'", "existing subOSes: lent"]),
    "start-timeout": ("start lent --timeout x", BAD_VALUE, ["timeout 'x'", "from 0s to 1d"]),
    "start-old": ("start lent --wait 5", USAGE, ["--wait is now --timeout", "rfm start NAME"]),
    "option-before": ("--follow log lent", USAGE, ["unknown option '--follow' before", "rfm help"]),
    "quiet-verbose": ("list -q -v", USAGE, ["either --quiet or --verbose"]),
    "log-level": ("log lent --level loud", BAD_VALUE, ["level 'loud'", "emerg, alert, crit, err"]),
    "log-last": ("log lent -n some", BAD_VALUE, ["last 'some'", "from 0 to"]),
    "log-timeout": ("log lent -f -t 5", USAGE, ["either --follow or --timeout"]),
    "events-since": ("events --since 2026", BAD_VALUE, ["since '2026'", "10m", "today"]),
    "restart-unknown": ("restart web", NO_SUCH_SUBOS, ["'web'", "existing subOSes: lent"]),
}

# As JSON: one of each exit code.
JSON = ["core-lent", "cores-twofold", "memory-much", "kernel-text", "name-in-use", "name-lines"]


def create_words(options):
    given = {"name": "web", "cores": "1", "mem": "256M", "kernel": KERNEL} | options
    name = given.pop("name")
    pairs = [
        (f"--{key}",) if value is True else (f"--{key}", value)
        for key, value in given.items()
        if value is not None
    ]
    return ["create", name, *itertools.chain(*pairs)]


class Host(Supervisor):
    """A supervisor on which nothing may change."""

    LOOK = f"""
        cat /sys/devices/system/cpu/online {SYSFS}/pool {SYSFS}/low_slices /proc/iomem
        ls {SYSFS}/subos
        cut -d' ' -f1-3 /proc/modules
        cd /sys/devices/system/memory
        grep -H . memory*/state memory*/valid_zones
    """

    def remember(self):
        self.sh(f"({self.LOOK}) >/tmp/before")

    def unchanged(self, script):
        """Run @script; what is not as remembered afterwards goes to standard output."""
        script = f"{script}\nstatus=$?; ({self.LOOK}) | diff /tmp/before -; exit $status"
        return self.machine.exec(script)

    def refuses(self, words, status, parts, user=None):
        """Check that `rfm @words` is refused as it should be."""
        command = shlex.join(["rfm", *words])
        if user:
            command = shlex.join(["su", "-s", "/bin/sh", "-c", command, user])
        result = self.unchanged(command)
        line = result.stderr.removesuffix("\n")
        assert result.status == status and not result.stdout, result
        assert line.startswith("rfm: ") and line.isprintable(), result
        assert not [part for part in parts if part not in line], result


@pytest.fixture(scope="module")
def machine(request):
    # A number that no other machine of this process gets.
    machine = Machine(name=f"test-{os.getpid()}-1000000").start_from_snapshot()
    failed = request.session.testsfailed
    yield machine
    complaints = troubles(machine.dmesg())
    machine.stop(keep=complaints or request.session.testsfailed > failed)
    assert not complaints


@pytest.fixture(scope="module")
def host(machine):
    host = Host(machine)
    host.sh(FILES)
    host.create("lent", "3", "--no-start", "--no-agent", mem="80M")
    # The arena keeps what a second subOS had of it for the next one.
    host.create("second", "2", "--no-start", "--no-agent", mem="80M")
    host.destroy("second")
    host.sh("echo 0 > /sys/devices/system/cpu/cpu2/online")
    host.remember()
    whole = host.state()
    yield host
    assert host.state() == whole


@pytest.mark.parametrize("wrong", CREATES)
def test_create(host, wrong):
    options, status, parts = CREATES[wrong]
    host.refuses(create_words(options), status, parts)


@pytest.mark.parametrize("wrong", OTHERS)
def test_other_verbs(host, wrong):
    words, status, parts = OTHERS[wrong]
    host.refuses(words.split(), status, parts)


@pytest.mark.parametrize("wrong", JSON)
def test_json(host, wrong):
    """The same as JSON, on standard output."""
    options, status, parts = CREATES[wrong]
    result = host.rfm(*create_words(options), "--json")
    assert result.status == status and not result.stderr
    assert result.stdout.count("\n") == 1
    error = json.loads(result.stdout)["error"]
    kinds = {row["code"]: row["kind"] for row in host.json("help")["exit_codes"]}
    assert (error["code"], error["kind"]) == (status, kinds[status])
    assert not [part for part in parts if part not in error["message"]], error


@pytest.mark.parametrize(
    "verb",
    ["create", "list", "show", "log", "resize", "return", "stop", "start", "restart", "destroy"],
)
def test_not_root(host, verb):
    words = {
        "create": create_words({}),
        "list": ["list"],
        "resize": ["resize", "lent", "--mem", "1G"],
    }.get(verb, [verb, "lent"])
    host.refuses(words, NOT_PERMITTED, ["needs root", "user id 65534"], user="nobody")


def rivals(host, script):
    """Two creates of core 1. @script sets a and b to their exit codes, their errors in files."""
    options = {"mem": "80M", "append": "panic=1"}
    create = shlex.join(["rfm", *create_words(options), "--no-start", "--no-agent"])
    result = host.unchanged(f"""
        cd /tmp
        first='{create}' second='{create.replace(" web ", " rival ")}'
        {script}
        echo $a $b >&2; cat a b >&2
        test $a != 0 || rfm destroy web >/dev/null
        test $b != 0 || rfm destroy rival >/dev/null""")
    assert result.ok and not result.stdout, result
    statuses, *lines = result.stderr.splitlines()
    return statuses, [line for line in lines if not line.startswith("rfm: note: append ")]


def test_second_while_first_builds(host):
    """The first has taken its core, and has not made its subOS yet."""
    statuses, lines = rivals(host, """
        echo 600 > /sys/kernel/debug/rainforest/stall_cores
        $first >/dev/null 2>a & pid=$!
        until grep -qx rf_hotplug /proc/[0-9]*/comm; do :; done
        $second >/dev/null 2>b; b=$?
        echo 0 > /sys/kernel/debug/rainforest/stall_cores; wait $pid; a=$?
        """)  # fmt: skip
    assert statuses == f"0 {BUSY}"
    (line,) = lines
    assert "core 1 changes hands right now" in line and "choose another" in line


def test_second_plans_while_first_finishes(host):
    """The second has found the core free, and when it asks for it, it is lent."""
    statuses, lines = rivals(host, """
        # Before it asks, it says what it leaves out: into a pipe that is full.
        mkfifo full && exec 9<>full 8<full && head -c 65536 /dev/zero >&9
        $second >/dev/null 2>full & pid=$!
        until read -r call fd rest </proc/$pid/syscall; [ "$call $fd" = "1 0x2" ]; do
            kill -0 $pid || break
        done
        $first >/dev/null 2>a; a=$?
        dd bs=65536 count=1 <&8 >/dev/null 2>&1; wait $pid; b=$?
        exec 9>&-; cat <&8 >b; exec 8<&-; rm full
        """)  # fmt: skip
    assert statuses == f"0 {BUSY}"
    (line,) = lines
    assert "core 1 was given to another subOS in the meantime" in line and "choose another" in line


def test_two_at_the_same_time(host):
    """Whoever wins, the other one hears that it is too late."""
    statuses, lines = rivals(host, """
        $first >/dev/null 2>a & pid=$!
        $second >/dev/null 2>b; b=$?; wait $pid; a=$?
        """)  # fmt: skip
    assert sorted(statuses.split()) == ["0", str(BUSY)]
    (line,) = lines
    assert "changes hands right now" in line or "in the meantime" in line


@pytest.fixture(scope="module")
def odd(shared_machines):
    """Cores 0-1 and 2-3 are SMT siblings, and ports never show that their link is up again."""
    return shared_machines(
        snapshot=False,
        devices=["e1000e"],
        qemu_args=["-smp", "4,cores=2,threads=2,sockets=1",
                   "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=on"],
    )  # fmt: skip


@pytest.mark.extended
def test_failed_reset(odd):
    """Refused when it turns out, and its driver has it again; not so once a subOS had it."""
    lender = Lender(odd)
    bdf = lender.bdf("dev0")
    assert lender.functions()[bdf]["problem"] is None
    create = ("create", "web", "--cores", "2-3", "--mem", "256M", "--no-start", "--pci", bdf,
              "--kernel", f"/boot/vmlinuz-{lender.version}")  # fmt: skip
    result = lender.rfm(*create)
    line = result.stderr.splitlines()[-1]
    assert result.status == BAD_VALUE and bdf in line and "--force" in line, result
    lender.unchanged()
    assert lender.functions()[bdf]["problem"] == "stuck"
    lender.refuses(create, BAD_VALUE, bdf, "--force")
    lender.create("web", "2-3", "--no-start", "--force", "--pci", bdf, mem="256M")
    assert lender.lent() == {bdf}
    lender.destroy("web")
    assert driver(lender.sh, bdf) == "" and lender.functions()[bdf]["problem"] == "stuck"


def test_split_siblings(odd):
    host = Host(odd)
    host.sh(f"echo text >{KERNEL}")
    host.remember()
    for cores, status, parts in (
        ("3", BAD_VALUE, ["cores 2-3 are SMT siblings and stay together", "leave out core 3"]),
        ("2,1", BAD_VALUE, ["cores 2-3 are SMT siblings", "add core 3 or leave out core 2"]),
        ("1", BAD_VALUE, ["core 1 is an SMT sibling of core 0", "leave it out"]),
        ("2-3", BAD_FILE, ["a text file"]),
    ):
        host.refuses(create_words({"cores": cores}), status, parts)
    host.refuses(create_words({"cores": None, "ncores": "1"}), BAD_VALUE,
                 ["1 cores cannot be made up of whole groups", "ask for 2"])  # fmt: skip
