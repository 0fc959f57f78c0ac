// SPDX-License-Identifier: GPL-2.0
/* Takes memory from a running subOS: its agent gives up range by range, and reports each. */
#include <linux/slab.h>

#include "memory/memory.h"
#include "resize/internal.h"

/* The agent's deadline is a little earlier than the end of our wait. */
#define RF_MEMORY_SPARE_MS	500

struct rf_shrinkage {
	u64 done;			/* bytes */
	u32 refused;			/* of ranges[]: not withdrawn, to be offered again */
	struct rf_range ranges[RF_RANGES_MAX];
};

/*
 * May a subOS give up this range? Its alignment to RF_EXTENT_SIZE was checked when the
 * answer was parsed (wire/control_check.h). Ledger lock held.
 */
static bool rf_memory_sound(struct rf_subos *subos, u64 start, u64 size)
{
	u64 boot = rf_ledger_memory_boot(&rf_books.memory, subos->id);

	lockdep_assert_held(&rf_ledger_lock);
	return rf_ledger_memory_holds(&rf_books.memory, subos->id, start, size) &&
	       (start >= boot + RF_BOOT_AREA_SIZE || start + size <= boot);
}

/* PROGRESS of MEMORY_REMOVE: the kernel there has given up a range for good. */
static void rf_memory_given_up(struct rf_subos *subos, const s64 *args, void *data)
{
	struct rf_shrinkage *shrinkage = data;
	u64 start = args[0], size = args[1];
	int rc = -ERANGE;

	mutex_lock(&rf_ledger_lock);
	if (rf_memory_sound(subos, start, size))
		rc = rf_memory_withdraw(subos, start, size);
	mutex_unlock(&rf_ledger_lock);
	if (!rc)
		shrinkage->done += size;
	else if (rc == -ERANGE)
		pr_warn_ratelimited("subOS %s gives up memory that is not its to give\n",
				    subos->name);
	else if (shrinkage->refused < RF_RANGES_MAX)
		shrinkage->ranges[shrinkage->refused++] = (struct rf_range){ start, size };
}

/* Memory that was given up after the caller had stopped waiting: offer it again. */
static void rf_memory_remove_late(struct rf_subos *subos, const struct rf_late *late)
{
	u64 start, size;
	bool sound;
	u32 i;

	if (!rf_late_begin(subos, late))
		return;
	for (i = late->handled; i < late->count; i++) {
		start = late->progress[i][0];
		size = late->progress[i][1];
		mutex_lock(&rf_ledger_lock);
		sound = rf_memory_sound(subos, start, size);
		mutex_unlock(&rf_ledger_lock);
		if (sound)
			rf_memory_offer(subos, start, size);
	}
}

static int rf_memory_remove(struct rf_subos *subos, struct rf_resize *args, u64 block_size,
			    struct rf_shrinkage *shrinkage)
{
	u32 timeout = rf_resize_timeout(args), i;
	/* At most as many blocks as PROGRESS answers can be recorded. */
	u64 wanted = min(args->memory, (RF_UNITS_MAX - 1) * block_size);
	struct rf_ask ask = {
		.op = RF_OP_MEMORY_REMOVE,
		.timeout_ms = timeout,
		.units = wanted / block_size + 1,
		.args = { wanted, timeout - min_t(u32, timeout / 4, RF_MEMORY_SPARE_MS) },
		.progress = rf_memory_given_up,
		.data = shrinkage,
		.late = rf_memory_remove_late,
	};
	int rc;

	if (mutex_lock_interruptible(&rf_ledger_lock))
		return -EINTR;
	rc = rf_step("memory-claim");
	mutex_unlock(&rf_ledger_lock);
	if (!rc)
		rc = rf_resize_result(args, &ask, rf_supcon_ask(subos, &ask));
	args->memory_done = shrinkage->done;
	for (i = 0; i < shrinkage->refused; i++)
		rf_memory_offer(subos, shrinkage->ranges[i].start, shrinkage->ranges[i].size);
	/* The subOS gave it up: what fails from here on is the supervisor's. */
	if (shrinkage->done && rf_blocks_home() && !rc) {
		args->error = EBUSY;
		rc = -EIO;
	}
	return rc;
}

/* RF_RESIZE_MEMORY_REMOVE */
int rf_resize_memory_remove(struct rf_subos *subos, struct rf_resize *args)
{
	u64 begun = ktime_get_ns(), block_size;
	struct rf_shrinkage *shrinkage;
	int rc;

	lockdep_assert_held(&subos->adjusting);
	if (!args->memory || !IS_ALIGNED(args->memory, RF_EXTENT_SIZE))
		return -EINVAL;
	rc = rf_memory_ready(subos, &block_size);
	if (rc)
		return rc;
	shrinkage = kzalloc(sizeof(*shrinkage), GFP_KERNEL);
	if (!shrinkage)
		return -ENOMEM;
	rc = rf_memory_remove(subos, args, block_size, shrinkage);
	kfree(shrinkage);
	rf_memory_note(subos, RF_EVENT_MEMORY_REMOVED, args, begun, rc);
	return rc;
}
