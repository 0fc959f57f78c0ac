// SPDX-License-Identifier: GPL-2.0
#include "host/pci_function.hpp"

#include "base/pci_address.hpp"
#include "host/machine.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>
#include <sstream>

extern "C" {
#include <pci/pci.h>
}

namespace rf {

namespace fs = std::filesystem;

namespace {

constexpr unsigned bridge_class = PCI_BASE_CLASS_BRIDGE;
constexpr std::uint16_t virtio_vendor = 0x1af4;

void be_silent(char *, ...) {}

using Access = std::unique_ptr<pci_access, decltype(&pci_cleanup)>;

// libpci calls exit() when it finds no way to reach PCI: ask it only where sysfs has a
// PCI bus.
Access open_libpci(const std::string &root)
{
	const std::string bus = root + "/sys/bus/pci";

	if (!fs::exists(bus + "/devices"))
		return {nullptr, pci_cleanup};
	Access access(pci_alloc(), pci_cleanup);
	access->method = PCI_ACCESS_SYS_BUS_PCI;
	// What other users than root cannot read is left out, not complained about.
	access->warning = be_silent;
	pci_set_param(access.get(), const_cast<char *>("sysfs.path"),
		      const_cast<char *>(bus.c_str()));
	pci_init(access.get());
	pci_scan_bus(access.get());
	return access;
}

void read_vectors(pci_dev *device, PciFunction &function)
{
	u8 capability[4];

	// Only root reads beyond the standard header.
	if (!pci_read_block(device, 0x40, capability, sizeof(capability)))
		return;
	const pci_cap *msi = pci_find_cap(device, PCI_CAP_ID_MSI, PCI_CAP_NORMAL);
	const pci_cap *msix = pci_find_cap(device, PCI_CAP_ID_MSIX, PCI_CAP_NORMAL);
	const auto flags = [&](const pci_cap *cap, int at) {
		return unsigned{pci_read_word(device, static_cast<int>(cap->addr) + at)};
	};

	function.msi = msi ? 1u << ((flags(msi, PCI_MSI_FLAGS) & PCI_MSI_FLAGS_QMASK) >> 1) : 0;
	function.msix = msix ? (flags(msix, PCI_MSI_FLAGS) & PCI_MSIX_TABSIZE) + 1 : 0;
}

std::string lookup(pci_access *access, int what, int first, int second = 0)
{
	char name[256];
	const char *found = pci_lookup_name(access, name, sizeof(name), what, first, second);

	return found ? found : "";
}

unsigned read_unsigned(const std::string &path)
{
	const std::string line = read_line(path);
	unsigned number = 0;

	std::from_chars(line.data(), line.data() + line.size(), number);
	return number;
}

// The last part of where a link leads, "" if there is none.
std::string link_name(const std::string &path)
{
	std::error_code error;

	return fs::read_symlink(path, error).filename();
}

// As sysfs lists what the PCI core can do. "pm" leaves the device's DMA running.
rf_reset_way read_reset(const std::string &dir, std::uint16_t vendor)
{
	std::istringstream words(read_line(dir + "/reset_method"));
	std::string word;
	rf_reset_way way = RF_RESET_NONE;

	while (words >> word) {
		if (word == "flr" || word == "af_flr" || word == "device_specific" ||
		    word == "acpi")
			return RF_RESET_FUNCTION;
		if (word == "bus")
			way = RF_RESET_BUS;
	}
	return way == RF_RESET_NONE && vendor == virtio_vendor ? RF_RESET_VIRTIO : way;
}

void read_sysfs(PciFunction &function, const std::string &root)
{
	const std::string dir = function_dir(function.bdf, root);
	const std::string group = link_name(dir + "/iommu_group");
	const std::string physical = link_name(dir + "/physfn");

	function.driver = link_name(dir + "/driver");
	function.reset = read_reset(dir, function.vendor);
	function.dma_bits = function.driver.empty() ? 0 : read_unsigned(dir + "/dma_mask_bits");
	function.vfs = read_unsigned(dir + "/sriov_numvfs");
	function.vfs_most = read_unsigned(dir + "/sriov_totalvfs");
	if (unsigned number = 0;
	    std::from_chars(group.data(), group.data() + group.size(), number).ec == std::errc{})
		function.iommu_group = number;
	if (!physical.empty())
		function.physical = parse_bdf(physical);
}

PciFunction read_function(pci_access *access, pci_dev *device, const std::string &root)
{
	constexpr int wanted = PCI_FILL_IDENT | PCI_FILL_CLASS | PCI_FILL_CLASS_EXT |
			       PCI_FILL_CAPS | PCI_FILL_NUMA_NODE;
	PciFunction function;

	pci_fill_info(device, wanted);
	function.bdf = RF_BDF(device->domain, device->bus, device->dev << 3 | device->func);
	function.class_code = static_cast<std::uint32_t>(device->device_class) << 8 |
			      device->prog_if;
	function.vendor = device->vendor_id;
	function.device = device->device_id;
	function.class_name = lookup(access, PCI_LOOKUP_CLASS, device->device_class);
	function.vendor_name = lookup(access, PCI_LOOKUP_VENDOR, device->vendor_id);
	function.device_name =
		lookup(access, PCI_LOOKUP_DEVICE, device->vendor_id, device->device_id);
	function.node = device->numa_node;
	function.bridge = device->device_class >> 8 == bridge_class;
	read_vectors(device, function);
	read_sysfs(function, root);
	return function;
}

} // namespace

std::string function_dir(std::uint32_t bdf, const std::string &root)
{
	return root + "/sys/bus/pci/devices/" + format_bdf(bdf);
}

const PciFunction *find_function(const std::vector<PciFunction> &functions, std::uint32_t bdf)
{
	const auto found = std::find_if(functions.begin(), functions.end(),
					[bdf](const PciFunction &one) { return one.bdf == bdf; });
	return found == functions.end() ? nullptr : &*found;
}

std::vector<PciFunction> read_functions(const std::string &root)
{
	const Access access = open_libpci(root);
	std::vector<PciFunction> functions;

	for (pci_dev *device = access ? access->devices : nullptr; device; device = device->next)
		// Domains beyond 16 bits have no RF_BDF(): the supervisor does not know them.
		if (static_cast<unsigned>(device->domain) <= 0xffff)
			functions.push_back(read_function(access.get(), device, root));
	std::sort(functions.begin(), functions.end(),
		  [](const PciFunction &a, const PciFunction &b) { return a.bdf < b.bdf; });
	return functions;
}

} // namespace rf
