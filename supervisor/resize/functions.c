// SPDX-License-Identifier: GPL-2.0
/*
 * Moves PCI functions between the supervisor and a running subOS. A function is in the grant
 * page before the agent is asked to add it. Functions still on their way home when the
 * caller returns are left to settle.c.
 */
#include <linux/string.h>

#include "pci/pci.h"
#include "resize/internal.h"
#include "shared/shared.h"

#define RF_PCI_CUT_MS		1000	/* for an agent whose functions were taken by force */

/* Not for a function that came back: rf_pci_go_home() reports that. */
static void rf_function_note(const struct rf_exchange *exchange, enum rf_event_type type,
			     u32 bdf, int rc)
{
	const u64 event[4] = { bdf };
	char text[RF_PCI_TEXT];

	rf_pci_text(bdf, text, sizeof(text));
	rf_event(exchange->subos, type, rc, RF_CAUSE_OPERATOR,
		 ktime_get_ns() - exchange->begun, event, text);
}

/* ---- RF_RESIZE_PCI_ADD ---- */

/* Publish that they are lent; if that fails, none is to stay. */
static int rf_pci_add_grant(struct rf_exchange *exchange, const u32 *bdfs)
{
	struct rf_lent *lent;
	int rc;
	u32 i;

	mutex_lock(&rf_ledger_lock);
	rc = rf_step("pci-grant");
	for (i = 0; rc && i < exchange->args->nr_functions; i++) {
		lent = rf_pci_find(exchange->subos, bdfs[i]);
		rf_pci_leave(lent);
		rf_pci_confirm(lent);	/* its kernel was not asked to use it */
	}
	rf_publish();
	mutex_unlock(&rf_ledger_lock);
	return rc;
}

/* Lend the functions to the subOS and grant them, all or none. Only `adjusting` held. */
static int rf_pci_add_begin(struct rf_exchange *exchange, const u32 *bdfs)
{
	struct rf_subos *subos = exchange->subos;
	struct rf_resize *args = exchange->args;
	struct rf_refusal refusal = {};
	int rc;

	rc = rf_step("pci-offer");
	if (rc)
		return rc;
	rc = rf_pci_take(subos, bdfs, args->nr_functions, args->function_flags, &refusal);
	args->culprit_function = refusal.culprit;
	args->problem = refusal.problem;
	if (rc)
		return rc;
	rc = rf_pci_add_grant(exchange, bdfs);
	if (rc)
		rf_functions_return(subos, true);
	return rc;
}

/* One function failed: add none. The agent may have begun to use the first @asked. */
static void rf_pci_add_undo(const struct rf_exchange *exchange, const u32 *bdfs, u32 asked)
{
	struct rf_subos *subos = exchange->subos;
	struct rf_lent *lent;
	u32 i;

	mutex_lock(&rf_ledger_lock);
	for (i = 0; i < exchange->args->nr_functions; i++) {
		lent = rf_pci_find(subos, bdfs[i]);
		rf_pci_leave(lent);
		if (i >= asked)
			rf_pci_confirm(lent);
	}
	mutex_unlock(&rf_ledger_lock);
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
				     rf_function_find(exchange->subos, bdfs[i]));
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

	lockdep_assert_held(&subos->adjusting);
	if (args->function_flags & ~(RF_PCI_FORCE | RF_PCI_REQUIRE_IOMMU))
		return -EINVAL;
	rc = rf_resize_ready(subos, RF_CAN_PCI);
	if (rc)
		return rc;
	exchange = rf_exchange_begin(subos, args, rf_resize_timeout(args), false,
				     rf_pci_late);
	rc = rf_pci_add_begin(&exchange, bdfs);
	if (rc)
		return rc;
	/* Drivers and resets took what they needed; the agent has all of its time. */
	exchange.end = ktime_get_ns() + rf_resize_timeout(args) * NSEC_PER_MSEC;
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

