# Everything runs in .venv; `make setup` is a prerequisite of the rest and does nothing when it is up to date.
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.up-to-date
DEMO ?= demo

.DEFAULT_GOAL := help
.PHONY: help setup tools demo demo-live test check format prove screenshots evaluate bench lock docs clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv with the locked packages

$(STAMP): requirements.lock pyproject.toml scripts/setup
	@PYTHON=$(PYTHON) sh scripts/setup
	@touch $@

tools: ## install the programs that tests compare with (Debian packages; needs root, else names the command)
	@sh scripts/tools

demo: $(STAMP) ## simulate an access network, find the infected lines, write demo/report.html
	@$(BIN)/python scripts/demo.py $(DEMO)

demo-live: $(STAMP) ## everything in real time for four minutes: cases, notices, recovery; a console and a portal to sign in
	@$(BIN)/python scripts/demo_live.py $(DEMO)-live

# Four at once on two cores: tests of real daemons wait more than they work.
test: $(STAMP) tools check ## everything that must hold: check, then all tests
	$(BIN)/pytest -q -n 4

check: $(STAMP) ## format, lint, types, layers, sizes, generated docs
	$(BIN)/ruff format --check --quiet src tests bench evaluate scripts
	$(BIN)/ruff check --quiet src tests bench evaluate scripts
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/sizes.py
	$(BIN)/python scripts/reference.py --check

format: $(STAMP) ## format and mend what can be mended
	$(BIN)/ruff format src tests bench evaluate scripts
	$(BIN)/ruff check --fix src tests bench evaluate scripts

docs: $(STAMP) ## write the generated pages of docs/reference
	$(BIN)/python scripts/reference.py

screenshots: $(STAMP) tools ## the pictures of the README, from the story that `make prove` walks through
	SCREENSHOTS=docs/images $(BIN)/pytest -q -m prove -p no:randomly tests/acceptance/test_story.py

evaluate: $(STAMP) ## measure recall, innocence, delay and detectability against simulated truth (hours)
	$(BIN)/python -m evaluate --write

bench: $(STAMP) ## measure the budgets next to nfacctd on the same capture
	$(BIN)/python -m bench

prove: $(STAMP) tools ## long proofs; writes docs/reference/ with commit and machine
	$(BIN)/python scripts/prove.py

lock: $(STAMP) ## renew requirements.lock
	@sh scripts/lock

clean: ## remove what can be made again
	rm -rf .venv $(DEMO) $(DEMO)-live build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
