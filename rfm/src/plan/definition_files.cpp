// SPDX-License-Identifier: GPL-2.0
#include "plan/definition_files.hpp"

#include "base/descriptor.hpp"
#include "base/pci_address.hpp"
#include "host/artifacts.hpp"
#include "host/folder.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>

#include <sys/stat.h>
#include <unistd.h>

namespace rf {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t size_most = 1 << 20;
constexpr std::size_t files_most = 256;
constexpr const char *standard_input = "standard input";

std::string read_standard_input()
{
	std::string content(size_most + 1, '\0');
	std::size_t size = 0;

	while (size < content.size()) {
		const ssize_t got = ::read(STDIN_FILENO, content.data() + size, content.size() - size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			throw Error(Code::bad_file,
				    text(standard_input, " cannot be read: ", std::strerror(errno)));
		if (got == 0)
			break;
		size += static_cast<std::size_t>(got);
	}
	content.resize(size);
	return content;
}

std::string stem_of(const std::string &path)
{
	return fs::path(path).stem().string();
}

Wanted wanted_of(const NamedConfig &config, const std::string &file)
{
	Wanted wanted{file, {}, {}};

	wanted.request.operands = {config.name};
	wanted.request.values = config.values;
	try {
		wanted.options = parse_create_options(wanted.request);
	} catch (const Error &error) {
		throw Error(error.code(),
			    text("'", file, "', subOS '", config.name, "': ", error.what()));
	}
	return wanted;
}

void add(std::vector<Wanted> &all, std::string_view content, const std::string &file,
	 const std::string &name, std::span<const Option> options)
{
	if (content.size() > size_most)
		throw Error(Code::bad_file, text("'", file, "' has more than 1M: definitions of subOSes "
						 "are smaller"));
	for (const NamedConfig &config : parse_definitions(content, file, name, options)) {
		if (config.name.empty())
			throw Error(Code::bad_value, text("'", file, "' names no subOS: give each a table "
							  "that does, such as [web]"));
		all.push_back(wanted_of(config, file));
	}
}

// Whoever can write it says what kernels root boots. Looked at before it is read.
Descriptor find_trusted(const std::string &path, const std::string &shown)
{
	const auto refuse = [&](const std::string &why) {
		return Error(Code::bad_file, text("definition '", shown, "': ", why));
	};
	Descriptor file = Folder::find(path);
	struct stat facts {};

	if (!file.valid() || ::fstat(file.get(), &facts) < 0)
		throw refuse(std::strerror(errno));
	if (!S_ISREG(facts.st_mode))
		throw refuse("not a regular file; a TOML file of lines key = value is needed");
	if (facts.st_size == 0)
		throw refuse("the file is empty");
	if (static_cast<std::size_t>(facts.st_size) > size_most)
		throw refuse("more than 1M: definitions of subOSes are smaller");
	if ((facts.st_uid && facts.st_uid != ::geteuid()) || facts.st_mode & (S_IWGRP | S_IWOTH))
		throw refuse("others than root can change it: make it root's, and writable for "
			     "nobody else, or give it as standard input");
	return file;
}

void add_file(std::vector<Wanted> &all, const std::string &path, const std::string &shown,
	      std::span<const Option> options)
{
	const Descriptor found = find_trusted(path, shown);
	const FileBytes file =
		FileBytes::read("definition", text("/proc/self/fd/", found.get()),
				"a TOML file of lines key = value");

	add(all, {reinterpret_cast<const char *>(file.view().data()), file.view().size()}, shown,
	    stem_of(shown), options);
}

std::vector<std::string> files_in(const std::string &folder)
{
	std::vector<std::string> names;
	std::error_code error;

	for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
	     entry.increment(error))
		if (entry->path().extension() == ".toml")
			names.push_back(entry->path().filename().string());
	if (error)
		throw Error(Code::bad_file, text("'", folder, "': ", error.message()));
	std::ranges::sort(names);
	return names;
}

// Whoever can put a file there says what kernels root boots.
void add_folder(std::vector<Wanted> &all, const std::string &path, std::span<const Option> options)
{
	const Folder folder = Folder::open(path);
	const std::vector<std::string> names = files_in(folder.path_of("."));

	if (!folder.exposed().empty())
		throw Error(Code::bad_file,
			    text("'", path, "': others than root can replace '", folder.exposed(),
				 "': use a folder of root's, such as /etc/rainforest"));
	if (names.empty())
		throw Error(Code::bad_file, text("'", path, "' has no file *.toml"));
	if (names.size() > files_most)
		throw Error(Code::bad_file, text("'", path, "' has ", names.size(), " files *.toml: ",
						 files_most, " can be read"));
	for (const std::string &name : names)
		add_file(all, folder.path_of(name), (fs::path(path) / name).string(), options);
}

// Each may be named once.
class Claims {
public:
	Claims(const Wanted &wanted, std::map<std::string, const Wanted *> &all)
		: wanted_(wanted), all_(all) {}

