// SPDX-License-Identifier: GPL-2.0
/* The shared structs, as a C compiler sees them. Compiling it is the test. */
#pragma GCC diagnostic error "-Wpadded"
#include "uapi/rainforest.h"
#include "wire/layout_check.h"

typedef int not_an_empty_translation_unit;
