# SPDX-License-Identifier: GPL-2.0
# Static programs for subOSes: the first stage, /rf/init of the first initrd, and the init of
# container images that have none.
# Use: make -C subos -f first_stage.mk OUT=DIR   ->  DIR/first_stage, DIR/container_init

OUT ?= ../build/subos
CC ?= gcc
CFLAGS ?= -Os -Wall -Wextra -Werror

all: $(OUT)/first_stage $(OUT)/container_init

$(OUT)/%: %.c first_stage.mk
	mkdir -p $(OUT)
	$(CC) -std=gnu11 $(CFLAGS) -D_GNU_SOURCE -static -ffunction-sections -Wl,--gc-sections -s \
		-o $@ $<

.PHONY: all
