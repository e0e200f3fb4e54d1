# Two commands for newcomers: `make demo` and `make test`. Each does all the set-up it needs.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python -m

.DEFAULT_GOAL := help
.PHONY: help setup demo check quick test test-docker test-swarm test-ipvlan test-load test-installs faults soak fuzz bench lock sbom audit web-tools debian clean

help: ## Show this list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(VENV)/ready ## Make the virtual environment with everything that development needs.

$(VENV)/ready: pyproject.toml tests/set-up/venv.sh
	@PYTHON="$(PYTHON)" tests/set-up/venv.sh $(VENV)

demo: $(VENV)/ready ## A pretend building with four cameras at http://127.0.0.1:8080/ (LISTEN=host:port to change it).
	@exec $(BIN)/gateway demo

debian: ## Install the Debian packages that the tests need (root or sudo; else says what is missing).
	@tests/set-up/debian.sh

web-tools: debian tests/node_modules/.ready
tests/node_modules/.ready: tests/package.json
	cd tests && npm install --no-audit --no-fund --no-package-lock --loglevel=error && touch node_modules/.ready

check: $(VENV)/ready web-tools ## Format, lint, types, arrows, the page's types and the quick tests: about a minute on two quiet cores.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	tests/node_modules/.bin/tsc -p tests/tsconfig.json
	$(MAKE) --no-print-directory quick RERUN="$(RERUN)"

quick: $(VENV)/ready
	$(RUN) pytest -q -n 4 $(RERUN) -m "not slow and not browser and not gstreamer and not netns and not docker" tests/rooms tests/house tests/fuzz tests/soak

# Real browsers, cameras and engines on two busy cores: a test that fails is tried once more, and
# both tries are listed at the end, so that a flake is seen without throwing a whole run away.
RERUN :=
test: RERUN := --reruns 1 --reruns-delay 1 -raR
test: export HYPOTHESIS_PROFILE = thorough
test: debian check ## Everything: the checks, then real cameras, browsers and peers.
	$(RUN) pytest -q -n 2 --dist loadfile $(RERUN) -m "(slow or browser or gstreamer or netns) and not docker" tests
	$(RUN) pytest -q $(RERUN) -m docker tests
	$(MAKE) --no-print-directory test-ipvlan audit

test-docker: debian $(VENV)/ready ## Containers on a private Docker Engine with its own LANs, the Swarm too (root; eleven minutes).
	$(RUN) pytest -q -m docker tests

test-swarm: debian $(VENV)/ready ## A Docker Swarm of two machines, one of which loses its power (root; four minutes; part of test).
	$(RUN) pytest -q -s -m swarm tests/swarm

# Where the machine's packages cannot be installed, its tests are skipped and say so.
test-ipvlan: $(VENV)/ready ## The first installation, on ipvlan in a small virtual machine (root; eight minutes of processor time).
	-@tests/set-up/debian.sh debootstrap qemu-system-x86 cpio
	$(RUN) pytest -q -rs -m machine tests/ipvlan

test-installs: debian $(VENV)/ready ## The guide on fresh Debian 12, 13 and Ubuntu 24.04 (root, the mirrors; ten minutes).
	$(RUN) pytest -q -rs tests/installs

faults: debian $(VENV)/ready ## Break everything five times (FAULTS="names", TIMES=5) and count the seconds; rewrites tests/faults/README.md.
	$(RUN) tests.faults $(FAULTS) --times $(or $(TIMES),5)

MINUTES ?= 45
soak: $(VENV)/ready ## Comings and goings for MINUTES=45; the table of all such runs goes into tests/soak/README.md.
	$(RUN) tests.soak tests/out/soak --minutes $(MINUTES)

SECONDS_EACH ?= 60
fuzz: $(VENV)/ready ## Fuzz every parser that strangers reach (SECONDS_EACH=60); kept inputs stay in tests/fuzz/corpus.
	$(RUN) tests.fuzz --keep --table --seconds $(SECONDS_EACH)

test-load: debian $(VENV)/ready ## Crowds of 60 and 40 come and leave: media servers and containers follow (small ones are part of test); a thousand buildings (12 minutes).
	LOAD_GUESTS=60 $(RUN) pytest -q -s tests/e2e/test_load.py
	LOAD_GUESTS=40 $(RUN) pytest -q -s tests/docker/test_load.py
	$(RUN) tests.bench.day
	$(RUN) tests.bench.thousand

bench: debian $(VENV)/ready ## Measure against Janus and the C floor; rewrites tests/bench/README.md (several minutes).
	$(RUN) tests.bench

lock: $(VENV)/ready ## Lock the libraries that are installed (docs/install/*.lock); UPGRADE=--upgrade takes newer ones.
	tests/set-up/lock.sh $(BIN)/uv $(UPGRADE)

sbom: $(VENV)/ready ## Write the bill of materials (CycloneDX) to dist/sbom.json.
	tests/set-up/sbom.sh $(BIN) dist/sbom.json

audit: $(VENV)/ready ## Compare the locked libraries with published advisories, where the network lets us.
	tests/set-up/audit.sh $(BIN)

clean: ## Remove what the targets above have made.
	rm -rf $(VENV) dist tests/node_modules tests/out tests/bench/out
