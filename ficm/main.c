// SPDX-License-Identifier: GPL-2.0
/*
 * rf_ficm: interrupts and messages between the kernels of one machine. This file
 * only brings the parts up in order, and down in reverse; membership begins later,
 * with rf_ficm_join().
 */
#include <linux/module.h>

#include "rf_ficm.h"
#include "wire/layout_check.h"

static int __init rf_ficm_init(void)
{
	int rc;

	rc = rf_doorbells_init();
	if (rc)
		return rc;
	rc = rf_messages_init();
	if (rc)
		goto free_doorbells;
	rc = rf_ficm_device_init();
	if (rc)
		goto free_messages;
	rf_debug_init();
	return 0;

free_messages:
	rf_messages_exit();
free_doorbells:
	rf_doorbells_exit();
	return rc;
}

/* The module that joined holds a reference on this one, so membership has ended. */
static void __exit rf_ficm_exit(void)
{
	rf_debug_exit();
	rf_ficm_device_exit();
	rf_member_exit();
	rf_messages_exit();
	rf_doorbells_exit();
}

module_init(rf_ficm_init);
module_exit(rf_ficm_exit);

MODULE_DESCRIPTION("RainForest FICM: interrupts and messages between Linux instances on one machine");
MODULE_AUTHOR("The rainforest authors");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
