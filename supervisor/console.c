// SPDX-License-Identifier: GPL-2.0
/*
 * Consoles: what a subOS prints goes from the ring in its home segment into a log of
 * the supervisor's, which outlives the subOS's kernel; what is typed goes the other
 * way. The rings are drained by a work item, which the subOS's doorbell queues, and
 * the watch, so that nothing depends on the doorbell. A run takes at most one ring
 * full: a subOS that prints without end waits for the next tick of the watch.
 *
 * Everything in the rings is written by another kernel: each position is read once,
 * and checked (wire/console.h).
 */
#include <linux/anon_inodes.h>
#include <linux/atomic.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "supervisor.h"
#include "wire/console.h"

#define RF_CONSOLE_CHUNK	1024	/* bytes copied from or to user space at a time */
#define RF_CONSOLE_PAUSE	(10 * NSEC_PER_SEC)	/* between two RF_EVENT_CONSOLE */
#define RF_CONSOLE_ROOM_WAIT	msecs_to_jiffies(100)

struct rf_console_log {
	struct rf_subos *subos;
	struct work_struct work;
	wait_queue_head_t wait;		/* for output, or room for input */
	atomic_t viewers;		/* descriptors */

	struct mutex lock;		/* of the rest; process context */
	struct rf_console *ring;	/* also state lock to change; NULL: nothing to drain */
	bool started;			/* there was a kernel already */
	bool ended;			/* the subOS is destroyed */
	bool writer;			/* somebody may type */
	bool input_full;		/* who types waits for room */
	u32 out_tail, in_head;		/* our own positions */
	u32 dropped_seen;		/* out_dropped when it was looked at last */
	u64 dropped;			/* bytes that the subOS's kernels dropped, in all */
	u64 dropped_told;		/* of it, in the last event */
	u64 dropped_at;			/* ktime_get_ns() of that event */
	u64 head;			/* bytes that were ever put into the log */
	u8 bytes[RF_SCROLLBACK];	/* by position % RF_SCROLLBACK */
};

struct rf_console_viewer {
	struct rf_subos *subos;		/* with a reference */
	bool writer;
	struct mutex lock;		/* of the rest: one read or write at a time */
	u64 position;			/* in the log */
	u8 chunk[RF_CONSOLE_CHUNK];
};

static struct rf_doorbell *rf_console_doorbell;

/* ---- into the log ---- */

static void rf_log_append(struct rf_console_log *log, const void *bytes, u32 length)
{
	u32 offset = log->head % RF_SCROLLBACK;
	u32 first = min_t(u32, length, RF_SCROLLBACK - offset);

	memcpy(log->bytes + offset, bytes, first);
	memcpy(log->bytes, bytes + first, length - first);
	WRITE_ONCE(log->head, log->head + length);
}

/* Take what is in the ring. Return: bytes, at most the ring's size; 0 if it is empty. */
static u32 rf_console_take(struct rf_console_log *log)
{
	struct rf_console *ring = log->ring;
	u32 head = smp_load_acquire(&ring->out_head);
	u32 length = head - log->out_tail;
	u32 offset = log->out_tail % RF_CONSOLE_OUT_SIZE;
	u32 first = min_t(u32, length, RF_CONSOLE_OUT_SIZE - offset);

	if (length > RF_CONSOLE_OUT_SIZE) {
		pr_warn_ratelimited("subOS %s: its console ring makes no sense; output is lost\n",
				    log->subos->name);
		length = RF_CONSOLE_OUT_SIZE;
	} else {
		rf_log_append(log, ring->out + offset, first);
		rf_log_append(log, ring->out, length - first);
	}
	/* Who sees a tail, ours or the published one, may write over the bytes. */
	smp_store_release(&log->out_tail, head);
	smp_store_release(&ring->out_tail, head);
	return length;
}

static void rf_console_count_dropped(struct rf_console_log *log)
{
	u32 dropped = READ_ONCE(log->ring->out_dropped);
	u64 now = ktime_get_ns(), args[4] = {};

	log->dropped += (u32)(dropped - log->dropped_seen);
	log->dropped_seen = dropped;
	if (log->dropped == log->dropped_told ||
	    (log->dropped_at && now - log->dropped_at < RF_CONSOLE_PAUSE))
		return;
	log->dropped_told = args[0] = log->dropped;
	log->dropped_at = now;
	rf_event(log->subos, RF_EVENT_CONSOLE, 0, RF_CAUSE_NONE, 0, args, NULL);
}

