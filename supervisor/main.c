// SPDX-License-Identifier: GPL-2.0
/*
 * rf_supervisor: divides a running machine among several Linux instances. This file only
 * initialises the rooms (layers; a room calls only those below it) from the bottom up, and
 * tears them down in reverse order. Each room's header opens with what it guarantees.
 */
#include <linux/module.h>

#include "agent/agent.h"
#include "base/base.h"
#include "control/control.h"
#include "cores/cores.h"
#include "lifecycle/lifecycle.h"
#include "memory/memory.h"
#include "pci/pci.h"
#include "resize/resize.h"
#include "shared/shared.h"
#include "wire/layout_check.h"

static const struct rf_room {
	int (*init)(void);
	void (*exit)(void);
} rf_rooms[] = {
	{ rf_base_init, rf_base_exit },
	{ rf_cores_init, rf_cores_exit },
	{ rf_memory_init, rf_memory_exit },
	{ rf_pci_init, rf_pci_exit },
	{ rf_shared_init, rf_shared_exit },
	{ rf_agent_init, rf_agent_exit },
	{ rf_resize_init, rf_resize_exit },
	{ rf_lifecycle_init, rf_lifecycle_exit },
	{ rf_control_init, rf_control_exit },
};

static void rf_rooms_exit(size_t count)
{
	while (count)
		rf_rooms[--count].exit();
}

static int __init rf_supervisor_init(void)
{
	size_t i;
	int rc;

	for (i = 0; i < ARRAY_SIZE(rf_rooms); i++) {
		rc = rf_rooms[i].init();
		if (rc) {
			rf_rooms_exit(i);
			return rc;
		}
	}
	return 0;
}

/* Every subOS and every descriptor holds a module reference, so none is left here. */
static void __exit rf_supervisor_exit(void)
{
	rf_rooms_exit(ARRAY_SIZE(rf_rooms));
}

module_init(rf_supervisor_init);
module_exit(rf_supervisor_exit);

MODULE_DESCRIPTION("RainForest supervisor: boots further Linux instances on cores and memory of their own");
MODULE_AUTHOR("The rainforest authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(RF_VERSION);
