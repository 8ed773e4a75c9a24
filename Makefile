# What people type. The build itself is CMake's; `make help` lists the targets.
BUILD   ?= build
PREFIX  ?= /usr/local
SECONDS ?= 60
GIB     ?= 1
MINUTES ?= 60
SEEDS   ?= 100000
FIRST   ?= 0
DEPTH   ?= 6
JOBS    ?= $(shell nproc)
PLAYWRIGHT = tests/browser/node_modules/.package-lock.json
CONFIGURE = cmake -S . -B $(BUILD) -G Ninja --log-level=WARNING -DCMAKE_INSTALL_PREFIX=$(PREFIX) $(OPTIONS)

.PHONY: run build test lint format size docs mutate mutants coverage prove judge judge-planted fuzz torture-syscalls streams soak bench demo install clean help
.DEFAULT_GOAL := help

run: ## install what is missing, build, start the modem on this terminal
	@tools/dependencies build
	@$(MAKE) --no-print-directory build
	@$(BUILD)/cipmux

build: ## build the program: build/cipmux
	@$(CONFIGURE) >/dev/null
	@cmake --build $(BUILD) -j $(JOBS)

test: ## install what is missing, build, run every test
	@tools/dependencies build test avr browser
	@$(MAKE) --no-print-directory -s $(PLAYWRIGHT)
	@$(CONFIGURE) -DCIPMUX_TESTS=ON >/dev/null
	@cmake --build $(BUILD) -j $(JOBS)
	@tools/test $(BUILD)

lint: ## format, clang-tidy, cppcheck, layers, words, warnings of every compiler
	@tools/dependencies build test avr lint
	@$(CONFIGURE) -DCIPMUX_TESTS=ON >/dev/null
	@tools/lint $(BUILD)

format: ## put every C file into the style of .clang-format
	@tools/dependencies lint
	@find modem world driver host lab examples tests -name '*.[ch]' | xargs clang-format -i

size: ## code, RAM and stack of modem/ on x86-64 and Cortex-M0, of driver/ on the ATmega328P
	@tools/dependencies build test avr lint
	@tools/size $(BUILD)/size
	@$(CONFIGURE) -DCIPMUX_TESTS=ON >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target firmware firmware_programs >/dev/null
	@tools/size-driver $(BUILD)

docs: ## print docs/PROTOCOL.md and host/command_reasons.h from the engine's tables and the transcripts
	@tools/dependencies build test avr
	@$(CONFIGURE) -DCIPMUX_TESTS=ON >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target transcripts
	@$(BUILD)/tests/transcripts --reasons tests/transcripts >$(BUILD)/command_reasons.h
	@cp $(BUILD)/command_reasons.h host/command_reasons.h
	@cmake --build $(BUILD) -j $(JOBS) --target protocol
	@$(BUILD)/tests/protocol >docs/PROTOCOL.md

mutate: ## change each cell of the engine's tables: does a transcript notice?
	@tools/dependencies build test avr
	@$(CONFIGURE) -DCIPMUX_TESTS=ON >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target mutate
	@$(BUILD)/tests/mutate tests/transcripts tests/mutation/exceptions.txt

judge: ## play SEEDS=100000 seeds of the simulated world, from FIRST=0 on; one that fails is made short and printed
	@tools/dependencies build test avr
	@$(CONFIGURE) -DCIPMUX_TESTS=ON >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target judge
	@$(BUILD)/tests/judge $(SEEDS) $(FIRST)

judge-planted: ## does the judge find each bug that is planted into the engine? A table: bug, seed, rule
	@tools/dependencies build test avr
	@$(CONFIGURE) -DCIPMUX_TESTS=ON >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target judge_planted
	@tools/judge-planted $(BUILD)

mutants: ## change each conditional jump of the engine's assembly: does a test notice? SECONDS=60 of them, 0: all
	@tools/dependencies build test avr
	@tools/mutate-branches $(SECONDS) $(BUILD)/branches

coverage: ## lines, branches and MC/DC of modem/ and driver/
	@tools/dependencies build test avr measure
	@tools/coverage $(BUILD)/coverage

prove: ## every word of up to DEPTH=6 letters through the engine's state; abstract interpretation: docs/SOUNDNESS.md
	@tools/dependencies build test avr prove
	@$(CONFIGURE) -DCIPMUX_TESTS=ON >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target search
	@DEPTH=$(DEPTH) tools/prove $(BUILD)
	@PLANT=1 tools/prove $(BUILD) $(BUILD)/prove-planted

fuzz: ## fuzz for SECONDS=60 each target of tests/fuzz
	@tools/dependencies build lint
	@tools/fuzz $(SECONDS) $(BUILD)/fuzz

streams: ## GIB=1 gibibytes through passthrough, under stalls, reopened terminals and new dials: is each byte there?
	@tools/dependencies build test
	@$(MAKE) --no-print-directory build
	@PYTHONPATH=tests/e2e /usr/bin/python3 tests/long/streams.py $(BUILD)/cipmux $(GIB)

soak: ## MINUTES=60 of work: does memory grow? VALGRIND=1 runs it under memcheck
	@tools/dependencies build test long
	@$(MAKE) --no-print-directory build
	@PYTHONPATH=tests/e2e /usr/bin/python3 tests/long/soak.py $(BUILD)/cipmux $(if $(VALGRIND),--valgrind) $(MINUTES)

torture-syscalls: ## let every system call that can fail do so once, in 27 short runs of the program; about five minutes
	@tools/dependencies build test
	@$(MAKE) --no-print-directory build
	@tests/torture/syscalls.py $(BUILD)/cipmux

bench: ## AT -> OK rounds against socat; the lab's speed against simavr alone
	@tools/dependencies build test avr
	@$(MAKE) --no-print-directory build
	@tools/bench $(BUILD)/cipmux
	@tools/bench-lab $(BUILD)

demo: ## Chromium loads a page from an ATmega328P in both modes: figures, picture; ONCE=1 ends by itself
	@tools/dependencies build avr browser
	@$(MAKE) --no-print-directory -s build $(PLAYWRIGHT)
	@$(MAKE) --no-print-directory -s -C examples/firmware BUILD=$(abspath $(BUILD))/firmware webserver webserver-single
	@tools/demo $(if $(ONCE),--once) $(BUILD)/cipmux $(BUILD)/firmware

# The package that drives Chromium, for demo and test.
$(PLAYWRIGHT): tests/browser/package-lock.json
	@npm ci --prefix tests/browser --no-audit --no-fund --loglevel=error
	@touch $@

install: build ## install program, library, header and cipmux.pc below PREFIX
	@cmake --install $(BUILD) --prefix $(PREFIX)

clean: ## remove what was built
	rm -rf $(BUILD) build-gcc build-clang build-sanitize build-release

help:
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16
