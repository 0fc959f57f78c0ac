// SPDX-License-Identifier: GPL-2.0
/*
 * PCI functions that change hands while their subOS runs, one request for each. Once the
 * agent has confirmed that nothing uses a function any more, the function leaves the grant
 * page, is quiesced, and returns to the supervisor: with all of its group, or not at all.
 *
 * With `adjusting` held, nobody else gives functions to a subOS or takes them from it: a
 * function that was found stays. But it may be unplugged, and other subOSes' functions may
 * come and go.
 */
#include "cores/cores.h"
#include "pci/pci.h"
#include "resize/internal.h"
#include "shared/shared.h"

/**
 * rf_exchange_begin() - set up an exchange of functions with a subOS
 * @subos: the subOS
 * @args: gets the first culprit, and the agent's errno
 * @timeout_ms: how long its agent has for all of them
 * @insist: signals do not end the wait
 * @late: gets late answers
 *
 * Context: Any.
 */
struct rf_exchange rf_exchange_begin(struct rf_subos *subos, struct rf_resize *args,
				     u32 timeout_ms, bool insist, rf_supcon_late late)
{
	u64 now = ktime_get_ns();

	return (struct rf_exchange){
		.subos = subos,
		.args = args,
		.begun = now,
		.end = now + timeout_ms * NSEC_PER_MSEC,
		.insist = insist,
		.late = late,
	};
}

/* ---- one function ---- */

/**
 * rf_function_find() - look up a function of a subOS by its address
 * @subos: the subOS
 * @bdf: RF_BDF()
 *
 * Context: Any, state lock not held. `adjusting` held.
 * Return: the function, or NULL.
 */
struct rf_lent *rf_function_find(struct rf_subos *subos, u32 bdf)
{
	struct rf_lent *lent;
	unsigned long flags;

	lockdep_assert_held(&subos->adjusting);
	spin_lock_irqsave(&rf_state_lock, flags);
	lent = rf_pci_find(subos, bdf);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return lent;
}

/**
 * rf_function_next() - iterate over the functions of a subOS that match a predicate
 * @subos: the subOS
 * @lent: the previous function, or NULL
 * @wanted: the predicate
 *
 * Context: Any, state lock not held. `adjusting` held.
 * Return: the next one, or NULL.
 */
struct rf_lent *rf_function_next(struct rf_subos *subos, struct rf_lent *lent,
				 bool (*wanted)(const struct rf_function_entry *entry))
{
	unsigned long flags;

	lockdep_assert_held(&subos->adjusting);
	spin_lock_irqsave(&rf_state_lock, flags);
	do
		lent = rf_pci_next(subos, lent);
	while (lent && !wanted(&lent->entry));
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return lent;
}

/* Context: `adjusting` held. Return: as rf_resize_result(). */
int rf_function_ask(const struct rf_exchange *exchange, struct rf_ask *ask, enum rf_op op,
		    const struct rf_lent *lent)
{
	u64 now = ktime_get_ns();
	int rc = -ETIMEDOUT;

	lockdep_assert_held(&exchange->subos->adjusting);
	*ask = (struct rf_ask){
		.op = op,
		.insist = exchange->insist,
		.args = { lent->entry.bdf, op == RF_OP_PCI_REMOVE && rf_pci_taken(lent) },
		.settled = true,
		.late = exchange->late,
	};
	if (now < exchange->end) {
		ask->timeout_ms = (exchange->end - now) / NSEC_PER_MSEC + 1;
		rc = rf_resize_result(exchange->args, ask, rf_supcon_ask(exchange->subos, ask));
	}
	if (rc && !exchange->args->culprit_function)
		exchange->args->culprit_function = lent->entry.bdf;
	return rc;
}

/* ---- groups: they change hands as a whole. Ledger lock held ---- */

/* Is the function in @group? An unplugged one is in no group any more. */
bool rf_function_grouped(const struct rf_lent *lent, u32 group)
{
	return !rf_pci_gone(lent) && rf_pci_group(lent->pdev) == group;
}

