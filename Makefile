# What a checkout can do. `make demo` and `make test` need nothing but Python 3.11, git and make.
# What is installed already, or else vLLM's CPU build.
EXTRA ?= $(or $(word 2,$(subst -, ,$(notdir $(wildcard .venv/.statewise-*)))),cpu)
PORT ?= 8000
BIN := .venv/bin
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

.PHONY: help install demo serve stop test test-all check fix docs examples bench clean

help:  ## show this
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

install:  ## create .venv and install (EXTRA=cpu, gpu or base)
	@scripts/install $(EXTRA)

demo: install  ## serve the shipped reasoner, solve a problem, leave the server running
	@$(BIN)/statewise demo --port $(PORT)

serve: install  ## serve the shipped reasoner in the foreground
	@$(BIN)/statewise serve --port $(PORT)

stop:  ## stop the servers of this machine
	@$(BIN)/statewise stop

test: install  ## all tests, with the real engine
	@$(PYTEST)

test-all: install  ## the same with long fuzzing, whole data sets, and every step killed everywhere
	@HYPOTHESIS_PROFILE=long $(PYTEST)

check: install  ## lint, types and the quick tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(PYTEST) -q -m "not engine and not slow"

fix: install  ## format and mend what the linter can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: install  ## build the documentation site, links checked, in build/docs/site
	@$(BIN)/python -m scripts.site

examples: install  ## the frameworks of examples/ in .venv-examples, for the examples and their tests
	@test -x .venv-examples/bin/pip || $(BIN)/python -m venv .venv-examples
	@.venv-examples/bin/python -m pip install --disable-pip-version-check --quiet -r requirements/examples.txt

bench: install  ## what parsing, checking and serving cost
	@$(BIN)/python -m benchmarks.reading
	@$(BIN)/python -m benchmarks.serve

clean:  ## remove caches; .venv, runs and checkpoints stay
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	@find . -name __pycache__ -not -path './.venv*' -type d -prune -exec rm -rf {} +
