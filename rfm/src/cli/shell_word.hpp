// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>

namespace rf {

// A path as one word of a command that is to be pasted into a shell: others may have named it.
std::string shell_word(const std::string &path);

} // namespace rf
