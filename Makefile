# Each target works from a clean clone: it makes .venv itself. Extra options: make serve ARGS="--port 8090"
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
COVERAGE ?=
MEASURED = $(if $(COVERAGE),PYTHONPATH=$(CURDIR)/tests COVERAGE_FILE=$(CURDIR)/.coverage)

.PHONY: serve test retail-coverage check generate fuzz bench bench-peers bench-growth bench-report clean

serve: $(BIN)/mockspi
	@exec $(BIN)/mockspi serve $(ARGS)

# COVERAGE=95: fail below it; every process that the tests start is measured where it runs
test: $(VENV)/.test
	$(MEASURED) $(BIN)/python -m pytest -n 3 --dist worksteal $(if $(COVERAGE),--cov --cov-report=term:skip-covered --cov-fail-under=$(COVERAGE)) $(ARGS)

# the merchant's tests alone: every line and branch of mockspi/retail, or it fails; docs/retail.md tells the rules
RETAIL := acting checkout customers day employees every_contract invariants ledger ledger_rules loyalty orders \
	received_events receiving refused_orders reorder reservations returns rewards sales shipping shop_rules slots \
	stock_events tax_booking tax_cases tax_charged tax_rules taxes
retail-coverage: COVERAGE = 100
retail-coverage: $(VENV)/.test
	$(MEASURED) $(BIN)/python -m pytest -n 2 --cov --cov-report= $(RETAIL:%=tests/test_%.py) $(ARGS)
	$(MEASURED) $(BIN)/coverage report --include='mockspi/retail/*' --show-missing --fail-under=$(COVERAGE)

check: $(VENV)/.check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m mockspi.docs --check

generate: $(BIN)/mockspi
	$(BIN)/python -m mockspi.docs

# schemathesis against a running server, with the committed OpenAPI; bounded to one minute
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
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[check,testing]'
	@touch $@

$(VENV)/.fuzz: $(BIN)/mockspi
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[fuzz]'
	@touch $@

# what .ci/run needs, in one go; by uv, which takes a seventh of pip's time, where there is one to be had
ALL := '.[check,fuzz,test,testing]'
$(VENV)/.gate: $(BIN)/python setup.cfg pyproject.toml
	{ $(BIN)/pip install --quiet --disable-pip-version-check 'uv>=0.9,<1' \
	  && UV_HTTP_TIMEOUT=15 UV_HTTP_RETRIES=0 $(BIN)/uv pip install --quiet --python $(BIN)/python --editable $(ALL); } \
	|| $(BIN)/pip install --quiet --disable-pip-version-check --editable $(ALL)
	@touch $(BIN)/mockspi && touch $(VENV)/.test $(VENV)/.check $(VENV)/.fuzz $@

# how near it comes to the server that carries it, two minutes; beside its peers, half an hour; by size, half an hour.
# All need wrk, two cores and a quiet machine, and keep sets and peers in ~/.cache/mockspi-bench.
bench: $(VENV)/.test
	$(BIN)/python benchmarks/bench.py $(ARGS)

bench-peers: $(VENV)/.test
	$(BIN)/python benchmarks/peers.py $(ARGS)

bench-growth: $(VENV)/.test
	$(BIN)/python benchmarks/growth.py $(ARGS)

# docs/performance.md and its plots, from the JSON that the three wrote there
bench-report: $(VENV)/.bench
	$(BIN)/python benchmarks/report.py

$(VENV)/.bench: $(BIN)/mockspi
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .coverage* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
