/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The memory that other kernels can see: segments of the arena, the machine page, grant
 * pages. Guarantees that what these say agrees with the ledger whenever rf_publish() returns,
 * that no kernel which keeps the rules rings a core by a grant older than that when
 * rf_grant_await() returns, and that the contents of memory that other kernels can write are
 * never trusted. Ledger lock, unless a function says otherwise.
 */
#ifndef RF_SHARED_H
#define RF_SHARED_H

#include "kernel/ficm.h"
#include "subos/subos.h"
#include "wire/arena.h"
#include "wire/grant.h"

/* arena.c: segments, carved from the pool */
bool rf_arena_is_open(void);
int rf_arena_open(void);
void rf_arena_close(void);
int rf_arena_add(struct rf_subos *subos);
void rf_arena_remove(struct rf_subos *subos);
void rf_arena_withhold(const struct rf_subos *subos);
bool rf_arena_has_members(void);
int rf_arena_clear(struct rf_subos *subos);	/* its home, before a start */
u64 rf_arena_size(void);
u64 rf_arena_need(void);
void *rf_arena_home(const struct rf_subos *subos);

/* machine_page.c */
void rf_machine_page_begin(void);
void rf_machine_page_restore(void);		/* any context */

/* rebuild.c: for tests */
int rf_ledger_rebuild(void);

/* grant.c: what each kernel may believe; the page of every subOS, and our own */
extern struct rf_grant rf_own_grant;
extern u64 rf_own_acknowledged;			/* as in a mailbox */
void rf_grant_update(void);
void rf_grant_prepare(struct rf_subos *subos);

/* await.c: no lock of ours held */
int rf_grant_await(void);

/* publish.c */
void rf_publish(void);
void rf_publish_now(void);			/* takes the ledger lock */
int rf_shared_init(void);			/* publishes after each change of a state */
void rf_shared_exit(void);

#endif /* RF_SHARED_H */
