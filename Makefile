# The front door. Every target installs the packages that it needs (scripts/setup).
.DEFAULT_GOAL := help
SUITE ?= tests/packetdrill
FUZZ_SECONDS ?= 60

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: ## watch a request cross naru, run unmodified programs on it, reach it from the kernel
	@scripts/setup build
	@scripts/setup demo || echo "make demo: going on without them"
	@scripts/build release src/all road
	@scripts/demo

build: ## build everything (release)
	@scripts/setup build test
	@scripts/build release

test: ## build and run every test, plain and under the sanitizers
	@scripts/setup build test
	@scripts/test release
	@scripts/test asan

bench: ## measure naru beside its peers, into build/bench.json
	@scripts/setup build bench
	@scripts/build release src/all bench/all
	@scripts/bench

conformance: ## count the requirements that have a passing test, into docs/conformance.md
	@scripts/setup build test
	@scripts/build release src/all tests/all
	@scripts/conformance

packetdrill: ## run a folder of packetdrill scripts: make packetdrill SUITE=DIR
	@scripts/setup build
	@scripts/build release src/all
	@scripts/packetdrill "$(SUITE)"

fuzz: ## fuzz each target for FUZZ_SECONDS (60)
	@scripts/setup build fuzz
	@scripts/fuzz "$(FUZZ_SECONDS)"

lint: ## format, layers, headers, purity, file length
	@scripts/setup build lint
	@scripts/lint

tidy: ## clang-tidy over the whole tree (slow)
	@scripts/setup build test lint
	@scripts/tidy

format: ## clang-format every file in place
	@scripts/setup lint
	@scripts/sources | xargs -r clang-format-14 -i

nightly: ## everything, with more seeds, threads under their sanitizer, and fuzzing for an hour a target
	@$(MAKE) --no-print-directory lint test conformance packetdrill bench
	@NARU_KILLS=1000 tests/system/run_kills_test.py
	@NARU_NIGHTLY=1 build/release/naru run -- build/release/tests/sockets --gtest_brief=1
	@NARU_NIGHTLY=1 build/release/tests/test_posix --gtest_filter='Wakeups*' --gtest_brief=1
	@NARU_SEEDS=5000 build/release/tests/simulation_transfers --gtest_brief=1
	@NARU_DEATHS=20000 build/release/tests/test_stack --gtest_filter='Recover*' --gtest_brief=1
	@scripts/build tsan test_posix
	@build/tsan/tests/test_posix --gtest_filter='NameThreads*' --gtest_brief=1
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=3600

clean: ## remove what was built
	@rm -rf build

.PHONY: help demo build test bench conformance packetdrill fuzz lint tidy format nightly clean
