// SPDX-License-Identifier: GPL-2.0
/* Doorbells and messages between two kernels, and messages to several. */
#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>

#include "bench.h"

static int bench_doorbell_once(struct bench_run *run, u64 number)
{
	struct bench_page *page = bench_page_of(run->target);
	int rc = rf_doorbell_ring(run->target, READ_ONCE(page->doorbell) - 1);

	return rc ?: bench_await(&page->rung, run->base + number);
}

/* The peer's interrupt handler says so in shared memory. */
int bench_doorbell(struct bench_run *run)
{
	int rc = bench_ask(run->target, BENCH_ASK_COUNT, 0);

	if (rc)
		return rc;
	run->base = READ_ONCE(bench_page_of(run->target)->rung);
	return bench_repeat(run, bench_doorbell_once);
}

static int bench_doorbell_back_once(struct bench_run *run, u64 number)
{
	struct bench_page *page = bench_page_of(run->target);
	int rc = rf_doorbell_ring(run->target, READ_ONCE(page->doorbell) - 1);

	return rc ?: bench_await(&bench_rung, run->base + number);
}

/* The peer's interrupt handler rings back. */
int bench_doorbell_back(struct bench_run *run)
{
	int rc = bench_ask(run->target, BENCH_ASK_RING_BACK, 0);

	if (rc)
		return rc;
	run->base = READ_ONCE(bench_rung);
	return bench_repeat(run, bench_doorbell_back_once);
}

static int bench_message_once(struct bench_run *run, u64 number)
{
	u64 payload[RF_PAYLOAD_MAX / sizeof(u64)] = { number };
	int rc = rf_ficm_send(run->target, RF_NORMAL, BENCH_ECHO, payload, sizeof(payload));

	return rc ?: bench_await(&bench_echoed, number);
}

/* Echoed in the peer's poll; who waits spins. */
int bench_message(struct bench_run *run)
{
	WRITE_ONCE(bench_echoed, 0);
	return bench_repeat(run, bench_message_once);
}

static int bench_process_once(struct bench_run *run, u64 number)
{
	u64 payload[RF_PAYLOAD_MAX / sizeof(u64)] = { number };
	int rc = rf_ficm_send(run->target, RF_NORMAL, BENCH_PROCESS_ECHO, payload,
			      sizeof(payload));

	if (rc)
		return rc;
	return wait_for_completion_timeout(&bench_process_echoed,
					   nsecs_to_jiffies(BENCH_PATIENCE)) ? 0 : -ETIMEDOUT;
}

/* Echoed by the peer's reader thread; who waits sleeps. */
int bench_process(struct bench_run *run)
{
	reinit_completion(&bench_process_echoed);
	return bench_repeat(run, bench_process_once);
}

static int bench_flood_once(struct bench_run *run, u64 number)
{
	u64 payload[RF_PAYLOAD_MAX / sizeof(u64)] = { number };
	u64 start = ktime_get_ns();
	u32 left = run->target;

	for (;;) {
		left &= ~rf_ficm_multicast(left, RF_NORMAL, BENCH_FLOOD, payload, sizeof(payload));
		if (!left)
			return 0;
		if (ktime_get_ns() - start > BENCH_PATIENCE)
			return -ETIMEDOUT;
		cpu_relax();
	}
}

/* As many messages as go through, to each member in the mask; until all have them. */
int bench_flood(struct bench_run *run)
{
	u64 base[RF_MEMBERS_MAX], start = ktime_get_ns();
	unsigned long members = run->target;
	u32 member;
	int rc;

	for_each_set_bit(member, &members, RF_MEMBERS_MAX) {
		rc = bench_ask(member, BENCH_ASK_COUNT, 0);
		if (rc)
			return rc;
		base[member] = READ_ONCE(bench_page_of(member)->received);
	}
	rc = bench_repeat(run, bench_flood_once);
	for_each_set_bit(member, &members, RF_MEMBERS_MAX)
		if (!rc)
			rc = bench_await(&bench_page_of(member)->received,
					 base[member] + run->count);
	run->ns[0] = ktime_get_ns() - start;
	return rc;
}
