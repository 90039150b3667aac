# Everything a developer or a curious user runs. Each target installs what it needs into .venv.
PYTHON ?= python3
BIN := .venv/bin
# What the tests use besides Python: a browser, a clock shim, a database server, and npm for two judges of our output.
PACKAGES := chromium chromium-driver faketime fonts-dejavu-core postgresql $(if $(shell command -v npm),,nodejs npm)

.PHONY: demo report models test test-unit test-image lint image bench mutants audit release packages clean

demo: .venv/ready
	@$(BIN)/python -m demo

report: .venv/ready
	@$(BIN)/python -m demo.report

# The dbt package on the demo's file, with invented prices. dbt has an environment of its own.
DBT := $(BIN)/uv run --quiet --isolated --no-project --python $(BIN)/python --with-requirements demo/dbt/requirements.txt dbt
models: export DBT_PROJECT_DIR = demo/dbt
models: export DBT_PROFILES_DIR = demo/dbt
models: export DBT_TARGET_PATH = $(CURDIR)/demo-output/dbt
models: export DBT_LOG_PATH = $(CURDIR)/demo-output/dbt
models: .venv/ready
	@test -f demo-output/magnific.duckdb || { echo "There is no demo-output/magnific.duckdb: run  make demo  first."; exit 1; }
	@$(DBT) --quiet deps
	@$(DBT) build
	@$(DBT) --quiet show --inline "select scope, name, credits, allowance, percent_used, forecast_threshold \
	from {{ ref('magnific__budget') }} where is_current_month and scope <> 'person' order by scope desc, credits desc"

test: .venv/ready packages
	$(BIN)/python -m pytest -m "not image"

test-unit: .venv/ready
	$(BIN)/python -m pytest source_magnific_analytics unit_tests

# Builds the image and runs the connector in it; needs a Docker engine (.ci/engine brings one up).
test-image: .venv/ready
	$(BIN)/python -m pytest -m image

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy source_magnific_analytics sandbox demo benchmarks

image:
	DOCKER_BUILDKIT=1 docker build --tag airbyte/source-magnific-analytics:dev .

bench: .venv/ready
	$(BIN)/python -m benchmarks

# What `make mutants` lists at the end survived: no test noticed the change.
mutants: .venv/ready
	$(BIN)/mutmut run
	$(BIN)/mutmut results

# requirements.lock is made from setup.py; the audit asks the vulnerability database about exactly what the image has.
audit: .venv/ready
	$(BIN)/pip-audit --requirement requirements.lock --disable-pip
	$(BIN)/pip-licenses --packages $$(sed -n 's/^\([A-Za-z0-9_.-]*\)==.*/\1/p' requirements.lock) --order=license

release: .venv/ready
	rm -rf dist build
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*
	$(PYTHON) -m venv dist/.venv
	dist/.venv/bin/pip install --quiet dist/*.whl
	dist/.venv/bin/source-magnific-analytics spec
	rm -rf dist/.venv build

packages:
	@missing=$$(for name in $(PACKAGES); do dpkg -s $$name >/dev/null 2>&1 || echo $$name; done); \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ]; then apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y $$missing; \
	else echo "The tests need these packages: run  sudo apt-get install" $$missing; exit 1; fi

.venv/ready: setup.py
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

clean:
	rm -rf .venv .venv-* build dist demo-output demo/dbt/dbt_packages demo/dbt/package-lock.yml *.egg-info
