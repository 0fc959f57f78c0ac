/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ledger: the only record of who owns which core, memory, slice of low memory and PCI
 * function, and of the phase of a subOS's life.
 *
 * It guarantees that everything has exactly one owner at every moment, also in transit; that
 * an owner changes only along the transition tables in the headers below; that memory is
 * cleared before another owner gets it; and that a change that is refused, with a negative
 * errno, has changed nothing. What can be derived (lists of cores, ranges of memory, figures)
 * is derived, and recorded nowhere else.
 *
 * The callers hold the locks: the ledger lock for every change, and for reading; and to change
 * what is also read under the state lock alone (cores, memory, slices, functions, lives), the
 * state lock as well. So either lock is enough to read. Functions that need less say so. Nothing
 * here sleeps, allocates, or calls out of the ledger, so all of it may run with interrupts off.
 *
 * The ledger records; it does not act. A caller moves an entry to COMING, LEAVING and so on,
 * does what has to be done to the hardware, and moves the entry on, or back if that failed.
 *
 * Compiles in the kernel and in user space, where it is tested and fuzzed (tests/unit/).
 */
#ifndef RF_LEDGER_H
#define RF_LEDGER_H

#include "cores.h"
#include "functions.h"
#include "life.h"
#include "memory.h"
#include "owner.h"
#include "slices.h"
#include "wire/arena.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The ledger without the lives, which are in struct rf_subos. Its copy is struct rf_ledger. */
struct rf_books {
	struct rf_core_table cores;
	struct rf_memory_table memory;
	struct rf_slice_table slices;
	struct rf_function_table functions;
};

/* check.c: all invariants */
const char *rf_ledger_check(const struct rf_books *books);
bool rf_ledger_owns(const struct rf_books *books, __u32 owner);

/* copy.c: the copy in the machine page, for a later supervisor */
bool rf_ledger_copy(const struct rf_books *books, __u32 generation, struct rf_ledger *copy);
int rf_ledger_adopt(struct rf_books *books, const struct rf_ledger *copy);

#ifdef __cplusplus
}
#endif

#endif /* RF_LEDGER_H */
