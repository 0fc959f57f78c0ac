/* SPDX-License-Identifier: GPL-2.0 */
/* Words of ours that stand in memory which every kernel can overwrite. */
#ifndef RF_KERNEL_REPUBLISH_H
#define RF_KERNEL_REPUBLISH_H

#include "kernel/barriers.h"

/**
 * rf_republish() - publish a word of ours again if something else stands in its place
 * @published: where others read the word
 * @ours: our private copy, of the same type; it changes before the published word does,
 *	and is stored with release semantics or behind a write barrier
 *
 * The published word is read before ours: if ours changes meanwhile, the published word
 * changes as well, the exchange fails, and the new word stays.
 *
 * Context: Any, also beside the code that changes the word.
 * Return: true if the word was published again.
 */
#define rf_republish(published, ours)						\
({										\
	/* Pairs with whatever orders ours before the published word. */	\
	__typeof__(*(published)) rf_there = smp_load_acquire(published);	\
	__typeof__(*(published)) rf_ours = READ_ONCE(*(ours));			\
										\
	rf_there != rf_ours && try_cmpxchg(published, &rf_there, rf_ours);	\
})

#endif /* RF_KERNEL_REPUBLISH_H */
