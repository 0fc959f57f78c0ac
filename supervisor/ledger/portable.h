/* SPDX-License-Identifier: GPL-2.0 */
/* What the sources of the ledger need of their surroundings, in the kernel and in user space. */
#ifndef RF_LEDGER_PORTABLE_H
#define RF_LEDGER_PORTABLE_H

#ifdef __KERNEL__
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/string.h>
#else
#include <errno.h>
#include <string.h>
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, value)	__atomic_store_n(&(x), value, __ATOMIC_RELAXED)
#endif

#endif /* RF_LEDGER_PORTABLE_H */
