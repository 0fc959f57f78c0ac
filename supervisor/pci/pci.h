/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lends PCI functions to subOSes and takes them back. Guarantees that a function is quiesced
 * before it, or memory that it could reach, changes hands; that it is confined to its
 * subOS's memory and the arena where an IOMMU translates; and that no driver of the
 * supervisor's kernel is bound to it meanwhile. Ledger lock, unless a function says
 * otherwise.
 *
 * A subOS's functions are lent, quiesced and returned by one task at a time: the holder of its
 * `adjusting`, or its creator while it is in no list. For that task a struct rf_lent that was
 * found stays valid without any other lock. The ledger lock is taken to read and change the
 * books, DMA domains included, and never held while a device or a driver is waited for: binding,
 * unbinding, draining, resetting. Meanwhile the function's entry in the ledger keeps everybody
 * else away from it, from before its driver is unbound until its driver has it again.
 *
 * Device locks nest inside `adjusting`, but neither in nor around the ledger lock: callbacks of
 * our driver, which run under a device lock, take no other lock of ours than the state lock.
 */
#ifndef RF_PCI_H
#define RF_PCI_H

#include "subos/subos.h"

struct device;
struct device_driver;
struct iommu_domain;
struct pci_dev;
struct pci_saved_state;
struct rf_dma_group;
struct rf_grant;

/* With -ENXIO: the first function that cannot change hands, and why. */
struct rf_refusal {
	u32 culprit;			/* RF_BDF() */
	u32 problem;			/* enum rf_problem */
};

/*
 * A PCI function that is lent, or on its way. Its ledger entry records its owner and state;
 * the rest is what it takes to act on the function.
 */
struct rf_lent {
	struct rf_function_entry entry;	/* in rf_books.functions */
	struct rf_subos *subos;		/* entry.owner */
	struct pci_dev *pdev;		/* with a reference; bound to our driver */
	u32 generation;
	struct rf_dma_group *dma_group;	/* its IOMMU group: in the subOS's DMA domain, or
					 * blocked; NULL: not claimed */
	u64 leaving_since;		/* ktime_get_ns() of the request to remove it, 0: none */
	u64 config;			/* physical address of its configuration space */
	struct pci_saved_state *state;	/* when taken: decodes memory, is not a bus master */
	struct device_driver *home;	/* driver to return to, with a module reference, or NULL */
	char driver[32];		/* name of @home, or empty; state lock */
	char *override;			/* its previous driver_override, or NULL */
	bool away;			/* unbound from @home: rf_pci_bind_home() is due; state lock
					 * to write */
	u8 hand;			/* enum rf_hand */
	atomic64_t faults;		/* DMA faults: accesses that the IOMMU blocked */
};

/*
 * function.c: lookup by address and by owner. Ledger or state lock; the result stays valid
 * for as long as the ledger lock is held, or rf_pci_assert_sole() holds.
 */
struct rf_lent *rf_pci_find(struct rf_subos *subos, u32 bdf);
struct rf_lent *rf_pci_lent(u32 bdf);
struct rf_lent *rf_pci_next(const struct rf_subos *subos, const struct rf_lent *lent);

/* As rf_pci_next(), but takes the state lock. Context: rf_pci_assert_sole(). */
struct rf_lent *rf_pci_next_unlocked(const struct rf_subos *subos, const struct rf_lent *lent);

/* The caller is the only task that lends functions to @subos or returns them. */
#define rf_pci_assert_sole(subos)						\
	lockdep_assert_held(&(subos)->adjusting)

/* All functions of a subOS, in the order in which they were lent. */
#define rf_pci_for_each(lent, subos)						\
	for (lent = rf_pci_next(subos, NULL); lent; lent = rf_pci_next(subos, lent))
/* The same, without a lock; the body may return @lent home. */
#define rf_pci_for_each_unlocked_safe(lent, next, subos)			\
	for (lent = rf_pci_next_unlocked(subos, NULL);				\
	     lent && (next = rf_pci_next_unlocked(subos, lent), true); lent = next)

static inline bool rf_pci_gone(const struct rf_lent *lent)
{
	return READ_ONCE(lent->entry.unplugged);
}

