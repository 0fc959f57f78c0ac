// SPDX-License-Identifier: GPL-2.0
/*
 * A request to the agent of a subOS, from the moment it is listed with its subOS until its
 * final answer has been acted upon. The answers to an abandoned request, whose caller has
 * stopped waiting, are kept up to the final one; then a work item hands them to the room
 * that asked.
 */
#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "agent/internal.h"

DEFINE_SPINLOCK(rf_requests_lock);
static u32 rf_last_request;		/* requests lock */

static void rf_request_free(struct kref *kref)
{
	struct rf_request *request = container_of(kref, struct rf_request, kref);

	kobject_put(&request->subos->kobj);
	kvfree(request);
}

void rf_request_put(struct rf_request *request)
{
	kref_put(&request->kref, rf_request_free);
}

/* Does the op change what the subOS uses, so that a late answer matters? */
bool rf_op_resizes(enum rf_op op)
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
		return ~0u;		/* any capability proves that there is an agent */
	}
}

/* May the subOS's agent be asked for @op now? State lock held. */
static int rf_request_allowed(struct rf_subos *subos, enum rf_op op)
{
	lockdep_assert_held(&rf_state_lock);
	if (!rf_phase_live(subos->life.phase))
		return -EPIPE;
	if (subos->life.phase == RF_PHASE_STOPPING && op != RF_OP_STOP)
		return -EPIPE;
	/* Nor one that hangs while it boots: there is no init yet that could be asked to stop. */
	if (!subos->moments[RF_MOMENT_RUNNING] || !subos->member)
		return -ENOTCONN;
	return subos->capabilities & rf_op_capability(op) ? 0 : -EOPNOTSUPP;
}

/* The abandoned request whose outcome is still open, or NULL. Requests lock held. */
struct rf_request *rf_request_open(struct rf_subos *subos)
{
	struct rf_request *request;

	lockdep_assert_held(&rf_requests_lock);
	list_for_each_entry(request, &subos->requests, node)
		if (request->abandoned)
			return request;
	return NULL;
}

int rf_request_post(struct rf_request *request, u16 type, u32 timeout_ms)
{
	struct rf_control control = { .id = request->id, .op = request->op };

	memcpy(control.args, request->args, sizeof(control.args));
	return rf_ficm_post(request->member, RF_URGENT, type, &control, sizeof(control),
			    timeout_ms);
}

/* Under one lock, so that requests are sent in the order of their ids. */
static int rf_request_send(struct rf_request *request, u32 timeout_ms)
{
	struct rf_subos *subos = request->subos;
	int rc;

	lockdep_assert_held(&rf_state_lock);
	lockdep_assert_held(&rf_requests_lock);
	request->id = ++rf_last_request;
	request->member = subos->member;
	request->kernel_id = subos->kernel_id;
	rc = rf_request_post(request, RF_MSG_REQUEST, timeout_ms);
	if (rc)
		return rc;
	kref_get(&request->kref);
	list_add_tail(&request->node, &subos->requests);
	return 0;
}

/* An agent has seen a request with this id: ours are newer from now on. Requests lock held. */
void rf_requests_catch_up(u32 id)
{
	lockdep_assert_held(&rf_requests_lock);
	if (rf_control_id_is_newer(id, rf_last_request))
		rf_last_request = id;
}

/*
 * Send the request, and list it with its subOS: from here on it receives answers, and the
 * subOS's end.
 */
int rf_request_begin(struct rf_request *request, u32 timeout_ms)
{
	struct rf_subos *subos = request->subos;
	unsigned long flags;
	int rc;

	spin_lock_irqsave(&rf_state_lock, flags);
	rc = rf_request_allowed(subos, request->op);
	if (!rc) {
		spin_lock(&rf_requests_lock);
		if (rf_op_resizes(request->op) && rf_request_open(subos))
			rc = -EBUSY;
		else
			rc = rf_request_send(request, timeout_ms);
		spin_unlock(&rf_requests_lock);
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc;
}

/* Unlist the request: it receives no more answers. Context: any. Idempotent. */
void rf_request_delist(struct rf_request *request)
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
 * The final answer to an abandoned request has come, or never will. No other resize begins
 * before this is acted upon, because it could change the units that the request concerns.
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
	if (request->on_late && (request->answer != RF_ANSWER_NONE || request->lost))
		request->on_late(subos, &late);
	mutex_unlock(&subos->adjusting);
	WRITE_ONCE(request->acted, true);
	wake_up_all(&request->wait);
	rf_request_put(request);
}

/* A request with one reference, for the caller; NULL: no memory. Context: process. */
struct rf_request *rf_request_create(struct rf_subos *subos, const struct rf_ask *ask)
{
	struct rf_request *request;
	u32 units = min_t(u32, ask->units, RF_UNITS_MAX);

	request = kvzalloc(struct_size(request, progress, units), GFP_KERNEL);
	if (!request)
		return NULL;
	kref_init(&request->kref);
	kobject_get(&subos->kobj);
	request->subos = subos;
	request->op = ask->op;
	memcpy(request->args, ask->args, sizeof(request->args));
	request->asked = (struct rf_control_asked){
		.args = request->args,
		.op = ask->op,
		.units = units,
		.unit = READ_ONCE(subos->block_size) ?: RF_EXTENT_SIZE,
	};
	request->on_late = ask->late;
	INIT_WORK(&request->late, rf_request_late);
	init_waitqueue_head(&request->wait);
	INIT_LIST_HEAD(&request->node);
	return request;
}

/* The caller is gone: hand the request over to its work item, once. Requests lock held. */
void rf_request_hand_over(struct rf_request *request)
{
	lockdep_assert_held(&rf_requests_lock);
	kref_get(&request->kref);
	if (!rf_work_queue(&request->late))
		kref_put(&request->kref, rf_request_free);
}
