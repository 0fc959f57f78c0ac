// SPDX-License-Identifier: GPL-2.0
/* Adds memory to a running subOS: it owns the memory first, then its agent onlines it. */
#include <linux/jiffies.h>
#include <linux/nodemask.h>
#include <linux/slab.h>

#include "cores/cores.h"
#include "memory/memory.h"
#include "pci/pci.h"
#include "resize/internal.h"
#include "shared/shared.h"

struct rf_growth {
	u64 size;			/* bytes, rounded up */
	u64 block_size;
	u64 end;			/* deadline, ktime_get_ns() */
	u32 count;
	u32 added;			/* of ranges[], in the subOS's grant */
	struct rf_range ranges[RF_RANGES_MAX];
};

/* Is it all there? -EAGAIN: what was provided for it went to somebody else. */
static int rf_memory_add_check(struct rf_subos *subos, struct rf_resize *args,
			       struct rf_growth *growth)
{
	int rc;

	if (mutex_lock_interruptible(&rf_ledger_lock))
		return -EINTR;
	rc = rf_resize_ready(subos, RF_CAN_MEMORY) ?: rf_step("memory-offer");
	if (!rc && rf_pool_missing(growth->size, growth->block_size, args->node, false,
				   &args->available))
		rc = -EAGAIN;
	growth->count = rf_ledger_memory_room(&rf_books.memory, subos->id);
	mutex_unlock(&rf_ledger_lock);
	return rc;
}

/* The memory was taken: into its grant, or back. Ledger lock held. */
static int rf_memory_add_grant(struct rf_subos *subos, struct rf_growth *growth)
{
	struct rf_range *range;
	int rc = 0;

	lockdep_assert_held(&rf_ledger_lock);
	for (; !rc && growth->added < growth->count; growth->added += !rc) {
		range = &growth->ranges[growth->added];
		rc = rf_dma_map(subos, range->start, range->size);
		if (!rc)
			rc = rf_pool_own(subos->id, range->start, range->size);
	}
	if (!rc)
		rc = rf_step("memory-grant");
	while (rc && growth->count) {
		range = &growth->ranges[--growth->count];
		if (growth->count < growth->added) {
			rf_expect(rf_memory_withdraw(subos, range->start, range->size));
			continue;
		}
		rf_dma_unmap(subos, range->start, range->size);
		rf_pool_put(subos->id, range->start, range->size, RF_MEMORY_COMING);
	}
	rf_publish();
	return rc;
}

/* Others were faster since it was checked that it is there. */
static bool rf_growth_was_late(const struct rf_resize *args, const struct rf_growth *growth)
{
	u64 missing, unused;

	mutex_lock(&rf_ledger_lock);
	missing = rf_pool_missing(growth->size, growth->block_size, args->node, false, &unused);
	mutex_unlock(&rf_ledger_lock);
	return missing;
}

/* Give memory to the subOS. Return: -EAGAIN: as above. */
static int rf_memory_add_begin(struct rf_subos *subos, struct rf_resize *args,
			       struct rf_growth *growth)
{
	int rc = rf_memory_add_check(subos, args, growth);

	if (rc)
		return rc;
	rc = rf_pool_take_aligned(subos->id, growth->size, growth->block_size, args->node,
				  growth->ranges, &growth->count);
	if (rc == -ENOMEM && rf_growth_was_late(args, growth))
		return -EAGAIN;
	if (!rc) {
		mutex_lock(&rf_ledger_lock);
		rc = rf_memory_add_grant(subos, growth);
		mutex_unlock(&rf_ledger_lock);
	}
	return rc == -EAGAIN ? -ENOMEM : rc;
}

/* A late MEMORY_ADD failed: nothing of the range is in use, take it back. */
static void rf_memory_add_late(struct rf_subos *subos, const struct rf_late *late)
{
	u64 start = late->args[0], size = late->args[1];

	/* Without a final answer the subOS may be using the memory that it was given. */
	if (!rf_late_begin(subos, late) || late->lost || late->answer == RF_ANSWER_DONE)
		return;
	mutex_lock(&rf_ledger_lock);
	if (rf_ledger_memory_holds(&rf_books.memory, subos->id, start, size))
		rf_memory_withdraw(subos, start, size);
	mutex_unlock(&rf_ledger_lock);
	rf_blocks_home();
}

