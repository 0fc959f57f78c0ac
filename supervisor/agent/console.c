// SPDX-License-Identifier: GPL-2.0
/*
 * Consoles: output of a subOS goes from the ring in its home segment into a log in the
 * supervisor, which outlives the subOS's kernel; input goes the other way. A work item
 * drains the output ring; it is queued by the subOS's doorbell and by the watch, so that
 * nothing depends on the doorbell. A run ends once it has taken a ringful: a subOS that
 * prints without end waits for the next tick of the watch.
 *
 * Everything in the rings is written by another kernel: each position is read once,
 * and checked (kernel/byte_ring.h).
 */
#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "agent/internal.h"
#include "shared/shared.h"

/* No kernel drops more between two looks: such a number is not what it counted. */
#define RF_CONSOLE_DROPS_MAX	(64 << 20)
#define RF_CONSOLE_PAUSE	(10 * NSEC_PER_SEC)	/* between two RF_EVENT_CONSOLE */

/* Positions in the log are masked. */
static_assert(RF_SCROLLBACK && !(RF_SCROLLBACK & (RF_SCROLLBACK - 1)));

static struct rf_doorbell *rf_console_doorbell;

/* ---- into the log ---- */

static void rf_log_append(struct rf_console_log *log, const void *bytes, u32 length)
{
	rf_bytes_put(log->bytes, RF_SCROLLBACK, log->head, bytes, length);
	WRITE_ONCE(log->head, log->head + length);
}

/* Move the ring's contents to the log. Return: bytes, at most the ring's size; 0: empty. */
static u32 rf_console_take(struct rf_console_log *log)
{
	u32 length, left, span;

	if (!rf_byte_ring_used(&log->out, &length)) {
		pr_warn_ratelimited("subOS %s: console ring corrupted; output is lost\n",
				    log->subos->name);
		return RF_CONSOLE_OUT_SIZE;
	}
	left = length;
	do {
		const u8 *bytes;

		span = left;
		bytes = rf_byte_ring_span(&log->out, &span);
		rf_log_append(log, bytes, span);
		/* Also for an empty ring: our tail may have been overwritten. */
		rf_byte_ring_advance(&log->out, span);
		left -= span;
	} while (left);
	return length;
}

static void rf_console_count_dropped(struct rf_console_log *log)
{
	u32 dropped = READ_ONCE(log->ring->out_dropped), more = dropped - log->dropped_seen;
	u64 now = ktime_get_ns(), args[4] = {};

	if (more <= RF_CONSOLE_DROPS_MAX)
		log->dropped += more;
	log->dropped_seen = dropped;
	if (log->dropped == log->dropped_told ||
	    (log->dropped_at && now - log->dropped_at < RF_CONSOLE_PAUSE))
		return;
	log->dropped_told = args[0] = log->dropped;
	log->dropped_at = now;
	rf_event(log->subos, RF_EVENT_CONSOLE, 0, RF_CAUSE_NONE, 0, args, NULL);
}

/*
 * Drain the ring, and request the doorbell once it is empty. If the doorbell is not rung,
 * the watch polls soon anyway.
 */
static void rf_console_drain(struct rf_console_log *log)
{
	struct rf_console *ring = log->ring;
	const u64 before = log->head;
	u32 taken, length;

	lockdep_assert_held(&log->lock);
	if (!ring)
		return;
	WRITE_ONCE(ring->out_waiting, 0);
	/* An empty round counts as one byte: else the other side could loop us for ever. */
	for (taken = 0; taken < RF_CONSOLE_OUT_SIZE; taken += max(length, 1U)) {
		length = rf_console_take(log);
		if (length)
			continue;
		WRITE_ONCE(ring->out_waiting, 1);
		/*
		 * Pairs with smp_mb() in rf_put_chars() (subos/console.c): either the subOS sees
		 * out_waiting, or we see its head.
		 */
		smp_mb();
		if (rf_byte_ring_is_empty(&log->out))
			break;
		WRITE_ONCE(ring->out_waiting, 0);
	}
	rf_console_count_dropped(log);
	if (log->head != before)
		wake_up_all(&log->wait);
}

static void rf_console_work(struct work_struct *work)
{
	struct rf_console_log *log = container_of(work, struct rf_console_log, work);

	mutex_lock(&log->lock);
	rf_console_drain(log);
	mutex_unlock(&log->lock);
}

/**
 * rf_console_poll() - queue a drain of a subOS's ring if needed; republish our positions
 * @subos: the subOS
 *
 * Context: Any, also with interrupts off. State lock held.
 */
void rf_console_poll(struct rf_subos *subos)
{
	struct rf_console_log *log = subos->console;

	lockdep_assert_held(&rf_state_lock);
	if (!log || !log->ring)
		return;
	if (!rf_byte_ring_is_empty(&log->out))
		queue_work(system_unbound_wq, &log->work);
	rf_byte_ring_restore_tail(&log->out);
	/* Have the subOS resync to our head now: doing so at the next input would skip that. */
	if (rf_byte_ring_restore_head(&log->in))
		rf_doorbell_ring(subos->member, RF_DOORBELL_CONSOLE);
	if (READ_ONCE(log->input_full) && rf_byte_ring_room(&log->in)) {
		WRITE_ONCE(log->input_full, false);
		wake_up_all(&log->wait);
	}
}

/* Some subOS has written output, or read input. Hard interrupt. */
static void rf_console_rung(void *data)
{
	struct rf_subos *subos;
	unsigned long flags;

	spin_lock_irqsave(&rf_state_lock, flags);
	list_for_each_entry(subos, &rf_subos_list, node)
		rf_console_poll(subos);
	spin_unlock_irqrestore(&rf_state_lock, flags);
}

