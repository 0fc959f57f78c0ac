// SPDX-License-Identifier: GPL-2.0
/*
 * The ring code alone: 64 bytes there and back through two rings that both sides
 * poll, between two kernels and between two threads of one.
 */
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include "bench.h"
#include "../../../ficm/ring.c"

/* One end of two rings. */
struct bench_end {
	struct rf_ring to;
	struct rf_ring from;
};

static struct workqueue_struct *bench_queue;
static struct bench_end bench_near, bench_far;
static u32 bench_far_count;

static struct rf_ring_pair *bench_pair(u32 member, u32 number)
{
	void *home = member < RF_MEMBERS_MAX ? rf_ficm_segment(member) : NULL;

	return home ? (struct rf_ring_pair *)(home + BENCH_RINGS_OFF) + number : NULL;
}

/* Whose these rings are is known: the checks of sender and receiver are made all the same. */
static void bench_open(struct bench_end *end, struct rf_ring_pair *to, struct rf_ring_pair *from)
{
	rf_ring_attach(&end->from, from, RF_NORMAL);
	rf_ring_start_consumer(&end->from);
	rf_ring_attach(&end->to, to, RF_NORMAL);
	rf_ring_start_producer(&end->to);
}

static int bench_push(struct bench_end *end, u64 number)
{
	struct rf_message message = { .type = BENCH_FLOOD, .length = RF_PAYLOAD_MAX };

	*(u64 *)message.payload = number;
	return rf_ring_put(&end->to, &message) ? 0 : -EAGAIN;
}

static int bench_pop(struct bench_end *end, struct rf_message *message)
{
	enum rf_ring_result result;
	u64 start = 0;
	u32 turns = 0;

	while ((result = rf_ring_peek(&end->from, 0, 0, message)) == RF_RING_EMPTY) {
		cpu_relax();
		if (++turns % 4096)
			continue;
		if (!start)
			start = ktime_get_ns();
		else if (ktime_get_ns() - start > BENCH_PATIENCE)
			return -ETIMEDOUT;
	}
	if (result != RF_RING_MESSAGE)
		return -EBADMSG;
	rf_ring_advance(&end->from);
	return 0;
}

static void bench_echo_polled(struct work_struct *work)
{
	struct rf_message message;
	u32 i;

	for (i = 0; i < bench_far_count; i++) {
		if (bench_pop(&bench_far, &message) ||
		    bench_push(&bench_far, *(u64 *)message.payload))
			return;
		cond_resched();
	}
}
static DECLARE_WORK(bench_echo_work, bench_echo_polled);

/* Echo what @from sends, until it was @count. */
void bench_polled_serve(u32 from, u32 count)
{
	flush_work(&bench_echo_work);
	bench_far_count = min_t(u32, count, BENCH_COUNT_MAX);
	bench_open(&bench_far, bench_pair(from, 0), bench_pair(rf_ficm_self(), 0));
	queue_work(bench_queue, &bench_echo_work);
}

static int bench_poll_once(struct bench_run *run, u64 number)
{
	struct rf_message message;
	int rc;

	rc = bench_push(&bench_near, number) ?: bench_pop(&bench_near, &message);
	return rc ?: *(u64 *)message.payload == number ? 0 : -EBADMSG;
}

/* There and back through two rings that both kernels poll. */
int bench_poll(struct bench_run *run)
{
	int rc;

	bench_open(&bench_near, bench_pair(run->target, 0), bench_pair(rf_ficm_self(), 0));
	rc = bench_ask(run->target, BENCH_ASK_POLL, run->count);
	return rc ?: bench_repeat(run, bench_poll_once);
}

/* The same between this thread and one on another core of this kernel. */
int bench_threads(struct bench_run *run)
{
	struct rf_ring_pair *there = bench_pair(rf_ficm_self(), 0);
	struct rf_ring_pair *back = bench_pair(rf_ficm_self(), 1);
	int rc;

	if (run->target >= nr_cpu_ids || !cpu_online(run->target))
		return -EINVAL;
	flush_work(&bench_echo_work);
	bench_open(&bench_near, there, back);
	bench_open(&bench_far, back, there);
	bench_far_count = run->count;
	queue_work_on(run->target, bench_queue, &bench_echo_work);
	rc = bench_repeat(run, bench_poll_once);
	flush_work(&bench_echo_work);
	return rc;
}

int bench_polled_init(void)
{
	/* What works here polls for long, and must not keep others from their work. */
	bench_queue = alloc_workqueue("rf_bench", WQ_CPU_INTENSIVE, 0);
	return bench_queue ? 0 : -ENOMEM;
}

void bench_polled_exit(void)
{
	destroy_workqueue(bench_queue);
}
