// SPDX-License-Identifier: GPL-2.0
/* The only record of who owns what; the rooms above maintain it. */
#include "base/base.h"
#include "ledger/ledger.h"

struct rf_books rf_books;
