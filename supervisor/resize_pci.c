// SPDX-License-Identifier: GPL-2.0
/*
 * PCI functions between the supervisor and a subOS that runs. A function stands in the
 * grant page before the agent is asked to look at it. Once the agent has confirmed that
 * nothing uses it any more, it is out of the page again, quiesced, and the supervisor's:
 * together with all of its group, or not at all.
 *
 * With `adjusting` held, nobody else changes the list of a subOS's functions. What is still
 * `leaving` when who asked for it has gone is the matter of resize_settle.c.
 */
#include <linux/string.h>

#include "resize.h"

#define RF_PCI_CUT_MS		1000	/* for an agent whose functions were taken by force */

/**
 * rf_exchange_begin() - functions are going to change hands
 * @subos: the subOS
 * @args: gets the first culprit, and the errno of the other side
 * @timeout_ms: how long its agent has for all of them
 * @insist: signals do not end the wait
 *
 * Context: Any.
 */
struct rf_exchange rf_exchange_begin(struct rf_subos *subos, struct rf_resize *args,
				     u32 timeout_ms, bool insist)
{
	u64 now = ktime_get_ns();

	return (struct rf_exchange){
		.subos = subos,
		.args = args,
		.begun = now,
		.end = now + timeout_ms * NSEC_PER_MSEC,
		.insist = insist,
	};
}

/* That a function is back in the supervisor is told by who returns it. */
static void rf_function_note(const struct rf_exchange *exchange, enum rf_event_type type,
			     u32 bdf, int rc)
{
	const u64 event[4] = { bdf };
	char text[RF_PCI_TEXT];

	rf_pci_text(bdf, text, sizeof(text));
	rf_event(exchange->subos, type, rc, RF_CAUSE_OPERATOR,
		 ktime_get_ns() - exchange->begun, event, text);
}

/* ---- one function ---- */

static bool rf_function_taken(const struct rf_lent *lent)
{
	return READ_ONCE(lent->flags) & RF_FUNCTION_TAKEN;
}

/* Nothing in its subOS uses it, and nothing is going to. @alive: a kernel may run there. */
static bool rf_function_free(const struct rf_lent *lent, bool alive)
{
	return !alive || lent->given_up == lent->subos->kernel_id;
}

/* Return: as rf_resize_result(). */
static int rf_function_ask(const struct rf_exchange *exchange, struct rf_ask *ask, enum rf_op op,
			   const struct rf_lent *lent)
{
	u64 now = ktime_get_ns();
	int rc = -ETIMEDOUT;

	*ask = (struct rf_ask){
		.op = op,
		.insist = exchange->insist,
		.args = { lent->bdf, op == RF_OP_PCI_REMOVE && rf_function_taken(lent) },
		.settled = true,
	};
	if (now < exchange->end) {
		ask->timeout_ms = (exchange->end - now) / NSEC_PER_MSEC + 1;
		rc = rf_resize_result(exchange->args, ask, rf_supcon_ask(exchange->subos, ask));
	}
	if (rc && !exchange->args->culprit_function)
		exchange->args->culprit_function = lent->bdf;
	return rc;
}

/* ---- groups: they change hands as a whole. Ledger lock held ---- */

static bool rf_function_goes(const struct rf_lent *lent, bool alive)
{
	return lent->leaving && rf_function_free(lent, alive);
}

/* What was unplugged is in no group any more. */
static bool rf_function_grouped(const struct rf_lent *lent, u32 group)
{
	return !READ_ONCE(lent->gone) && rf_pci_group(lent->pdev) == group;
}

/* May it go now, and all that goes with it? */
static bool rf_group_goes(const struct rf_lent *lent, bool alive)
{
	struct rf_lent *other;
	u32 group;

	if (!rf_function_goes(lent, alive))
		return false;
	if (READ_ONCE(lent->gone))
		return true;
	group = rf_pci_group(lent->pdev);
	list_for_each_entry(other, &lent->subos->functions, node)
		if (!rf_function_goes(other, alive) && rf_function_grouped(other, group))
			return false;
	return true;
}

/* Are there others that it can only go with? */
static bool rf_group_several(const struct rf_lent *lent)
{
	struct rf_lent *other;
	u32 group;

	if (READ_ONCE(lent->gone))
		return false;
	group = rf_pci_group(lent->pdev);
	list_for_each_entry(other, &lent->subos->functions, node)
		if (other != lent && rf_function_grouped(other, group))
			return true;
	return false;
}

