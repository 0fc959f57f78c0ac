// SPDX-License-Identifier: GPL-2.0
// The file that `rfm setup` writes for GRUB: words for the kernel command line, in the quotes
// of a shell, and what is in it again. Pure.
#pragma once

#include <string>
#include <vector>

namespace rf {

// Letters, digits, and what stands in memory ranges and versions: nothing that a shell or GRUB
// would take for anything else, but for the dollar sign, which write_drop_in() knows.
bool is_plain_word(const std::string &word);

// Only plain words. grub-mkconfig sources it.
std::string write_drop_in(const std::vector<std::string> &words);

// None if it is not of write_drop_in(); only plain ones, whoever has changed it since.
std::vector<std::string> read_drop_in(const std::string &text);

} // namespace rf
