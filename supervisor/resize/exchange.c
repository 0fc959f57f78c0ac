// SPDX-License-Identifier: GPL-2.0
/*
 * PCI functions that change hands while their subOS runs, asked about one by one. Once the
 * agent has confirmed that nothing uses a function any more, it is out of the grant page,
 * quiesced, and the supervisor's: together with all of its group, or not at all.
 *
 * With `adjusting` held, nobody else changes the list of a subOS's functions.
 */
#include "pci/pci.h"
#include "resize/internal.h"
#include "shared/shared.h"

/**
 * rf_exchange_begin() - functions are going to change hands
 * @subos: the subOS
 * @args: gets the first culprit, and the errno of the other side
 * @timeout_ms: how long its agent has for all of them
 * @insist: signals do not end the wait
 * @late: gets answers that come too late
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

bool rf_function_taken(const struct rf_lent *lent)
{
	return READ_ONCE(lent->flags) & RF_FUNCTION_TAKEN;
}

/* Nothing in its subOS uses it, and nothing is going to. @alive: a kernel may run there. */
static bool rf_function_free(const struct rf_lent *lent, bool alive)
{
	return !alive || lent->given_up == lent->subos->kernel_id;
}

/* Return: as rf_resize_result(). */
int rf_function_ask(const struct rf_exchange *exchange, struct rf_ask *ask, enum rf_op op,
			   const struct rf_lent *lent)
{
	u64 now = ktime_get_ns();
	int rc = -ETIMEDOUT;

	*ask = (struct rf_ask){
		.op = op,
		.insist = exchange->insist,
		.args = { lent->bdf, op == RF_OP_PCI_REMOVE && rf_function_taken(lent) },
		.settled = true,
		.late = exchange->late,
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
bool rf_function_grouped(const struct rf_lent *lent, u32 group)
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
		if (!lent->leaving ||
		    rf_function_free(lent, !rf_phase_held(rf_subos_phase(subos))))
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
int rf_functions_return(struct rf_subos *subos, bool alive)
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
	rf_publish();	/* first, so that nobody there begins to use them again */
	rc = rf_functions_return(subos, !rf_phase_held(rf_subos_phase(subos)));
	rf_publish();
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
	rf_publish();
	mutex_unlock(&rf_ledger_lock);
}

/**
 * rf_functions_offer() - what was given up, but does not go, may be used again
 * @exchange: for whom; it does not matter how long that one has
 *
 * Context: Process context, may sleep. Only `adjusting` held.
 */
void rf_functions_offer(const struct rf_exchange *exchange)
{
	struct rf_subos *subos = exchange->subos;
	struct rf_resize unused = {};
	struct rf_exchange again = rf_exchange_begin(subos, &unused, RF_RESIZE_MS, true,
						     exchange->late);
	struct rf_lent *lent;
	struct rf_ask ask;

	list_for_each_entry(lent, &subos->functions, node) {
		if (lent->leaving || rf_function_taken(lent) ||
		    lent->given_up != subos->kernel_id ||
		    rf_resize_ready(subos, RF_CAN_PCI))
			continue;
		rf_function_give_up(lent, 0);
		if (!rf_function_ask(&again, &ask, RF_OP_PCI_ADD, lent))
			continue;
		pr_warn_ratelimited("subOS %s did not take a function back\n", subos->name);
		if (ask.settled)
			rf_function_give_up(lent, subos->kernel_id);
	}
}
