// SPDX-License-Identifier: GPL-2.0
/* Who has which PCI function, and how one is named in events. */
#include <linux/pci.h>
#include <linux/string.h>

#include "pci/internal.h"

/*
 * Returned functions that can only be reset together with others, which their subOS still
 * has: silent, and bound to our driver until the last of them comes. Ledger lock and state
 * lock to change.
 */
LIST_HEAD(rf_pci_parked);

/* The function of a subOS that has this address, or NULL. Context: ledger or state lock held. */
struct rf_lent *rf_pci_find(struct rf_subos *subos, u32 bdf)
{
	struct rf_lent *lent;

	list_for_each_entry(lent, &subos->functions, node)
		if (lent->bdf == bdf)
			return lent;
	return NULL;
}

/**
 * rf_pci_lent() - who has a function
 * @bdf: its address
 *
 * Context: Ledger lock held, or state lock held and the result not used beyond it.
 * Return: the function, or NULL if it is the supervisor's.
 */
struct rf_lent *rf_pci_lent(u32 bdf)
{
	struct rf_subos *subos;
	struct rf_lent *lent;

	list_for_each_entry(subos, &rf_subos_list, node) {
		lent = rf_pci_find(subos, bdf);
		if (lent)
			return lent;
	}
	list_for_each_entry(lent, &rf_pci_parked, node)
		if (lent->bdf == bdf)
			return lent;
	return NULL;
}

/* An address as people write it. */
void rf_pci_text(u32 bdf, char *text, size_t size)
{
	snprintf(text, size, "%04x:%02x:%02x.%u", RF_BDF_DOMAIN(bdf), RF_BDF_BUS(bdf),
		 PCI_SLOT(RF_BDF_DEVFN(bdf)), PCI_FUNC(RF_BDF_DEVFN(bdf)));
}

/**
 * rf_pci_note() - record an event of a function
 * @subos: who has it
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
