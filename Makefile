# SPDX-License-Identifier: GPL-2.0
# The one entry. Everything that is built lands in build/.
#
#   make demo       all from nothing: a subOS running Debian beside this lab's Debian
#   make check      build and test            make extended   what is too long for every day
#   make soak       long runs (SECONDS=N)     make check-all  all three
#   make bench      the benchmark             make check-debug  under a kernel that finds faults
#   make lab        a shell on a lab machine  make install      onto this machine
#   make deb        packages, in build/deb

BUILD   := $(CURDIR)/build
# Every kernel whose headers are installed; `make modules KERNELS=VERSION` for one.
KERNELS ?= $(notdir $(patsubst %/build,%,$(wildcard /lib/modules/*/build)))
JOBS    ?= $(shell nproc)
SECONDS ?= 3600
PYTEST  := /usr/bin/python3 -m pytest
# Tests that run side by side: each has a machine with some virtual processors and 3 GiB.
WORKERS ?= 2
SIDE_BY_SIDE = -n $(WORKERS) --dist loadgroup
LAB     := tests/lab/lab

PREFIX  ?= /usr
DESTDIR ?=

.PHONY: all deps build-deps deb modules rfm rfm-tests first-stage unit fuzz fuzzers check extended soak check-all check-debug bench demo lab install clean
all: modules rfm first-stage

# What a fresh Debian needs, by apt-get; does nothing if it is all there. The list
# of kernels is only known after it: hence the second make.
deps:
	@tools/deps

# Of that, what `make` and `make install` take.
build-deps:
	@tools/deps build

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
	@$(MAKE) -s --no-print-directory -j$(JOBS) -C $(BUILD)/rfm rfm

rfm-tests: rfm
	@$(MAKE) -s --no-print-directory -j$(JOBS) -C $(BUILD)/rfm rfm_tests

first-stage:
	@$(MAKE) -s --no-print-directory -C subos -f first_stage.mk OUT=$(BUILD)/subos

# Unit tests need no machine, but the stock kernels that the lab fetches.
unit: rfm-tests
	@RF_TEST_KERNELS=$$($(LAB) kernels) $(BUILD)/rfm/rfm_tests --gtest_brief=1
	@$(MAKE) --no-print-directory fuzz SECONDS=30

# Hostile peers, hostile kernels seen from outside, hostile files and random operations, for
# SECONDS in all, with limits for memory and time. What they find new is kept in build/ only;
# an input that breaks something belongs into tests/unit/corpus/FUZZER/.
FUZZERS            := ring byte_ring control ledger kernel_log vmcoreinfo core_image statistics \
		      bzimage vmlinux terminal_filter oci_image
inspected          := $(wildcard rfm/inspect/*.cpp)
FUZZED_ring        := ficm/ring.c
FUZZED_ledger      := $(wildcard supervisor/ledger/*.c)
FUZZED_kernel_log  := $(inspected)
FUZZED_vmcoreinfo  := $(inspected)
FUZZED_core_image  := $(inspected)
FUZZED_statistics  := $(inspected) rfm/src/view/statistics.cpp
FUZZED_bzimage     := rfm/boot/bzimage.cpp rfm/boot/look_alike.cpp rfm/boot/decompress.cpp rfm/boot/bytes.cpp
FUZZED_vmlinux     := $(filter-out rfm/boot/bzimage.cpp rfm/boot/decompress.cpp,$(wildcard rfm/boot/*.cpp))
FUZZED_oci_image   := rfm/src/plan/oci_image.cpp
FUZZ_LIBS_bzimage  := -llzma -llz4 -lzstd -lz
FUZZ_LIBS_vmlinux  := -lz
# One allocation in MiB: 64, or the dictionary that a kernel's build may ask for.
FUZZ_MALLOC_bzimage := 192
FUZZ_FLAGS  := -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	       -I$(CURDIR)/include -I$(CURDIR) -I$(CURDIR)/rfm -I$(CURDIR)/rfm/src
fuzz_limits  = -timeout=10 -rss_limit_mb=512 -malloc_limit_mb=$(or $(FUZZ_MALLOC_$(1)),64)
fuzz: fuzzers
	@$(MAKE) --no-print-directory $(FUZZERS:%=fuzz-%)

fuzzers:
	@$(MAKE) --no-print-directory -j$(JOBS) $(FUZZERS:%=$(BUILD)/fuzz/fuzz_%)

fuzz-%: $(BUILD)/fuzz/fuzz_%
	@mkdir -p $(BUILD)/fuzz/corpus/$*
	@ASAN_OPTIONS=quarantine_size_mb=32 $< -max_total_time=$$(($(SECONDS) / $(words $(FUZZERS)))) \
		$(call fuzz_limits,$*) -artifact_prefix=$(BUILD)/fuzz/$*- \
		$(BUILD)/fuzz/corpus/$* tests/unit/corpus/$* \
		> $(BUILD)/fuzz/log-$* 2>&1 || { cat $(BUILD)/fuzz/log-$*; exit 1; }

$(BUILD)/fuzz/%.c.o: %.c
	@mkdir -p $(@D)
	@clang $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/fuzz/%.cpp.o: %.cpp
	@mkdir -p $(@D)
	@clang++ -std=c++20 $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<
-include $(shell find $(BUILD)/fuzz -name '*.d' 2> /dev/null)

# $(call FUZZER,NAME): tests/unit/fuzz_NAME.cpp with the sources that it drives, if any.
define FUZZER
$(BUILD)/fuzz/fuzz_$(1): $(FUZZED_$(1):%=$(BUILD)/fuzz/%.o) $(BUILD)/fuzz/tests/unit/fuzz_$(1).cpp.o
	@clang++ $(FUZZ_FLAGS) -o $$@ $$^ $(FUZZ_LIBS_$(1))
endef
$(foreach fuzzer,$(FUZZERS),$(eval $(call FUZZER,$(fuzzer))))

check: deps
	@$(MAKE) --no-print-directory all unit
	$(PYTEST) $(SIDE_BY_SIDE) -m "not extended and not soak" tests

# PART=HASH: one part of them, which this hexadecimal number chooses.
extended: deps
	@$(MAKE) --no-print-directory all
	$(PYTEST) $(SIDE_BY_SIDE) -m extended $(PART:%=--part=%) tests

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

# Installs, builds and downloads no more than it shows, side by side.
demo:
	@tools/demo

lab: deps
	@$(MAKE) --no-print-directory all
	@$(LAB) shell --up

# Debian packages of this tree as it is: of a copy, in which what was built before stays.
# DEB: where. VERSION: other than the changelog's newest, for a build of one's own.
DEB ?= $(BUILD)/deb
deb:
	@tools/deps deb
	@mkdir -p $(DEB)/tree
	@rm -f $(DEB)/*.deb $(DEB)/*.changes $(DEB)/*.buildinfo
	@find $(DEB)/tree -mindepth 1 -maxdepth 1 ! -name debian -exec rm -rf {} +
	@find $(DEB)/tree/debian -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} + 2> /dev/null || true
	@tar -c --exclude=./build --exclude=./.git . | tar -x -C $(DEB)/tree
	@[ -z "$(VERSION)" ] || sed -i "1e sed '1s/(.*)/($(VERSION))/;/^ -- /q' debian/changelog; echo" \
		$(DEB)/tree/debian/changelog
	@cd $(DEB)/tree && dpkg-buildpackage -us -uc -b -nc > ../build.log 2>&1 || \
		{ tail -n 40 ../build.log; exit 1; }
	@ls $(DEB)/*.deb

install: all
	@tools/install "$(BUILD)" "$(DESTDIR)" "$(PREFIX)"

clean:
	rm -rf $(BUILD)
