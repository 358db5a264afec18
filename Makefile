# Everything here works from a fresh clone with Python 3.11 to 3.14 and make; the environment is set up on first use.
#   make PYTHON=/path/to/python3.12 ...   picks the interpreter for a new environment
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo ui test e2e bench fuzz mutants siege test-live chaos check audit compat matrix dist wheel-check docs screenshots constraints clean

VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
PYTHON ?=
AIRFLOW ?= 3.3.2
OLDER := 3.2.2 3.1.8

# Airflow starts its own parts as plain "airflow", so the environment comes first in PATH.
export PATH := $(abspath $(BIN)):$(PATH)
export PYTHONPATH := $(CURDIR)
# Compiled once at installation; writing byte code later would only leave files in the checkout.
export PYTHONDONTWRITEBYTECODE := 1

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

$(READY): pyproject.toml setup.cfg $(wildcard constraints/*.txt) .ci/make-venv
	@PYTHON="$(PYTHON)" AIRFLOW="$(AIRFLOW)" .ci/make-venv "$(VENV)"

demo: $(READY)  ## three days of files from a bucket into a local Encord, read back and compared
	@$(BIN)/python -m demo run

ui: $(READY)  ## the same services with Airflow's web UI, for clicking; Ctrl-C ends it
	@exec $(BIN)/python -m demo ui

test: $(READY)  ## all tests; ARGS="-k name" picks some
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile $(ARGS)

e2e: $(READY)  ## only the tests in a browser: a whole Airflow, clicked (needs Chromium)
	$(BIN)/python -m pytest tests/e2e $(ARGS)

test-live: $(READY)  ## the emulator's tests against the real Encord, with the key in ENCORD_LIVE_KEY_FILE
	$(BIN)/python -m pytest -m live tests/emulator/sdk $(ARGS)

chaos: $(READY)  ## 2,000 imports in which something fails or dies, and the table of what was lost; ARGS="--seed 2"
	@$(BIN)/python -m tests.chaos --schedules 2000 $(ARGS)

fuzz: $(READY)  ## 200,000 random cases against independent oracles, and the table of what differs; ARGS="--seed 2"
	@$(BIN)/python -m tests.oracles --cases 200000 $(ARGS)

mutants: $(READY)  ## small changes of the code that the tests must notice; ARGS="--seed 2 --most 100 --module window"
	@test -x .venv-mutants/bin/mutmut || { $(BIN)/uv venv --quiet --python $(BIN)/python .venv-mutants && \
	  $(BIN)/uv pip install --quiet --python .venv-mutants/bin/python --constraint "$$(cat $(READY))" \
	  "apache-airflow==$(AIRFLOW)" --editable ".[emulator]" --group mutation; }
	@.venv-mutants/bin/python -m tests.mutation $(ARGS)

siege: $(READY)  ## 10,000 malformed inputs within bounds of time and memory, and the table of what came; ARGS="--seed 2"
	@$(BIN)/python -m tests.siege --cases 10000 $(ARGS)

bench: $(READY)  ## measure, beside the alternatives, and write docs/benchmarks.md; ARGS="--only listing" picks some
	@test -x .venv-bench/bin/python || { $(BIN)/uv venv --quiet --python $(BIN)/python .venv-bench && \
	  $(BIN)/uv pip install --quiet --python .venv-bench/bin/python --constraint "$$(cat $(READY))" \
	  "apache-airflow==$(AIRFLOW)" apache-airflow-providers-dbt-cloud apache-airflow-providers-databricks; }
	@$(BIN)/python -m benchmarks --write docs/benchmarks.md $(ARGS)

check: $(READY)  ## lint, format, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports --no-cache
	$(BIN)/bandit --quiet --severity-level medium --recursive encord_provider dags

audit: $(READY)  ## known vulnerabilities of the pinned versions
	@.ci/audit $(abspath $(BIN))/uv constraints/airflow-$(AIRFLOW)-*.txt

compat:  ## the demo on the older Airflows that are supported, side by side, each in an environment of its own
	@mkdir -p .demo; runs=(); for airflow in $(OLDER); do \
	  $(MAKE) demo AIRFLOW=$$airflow VENV=.venv-$$airflow >.demo/compat-$$airflow.log 2>&1 & runs+=("$$airflow:$$!"); done; \
	failed=0; for run in "$${runs[@]}"; do \
	  echo "== Airflow $${run%:*}"; wait "$${run#*:}" || failed=1; cat ".demo/compat-$${run%:*}.log"; done; exit $$failed

matrix: $(READY)  ## the tests on every supported Airflow and Python; ARGS="--cells 3.1.8-3.11,lowest" picks some
	@$(BIN)/python .ci/matrix.py $(ARGS)

dist: $(READY)  ## the wheel and the source distribution, in dist/; the same bytes whenever they are built
	@$(BIN)/python .ci/build_dist.py dist

wheel-check: $(READY)  ## build both, check them, install the wheel into an empty environment, look at it through Airflow
	@AIRFLOW="$(AIRFLOW)" .ci/wheel-check "$(abspath $(BIN))/python"

docs: $(READY)  ## the documentation as a site, in site/; a link that leads nowhere fails
	@test -x .venv-docs/bin/mkdocs || { $(BIN)/uv venv --quiet --python $(BIN)/python .venv-docs && \
	  $(BIN)/uv pip install --quiet --python .venv-docs/bin/python --constraint docs/requirements.txt mkdocs-material; }
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --quiet --strict && echo "docs: good, open site/index.html"

screenshots: $(READY)  ## the pictures of the README and of the documentation (needs Chromium)
	@$(BIN)/python -m demo screenshots
	PICTURES=docs/images $(BIN)/python -m pytest tests/e2e

constraints: $(READY)  ## resolve the tested versions anew
	@UV="$(BIN)/uv" .ci/update-constraints

clean:  ## remove everything that the targets above leave behind
	rm -rf "$(VENV)" .venv-* .matrix .mutants .demo build dist site
	rm -rf *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
