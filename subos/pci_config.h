/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The configuration space of a function as a subOS sees it. Pure: no state but what is
 * passed in, and the hardware only through the calls that it is given. Compiles in the
 * kernel and in user space, where it is tested.
 *
 * Every double word has a rule: which bits are answered from here instead of by the
 * hardware, and which bits of a write reach the hardware. What a rule does not name is the
 * function's own business and passes in the first 256 bytes, and does not exist behind them.
 * What matters to others stays as the supervisor set it up: where the function decodes, how it
 * talks on the link it shares, and to whom it reports errors and events.
 *
 * A reset of the function that the subOS asks for also forgets what the supervisor set up.
 * It is put back with the first access after it.
 */
#ifndef RF_PCI_CONFIG_H
#define RF_PCI_CONFIG_H

#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#endif

#include "wire/pci.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RF_CONFIG_WORDS		(RF_CONFIG_SIZE / 4)

/* The hardware: 1, 2 or 4 bytes at @offset, a multiple of @size. */
typedef __u32 (*rf_config_get)(void *data, __u32 offset, __u32 size);
typedef void (*rf_config_put)(void *data, __u32 offset, __u32 size, __u32 value);

struct rf_config_rule {
	__u32 own;			/* bits that read as in `value` */
	__u32 value;
	__u32 store;			/* bits of `value` that a write changes */
	__u32 write;			/* bits of a write that reach the hardware */
	__u32 event;			/* bits that act when 1 is written: never written back */
	bool resets;			/* a write may have reset the function */
};

/* The caller serialises the calls. */
struct rf_config {
	rf_config_get get;
	rf_config_put put;
	void *data;
	struct rf_config_rule rules[RF_CONFIG_WORDS];
	bool is_virtual;		/* RF_FUNCTION_VF: has no BARs to put back */
	bool has_msi;			/* MSI or MSI-X */
	bool stale;			/* what the supervisor set up may be lost */
	__u32 bars[RF_BARS];		/* what the registers hold, */
	__u32 bar_masks[RF_BARS];	/* and answer to ~0; 0: not there */
	__u32 express;			/* offset of the PCI Express capability, or 0 */
	__u16 device_control;		/* PCI_EXP_DEVCTL as the supervisor left it */
};

int rf_config_init(struct rf_config *config, const struct rf_function *function);
__u32 rf_config_read(struct rf_config *config, __u32 offset, __u32 size);
void rf_config_write(struct rf_config *config, __u32 offset, __u32 size, __u32 value);

#ifdef __cplusplus
}
#endif

#endif /* RF_PCI_CONFIG_H */
