// SPDX-License-Identifier: GPL-2.0
/*
 * rf_subos: the agent inside a subOS. Step 6 of the boot flow: the first stage
 * loads this module before the user's init runs, and goes on only if it loads.
 *
 * The order matters. The hand-off is checked before anything it says is used;
 * the mailbox comes next, so that every later failure can be reported; the shutdown
 * hooks come before the cores, because a core that fails to start may end in a
 * panic; the grant page comes before the veto, which looks at it, and the veto
 * before the first core is started. The arena is joined with all cores up; what
 * lives in it, console and requests, comes next. PCI functions come last: a subOS
 * can do without one that fails, and the user's init finds those that work. That
 * init begins after all of this, and only then the subOS is reported as running.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "kernel/ficm.h"
#include "rf_subos.h"
#include "wire/layout_check.h"

/* What works over the arena: messages, console, requests. */
static int __init rf_connect(const struct rf_handoff *handoff)
{
	bool console = handoff->flags & RF_HANDOFF_CONSOLE;
	int err;

	err = rf_ficm_join(rf_grant_page(), rf_report_acknowledged());
	if (err) {
		rf_refuse("cannot join the arena: error %d", err);
		return err;
	}
	rf_report_beat();
	if (console) {
		err = rf_console_start();
		if (err)
			goto leave;
	}
	err = rf_subcon_start();
	if (err)
		goto stop_console;
	return 0;

stop_console:
	if (console)
		rf_console_stop();
leave:
	rf_ficm_leave();
	return err;
}

static int __init rf_subos_init(void)
{
	struct rf_handoff *handoff;
	int err;

	handoff = rf_handoff_find();
	if (IS_ERR(handoff))
		return PTR_ERR(handoff);

	err = rf_report_open(handoff->mailbox);
	if (err)
		goto free_handoff;

	err = rf_handoff_check(handoff);
	if (err)
		goto close_report;
	rf_report_agent();

	err = rf_shutdown_hook();
	if (err)
		goto close_report;

	err = rf_grant_open(handoff->grant);
	if (err)
		goto unhook_shutdown;

	err = rf_cpus_guard(handoff);
	if (err)
		goto close_grant;

	err = rf_cpus_start(handoff);
	if (err)
		goto unguard_cpus;
	rf_report_stage(RF_STAGE_CPUS);

	err = rf_connect(handoff);
	if (err)
		goto unguard_cpus;
	rf_pci_start();

	pr_info("subOS \"%s\" (id %u): %u core(s) up\n", handoff->name, handoff->id,
		handoff->nr_cpus);
	rf_init_await();
	kvfree(handoff);
	return 0;

unguard_cpus:
	rf_cpus_unguard();
close_grant:
	rf_grant_close();
unhook_shutdown:
	rf_shutdown_unhook();
close_report:
	rf_report_close();
free_handoff:
	kvfree(handoff);
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
