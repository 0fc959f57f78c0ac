// SPDX-License-Identifier: GPL-2.0
/*
 * The link to the agents: the arena, membership in FICM, and the message handlers. The first
 * subOS brings it up; after the last one it is closed by who has the turn to hotplug, for the arena
 * is mapped as memory is that is plugged.
 */
#include "agent/internal.h"
#include "shared/shared.h"

/* For the first subOS: become a member, listen to agents, serve consoles. */
static int rf_link_open(void)
{
	int rc;

	rc = rf_arena_open();
	if (rc)
		return rc;
	rf_machine_page_begin();
	rf_grant_update();
	rc = rf_step("arena-join");
	if (!rc)
		rc = rf_ficm_join(&rf_own_grant, &rf_own_acknowledged);
	if (rc)
		goto close_arena;
	rc = rf_supcon_open();
	if (rc)
		goto leave;
	rc = rf_console_open();
	if (rc)
		goto close_supcon;
	return 0;

close_supcon:
	rf_supcon_close();
leave:
	rf_ficm_leave();
close_arena:
	rf_arena_close();
	return rc;
}

/**
 * rf_link_attach() - a new subOS becomes a member
 * @subos: the subOS; gets a member number and a cleared home segment
 *
 * Context: Process context, may sleep. Ledger lock held, and the turn to hotplug.
 * Return: 0; -ENOSPC (no number is left), -ENOMEM, -EINTR, or an error of rf_ficm.
 *         On an error rf_link_detach() and rf_link_close() undo what was done.
 */
int rf_link_attach(struct rf_subos *subos)
{
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	if (!rf_arena_is_open()) {
		rc = rf_link_open();
		if (rc)
			return rc;
	}
	rc = rf_arena_add(subos);
	if (rc)
		return rc;
	rf_grant_update();
	if (rf_arena_home(subos))
		return 0;
	/* To map it takes the turn to hotplug, which later updates of the grant do not have. */
	rf_arena_withhold(subos);
	rf_grant_update();
	return -ENOMEM;
}

/**
 * rf_link_detach() - end a subOS's membership. Idempotent.
 * @subos: the subOS; none of its cores executes
 *
 * Context: Process context, may sleep. Ledger lock held.
 */
void rf_link_detach(struct rf_subos *subos)
{
	lockdep_assert_held(&rf_ledger_lock);
	if (!rf_arena_is_open())
		return;
	rf_arena_remove(subos);
	rf_grant_update();
}

/* Is it open for nobody? Context: ledger lock held. */
bool rf_link_is_idle(void)
{
	lockdep_assert_held(&rf_ledger_lock);
	return rf_arena_is_open() && !rf_arena_has_members();
}

/**
 * rf_link_close() - close the link if no subOS is a member
 *
 * Context: Process context, may sleep. Ledger lock held, and the turn to hotplug.
 */
void rf_link_close(void)
{
	if (!rf_link_is_idle())
		return;
	rf_console_close();
	rf_supcon_close();
	rf_ficm_leave();
	rf_arena_close();
	rf_grant_update();
}
