# Carewire: everything a developer or a newcomer runs. `make help` lists it.
# Needs python3 >= 3.11 and make; brings uv, Kafka, Java and Postgres by itself.

PYTHON ?= python3
# A uv on PATH is used if there is one; else one is installed for this checkout alone.
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN := $(UV) run --frozen --no-sync
SOURCES := libs services deploy tests examples
# A file of tests shares its servers and its setting; files are taken in the order that tests/conftest.py gives them.
BY_FILE := --dist loadfile --no-loadscope-reorder
UNIT := $(wildcard tests/*/unit)
INTEGRATION := $(wildcard tests/*/integration)
HOUSES := $(wildcard tests/chaos/test_*.py) tests/e2e
# What decides, and neither reads nor writes: `make coverage` fails where its pure tests leave a branch out.
CORE := libs/contracts/*,services/*/carewire_*/domain/*
# Whatever the environment says: what one process compiled, the dozens that follow need not compile again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup install run demo test test-unit coverage lint format types contracts pure-tests tests-on-servers campaign side-by-side kill-engine kill-worker isolation chaos chaos-planted chaos-smoke bench clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: install ## Install everything, from the lock file
	@echo "Installed. Next: make demo (see it work) or make test (check it)."

# Bytecode is compiled once here, or each of a dozen processes would compile it at its start.
install: $(UV)
	@test -d .venv || echo "Installing the locked Python packages into .venv (once, about half a minute) ..."
	@$(UV) sync --frozen --compile-bytecode --quiet

.tools/bin/uv:
	@$(PYTHON) deploy/bootstrap/install_uv.py uv.lock $@

run: install ## Start the whole system with a sample care flow; Ctrl-C stops it
	@$(RUN) carewire run

demo: install ## Show one journey from webhook to signed delivery, then exit
	@$(RUN) carewire demo

test: install ## Run all tests, on real Kafka and real Postgres
	@# What only computes fills the moments in which the others wait. What is timed has the machine to itself.
	@$(MAKE) --no-print-directory -j 2 pure-tests tests-on-servers
	@$(RUN) pytest $(INTEGRATION) tests/e2e -m timed

# One process: to share so many small tests out to several takes a third of the time that they take.
# It speaks at its end only, for the others report meanwhile.
pure-tests:
	@told=$$(nice -n 5 $(RUN) pytest -q $(UNIT) 2>&1) || { echo "$$told"; exit 1; }; echo "$$told" | tail -n 1

tests-on-servers:
	@# Most wait for servers as much as they compute, so that four share even two cores well, and houses of many
	@# processes three.
	@$(RUN) pytest $(INTEGRATION) -m "not timed" -n 4 $(BY_FILE)
	@# The campaign of faults has servers of its own, and takes longest: so it is begun first.
	@$(RUN) pytest $(HOUSES) -m "not timed" -n 3 $(BY_FILE)

coverage: install ## Name the branches that no test takes; pure tests have to take all of the core's
	@# Tests that are measured are half as fast, so each runs once: what is pure, then what needs servers.
	@$(RUN) pytest -m unit -n 4 $(BY_FILE) --cov --cov-report=
	@$(RUN) coverage report --include='$(CORE)' --fail-under=100
	@$(RUN) pytest -m "not unit and not e2e" -n 4 $(BY_FILE) --cov --cov-append --cov-report=term-missing:skip-covered

test-unit: install ## Run the pure tests only, without servers
	@$(RUN) pytest $(UNIT) -n auto --maxprocesses 4 $(BY_FILE)

lint: install ## Check style, the rules of the house, and that all tests can be found
	@$(RUN) ruff check $(SOURCES)
	@$(RUN) ruff format --check $(SOURCES)
	@$(RUN) lint-imports
	@# Also keeps the compiled tests, which the processes that share them would each compile anew.
	@$(RUN) pytest --collect-only -qq > /dev/null && echo "All tests can be found."

format: install ## Mend style where a tool can
	@$(RUN) ruff check --fix $(SOURCES)
	@$(RUN) ruff format $(SOURCES)

types: install ## Check types, strictly
	@$(RUN) mypy $(wildcard libs/*/carewire_* services/*/carewire_* deploy/local/carewire_*) deploy/bootstrap/install_uv.py tests

contracts: install ## Check that what services and downstream teams read stays compatible
	@$(RUN) pytest tests/contracts

campaign: install ## 100,000 calls at full speed, then again with kills; every one is reckoned
	@PYTHONPATH=tests/support $(RUN) python -m tests.chaos $(CAMPAIGN)

side-by-side: install ## 5,000 rounds of 64 calls at once about the same patients: no deadlock, nobody twice
	@CAREWIRE_ROUNDS=5000 $(RUN) pytest tests/orchestrator/integration/test_patients_side_by_side.py

kill-engine: install ## 2,000 care flows while their orchestrators are struck 20 times; all that is told is reckoned
	@CAREWIRE_TESTING_CARE_FLOWS=2000 CAREWIRE_TESTING_KILLS=20 $(RUN) pytest tests/e2e/test_engine_kills.py

kill-worker: install ## 200 deliveries a second while workers are killed 20 times; every one is reckoned
	@PYTHONPATH=tests/support $(RUN) python -m tests.chaos.worker_kills $(KILLS)

isolation: install ## Three bad neighbours among 100 endpoints, five times with and without: do the others notice?
	@PYTHONPATH=tests/support $(RUN) python -m tests.chaos.isolation $(ISOLATION)

chaos: install ## Strike everything by a seed (SEED=1 FAULTS=50) while it is called, and reckon what was promised
	@PYTHONPATH=tests/support $(RUN) python -m tests.chaos.whole_house $(if $(SEED),--seed $(SEED)) $(if $(FAULTS),--faults $(FAULTS)) $(if $(PROOF),--proof $(PROOF))

chaos-planted: install ## Plant bugs, one after the other, and see that such a campaign finds each (BUGS="...")
	@PYTHONPATH=tests/support $(RUN) python -m tests.chaos.planted_bugs $(BUGS)

chaos-smoke: install ## Twenty faults, always the same, in a minute or two; a part of make test
	@$(RUN) pytest tests/chaos/test_smoke.py

bench: install ## Measure costs beside the bare ceiling; PARTS="ingress request-log" for some of them
	@PYTHONPATH=tests/support $(RUN) python -m tests.bench $(PARTS) $(if $(REPORT),--report $(REPORT))

clean: $(UV) ## Remove the local stack's data
	@$(RUN) carewire clean
