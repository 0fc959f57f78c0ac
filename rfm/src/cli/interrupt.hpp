// SPDX-License-Identifier: GPL-2.0
// SIGINT, SIGTERM and SIGHUP as a question to be asked between two steps.
#pragma once

namespace rf {

// From here on these signals only interrupt system calls and set a mark. SIGHUP stays ignored if
// it was.
void catch_interrupts();
bool interrupted();
// Throws Error(interrupted) if one came while `what` was done, for who leaves nothing behind.
void check_interrupt(const char *what);
// For the way back: as if none had come, and SIGHUP does not count any more, for a terminal that
// goes sends more than one. Another SIGINT or SIGTERM interrupts the way back.
void forget_interrupts();

// Readable once such a signal came, for poll(): a wait misses none. -1 before
// catch_interrupts().
int interrupt_descriptor();

} // namespace rf
