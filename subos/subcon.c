// SPDX-License-Identifier: GPL-2.0
/*
 * subOScon: the supervisor's requests (wire/control.h). Messages are taken in the
 * poll of FICM, so that a CANCEL is noted and a STOP or PING served at once, whatever the
 * agent is doing; all other requests are worked off by one work item, in order.
 *
 * Once a second the same work queue looks whether the grant page has changed, and
 * whether the supervisor is alive. A subOS needs it for nothing but requests.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/memory.h>
#include <linux/printk.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "kernel/ficm.h"
#include "rf_subos.h"
#include "wire/control_check.h"

#define RF_REQUESTS_MAX		16
#define RF_HELLO_ID		1
#define RF_HELLO_MS		2000
#define RF_SILENT_MS		2000
#define RF_TICK_MS		1000
/* An answer waits so long for room in the supervisor's ring, */
#define RF_ANSWER_MS		2000
/* and so often, some 10 ms apart, for room on our side. */
#define RF_ANSWER_TRIES		100

struct rf_request {
	struct list_head node;
	struct rf_control control;
	u32 reported;			/* by PROGRESS */
	bool cancelled;
};

static DEFINE_SPINLOCK(rf_requests_lock);	/* taken with bottom halves off */
static LIST_HEAD(rf_requests);			/* to do; the first one may be under way */
static LIST_HEAD(rf_requests_free);
static struct rf_request rf_request_pool[RF_REQUESTS_MAX];
static u32 rf_last_id;				/* of all requests that came */

static struct workqueue_struct *rf_subcon_queue;
static DECLARE_COMPLETION(rf_hello_done);
static bool rf_hello_answered;			/* with yes or no */

/* Context: process context, may sleep, except if @wait is false. */
static void rf_answer(const struct rf_control *request, enum rf_answer answer, const s64 *args,
		      bool wait)
{
	struct rf_control control = {
		.id = request->id,
		.op = request->op,
		.answer = answer,
	};
	int err, i;

	memcpy(control.args, args, sizeof(control.args));
	for (i = 0; i < (wait ? RF_ANSWER_TRIES : 1); i++) {
		err = rf_ficm_post(RF_SUPERVISOR, RF_URGENT, RF_MSG_ANSWER, &control,
				   sizeof(control), RF_ANSWER_MS);
		if (err != -ENOBUFS)
			break;
		if (wait)
			msleep(10);
	}
	if (err)
		pr_warn_ratelimited("answer to request %u (op %u) not sent: error %d\n", control.id,
				    control.op, err);
}

/* A request that was not even begun. Context: any. */
static void rf_answer_refused(const struct rf_control *request, int err)
{
	s64 args[RF_CONTROL_ARGS] = { err };

	rf_answer(request, RF_ANSWER_FAILED, args, false);
}

/**
 * rf_request_progress() - report a unit that changed sides for good, or failed.
 * @request: under way
 * @unit: what it is about
 * @value: see the operation in wire/control.h
 *
 * Context: process context, may sleep.
 */
void rf_request_progress(struct rf_request *request, s64 unit, s64 value)
{
	s64 args[RF_CONTROL_ARGS] = { unit, value, [RF_CONTROL_REPORTED] = request->reported };

	/* Also if it cannot be sent: then the final answer does not fit, and nothing is known. */
	request->reported++;
	rf_answer(&request->control, RF_ANSWER_PROGRESS, args, true);
}

/* Did the supervisor cancel it? Context: any. */
bool rf_request_cancelled(const struct rf_request *request)
{
	return READ_ONCE(request->cancelled);
}

static int rf_ping(struct rf_request *request, const s64 *args, s64 *results)
{
	memcpy(results, args, sizeof(request->control.args));
	return 0;
}

static const rf_op_handler rf_ops[RF_OP_NR] = {
	[RF_OP_CORES_ADD]	= rf_cores_add,
	[RF_OP_CORES_REMOVE]	= rf_cores_remove,
	[RF_OP_MEMORY_ADD]	= rf_memory_add,
	[RF_OP_MEMORY_REMOVE]	= rf_memory_remove,
	[RF_OP_STOP]		= rf_shutdown_begin,
	[RF_OP_PING]		= rf_ping,
	[RF_OP_STATISTICS]	= rf_statistics_fill,
	[RF_OP_WINDOW]		= rf_console_window,
	[RF_OP_PCI_ADD]		= rf_pci_add,
	[RF_OP_PCI_REMOVE]	= rf_pci_remove,
};

/* The grant may have changed: map segments of new peers, forget gone ones. */
static void rf_grant_follow(void)
{
	static u32 seen;
	static int last_err;
	u32 sequence = rf_grant_sequence();
	int err;

	if (sequence == seen)
		return;
	err = rf_ficm_update();
	if (!err)
		seen = sequence;
	else if (err != last_err)
		pr_warn("cannot follow a change of the grant page: error %d\n", err);
	last_err = err;
}

