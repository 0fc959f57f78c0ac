# SPDX-License-Identifier: GPL-2.0
"""The command `lab`."""

import argparse
import os
import shutil
import sys
import termios
import time
import tty

from . import emulator, qemu, roots
from .config import Config, Device
from .errors import LabError, Timeout
from .kernels import debug, stock, version_of
from .machine import Machine

EXIT_TIMEOUT = 124
EXIT_LAB = 125


def main(argv=None):
    args = parse(sys.argv[1:] if argv is None else argv)
    try:
        return args.verb(args) or 0
    except Timeout as error:
        print(f"lab: {error}", file=sys.stderr)
        return EXIT_TIMEOUT
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return EXIT_LAB
    except KeyboardInterrupt:
        return 130


def parse(argv):
    parser = argparse.ArgumentParser(
        prog="lab",
        description="QEMU machines on which the project is developed, tested and measured.",
        epilog=f"exit status: of the command; {EXIT_TIMEOUT} on a timeout; "
        f"{EXIT_LAB} if the lab or the machine failed",
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    named = name_option()
    machine = machine_options(named)

    add(verbs, "up", up, "start a machine", machine)
    verb = add(verbs, "exec", execute, "run a command as root on the supervisor", named)
    command_options(verb)
    verb = add(verbs, "run", run, "up, exec and down in one", machine)
    command_options(verb)
    for name, action, text in (("put", put, "copy into"), ("get", get, "copy out of")):
        verb = add(verbs, name, action, f"{text} the machine (files and folders)", named)
        verb.add_argument("source", metavar="SRC")
        verb.add_argument("target", metavar="DST")
    verb = add(verbs, "serial", serial, "show what came out of a serial port", named)
    verb.add_argument("port", type=int, choices=range(qemu.SERIALS), metavar="N")
    verb = add(verbs, "bdf", bdf, "show the PCI address of a disk or device", named)
    verb.add_argument("function", metavar="disk0|dev0")
    verb = add(verbs, "shell", shell, "interactive shell on the supervisor", machine)
    verb.add_argument("--up", action="store_true", help="start the machine if it is down; "
                      "one started here goes down with the shell")  # fmt: skip
    add(verbs, "list", show, "list machines")
    add(verbs, "kernels", kernels, "paths of the stock kernel images, separated by colons")
    add(verbs, "version", version, "version of the stock kernel of machines")
    add(verbs, "prepare", prepare, "make what machines with Debian need and what is not built here",
        machine)  # fmt: skip
    add(verbs, "debug-kernel", debug_kernel, "version of the debug kernel, which is built if it is missing")
    verb = add(verbs, "down", down, "stop a machine", named)
    verb.add_argument("--keep", action="store_true", help="keep its logs")
    args = parser.parse_args(argv)
    if hasattr(args, "command"):
        args.command = args.command[1:] if args.command[:1] == ["--"] else args.command
        if not args.command:
            parser.error("no command given")
    return args


def add(verbs, name, action, text, *parents):
    parser = verbs.add_parser(name, help=text, description=text, parents=parents)
    parser.set_defaults(verb=action)
    return parser


def name_option():
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--name", default="default", help="which machine (%(default)s)")
    return options


def machine_options(named):
    options = argparse.ArgumentParser(add_help=False, parents=[named])
    group = options.add_argument_group("the machine")
    group.add_argument("--cpus", type=int, default=Config.cpus, metavar="N", help="%(default)s")
    group.add_argument("--mem", default=Config.mem, metavar="SIZE", help="%(default)s")
    group.add_argument("--kernel", default=Config.kernel, metavar="PATH|VERSION",
                       help="bzImage, Debian version or flavour, or 'debug' (%(default)s)")  # fmt: skip
    group.add_argument("--append", action="append", default=[], metavar="STR",
                       help="more words for the kernel command line (repeatable)")  # fmt: skip
    group.add_argument("--rootfs", choices=("tiny", "debian"), default=Config.rootfs)
    group.add_argument("--pool", choices=("reserved", "runtime"), default=Config.pool,
                       help="memory of subOSes: reserved at boot, or taken at run time")
    group.add_argument("--qemu", default=Config.qemu, metavar="PATH|stock",
                       help="another QEMU; 'stock': the package of Debian's backports")  # fmt: skip
    group.add_argument("--lean", action="store_true",
                       help="a Debian root without other kernels and the small subOS")  # fmt: skip
    group.add_argument("--qemu-arg", dest="qemu_args", action="append", default=[], metavar="ARG",
                       help="repeatable")  # fmt: skip
    group.add_argument("--disk", dest="disks", action="append", default=[],
                       metavar="nvme|virtio:FILE|blank=SIZE[:rootbus|:function][:snapshot]",
                       help="a disk, from disk0 on (repeatable)")  # fmt: skip
    group.add_argument("--device", dest="devices", action="append", default=[],
                       metavar="|".join(Device.KINDS) + "[:rootbus|:function]",
                       help="a device, from dev0 on (repeatable)")  # fmt: skip
    group.add_argument("--iommu", nargs="?", const=True, default=False, choices=(True, "intremap", "ats"),
                       metavar="intremap|ats", help="an IOMMU; with 'intremap', also for "
                       "interrupts; with 'ats', virtio functions cache its translations")
    group.add_argument("--trace", action="store_true",
                       help="log every access of a vCPU to a device")  # fmt: skip
    group.add_argument("--allow-reboot", action="store_true",
                       help="a reset restarts the machine instead of ending it")  # fmt: skip
    group.add_argument("--with-debian-subos", dest="debian_subos", action="store_true",
                       help="have the Debian subOS as /boot/debian-subos.img")  # fmt: skip
    group.add_argument("--snapshot", action="store_true",
                       help="resume a snapshot instead of booting")  # fmt: skip
    group.add_argument("--keep", action="store_true",
                       help="keep the machine's folder when a run ends")  # fmt: skip
    return options


def command_options(parser):
    parser.add_argument("--timeout", type=float, metavar="S")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- CMD")


def config_of(args):
    fields = {name: getattr(args, name) for name in Config.__dataclass_fields__
              if hasattr(args, name)}  # fmt: skip
    return Config(**{**fields, "append": " ".join(args.append)})


def start(args, detached):
    began = time.monotonic()
    config = config_of(args)
    machine = Machine(config)
    try:
        if args.snapshot:
            machine = Machine.from_snapshot(config, detached=detached)
        else:
            machine.start(detached)
    except BaseException:
        if machine.process or machine.pid():
            machine.stop(keep=True)
        raise
    spent = time.monotonic() - began
    print(f"lab: machine '{config.name}' is up after {spent:.1f} s: {config.cpus} cores, "
          f"{config.mem}, {config.rootfs}", file=sys.stderr)  # fmt: skip
    return machine


def up(args):
    start(args, detached=True)


def stream(machine, args):
    """Run the command of @args with this process's own streams."""
    with machine.channel() as channel:
        return channel.run(args.command, 0, writer(1), writer(2), timeout=args.timeout)


def writer(fd):
    def write(data):
        while data:
            data = data[os.write(fd, data) :]

    return write


def execute(args):
    return stream(Machine.attach(args.name), args)


def run(args):
    machine = start(args, detached=False)
    keep = True
    try:
        status = stream(machine, args)
        keep = args.keep
        return status
    finally:
        machine.stop(keep=keep)


def put(args):
    Machine.attach(args.name).put(args.source, args.target)


def get(args):
    Machine.attach(args.name).get(args.source, args.target)


def serial(args):
    machine = Machine(name=args.name)  # also of a machine that is gone, if its folder was kept
    sys.stdout.write(machine.serial(args.port))


def bdf(args):
    print(Machine.attach(args.name).bdf(args.function))


def shell(args):
    machine = Machine(name=args.name)
    started = args.up and not machine.alive()
    machine = start(args, detached=False) if started else Machine.attach(args.name)
    try:
        return terminal(machine)
    finally:
        if started:
            machine.stop(keep=args.keep)


def terminal(machine):
    """A login shell on a terminal of the machine, or fed from a pipe."""
    if not sys.stdin.isatty():
        with machine.channel() as channel:
            return channel.run(["sh", "-l"], 0, writer(1), writer(2))
    saved = termios.tcgetattr(0)
    env = {"TERM": os.environ.get("TERM", "dumb")}
    try:
        tty.setraw(0)
        with machine.channel() as channel:
            return channel.run(["sh", "-l"], 0, writer(1), writer(2), env=env, window=window)
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, saved)


def window():
    columns, rows = shutil.get_terminal_size()
    return rows, columns


def show(_args):
    for name in Machine.names():
        machine = Machine.attach(name)
        config = machine.config
        state = "up" if machine.alive() else "dead"
        print(f"{name}\t{state}\t{config.cpus} cores\t{config.mem}\t{config.rootfs}")


def down(args):
    machine = Machine(name=args.name)
    if not machine.folder.exists():
        raise LabError(f"no machine '{args.name}'")
    machine.stop(keep=args.keep)


def kernels(_args):
    print(":".join(str(kernel.image) for kernel in stock()))


def version(_args):
    print(version_of(Config.kernel))


def prepare(args):
    config = config_of(args)
    emulator.path(config)
    roots.prepare_debian(config)


def debug_kernel(_args):
    print(debug().version)
