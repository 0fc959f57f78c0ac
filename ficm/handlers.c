// SPDX-License-Identifier: GPL-2.0
/*
 * Dispatch of messages to handlers. Handlers in softirq context are called by the poll itself;
 * the others by the reader thread, from a queue. When the queue is full, messages stay
 * in their rings, and senders find them full: nothing is dropped for lack of room.
 */
#include <linux/export.h>
#include <linux/kfifo.h>
#include <linux/kthread.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "rf_ficm.h"

#define RF_READER_QUEUE	256		/* a power of 2 */

struct rf_handler {
	enum rf_ficm_context context;
	rf_ficm_handler call;
	void *data;
};

struct rf_received {
	u32 member;
	struct rf_message message;
};

static struct rf_handler __rcu *rf_handlers[RF_MSG_TYPES];
static DEFINE_MUTEX(rf_handlers_lock);

/* The poll puts in, the reader takes out: one each, so that no lock is needed. */
static DEFINE_KFIFO(rf_queue, struct rf_received, RF_READER_QUEUE);
static bool rf_queue_blocks;		/* the poll left messages in their rings */
static DECLARE_WAIT_QUEUE_HEAD(rf_reader_wait);
static struct task_struct *rf_reader;
/* Held by the reader while it calls a handler. */
static DEFINE_MUTEX(rf_reader_busy);

/**
 * rf_ficm_register() - register the handler of a message type
 * @type: enum rf_message_type
 * @context: where @handler is called
 * @handler: gets a copy of the message
 * @data: handed to @handler
 *
 * Registrations do not depend on membership.
 *
 * Context: Process context.
 * Return: 0, -EINVAL (no such type), -EBUSY (somebody else handles it), -ENOMEM.
 */
int rf_ficm_register(u16 type, enum rf_ficm_context context, rf_ficm_handler handler, void *data)
{
	struct rf_handler *entry;
	int rc = 0;

	if (type == RF_MSG_NONE || type >= RF_MSG_TYPES || !handler)
		return -EINVAL;
	entry = kmalloc(sizeof(*entry), GFP_KERNEL);
	if (!entry)
		return -ENOMEM;
	*entry = (struct rf_handler){ context, handler, data };
	mutex_lock(&rf_handlers_lock);
	if (rcu_access_pointer(rf_handlers[type]))
		rc = -EBUSY;
	else
		rcu_assign_pointer(rf_handlers[type], entry);
	mutex_unlock(&rf_handlers_lock);
	if (rc)
		kfree(entry);
	return rc;
}
EXPORT_SYMBOL_GPL(rf_ficm_register);

/**
 * rf_ficm_unregister() - unregister the handler of a message type
 * @type: as registered; nothing happens if it is not
 *
 * Context: Process context, may sleep; not from a handler. The handler has ended when
 *	this returns.
 */
void rf_ficm_unregister(u16 type)
{
	struct rf_handler *entry;

	if (type >= RF_MSG_TYPES)
		return;
	mutex_lock(&rf_handlers_lock);
	entry = rcu_replace_pointer(rf_handlers[type], NULL,
				    lockdep_is_held(&rf_handlers_lock));
	mutex_unlock(&rf_handlers_lock);
	if (!entry)
		return;
	synchronize_rcu();
	/* The reader looks handlers up with this lock held: it is past ours now. */
	mutex_lock(&rf_reader_busy);
	mutex_unlock(&rf_reader_busy);
	kfree(entry);
}
EXPORT_SYMBOL_GPL(rf_ficm_unregister);

/* In the poll. Without room in the queue, the reader schedules the poll once there is some. */
static bool rf_queue_has_room(void)
{
	if (!kfifo_is_full(&rf_queue))
		return true;
	WRITE_ONCE(rf_queue_blocks, true);
	/* Pairs with the barrier in rf_reader_take(): it sees that we wait, or we see room. */
	smp_mb();
	return !kfifo_is_full(&rf_queue);
}

/**
 * rf_handlers_deliver() - give a message to its handler, or to the reader thread
 * @member: the sender
 * @message: a private copy
 *
 * Context: The poll.
 * Return: false if there is no room: the poll is scheduled again when there is.
 */
bool rf_handlers_deliver(u32 member, const struct rf_message *message)
{
	const struct rf_handler *handler;
	bool taken = true;

	rcu_read_lock();
	handler = rcu_dereference(rf_handlers[message->type]);
	if (!handler) {
		rf_count(dropped);
	} else if (handler->context == RF_FICM_SOFTIRQ) {
		rf_count(received);
		handler->call(member, message, handler->data);
	} else if (rf_queue_has_room()) {
		struct rf_received received = { member, *message };

		rf_count(received);
		kfifo_put(&rf_queue, received);
		wake_up(&rf_reader_wait);
	} else {
		taken = false;
	}
	rcu_read_unlock();
	return taken;
}

static void rf_reader_call(const struct rf_received *received)
{
	const struct rf_handler *handler;

	mutex_lock(&rf_reader_busy);
	rcu_read_lock();
	handler = rcu_dereference(rf_handlers[received->message.type]);
	rcu_read_unlock();
	/* Good until the lock is released: see rf_ficm_unregister(). */
	if (handler)
		handler->call(received->member, &received->message, handler->data);
	else
		rf_count(dropped);
	mutex_unlock(&rf_reader_busy);
}

static bool rf_reader_take(struct rf_received *received)
{
	if (!kfifo_get(&rf_queue, received))
		return false;
	/* Pairs with the barrier in rf_queue_has_room(): it sees room, or we see that it waits. */
	smp_mb();
	/* Not for every message: schedule the poll when it can move many. */
	if (READ_ONCE(rf_queue_blocks) && kfifo_len(&rf_queue) <= RF_READER_QUEUE / 2) {
		WRITE_ONCE(rf_queue_blocks, false);
		rf_messages_kick();
	}
	return true;
}

static int rf_reader_run(void *unused)
{
	struct rf_received received;

	while (!kthread_should_stop()) {
		wait_event_idle(rf_reader_wait,
				!kfifo_is_empty(&rf_queue) || kthread_should_stop());
		while (!kthread_should_stop() && rf_reader_take(&received)) {
			rf_reader_call(&received);
			cond_resched();
		}
	}
	return 0;
}

/**
 * rf_reader_start() - start the reader thread
 *
 * It competes with user space like any other task: what it runs, and how often, is up to
 * other kernels.
 *
 * Context: Process context, before the poll is enabled.
 * Return: 0 or a negative errno.
 */
int rf_reader_start(void)
{
	struct task_struct *task;

	kfifo_reset(&rf_queue);
	rf_queue_blocks = false;
	task = kthread_create(rf_reader_run, NULL, "rf_ficm_reader");
	if (IS_ERR(task))
		return PTR_ERR(task);
	rf_reader = task;
	wake_up_process(task);
	return 0;
}

/**
 * rf_reader_stop() - end the reader thread; messages still queued are lost
 *
 * Context: Process context, without the member lock, which a handler may want.
 */
void rf_reader_stop(void)
{
	kthread_stop(rf_reader);
}
