// SPDX-License-Identifier: GPL-2.0
// Words on a kernel command line.
#pragma once

#include <string_view>

namespace rf::boot {

// Whether `word` stands on the command line as the kernel's early code looks for
// it (cmdline_find_option_bool): between blanks, whatever quotes say.
bool has_word(std::string_view cmdline, std::string_view word);

} // namespace rf::boot
