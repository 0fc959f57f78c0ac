// SPDX-License-Identifier: GPL-2.0
#include "plan/create_options.hpp"

#include "base/cpulist.hpp"
#include "base/name.hpp"
#include "base/pci_address.hpp"
#include "base/sizes.hpp"
#include "cli/time_option.hpp"
#include "client/words.hpp"
#include "host/machine.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

namespace rf {

namespace fs = std::filesystem;

namespace {

constexpr unsigned restarts_most = 1000000;
// What the module accepts (struct rf_policies).
constexpr std::chrono::seconds hang_least{1}, hang_most{3600}, hang_default{10};
constexpr unsigned definition_format = 1;

boot::Uart parse_uart(const std::string &name)
{
	// The fixed addresses of COM1 to COM4.
	constexpr std::array<std::pair<std::string_view, std::uint16_t>, 4> ports{
		{{"ttyS0", 0x3f8}, {"ttyS1", 0x2f8}, {"ttyS2", 0x3e8}, {"ttyS3", 0x2e8}}};

	for (const auto &[tty, port] : ports) {
		if (name != tty)
			continue;
		if (is_console(name))
			throw Error(Code::bad_value, text("uart '", name,
							  "' is a console of the "
							  "supervisor: give another of ttyS0 to "
							  "ttyS3"));
		return {name, port};
	}
	throw Error(Code::bad_value,
		    text("uart '", name, "' is not known: give ttyS0, ttyS1, ttyS2 or ttyS3"));
}

std::string required(const Request &request, const std::string &option, const char *example)
{
	const auto value = request.value(option);
	if (!value)
		throw Error(Code::usage, text("--", option, " is missing: give for example --",
					      option, " ", example));
	if (value->empty())
		throw Error(Code::bad_value, text(option, " is empty: give for example ", example));
	return *value;
}

rf_policy parse_policy(const Request &request, const std::string &option,
		       std::span<const rf_policy> accepted, rf_policy otherwise)
{
	const auto value = request.value(option);
	std::string names;

	if (!value)
		return otherwise;
	for (const rf_policy policy : accepted) {
		if (*value == policy_name(policy))
			return policy;
		names += text(names.empty() ? "" : ", ", policy_name(policy));
	}
	throw Error(Code::bad_value,
		    text(option, " '", *value, "' is not known: give one of ", names));
}

rf_policies parse_policies(const Request &request)
{
	constexpr std::array crash{RF_POLICY_KEEP, RF_POLICY_RESTART, RF_POLICY_DESTROY};
	constexpr std::array reboot{RF_POLICY_RESTART, RF_POLICY_KEEP};
	rf_policies policies{};

	policies.on_crash = parse_policy(request, "on-crash", crash, RF_POLICY_KEEP);
	policies.on_reboot = parse_policy(request, "on-reboot", reboot, RF_POLICY_RESTART);
	policies.restarts = static_cast<std::uint32_t>(parse_number(
		"restarts", request.value("restarts").value_or("5"), 0, restarts_most));
	policies.hang_timeout_ms = static_cast<std::uint32_t>(
		time_option(request, "hang-timeout", hang_least, hang_most, hang_default).count());
	return policies;
}

void parse_functions(const Request &request, CreateOptions &wanted)
{
	if (const auto list = request.value("pci"))
		wanted.functions = parse_bdfs(*list);
	wanted.force = request.has("force");
	if (wanted.force && !wanted.functions.empty())
		wanted.function_flags |= RF_PCI_FORCE;
	if (request.has("require-iommu"))
		wanted.function_flags |= RF_PCI_REQUIRE_IOMMU;
	if (!wanted.functions.empty() && !wanted.agent)
		throw Error(Code::bad_value,
			    text("PCI function ", format_bdf(wanted.functions.front()),
				 " was asked for with --no-agent: without the agent the subOS "
				 "would not see it"));
}

// What an earlier version kept, in today's words: it took 512MB for 512M, rounded up, and called
// the time limit "wait".
void renew(std::map<std::string, std::string> &options)
{
	if (const auto mem = options.find("mem"); mem != options.end()) {
		std::string size = mem->second;
		if (size.ends_with('B'))
			size = size.substr(0, size.find_last_not_of("iB") + 1);
		// A digit, in hexadecimal.
		if (size.empty() || std::string_view("KMGTkmgt").find(size.back()) == std::string::npos)
			size = mem->second;
		const std::uint64_t bytes = parse_size("memory", size);
		mem->second = format_size((bytes + RF_EXTENT_SIZE - 1) / RF_EXTENT_SIZE *
					  RF_EXTENT_SIZE);
	}
	if (auto wait = options.extract("wait")) {
		wait.key() = "timeout";
		options.insert(std::move(wait));
	}
}

} // namespace

std::string resolved(const std::string &path)
{
	std::error_code error;
	const fs::path found = fs::canonical(path, error);

	return error ? fs::absolute(path).string() : found.string();
}

std::uint64_t parse_memory(const std::string &value)
{
	const std::uint64_t bytes = parse_size("memory", value);

	if (bytes == 0)
		throw Error(Code::bad_value, text("memory '", value,
						  "' is not acceptable: give a "
						  "multiple of 2M, such as 512M or 2G"));
	check_multiple("memory", value, bytes, RF_EXTENT_SIZE);
	return bytes;
}

const char *until_name(Until until)
{
	switch (until) {
	case Until::agent: return "agent";
	case Until::init: return "init";
	case Until::login: return "login";
	}
	return "?";
}

Until parse_until(const Request &request, Until otherwise, const CreateOptions &wanted)
{
	constexpr std::array all{Until::agent, Until::init, Until::login};
	const auto value = request.value("until");

	if (!value)
		return otherwise;
	const auto found = std::ranges::find_if(
		all, [&](Until until) { return *value == until_name(until); });
	if (found == all.end())
		throw Error(Code::bad_value,
			    text("until '", *value, "' is not known: give agent, init or login"));
	if (!wanted.agent)
		throw Error(Code::bad_value,
			    text("until '", *value, "' was given with --no-agent: without the agent "
				 "nothing tells how far the subOS came; leave --until out"));
	if (*found == Until::login && !wanted.console)
		throw Error(Code::bad_value,
			    "until 'login' was given with --no-console: a login prompt is seen on the "
			    "console only; give --until init");
	return *found;
}

CreateOptions parse_create_options(const Request &request)
{
	CreateOptions wanted;

	wanted.name = request.operands.at(0);
	check_name(wanted.name);
	if (request.has("cores") == request.has("ncores"))
		throw Error(Code::usage,
			    "give either --cores LIST or --ncores N, for example --cores 2-3");
	if (const auto cores = request.value("cores"))
		wanted.cores = parse_cpulist(*cores);
	if (const auto count = request.value("ncores"))
		wanted.ncores =
			static_cast<unsigned>(parse_number("ncores", *count, 1, RF_CPUS_MAX));
	wanted.split_siblings = request.has("allow-smt-split");
	if (const auto node = request.value("numa"))
		wanted.node = static_cast<int>(parse_number("numa", *node, 0, 1023));
	wanted.memory = parse_memory(required(request, "mem", "512M"));
	wanted.kernel = required(request, "kernel", "/boot/vmlinuz-6.1.0-56-amd64");
	wanted.initrd = request.value("initrd");
	// As in a definition: not given.
	if (wanted.initrd == "")
		wanted.initrd.reset();
	wanted.append = request.value("append").value_or("");
	if (wanted.append.find_first_of("\n\r") != std::string::npos ||
	    wanted.append.find('\0') != std::string::npos)
		throw Error(Code::bad_value, text("append '", wanted.append,
						  "' has line breaks: give one "
						  "line"));
	if (const auto uart = request.value("uart"))
		wanted.uart = parse_uart(*uart);
	wanted.timeout = time_limit(request, wanted.timeout);
	wanted.agent = !request.has("no-agent");
	wanted.console = !request.has("no-console");
	wanted.until = parse_until(request, wanted.until, wanted);
	parse_functions(request, wanted);
	wanted.policies = parse_policies(request);
	wanted.start = !request.has("no-start");
	const std::size_t count = wanted.cores.empty() ? wanted.ncores : wanted.cores.size();
	if (!wanted.agent && count != 1)
		throw Error(Code::bad_value,
			    text("--no-agent boots only one core, but ", count,
				 " were requested: without the agent nothing starts the "
				 "others"));
	wanted.given = request.values;
	return wanted;
}

std::string format_definition(const CreateOptions &wanted, const std::string &initrd,
			      const std::optional<Loaded> &loaded)
{
	Json json = {{"format", definition_format}, {"options", wanted.given}};
	Json &options = json["options"];

	// What concerned that one command.
	for (const char *option : {"json", "output", "quiet", "verbose", "config", "dry-run",
				   "no-start", "force"})
		options.erase(option);
	options["mem"] = format_size(wanted.memory);
	options["kernel"] = resolved(wanted.kernel);
	options["initrd"] = resolved(initrd);
	if (loaded)
		json["loaded"] = {{"entry", loaded->entry},
				  {"page_table", loaded->page_table},
				  {"boot_params", loaded->boot_params},
				  {"la57", loaded->la57}};
	// Options need not be UTF-8.
	return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Definition parse_definition(const std::string &name, const std::string &words)
{
	Definition definition;

	if (words.empty())
		throw Error(Code::bad_value, text("subOS '", name,
						  "' has no definition to start it from: create it "
						  "again with 'rfm create'"));
	try {
		const Json json = Json::parse(words);
		if (json.at("format") != definition_format)
			throw Error(Code::bad_value,
				    text("subOS '", name,
					 "' was created by another version of rfm: "
					 "start it with that one"));
		json.at("options").get_to(definition.request.values);
		renew(definition.request.values);
		if (const auto at = json.find("loaded"); at != json.end())
			definition.loaded = Loaded{at->at("entry"), at->at("page_table"),
						   at->at("boot_params"), at->at("la57")};
	} catch (const Json::exception &error) {
		throw Error(Code::bad_value, text("the definition of subOS '", name,
						  "' cannot be read: ", error.what()));
	}
	definition.request.operands = {name};
	return definition;
}

std::string definition_without_image(const std::string &words)
{
	Json json = Json::parse(words);

	json.erase("loaded");
	return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string definition_with(const std::string &words,
			    const std::map<std::string, std::string> &options)
{
	Json json = Json::parse(words);

	json["options"] = options;
	return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace rf
