# SPDX-License-Identifier: GPL-2.0-only
# framepool: every verb of the project. `make help` lists them.
#
# The module's own build is in Kbuild; everything made goes to build/, everything fetched to the cache
# (~/.cache/framepool, or FRAMEPOOL_CACHE).

KDIR ?= /lib/modules/$(shell uname -r)/build
KERNEL ?= 6.12
SIZE ?= 64M
V ?= 0
# Stock kernels, and the one with the sanitizers, that `make test` runs on.
KERNELS := 6.1 6.12 test
# Those that only `make soak` runs on, too.
SOAK_KERNELS := test-6.1 kcsan
BENCH_KERNELS = $(filter 6.%,$(KERNELS))

export V
ifneq ($(V),1)
MAKEFLAGS += --no-print-directory
Q := @
quiet := -s
endif

# Taken literally: make would expand a $ in them.
export VM_RUN := $(value RUN)
export VM_FLAGS := $(value VMFLAGS)

all: module ## build framepool.ko for the running kernel, or for KDIR=

help: ## list the verbs
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 16

deps: ## install the Debian packages that the other verbs need
	@scripts/deps

module:
	$(Q)scripts/build-module local $(abspath $(KDIR))
	$(Q)cp build/local/framepool.ko build/framepool.ko
	@echo build/framepool.ko

modules: ## build framepool.ko for the kernels of the tests: KERNELS='6.1 6.12 test'
	$(Q)for kernel in $(KERNELS); do scripts/build-module $$kernel || exit; done

test-kernel: deps ## build the test kernel (KERNEL=test, test-6.1, kcsan, gcov or base), cached outside of the tree
	$(Q)scripts/test-kernel $(or $(filter-out 6.%,$(KERNEL)),test)

lib: ## build the library
	$(Q)$(MAKE) $(quiet) -C lib

tools: lib ## build the framepool command
	$(Q)$(MAKE) $(quiet) -C tools
	$(Q)$(MAKE) $(quiet) -C preload

examples: lib ## build the example programs
	$(Q)$(MAKE) $(quiet) -C examples

deb: deps ## build the Debian packages, in build/deb
	$(Q)scripts/build-deb

test-programs: lib examples
	$(Q)$(MAKE) $(quiet) -C userspace-test/abi
	$(Q)$(MAKE) $(quiet) -C userspace-test/torture
	$(Q)$(MAKE) $(quiet) -C userspace-test/tools
	$(Q)$(MAKE) $(quiet) -C userspace-test/python
	$(Q)$(MAKE) $(quiet) -C userspace-test/run
	$(Q)$(MAKE) $(quiet) -C userspace-test/remote
	$(Q)$(MAKE) $(quiet) -C userspace-test/fuzz/device
	$(Q)$(MAKE) $(quiet) -C userspace-test/powercut

test: deps ## run the tests: SUITES='core abi*' for some, LONG=1 for the long ones too
	$(Q)$(MAKE) -j$(shell nproc) tools test-programs modules $(if $(LONG),KERNELS='$(KERNELS) $(SOAK_KERNELS)')
	$(Q)userspace-test/harness/run-tests $(if $(LONG),--long) $(SUITES)

soak: deps ## run the tests with the long ones, for hours, from where it was left; FRESH=1 from the start. The table: build/soak.md
	$(Q)$(MAKE) -j$(shell nproc) tools test-programs modules KERNELS='$(KERNELS) $(SOAK_KERNELS)'
	$(Q)userspace-test/harness/run-tests --long --resume build/soak --summary build/soak.md $(if $(FRESH),--fresh) $(SUITES)

coverage: deps ## which lines and branches of the module the tests run, and what is not run without a reason
	$(Q)$(MAKE) -j$(shell nproc) tools test-programs modules KERNELS=gcov
	$(Q)rm -rf build/coverage
	$(Q)userspace-test/harness/run-tests --gcov build/coverage $(SUITES)
	$(Q)userspace-test/harness/coverage build/coverage

check: deps ## run the static checks
	$(Q)scripts/check

docs: deps ## build the manual pages and docs/ as HTML, in build/docs
	$(Q)scripts/build-docs

# A folder is named from where make was called. All is taken literally, as RUN is.
bench-policy: export CALLED_IN := $(value PWD)
bench-policy: export BENCH_TRACES := $(value TRACES)
bench-policy: export BENCH_BATCH := $(value BATCH)
bench-policy: export BENCH_WHATIF := $(value WHATIF)
bench-policy: export BENCH_MIX := $(value MIX)
bench-policy: export BENCH_PLOTS := $(value PLOTS)
bench-policy: deps ## compare the replacement policies over traces: TRACES=DIR of a folder, BATCH=32, PLOTS=DIR; WHATIF=5,10000; MIX=web+db+db@6000
	$(Q)$(MAKE) $(quiet) -C bench/policy
	$(Q)bench/policy/run

demo: deps ## show the module at work in a VM
	$(Q)scripts/demo

vm: deps ## a shell in a VM with the module; RUN='command' FILES='a b' KERNEL=6.1|6.12|test SIZE=64M VMFLAGS='--mem=2G'
	$(Q)$(MAKE) tools modules KERNELS=$(KERNEL)
	$(Q)set -f; userspace-test/qemu/vm --kernel $(KERNEL) --size $(SIZE) $(FILES:%=--file %) \
		$(if $(VM_RUN),--run "$$VM_RUN") $$VM_FLAGS

bench: deps ## measure against plain mmap: PARTS='count fio' KERNELS='6.12' BACKINGS='ext4' WORKLOADS='randread'
	$(Q)$(MAKE) tools modules KERNELS='$(BENCH_KERNELS)'
	$(Q)$(MAKE) $(quiet) -C bench/guest
	$(Q)bench/run-bench --kernels $(BENCH_KERNELS) $(if $(PARTS),--parts $(PARTS)) $(if $(BACKINGS),--backings $(BACKINGS)) \
		$(if $(WORKLOADS),--workloads $(WORKLOADS)) $(BENCHFLAGS)

bench-core: ## how fast the core is by itself, on this machine
	$(Q)$(MAKE) $(quiet) -C bench/core
	$(Q)build/host/bench-core

profile: deps ## where the instructions go, by function: WORKLOAD=randread BACKING=ext4 KERNEL=6.12
	$(Q)$(MAKE) tools modules KERNELS=$(KERNEL)
	$(Q)$(MAKE) $(quiet) -C bench/guest
	$(Q)$(MAKE) $(quiet) -C bench/profile
	$(Q)bench/run-profile --kernel $(KERNEL) $(if $(BACKING),--backing $(BACKING)) \
		$(if $(WORKLOAD),--workload $(WORKLOAD)) $(BENCHFLAGS)

clean: ## remove build/
	rm -rf build

.PHONY: all help deps module modules test-kernel lib tools test-programs test soak coverage check bench-policy demo vm bench bench-core profile docs examples deb clean