/* One of a group cannot go: they all stay, confined as before. */
static void rf_group_keep(const struct rf_lent *lent)
{
	u32 group = READ_ONCE(lent->gone) ? RF_BDF_NONE : rf_pci_group(lent->pdev);
	struct rf_lent *other;

	list_for_each_entry(other, &lent->subos->functions, node) {
		if (other != lent && !rf_function_grouped(other, group))
			continue;
		other->leaving = false;
		if (!rf_dma_attach(other))
			continue;
		pr_err("subOS %s: its memory is out of reach of a function that it has\n",
		       lent->subos->name);
		rf_pci_cut(other);
	}
}

/* ---- from a subOS ---- */

/**
 * rf_functions_ask() - ask an agent to give up all that is leaving
 * @exchange: for whom
 *
 * One that it fails to give up does not stop the others.
 *
 * Context: Process context, may sleep. Only `adjusting` held.
 * Return: 0, or the first error, as rf_resize_result().
 */
int rf_functions_ask(const struct rf_exchange *exchange)
{
	struct rf_subos *subos = exchange->subos;
	struct rf_lent *lent;
	struct rf_ask ask;
	int rc, result = 0;

	list_for_each_entry(lent, &subos->functions, node) {
		if (!lent->leaving || rf_function_free(lent, rf_resize_alive(subos)))
			continue;
		rc = rf_function_ask(exchange, &ask, RF_OP_PCI_REMOVE, lent);
		if (!rc)
			lent->given_up = subos->kernel_id;
		else if (!ask.error)
			return result ?: rc;
		result = result ?: rc;
	}
	return result;
}

/*
 * rf_pci_return() is enough for a function that is alone. All of a larger group is quiet
 * before the first function of it leaves the DMA domain, for they leave as one; and all
 * have left before a driver is bound to the first. Ledger lock held.
 */
static int rf_functions_return(struct rf_subos *subos, bool alive)
{
	struct list_head *functions = &subos->functions;
	struct rf_lent *lent, *next;
	int rc, result = 0;

	list_for_each_entry(lent, functions, node) {
		if (!rf_group_goes(lent, alive) || !rf_group_several(lent))
			continue;
		rc = rf_pci_quiesce(lent);
		if (rc)
			rf_group_keep(lent);
		result = result ?: rc;
	}
	list_for_each_entry(lent, functions, node)
		if (rf_group_goes(lent, alive) && rf_group_several(lent))
			rf_dma_detach(lent);
	list_for_each_entry_safe(lent, next, functions, node) {
		if (!rf_group_goes(lent, alive))
			continue;
		rc = rf_pci_return(lent);
		if (rc)
			rf_group_keep(lent);
		result = result ?: rc;
	}
	return result;
}

/**
 * rf_functions_home() - what is leaving and not used any more is the supervisor's again
 * @exchange: for whom
 *
 * Context: Process context, may sleep for long. Only `adjusting` held.
 * Return: 0, or -EIO if some of it is still the subOS's.
 */
int rf_functions_home(const struct rf_exchange *exchange)
{
	struct rf_subos *subos = exchange->subos;
	int rc;

	mutex_lock(&rf_ledger_lock);
	rf_resize_publish();	/* first, so that nobody there begins to use them again */
	rc = rf_functions_return(subos, rf_resize_alive(subos));
	rf_resize_publish();
	mutex_unlock(&rf_ledger_lock);
	if (!rc)
		return 0;
	pr_err("subOS %s: a function did not come back: error %d\n", subos->name, rc);
	exchange->args->error = exchange->args->error ?: -rc;
	return -EIO;
}

static void rf_function_give_up(struct rf_lent *lent, u32 kernel_id)
{
	mutex_lock(&rf_ledger_lock);
	lent->given_up = kernel_id;
	rf_resize_publish();
	mutex_unlock(&rf_ledger_lock);
}

/**
 * rf_functions_offer() - what was given up, but does not go, may be used again
 * @subos: the owner
 *
 * Context: Process context, may sleep. Only `adjusting` held.
 */
