// SPDX-License-Identifier: GPL-2.0
#include "host/turn.hpp"

#include "base/error.hpp"
#include "cli/interrupt.hpp"
#include "host/folder.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace rf {

namespace {

constexpr const char *name = "lock";
constexpr std::chrono::milliseconds interval{20};

// RF_RUN_FOLDER in the environment is for tests.
std::string folder_path()
{
	const char *development = std::getenv("RF_RUN_FOLDER");

	return development ? development : "/run/rainforest";
}

Descriptor open_lock()
{
	const Folder folder = Folder::make(folder_path());

	if (!folder.exposed().empty())
		throw Error(Code::bad_file, text("'", folder_path(), "': others than root can replace '",
						 folder.exposed(), "'"));
	Descriptor lock(::openat(folder.fd(), name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
	if (!lock.valid())
		throw Error(Code::bad_file,
			    text("'", folder_path(), "/", name, "': ", std::strerror(errno)));
	return lock;
}

// Who has it wrote its number there.
std::string owner_of(const Descriptor &lock)
{
	std::array<char, 16> number{};
	const ssize_t size = ::pread(lock.get(), number.data(), number.size() - 1, 0);

	return size > 0 ? text("another rfm (process ", std::atol(number.data()), ")") : "another rfm";
}

void write_owner(const Descriptor &lock)
{
	const std::string number = text(::getpid(), '\n');

	// Only for people: it is a lock all the same.
	if (::ftruncate(lock.get(), 0) < 0 ||
	    ::pwrite(lock.get(), number.data(), number.size(), 0) < 0)
		return;
}

} // namespace

Turn Turn::take(Milliseconds at_most)
{
	const auto deadline = std::chrono::steady_clock::now() + at_most;
	Descriptor lock = open_lock();

	while (::flock(lock.get(), LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			throw Error(Code::internal, text("flock: ", std::strerror(errno)));
		if (interrupted())
			throw Error(Code::interrupted, "interrupted while another rfm was at work");
		if (std::chrono::steady_clock::now() >= deadline)
			throw Error(Code::busy,
				    text(owner_of(lock), " has been changing options of a subOS for more "
					 "than ", format_duration(at_most), ": wait until it is done, or end it"));
		std::this_thread::sleep_for(interval);
	}
	write_owner(lock);
	return Turn(std::move(lock));
}

std::optional<Turn> Turn::take_if_possible(Milliseconds at_most)
{
	try {
		return take(at_most);
	} catch (const Error &) {
		return std::nullopt;
	}
}

} // namespace rf
