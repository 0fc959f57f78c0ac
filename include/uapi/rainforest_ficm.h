/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The ABI between user space and rf_ficm: /dev/rainforest-ficm (root only). It binds
 * doorbells to eventfds, in both directions. Messages are for kernels only.
 *
 * What a descriptor has bound lasts until it is closed, or this kernel leaves the
 * arena: its doorbells are gone then, and have to be bound again after it joined again.
 *
 * All structs are size-first, as in rainforest.h.
 *
 * Errors common to all calls:
 *   EPERM    the caller lacks CAP_SYS_ADMIN
 *   EFAULT   a pointer is bad
 *   EINVAL   size too small, or a reserved field is not zero
 *   E2BIG    the unknown tail of a struct is not zero
 *   ENOTTY   no such call
 *   ENOTCONN this kernel has not joined (not for INFO)
 */
#ifndef RF_UAPI_RAINFOREST_FICM_H
#define RF_UAPI_RAINFOREST_FICM_H

#include <linux/ioctl.h>
#include <linux/types.h>

#include "../wire/arena.h"
#include "../wire/grant.h"
#include "../wire/layout.h"

#define RF_FICM_DEVICE		"/dev/rainforest-ficm"

/* RF_FICM_IOC_INFO: who is there, as this kernel was told. */
#define RF_FICM_NO_MEMBER	0xffffffffu

struct rf_ficm_info {
	__u32	size;
	__u32	self;			/* out: own member number, or RF_FICM_NO_MEMBER */
	__u32	present;		/* out: bit n: there is a kernel with member number n */
	__u32	reserved;
	__u32	kernel_ids[RF_MEMBERS_MAX];	/* out: by member number, RF_KERNEL_NONE: nobody */
};

/*
 * RF_FICM_IOC_DOORBELL: allocate a doorbell of this kernel; rings add 1 to the eventfd.
 * Several rings in a row may count as one.
 *
 *   EBADF   eventfd is no descriptor
 *   EINVAL  eventfd is no eventfd
 *   ENOSPC  no doorbell, or no interrupt vector, is left
 */
#define RF_FICM_ANY_CPU		0xffffffffu

struct rf_ficm_doorbell {
	__u32	size;
	__s32	eventfd;		/* in */
	__u32	cpu;			/* in: where it begins, or RF_FICM_ANY_CPU */
	__u32	index;			/* out: by which others ring it */
};

/*
 * RF_FICM_IOC_RING: ring a doorbell of another member whenever the eventfd is written to. The
 * eventfd's count is taken by this, not by read(). A doorbell that is not there (yet, or
 * any more) is rung in vain.
 *
 *   EBADF   eventfd is no descriptor
 *   EINVAL  eventfd is no eventfd; member or index cannot be, or member is this kernel
 *   ENOSPC  this descriptor has RF_FICM_BINDINGS_MAX bindings
 */
#define RF_FICM_BINDINGS_MAX	256

struct rf_ficm_ring {
	__u32	size;
	__s32	eventfd;		/* in */
	__u32	member;			/* in */
	__u32	index;			/* in */
};

/* Numbers carry no size: the structs grow. Argument: struct of the same name. */
#define RF_FICM_IOC_MAGIC	0xF6
#define RF_FICM_IOC_INFO	_IO(RF_FICM_IOC_MAGIC, 0x00)
#define RF_FICM_IOC_DOORBELL	_IO(RF_FICM_IOC_MAGIC, 0x01)
#define RF_FICM_IOC_RING	_IO(RF_FICM_IOC_MAGIC, 0x02)

#endif /* RF_UAPI_RAINFOREST_FICM_H */