	void claim(const std::string &what)
	{
		const auto [at, is_new] = all_.emplace(what, &wanted_);
		if (!is_new)
			throw Error(Code::bad_value,
				    text(what, " is wanted twice: in '", at->second->file,
					 "' by subOS '", at->second->name(), "', in '", wanted_.file,
					 "' by subOS '", wanted_.name(), "'"));
	}

private:
	const Wanted &wanted_;
	std::map<std::string, const Wanted *> &all_;
};

} // namespace

void check_apart(const std::vector<Wanted> &all)
{
	std::map<std::string, const Wanted *> claimed;

	for (const Wanted &wanted : all) {
		Claims claims(wanted, claimed);
		claims.claim(text("the name '", wanted.name(), "'"));
		for (const unsigned core : wanted.options.cores)
			claims.claim(text("core ", core));
		for (const std::uint32_t bdf : wanted.options.functions)
			claims.claim("PCI function " + format_bdf(bdf));
		if (wanted.options.uart)
			claims.claim("uart " + wanted.options.uart->name);
	}
}

void check_only(const std::vector<Wanted> &all, const std::string &name)
{
	for (const Wanted &wanted : all)
		if (wanted.name() != name)
			throw Error(Code::bad_value,
				    text("'", wanted.file, "' defines subOS '", wanted.name(), "', and only '",
					 name, "' is acceptable: give each a file of its own"));
}

std::vector<unsigned> cores_of_others(const std::string &name, const std::vector<Wanted> &all,
				      std::span<const Option> options, const std::string &folder)
{
	std::vector<unsigned> cores;
	const auto add_cores = [&](const std::vector<Wanted> &some) {
		for (const Wanted &wanted : some)
			if (wanted.name() != name)
				cores.insert(cores.end(), wanted.options.cores.begin(),
					     wanted.options.cores.end());
	};

	add_cores(all);
	try {
		const Folder held = Folder::open(folder);
		if (!held.exposed().empty())
			return cores;
		for (const std::string &file : files_in(held.path_of("."))) {
			std::vector<Wanted> some;
			try {
				add_file(some, held.path_of(file), file, options);
			} catch (const Error &) {
				continue;
			}
			add_cores(some);
		}
	} catch (const Error &) {
		// Most machines have none.
	}
	return cores;
}

std::vector<Wanted> read_wanted(const std::string &path, std::span<const Option> options)
{
	std::vector<Wanted> all;
	struct stat facts {};

	if (path == "-")
		add(all, read_standard_input(), standard_input, "", options);
	else if (::stat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode))
		add_folder(all, path, options);
	else
		add_file(all, path, path, options);
	check_apart(all);
	for (Wanted &wanted : all)
		if (wanted.options.ncores)
			wanted.options.avoided = cores_of_others(wanted.name(), all, options);
	return all;
}

} // namespace rf
