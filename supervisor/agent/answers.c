// SPDX-License-Identifier: GPL-2.0
/*
 * Messages from agents: answers, which are recorded in their requests, and HELLO, which
 * announces an agent's capabilities (wire/control.h). Also ends the requests of a subOS
 * that has ended.
 */
#include <linux/notifier.h>
#include <linux/string.h>

#include "agent/internal.h"

#define RF_BLOCK_SIZE_MAX	(2ULL << 30)	/* of memory hotplug on x86 */
#define RF_CAPABILITIES		(RF_CAN_CORES | RF_CAN_MEMORY | RF_CAN_CONSOLE | RF_CAN_PCI)

/* Nothing in the subOS will answer any more: callers that wait for it get -EPIPE. */
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
static int rf_request_state(struct notifier_block *block, unsigned long phase, void *data)
{
	struct rf_subos *subos = data;

	lockdep_assert_held(&rf_state_lock);
	if (!rf_phase_live(phase))
		rf_requests_end(subos);
	return NOTIFY_OK;
}

static struct notifier_block rf_request_block = { .notifier_call = rf_request_state };

/* The subOS whose kernel sent a message, or NULL. State lock held. */
static struct rf_subos *rf_sender(u32 member, const struct rf_message *message)
{
	struct rf_subos *subos;

	lockdep_assert_held(&rf_state_lock);
	list_for_each_entry(subos, &rf_subos_list, node)
		if (member && subos->member == member && subos->kernel_id == message->from)
			return subos;
	return NULL;
}

/*
 * An answer that makes no sense has no effect but one: who waits gives up, and cancels. The
 * agent itself may be sound (another kernel can write into its ring), so that its final
 * answer is still good. Requests lock held.
 */
static void rf_request_answered(struct rf_request *request, const struct rf_control *control)
{
	lockdep_assert_held(&rf_requests_lock);
	if (request->ended || request->answer != RF_ANSWER_NONE ||
	    rf_control_is_repeated(&request->asked, control))
		return;
	if (!rf_control_takes(&request->asked, control)) {
		request->nonsense = !request->cancelled;
	} else if (control->answer == RF_ANSWER_PROGRESS) {
		memcpy(request->progress[request->count++], control->args,
		       sizeof(control->args));
	} else {
		request->answer = control->answer;
		memcpy(request->last, control->args, sizeof(request->last));
		if (control->answer == RF_ANSWER_FAILED && control->args[0] == -ESTALE)
			rf_requests_catch_up(control->args[1]);
		if (request->abandoned)
			rf_request_hand_over(request);
	}
	wake_up_all(&request->wait);
}

/*
 * An agent handles its requests in order, but for urgent ones, so once one is done the answers
 * to earlier ones have been sent. Those that have not arrived are lost. Requests lock held.
 */
static void rf_requests_lost(struct rf_subos *subos, const struct rf_request *done)
{
	struct rf_request *request;

	lockdep_assert_held(&rf_requests_lock);
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

	if (!rf_control_read(message, &control))
		return;
	spin_lock_irqsave(&rf_state_lock, flags);
	subos = rf_sender(member, message);
	if (subos) {
		spin_lock(&rf_requests_lock);
		list_for_each_entry(request, &subos->requests, node)
			if (request->id == control.id) {
				rf_request_answered(request, &control);
				if (request->answer == RF_ANSWER_DONE &&
				    !rf_control_is_urgent(request->op))
					rf_requests_lost(subos, request);
				break;
			}
		spin_unlock(&rf_requests_lock);
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
}

/* Record the capabilities that an agent announces, as far as valid. State lock held. */
static void rf_hello_note(struct rf_subos *subos, const struct rf_control *control)
{
	/* A kernel's blocks do not grow. */
	u64 block_size = subos->block_size ?: control->args[2];

	lockdep_assert_held(&rf_state_lock);
	subos->capabilities = control->args[0] == RF_CONTROL_VERSION ?
			      control->args[1] & RF_CAPABILITIES : 0;
	if (block_size < RF_EXTENT_SIZE || block_size > RF_BLOCK_SIZE_MAX) {
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
	/*
	 * Not posted: an agent that repeats HELLO without end, and takes no answers, would fill the
	 * queue that holds the requests to all others.
	 */
	rf_ficm_send(member, RF_URGENT, RF_MSG_ANSWER, &control, sizeof(control));
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

/* Undo rf_supcon_open(). Context: process, before rf_ficm_leave(). */
void rf_supcon_close(void)
{
	rf_ficm_unregister(RF_MSG_REQUEST);
	rf_ficm_unregister(RF_MSG_ANSWER);
}

int rf_agent_init(void)
{
	return rf_state_notify(&rf_request_block);
}

void rf_agent_exit(void)
{
	rf_state_ignore(&rf_request_block);
}
