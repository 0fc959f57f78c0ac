/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Grace periods in a hurry, as the kernel itself has them while it suspends. RCU exports
 * these two, but their header lies beside its source (kernel/rcu/rcu.h) and is not in the
 * headers package. They nest, and rcu_normal=1 overrides them.
 */
#ifndef RF_COMPAT_RCU_H
#define RF_COMPAT_RCU_H

void rcu_expedite_gp(void);
void rcu_unexpedite_gp(void);

#endif /* RF_COMPAT_RCU_H */
