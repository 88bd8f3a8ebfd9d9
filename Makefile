# Gantry. `make help` is the menu.

SHELL := /bin/sh
ARCH := $(shell uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')
NODE := node_modules/node-linux-$(ARCH)/bin/node
NODE_HEADERS := node_modules/node-linux-$(ARCH)/include/node
STAMP := node_modules/.package-lock.json

CC := gcc
INIT_CFLAGS := -static -nostdlib -nostartfiles -ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables \
	-fno-builtin -fno-pie -no-pie -Os -Wall -Wextra -Werror -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,norelro -s
ADDON_CFLAGS := -shared -fPIC -O2 -Wall -Wextra -Werror

UNIT_TESTS := 'test/unit/**/*.test.ts'
E2E_TESTS := 'test/e2e/**/*.test.ts'
VM_TESTS := 'test/vm/*.test.ts'
VM_MORE_TESTS := 'test/vm/more/*.test.ts'
# What scripts/setup unpacked, rather than installed, is in build/bin.
TEST := PATH="$$PATH:/usr/sbin:/sbin:$(CURDIR)/build/bin" $(NODE) --disable-warning=ExperimentalWarning --test --test-reporter=spec --test-timeout=300000
# Rounds of `make bench`.
ROUNDS ?= 8

SOURCES := $(shell find src -name '*.ts' 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help setup setup-tests setup-vm build native lint typecheck test test-unit test-e2e test-vm test-vm-more bench deb demo clean root

help: ## show this menu
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

setup: ## install what is missing: Debian packages, npm packages, Node 24 (root only if a package is missing)
	@scripts/setup

setup-vm: setup ## the same and what test-vm takes besides
	@scripts/setup vm

setup-tests: ## the same and what the tests take besides
	@scripts/setup tests

native: setup ## compile native/ into build/
	@$(MAKE) --no-print-directory --quiet build/gantry-init build/syscall.node

build/gantry-init: native/init.c Makefile
	@mkdir -p build
	$(CC) $(INIT_CFLAGS) -o $@.new native/init.c && mv $@.new $@

build/syscall.node: native/syscall.c Makefile $(STAMP)
	@mkdir -p build
	$(CC) $(ADDON_CFLAGS) -I$(NODE_HEADERS) -o $@.new native/syscall.c && mv $@.new $@

build: native ## everything that runs: build/gantry-init, build/syscall.node, dist/*.js
	@$(MAKE) --no-print-directory --quiet dist/.stamp

dist/.stamp: $(SOURCES) scripts/bundle.ts package-lock.json
	$(NODE) scripts/bundle.ts
	@touch $@

typecheck: setup ## tsc over src, test and scripts
	$(NODE) node_modules/typescript/bin/tsc --noEmit

lint: typecheck ## tsc, oxlint, borders between rooms, file lengths
	PATH="$$PWD/$(dir $(NODE)):$$PATH" $(NODE) node_modules/oxlint/bin/oxlint --type-aware src test scripts
	$(NODE) scripts/check-rooms.ts

test: root setup-tests build ## all tests: unit and end to end (root)
	$(TEST) --test-concurrency=2 $(UNIT_TESTS) $(E2E_TESTS)

test-unit: setup-tests native ## unit tests alone
	$(TEST) $(UNIT_TESTS)

test-e2e: root setup-tests build ## end-to-end tests alone (root); GANTRY_E2E_ENGINE=dockerd GANTRY_E2E_CLIENTS=docker,gantry choose who is tested
	$(TEST) --test-concurrency=2 $(E2E_TESTS)

test-vm: root build setup-vm ## the tests of what this host may lack (cgroup v2, AppArmor), in an emulated virtual machine (slow, root)
	$(NODE) --disable-warning=ExperimentalWarning test/vm/prepare.ts
	$(TEST) --test-timeout=900000 --test-concurrency=2 $(VM_TESTS)

test-vm-more: root build setup-vm ## long stories in that machine: zfs, whose module is compiled once, and checkpoints through gantryd (slow, root)
	$(TEST) --test-timeout=1800000 --test-concurrency=2 $(VM_MORE_TESTS)

bench: root build ## measure against dockerd, podman, runc and crun; writes docs/benchmarks.md (root); ROUNDS=8
	$(NODE) --disable-warning=ExperimentalWarning test/bench/main.ts --rounds $(ROUNDS)

deb: build ## a Debian package of what was built: build/gantry_VERSION_ARCHITECTURE.deb
	@scripts/deb

demo: root build ## start gantryd on private directories and show what a container is (root)
	@scripts/demo

clean: ## remove everything that was built (node_modules stays)
	rm -rf build dist

root:
	@[ "$$(id -u)" = 0 ] || { echo "cannot go on without root: containers need it. Try: sudo make $(firstword $(MAKECMDGOALS))" >&2; exit 1; }
