/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's accessors of shared memory, for code that also compiles in user space,
 * where it is tested: there they are the compiler's atomics.
 */
#ifndef RF_KERNEL_BARRIERS_H
#define RF_KERNEL_BARRIERS_H

#ifdef __KERNEL__

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <asm/barrier.h>

#else

#define READ_ONCE(x)			__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, value)		__atomic_store_n(&(x), value, __ATOMIC_RELAXED)
#define smp_rmb()			__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()			__atomic_thread_fence(__ATOMIC_RELEASE)
#define smp_load_acquire(at)		__atomic_load_n(at, __ATOMIC_ACQUIRE)
#define smp_store_release(at, value)	__atomic_store_n(at, value, __ATOMIC_RELEASE)
#define try_cmpxchg(at, old, value)	__atomic_compare_exchange_n(at, old, value, false, \
								    __ATOMIC_SEQ_CST, \
								    __ATOMIC_RELAXED)

#endif

#endif /* RF_KERNEL_BARRIERS_H */