/* Does @bdfs name the function's whole group? Ledger lock held. */
static bool rf_group_named(const struct rf_lent *lent, const u32 *bdfs, u32 count)
{
	struct rf_lent *other;
	u32 group;

	lockdep_assert_held(&rf_ledger_lock);
	if (rf_pci_gone(lent))
		return true;
	group = rf_pci_group(lent->pdev);
	rf_pci_for_each(other, lent->subos)
		if (!rf_bdfs_have(bdfs, count, other->entry.bdf) &&
		    rf_function_grouped(other, group))
			return false;
	return true;
}

/* Ledger lock held. */
static int rf_pci_claim_check(struct rf_subos *subos, struct rf_resize *args, const u32 *bdfs)
{
	struct rf_lent *lent;
	u32 i;

	lockdep_assert_held(&rf_ledger_lock);
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

/* Mark the functions as leaving; with @cut, silence them although a kernel may still run. */
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
		rf_pci_leave(lent);
		lent->leaving_since = begun;
		if (cut && !rf_pci_gone(lent))
			rf_pci_cut(lent);
	}
	if (!rc && cut)
		rf_publish();
	mutex_unlock(&rf_ledger_lock);
	return rc;
}

/* Functions that were not given up stay in use; but those that were cut go on leaving. */
static int rf_pci_claim_end(const struct rf_exchange *exchange, const u32 *bdfs, int rc)
{
	struct rf_subos *subos = exchange->subos;
	struct rf_resize *args = exchange->args;
	struct rf_lent *lent;
	u32 i, left = 0, cut = 0;

	mutex_lock(&rf_ledger_lock);
	for (i = 0; i < args->nr_functions; i++) {
		lent = rf_pci_find(subos, bdfs[i]);
		if (!lent)
			continue;
		left++;
		if (!rf_ledger_function_leaving(&lent->entry)) {
			rf_function_note(exchange, RF_EVENT_PCI_REMOVED, bdfs[i], -EIO);
		} else if (rf_pci_keep_unless_taken(lent)) {
			lent->leaving_since = 0;
			rf_function_note(exchange, RF_EVENT_PCI_REMOVED, bdfs[i], rc ?: -EBUSY);
		} else {
			cut++;
			rf_function_note(exchange, RF_EVENT_PCI_TAKEN, bdfs[i], -EINPROGRESS);
		}
	}
	mutex_unlock(&rf_ledger_lock);
	args->functions_done = args->nr_functions - left;
	rf_functions_offer(exchange);
	rf_functions_later(subos);
	if (!left) {
		args->culprit_function = args->error = 0;
		return 0;
	}
	return cut ? -EINPROGRESS : rc ?: -EBUSY;
}

/* If no kernel runs in the subOS, no agent has to be asked. Context: `adjusting` held. */
int rf_resize_pci_remove(struct rf_subos *subos, struct rf_resize *args, const u32 *bdfs)
{
	bool force = args->function_flags & RF_PCI_FORCE, alive;
	struct rf_exchange exchange;
	int rc, rc_home;

	lockdep_assert_held(&subos->adjusting);
	if (args->function_flags & ~RF_PCI_FORCE)
		return -EINVAL;
	rc = rf_resize_ready(subos, RF_CAN_PCI);
	if (rc == -ENOENT || rf_subos_phase(subos) == RF_PHASE_DESTROYING)
		return rc ?: -EBUSY;
	alive = !rf_phase_held(rf_subos_phase(subos));
	if (rc && alive && !force)
		return rc;
	rc = rf_pci_claim(subos, args, bdfs, force && alive);
	if (rc)
		return rc;
	exchange = rf_exchange_begin(subos, args, force ? RF_PCI_CUT_MS : rf_resize_timeout(args),
				     false, rf_pci_late);
	rc = rf_functions_ask(&exchange);
	rc_home = rf_functions_home(&exchange);
	return rf_pci_claim_end(&exchange, bdfs, rc ?: rc_home);
}
