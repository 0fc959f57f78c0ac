/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The entry points: ioctls on machine and partition descriptors, sysfs, debugfs. Checks and
 * copies arguments, and decides nothing. Guarantees that a descriptor keeps its subOS from
 * being freed, and that a construction that a killed tool left unfinished is undone.
 */
#ifndef RF_CONTROL_H
#define RF_CONTROL_H

#define RF_VERSION		"0.1.0"

int rf_control_init(void);
void rf_control_exit(void);

#endif /* RF_CONTROL_H */
