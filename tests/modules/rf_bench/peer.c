// SPDX-License-Identifier: GPL-2.0
/*
 * What every kernel that takes part does: count doorbells and messages, echo, and
 * answer what who measures asks.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "bench.h"

struct bench_page *bench_page;
u64 bench_rung;
u64 bench_echoed;
DECLARE_COMPLETION(bench_process_echoed);

static struct rf_doorbell *bench_doorbell_own;
static u32 bench_ring_back = RF_MEMBERS_MAX;	/* member to ring back, if there is such */
static u32 bench_asked;

struct bench_page *bench_page_of(u32 member)
{
	void *home = member < RF_MEMBERS_MAX ? rf_ficm_segment(member) : NULL;

	return home ? home + BENCH_PAGE_OFF : NULL;
}

/* Spin, as smp_call_function_single() does for its answer, but not for ever. */
int bench_await(const u64 *counter, u64 value)
{
	u64 start = 0;
	u32 turns = 0;

	while (READ_ONCE(*counter) != value) {
		cpu_relax();
		if (++turns % 4096)
			continue;
		/* The answer may be waiting in ksoftirqd, on this core. */
		cond_resched();
		if (!start)
			start = ktime_get_ns();
		else if (ktime_get_ns() - start > BENCH_PATIENCE)
			return -ETIMEDOUT;
	}
	return 0;
}

/* Ask a peer and wait for its answer. */
int bench_ask(u32 member, u32 kind, u32 count)
{
	struct bench_question question = { .id = ++bench_asked, .kind = kind, .count = count };
	struct bench_page *page = bench_page_of(member);
	u64 start = ktime_get_ns();
	int rc;

	if (!page || !READ_ONCE(page->doorbell))
		return -ENOTCONN;
	rc = rf_ficm_send(member, RF_NORMAL, BENCH_ASK, &question, sizeof(question));
	/* What the answer is about was written before it. */
	while (!rc && smp_load_acquire(&page->answered) != question.id) {
		if (ktime_get_ns() - start > BENCH_PATIENCE)
			return -ETIMEDOUT;
		usleep_range(50, 100);
	}
	return rc;
}

/* ---- handlers ---- */

static void bench_rings(void *unused)
{
	u32 back = READ_ONCE(bench_ring_back);
	struct bench_page *page;

	bench_rung++;
	WRITE_ONCE(bench_page->rung, bench_rung);
	page = back < RF_MEMBERS_MAX ? bench_page_of(back) : NULL;
	if (page)
		rf_doorbell_ring(back, READ_ONCE(page->doorbell) - 1);
}

static void bench_on_echo(u32 from, const struct rf_message *message, void *unused)
{
	rf_ficm_send(from, RF_NORMAL, message->type + 1, message->payload, message->length);
}

static void bench_on_echoed(u32 from, const struct rf_message *message, void *unused)
{
	WRITE_ONCE(bench_echoed, *(const u64 *)message->payload);
}

static void bench_on_process_echoed(u32 from, const struct rf_message *message, void *unused)
{
	complete(&bench_process_echoed);
}

static void bench_on_flood(u32 from, const struct rf_message *message, void *unused)
{
	WRITE_ONCE(bench_page->received, bench_page->received + 1);
}

static void bench_on_ask(u32 from, const struct rf_message *message, void *unused)
{
	const struct bench_question *question = (const void *)message->payload;

	switch (question->kind) {
	case BENCH_ASK_COUNTERS:
		rf_ficm_counters(&bench_page->counters);
		break;
	case BENCH_ASK_COUNT:
		WRITE_ONCE(bench_ring_back, RF_MEMBERS_MAX);
		break;
	case BENCH_ASK_RING_BACK:
		WRITE_ONCE(bench_ring_back, from);
		break;
	case BENCH_ASK_POLL:
		bench_polled_serve(from, question->count);
		break;
	}
	/* After what it is about. */
	smp_store_release(&bench_page->answered, question->id);
}

static const struct {
	u16 type;
	enum rf_ficm_context context;
	rf_ficm_handler handler;
} bench_handlers[] = {
	{ BENCH_ASK, RF_FICM_PROCESS, bench_on_ask },
	{ BENCH_ECHO, RF_FICM_SOFTIRQ, bench_on_echo },
	{ BENCH_ECHOED, RF_FICM_SOFTIRQ, bench_on_echoed },
	{ BENCH_PROCESS_ECHO, RF_FICM_PROCESS, bench_on_echo },
	{ BENCH_PROCESS_ECHOED, RF_FICM_PROCESS, bench_on_process_echoed },
	{ BENCH_FLOOD, RF_FICM_SOFTIRQ, bench_on_flood },
};

static void bench_unregister(int count)
{
	while (count--)
		rf_ficm_unregister(bench_handlers[count].type);
}

int bench_peer_init(void)
{
	int i, rc;

	bench_page = bench_page_of(rf_ficm_self());
	if (!bench_page) {
		pr_err("this kernel is no member of an arena\n");
		return -ENOTCONN;
	}
	memset(bench_page, 0, sizeof(*bench_page));
	for (i = 0; i < ARRAY_SIZE(bench_handlers); i++) {
		rc = rf_ficm_register(bench_handlers[i].type, bench_handlers[i].context,
				      bench_handlers[i].handler, NULL);
		if (rc)
			goto unregister;
	}
	bench_doorbell_own = rf_doorbell_create(RF_DOORBELL_ANY, raw_smp_processor_id(),
						"rf_bench", bench_rings, NULL);
	if (IS_ERR(bench_doorbell_own)) {
		rc = PTR_ERR(bench_doorbell_own);
		goto unregister;
	}
	/* Last: who sees it may ask. */
	smp_store_release(&bench_page->doorbell, rf_doorbell_index(bench_doorbell_own) + 1);
	return 0;

unregister:
	bench_unregister(i);
	return rc;
}

void bench_peer_exit(void)
{
	WRITE_ONCE(bench_page->doorbell, 0);
	rf_doorbell_destroy(bench_doorbell_own);
	bench_unregister(ARRAY_SIZE(bench_handlers));
}
