# SPDX-License-Identifier: GPL-2.0
# The one entry. Everything that is built lands in build/.

BUILD   := $(CURDIR)/build
# Every kernel whose headers are installed; `make modules KERNELS=VERSION` for one.
KERNELS ?= $(notdir $(patsubst %/build,%,$(wildcard /lib/modules/*/build)))
JOBS    ?= $(shell nproc)
PYTHON  := /usr/bin/python3
PREFIX  ?= /usr

.PHONY: all deps modules rfm first-stage unit
all: modules rfm first-stage

# What a fresh Debian needs, by apt-get; does nothing if it is all there.
deps:
	@tools/deps

modules: $(KERNELS:%=modules-%)

# Kbuild writes next to its sources: build in a tree of links, one a kernel.
# BTF needs pahole and the kernel's vmlinux, and serves no purpose here.
modules-%:
	@mkdir -p $(BUILD)/modules/$*
	@cp -rsf $(CURDIR)/Kbuild $(CURDIR)/include $(CURDIR)/supervisor $(CURDIR)/subos $(BUILD)/modules/$*/
	@$(MAKE) -s -j$(JOBS) -C /lib/modules/$*/build M=$(BUILD)/modules/$* \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules
	@cp -u $(BUILD)/modules/$*/supervisor/rf_supervisor.ko $(BUILD)/modules/$*/subos/rf_subos.ko \
		$(BUILD)/modules/$*/