void rf_functions_offer(struct rf_subos *subos)
{
	struct rf_resize unused = {};
	struct rf_exchange exchange = rf_exchange_begin(subos, &unused, RF_RESIZE_MS, true);
	struct rf_lent *lent;
	struct rf_ask ask;

	list_for_each_entry(lent, &subos->functions, node) {
		if (lent->leaving || rf_function_taken(lent) ||
		    lent->given_up != subos->kernel_id ||
		    rf_resize_ready(subos, RF_CAN_PCI))
			continue;
		rf_function_give_up(lent, 0);
		if (!rf_function_ask(&exchange, &ask, RF_OP_PCI_ADD, lent))
			continue;
		pr_warn_ratelimited("subOS %s did not take a function back\n", subos->name);
		if (ask.settled)
			rf_function_give_up(lent, subos->kernel_id);
	}
}

/* ---- RF_RESIZE_PCI_ADD ---- */

/* The functions are the subOS's, and in its grant page, or nothing has changed. */
static int rf_pci_add_begin(struct rf_exchange *exchange, const u32 *bdfs)
{
	struct rf_subos *subos = exchange->subos;
	struct rf_resize *args = exchange->args;
	struct rf_lent *lent;
	int rc;
	u32 i;

	rc = rf_step("pci-offer");
	if (rc)
		return rc;
	rc = rf_pci_take(subos, bdfs, args->nr_functions, args->function_flags,
			 &args->culprit_function, &args->problem);
	if (rc)
		return rc;
	rc = rf_step("pci-grant");
	for (i = 0; rc && i < args->nr_functions; i++) {
		lent = rf_pci_find(subos, bdfs[i]);
		lent->leaving = true;
		lent->given_up = subos->kernel_id;	/* which has never heard of it */
	}
	if (rc)
		rf_functions_return(subos, true);
	rf_resize_publish();
	return rc;
}

/* One of them failed: none is added. The agent may have begun with the first @asked. */
static void rf_pci_add_undo(const struct rf_exchange *exchange, const u32 *bdfs, u32 asked)
{
	struct rf_subos *subos = exchange->subos;
	struct rf_lent *lent;
	u32 i;

	for (i = 0; i < exchange->args->nr_functions; i++) {
		lent = rf_pci_find(subos, bdfs[i]);
		lent->leaving = true;
		if (i >= asked)
			lent->given_up = subos->kernel_id;
	}
	exchange->args->drivers = 0;
	rf_functions_settle(subos);
}

static int rf_pci_add_end(const struct rf_exchange *exchange, const u32 *bdfs)
{
	struct rf_resize *args = exchange->args;
	struct rf_ask ask;
	int rc = 0;
	u32 i;

	for (i = 0; !rc && i < args->nr_functions; i++) {
		rc = rf_function_ask(exchange, &ask, RF_OP_PCI_ADD,
				     rf_pci_find(exchange->subos, bdfs[i]));
		args->drivers += !rc && ask.args[0] == 1;
	}
	if (rc)
		rf_pci_add_undo(exchange, bdfs, i);
	else
		args->functions_done = args->nr_functions;
	for (i = 0; i < args->nr_functions; i++)
		rf_function_note(exchange, RF_EVENT_PCI_ADDED, bdfs[i], rc);
	return rc;
}

/* Context: `adjusting` held. */
int rf_resize_pci_add(struct rf_subos *subos, struct rf_resize *args, const u32 *bdfs)
{
	struct rf_exchange exchange;
	int rc;

	if (args->function_flags & ~(RF_PCI_FORCE | RF_PCI_REQUIRE_IOMMU))
		return -EINVAL;
	rc = rf_resize_ready(subos, RF_CAN_PCI);
	if (rc)
		return rc;
	exchange = rf_exchange_begin(subos, args, rf_resize_timeout(args), false);
	if (mutex_lock_interruptible(&rf_ledger_lock))
		return -EINTR;
	rc = rf_pci_add_begin(&exchange, bdfs);
	mutex_unlock(&rf_ledger_lock);
	if (rc)
		return rc;
	return rf_pci_add_end(&exchange, bdfs);
}

/* ---- RF_RESIZE_PCI_REMOVE ---- */

static bool rf_bdfs_have(const u32 *bdfs, u32 count, u32 bdf)
{
	while (count)
		if (bdfs[--count] == bdf)
			return true;
	return false;
}

/* Is all of its group among them? Ledger lock held. */
static bool rf_group_named(const struct rf_lent *lent, const u32 *bdfs, u32 count)
{
	struct rf_lent *other;
	u32 group;

	if (READ_ONCE(lent->gone))
		return true;
	group = rf_pci_group(lent->pdev);
	list_for_each_entry(other, &lent->subos->functions, node)
		if (!rf_bdfs_have(bdfs, count, other->bdf) && rf_function_grouped(other, group))
			return false;
	return true;
}

