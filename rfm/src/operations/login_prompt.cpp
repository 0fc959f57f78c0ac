// SPDX-License-Identifier: GPL-2.0
#include "operations/login_prompt.hpp"

#include "base/error.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace rf {

namespace {

constexpr std::string_view prompt = "login: ";
// No prompt is longer: what a hostile console sends needs no memory.
constexpr std::size_t line_most = 256;
constexpr std::size_t step = 4096;
// All that the supervisor keeps of a console, and more: then others have their turn.
constexpr unsigned steps_most = 256;

} // namespace

void LoginPrompt::take(std::string_view bytes)
{
	for (const char byte : bytes) {
		if (byte == '\n' || byte == '\r') {
			line_.clear();
			continue;
		}
		if (line_.size() < line_most)
			line_ += byte;
		if (line_.size() < line_most && line_.ends_with(prompt) && line_[0] != '[')
			seen_ = true;
	}
}

LoginWatch::LoginWatch(Descriptor console) : console_(std::move(console))
{
	// Our own open file: nobody shares these flags.
	if (::fcntl(console_.get(), F_SETFL, O_NONBLOCK) < 0)
		throw Error(Code::internal, text("console: ", std::strerror(errno)));
}

bool LoginWatch::seen()
{
	char buffer[step];

	for (unsigned i = 0; i < steps_most && !prompt_.seen(); i++) {
		const ssize_t got = ::read(console_.get(), buffer, sizeof(buffer));
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			throw Error(Code::internal, text("console: ", std::strerror(errno)));
		if (got <= 0)
			break;
		prompt_.take({buffer, static_cast<std::size_t>(got)});
	}
	return prompt_.seen();
}

} // namespace rf
