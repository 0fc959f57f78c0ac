// SPDX-License-Identifier: GPL-2.0
/* The two locks of the module; what each protects, and their order, is in base.h. */
#include <linux/mutex.h>
#include <linux/spinlock.h>

#include "base/base.h"

DEFINE_MUTEX(rf_ledger_lock);
DEFINE_SPINLOCK(rf_state_lock);