/*
 * Drain the ring, and ask for the doorbell if it is empty then. Without the doorbell
 * the watch looks again soon.
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
	/* An empty round counts, too: the other side could keep us here with those. */
	for (taken = 0; taken < RF_CONSOLE_OUT_SIZE; taken += max(length, 1U)) {
		length = rf_console_take(log);
		if (length)
			continue;
		WRITE_ONCE(ring->out_waiting, 1);
		smp_mb();	/* the subOS: head first, then out_waiting */
		if (READ_ONCE(ring->out_head) == log->out_tail)
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

/* Bytes of room for input. If the tail makes no sense, the reader goes on where we are. */
static u32 rf_console_room(const struct rf_console_log *log, const struct rf_console *ring)
{
	u32 used = READ_ONCE(log->in_head) - READ_ONCE(ring->in_tail);

	return used > RF_CONSOLE_IN_SIZE ? RF_CONSOLE_IN_SIZE : RF_CONSOLE_IN_SIZE - used;
}

/*
 * Publish a position of ours again if something else stands there, because somebody has
 * overwritten it. What stands there is read first: if we move meanwhile, it is gone.
 * Return: whether it was so.
 */
static bool rf_console_restore(u32 *published, const u32 *position)
{
	u32 there = smp_load_acquire(published), ours = READ_ONCE(*position);

	return there != ours && try_cmpxchg(published, &there, ours);
}

/**
 * rf_console_poll() - drain a subOS's ring soon, if something is in it; repair it
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
	if (READ_ONCE(log->ring->out_head) != READ_ONCE(log->out_tail))
		queue_work(system_unbound_wq, &log->work);
	rf_console_restore(&log->ring->out_tail, &log->out_tail);
	/* Have it see that, before there is something to read. */
	if (rf_console_restore(&log->ring->in_head, &log->in_head))
		rf_doorbell_ring(subos->member, RF_DOORBELL_CONSOLE);
	if (READ_ONCE(log->input_full) && rf_console_room(log, log->ring)) {
		WRITE_ONCE(log->input_full, false);
		wake_up_all(&log->wait);
	}
}

/* Some subOS has printed, or read what was typed. Hard interrupt. */
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
 * rf_console_init() - take the doorbell that subOSes ring after output
 *
 * Context: Process context, after rf_ficm_join().
 * Return: 0 or a negative errno.
 */
int rf_console_init(void)
{
	struct rf_doorbell *doorbell;

	doorbell = rf_doorbell_create(RF_DOORBELL_CONSOLE, raw_smp_processor_id(),
				      "rainforest-console", rf_console_rung, NULL);
	if (IS_ERR(doorbell))
		return PTR_ERR(doorbell);
	rf_console_doorbell = doorbell;
	return 0;
}

/* Give it back, before rf_ficm_leave(). Can be repeated. Context: process. */
void rf_console_exit(void)
{
	if (rf_console_doorbell)
		rf_doorbell_destroy(rf_console_doorbell);
	rf_console_doorbell = NULL;
}

/**
 * rf_console_add() - give a new subOS its log
 * @subos: the subOS; the log lives until rf_console_free()
 *
 * Context: Process context.
 * Return: 0 or -ENOMEM.
 */
int rf_console_add(struct rf_subos *subos)
{
	struct rf_console_log *log = kvzalloc(sizeof(*log), GFP_KERNEL);

	if (!log)
		return -ENOMEM;
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
	log->out_tail = log->in_head = 0;
	spin_unlock_irqrestore(&rf_state_lock, flags);
	log->dropped_seen = 0;
	WRITE_ONCE(log->input_full, false);
}

/**
 * rf_console_start() - a kernel is about to start in a subOS: its rings are empty
 * @subos: the subOS, with a home segment; its cores are held
 *
 * Context: Process context. Ledger lock held.
 */