/* ---- life ---- */

/**
 * rf_console_open() - create the doorbell that subOSes ring after output
 *
 * Context: Process context, after rf_ficm_join().
 * Return: 0 or a negative errno.
 */
int rf_console_open(void)
{
	struct rf_doorbell *doorbell;

	doorbell = rf_doorbell_create(RF_DOORBELL_CONSOLE, raw_smp_processor_id(),
				      "rainforest-console", rf_console_rung, NULL);
	if (IS_ERR(doorbell))
		return PTR_ERR(doorbell);
	rf_console_doorbell = doorbell;
	return 0;
}

/* Destroy the doorbell, before rf_ficm_leave(). Idempotent. Context: process. */
void rf_console_close(void)
{
	if (rf_console_doorbell)
		rf_doorbell_destroy(rf_console_doorbell);
	rf_console_doorbell = NULL;
}

/**
 * rf_console_add() - give a new subOS its log
 * @subos: the subOS; the log lives until rf_console_free(), what is in it until rf_console_drop()
 *
 * Context: Process context.
 * Return: 0 or -ENOMEM.
 */
int rf_console_add(struct rf_subos *subos)
{
	struct rf_console_log *log = kzalloc(sizeof(*log), GFP_KERNEL);

	if (!log)
		return -ENOMEM;
	log->bytes = kvzalloc(RF_SCROLLBACK, GFP_KERNEL);
	if (!log->bytes) {
		kfree(log);
		return -ENOMEM;
	}
	log->subos = subos;
	INIT_WORK(&log->work, rf_console_work);
	init_waitqueue_head(&log->wait);
	mutex_init(&log->lock);
	subos->console = log;
	return 0;
}

static void rf_console_attach(struct rf_console_log *log, struct rf_console *ring)
{
	unsigned long flags;

	lockdep_assert_held(&log->lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	log->ring = ring;
	if (ring) {
		rf_byte_ring_attach(&log->out, &ring->out_head, &ring->out_tail, ring->out,
				    sizeof(ring->out));
		rf_byte_ring_attach(&log->in, &ring->in_head, &ring->in_tail, ring->in,
				    sizeof(ring->in));
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
	log->dropped_seen = 0;
	WRITE_ONCE(log->input_full, false);
}

/**
 * rf_console_start() - a kernel is about to start in a subOS: empty its rings
 * @subos: the subOS, with a home segment; its cores are held
 *
 * Context: Process context. Ledger lock held.
 */
void rf_console_start(struct rf_subos *subos)
{
	struct rf_console_log *log = subos->console;
	struct rf_console *ring = rf_arena_home(subos) + RF_HOME_CONSOLE_OFF;
	static const char again[] = "\r\n[rainforest] started again\r\n";

	lockdep_assert_held(&rf_ledger_lock);
	mutex_lock(&log->lock);
	memset(ring, 0, offsetof(struct rf_console, in));
	WRITE_ONCE(ring->out_waiting, 1);
	rf_console_attach(log, ring);
	if (log->started)
		rf_log_append(log, again, strlen(again));
	log->started = true;
	mutex_unlock(&log->lock);
	wake_up_all(&log->wait);
}

/**
 * rf_console_stop() - no kernel runs in a subOS any more: drain its ring, and detach
 * @subos: the subOS; its cores are held, its home segment still exists
 *
 * Nothing here touches its home segment afterwards. Idempotent.
 *
 * Context: Process context, may sleep.
 */
void rf_console_stop(struct rf_subos *subos)
{
	struct rf_console_log *log = subos->console;

	mutex_lock(&log->lock);
	rf_console_drain(log);
	rf_console_attach(log, NULL);
	mutex_unlock(&log->lock);
	cancel_work_sync(&log->work);
	wake_up_all(&log->wait);
}

/**
 * rf_console_end() - a subOS is destroyed: as rf_console_stop(), and readers get EOF
 * @subos: the subOS; it may have no console
 *
 * Context: Process context, may sleep.
 */
void rf_console_end(struct rf_subos *subos)
{
	if (!subos->console)
		return;
	rf_console_stop(subos);
	WRITE_ONCE(subos->console->ended, true);
	wake_up_all(&subos->console->wait);
}

/* The subOS is gone: its scroll-back goes with the last descriptor that reads it. Log's lock held. */
void rf_log_drop(struct rf_console_log *log)
{
	lockdep_assert_held(&log->lock);
	if (!log->gone || atomic_read(&log->viewers))
		return;
	kvfree(log->bytes);
	log->bytes = NULL;
}

/**
 * rf_console_drop() - a subOS is gone, after rf_console_end()
 * @subos: the subOS; it may have no console
 *
 * Whoever has a descriptor of the subOS keeps it from being freed, and may be a member of the
 * operators' group, who is not to keep much.
 *
 * Context: Process context, may sleep.
 */
void rf_console_drop(struct rf_subos *subos)
{
	struct rf_console_log *log = subos->console;

	if (!log)
		return;
	mutex_lock(&log->lock);
	log->gone = true;
	rf_log_drop(log);
	mutex_unlock(&log->lock);
}

/* With the last reference. Context: process. */
void rf_console_free(struct rf_subos *subos)
{
	if (subos->console)
		kvfree(subos->console->bytes);
	kfree(subos->console);
	subos->console = NULL;
}

/* Number of open descriptors of its console. Context: any. */
u32 rf_console_viewers(const struct rf_subos *subos)
{
	return subos->console ? atomic_read(&subos->console->viewers) : 0;
}

/* The first position that is still in the log. */
u64 rf_log_oldest(const struct rf_console_log *log)
{
	return log->head > RF_SCROLLBACK ? log->head - RF_SCROLLBACK : 0;
}