static enum rf_answer rf_final(int err)
{
	if (err == -ECANCELED)
		return RF_ANSWER_CANCELLED;
	return err ? RF_ANSWER_FAILED : RF_ANSWER_DONE;
}

static void rf_request_end(const struct rf_request *request, int err, s64 *results, bool wait)
{
	if (err && err != -ECANCELED)
		results[0] = rf_control_error(err);
	results[RF_CONTROL_REPORTED] = request->reported;
	rf_answer(&request->control, rf_final(err), results, wait);
}

static void rf_request_run(struct rf_request *request)
{
	const struct rf_control *control = &request->control;
	s64 results[RF_CONTROL_ARGS] = { 0 };
	int err;

	rf_grant_follow();
	/* The cores of a CORES_ADD are in the grant already: it has to renounce them. */
	if (rf_request_cancelled(request) && control->op != RF_OP_CORES_ADD)
		err = -ECANCELED;
	else
		err = rf_ops[control->op](request, control->args, results);

	rf_request_end(request, err, results, true);
}

/* Whatever is under way: the handlers of these do not sleep. Context: softirq. */
static void rf_request_run_urgent(const struct rf_control *control)
{
	struct rf_request request = { .control = *control };
	s64 results[RF_CONTROL_ARGS] = { 0 };
	int err = rf_ops[control->op](&request, control->args, results);

	rf_request_end(&request, err, results, false);
}

static void rf_requests_work(struct work_struct *work)
{
	struct rf_request *request;

	for (;;) {
		spin_lock_bh(&rf_requests_lock);
		request = list_first_entry_or_null(&rf_requests, struct rf_request, node);
		spin_unlock_bh(&rf_requests_lock);
		if (!request)
			return;
		rf_request_run(request);
		/* Until here a CANCEL can find it, though it may come too late. */
		spin_lock_bh(&rf_requests_lock);
		list_move_tail(&request->node, &rf_requests_free);
		spin_unlock_bh(&rf_requests_lock);
	}
}

static DECLARE_WORK(rf_requests_item, rf_requests_work);

static struct rf_request *rf_request_find(u32 id)
{
	struct rf_request *request;

	lockdep_assert_held(&rf_requests_lock);
	list_for_each_entry(request, &rf_requests, node)
		if (request->control.id == id)
			return request;
	return NULL;
}

/* A private copy of what the supervisor sent; messages of anybody else are none. */
static bool rf_control_copy(struct rf_control *control, u32 from, const struct rf_message *message)
{
	if (from == RF_SUPERVISOR && rf_control_read(message, control))
		return true;
	pr_warn_ratelimited("control message from member %u refused\n", from);
	return false;
}

/*
 * A request that comes twice is one that somebody put into the ring again. But if it only seems
 * old, then because somebody sent a newer one in the supervisor's name, which has to hear of
 * that: it would be ignored from now on.
 */
static bool rf_request_is_new(const struct rf_control *control)
{
	s64 args[RF_CONTROL_ARGS] = { -ESTALE };
	bool is_new, is_open;

	spin_lock_bh(&rf_requests_lock);
	is_new = rf_control_id_is_newer(control->id, rf_last_id);
	is_open = rf_request_find(control->id);
	args[1] = rf_last_id;
	if (is_new)
		rf_last_id = control->id;
	spin_unlock_bh(&rf_requests_lock);
	if (!is_new) {
		pr_warn_ratelimited("request %u ignored: it is older than %lld\n", control->id,
				    args[1]);
		if (!is_open && control->id != args[1])
			rf_answer(control, RF_ANSWER_FAILED, args, false);
	}
	return is_new;
}

static void rf_on_request(u32 from, const struct rf_message *message, void *data)
{
	struct rf_request *request;
	struct rf_control control;

	if (!rf_control_copy(&control, from, message))
		return;
	if (control.op >= RF_OP_NR || !rf_ops[control.op]) {
		rf_answer_refused(&control, -EOPNOTSUPP);
		return;
	}
	if (!rf_control_request_is_sane(&control)) {
		rf_answer_refused(&control, -EINVAL);
		return;
	}
	if (!rf_request_is_new(&control))
		return;
	if (rf_control_is_urgent(control.op)) {
		rf_request_run_urgent(&control);
		return;
	}

	spin_lock_bh(&rf_requests_lock);
	request = list_first_entry_or_null(&rf_requests_free, struct rf_request, node);
	if (request) {
		request->control = control;
		request->reported = 0;
		request->cancelled = false;
		list_move_tail(&request->node, &rf_requests);
	}
	spin_unlock_bh(&rf_requests_lock);

	if (request)
		queue_work(rf_subcon_queue, &rf_requests_item);
	else
		rf_answer_refused(&control, -EBUSY);
}

static void rf_on_cancel(u32 from, const struct rf_message *message, void *data)
{
	struct rf_request *request;
	struct rf_control control;

	if (!rf_control_copy(&control, from, message))
		return;
	spin_lock_bh(&rf_requests_lock);
	request = rf_request_find(control.id);
	if (request)
		WRITE_ONCE(request->cancelled, true);
	spin_unlock_bh(&rf_requests_lock);
}

