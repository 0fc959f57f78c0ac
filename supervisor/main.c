// SPDX-License-Identifier: GPL-2.0
/*
 * rf_supervisor: divides a running machine among several Linux instances.
 * This file only brings the parts up in order, and down in reverse.
 */
#include <linux/module.h>

#include "supervisor.h"
#include "wire/layout_check.h"


static int __init rf_supervisor_init(void)
{
	int rc;

	rc = rf_platform_check();
	if (rc)
		return rc;
	rc = rf_trampoline_init();
	if (rc)
		return rc;
	rc = rf_lowmem_init();
	if (rc)
		return rc;
	rc = rf_reserved_init();
	if (rc)
		goto free_lowmem;
	rc = rf_cores_init();
	if (rc)
		goto free_pool;
	rc = rf_work_init();
	if (rc)
		goto free_cores;
	rc = rf_release_init();
	if (rc)
		goto free_work;
	rc = rf_policy_init();
	if (rc)
		goto free_release;
	rc = rf_dma_init();
	if (rc)
		goto free_policy;
	rc = rf_pci_init();
	if (rc)
		goto free_dma;
	rf_publish_init();
	rf_supcon_init();
	rf_resize_init();
	rf_watch_init();
	rf_debugfs_init();
	rc = rf_power_init();
	if (rc)
		goto free_pci;
	rc = rf_device_init();
	if (rc)
		goto free_power;
	return 0;

free_power:
	rf_power_exit();
free_pci:
	rf_debugfs_exit();
	rf_watch_exit();
	rf_resize_exit();
	rf_supcon_exit();
	rf_publish_exit();
	rf_pci_exit();
free_dma:
	rf_dma_exit();
free_policy:
	rf_policy_exit();
free_release:
	rf_release_exit();
free_work:
	rf_work_exit();
free_cores:
	rf_cores_exit();
free_pool:
	rf_reserved_exit();
free_lowmem:
	rf_lowmem_exit();
	return rc;
}

/* Every subOS and every descriptor holds a reference on the module: nothing is lent here. */
static void __exit rf_supervisor_exit(void)
{
	rf_device_exit();
	rf_power_exit();
	rf_debugfs_exit();
	rf_watch_exit();
	rf_resize_exit();
	rf_supcon_exit();
	rf_publish_exit();
	rf_pci_exit();
	rf_dma_exit();
	rf_policy_exit();
	rf_release_exit();
	rf_work_exit();
	rf_cores_exit();
	rf_pool_settle();
	rf_blocks_exit();
	rf_reserved_exit();
	rf_lowmem_exit();
}

module_init(rf_supervisor_init);
module_exit(rf_supervisor_exit);

MODULE_DESCRIPTION("RainForest supervisor: boots further Linux instances on cores and memory of their own");
MODULE_AUTHOR("The rainforest authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(RF_VERSION);
