// SPDX-License-Identifier: GPL-2.0
/* The one record of who owns what; the rooms above keep it. */
#include "base/base.h"
#include "ledger/ledger.h"

struct rf_books rf_books;