/* The only request of ours is HELLO. */
static void rf_on_answer(u32 from, const struct rf_message *message, void *data)
{
	struct rf_control control;

	if (!rf_control_copy(&control, from, message))
		return;
	if (control.id != RF_HELLO_ID || control.op != RF_OP_HELLO ||
	    !rf_control_answer_is_sane(&control))
		return;
	WRITE_ONCE(rf_hello_answered, true);
	complete(&rf_hello_done);
	if (control.answer != RF_ANSWER_DONE || control.args[0] != RF_CONTROL_VERSION)
		pr_warn_ratelimited("the supervisor does not accept this agent: answer %u, version %lld\n",
				    control.answer, control.args[0]);
}

/* Tell the supervisor what this agent can do. Context: process context. */
static int rf_hello(void)
{
	struct rf_control hello = {
		.id = RF_HELLO_ID,
		.op = RF_OP_HELLO,
		.args = {
			RF_CONTROL_VERSION,
			RF_CAN_CORES | RF_CAN_MEMORY | RF_CAN_PCI |
				(rf_console_there() ? RF_CAN_CONSOLE : 0),
			memory_block_size_bytes(),
			num_present_cpus(),
		},
	};

	return rf_ficm_post(RF_SUPERVISOR, RF_URGENT, RF_MSG_REQUEST, &hello, sizeof(hello),
			    RF_HELLO_MS);
}

static void rf_hello_wait(void)
{
	int err = rf_hello();

	if (err)
		pr_warn("cannot announce this agent to the supervisor: error %d\n", err);
	else if (!wait_for_completion_timeout(&rf_hello_done, msecs_to_jiffies(RF_HELLO_MS)))
		pr_warn("the supervisor does not answer; going on without it\n");
}

/* Say once that the supervisor went silent, and once that it is back. */
static void rf_beat_watch(void)
{
	static unsigned long changed;	/* jiffies; 0: not looked yet */
	static u64 last;
	static bool silent;
	const struct rf_endpoint *supervisor = rf_ficm_endpoint(RF_SUPERVISOR);
	u64 beat = supervisor ? READ_ONCE(supervisor->beat) : last;

	if (beat != last || !changed) {
		last = beat;
		changed = jiffies;
		if (silent)
			pr_notice("the supervisor is back\n");
		silent = false;
	} else if (!silent && time_after(jiffies, changed + msecs_to_jiffies(RF_SILENT_MS))) {
		pr_warn("the supervisor is silent; going on without it\n");
		silent = true;
	}
}

static void rf_tick(struct work_struct *work)
{
	rf_grant_follow();
	rf_beat_watch();
	/* A supervisor that was silent at the start can still learn of us. */
	if (!READ_ONCE(rf_hello_answered))
		rf_hello_wait();
	queue_delayed_work(rf_subcon_queue, to_delayed_work(work), msecs_to_jiffies(RF_TICK_MS));
}

static DECLARE_DELAYED_WORK(rf_tick_item, rf_tick);

static const struct {
	u16 type;
	rf_ficm_handler handler;
} rf_subcon_handlers[] = {
	{ RF_MSG_CANCEL,	rf_on_cancel },
	{ RF_MSG_ANSWER,	rf_on_answer },
	{ RF_MSG_REQUEST,	rf_on_request },
};

/**
 * rf_subcon_start() - take requests, and announce that to the supervisor.
 *
 * A supervisor that does not answer in time is no error: the subOS can do without.
 *
 * Context: process context, may sleep. FICM joined.
 * Return: 0 or a negative error, with everything undone; the reason was reported.
 */
int rf_subcon_start(void)
{
	int err, i;

	for (i = 0; i < RF_REQUESTS_MAX; i++)
		list_add_tail(&rf_request_pool[i].node, &rf_requests_free);
	rf_subcon_queue = alloc_ordered_workqueue("rf_subcon", 0);
	if (!rf_subcon_queue) {
		rf_refuse("cannot allocate the work queue for requests");
		return -ENOMEM;
	}
	for (i = 0; i < ARRAY_SIZE(rf_subcon_handlers); i++) {
		err = rf_ficm_register(rf_subcon_handlers[i].type, RF_FICM_SOFTIRQ,
				       rf_subcon_handlers[i].handler, NULL);
		if (err) {
			rf_refuse("cannot register for messages of type %u: error %d",
				  rf_subcon_handlers[i].type, err);
			goto unregister;
		}
	}
	rf_hello_wait();
	queue_delayed_work(rf_subcon_queue, &rf_tick_item, msecs_to_jiffies(RF_TICK_MS));
	return 0;

unregister:
	while (i--)
		rf_ficm_unregister(rf_subcon_handlers[i].type);
	destroy_workqueue(rf_subcon_queue);
	return err;
}