static inline bool rf_pci_taken(const struct rf_lent *lent)
{
	return READ_ONCE(lent->entry.taken);
}

/* function.c: transitions, see ledger/functions.h. Ledger lock; these take the state lock. */
void rf_pci_leave(struct rf_lent *lent);
void rf_pci_confirm(struct rf_lent *lent);	/* the kernel of its subOS does not use it */
void rf_pci_keep(struct rf_lent *lent);
bool rf_pci_keep_unless_taken(struct rf_lent *lent);
int rf_pci_offer(struct rf_lent *lent);		/* -EPERM: taken by force */
/* By force, while the kernel there may run: bus mastering, decoding off; RF_FUNCTION_TAKEN. */
void rf_pci_cut(struct rf_lent *lent);

#define RF_PCI_TEXT	16
void rf_pci_text(u32 bdf, char *text, size_t size);	/* "0000:00:04.0" */
/* Any context. @detail: text; NULL: the address. */
void rf_pci_note(struct rf_subos *subos, u32 bdf, enum rf_event_type type, u64 duration_ns,
		 const char *detail);

/*
 * driver.c: our driver, which stays bound to a function as long as it is lent: it keeps the
 * path to the function powered and handles AER and hotplug.
 */
struct rf_pci_ops {
	/* A function of the subOS was unplugged. Any context and lock: must only queue work. */
	void (*unplugged)(struct rf_subos *subos);
};

void rf_pci_set_ops(const struct rf_pci_ops *ops);
int rf_pci_init(void);
void rf_pci_exit(void);

/*
 * take.c: unbind, quiesce and confine (rf_dma_attach()) all functions, or none. They appear
 * in the grant page with the next rf_grant_update(). Ledger lock not held. -ENXIO: see
 * @refusal.
 */
int rf_pci_take(struct rf_subos *subos, const u32 *bdfs, u32 count, u32 flags,
		struct rf_refusal *refusal);

/* return.c: the way back. Ledger lock not held, rf_pci_assert_sole() */
/* One function that the subOS no longer uses (or must not: it is out of the grant page):
 * quiesced, off the DMA domain, bound to its old driver, @lent freed. */
int rf_pci_return(struct rf_lent *lent);
/* Quiesce all functions of a subOS: before it is restarted, and before anything else is
 * given back (then with @detach: off the DMA domain for good). */
int rf_pci_quiesce_all(struct rf_subos *subos, bool detach);
int rf_pci_return_taken(struct rf_subos *subos);	/* it ended: RF_FUNCTION_TAKEN */
int rf_pci_return_all(struct rf_subos *subos);

/* list.c: reports ownership. Ledger lock, unless said otherwise */
void rf_pci_grant(const struct rf_subos *subos, struct rf_grant *draft);
void rf_pci_status(const struct rf_subos *subos, struct rf_status *status); /* state lock */
int rf_pci_list(struct rf_functions *args);	/* copies to user space; takes the ledger lock */

/* check.c: what can be lent. Ledger lock */
int rf_pci_check(const u32 *bdfs, u32 count, u32 flags, struct rf_refusal *refusal);
u32 rf_pci_group(struct pci_dev *pdev);			/* lowest RF_BDF() of its group */

/* quiesce.c: make sure that a function is idle. Ledger lock not held, rf_pci_assert_sole() */
/* 0: proven quiet, state as when taken; -EBUSY, -EIO: not, or not enough. Sleeps for long. */
int rf_pci_quiesce(struct rf_lent *lent);

/*
 * dma.c, dma_groups.c: what a subOS's functions can reach, where an IOMMU translates: its
 * memory and the arena, at the same addresses. Ledger lock.
 */
int rf_dma_attach(struct rf_lent *lent);
void rf_dma_detach(struct rf_lent *lent);	/* last one frees the domain. Idempotent. */
int rf_dma_map(struct rf_subos *subos, u64 start, u64 size);	/* before it is granted */
void rf_dma_unmap(struct rf_subos *subos, u64 start, u64 size);	/* before the next owner */
int rf_dma_share(u64 start, u64 size);		/* a new arena segment, for all subOSes */
void rf_dma_unshare(u64 start, u64 size);

#endif /* RF_PCI_H */
