// SPDX-License-Identifier: GPL-2.0
/* Brings the files of this room up in order, and down in reverse. */
#include "lifecycle/internal.h"

int rf_lifecycle_init(void)
{
	int rc;

	rc = rf_destroy_init();
	if (rc)
		return rc;
	rc = rf_policy_init();
	if (rc)
		goto exit_destroy;
	rf_watch_init();
	rc = rf_power_init();
	if (rc)
		goto exit_watch;
	rf_crash_init();
	return 0;

exit_watch:
	rf_watch_exit();
	rf_policy_exit();
exit_destroy:
	rf_destroy_exit();
	return rc;
}

/*
 * No subOS is left, so nothing is lent. Work that the last ones queued must finish before the
 * rooms below free what it uses; nothing queues work any more.
 */
void rf_lifecycle_exit(void)
{
	rf_crash_exit();
	rf_power_exit();
	rf_watch_exit();
	rf_policy_exit();
	rf_destroy_exit();
	rf_work_flush();
}
