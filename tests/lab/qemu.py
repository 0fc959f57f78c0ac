# SPDX-License-Identifier: GPL-2.0
"""The one QEMU machine of the project: a configuration as QEMU's arguments.

Paths are relative to the machine's folder, in which QEMU runs.
"""

from .errors import LabError

PORTS = 8
SERIALS = 4
# An Intel server to the guest: SMT is shown, and the kernel reads no AMD northbridge. Off is what
# such a server does not have, and what would change the kernels' ways: the mode of the local APIC,
# which is the firmware's choice on real machines, and copying with "rep movsb", slow under TCG.
CPU = "max,vendor=GenuineIntel,family=6,model=85,stepping=4,x2apic=off,cmp-legacy=off,fsrm=off"
QMP_SOCKET = "qmp.sock"
PID_FILE = "pid"
EVENTS = "events.log"
FUNCTIONS = 8  # of one device


def port_socket(index):
    return f"port{index}.sock"


def serial_log(index):
    return f"serial{index}.log"


def arguments(config, kernel, initrd, append=(), drives=(), state=None):
    """@drives: extra QEMU arguments of the root; @state: a snapshot's, to save or to run on from."""
    words = ["-name", f"lab-{config.name}", *machine(config), *memory(config, state)]
    words += ["-kernel", str(kernel), "-initrd", str(initrd)]
    words += ["-append", " ".join([config.kernel_command_line(), *append])]
    words += iommu(config) + consoles() + channels() + [*drives] + functions(config)
    words += logging(config)
    if not config.allow_reboot:
        words += ["-action", "reboot=shutdown"]
    if state and state.saved:
        words += ["-incoming", "defer"]
    return words + list(config.qemu_args)


def machine(config):
    return [
        "-nodefaults", "-no-user-config", "-display", "none", "-nic", "none",
        "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", CPU,
        "-smp", f"cpus={config.cpus},cores={config.cpus},threads=1,sockets=1",
        # Root ports as servers have them: with hotplug by ACPI, they never show that the link
        # is up, and each reset of what is behind them fails.
        "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
        "-pidfile", PID_FILE,
        "-qmp", f"unix:{QMP_SOCKET},server=on,wait=off",
    ]  # fmt: skip


def memory(config, state):
    """A snapshot's memory is a file; a machine that runs on from it has a private copy of what
    it writes."""
    words = ["-m", config.mem]
    if state:
        file = str(state.memory).replace(",", ",,")
        share = "off" if state.saved else "on"
        backend = f"memory-backend-file,id=ram,size={config.mem},mem-path={file},share={share}"
        words += ["-object", backend, "-machine", "memory-backend=ram"]
    return words


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


def iommu(config):
    """Before all devices: it translates for those that come after it."""
    if not config.iommu:
        return []
    intremap = "on" if config.iommu == "intremap" else "off"
    caches = ",device-iotlb=on" if config.iommu == "ats" else ""
    return ["-device", f"intel-iommu,intremap={intremap}{caches}"]


def functions(config):
    """Disks and devices: each group of functions of one device behind a root port of its own."""
    parts = [(disk, *disk_words(index, disk)) for index, disk in enumerate(config.disks)]
    parts += [(each, *device_words(index, each)) for index, each in enumerate(config.devices)]
    words = []
    for slot, group in enumerate(grouped(parts)):
        place = ""
        if not group[0][0].root_bus:
            port = f"pcie-root-port,id=rp{slot},chassis={slot + 1},slot={slot + 1}"
            words += ["-device", port]
            place = f",bus=rp{slot}"
        for number, (_, backend, device) in enumerate(group):
            at = f",addr=0x0.{number:x}" if len(group) > 1 else ""
            many = ",multifunction=on" if len(group) > 1 and number == 0 else ""
            device += translated(config, device)
            words += [*backend, "-device", f"{device}{place}{at}{many}"]
    return words


def grouped(parts):
    """Parts by the device that they are functions of."""
    groups = []
    for part in parts:
        if not part[0].next_function:
            groups.append([part])
        elif not groups or groups[-1][0][0].root_bus or part[0].root_bus:
            raise LabError("'function' needs a device behind a root port before it")
        elif len(groups[-1]) == FUNCTIONS:
            raise LabError(f"a device has {FUNCTIONS} functions at most")
        else:
            groups[-1].append(part)
    return groups


def disk_words(index, disk):
    """A disk's backend, and what it is."""
    kind = "qcow2" if disk.file.endswith(".qcow2") else "raw"
    drive, file = f"drive{index}", disk.file.replace(",", ",,") or blank_file(index)
    snapshot = ",snapshot=on" if disk.snapshot else ""
    device = {
        "nvme": f"nvme,id=disk{index},serial=lab{index}",
        "virtio": f"virtio-blk-pci,id=disk{index},serial=lab{index}",
    }[disk.driver]
    backend = ["-drive", f"if=none,id={drive},file={file},format={kind}{snapshot}"]
    return backend, f"{device},drive={drive}"


def blank_file(index):
    return f"disk{index}.raw"


def device_words(index, device):
    """A device's backend, and what it is. The network cards share a network of their own."""
    net, mac = f"net{index}", f"52:54:00:12:34:{index:02x}"
    hub = ["-netdev", f"hubport,id={net},hubid=0"]
    backend, what = {
        "e1000e": (hub, f"e1000e,netdev={net},mac={mac}"),
        "virtio-net": (hub, f"virtio-net-pci,netdev={net},mac={mac}"),
        "virtio-rng": ([], "virtio-rng-pci"),
        # All of its 64 bits of address, of which it uses 28 by default.
        "edu": ([], "edu,dma_mask=0xffffffffffffffff"),
    }[device.kind]
    name, _, options = what.partition(",")
    return backend, ",".join([name, f"id=dev{index}", *filter(None, [options])])


def translated(config, device):
    """QEMU lets virtio around the IOMMU unless it is told to use it."""
    if not config.iommu or not device.startswith("virtio-"):
        return ""
    ats = ",ats=on" if config.iommu == "ats" else ""
    return f",iommu_platform=on,disable-legacy=on,disable-modern=off{ats}"


def logging(config):
    """Resets and their causes always; with --trace, every access of a vCPU to a device."""
    items = ["cpu_reset", "trace:qemu_system_shutdown_request"]
    if config.trace:
        items += ["trace:memory_region_ops_read", "trace:memory_region_ops_write"]
    words = ["-D", EVENTS, "-d", ",".join(items)]
    # A doorbell that QEMU takes as an event is no access, and not traced.
    return words + (["-global", "virtio-pci.ioeventfd=off"] if config.trace else [])
