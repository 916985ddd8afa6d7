# Each target works from a clean clone: it makes .venv itself. Extra options: make serve ARGS="--port 8090"
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: serve test coverage check generate fuzz clean

serve: $(BIN)/mockspi
	@exec $(BIN)/mockspi serve $(ARGS)

test: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 $(ARGS)

# the same tests, every process measured where it runs
coverage: $(VENV)/.test
	PYTHONPATH=$(CURDIR)/tests COVERAGE_FILE=$(CURDIR)/.coverage $(BIN)/python -m pytest -n 2 --cov \
		--cov-report=term:skip-covered --cov-fail-under=95 $(ARGS)

check: $(VENV)/.check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m mockspi.docs --check

generate: $(BIN)/mockspi
	$(BIN)/python -m mockspi.docs

# schemathesis against a running server, with the committed OpenAPI; bounded to two minutes
fuzz: $(VENV)/.fuzz
	$(BIN)/python tests/fuzz.py $(ARGS)

$(BIN)/python:
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'mockspi needs Python 3.11 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)')"
	$(PYTHON) -m venv $(VENV)

$(BIN)/mockspi: $(BIN)/python setup.cfg pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.test: $(BIN)/mockspi
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

$(VENV)/.check: $(BIN)/mockspi
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[check]'
	@touch $@

$(VENV)/.fuzz: $(BIN)/mockspi
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[fuzz]'
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .coverage* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
