// SPDX-License-Identifier: GPL-2.0
/*
 * For tests: a subOS gone mad. Overwrites all of the arena that this kernel has
 * mapped with random bytes, again and again, for `seconds`. With `beats`, only the
 * heartbeats of all others: zeroes, or with `beats=2` numbers that grow.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/random.h>

#include "kernel/ficm.h"

static unsigned int seconds = 3;
module_param(seconds, uint, 0);

static unsigned int beats;
module_param(beats, uint, 0);

static struct task_struct *rf_scribbler;

/* Marsaglia's xorshift64: fast, and never 0. */
static u64 rf_next(u64 state)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^ state << 17;
}

/* Words as they come, but sometimes ones that could mean something. */
static u64 rf_word(u64 random)
{
	switch (random & 15) {
	case 0:
		return 0;
	case 1:
		return ~0ULL;
	case 2:
		return (random >> 32 & 0xff) | (u64)RF_ARENA_MAGIC << 32;
	default:
		return random;
	}
}

static u64 rf_scribble(void *segment, u64 random)
{
	u64 *words = segment;
	size_t i;

	for (i = 0; i < RF_HOME_SIZE / sizeof(*words); i++) {
		random = rf_next(random);
		WRITE_ONCE(words[i], rf_word(random));
	}
	return random;
}

static void rf_scribble_beat(u32 member, u64 round)
{
	struct rf_endpoint *endpoint = member == rf_ficm_self() ? NULL : rf_ficm_endpoint(member);

	if (endpoint)
		WRITE_ONCE(endpoint->beat, beats == 1 ? 0 : round);
}

static int rf_scribble_thread(void *unused)
{
	const unsigned long end = jiffies + seconds * HZ;
	unsigned int rounds = 0;
	u64 random = get_random_u64() | 1;
	u32 n;

	while (!kthread_should_stop() && time_before(jiffies, end)) {
		for (n = 0; n < RF_SEGMENTS_MAX_ARENA; n++) {
			void *segment = rf_ficm_segment(n);

			if (beats && n < RF_MEMBERS_MAX)
				rf_scribble_beat(n, rounds);
			else if (segment && !beats)
				random = rf_scribble(segment, random);
			cond_resched();
		}
		rounds++;
	}
	pr_info("overwrote the arena %u times\n", rounds);
	while (!kthread_should_stop())
		msleep_interruptible(100);
	return 0;
}

static int __init rf_scribble_init(void)
{
	rf_scribbler = kthread_run(rf_scribble_thread, NULL, "rf_scribble");
	return PTR_ERR_OR_ZERO(rf_scribbler);
}
module_init(rf_scribble_init);

static void __exit rf_scribble_exit(void)
{
	kthread_stop(rf_scribbler);
}
module_exit(rf_scribble_exit);

MODULE_DESCRIPTION("rainforest test: overwrite the arena");
MODULE_LICENSE("GPL");
