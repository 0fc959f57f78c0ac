// SPDX-License-Identifier: GPL-2.0
// SIGINT, SIGTERM and SIGHUP as a question to be asked between two steps.
#pragma once

namespace rf {

// From here on these signals only interrupt system calls and set a mark.
void catch_interrupts();
bool interrupted();

} // namespace rf