void rf_console_start(struct rf_subos *subos)
{
	struct rf_console_log *log = subos->console;
	struct rf_console *ring = rf_arena_home(subos) + RF_HOME_CONSOLE_OFF;
	static const char again[] = "\r\n[rainforest] started again\r\n";

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
 * rf_console_stop() - no kernel runs in a subOS any more: take what is left
 * @subos: the subOS; its cores are held, its home segment is still there
 *
 * Nothing here touches its home segment afterwards. Can be repeated.
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
 * rf_console_end() - a subOS is destroyed: as rf_console_stop(), and readers see the end
 * @subos: the subOS; it may lack a console
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

/* With the last reference. Context: process. */
void rf_console_free(struct rf_subos *subos)
{
	kvfree(subos->console);
	subos->console = NULL;
}

/* Descriptors of its console. Context: any. */
u32 rf_console_viewers(const struct rf_subos *subos)
{
	return subos->console ? atomic_read(&subos->console->viewers) : 0;
}

/* ---- descriptors ---- */

static u64 rf_log_oldest(const struct rf_console_log *log)
{
	return log->head > RF_SCROLLBACK ? log->head - RF_SCROLLBACK : 0;
}

/* Copy what comes next in the log to the viewer's chunk. Return: bytes. */
static u32 rf_viewer_copy(struct rf_console_viewer *viewer, size_t room)
{
	struct rf_console_log *log = viewer->subos->console;
	u32 offset, length, first;

	mutex_lock(&log->lock);
	viewer->position = max(viewer->position, rf_log_oldest(log));
	length = min_t(u64, log->head - viewer->position, min_t(size_t, room, RF_CONSOLE_CHUNK));
	offset = viewer->position % RF_SCROLLBACK;
	first = min_t(u32, length, RF_SCROLLBACK - offset);
	memcpy(viewer->chunk, log->bytes + offset, first);
	memcpy(viewer->chunk + first, log->bytes, length - first);
	mutex_unlock(&log->lock);
	return length;
}

static bool rf_viewer_readable(struct rf_console_viewer *viewer)
{
	struct rf_console_log *log = viewer->subos->console;

	return READ_ONCE(log->head) != READ_ONCE(viewer->position) || READ_ONCE(log->ended);
}

static ssize_t rf_viewer_read_some(struct rf_console_viewer *viewer, char __user *buf, size_t len)
{
	ssize_t done = 0;
	u32 length;

	if (mutex_lock_interruptible(&viewer->lock))
		return -ERESTARTSYS;
	while (done < len) {
		length = rf_viewer_copy(viewer, len - done);
		if (!length)
			break;
		if (copy_to_user(buf + done, viewer->chunk, length)) {
			done = done ?: -EFAULT;
			break;
		}
		WRITE_ONCE(viewer->position, viewer->position + length);
		done += length;
	}
	mutex_unlock(&viewer->lock);
	return done;
}

static ssize_t rf_console_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct rf_console_viewer *viewer = file->private_data;
	struct rf_console_log *log = viewer->subos->console;
	ssize_t done;

	len = min_t(size_t, len, RF_SCROLLBACK);
	if (!len)
		return 0;
	for (;;) {
		bool ended = READ_ONCE(log->ended);	/* nothing is added after that */

		done = rf_viewer_read_some(viewer, buf, len);
		if (done || ended)
			return done;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(log->wait, rf_viewer_readable(viewer)))
			return -ERESTARTSYS;
	}
}

/* Does somebody read what is typed? */
static bool rf_viewer_alive(struct rf_console_viewer *viewer)
{
	return rf_state_live(READ_ONCE(viewer->subos->state)) &&
	       !READ_ONCE(viewer->subos->console->ended);
}

/* Put the viewer's chunk into the subOS's ring. Return: bytes, or -EAGAIN if it is full. */
static ssize_t rf_viewer_type(struct rf_console_viewer *viewer, u32 length)
{
	struct rf_console_log *log = viewer->subos->console;
	struct rf_console *ring;
	ssize_t done = -EPIPE;
	u32 offset, first;

	mutex_lock(&log->lock);
	ring = log->ring;
	if (!ring || !rf_viewer_alive(viewer))
		goto unlock;
	length = min(length, rf_console_room(log, ring));
	if (!length) {
		WRITE_ONCE(log->input_full, true);
		done = -EAGAIN;
		goto unlock;
	}
	offset = log->in_head % RF_CONSOLE_IN_SIZE;
	first = min_t(u32, length, RF_CONSOLE_IN_SIZE - offset);
	memcpy(ring->in + offset, viewer->chunk, first);
	memcpy(ring->in, viewer->chunk + first, length - first);
	/* Who sees a head, ours or the published one, sees the bytes. */
	smp_store_release(&log->in_head, log->in_head + length);
	smp_store_release(&ring->in_head, log->in_head);
	smp_mb();	/* the subOS must see it when it is rung */
	rf_doorbell_ring(viewer->subos->member, RF_DOORBELL_CONSOLE);
	done = length;
unlock:
	mutex_unlock(&log->lock);
	return done;
}

static ssize_t rf_viewer_write_some(struct rf_console_viewer *viewer, const char __user *buf,
				    size_t len)
{
	ssize_t done;

	if (mutex_lock_interruptible(&viewer->lock))
		return -ERESTARTSYS;
	len = min_t(size_t, len, RF_CONSOLE_CHUNK);
	done = copy_from_user(viewer->chunk, buf, len) ? -EFAULT : rf_viewer_type(viewer, len);
	mutex_unlock(&viewer->lock);
	return done;
}

