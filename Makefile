# `make` shows what there is to make. What a target does stands in scripts/, one file each.
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-debian13 check lint docs soak truth verdicts bench clean

VENV := .venv/bin
PYTEST := $(VENV)/python -m pytest -n auto --dist worksteal

help: ## show this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

setup: ## system packages, .venv, mpy and the tools of its developers: what is missing
	@scripts/setup dev

demo: ## set up what is needed; configure, build and run examples/hello
	@scripts/setup demo
	@scripts/demo

test: setup ## set up what is needed; run all tests
	$(PYTEST) $(ARGS)

test-debian13: ## the demo, examples and integration tests on Debian 13, in a root folder that it makes
	@scripts/test-debian13 $(ARGS)

check: setup ## the tests that take less than a minute
	$(PYTEST) -m "not slow and not ocaml and not solo5 and not qemu and not kvm" $(ARGS)

lint: setup ## ruff, mypy --strict, pyright, import-linter
	@scripts/lint

docs: setup ## the documentation, as docs/_build/html/index.html
	$(VENV)/python -m sphinx -W --keep-going -q -j auto -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

MINUTES ?= 15

soak: setup ## kills, signals, parallel commands, links and hostile input for MINUTES=15, with counts
	$(VENV)/python -m benchmarks.soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(ARGS)

truth: setup ## links and runs every installed library on spt, and compares with the verdicts; WORK=folders of verdicts too
	$(VENV)/python -m benchmarks.truth $(foreach folder,$(WORK),--work $(folder)) $(ARGS)

verdicts: setup ## renews the table of verdicts from the sources in SOURCES, built and run for spt and unix
	$(VENV)/python -m benchmarks.verdicts --sources $(SOURCES) $(ARGS)

bench: setup ## the figures of benchmarks/figures.md, taken on this machine
	$(VENV)/python -m benchmarks.run $(ARGS)

clean: ## remove what these targets made, but not .venv
	@scripts/clean
