# Needs python3 >= 3.11 and make; everything else is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test soak lint clean
.DEFAULT_GOAL := help

help:
	@echo "make demo   install, score a synthetic registry with known truth, print the table"
	@echo "make test   install, check style and types, run the tests (under 15 minutes)"
	@echo "make soak   the long tests"

.venv/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("python3 >= 3.11 is needed, this is %d.%d" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

.venv/.installed-dev: .venv/.installed
	$(BIN)/python -m pip install --quiet --editable '.[dev,seg,network]'
	touch $@

demo: .venv/.installed
	rm -rf demo-results
	$(BIN)/calcarium demo --out demo-results

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	$(BIN)/python -m pytest -m "not slow"

soak: .venv/.installed-dev
	$(BIN)/python -m pytest -m slow

clean:
	rm -rf .venv demo-results dist build
