/* SPDX-License-Identifier: GPL-2.0 */
/* Stands in for the kernel's header where a unit test compiles code of a module in user space. */
#ifndef RF_TEST_LINUX_SLAB_H
#define RF_TEST_LINUX_SLAB_H

#include <stdlib.h>

#define GFP_KERNEL		0
#define kzalloc(size, flags)	calloc(1, size)
#define kfree(memory)		free(memory)

#endif /* RF_TEST_LINUX_SLAB_H */