/* The agent onlines the ranges one by one; from the first failure on they are taken back. */
static int rf_memory_add_end(struct rf_subos *subos, struct rf_resize *args,
			     const struct rf_growth *growth)
{
	const u64 end = growth->end;
	int rc = 0, rc_back = 0;
	struct rf_ask ask;
	u32 i, unused;
	u64 now;

	for (i = 0; !rc && i < growth->count; i++) {
		now = ktime_get_ns();
		if (now >= end) {
			rc = -ETIMEDOUT;
			break;
		}
		ask = (struct rf_ask){
			.op = RF_OP_MEMORY_ADD,
			.timeout_ms = (end - now) / NSEC_PER_MSEC + 1,
			.args = { growth->ranges[i].start, growth->ranges[i].size },
			.late = rf_memory_add_late,
		};
		rc = rf_resize_result(args, &ask, rf_supcon_ask(subos, &ask));
		if (rc && (ask.settled || !rf_cores_prove(subos, &unused)))
			break;
		/* Also without a final answer: the agent may be onlining the range right now. */
		args->memory_done += growth->ranges[i].size;
	}
	mutex_lock(&rf_ledger_lock);
	for (; i < growth->count; i++)
		rc_back = rf_memory_withdraw(subos, growth->ranges[i].start,
					     growth->ranges[i].size) ?: rc_back;
	mutex_unlock(&rf_ledger_lock);
	if (rc_back)
		pr_err("subOS %s keeps memory that it does not use: error %d\n", subos->name,
		       rc_back);
	return rc;
}

/* Is there so much? Then make the pool hold it. */
static int rf_memory_provide(const struct rf_subos *subos, struct rf_resize *args,
			     const struct rf_growth *growth, struct rf_provision *provision)
{
	bool could;
	int rc;

	if (mutex_lock_interruptible(&rf_ledger_lock))
		return -EINTR;
	could = rf_pool_could_take(growth->size, growth->block_size, args->node,
				   &args->available);
	mutex_unlock(&rf_ledger_lock);
	if (!could)
		return -ENOMEM;
	provision->size = growth->size;
	provision->align = growth->block_size;
	provision->subos = subos;
	provision->node = args->node;
	rc = rf_pool_provide(provision);
	args->available = provision->available;
	return rc;
}

/* Context: `adjusting` held, as below. */
static int rf_memory_add(struct rf_subos *subos, struct rf_resize *args,
			 struct rf_growth *growth)
{
	struct rf_provision provision;
	int rc;

	lockdep_assert_held(&subos->adjusting);
	rf_provision_init(&provision, rf_resize_timeout(args));
	do {
		rc = rf_memory_provide(subos, args, growth, &provision);
		if (!rc)
			rc = rf_memory_add_begin(subos, args, growth);
	} while (rc == -EAGAIN && time_before(jiffies, provision.deadline));
	if (rc == -EAGAIN)
		rc = -ENOMEM;
	growth->end = ktime_get_ns() + rf_resize_timeout(args) * NSEC_PER_MSEC;
	if (!rc)
		rc = rf_memory_add_end(subos, args, growth);
	/* Not earlier: it takes time, which is the agent's. */
	rf_pool_release(&provision);
	if (rc && !provision.began)
		rf_blocks_unused();
	return rc;
}

/* Offer the agent memory that it gave up but that its subOS still owns. */
void rf_memory_offer(struct rf_subos *subos, u64 start, u64 size)
{
	struct rf_ask ask = {
		.op = RF_OP_MEMORY_ADD,
		.timeout_ms = RF_RESIZE_MS,
		.insist = true,
		.args = { start, size },
		.late = rf_memory_add_late,
	};
	int rc = rf_supcon_ask(subos, &ask);

	if (rc)
		pr_warn_ratelimited("subOS %s did not take 0x%llx bytes at 0x%llx back: error %d\n",
				    subos->name, size, start, rc);
}

/* RF_RESIZE_MEMORY_ADD */
int rf_resize_memory_add(struct rf_subos *subos, struct rf_resize *args)
{
	u64 begun = ktime_get_ns(), block_size;
	struct rf_growth *growth;
	int rc;

	lockdep_assert_held(&subos->adjusting);
	if (!args->memory || !IS_ALIGNED(args->memory, RF_EXTENT_SIZE) || args->node < -1 ||
	    args->node >= MAX_NUMNODES || (args->node >= 0 && !node_online(args->node)))
		return -EINVAL;
	rc = rf_memory_ready(subos, &block_size);
	if (rc)
		return rc;
	if (args->memory > U64_MAX - block_size)
		return -ENOMEM;
	growth = kzalloc(sizeof(*growth), GFP_KERNEL);
	if (!growth)
		return -ENOMEM;
	growth->size = ALIGN(args->memory, block_size);
	growth->block_size = block_size;
	rc = rf_memory_add(subos, args, growth);
	kfree(growth);
	rf_memory_note(subos, RF_EVENT_MEMORY_ADDED, args, begun, rc);
	return rc;
}
