# SPDX-License-Identifier: GPL-2.0
"""The one QEMU machine of the project: a configuration as QEMU's command line.

Paths are relative to the machine's folder, in which QEMU runs.
"""

PORTS = 8
SERIALS = 4
# An Intel server to the guest: SMT is shown, and the kernel reads no AMD northbridge.
CPU = "max,vendor=GenuineIntel,family=6,model=85,stepping=4"
QMP_SOCKET = "qmp.sock"
PID_FILE = "pid"
EVENTS = "events.log"


def port_socket(index):
    return f"port{index}.sock"


def serial_log(index):
    return f"serial{index}.log"


def command_line(config, kernel, initrd, append=(), drives=(), incoming=None):
    """@drives: extra QEMU arguments of the root; @incoming: where to take the state from."""
    words = [config.qemu, "-name", f"lab-{config.name}", *machine(config)]
    words += ["-kernel", str(kernel), "-initrd", str(initrd)]
    words += ["-append", " ".join([config.kernel_command_line(), *append])]
    words += consoles() + channels() + [*drives]
    for index, disk in enumerate(config.disks):
        words += disk_device(index, disk)
    words += logging(config)
    if not config.allow_reboot:
        words += ["-action", "reboot=shutdown"]
    if incoming:
        words += ["-incoming", incoming]
    return words + list(config.qemu_args)


def machine(config):
    return [
        "-nodefaults", "-no-user-config", "-display", "none", "-nic", "none",
        "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", CPU,
        "-smp", f"cpus={config.cpus},cores={config.cpus},threads=1,sockets=1",
        "-m", config.mem,
        "-pidfile", PID_FILE,
        "-qmp", f"unix:{QMP_SOCKET},server=on,wait=off",
    ]  # fmt: skip


def consoles():
    words = []
    for index in range(SERIALS):
        words += ["-chardev", f"file,id=serial{index},path={serial_log(index)},append=on"]
        words += ["-device", f"isa-serial,chardev=serial{index},index={index}"]
    return words


def channels():
    words = ["-device", f"virtio-serial-pci,id=lab,max_ports={PORTS + 1}"]
    for index in range(PORTS):
        words += ["-chardev", f"socket,id=port{index},path={port_socket(index)},server=on,wait=off"]
        words += ["-device", f"virtserialport,bus=lab.0,nr={index + 1},chardev=port{index},"
                             f"name=rainforest.lab.{index}"]  # fmt: skip
    return words


def disk_device(index, disk):
    kind = "qcow2" if disk.file.endswith(".qcow2") else "raw"
    drive = f"disk{index}"
    words = ["-drive", f"if=none,id={drive},file={disk.file.replace(',', ',,')},format={kind}"]
    device = {
        "nvme": f"nvme,serial=lab{index},drive={drive}",
        "virtio": f"virtio-blk-pci,drive={drive}",
    }[disk.driver]
    if disk.root_bus:
        return words + ["-device", device]
    port = f"rp{index}"
    return words + ["-device", f"pcie-root-port,id={port},chassis={index + 1},slot={index + 1}",
                    "-device", f"{device},bus={port}"]  # fmt: skip


def logging(config):
    """Resets and their causes always; with --trace, every access of a vCPU to a device."""
    items = ["cpu_reset", "trace:qemu_system_shutdown_request"]
    if config.trace:
        items += ["trace:memory_region_ops_read", "trace:memory_region_ops_write"]
    words = ["-D", EVENTS, "-d", ",".join(items)]
    # A doorbell that QEMU takes as an event is no access, and not traced.
    return words + (["-global", "virtio-pci.ioeventfd=off"] if config.trace else [])
