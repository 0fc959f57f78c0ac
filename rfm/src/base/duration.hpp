// SPDX-License-Identifier: GPL-2.0
// Times as people write and read them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace rf {

using Milliseconds = std::chrono::milliseconds;

// "30" and "30s": seconds; "500ms", "2m", "1h", "1d". Throws Error(bad_value) that names `what`,
// the value and what would be accepted for what is none, or not from `least` to `most`.
Milliseconds parse_duration(std::string_view what, std::string_view value, Milliseconds least,
			    Milliseconds most);

// The same, without bounds; nothing for what is none. Without a unit it is one only if
// `seconds` are what is meant then.
std::optional<Milliseconds> find_duration(std::string_view value, bool seconds = true);

// The shortest exact form: "30s", "2m", "500ms"; parse_duration() reads it.
std::string format_duration(Milliseconds duration);

} // namespace rf
