// SPDX-License-Identifier: GPL-2.0
/*
 * supcon: requests to the agents of subOSes and their answers, and the HELLO by
 * which an agent says what it can do (wire/control.h).
 *
 * Answers arrive in the reader thread of rf_ficm, which must not wait for our
 * locks: they are noted with the request, and who waits for it acts on them. Of a
 * request that nobody waits for any more the answers are kept until the last one;
 * then a work item puts right what they mean (rf_resize_late()).
 */
#include <linux/jiffies.h>
#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/notifier.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "resize.h"
#include "wire/control_check.h"

#define RF_CAPABILITIES		(RF_CAN_CORES | RF_CAN_MEMORY | RF_CAN_CONSOLE | RF_CAN_PCI)
#define RF_ANSWER_MS		1000	/* how long our answers may wait for room */

struct rf_request {
	struct kref kref;		/* the list, who waits, the late work */
	struct rf_subos *subos;		/* with a reference */
	u32 id;
	u32 member;
	u32 kernel_id;
	enum rf_op op;
	s64 args[RF_CONTROL_ARGS];
	u32 units;
	struct work_struct late;
	wait_queue_head_t wait;

	/* rf_requests_lock. */
	struct list_head node;		/* in rf_subos.requests */
	bool ended;			/* the subOS has ended: there is no answer any more */
	bool abandoned;			/* nobody waits any more */
	bool lost;			/* its last word was sent, but did not arrive */
	u32 count;			/* of progress[] */
	u32 handled;			/* of progress[], by who waited */
	enum rf_answer answer;		/* the last word */
	s64 last[RF_CONTROL_ARGS];
	s64 progress[][RF_CONTROL_ARGS];	/* room for `units` */
};

/* Inside the state lock. */
static DEFINE_SPINLOCK(rf_requests_lock);
static atomic_t rf_last_request = ATOMIC_INIT(0);

static void rf_request_free(struct kref *kref)
{
	struct rf_request *request = container_of(kref, struct rf_request, kref);

	kobject_put(&request->subos->kobj);
	kvfree(request);
}

static void rf_request_put(struct rf_request *request)
{
	kref_put(&request->kref, rf_request_free);
}

/* Does the op change what the subOS uses, so that a late answer matters? */
static bool rf_op_resizes(enum rf_op op)
{
	return (op >= RF_OP_CORES_ADD && op <= RF_OP_MEMORY_REMOVE) ||
	       op == RF_OP_PCI_ADD || op == RF_OP_PCI_REMOVE;
}

static u32 rf_op_capability(enum rf_op op)
{
	switch (op) {
	case RF_OP_CORES_ADD ... RF_OP_CORES_REMOVE:
		return RF_CAN_CORES;
	case RF_OP_MEMORY_ADD ... RF_OP_MEMORY_REMOVE:
		return RF_CAN_MEMORY;
	case RF_OP_PCI_ADD ... RF_OP_PCI_REMOVE:
		return RF_CAN_PCI;
	case RF_OP_WINDOW:
		return RF_CAN_CONSOLE;
	default:
		return ~0u;		/* any will do: there is an agent */
	}
}

/* May its agent be asked now? State lock held. */
static int rf_request_allowed(struct rf_subos *subos, enum rf_op op)
{
	if (!rf_state_live(subos->state) || subos->destroying)
		return -EPIPE;
	if (subos->state == RF_STATE_STOPPING && op != RF_OP_STOP)
		return -EPIPE;
	if (subos->state == RF_STATE_BOOTING || !subos->member)
		return -ENOTCONN;
	return subos->capabilities & rf_op_capability(op) ? 0 : -EOPNOTSUPP;
}

/* Is there a request that nobody waits for, and whose outcome is open? Requests lock held. */
static bool rf_request_is_open(struct rf_subos *subos)
{
	struct rf_request *request;

	list_for_each_entry(request, &subos->requests, node)
		if (request->abandoned)
			return true;
	return false;
}

