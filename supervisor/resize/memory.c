// SPDX-License-Identifier: GPL-2.0
/*
 * Code common to growing and shrinking the memory of a running subOS. Memory changes hands in
 * whole memory blocks of the subOS's kernel; they come from the pool, or from the supervisor's
 * kernel, and return there.
 */
#include "memory/memory.h"
#include "pci/pci.h"
#include "resize/internal.h"
#include "shared/shared.h"

/* Can its memory be resized now? A new HELLO may change the block size: read it once. */
int rf_memory_ready(struct rf_subos *subos, u64 *block_size)
{
	*block_size = READ_ONCE(subos->block_size);
	return rf_resize_ready(subos, RF_CAN_MEMORY) ?: *block_size ? 0 : -EOPNOTSUPP;
}

void rf_memory_note(struct rf_subos *subos, enum rf_event_type type,
		    const struct rf_resize *args, u64 begun, int rc)
{
	const u64 event[4] = { args->memory_done, args->memory };

	rf_event(subos, type, rc, RF_CAUSE_OPERATOR, ktime_get_ns() - begun, event, NULL);
}

/* Return a range that the subOS does not use to the pool. Ledger lock held. */
int rf_memory_withdraw(struct rf_subos *subos, u64 start, u64 size)
{
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	down_write(&subos->memory_sem);
	rc = rf_pool_leave(subos->id, start, size);
	up_write(&subos->memory_sem);
	if (rc)
		return rc;
	rf_publish();
	rf_dma_unmap(subos, start, size);
	rf_pool_put(subos->id, start, size, RF_MEMORY_LEAVING);
	rf_publish();	/* a later supervisor must see that nobody owns it, too */
	return 0;
}
