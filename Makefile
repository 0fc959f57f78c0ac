# SPDX-License-Identifier: GPL-2.0
# The one entry. Everything that is built lands in build/.
#
#   make demo       all from nothing: a subOS running Debian beside this lab's Debian
#   make check      build and test            make extended   what is too long for every day
#   make soak       long runs (SECONDS=N)     make check-all  all three
#   make bench      the benchmark             make check-debug  under a kernel that finds faults
#   make lab        a shell on a lab machine  make install      onto this machine

BUILD   := $(CURDIR)/build
# Every kernel whose headers are installed; `make modules KERNELS=VERSION` for one.
KERNELS ?= $(notdir $(patsubst %/build,%,$(wildcard /lib/modules/*/build)))
JOBS    ?= $(shell nproc)
SECONDS ?= 3600
PYTEST  := /usr/bin/python3 -m pytest
LAB     := tests/lab/lab

PREFIX  ?= /usr
DESTDIR ?=

.PHONY: all deps modules rfm first-stage unit fuzz check extended soak check-all check-debug bench demo lab install clean
all: modules rfm first-stage

# What a fresh Debian needs, by apt-get; does nothing if it is all there. The list
# of kernels is only known after it: hence the second make.
deps:
	@tools/deps

modules: $(KERNELS:%=modules-%)

# Those of the lab's debug kernel are not installed.
headers = $(or $(wildcard $(BUILD)/cache/kernel-debug-*/lib/modules/$(1)/build),/lib/modules/$(1)/build)

# Kbuild writes next to its sources: build in a tree of links, one a kernel.
# BTF needs pahole and the kernel's vmlinux, and serves no purpose here.
modules-%:
	@mkdir -p $(BUILD)/modules/$*/tests
	@cp -rsf $(CURDIR)/Kbuild $(CURDIR)/include $(CURDIR)/ficm $(CURDIR)/supervisor $(CURDIR)/subos $(BUILD)/modules/$*/
	@cp -rsf $(CURDIR)/tests/modules $(BUILD)/modules/$*/tests/
	@$(MAKE) -s -j$(JOBS) -C $(call headers,$*) M=$(BUILD)/modules/$* \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules
	@for module in ficm/rf_ficm.ko supervisor/rf_supervisor.ko subos/rf_subos.ko; do \
		objcopy --strip-debug $(BUILD)/modules/$*/$$module $(BUILD)/stripped.$$$$ && \
		{ cmp -s $(BUILD)/stripped.$$$$ $(BUILD)/modules/$*/$${module##*/} || \
		  mv $(BUILD)/stripped.$$$$ $(BUILD)/modules/$*/$${module##*/}; }; \
		rm -f $(BUILD)/stripped.$$$$; done

rfm:
	@mkdir -p $(BUILD)
	@cmake -S rfm -B $(BUILD)/rfm -DCMAKE_BUILD_TYPE=Release > $(BUILD)/cmake.log || \
		{ cat $(BUILD)/cmake.log; exit 1; }
	@$(MAKE) -s --no-print-directory -j$(JOBS) -C $(BUILD)/rfm

first-stage:
	@$(MAKE) -s --no-print-directory -C subos -f first_stage.mk OUT=$(BUILD)/subos

# Unit tests need no machine, but the stock kernels that the lab fetches.
unit: rfm
	@RF_TEST_KERNELS=$$($(LAB) kernels) $(BUILD)/rfm/rfm_tests --gtest_brief=1
	@$(MAKE) --no-print-directory fuzz SECONDS=20

# Hostile peers and random operations, for SECONDS in all. What they find new is kept in
# build/ only; an input that breaks something belongs into tests/unit/corpus/FUZZER/.
FUZZERS       := ring byte_ring control ledger terminal_filter
FUZZED_ring   := ficm/ring.c
FUZZED_ledger := $(wildcard supervisor/ledger/*.c)
FUZZ_FLAGS := -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	      -I$(CURDIR)/include -I$(CURDIR) -I$(CURDIR)/rfm/src
fuzz: $(FUZZERS:%=fuzz-%)

fuzz-%: $(BUILD)/fuzz/fuzz_%
	@mkdir -p $(BUILD)/fuzz/corpus/$*
	@$< -max_total_time=$$(($(SECONDS) / $(words $(FUZZERS)))) -timeout=10 \
		-artifact_prefix=$(BUILD)/fuzz/$*- $(BUILD)/fuzz/corpus/$* tests/unit/corpus/$* \
		> $(BUILD)/fuzz/log-$* 2>&1 || { cat $(BUILD)/fuzz/log-$*; exit 1; }

# $(call FUZZER,NAME): tests/unit/fuzz_NAME.cpp with the C sources that it drives, if any.
define FUZZER
$(BUILD)/fuzz/fuzz_$(1): tests/unit/fuzz_$(1).cpp $(FUZZED_$(1)) \
		$(wildcard $(dir $(firstword $(FUZZED_$(1))))*.h tests/unit/*.hpp include/*/*.h)
	@rm -rf $(BUILD)/fuzz/$(1) && mkdir -p $(BUILD)/fuzz/$(1)
	@$(if $(FUZZED_$(1)),cd $(BUILD)/fuzz/$(1) && \
		clang $(FUZZ_FLAGS) -c $(FUZZED_$(1):%=$(CURDIR)/%))
	@clang++ -std=c++20 $(FUZZ_FLAGS) -o $$@ $$< $(if $(FUZZED_$(1)),$(BUILD)/fuzz/$(1)/*.o)
endef
$(foreach fuzzer,$(FUZZERS),$(eval $(call FUZZER,$(fuzzer))))

check: deps
	@$(MAKE) --no-print-directory all unit
	$(PYTEST) -m "not extended and not soak" tests

# PART=HASH: one part of them, which this hexadecimal number chooses.
extended: deps
	@$(MAKE) --no-print-directory all
	$(PYTEST) -m extended $(PART:%=--part=%) tests

soak: deps
	@$(MAKE) --no-print-directory all
	@$(MAKE) --no-print-directory fuzz
	$(PYTEST) -m soak --soak-seconds=$(SECONDS) tests

check-all: check extended soak

# Tests with supervisors that run the lab's debug kernel, which is built first: half an
# hour, and then hours. TESTS: some of them.
TESTS ?= tests/functional tests/fault
check-debug:
	@tools/deps debug-kernel
	@$(MAKE) --no-print-directory all
	@version=$$($(LAB) debug-kernel) && $(MAKE) --no-print-directory modules KERNELS=$$version
	$(PYTEST) --debug-kernel -m "not extended and not soak" $(TESTS)

bench: deps
	@$(MAKE) --no-print-directory all
	/usr/bin/python3 tests/performance/bench.py

demo: deps
	@$(MAKE) --no-print-directory all
	@tools/demo

lab: deps
	@$(MAKE) --no-print-directory all
	@$(LAB) shell --up

install: all
	@tools/install "$(BUILD)" "$(DESTDIR)" "$(PREFIX)"

clean:
	rm -rf $(BUILD)
