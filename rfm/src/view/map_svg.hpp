// SPDX-License-Identifier: GPL-2.0
// The map of the machine as a picture (SVG 1.1): a colour for each owner, and more about each
// thing where the pointer rests.
#pragma once

#include "view/machine_map.hpp"

namespace rf {

std::string to_svg(const MachineMap &map);

// Text in an XML document: nothing in it is markup, and no character is one that XML forbids.
std::string xml_text(const std::string &words);

} // namespace rf
