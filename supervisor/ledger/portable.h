/* SPDX-License-Identifier: GPL-2.0 */
/* What the ledger needs from its environment, in the kernel and in user space. */
#ifndef RF_LEDGER_PORTABLE_H
#define RF_LEDGER_PORTABLE_H

#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/string.h>
#else
#include <errno.h>
#include <string.h>
#endif

#include "kernel/barriers.h"

#endif /* RF_LEDGER_PORTABLE_H */
