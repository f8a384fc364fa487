# Every command a person needs; docs/quick-start.md tells what for.

HOST ?= 127.0.0.1
PORT ?= 8000

PYTHON := .venv/bin/python
INSTALLED := .venv/.installed
COMPILE := $(PYTHON) -m uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-header

.DEFAULT_GOAL := help
.PHONY: help setup demo run test check lint bench chaos lock screenshots clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' $(MAKEFILE_LIST) | expand -t 20

setup: $(INSTALLED) ## the environment in .venv, and a browser for its tests
	@.ci/browser install

$(INSTALLED): requirements-dev.lock
	@.ci/venv
	@touch $@

demo: setup ## everything with demo data and scripted providers, on http://127.0.0.1:8000
	@exec $(PYTHON) manage.py demo --host $(HOST) --port $(PORT)

run: setup ## everything, without demo data
	@$(PYTHON) manage.py migrate --verbosity=0
	@exec $(PYTHON) manage.py serve --host $(HOST) --port $(PORT)

test: setup ## all tests, on real PostgreSQL, Valkey and a browser
	@.ci/browser check
	@$(PYTHON) -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

check: lint test ## what has to be green: format, lint, types, imports, migrations, templates, tests

lint: setup
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports
	$(PYTHON) manage.py makemigrations --check --dry-run
	$(PYTHON) -m djlint templates apps --check --lint

bench: setup ## the benchmark, beside a bare proxy and those peers that are installed
	@$(PYTHON) -m tests.bench

chaos: setup ## the long runs under faults and load
	@$(PYTHON) -m pytest -m chaos

lock: $(INSTALLED) ## new requirements*.lock from requirements*.in; UPGRADE=1 for newer versions
	@$(COMPILE) $(if $(UPGRADE),--upgrade) requirements.in --output-file requirements.lock
	@$(COMPILE) $(if $(UPGRADE),--upgrade) --constraint requirements.lock \
		requirements-dev.in --output-file requirements-dev.lock

screenshots: setup ## pictures of every page into screenshots/
	@.ci/browser check
	@$(PYTHON) -m pytest tests/browser --screenshots

clean: ## away with all that was made here, development data included
	@test ! -x $(PYTHON) || $(PYTHON) -m routerctl.embedded remove
	@rm -rf .venv var staticfiles screenshots test-results build
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -prune -exec rm -rf {} +
