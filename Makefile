# The environment lives in $(VENV). A stamp file in it is newer than pyproject.toml exactly when
# the environment has what pyproject.toml asks for, so every target below works in a fresh clone.

PYTHON  ?= python3
VENV    ?= .venv
WORKERS ?= 2
# `make bench BENCH_PYTHON=...` times with another environment, such as one that has torch and jax.
BENCH_PYTHON ?= $(VENV)/bin/python
BENCH_ARGS   ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input

.PHONY: help demo test check bench browser screenshots clean

help:
	@echo "make demo    train on the Adult census table that ships with the package"
	@echo "make test    every test, the examples in the docs and docstrings included"
	@echo "make check   format, lint, types and the architecture's rules, in seconds"
	@echo "make bench   time chainrule beside its peers"
	@echo "make screenshots  draw the pictures of the page that the docs show"
	@echo "make clean   remove what the other targets left behind, the environment excepted"

demo: $(VENV)/core.stamp
	$(BIN)/chainrule train sample:adult

test: $(VENV)/dev.stamp browser
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal

check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

bench: $(VENV)/core.stamp
	PYTHONPATH=src:. $(BENCH_PYTHON) -m benchmarks $(BENCH_ARGS)

# The page is tested in Debian's Chromium. Root on Debian gets it by this target; others are told.
browser:
	@command -v chromium >/dev/null || { \
	  test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
	  echo "installing Chromium" && apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	    chromium fonts-dejavu-core >/dev/null; \
	} || echo "the tests of the page need Chromium: install it as chromium" >&2

screenshots: $(VENV)/dev.stamp browser
	PYTHONPATH=src:. $(BIN)/python -m tests.app.serve.screenshots docs/images

clean:
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "chainrule needs Python 3.11 or newer: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "making the environment $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/core.stamp: pyproject.toml | $(BIN)/python
	@echo "installing chainrule"
	@$(PIP) install --editable .
	@touch $@

# The development environment is a core environment too.
$(VENV)/dev.stamp: pyproject.toml | $(BIN)/python
	@echo "installing chainrule and the development tools"
	@$(PIP) install --editable '.[dev]'
	@touch $(VENV)/core.stamp $@
