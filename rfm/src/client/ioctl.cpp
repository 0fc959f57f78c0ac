// SPDX-License-Identifier: GPL-2.0
#include "client/ioctl.hpp"

#include "base/error.hpp"
#include "base/sizes.hpp"

#include <cerrno>
#include <cstring>

#include <sys/ioctl.h>

namespace rf {

namespace {

constexpr const char kernel_short_of_memory[] =
	"the supervisor's own kernel is short of memory: free some and try again";

} // namespace

int ioctl_errno(const Descriptor &fd, unsigned long number, void *argument)
{
	return ::ioctl(fd.get(), number, argument) < 0 ? errno : 0;
}

std::string split_text(std::uint32_t core)
{
	return text("an SMT sibling of core ", core, " would have another owner: 'rfm list' shows who "
		    "has which core; name all siblings, or insist with --allow-smt-split");
}

std::string no_memory_text(std::uint64_t wanted, std::uint64_t available, const char *done)
{
	if (available >= wanted)
		return kernel_short_of_memory;
	return text("memory ", format_size(wanted), " cannot be ", done, ": ",
		    format_size(available), " could be given right now");
}

void fail_ioctl(int error, const char *what)
{
	switch (error) {
	case EPERM:
	case EACCES:
		throw Error(Code::not_permitted,
			    text("only root (CAP_SYS_ADMIN), of a kernel that is not locked down, "
				 "may ", what, ": members of the group '", operators_group,
				 "' only look (list, show, top, events, history, metrics, map)"));
	case ENOENT:
		throw Error(Code::no_such_subos, "the subOS was destroyed in the meantime");
	case ENOMEM:
		throw Error(Code::not_enough, kernel_short_of_memory);
	case EINTR:
		throw Error(Code::interrupted, "interrupted");
	// Only a module that is older than this rfm has these (uapi/rainforest.h).
	case E2BIG:
	case ENOTTY:
		throw Error(Code::internal, text("the loaded rf_supervisor is older than this rfm and "
						 "cannot ", what, " as asked: 'rfm check' says what "
						 "helps"));
	case EINVAL:
		throw Error(Code::internal, text("the supervisor does not accept what rfm asked and "
						 "cannot ", what, ": 'rfm check' says whether both fit"));
	default:
		throw Error(Code::internal, text("the supervisor could not ", what, ": ",
						 std::strerror(error)));
	}
}

} // namespace rf