static ssize_t rf_console_write(struct file *file, const char __user *buf, size_t len,
				loff_t *pos)
{
	struct rf_console_viewer *viewer = file->private_data;
	struct rf_console_log *log = viewer->subos->console;
	ssize_t done = 0;
	long rc;

	while (done < len) {
		rc = rf_viewer_write_some(viewer, buf + done, len - done);
		if (rc > 0) {
			done += rc;
			continue;
		}
		if (rc != -EAGAIN || done || (file->f_flags & O_NONBLOCK))
			return done ?: rc;
		/* It may die without a word: look again now and then. */
		rc = wait_event_interruptible_timeout(log->wait, !READ_ONCE(log->input_full),
						      RF_CONSOLE_ROOM_WAIT);
		if (rc < 0)
			return rc;
	}
	return done;
}

static __poll_t rf_console_ready(struct file *file, poll_table *table)
{
	struct rf_console_viewer *viewer = file->private_data;
	struct rf_console_log *log = viewer->subos->console;
	__poll_t events = 0;

	poll_wait(file, &log->wait, table);
	if (rf_viewer_readable(viewer))
		events |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(log->ended))
		events |= EPOLLHUP;
	if (!viewer->writer)
		return events;
	mutex_lock(&log->lock);
	if (!log->ring || !rf_viewer_alive(viewer) || rf_console_room(log, log->ring))
		events |= EPOLLOUT | EPOLLWRNORM;
	else
		WRITE_ONCE(log->input_full, true);
	mutex_unlock(&log->lock);
	return events;
}

static void rf_viewer_free(struct rf_console_viewer *viewer)
{
	struct rf_console_log *log = viewer->subos->console;

	mutex_lock(&log->lock);
	if (viewer->writer)
		log->writer = false;
	mutex_unlock(&log->lock);
	atomic_dec(&log->viewers);
	kobject_put(&viewer->subos->kobj);
	kfree(viewer);
}

static int rf_console_release(struct inode *inode, struct file *file)
{
	rf_viewer_free(file->private_data);
	return 0;
}

static const struct file_operations rf_console_fops = {
	.owner = THIS_MODULE,
	.read = rf_console_read,
	.write = rf_console_write,
	.poll = rf_console_ready,
	.release = rf_console_release,
	.llseek = noop_llseek,
};

/* A viewer that holds what @flags ask for, or an error pointer. */
static struct rf_console_viewer *rf_viewer_new(struct rf_subos *subos, u32 flags)
{
	struct rf_console_log *log = subos->console;
	struct rf_console_viewer *viewer = kzalloc(sizeof(*viewer), GFP_KERNEL);

	if (!viewer)
		return ERR_PTR(-ENOMEM);
	viewer->subos = subos;
	viewer->writer = flags & RF_CONSOLE_WRITE;
	mutex_init(&viewer->lock);
	mutex_lock(&log->lock);
	if (viewer->writer && log->writer) {
		mutex_unlock(&log->lock);
		kfree(viewer);
		return ERR_PTR(-EBUSY);
	}
	log->writer |= viewer->writer;
	viewer->position = flags & RF_CONSOLE_LIVE ? log->head : rf_log_oldest(log);
	mutex_unlock(&log->lock);
	atomic_inc(&log->viewers);
	kobject_get(&subos->kobj);
	return viewer;
}

/**
 * rf_console_fd() - prepare a descriptor of a subOS's console
 * @subos: the subOS; the descriptor takes a reference of its own
 * @flags: RF_CONSOLE_*
 * @filp: the file to install
 *
 * Context: Process context.
 * Return: a reserved descriptor number for fd_install(), or a negative errno.
 */
int rf_console_fd(struct rf_subos *subos, u32 flags, struct file **filp)
{
	struct rf_console_viewer *viewer;
	int fd;

	if (flags & ~(RF_CONSOLE_WRITE | RF_CONSOLE_LIVE))
		return -EINVAL;
	viewer = rf_viewer_new(subos, flags);
	if (IS_ERR(viewer))
		return PTR_ERR(viewer);
	*filp = anon_inode_getfile("[rainforest console]", &rf_console_fops, viewer,
				   (viewer->writer ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (IS_ERR(*filp)) {
		rf_viewer_free(viewer);
		return PTR_ERR(*filp);
	}
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		fput(*filp);
	return fd;
}