/* May the function go now, with its whole group? @alive: a kernel may run in its subOS. */
static bool rf_group_goes(const struct rf_lent *lent, bool alive)
{
	struct rf_lent *other;
	u32 group;

	lockdep_assert_held(&rf_ledger_lock);
	if (!rf_ledger_function_goes(&lent->entry, alive))
		return false;
	if (rf_pci_gone(lent))
		return true;
	group = rf_pci_group(lent->pdev);
	rf_pci_for_each(other, lent->subos)
		if (!rf_ledger_function_goes(&other->entry, alive) &&
		    rf_function_grouped(other, group))
			return false;
	return true;
}

/* Does its subOS have other functions of its group? */
static bool rf_group_several(const struct rf_lent *lent)
{
	struct rf_lent *other;
	u32 group;

	lockdep_assert_held(&rf_ledger_lock);
	if (rf_pci_gone(lent))
		return false;
	group = rf_pci_group(lent->pdev);
	rf_pci_for_each(other, lent->subos)
		if (other != lent && rf_function_grouped(other, group))
			return true;
	return false;
}

/* A function cannot go after all: its whole group stays, confined as before. Takes the lock. */
static void rf_group_keep(const struct rf_lent *lent)
{
	struct rf_lent *other;
	u32 group;

	mutex_lock(&rf_ledger_lock);
	group = rf_pci_gone(lent) ? RF_BDF_NONE : rf_pci_group(lent->pdev);
	rf_pci_for_each(other, lent->subos) {
		if (other != lent && !rf_function_grouped(other, group))
			continue;
		if (rf_dma_attach(other)) {
			pr_err("subOS %s: a function cannot rejoin its DMA domain: cut off\n",
			       lent->subos->name);
			rf_pci_cut(other);
		}
		rf_pci_keep(other);
	}
	mutex_unlock(&rf_ledger_lock);
}

/* ---- from a subOS ---- */

/* The function is leaving, and the kernel has not confirmed that it is unused. */
static bool rf_function_asked(const struct rf_function_entry *entry)
{
	return entry->state == RF_PCI_LEAVING || entry->state == RF_PCI_CUT;
}

/**
 * rf_functions_ask() - ask an agent to give up all functions that are leaving
 * @exchange: the exchange
 *
 * If the agent fails to give up one function, it is still asked for the others. The answers
 * go into the ledger at the end, because waiting for its lock would use up the agent's time.
 *
 * Context: Process context, may sleep. Only `adjusting` held.
 * Return: 0, or the first error, as rf_resize_result().
 */
int rf_functions_ask(const struct rf_exchange *exchange)
{
	struct rf_lent *given_up[RF_FUNCTIONS_MAX], *lent = NULL;
	struct rf_subos *subos = exchange->subos;
	struct rf_ask ask;
	int rc, result = 0;
	u32 count = 0;

	lockdep_assert_held(&subos->adjusting);
	while (!rf_phase_held(rf_subos_phase(subos)) &&
	       (lent = rf_function_next(subos, lent, rf_function_asked))) {
		rc = rf_function_ask(exchange, &ask, RF_OP_PCI_REMOVE, lent);
		if (!rc)
			given_up[count++] = lent;
		result = result ?: rc;
		if (rc && !ask.error)
			break;
	}
	if (!count)
		return result;
	mutex_lock(&rf_ledger_lock);
	while (count)
		rf_pci_confirm(given_up[--count]);
	mutex_unlock(&rf_ledger_lock);
	return result;
}

/* Does the function go now? @shared: and others of its group with it? */
static bool rf_function_goes(const struct rf_lent *lent, bool alive, bool shared)
{
	bool goes;

	mutex_lock(&rf_ledger_lock);
	goes = rf_group_goes(lent, alive) && (!shared || rf_group_several(lent));
	mutex_unlock(&rf_ledger_lock);
	return goes;
}

/* Take the groups that go as a whole off the DMA domain. */
static void rf_groups_detach(struct rf_subos *subos, bool alive)
{
	struct rf_lent *lent;

	mutex_lock(&rf_ledger_lock);
	rf_pci_for_each(lent, subos)
		if (rf_group_goes(lent, alive) && rf_group_several(lent))
			rf_dma_detach(lent);
	mutex_unlock(&rf_ledger_lock);
}

