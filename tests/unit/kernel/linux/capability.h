/* SPDX-License-Identifier: GPL-2.0 */
/* As slab.h beside it. What the caller may is said by the test: rfm/tests/fake_module.cpp. */
#ifndef RF_TEST_LINUX_CAPABILITY_H
#define RF_TEST_LINUX_CAPABILITY_H

#include <stdbool.h>

#define CAP_SYS_ADMIN		21

bool capable(int capability);

#endif /* RF_TEST_LINUX_CAPABILITY_H */
