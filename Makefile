# make demo    install into .venv and scan the synthetic market
# make test    install what the tests need and run them
# make check   the tests, and ruff, mypy, import-linter
# make faults  the fault campaign: make faults SEEDS=10000, or SEED=17 to replay one (docs/faults.md)
# make bench   measure a scan and a backtest (BARS=FILE: on real bars); plain text and benchmarks/results/*.json

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
TESTS ?= tests
SEEDS ?= 200

.PHONY: demo test check lint faults bench clean

demo: $(VENV)/installed
	$(BIN)/momentum scan --at close-30m

test: $(VENV)/installed-test
	$(BIN)/python -m pytest -n auto $(TESTS)

check: lint test

lint: $(VENV)/installed-check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

faults: $(VENV)/installed-test
	cd tests && $(abspath $(BIN))/python -m faults.run $(if $(SEED),--seed $(SEED),--seeds $(SEEDS))

bench: $(VENV)/installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python benchmarks/scan.py
	$(BIN)/python benchmarks/backtest.py $(if $(BARS),--bars $(BARS)) --large

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "momentum needs Python 3.11 or newer; name one: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/installed-test: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ $(VENV)/installed

$(VENV)/installed-check: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[check]'
	@touch $@ $(VENV)/installed $(VENV)/installed-test

clean:
	rm -rf $(VENV) build dist engine/*.egg-info *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
