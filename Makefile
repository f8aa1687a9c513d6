# Narralytica: `make` alone lists the targets. CONTRIBUTING.md says when to use which.
SHELL := /bin/bash
export CCACHE_NOHASHDIR := 1
export CCACHE_BASEDIR := $(CURDIR)

PYTHON := /usr/bin/python3
VENV := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup setup-build setup-bench setup-console models build program debug demo test check
.PHONY: chaos chaos-queue chaos-kills chaos-faults chaos-workers chaos-media chaos-fuzz
.PHONY: chaos-threads long-audio upload-test eval bench format tidy clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install Debian packages and the tests' Python packages (root or sudo)
	@tools/setup.sh build test

setup-build:
	@tools/setup.sh build

setup-console:
	@tools/setup.sh console

setup-bench:
	@tools/setup.sh bench

models: setup-build ## fetch, convert and verify the models into the cache, once
	@$(PYTHON) tools/tool.py models install

build: program ## build build/release/narralytica and, with Node, the web application
	@tools/build_console.sh

program: models
	@cmake --preset release --log-level=WARNING
	@cmake --build --preset release --target narralytica

demo: program ## a recording in, a transcript and three cited search hits out
	@$(PYTHON) tools/demo.py

test: setup setup-bench setup-console models ## build everything and run every test; prints the time of each part
	@$(VENV) tools/run_tests.py

check: test ## what CI runs

chaos: setup program ## kill -9 the worker and the engine in the middle of twenty minutes of speech
	@NRL_KILL_TEST_COPIES=10 $(VENV) -m pytest tests/pipeline/kill_test.py

chaos-kills: setup program ## kill -9 two hundred times under load
	@NRL_CHAOS_KILLS=$${NRL_CHAOS_KILLS:-200} $(VENV) -m pytest -s tests/chaos/kills_test.py

chaos-faults: setup-build ## a fault at every call to a store in a recording's life
	@cmake --preset release --log-level=WARNING
	@cmake --build --preset release --target index_test
	@NRL_FAULT_STEP=1 build/release/index_test --gtest_filter='*Faults.*'

chaos-workers: setup program ## kill a worker ten times at the shipped lease, replace one fifty times
	@NRL_CHAOS_TAKEOVERS=10 NRL_CHAOS_REPLACEMENTS=50 $(VENV) -m pytest -s tests/chaos/workers_test.py

chaos-queue: setup-build ## ten thousand random histories of the queue against its model
	@cmake --preset release --log-level=WARNING
	@cmake --build --preset release --target jobs_test
	@NRL_QUEUE_HISTORIES=$${NRL_QUEUE_HISTORIES:-10000} build/release/jobs_test \
		--gtest_filter='QueueHistories.*'

chaos-media: setup program ## read a thousand damaged recordings, and those of every form
	@$(VENV) -m pytest tests/chaos/media_test.py
	@$(VENV) -m tests.chaos.media_corpus --count 1000 --seed 1

chaos-fuzz: setup ## fuzz the parsers of untrusted bytes for ten minutes each
	@cmake --preset fuzz --log-level=WARNING
	@cmake --build --preset fuzz
	@NRL_FUZZ_SECONDS=600 NRL_FUZZ_SEED=0 $(VENV) -m pytest -s tests/fuzz

chaos-threads: setup-build ## the tests of the queue and of the API under ThreadSanitizer
	@cmake --preset threads --log-level=WARNING
	@cmake --build --preset threads
	@ctest --preset threads

long-audio: setup program ## six hours under a memory ceiling with three kills; twenty minutes on 1, 2 and 8 threads
	@NRL_THREADS_TEST_MINUTES=20 $(VENV) -m pytest tests/pipeline/threads_test.py
	@$(VENV) -m tests.chaos.long_audio

upload-test: setup program ## send a gigabyte, broken off twice, and measure both sides' memory
	@NRL_UPLOAD_TEST_MB=1024 $(VENV) -m pytest -s tests/contract/resume_test.py

eval: setup program ## measure recognition, speakers and retrieval on real data and write docs/quality.md
	@tools/setup.sh eval
	@cmake --build --preset release --target retrieval_tool --target diarization_tool
	@$(VENV) -m tests.eval
	@$(VENV) -m tests.eval.retrieval
	@.venv-eval/bin/python -m tests.eval.diarization
	@$(VENV) -m tests.eval.whole_transcript
	@$(VENV) -m tests.eval.identity

bench: setup setup-bench program ## measure speed as ratios to named peers and write docs/performance.md
	@tools/setup.sh eval
	@cmake --build --preset release --target search_bench queue_bench diarization_tool
	@$(VENV) -m tests.bench $(BENCH)

format: ## format all C++ sources in place
	@git ls-files --cached --others --exclude-standard '*.cpp' '*.hpp' | grep -v '^third_party/' \
		| xargs clang-format-19 -i

tidy: ## check the house rules (style, dependencies, secrets, formatting)
	@$(PYTHON) tools/tool.py tidy

clean: ## delete build results; the model cache stays
	@rm -rf build
