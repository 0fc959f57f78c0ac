/* SPDX-License-Identifier: GPL-2.0 */
/* A dumper of the kernel log gets a struct instead of the bare reason since 6.12. */
#ifndef RF_COMPAT_KMSG_H
#define RF_COMPAT_KMSG_H

#include <linux/kmsg_dump.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#define RF_KMSG_DUMPER(name, call)							\
static void name##_dump(struct kmsg_dumper *unused, struct kmsg_dump_detail *detail)	\
{											\
	call(detail->reason);								\
}											\
static struct kmsg_dumper name = { .dump = name##_dump, .max_reason = KMSG_DUMP_EMERG }
#else
#define RF_KMSG_DUMPER(name, call)							\
static void name##_dump(struct kmsg_dumper *unused, enum kmsg_dump_reason reason)	\
{											\
	call(reason);									\
}											\
static struct kmsg_dumper name = { .dump = name##_dump, .max_reason = KMSG_DUMP_EMERG }
#endif

#endif /* RF_COMPAT_KMSG_H */
