# Carewire: everything a developer or a newcomer runs. `make help` lists it.
# Needs python3 >= 3.11 and make; brings uv, Kafka, Java and Postgres by itself.

UV_VERSION := 0.13.9
PYTHON ?= python3
# A uv on PATH is used if there is one; else one is installed for this checkout alone.
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN := $(UV) run --frozen --no-sync
SOURCES := libs services deploy tests examples

.DEFAULT_GOAL := help
.PHONY: help setup run demo test test-unit lint format types contracts bench clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(UV) ## Install everything, from the lock file
	@$(UV) sync --frozen --compile-bytecode
	@echo "Installed. Next: make demo (see it work) or make test (check it)."

.tools/bin/uv:
	@echo "uv is not on PATH: installing uv $(UV_VERSION) into .tools"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Carewire needs Python 3.11 or newer; set PYTHON=/path/to/python3.11 and run this again."; exit 1; }
	@$(PYTHON) -m venv .tools 2>/dev/null && .tools/bin/python -m pip install --quiet uv==$(UV_VERSION) \
		|| { $(PYTHON) -m pip install --quiet --prefix .tools uv==$(UV_VERSION) && test -x .tools/bin/uv; } \
		|| { echo "Could not install uv; install it by hand (see its documentation) and run this again."; exit 1; }

run: setup ## Start the whole system with a sample care flow; Ctrl-C stops it
	@$(RUN) carewire run

demo: setup ## Show one journey from webhook to signed delivery, then exit
	@$(RUN) carewire demo

test: setup ## Run all tests, on real Kafka and real Postgres
	@$(RUN) pytest --cov --cov-report=term:skip-covered

test-unit: setup ## Run the pure tests only: seconds, no servers
	@$(RUN) pytest -m unit

lint: setup ## Check style and the rules of the house
	@$(RUN) ruff check $(SOURCES)
	@$(RUN) ruff format --check $(SOURCES)
	@$(RUN) lint-imports

format: setup ## Mend style where a tool can
	@$(RUN) ruff check --fix $(SOURCES)
	@$(RUN) ruff format $(SOURCES)

types: setup ## Check types, strictly
	@$(RUN) mypy $(wildcard libs/*/carewire_* services/*/carewire_* deploy/local/carewire_*) tests

contracts: setup ## Check that what services and downstream teams read stays compatible
	@$(RUN) pytest tests/contracts

bench: setup ## Measure cost per operation beside the bare ceiling (reports, asserts nothing)
	@$(RUN) python -m tests.bench

clean: $(UV) ## Remove the local stack's data
	@$(RUN) carewire clean
