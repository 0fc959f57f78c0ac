// SPDX-License-Identifier: GPL-2.0
#include "operations/virtual_functions.hpp"

#include "base/descriptor.hpp"
#include "base/pci_address.hpp"
#include "host/device_users.hpp"
#include "host/pci_function.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

namespace rf {

namespace fs = std::filesystem;

namespace {

void write_attribute(std::uint32_t bdf, const std::string &root, const char *attribute,
		     unsigned value)
{
	const std::string path = function_dir(bdf, root) + "/" + attribute;
	const std::string word = std::to_string(value);
	const Descriptor fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));

	if (fd.valid() && ::write(fd.get(), word.data(), word.size()) ==
				  static_cast<ssize_t>(word.size()))
		return;
	if (errno == EACCES || errno == EPERM)
		throw Error(Code::not_permitted,
			    text("this needs root: ", path, " may not be written by user id ",
				 ::geteuid()));
	throw Error(Code::incomplete,
		    text("PCI function ", format_bdf(bdf), ": ", value,
			 errno == ENOENT ? " virtual functions cannot be made: it has no driver "
					   "that makes them"
					 : text(" cannot be written to ", attribute, " (",
						std::strerror(errno),
						"); the supervisor's kernel log says why")));
}

void check_lent(std::uint32_t bdf, const std::optional<Inventory> &inventory)
{
	const rf_function_info *function = inventory ? inventory->find(bdf) : nullptr;

	if (function && function->owner)
		throw problem_error(bdf, RF_PROBLEM_LENT, *inventory);
}

void check_count(const PciFunction &function, unsigned count)
{
	const std::string name = "PCI function " + format_bdf(function.bdf);

	if (!function.vfs_most)
		throw Error(Code::bad_value,
			    text(name, function.physical ? " is a virtual function itself"
							 : " has no SR-IOV: no virtual functions "
							   "can be made of it"));
	if (count > function.vfs_most)
		throw Error(Code::bad_value, text(name, " can have 0 to ", function.vfs_most,
						  " virtual functions, not ", count));
	if (count && function.vfs)
		throw Error(Code::busy,
			    text(name, " already has ", function.vfs,
				 " virtual functions: remove them first with 'rfm pci vf ",
				 format_bdf(function.bdf), " 0'"));
}

} // namespace

std::vector<std::uint32_t> virtual_functions(std::uint32_t physical, const std::string &root)
{
	std::vector<std::uint32_t> bdfs;
	std::error_code error;

	for (unsigned i = 0;; i++) {
		const fs::path link =
			fs::read_symlink(text(function_dir(physical, root), "/virtfn", i), error);
		if (error)
			return bdfs;
		bdfs.push_back(parse_bdf(link.filename().string()));
	}
}

void set_virtual_functions(std::uint32_t physical, unsigned count,
			   const std::optional<Inventory> &inventory, const std::string &root)
{
	const std::vector<PciFunction> functions = read_functions(root);
	const PciFunction *function = find_function(functions, physical);

	if (!function)
		throw problem_error(physical, RF_PROBLEM_ABSENT, {});
	if (function->vfs_most && function->vfs == count)
		return;
	check_count(*function, count);
	check_lent(physical, inventory);
	for (const std::uint32_t bdf : virtual_functions(physical, root)) {
		check_lent(bdf, inventory);
		const std::vector<std::string> uses = uses_of(bdf, root);
		if (!uses.empty())
			throw Error(Code::busy, text("virtual function ", format_bdf(bdf),
						     " is in use: ", uses.front(),
						     "; end that first"));
	}
	// They are made to be given away: no driver of this kernel shall take them first.
	if (count)
		write_attribute(physical, root, "sriov_drivers_autoprobe", 0);
	write_attribute(physical, root, "sriov_numvfs", count);
}

} // namespace rf