/* Ledger lock held. */
static int rf_pci_claim_check(struct rf_subos *subos, struct rf_resize *args, const u32 *bdfs)
{
	struct rf_lent *lent;
	u32 i;

	for (i = 0; i < args->nr_functions; i++) {
		lent = rf_pci_find(subos, bdfs[i]);
		if (!lent)
			args->problem = rf_pci_lent(bdfs[i]) ? RF_PROBLEM_LENT : RF_PROBLEM_ABSENT;
		else if (rf_bdfs_have(bdfs, i, bdfs[i]))
			args->problem = RF_PROBLEM_MANY;
		else if (!rf_group_named(lent, bdfs, args->nr_functions))
			args->problem = RF_PROBLEM_GROUP;
		else
			continue;
		args->culprit_function = bdfs[i];
		return -ENXIO;
	}
	return 0;
}

/* They are leaving; with @cut, they are out of reach of a kernel that may still run. */
static int rf_pci_claim(struct rf_subos *subos, struct rf_resize *args, const u32 *bdfs, bool cut)
{
	u64 begun = ktime_get_ns();
	struct rf_lent *lent;
	int rc;
	u32 i;

	if (mutex_lock_interruptible(&rf_ledger_lock))
		return -EINTR;
	rc = rf_pci_claim_check(subos, args, bdfs);
	if (!rc)
		rc = rf_step("pci-claim");
	for (i = 0; !rc && i < args->nr_functions; i++) {
		lent = rf_pci_find(subos, bdfs[i]);
		lent->leaving = true;
		lent->leaving_since = begun;
		if (cut && !READ_ONCE(lent->gone))
			rf_pci_cut(lent);
	}
	if (!rc && cut)
		rf_resize_publish();
	mutex_unlock(&rf_ledger_lock);
	return rc;
}

/* What could not be had stays, and is used as before; but what was cut off goes on leaving. */
static int rf_pci_claim_end(const struct rf_exchange *exchange, const u32 *bdfs, int rc)
{
	struct rf_subos *subos = exchange->subos;
	struct rf_resize *args = exchange->args;
	struct rf_lent *lent;
	u32 i, left = 0, cut = 0;

	for (i = 0; i < args->nr_functions; i++) {
		lent = rf_pci_find(subos, bdfs[i]);
		if (!lent)
			continue;
		left++;
		if (!lent->leaving) {
			rf_function_note(exchange, RF_EVENT_PCI_REMOVED, bdfs[i], -EIO);
		} else if (rf_function_taken(lent)) {
			cut++;
			rf_function_note(exchange, RF_EVENT_PCI_TAKEN, bdfs[i], -EINPROGRESS);
		} else {
			lent->leaving = false;
			lent->leaving_since = 0;
			rf_function_note(exchange, RF_EVENT_PCI_REMOVED, bdfs[i], rc ?: -EBUSY);
		}
	}
	args->functions_done = args->nr_functions - left;
	rf_functions_offer(subos);
	rf_functions_later(subos);
	if (!left) {
		args->culprit_function = args->error = 0;
		return 0;
	}
	return cut ? -EINPROGRESS : rc ?: -EBUSY;
}

/* If no kernel runs in it, nobody has to be asked. Context: `adjusting` held. */
int rf_resize_pci_remove(struct rf_subos *subos, struct rf_resize *args, const u32 *bdfs)
{
	bool force = args->function_flags & RF_PCI_FORCE, alive;
	struct rf_exchange exchange;
	int rc, rc_home;

	if (args->function_flags & ~RF_PCI_FORCE)
		return -EINVAL;
	rc = rf_resize_ready(subos, RF_CAN_PCI);
	if (rc == -ENOENT || READ_ONCE(subos->destroying))
		return rc;
	alive = rf_resize_alive(subos);
	if (rc && alive && !force)
		return rc;
	rc = rf_pci_claim(subos, args, bdfs, force && alive);
	if (rc)
		return rc;
	exchange = rf_exchange_begin(subos, args, force ? RF_PCI_CUT_MS : rf_resize_timeout(args),
				     false);
	rc = rf_functions_ask(&exchange);
	rc_home = rf_functions_home(&exchange);
	return rf_pci_claim_end(&exchange, bdfs, rc ?: rc_home);
}