/**
 * rf_functions_return() - return the functions that go home
 * @subos: the subOS; those that its kernel gave up are out of its grant page
 * @alive: a kernel may run in it; if not, none is started as long as `adjusting` is held
 *
 * For a function alone in its group rf_pci_return() is enough. A larger group is quiesced as
 * a whole before its first function is detached from the DMA domain, because its IOMMU group
 * is detached as one; and detached as a whole before a driver is bound to any of them.
 *
 * Context: Process context, may sleep for long. Only `adjusting` held.
 * Return: 0, or the first error of rf_pci_quiesce() or rf_pci_return().
 */
int rf_functions_return(struct rf_subos *subos, bool alive)
{
	struct rf_lent *lent = NULL, *next;
	int rc, result = 0;

	lockdep_assert_held(&subos->adjusting);
	while ((lent = rf_pci_next_unlocked(subos, lent))) {
		if (!rf_function_goes(lent, alive, true))
			continue;
		rc = rf_pci_quiesce(lent);
		if (rc)
			rf_group_keep(lent);
		result = result ?: rc;
	}
	rf_groups_detach(subos, alive);
	rf_pci_for_each_unlocked_safe(lent, next, subos) {
		if (!rf_function_goes(lent, alive, false))
			continue;
		rc = rf_pci_return(lent);
		if (rc)
			rf_group_keep(lent);
		result = result ?: rc;
	}
	return result;
}

static void rf_functions_publish(void)
{
	mutex_lock(&rf_ledger_lock);
	rf_publish();
	mutex_unlock(&rf_ledger_lock);
}

/**
 * rf_functions_home() - return leaving functions that are not used any more
 * @exchange: the exchange
 *
 * Context: Process context, may sleep for long. Only `adjusting` held.
 * Return: 0, or -EIO if some of them still belong to the subOS.
 */
int rf_functions_home(const struct rf_exchange *exchange)
{
	struct rf_subos *subos = exchange->subos;
	bool alive;
	u32 unused;
	int rc;

	lockdep_assert_held(&subos->adjusting);		/* nobody starts it meanwhile */
	alive = rf_cores_prove(subos, &unused) || !rf_phase_held(rf_subos_phase(subos));
	rf_functions_publish();	/* first, so that the subOS does not use them again */
	rc = rf_functions_return(subos, alive);
	rf_functions_publish();
	if (!rc)
		return 0;
	pr_err("subOS %s: a function did not come back: error %d\n", subos->name, rc);
	exchange->args->error = exchange->args->error ?: -rc;
	return -EIO;
}

static bool rf_function_kept(const struct rf_function_entry *entry)
{
	return entry->state == RF_PCI_KEPT && !entry->taken;
}

/* Put a KEPT function into the grant page again. Return: 0; -EPERM: unplugged meanwhile. */
static int rf_function_grant(struct rf_lent *lent)
{
	int rc;

	mutex_lock(&rf_ledger_lock);
	rc = rf_pci_offer(lent);
	rf_publish();
	mutex_unlock(&rf_ledger_lock);
	return rc;
}

static void rf_function_withdraw(struct rf_lent *lent)
{
	mutex_lock(&rf_ledger_lock);
	rf_pci_confirm(lent);
	rf_publish();
	mutex_unlock(&rf_ledger_lock);
}

/**
 * rf_functions_offer() - offer functions to the agent that it gave up but that stay
 * @exchange: the exchange; its deadline does not apply here
 *
 * Context: Process context, may sleep. Only `adjusting` held.
 */
void rf_functions_offer(const struct rf_exchange *exchange)
{
	struct rf_subos *subos = exchange->subos;
	struct rf_resize unused = {};
	struct rf_exchange again = rf_exchange_begin(subos, &unused, RF_RESIZE_MS, true,
						     exchange->late);
	struct rf_lent *lent = NULL;
	struct rf_ask ask;

	lockdep_assert_held(&subos->adjusting);
	while ((lent = rf_function_next(subos, lent, rf_function_kept))) {
		if (rf_resize_ready(subos, RF_CAN_PCI) || rf_function_grant(lent))
			continue;
		if (!rf_function_ask(&again, &ask, RF_OP_PCI_ADD, lent))
			continue;
		pr_warn_ratelimited("subOS %s did not take a function back\n", subos->name);
		if (ask.settled)
			rf_function_withdraw(lent);
	}
}
