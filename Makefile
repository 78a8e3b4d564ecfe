# Every task of the project; `make help` lists them. Each does its own set-up.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup dev demo test check format bench bench-stack faults docs lock clean
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	--custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade)
DEMO_OPTIONS := $(if $(ONCE),--once) $(if $(ITEMS),--items $(ITEMS)) $(if $(PORT),--port $(PORT))
# Runs $(1) with the three servers up, and stops them afterwards if they were not up before. It is not the last command of the
# line, since then it would take the place of the shell, and of its trap.
with_servers = $(BIN)/smallpool stack status >/dev/null 2>&1 || trap '$(BIN)/smallpool stack down' EXIT; \
	$(BIN)/smallpool stack up; $(1) || exit $$?

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1\t\2/p' Makefile | expand -t 24

setup: ## make .venv with the serving dependencies and .venv/bin/smallpool (DISTRIBUTED=1 adds the clients of the three engines)
	@deploy/setup.sh $(if $(DISTRIBUTED),distributed,serve)

dev:
	@deploy/setup.sh dev

demo: setup ## listings, buyers and real pages in the terminal, then the API (ONCE=1 ends there; ITEMS=, PORT=)
	@$(BIN)/smallpool demo $(DEMO_OPTIONS)

test: check ## set up everything, check, then run the whole suite in two processes (JOBS=); the servers that it started end with it
	@$(call with_servers,$(BIN)/pytest --numprocesses $(or $(JOBS),2) --dist loadgroup)

check: dev ## lint, formatting, types, who may import whom, and what deploy/ holds against its schemas
	@$(BIN)/ruff check --quiet --output-format concise
	@$(BIN)/ruff format --quiet --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/pytest -q tests/house/test_chart.py tests/house/test_compose.py

format: dev ## rewrite the code in the one format
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format

bench: setup ## time recall and ingest at full size, as JSON
	@$(BIN)/smallpool bench recall --json
	@$(BIN)/smallpool bench ingest --json

bench-stack: dev ## time the distributed wiring against bare searches and two services written by hand, as JSON
	@$(call with_servers,$(BIN)/smallpool bench stack --json)

faults: dev ## the long forms of the fault cases
	@$(call with_servers,$(BIN)/pytest -m faults_long)

docs: setup ## rewrite the generated tables in docs/
	@$(BIN)/python -m smallpool_config.docs

lock: dev ## rewrite requirements/*.txt from pyproject.toml (UPGRADE=1 takes newer versions)
	@$(LOCK) --group build -o requirements/build.txt
	@$(LOCK) pyproject.toml -c requirements/build.txt -o requirements/serve.txt
	@$(LOCK) pyproject.toml --extra distributed -c requirements/serve.txt -o requirements/distributed.txt
	@$(LOCK) pyproject.toml --extra distributed --extra train --group dev -c requirements/distributed.txt -o requirements/dev.txt

clean: ## remove .venv and everything that tools made
	@rm -rf .venv build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
