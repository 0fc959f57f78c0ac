// SPDX-License-Identifier: GPL-2.0
/*
 * Messages that may wait for room in their ring. The writer thread retries them
 * until they fit or time out. A member that takes no messages delays only its own.
 */
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "rf_ficm.h"

#define RF_POSTS	256
#define RF_RETRY_MS	1

struct rf_post {
	struct list_head node;
	u32 member;
	enum rf_priority priority;
	u16 type;
	u8 length;
	unsigned long deadline;		/* jiffies */
	u8 payload[RF_PAYLOAD_MAX];
};

static struct rf_post rf_posts[RF_POSTS];
static DEFINE_SPINLOCK(rf_posts_lock);
/* Posts lock: what can be used, and what the writer has not seen yet. */
static LIST_HEAD(rf_posts_free);
static LIST_HEAD(rf_posts_new);
static DECLARE_WAIT_QUEUE_HEAD(rf_writer_wait);
static struct task_struct *rf_writer;

/**
 * rf_ficm_post() - send a message to one member, and wait for room in the background
 * @member: its number
 * @priority: which of the two rings
 * @type: enum rf_message_type
 * @payload: copied
 * @length: of @payload, at most RF_PAYLOAD_MAX
 * @timeout_ms: how long to try
 *
 * Posts of one priority to one member arrive in order. A post that could not be sent
 * in time is counted as expired.
 *
 * Context: Any but NMI, also with interrupts off.
 * Return: 0 when queued; -ENOBUFS if the queue is full; -EINVAL, -ENOTCONN as for
 *	rf_ficm_send().
 */
int rf_ficm_post(u32 member, enum rf_priority priority, u16 type, const void *payload,
		 size_t length, unsigned int timeout_ms)
{
	struct rf_post *post;
	unsigned long flags;

	if (type == RF_MSG_NONE || type >= RF_MSG_TYPES || length > RF_PAYLOAD_MAX ||
	    priority >= RF_PRIORITIES || member == rf_ficm_self())
		return -EINVAL;
	if (rf_ficm_self() == U32_MAX || !rf_ficm_present(member))
		return -ENOTCONN;
	spin_lock_irqsave(&rf_posts_lock, flags);
	post = list_first_entry_or_null(&rf_posts_free, struct rf_post, node);
	if (post) {
		post->member = member;
		post->priority = priority;
		post->type = type;
		post->length = length;
		post->deadline = jiffies + msecs_to_jiffies(timeout_ms);
		memcpy(post->payload, payload, length);
		list_move_tail(&post->node, &rf_posts_new);
	}
	spin_unlock_irqrestore(&rf_posts_lock, flags);
	if (!post)
		return -ENOBUFS;
	wake_up(&rf_writer_wait);
	return 0;
}
EXPORT_SYMBOL_GPL(rf_ficm_post);

/* Try every post once, in order; none may overtake another one to the same ring. */
static void rf_writer_try(struct list_head *posts)
{
	unsigned long full[RF_PRIORITIES] = {};
	struct rf_post *post, *next;
	unsigned long flags;

	list_for_each_entry_safe(post, next, posts, node) {
		int rc = -EAGAIN;

		if (!test_bit(post->member, &full[post->priority]))
			rc = rf_message_put(post->member, post->priority, post->type,
					    post->payload, post->length);
		if (rc == -EAGAIN && time_before(jiffies, post->deadline)) {
			__set_bit(post->member, &full[post->priority]);
			continue;
		}
		if (rc)
			rf_count(expired);
		spin_lock_irqsave(&rf_posts_lock, flags);
		list_move(&post->node, &rf_posts_free);
		spin_unlock_irqrestore(&rf_posts_lock, flags);
	}
}

static bool rf_posts_are_new(void)
{
	return !list_empty_careful(&rf_posts_new);
}

static int rf_writer_run(void *unused)
{
	LIST_HEAD(posts);

	while (!kthread_should_stop()) {
		if (list_empty(&posts))
			wait_event_idle(rf_writer_wait,
					rf_posts_are_new() || kthread_should_stop());
		else
			wait_event_idle_timeout(rf_writer_wait,
						rf_posts_are_new() || kthread_should_stop(),
						msecs_to_jiffies(RF_RETRY_MS));
		spin_lock_irq(&rf_posts_lock);
		list_splice_tail_init(&rf_posts_new, &posts);
		spin_unlock_irq(&rf_posts_lock);
		rf_writer_try(&posts);
	}
	return 0;
}

/**
 * rf_writer_start() - start the writer thread
 *
 * Context: Process context.
 * Return: 0 or a negative errno.
 */
int rf_writer_start(void)
{
	struct task_struct *task;
	int i;

	spin_lock_irq(&rf_posts_lock);
	INIT_LIST_HEAD(&rf_posts_free);
	INIT_LIST_HEAD(&rf_posts_new);
	for (i = 0; i < RF_POSTS; i++)
		list_add_tail(&rf_posts[i].node, &rf_posts_free);
	spin_unlock_irq(&rf_posts_lock);
	task = kthread_run(rf_writer_run, NULL, "rf_ficm_writer");
	if (IS_ERR(task))
		return PTR_ERR(task);
	rf_writer = task;
	return 0;
}

/**
 * rf_writer_stop() - end the writer thread; messages still queued are not sent
 *
 * Context: Process context.
 */
void rf_writer_stop(void)
{
	kthread_stop(rf_writer);
}
