// SPDX-License-Identifier: GPL-2.0
#include "host/function.hpp"

#include "host/machine.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <memory>

extern "C" {
#include <pci/pci.h>
}

namespace rf {

namespace fs = std::filesystem;

namespace {

constexpr unsigned bridge_class = PCI_BASE_CLASS_BRIDGE;
constexpr std::uint16_t virtio_vendor = 0x1af4;

[[noreturn]] void refuse(std::string_view word)
{
	throw Error(Code::bad_value,
		    text("PCI function '", word, "' is not acceptable: give its address, such as "
						 "0000:00:04.0 or 00:04.0; 'rfm pci' lists them"));
}

// One part of an address: hexadecimal digits, as many as sysfs has or fewer.
std::uint32_t parse_part(std::string_view word, std::string_view digits, std::size_t digits_most,
			 std::uint32_t most)
{
	std::uint32_t number = 0;
	const char *last = digits.data() + digits.size();
	const auto [end, error] = std::from_chars(digits.data(), last, number, 16);

	if (digits.empty() || digits.size() > digits_most || error != std::errc{} || end != last ||
	    number > most)
		refuse(word);
	return number;
}

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

void read_vectors(pci_dev *device, Function &function)
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

void read_sysfs(Function &function, const std::string &root)
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

Function read_function(pci_access *access, pci_dev *device, const std::string &root)
{
	constexpr int wanted = PCI_FILL_IDENT | PCI_FILL_CLASS | PCI_FILL_CLASS_EXT |
			       PCI_FILL_CAPS | PCI_FILL_NUMA_NODE;
	Function function;

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

std::uint32_t parse_bdf(std::string_view word)
{
	std::string_view rest = word;
	std::uint32_t domain = 0;
	const auto until = [&](char mark) {
		const std::size_t at = rest.find(mark);
		if (at == rest.npos)
			refuse(word);
		const std::string_view part = rest.substr(0, at);
		rest.remove_prefix(at + 1);
		return part;
	};

	if (std::count(word.begin(), word.end(), ':') > 1)
		domain = parse_part(word, until(':'), 4, 0xffff);
	const std::uint32_t bus = parse_part(word, until(':'), 2, 0xff);
	const std::uint32_t slot = parse_part(word, until('.'), 2, 0x1f);
	const std::uint32_t function = parse_part(word, rest, 1, 7);
	const std::uint32_t bdf = RF_BDF(domain, bus, slot << 3 | function);

	if (bdf == RF_BDF_NONE)
		refuse(word);
	return bdf;
}

std::string format_bdf(std::uint32_t bdf)
{
	char words[16];

	std::snprintf(words, sizeof(words), "%04x:%02x:%02x.%x", RF_BDF_DOMAIN(bdf) & 0xffff,
		      RF_BDF_BUS(bdf), RF_BDF_DEVFN(bdf) >> 3, RF_BDF_DEVFN(bdf) & 7);
	return words;
}

std::vector<std::uint32_t> parse_bdfs(std::string_view list)
{
	std::vector<std::uint32_t> bdfs;

	for (std::size_t from = 0; from <= list.size();) {
		const std::size_t comma = std::min(list.find(',', from), list.size());
		const std::uint32_t bdf = parse_bdf(list.substr(from, comma - from));
		if (std::find(bdfs.begin(), bdfs.end(), bdf) != bdfs.end())
			throw Error(Code::bad_value,
				    text("PCI function ", format_bdf(bdf), " is named twice in '",
					 list, "': name each function once"));
		bdfs.push_back(bdf);
		from = comma + 1;
	}
	if (bdfs.size() > RF_FUNCTIONS_MAX)
		throw Error(Code::bad_value,
			    text(bdfs.size(), " PCI functions were asked for: a subOS has at most ",
				 RF_FUNCTIONS_MAX));
	return bdfs;
}

std::string format_bdfs(const std::vector<std::uint32_t> &bdfs, const char *separator)
{
	std::string list;

	for (const std::uint32_t bdf : bdfs)
		list += text(list.empty() ? "" : separator, format_bdf(bdf));
	return list;
}

Json bdfs_json(const std::vector<std::uint32_t> &bdfs)
{
	Json list = Json::array();

	for (const std::uint32_t bdf : bdfs)
		list.push_back(format_bdf(bdf));
	return list;
}

std::string function_dir(std::uint32_t bdf, const std::string &root)
{
	return root + "/sys/bus/pci/devices/" + format_bdf(bdf);
}

const Function *find_function(const std::vector<Function> &functions, std::uint32_t bdf)
{
	const auto found = std::find_if(functions.begin(), functions.end(),
					[bdf](const Function &one) { return one.bdf == bdf; });
	return found == functions.end() ? nullptr : &*found;
}

std::vector<Function> read_functions(const std::string &root)
{
	const Access access = open_libpci(root);
	std::vector<Function> functions;

	for (pci_dev *device = access ? access->devices : nullptr; device; device = device->next)
		// Domains beyond 16 bits have no RF_BDF(): the supervisor does not know them.
		if (static_cast<unsigned>(device->domain) <= 0xffff)
			functions.push_back(read_function(access.get(), device, root));
	std::sort(functions.begin(), functions.end(),
		  [](const Function &a, const Function &b) { return a.bdf < b.bdf; });
	return functions;
}

} // namespace rf
