# Everything a developer needs, from Python 3.11+ and make: `make` lists the targets.
# Settings: PYTHON=python3.12 (the interpreter the environment is made with), PYTEST_ARGS="-k outputs" (for `make check-tests`),
# WORKERS=4 (processes that run the tests that need no SLURM), BENCH_ARGS="--quick" (for `make bench`).

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# Settings of the user's shell that would send packages elsewhere than into .venv, or foreign modules into it.
unexport PIP_USER PIP_TARGET PIP_PREFIX PIP_REQUIRE_VIRTUALENV PYTHONPATH PYTHONHOME VIRTUAL_ENV

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTHON ?=
PYTEST_ARGS ?=
WORKERS ?= 2
BENCH_ARGS ?=

# uv takes the package index that pip is configured with.
INDEX = index=$$($(BIN)/python -m pip config get global.index-url 2>/dev/null || true); \
	export UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$index}}"; \
	[ -n "$$UV_DEFAULT_INDEX" ] || unset UV_DEFAULT_INDEX;

# What mkdocs says is shown only if it fails: with --quiet it would not count its warnings, and so never fail.
BUILD_SITE = said=$$(NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --site-dir '$(1)' 2>&1) || { echo "$$said" >&2; exit 1; }

# The tests on the lab wait for SLURM's timers more than they compute: with `make -j2` all else runs beside them.
CHECKS := check-tests-lab check-format check-lint check-types check-imports check-schemas check-docs check-tests-here

.PHONY: help setup demo test bench bench-slurm dist bundle schemas reference recording screenshot docs format constraints clean \
    check-tests $(CHECKS)

help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  %-17s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(READY) ## Make .venv with everything pinned by constraints.txt

demo: $(READY) ## Watch an agent's session: start, cells, picture, error, stop
	@$(BIN)/jlab-mcp demo

test: $(CHECKS) ## Run every check: format, lint, types, imports, schemas, tests

bench: $(READY) ## Measure every figure beside its floor (table, and bench/results.json)
	@$(BIN)/python -m bench $(BENCH_ARGS)

bench-slurm: $(READY) ## The same for servers in jobs, on a real SLURM (root; bench/results-slurm.json)
	@$(BIN)/python -m bench.cluster $(BENCH_ARGS)

dist: $(READY) ## Build the source package and the wheel from it into dist/
	@rm -f dist/*.whl dist/*.tar.gz
	@$(INDEX) $(BIN)/uv build --quiet --build-constraint constraints.txt --out-dir dist

bundle: dist ## Build the bundle that MCP clients install (dist/*.mcpb)
	@rm -f dist/*.mcpb
	@$(BIN)/python -m release.bundle dist/*.whl dist

schemas: $(READY) ## Write schemas/ anew from the models
	@rm -f schemas/*.schema.json
	@$(BIN)/python -m jlab_mcp.app.schemas schemas

reference: $(READY) ## Write docs/reference/ anew from the program
	@rm -f docs/reference/*.md
	@$(BIN)/python -m docs.generate docs/reference

recording: $(READY) ## Record the terminal session of the README anew (docs/images/session.svg)
	@$(BIN)/python -m docs.record docs/images/session.svg

docs: $(READY) ## Build the documentation into site/
	@$(call BUILD_SITE,$(CURDIR)/site)

screenshot: $(READY) ## Take the picture of the live page anew (Chromium; docs/images/live-page.png)
	@$(BIN)/python -m tests.browser.screenshot docs/images/live-page.png

format: $(READY) ## Format the code and mend what ruff can mend
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

check-format: $(READY) ## Check the formatting
	@$(BIN)/ruff format --check .

check-lint: $(READY) ## Check the lint rules
	@$(BIN)/ruff check .

check-types: $(READY) ## Check the types (mypy --strict)
	@$(BIN)/mypy

check-imports: $(READY) ## Check that imports go down only
	@$(BIN)/lint-imports --no-logo

check-schemas: $(READY) ## Check that schemas/ is what the models say
	@rm -rf $(VENV)/schemas; mkdir $(VENV)/schemas
	@$(BIN)/python -m jlab_mcp.app.schemas $(VENV)/schemas
	@diff -u schemas $(VENV)/schemas || { echo 'hint: `make schemas` writes them anew' >&2; exit 1; }

check-docs: $(READY) ## Check that docs/reference/ is what the program says, and all links
	@rm -rf $(VENV)/reference; mkdir $(VENV)/reference
	@$(BIN)/python -m docs.generate $(VENV)/reference
	@diff -u docs/reference $(VENV)/reference || { echo 'hint: `make reference` writes it anew' >&2; exit 1; }
	@$(call BUILD_SITE,$(CURDIR)/$(VENV)/site)

check-tests: $(READY) ## Run the tests, or some of them (PYTEST_ARGS)
	@$(BIN)/python -m pytest -p tests.ci_skips -p tests.ci_retries $(PYTEST_ARGS)

check-tests-here: $(READY) ## Run the tests that need no SLURM
	@$(BIN)/python -m pytest -p tests.ci_skips -p tests.ci_retries -o cache_dir=.pytest_cache/here --ignore=tests/cluster \
	    --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder

check-tests-lab: $(READY) ## Run the tests on a real SLURM
	@$(BIN)/python -m pytest -p tests.ci_skips -p tests.ci_retries -o cache_dir=.pytest_cache/lab tests/cluster

constraints: $(READY) ## Renew constraints.txt with the newest versions
	@printf 'hatchling\neditables\n' > $(VENV)/build.in
	@$(BIN)/uv pip compile --quiet --upgrade --universal --fork-strategy fewest --python-version 3.11 \
	    --extra local --group dev --group docs pyproject.toml $(VENV)/build.in \
	    --no-header --no-annotate --no-emit-index-url > $(VENV)/constraints.new
	@{ sed -n '/^#/p' constraints.txt; sed 's/ ;.*//' $(VENV)/constraints.new | sort -u; } > $(VENV)/constraints.txt
	@mv $(VENV)/constraints.txt constraints.txt

clean: ## Remove what the other targets made
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build site
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# uv comes by pip, so that nothing but Python and make is needed. A .venv whose interpreter is gone or too old is made anew.
$(READY): pyproject.toml constraints.txt
	@if ! $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python); do \
	        if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	    done; \
	    if [ -z "$${found:-}" ]; then \
	        echo 'error: no Python 3.11 or newer among $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python)' >&2; \
	        echo 'hint: install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)' >&2; \
	        exit 1; \
	    fi; \
	    echo "Making $(VENV) with $$($$found --version)"; \
	    $$found -m venv --clear $(VENV) || { \
	        echo 'hint: on Debian and Ubuntu `venv` is a package of its own: apt install python3-venv' >&2; exit 1; }; \
	fi
	@echo 'Installing the packages pinned by constraints.txt'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	@$(INDEX) $(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -b constraints.txt -e '.[local]' --group dev --group docs
	@touch $@
