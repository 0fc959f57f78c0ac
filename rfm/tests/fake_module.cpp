// SPDX-License-Identifier: GPL-2.0
#include "fake_module.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <type_traits>

#include <fcntl.h>

extern "C" {
#include "supervisor/control/ioctl.h"

// The linker leads the calls of open() and ioctl() here: CMakeLists.txt.
int __real_open(const char *path, int flags, ...);
int __real_ioctl(int fd, unsigned long number, ...);
}

namespace rf::test {

namespace {

constexpr std::uint64_t memory = 64 << 20;
constexpr std::size_t room = 1 << 16;		// for any struct, and more
constexpr std::uint32_t grown = 8;		// bytes of a newer module's new field
FakeModule *loaded;

// ---- what each call answers: in a struct of this version, of which the caller gets a part ----

int info(rf_info &info)
{
	info.abi = loaded->abi();
	std::strcpy(info.version, "9.8.7");
	info.nr_subos = static_cast<std::uint32_t>(loaded->names.size());
	info.low_slices = info.low_slices_free = 16;
	return 0;
}

int machine_memory(rf_memory &figures)
{
	figures.movable = figures.available = memory;
	return 0;
}

int list(rf_list &list)
{
	auto *names = reinterpret_cast<char (*)[RF_NAME_MAX]>(list.names);

	list.count = static_cast<std::uint32_t>(loaded->names.size());
	for (std::uint32_t i = 0; i < std::min(list.count, list.capacity); i++)
		std::strcpy(names[i], loaded->names[i].c_str());
	return 0;
}

int cores(rf_cores &cores)
{
	auto *core = reinterpret_cast<rf_core *>(cores.cores);

	if (!loaded->answers_cores)
		return -ENOTTY;
	cores.count = 1;
	if (cores.capacity)
		*core = {.cpu = 0, .apic_id = 0, .owner = loaded->names.empty() ? 0u : 1u, .lender = 0,
			 .node = 0, .online = 1};
	return 0;
}

int functions(rf_functions &functions)
{
	functions.count = 0;
	return 0;
}

int open_subos(rf_open &args)
{
	if (std::ranges::find(loaded->names, args.name) == loaded->names.end())
		return -ENOENT;
	args.fd = loaded->open(args.name);
	return 0;
}

int create(rf_create &args)
{
	const std::span cpus(reinterpret_cast<const std::uint32_t *>(args.cpus), args.nr_cpus);

	loaded->creates++;
	for (const std::uint32_t core : loaded->taken)
		if (std::ranges::find(cpus, core) != cpus.end()) {
			args.culprit = core;
			return -EXDEV;
		}
	loaded->names.push_back(args.name);
	args.fd = loaded->open(args.name);
	return 0;
}

int status(rf_status &status)
{
	status.id = 1;
	std::strcpy(status.name, loaded->called().c_str());
	status.state = loaded->state;
	status.starts = loaded->starts;
	status.restarts_left = loaded->restarts_left;
	status.on_crash = loaded->policies.on_crash;
	status.on_reboot = loaded->policies.on_reboot;
	status.hang_timeout_ms = loaded->policies.hang_timeout_ms;
	status.memory = memory;
	status.nr_cpus = 1;
	status.not_held = 7;
	status.nr_ranges = 1;
	status.ranges[0] = {0x140000000, memory};
	status.crashes = 2;
	return 0;
}

int statistics(rf_stats &answer)
{
	answer.inside.uptime_ns = 5'000'000'000;
	answer.inside.busy_ns = 2'500'000'000;
	answer.inside.memory_total = memory;
	answer.inside.memory_available = memory / 2;
	answer.inside.messages_in = 7;
	answer.inside.cpus_online = 1;
	std::strcpy(answer.inside.release, "6.1.0-test");
	return loaded->statistics;
}

int stop(rf_stop_args &args)
{
	if (loaded->on_stop)
		loaded->on_stop(args.flags);
	return 0;
}

int resize(rf_resize &args)
{
	args.memory_done = args.memory;
	args.functions_done = args.nr_functions;
	return loaded->on_resize ? loaded->on_resize(args) : 0;
}

int destroy(rf_destroy &answer)
{
	if (std::ranges::find(loaded->stuck, loaded->called()) != loaded->stuck.end())
		return -EIO;
	std::erase(loaded->names, loaded->called());
	answer.cpus_returned = 1;
	answer.memory_returned = memory;
	return 0;
}

int set_policies(rf_policies &policies)
{
	if (loaded->refuses_policies)
		return -EINVAL;
	loaded->policies = policies;
	loaded->restarts_left = policies.restarts;
	return 0;
}

int define(rf_definition &definition)
{
	loaded->definitions[loaded->called()] =
		std::string(reinterpret_cast<const char *>(definition.text), definition.length);
	return 0;
}

int tell_definition(rf_definition &definition)
{
	const std::string &words = loaded->definitions[loaded->called()];

	if (words.size() > definition.length)
		return -ENOSPC;
	definition.length = static_cast<std::uint32_t>(words.size());
	std::memcpy(reinterpret_cast<char *>(definition.text), words.data(), words.size());
	return 0;
}

int events(rf_events &events)
{
	events.count = events.lost = 0;
	return 0;
}

// ---- the tables ----

// Handlers get a whole struct of this version, whatever the module's has.
template <typename Struct, int (*answer)(Struct &), std::uint32_t size>
int handle(struct file *, void *argument)
{
	alignas(8) std::array<std::byte, room> whole{};

	if (loaded->refuses && !std::is_same_v<Struct, rf_info>)
		return -EINVAL;
	std::memcpy(whole.data(), argument, std::min<std::size_t>(size, sizeof(Struct)));
	const int rc = answer(*reinterpret_cast<Struct *>(whole.data()));
	std::memset(whole.data() + sizeof(Struct), 0xff, grown);
	std::memcpy(argument, whole.data(), size);
	return rc;
}

// @first: bytes of the struct in its first version; @size: in this module's.
template <typename Struct, int (*answer)(Struct &), std::uint32_t size = sizeof(Struct)>
constexpr rf_ioctl row(unsigned int number, std::uint32_t first)
{
	return {number, size, first, handle<Struct, answer, size>};
}

#define UNTIL(type, field) (offsetof(type, field))

template <std::uint32_t more> constexpr std::array<rf_ioctl, 16> table()
{
	return {{
		row<rf_info, info, sizeof(rf_info) + more>(RF_IOC_INFO, 4),
		row<rf_memory, machine_memory, sizeof(rf_memory) + more>(RF_IOC_MEMORY, 8),
		row<rf_list, list, sizeof(rf_list) + more>(RF_IOC_LIST, sizeof(rf_list)),
		row<rf_cores, cores, sizeof(rf_cores) + more>(RF_IOC_CORES, sizeof(rf_cores)),
		row<rf_functions, functions, sizeof(rf_functions) + more>(RF_IOC_FUNCTIONS,
									  sizeof(rf_functions)),
		row<rf_open, open_subos, sizeof(rf_open) + more>(RF_IOC_OPEN, sizeof(rf_open)),
		row<rf_create, create, sizeof(rf_create) + more>(RF_IOC_CREATE,
								 UNTIL(rf_create, functions)),
		row<rf_status, status, sizeof(rf_status) + more>(RF_IOC_STATUS, 4),
		row<rf_stats, statistics, sizeof(rf_stats) + more>(RF_IOC_STATISTICS,
								   sizeof(rf_stats)),
		row<rf_stop_args, stop, sizeof(rf_stop_args) + more>(RF_IOC_STOP,
								     sizeof(rf_stop_args)),
		row<rf_resize, resize, sizeof(rf_resize) + more>(RF_IOC_RESIZE, sizeof(rf_resize)),
		row<rf_destroy, destroy, sizeof(rf_destroy) + more>(RF_IOC_DESTROY,
								    sizeof(rf_destroy)),
		row<rf_policies, set_policies, sizeof(rf_policies) + more>(RF_IOC_POLICY,
									   sizeof(rf_policies)),
		row<rf_definition, define, sizeof(rf_definition) + more>(RF_IOC_DEFINE,
									 sizeof(rf_definition)),
		row<rf_definition, tell_definition, sizeof(rf_definition) + more>(
			RF_IOC_DEFINITION, sizeof(rf_definition)),
		row<rf_events, events, sizeof(rf_events) + more>(RF_IOC_EVENTS, sizeof(rf_events)),
	}};
}

// Version 2: before PCI functions, and before what can be had of memory.
constexpr std::array second{
	row<rf_info, info>(RF_IOC_INFO, 4),
	row<rf_memory, machine_memory, UNTIL(rf_memory, shared)>(RF_IOC_MEMORY, 8),
	row<rf_list, list>(RF_IOC_LIST, sizeof(rf_list)),
	row<rf_cores, cores>(RF_IOC_CORES, sizeof(rf_cores)),
	row<rf_open, open_subos>(RF_IOC_OPEN, sizeof(rf_open)),
	row<rf_create, create, UNTIL(rf_create, functions)>(RF_IOC_CREATE,
							    UNTIL(rf_create, functions)),
	row<rf_status, status, UNTIL(rf_status, nr_functions)>(RF_IOC_STATUS, 4),
	row<rf_stop_args, stop>(RF_IOC_STOP, sizeof(rf_stop_args)),
	row<rf_destroy, destroy>(RF_IOC_DESTROY, sizeof(rf_destroy)),
};
constexpr auto same = table<0>();
constexpr auto newer = table<grown>();

std::span<const rf_ioctl> calls_of(std::uint32_t abi)
{
	if (abi < 3)
		return second;
	return abi > RF_ABI_VERSION ? std::span<const rf_ioctl>(newer) : same;
}

} // namespace

FakeModule::FakeModule(std::uint32_t abi) : abi_(abi)
{
	loaded = this;
	if (!::mkdtemp(folder_.data()))
		throw std::runtime_error("no temporary folder");
	::setenv("RF_RUN_FOLDER", folder_.c_str(), 1);
}

FakeModule::~FakeModule()
{
	std::error_code unused;

	loaded = nullptr;
	::unsetenv("RF_RUN_FOLDER");
	std::filesystem::remove_all(folder_, unused);
}

int FakeModule::open()
{
	return open("");
}

int FakeModule::open(const std::string &name)
{
	const int fd = __real_open("/dev/null", O_RDWR | O_CLOEXEC);

	fds_[fd] = name;
	return fd;
}

int FakeModule::ioctl(int fd, unsigned int number, void *argument)
{
	const auto calls = calls_of(abi_);

	called_ = fds_.at(fd);
	const long rc = rf_ioctl_dispatch(calls.data(), calls.size(), nullptr, number,
					  reinterpret_cast<unsigned long>(argument));
	errno = rc < 0 ? static_cast<int>(-rc) : 0;
	return rc < 0 ? -1 : static_cast<int>(rc);
}

} // namespace rf::test

// For ioctl.c.
extern "C" bool capable(int)
{
	return !rf::test::loaded || rf::test::loaded->admin;
}

extern "C" int __wrap_open(const char *path, int flags, ...)
{
	va_list more;
	va_start(more, flags);
	const mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
	va_end(more);

	if (rf::test::loaded && !std::strcmp(path, RF_DEVICE))
		return rf::test::loaded->open();
	return __real_open(path, flags, mode);
}

extern "C" int __wrap_ioctl(int fd, unsigned long number, ...)
{
	va_list more;
	va_start(more, number);
	void *argument = va_arg(more, void *);
	va_end(more);

	if (rf::test::loaded && rf::test::loaded->has(fd))
		return rf::test::loaded->ioctl(fd, static_cast<unsigned int>(number), argument);
	return __real_ioctl(fd, number, argument);
}
