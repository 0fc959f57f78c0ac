# SPDX-License-Identifier: GPL-2.0
# The first stage of a subOS: one static program, /rf/init of its first initrd.
# Use: make -C subos -f first_stage.mk OUT=DIR   ->  DIR/first_stage

OUT ?= ../build/subos
CC ?= gcc
CFLAGS ?= -Os -Wall -Wextra -Werror

$(OUT)/first_stage: first_stage.c first_stage.mk
	mkdir -p $(OUT)
	$(CC) -std=gnu11 $(CFLAGS) -D_GNU_SOURCE -static -ffunction-sections -Wl,--gc-sections -s \
		-o $@ $<
