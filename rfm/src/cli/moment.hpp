// SPDX-License-Identifier: GPL-2.0
// Points in time as people write them.
#pragma once

#include <cstdint>
#include <string>

namespace rf {

// Nanoseconds since 1970 of one of these, `now` being now:
//   2026-11-28T10:02:03+01:00, with fractions of a second and with Z, too (RFC 3339)
//   2026-11-28T10:02:03, 2026-11-28 10:02:03, 2026-11-28: local time
//   10m, 90s, 500ms, 2h, 1d: so long ago
//   today: the last midnight, local time
// Throws Error(bad_value) that names `what`, the value and these.
std::uint64_t parse_moment(const std::string &what, const std::string &value, std::uint64_t now);

// CLOCK_REALTIME.
std::uint64_t realtime_ns();

} // namespace rf
