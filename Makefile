# Needs Python 3.11+ and a package index that pip knows. `make help` lists what there is.

VENV := .venv
PYTHON := $(VENV)/bin/python
INSTALL := $(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement
ELSEWHERE := "Not installed: see above. Where wheels are missing (not glibc Linux or macOS), build the Dockerfile instead."
LOCK := $(VENV)/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help run test check fix chaos bench vertex setup lock

help: ## list what there is
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' Makefile | expand -t 14

run: $(VENV)/run.stamp ## start the bot: every platform whose tokens are set, else the local web workspace
	@$(PYTHON) -m bot run

test: setup ## all tests
	@$(PYTHON) -m pytest -n auto

check: setup ## everything a change has to pass: lint, format, types, layers, tests with coverage
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(PYTHON) -m pytest -n auto --cov

fix: setup ## mend what the linter and the formatter can mend
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

chaos: setup ## kill every process at every step, many times, and count what is lost or doubled
	@$(PYTHON) -m tests.chaos
	@$(PYTHON) -m tests.chaos.discord --times 42
	@$(PYTHON) -m tests.chaos.slack --times 42

bench: setup ## measure latency, polls, memory, store size, outages and acknowledgements
	@$(PYTHON) -m tests.bench
	@$(PYTHON) -m tests.bench.outage
	@$(PYTHON) -m tests.bench.discord
	@$(PYTHON) -m tests.bench.slack_acks
	@$(PYTHON) -m tests.bench.references

vertex: $(VENV)/run.stamp ## install what Vertex AI needs besides
	@$(INSTALL) requirements-vertex.lock

setup: $(VENV)/dev.stamp ## install what development needs

lock: setup ## raise the locked versions to the newest that pyproject.toml allows
	$(LOCK) --output-file requirements.lock
	$(LOCK) --extra vertex --constraint requirements.lock --output-file requirements-vertex.lock
	$(LOCK) --group dev --extra vertex --constraint requirements.lock --output-file requirements-dev.lock

$(VENV)/run.stamp: requirements.lock | $(PYTHON)
	@echo "Installing what the bot needs (once, and when the lock changes) …"
	@$(INSTALL) $< || { echo $(ELSEWHERE) >&2; exit 1; }
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock $(VENV)/run.stamp | $(PYTHON)
	@echo "Installing what development needs …"
	@$(INSTALL) $< || { echo $(ELSEWHERE) >&2; exit 1; }
	@touch $@

$(PYTHON):
	@for python in python3.13 python3.12 python3.11 python3.14 python3; do \
		if $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			exec $$python -m venv --clear $(VENV); \
		fi; \
	done; \
	echo "Python 3.11 or later with its venv module is needed (Debian and Ubuntu: apt install python3-venv)." >&2; \
	exit 1
