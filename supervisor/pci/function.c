// SPDX-License-Identifier: GPL-2.0
/* Which subOS has which PCI function, its ledger transitions, and its name in events. */
#include <linux/pci.h>
#include <linux/string.h>

#include "pci/internal.h"

/* ---- lookup ---- */

static struct rf_lent *rf_pci_of(struct rf_function_entry *entry)
{
	return entry ? container_of(entry, struct rf_lent, entry) : NULL;
}

/**
 * rf_pci_next() - iterate over the functions of a subOS, in the order they were lent
 * @subos: the subOS
 * @lent: the previous function, or NULL
 *
 * PARKED functions are left out: they no longer belong to the subOS.
 *
 * Context: Ledger lock or state lock held.
 * Return: the next one, or NULL.
 */
struct rf_lent *rf_pci_next(const struct rf_subos *subos, const struct rf_lent *lent)
{
	rf_assert_readable();
	return rf_pci_of(rf_ledger_function_next(&rf_books.functions, lent ? &lent->entry : NULL,
						 subos->id));
}

struct rf_lent *rf_pci_next_unlocked(const struct rf_subos *subos, const struct rf_lent *lent)
{
	struct rf_lent *next;
	unsigned long flags;

	rf_pci_assert_sole(subos);
	spin_lock_irqsave(&rf_state_lock, flags);
	next = rf_pci_next(subos, lent);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return next;
}

/* As rf_pci_next(), but of all subOSes, and including PARKED functions. */
struct rf_lent *rf_pci_next_of_all(const struct rf_lent *lent)
{
	rf_assert_readable();
	return rf_pci_of(rf_ledger_function_next(&rf_books.functions, lent ? &lent->entry : NULL,
						 RF_OWNER_SUPERVISOR));
}

/* The function of a subOS that has this address, or NULL. Context: ledger or state lock held. */
struct rf_lent *rf_pci_find(struct rf_subos *subos, u32 bdf)
{
	struct rf_lent *lent;

	rf_pci_for_each(lent, subos)
		if (lent->entry.bdf == bdf)
			return lent;
	return NULL;
}

/**
 * rf_pci_lent() - look up a lent function
 * @bdf: its address
 *
 * Context: Ledger lock held, or state lock held and the result not used after unlocking.
 * Return: the function, or NULL if it is not lent.
 */
struct rf_lent *rf_pci_lent(u32 bdf)
{
	rf_assert_readable();
	return rf_pci_of(rf_ledger_function_find(&rf_books.functions, bdf));
}

/* ---- ledger transitions ---- */

static int rf_pci_change(struct rf_lent *lent,
			 int (*change)(struct rf_function_table *table,
				       struct rf_function_entry *entry))
{
	unsigned long flags;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	rc = change(&rf_books.functions, &lent->entry);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc;
}

/* Move a function to @state. Context: ledger lock held, as for all below. */
void rf_pci_move(struct rf_lent *lent, enum rf_function_state state)
{
	unsigned long flags;

	lockdep_assert_held(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	rf_expect(rf_ledger_function_move(&rf_books.functions, &lent->entry, state));
	spin_unlock_irqrestore(&rf_state_lock, flags);
}

/* As above, but takes the ledger lock. */
void rf_pci_become(struct rf_lent *lent, enum rf_function_state state)
{
	mutex_lock(&rf_ledger_lock);
	rf_pci_move(lent, state);
	mutex_unlock(&rf_ledger_lock);
}

/* A function is to leave its subOS. */
void rf_pci_leave(struct rf_lent *lent)
{
	rf_expect(rf_pci_change(lent, rf_ledger_function_leave));
}

/* The current kernel of its subOS does not use the function, or never knew of it. */
void rf_pci_confirm(struct rf_lent *lent)
{
	unsigned long flags;

	lockdep_assert_held(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	rf_expect(rf_ledger_function_confirm(&rf_books.functions, &lent->entry,
					     lent->subos->kernel_id));
	spin_unlock_irqrestore(&rf_state_lock, flags);
}

/* Its subOS keeps the function: no kernel there uses it, or it was not taken by force. */
void rf_pci_keep(struct rf_lent *lent)
{
	rf_expect(rf_pci_change(lent, rf_ledger_function_keep));
}

/**
 * rf_pci_keep_unless_taken() - cancel the leaving of a function unless it was taken by force
 * @lent: the function; unplugging, which is possible at any moment, counts as taken
 *
 * Context: Ledger lock held.
 * Return: true if the function stays with its subOS.
 */
bool rf_pci_keep_unless_taken(struct rf_lent *lent)
{
	unsigned long flags;
	bool stays;

	lockdep_assert_held(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	stays = !lent->entry.taken;
	if (stays)
		rf_expect(rf_ledger_function_keep(&rf_books.functions, &lent->entry));
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return stays;
}

/* A function that is KEPT may be used again. Return: 0; -EPERM: taken by force. */
int rf_pci_offer(struct rf_lent *lent)
{
	return rf_pci_change(lent, rf_ledger_function_offer);
}

/**
 * rf_pci_cut() - silence a function by force, while its subOS's kernel may run
 * @lent: the function, on its way home
 *
 * That kernel could enable the function again until it has read its grant page: nobody else
 * may use the function before rf_pci_return().
 *
 * Context: Process context. Ledger lock held.
 */
void rf_pci_cut(struct rf_lent *lent)
{
	rf_expect(rf_pci_change(lent, rf_ledger_function_cut));
	if (!rf_pci_gone(lent))
		rf_pci_silence(lent->pdev);
}

/* ---- names ---- */

/* Format an address as in lspci -D. */
void rf_pci_text(u32 bdf, char *text, size_t size)
{
	snprintf(text, size, "%04x:%02x:%02x.%u", RF_BDF_DOMAIN(bdf), RF_BDF_BUS(bdf),
		 PCI_SLOT(RF_BDF_DEVFN(bdf)), PCI_FUNC(RF_BDF_DEVFN(bdf)));
}

/**
 * rf_pci_note() - record an event of a function
 * @subos: its owner
 * @bdf: its address
 * @type: RF_EVENT_PCI_*
 * @detail: text, or NULL for the address
 *
 * Context: Any.
 */
void rf_pci_note(struct rf_subos *subos, u32 bdf, enum rf_event_type type, u64 duration_ns,
		 const char *detail)
{
	const u64 event[4] = { bdf };
	char text[RF_PCI_TEXT];

	rf_pci_text(bdf, text, sizeof(text));
	rf_event(subos, type, 0, RF_CAUSE_OPERATOR, duration_ns, event, detail ?: text);
}