/* Note the request with its subOS: from here on it hears of answers, and of the end. */
static int rf_request_enlist(struct rf_request *request)
{
	struct rf_subos *subos = request->subos;
	unsigned long flags;
	int rc;

	spin_lock_irqsave(&rf_state_lock, flags);
	rc = rf_request_allowed(subos, request->op);
	if (!rc) {
		spin_lock(&rf_requests_lock);
		if (rf_op_resizes(request->op) && rf_request_is_open(subos)) {
			rc = -EBUSY;
		} else {
			request->member = subos->member;
			request->kernel_id = subos->kernel_id;
			kref_get(&request->kref);
			list_add_tail(&request->node, &subos->requests);
		}
		spin_unlock(&rf_requests_lock);
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc;
}

static void rf_request_delist(struct rf_request *request)
{
	unsigned long flags;
	bool listed;

	spin_lock_irqsave(&rf_requests_lock, flags);
	listed = !list_empty(&request->node);
	list_del_init(&request->node);
	spin_unlock_irqrestore(&rf_requests_lock, flags);
	if (listed)
		rf_request_put(request);
}

/*
 * The last word of a request came after who asked had gone, or will never come. Until it
 * is acted upon there is no other resize, which could change what it is about.
 */
static void rf_request_late(struct work_struct *work)
{
	struct rf_request *request = container_of(work, struct rf_request, late);
	struct rf_subos *subos = request->subos;
	struct rf_late late = {
		.op = request->op,
		.kernel_id = request->kernel_id,
		.args = request->args,
		.progress = request->progress,
		.count = request->count,
		.handled = request->handled,
		.answer = request->answer,
		.lost = request->lost,
	};

	mutex_lock(&subos->adjusting);
	rf_request_delist(request);
	if (request->answer != RF_ANSWER_NONE || request->lost)
		rf_resize_late(subos, &late);
	mutex_unlock(&subos->adjusting);
	rf_request_put(request);
}

static struct rf_request *rf_request_create(struct rf_subos *subos, const struct rf_ask *ask)
{
	struct rf_request *request;
	u32 units = min_t(u32, ask->units, RF_UNITS_MAX);

	request = kvzalloc(struct_size(request, progress, units), GFP_KERNEL);
	if (!request)
		return NULL;
	kref_init(&request->kref);
	kobject_get(&subos->kobj);
	request->subos = subos;
	request->id = atomic_inc_return(&rf_last_request);
	request->op = ask->op;
	memcpy(request->args, ask->args, sizeof(request->args));
	request->units = units;
	INIT_WORK(&request->late, rf_request_late);
	init_waitqueue_head(&request->wait);
	INIT_LIST_HEAD(&request->node);
	return request;
}

static int rf_request_post(struct rf_request *request, u16 type, u32 timeout_ms)
{
	struct rf_control control = { .id = request->id, .op = request->op };

	memcpy(control.args, request->args, sizeof(control.args));
	return rf_ficm_post(request->member, RF_URGENT, type, &control, sizeof(control),
			    timeout_ms);
}

/* Is there anything that who waits has not handled? */
static bool rf_request_news(struct rf_request *request)
{
	unsigned long flags;
	bool news;

	spin_lock_irqsave(&rf_requests_lock, flags);
	news = request->handled < request->count || request->answer != RF_ANSWER_NONE ||
	       request->ended;
	spin_unlock_irqrestore(&rf_requests_lock, flags);
	return news;
}

/* Act on what has arrived. Return: true if nothing will follow. */
static bool rf_request_work(struct rf_request *request, const struct rf_ask *ask)
{
	unsigned long flags;
	bool more, over;
	u32 index;

	for (;;) {
		spin_lock_irqsave(&rf_requests_lock, flags);
		index = request->handled;
		more = index < request->count;
		over = !more && (request->answer != RF_ANSWER_NONE || request->ended);
		request->handled += more;
		spin_unlock_irqrestore(&rf_requests_lock, flags);
		if (!more)
			return over;
		if (ask->progress)
			ask->progress(request->subos, request->progress[index], ask->data);
	}
}

/* Return: 0 when nothing will follow, -ETIMEDOUT, -EINTR. */
static int rf_request_wait(struct rf_request *request, const struct rf_ask *ask, u32 timeout_ms,
			   bool insist)
{
	unsigned long end = jiffies + msecs_to_jiffies(timeout_ms);
	long left;

	while (!rf_request_work(request, ask)) {
		left = end - jiffies;
		if (left <= 0)
			return -ETIMEDOUT;
		if (insist)
			wait_event_idle_timeout(request->wait, rf_request_news(request), left);
		else if (wait_event_interruptible_timeout(request->wait,
							  rf_request_news(request), left) < 0)
			return -EINTR;
	}
	return 0;
}

/* What the request came to. Requests lock held; all there is has been worked on. */
static int rf_request_outcome(struct rf_request *request, struct rf_ask *ask, int rc)
{
	switch (request->answer) {
	case RF_ANSWER_DONE:
		memcpy(ask->args, request->last, sizeof(ask->args));
		return 0;
	case RF_ANSWER_FAILED:
		ask->error = request->last[0];
		return ask->error;
	case RF_ANSWER_CANCELLED:
		return rc ?: -EPROTO;	/* nobody has asked for it */
	default:
		return request->ended ? -EPIPE : rc;
	}
}

/* Nobody waits any more. If there can still be answers that matter, the list keeps it. */
static int rf_request_finish(struct rf_request *request, struct rf_ask *ask, int rc)
{
	unsigned long flags;
	bool worked, over;

	do {
		worked = rf_request_work(request, ask);
		spin_lock_irqsave(&rf_requests_lock, flags);
		over = request->answer != RF_ANSWER_NONE || request->ended;
		if (worked || !over) {
			rc = rf_request_outcome(request, ask, rc);
			ask->settled = request->answer != RF_ANSWER_NONE;
			request->abandoned = !over && rf_op_resizes(request->op);
			worked = true;
		}
		spin_unlock_irqrestore(&rf_requests_lock, flags);
	} while (!worked);
	if (over || !rf_op_resizes(request->op))
		rf_request_delist(request);
	return rc;
}

/**
 * rf_supcon_ask() - ask the agent of a subOS, and wait
 * @subos: the subOS
 * @ask: what; also says what became of it
 *
 * On a time-out or a signal the request is cancelled, and the agent's last word is
 * waited for, for at most RF_CANCEL_MS. If it does not come in time and the request
 * was about cores, memory or functions, rf_resize_late() gets it.
 *
 * Context: Process context, may sleep. No lock but `adjusting` held.
 * Return: 0 (DONE); the agent's errno (FAILED); -ETIMEDOUT, -EINTR; -EPIPE (the
 *         subOS has ended); -ENOTCONN, -EOPNOTSUPP (no agent, or it cannot do this);
 *         -EBUSY (it owes an answer to another request); -ENOMEM; -ENOBUFS.
 */
int rf_supcon_ask(struct rf_subos *subos, struct rf_ask *ask)
{
	struct rf_request *request;
	int rc;

	ask->settled = true;
	ask->error = 0;
	request = rf_request_create(subos, ask);
	if (!request)
		return -ENOMEM;
	rc = rf_request_enlist(request);
	if (rc)
		goto put;
	rc = rf_request_post(request, RF_MSG_REQUEST, ask->timeout_ms);
	if (rc) {
		rf_request_delist(request);
		goto put;
	}
	rc = rf_request_wait(request, ask, ask->timeout_ms, ask->insist);
	if (rc) {
		/* If not even this gets through, the agent is as good as silent. */
		rf_request_post(request, RF_MSG_CANCEL, RF_CANCEL_MS);
		rf_request_wait(request, ask, RF_CANCEL_MS, true);
	}
	rc = rf_request_finish(request, ask, rc);
put:
	rf_request_put(request);
	return rc;
}

/* Does an agent owe the answer to a request that resizes its subOS? Context: any. */
bool rf_supcon_owed(struct rf_subos *subos)
{
	unsigned long flags;
	bool owed;

	spin_lock_irqsave(&rf_requests_lock, flags);
	owed = rf_request_is_open(subos);
	spin_unlock_irqrestore(&rf_requests_lock, flags);
	return owed;
}

/*
 * If an agent owes an answer, find out whether that is lost: the agent works in order. What
 * that means has been acted upon when this returns. Context: process, without `adjusting`.
 */
void rf_supcon_settle(struct rf_subos *subos)
{
	s64 args[RF_CONTROL_ARGS] = {};

	if (!rf_supcon_owed(subos))
		return;
	if (!rf_supcon_request(subos, RF_OP_PING, args, RF_CANCEL_MS, NULL, NULL))
		rf_work_flush();
}

/**
 * rf_supcon_request() - as rf_supcon_ask(), for who needs no details
 * @subos: the subOS
 * @op: what
 * @args: of the request; of the answer, when it is done
 * @timeout_ms: how long the agent has
 * @progress: called for each PROGRESS, at most RF_CPUS_MAX times; may be NULL
 * @data: for @progress
 *
 * Context and Return: as there.
 */
int rf_supcon_request(struct rf_subos *subos, enum rf_op op, s64 args[RF_CONTROL_ARGS],
		      u32 timeout_ms, rf_supcon_progress progress, void *data)
{
	struct rf_ask ask = {
		.op = op,
		.timeout_ms = timeout_ms,
		.units = progress ? RF_CPUS_MAX : 0,
		.progress = progress,
		.data = data,
	};
	int rc;

	memcpy(ask.args, args, sizeof(ask.args));
	rc = rf_supcon_ask(subos, &ask);
	memcpy(args, ask.args, sizeof(ask.args));
	return rc;
}

/* Nobody waits: hand over to the work item, once. Requests lock held. */
static void rf_request_hand_over(struct rf_request *request)
{
	kref_get(&request->kref);
	if (!rf_work_queue(&request->late))
		kref_put(&request->kref, rf_request_free);
}

/* Nothing in the subOS answers any more: whoever waits for its answers gets -EPIPE. */
static void rf_requests_end(struct rf_subos *subos)
{
	struct rf_request *request;

	spin_lock(&rf_requests_lock);
	list_for_each_entry(request, &subos->requests, node) {
		if (request->ended)
			continue;
		request->ended = true;
		wake_up_all(&request->wait);
		if (request->abandoned && request->answer == RF_ANSWER_NONE)
			rf_request_hand_over(request);
	}
	spin_unlock(&rf_requests_lock);
}

/* State lock held. */
static int rf_request_state(struct notifier_block *block, unsigned long state, void *data)
{
	struct rf_subos *subos = data;

	lockdep_assert_held(&rf_state_lock);
	if (!rf_state_live(state) || subos->destroying)
		rf_requests_end(subos);
	return NOTIFY_OK;
}

static struct notifier_block rf_request_block = { .notifier_call = rf_request_state };

/* The subOS whose kernel sent a message, or NULL. State lock held. */
static struct rf_subos *rf_sender(u32 member, const struct rf_message *message)
{
	struct rf_subos *subos;

	list_for_each_entry(subos, &rf_subos_list, node)
		if (member && subos->member == member && subos->kernel_id == message->from)
			return subos;
	return NULL;
}

/* Requests lock held. */
static void rf_request_answered(struct rf_request *request, const struct rf_control *control)
{
	if (request->op != control->op || request->ended ||
	    request->answer != RF_ANSWER_NONE)
		return;
	switch (control->answer) {
	case RF_ANSWER_PROGRESS:
		if (request->count == request->units)
			return;		/* more than there can be */
		memcpy(request->progress[request->count++], control->args,
		       sizeof(control->args));
		break;
	case RF_ANSWER_DONE:
	case RF_ANSWER_FAILED:
	case RF_ANSWER_CANCELLED:
		request->answer = control->answer;
		memcpy(request->last, control->args, sizeof(request->last));
		if (request->abandoned)
			rf_request_hand_over(request);
		break;
	default:
		return;
	}
	wake_up_all(&request->wait);
}

/*
 * An agent works off its requests in order, so once one is done the answers to earlier ones
 * have been sent. What has not arrived is lost, and never will. Requests lock held.
 */
static void rf_requests_lost(struct rf_subos *subos, const struct rf_request *done)
{
	struct rf_request *request;

	list_for_each_entry(request, &subos->requests, node)
		if (request->abandoned && request->answer == RF_ANSWER_NONE &&
		    !request->ended && (s32)(request->id - done->id) < 0) {
			request->ended = request->lost = true;
			rf_request_hand_over(request);
		}
}

static void rf_on_answer(u32 member, const struct rf_message *message, void *data)
{
	struct rf_request *request;
	struct rf_control control;
	struct rf_subos *subos;
	unsigned long flags;

	if (!rf_control_parse(message, &control))
		return;
	spin_lock_irqsave(&rf_state_lock, flags);
	subos = rf_sender(member, message);
	if (subos) {
		spin_lock(&rf_requests_lock);
		list_for_each_entry(request, &subos->requests, node)
			if (request->id == control.id) {
				rf_request_answered(request, &control);
				if (control.answer == RF_ANSWER_DONE)
					rf_requests_lost(subos, request);
				break;
			}
		spin_unlock(&rf_requests_lock);
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
}

/* What an agent says that it can do, as far as we can believe it. State lock held. */
static void rf_hello_note(struct rf_subos *subos, const struct rf_control *control)
{
	u64 block_size = control->args[2];

	subos->capabilities = control->args[1] & RF_CAPABILITIES;
	if (block_size < RF_EXTENT_SIZE) {
		block_size = 0;
		subos->capabilities &= ~RF_CAN_MEMORY;
	}
	subos->block_size = block_size;
	rf_subos_changed(subos);
}

static void rf_on_request(u32 member, const struct rf_message *message, void *data)
{
	struct rf_control control;
	struct rf_subos *subos;
	unsigned long flags;

	if (!rf_control_parse(message, &control) || control.op != RF_OP_HELLO)
		return;
	spin_lock_irqsave(&rf_state_lock, flags);
	subos = rf_sender(member, message);
	if (subos)
		rf_hello_note(subos, &control);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	if (!subos)
		return;
	control.answer = RF_ANSWER_DONE;
	control.args[0] = RF_CONTROL_VERSION;
	control.args[1] = RF_CAPABILITIES;
	/* An agent that gets no answer says HELLO again, or goes on without. */
	rf_ficm_post(member, RF_URGENT, RF_MSG_ANSWER, &control, sizeof(control), RF_ANSWER_MS);
}

/**
 * rf_supcon_open() - listen to agents
 *
 * Context: Process context, may sleep. After rf_ficm_join().
 * Return: 0 or an error of rf_ficm_register().
 */
int rf_supcon_open(void)
{
	int rc;

	rc = rf_ficm_register(RF_MSG_ANSWER, RF_FICM_PROCESS, rf_on_answer, NULL);
	if (rc)
		return rc;
	rc = rf_ficm_register(RF_MSG_REQUEST, RF_FICM_PROCESS, rf_on_request, NULL);
	if (rc)
		rf_ficm_unregister(RF_MSG_ANSWER);
	return rc;
}

/* Undo it. Context: as above, before rf_ficm_leave(). */
void rf_supcon_close(void)
{
	rf_ficm_unregister(RF_MSG_REQUEST);
	rf_ficm_unregister(RF_MSG_ANSWER);
}

void rf_supcon_init(void)
{
	rf_state_notify(&rf_request_block);
}

void rf_supcon_exit(void)
{
	rf_state_ignore(&rf_request_block);
}
