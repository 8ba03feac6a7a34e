# The front door: `make demo` runs the main job, `make test` passes the tests; each prepares .venv by itself.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed
SOURCES := aggregator auditor cli client crypto custodian protos rules
# A module's tests share their studies, so a module stays in one process; four are enough for memory.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadscope
DEMO_OPTIONS ?=
DP ?=
EPSILON ?= 3
BENCH_OPTIONS ?=
FLOWER ?= --with-flower

.PHONY: demo statistics test quick setup check format protos vectors bench help

help: ## what each target does
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $(STAMP)

setup: $(STAMP) ## create .venv and install everything

demo: $(STAMP) ## four hospitals train a model together through both seals; DP=1 hides their records
	$(BIN)/blindsum demo $(if $(filter-out 0,$(DP)),--epsilon $(EPSILON)) $(DEMO_OPTIONS)

statistics: $(STAMP) ## four hospitals count their patients together; DP=1 hides their records
	$(BIN)/blindsum demo-statistics $(if $(filter-out 0,$(DP)),--epsilon $(EPSILON))

test: $(STAMP) ## the whole test suite, real processes included
	$(PYTEST)

quick: $(STAMP) ## the tests that take less than a second
	$(PYTEST) -m 'not slow'

check: $(STAMP) ## lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP) ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

protos: $(STAMP) ## generate the wire code from protos/blindsum_protos/v1/*.proto
	$(BIN)/python protos/generate.py

vectors: $(STAMP) ## write the known-answer vectors again from their scripts
	$(BIN)/python tests/vectors/generate.py

bench: $(STAMP) ## seals, masks, privacy, compression beside peers and bare limits; FLOWER= leaves Flower out
	set -e; for each in benchmarks/bench_*.py; do \
		case $$each in *masking*) peer="$(FLOWER)";; *) peer=;; esac; \
		$(BIN)/python $$each $$peer $(BENCH_OPTIONS); done
