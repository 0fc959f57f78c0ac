// SPDX-License-Identifier: GPL-2.0
/*
 * rf_subos: the agent inside a subOS. Step 6 of the boot flow: the first stage
 * loads this module before the user's init runs, and goes on only if it loads.
 *
 * The order matters. The hand-off is checked before anything it says is used;
 * the mailbox comes next, so that every later failure can be told; the shutdown
 * hooks come before the cores, because a core that fails to start may end in a
 * panic; the veto comes before the first core is started.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "rf_subos.h"
#include "wire/layout_check.h"

static struct rf_handoff *rf_handoff;

static int __init rf_subos_init(void)
{
	int err;

	rf_handoff = rf_handoff_find();
	if (IS_ERR(rf_handoff))
		return PTR_ERR(rf_handoff);

	err = rf_report_open(rf_handoff->mailbox);
	if (err)
		goto free_handoff;

	err = rf_handoff_check(rf_handoff);
	if (err)
		goto close_report;
	rf_report_agent();

	err = rf_shutdown_hook();
	if (err)
		goto close_report;

	err = rf_cpus_guard(rf_handoff);
	if (err)
		goto unhook_shutdown;

	err = rf_cpus_start(rf_handoff);
	if (err)
		goto unguard_cpus;
	rf_report_stage(RF_STAGE_CPUS);

	pr_info("subOS \"%s\" (id %u): %u core(s) up\n", rf_handoff->name, rf_handoff->id,
		rf_handoff->nr_cpus);
	rf_report_stage(RF_STAGE_RUNNING);
	return 0;

unguard_cpus:
	rf_cpus_unguard();
unhook_shutdown:
	rf_shutdown_unhook();
close_report:
	rf_report_close();
free_handoff:
	kvfree(rf_handoff);
	return err;
}
module_init(rf_subos_init);

/*
 * There is no module_exit on purpose: without the agent this kernel could
 * online cores it does not own and reset the machine under everybody else.
 */

MODULE_DESCRIPTION("rainforest: the agent inside a subOS");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
