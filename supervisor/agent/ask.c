// SPDX-License-Identifier: GPL-2.0
/*
 * Asking an agent, and waiting for its answer. Answers arrive in the reader thread of
 * rf_ficm, which must not wait for our locks: answers.c records them in the request, and
 * the task that waits here acts on them.
 */
#include <linux/jiffies.h>
#include <linux/string.h>

#include "agent/internal.h"

/* Is there anything that the waiting task has not handled? */
static bool rf_request_news(struct rf_request *request)
{
	unsigned long flags;
	bool news;

	spin_lock_irqsave(&rf_requests_lock, flags);
	news = request->handled < request->count || request->answer != RF_ANSWER_NONE ||
	       request->ended || request->nonsense;
	spin_unlock_irqrestore(&rf_requests_lock, flags);
	return news;
}

/* Act on the answers that have arrived. Return: true if none will follow. */
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

/* Return: 0 when no further answer will follow, -ETIMEDOUT, -EINTR, -EPROTO. */
static int rf_request_wait(struct rf_request *request, const struct rf_ask *ask, u32 timeout_ms,
			   bool insist)
{
	unsigned long begun, end = jiffies + msecs_to_jiffies(timeout_ms);
	long left;

	for (;;) {
		begun = jiffies;
		if (rf_request_work(request, ask))
			return 0;
		/* What we do about its answers is not the agent's time. */
		end += jiffies - begun;
		if (READ_ONCE(request->nonsense))
			return -EPROTO;
		left = end - jiffies;
		if (left <= 0)
			return -ETIMEDOUT;
		if (insist)
			wait_event_idle_timeout(request->wait, rf_request_news(request), left);
		else if (wait_event_interruptible_timeout(request->wait,
							  rf_request_news(request), left) < 0)
			return -EINTR;
	}
}

/* Ask the agent to stop, and wait for what it says to that. */
static void rf_request_cancel(struct rf_request *request, const struct rf_ask *ask)
{
	unsigned long flags;

	spin_lock_irqsave(&rf_requests_lock, flags);
	request->cancelled = true;
	request->nonsense = false;
	spin_unlock_irqrestore(&rf_requests_lock, flags);
	/* If not even the CANCEL can be sent, the agent counts as silent. */
	rf_request_post(request, RF_MSG_CANCEL, RF_CANCEL_MS);
	rf_request_wait(request, ask, RF_CANCEL_MS, true);
}

/* The request's result. Requests lock held; every answer so far has been handled. */
static int rf_request_outcome(struct rf_request *request, struct rf_ask *ask, int rc)
{
	lockdep_assert_held(&rf_requests_lock);
	switch (request->answer) {
	case RF_ANSWER_DONE:
		memcpy(ask->args, request->last, sizeof(ask->args));
		return 0;
	case RF_ANSWER_FAILED:
		ask->error = request->last[0];
		return ask->error;
	case RF_ANSWER_CANCELLED:
		return rc ?: -EPROTO;	/* CANCELLED without a CANCEL */
	default:
		return request->ended ? -EPIPE : rc;
	}
}

/* The caller stops waiting. If an answer that matters can still come, the list keeps @request. */
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

static int rf_supcon_ask_once(struct rf_subos *subos, struct rf_ask *ask)
{
	struct rf_request *request;
	int rc;

	ask->settled = true;
	ask->error = 0;
	request = rf_request_create(subos, ask);
	if (!request)
		return -ENOMEM;
	rc = rf_request_begin(request, ask->timeout_ms);
	if (rc)
		goto put;
	rc = rf_request_wait(request, ask, ask->timeout_ms, ask->insist);
	if (rc)
		rf_request_cancel(request, ask);
	rc = rf_request_finish(request, ask, rc);
put:
	rf_request_put(request);
	return rc;
}

/**
 * rf_supcon_ask() - ask the agent of a subOS, and wait
 * @subos: the subOS
 * @ask: the request; receives its outcome
 *
 * On a time-out, a signal, or an answer that makes no sense, the request is cancelled, and
 * the agent's final answer is waited for, for at most RF_CANCEL_MS. If that answer comes
 * later and the request was about cores, memory or functions, @ask->late gets it.
 *
 * Context: Process context, may sleep. No lock but `adjusting` held.
 * Return: 0 (DONE); the agent's errno (FAILED); -ETIMEDOUT, -EINTR, -EPROTO; -EPIPE (the
 *         subOS has ended); -ENOTCONN, -EOPNOTSUPP (no agent, or it lacks the capability);
 *         -EBUSY (the agent owes an answer to another request); -ENOMEM; -ENOBUFS.
 */
int rf_supcon_ask(struct rf_subos *subos, struct rf_ask *ask)
{
	int rc = rf_supcon_ask_once(subos, ask);

	/* The agent took a forged request for a newer one: again, with an id that is newer. */
	return rc == -ESTALE ? rf_supcon_ask_once(subos, ask) : rc;
}

/* Does an agent owe the final answer to an abandoned resize request? Context: any. */
bool rf_supcon_owed(struct rf_subos *subos)
{
	unsigned long flags;
	bool owed;

	spin_lock_irqsave(&rf_requests_lock, flags);
	owed = rf_request_open(subos);
	spin_unlock_irqrestore(&rf_requests_lock, flags);
	return owed;
}

/*
 * Is an agent at a request about cores, memory or functions, which may take long, and behind which
 * all others wait? Context: any.
 */
bool rf_supcon_resizes(struct rf_subos *subos)
{
	struct rf_request *request;
	unsigned long flags;
	bool found = false;

	spin_lock_irqsave(&rf_requests_lock, flags);
	list_for_each_entry(request, &subos->requests, node)
		found |= rf_op_resizes(request->op);
	spin_unlock_irqrestore(&rf_requests_lock, flags);
	return found;
}

/*
 * If an agent owes an answer, find out whether that answer is lost: STATISTICS are handled in
 * their turn, so that their DONE proves it. If so, the loss has been acted upon when this
 * returns, unless that takes too long or a signal comes. Context: process, without `adjusting`.
 */
void rf_supcon_probe(struct rf_subos *subos)
{
	s64 args[RF_CONTROL_ARGS] = {};
	struct rf_request *owed;
	unsigned long flags;

	spin_lock_irqsave(&rf_requests_lock, flags);
	owed = rf_request_open(subos);
	if (owed)
		kref_get(&owed->kref);
	spin_unlock_irqrestore(&rf_requests_lock, flags);
	if (!owed)
		return;
	if (!rf_supcon_request(subos, RF_OP_STATISTICS, args, RF_CANCEL_MS, NULL, NULL))
		wait_event_interruptible_timeout(owed->wait, READ_ONCE(owed->acted),
						 msecs_to_jiffies(RF_CANCEL_MS));
	rf_request_put(owed);
}

/**
 * rf_supcon_request() - a simple wrapper around rf_supcon_ask()
 * @subos: the subOS
 * @op: the operation
 * @args: of the request; on DONE, those of the answer
 * @timeout_ms: how long the agent has
 * @progress: called for each PROGRESS, at most RF_CPUS_MAX times; may be NULL
 * @data: for @progress
 *
 * Context and Return: as for rf_supcon_ask().
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
