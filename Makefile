# Commands for developing the connector and for using it from a checkout.
# Each target installs only the packages that it needs into .venv, in the versions that locks/ pins.
PYTHON ?= >=3.11,<3.14
BIN := .venv/bin
# Run tests in parallel. conftest.py decides which tests share one worker.
SIDE_BY_SIDE := --no-loadscope-reorder -n
# Let Python write bytecode even on machines that turn it off, because bytecode halves the time to import packages.
unexport PYTHONDONTWRITEBYTECODE
# Use this machine's uv if it supports dependency groups; otherwise install uv with pip.
UV := $(or $(shell uv pip install --help 2>/dev/null | grep -q -e --group && command -v uv),.venv-uv/bin/uv)
# An environment's lock file: its own if it has one, and locks/dev.txt otherwise. Builds always use locks/dev.txt.
LOCKED = $(or $(wildcard locks/$*.txt),locks/dev.txt)
# All Python versions that pyenv manages. Without this list, pyenv hides all versions but one.
PYENVS = $(shell pyenv versions --bare 2>/dev/null | paste -sd: -)

.PHONY: demo facts report compare models test test-unit test-lowest test-versions test-image lint lock image bench mutants audit release clean

demo: .venv/demo.ready
	@# Python handles Ctrl-C and prints its own message, so make and the shell should print nothing.
	@trap '' INT; $(BIN)/python -m demo || [ $$? = 130 ]

# Check the connector's assumptions. With MAGNIFIC_API_KEY, this sends Magnific at most 12 read-only requests.
facts: .venv/sandbox.ready
	@$(BIN)/python -m verify.facts

report: .venv/demo.ready
	@$(BIN)/python -m demo.report $(if $(WAREHOUSE),"$(WAREHOUSE)") $(OPTIONS)

# Compare a table with an export from Magnific's dashboard. OPTIONS='--help' lists the options for unusual CSV formats.
compare: .venv/verify.ready
	@test -n "$(EXPORT)$(OPTIONS)" || { echo "Name the file that the dashboard exported:  make compare EXPORT=file.csv"; exit 2; }
	@$(BIN)/python -m verify.compare $(if $(EXPORT),"$(EXPORT)") $(if $(WAREHOUSE),"$(WAREHOUSE)") $(OPTIONS)

# Build the dbt package's models from a synced file. MAGNIFIC_SEEDS names a folder with your own prices and allowances.
models: .venv/demo.ready
	@$(BIN)/python -m demo.models $(if $(WAREHOUSE),"$(WAREHOUSE)") $(OPTIONS)

test: .venv/test.ready
	@# Use one more worker than cores, because integration tests often wait for the processes that they start.
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) $$(($$(getconf _NPROCESSORS_ONLN) + 1)) -m "not image"

UNIT_TESTS = -m pytest $(SIDE_BY_SIDE) logical source_magnific_analytics unit_tests
test-unit: .venv/unit.ready
	$(BIN)/python $(UNIT_TESTS)

# Run the unit tests with the lowest versions that setup.py and pyproject.toml allow, on the oldest supported Python.
test-lowest: .venv-lowest/ready
	.venv-lowest/bin/python $(UNIT_TESTS)

# Run test-lowest, then the unit tests on each installed Python with the newest dependencies instead of the locked ones.
# If only the newest versions fail, a new release of a dependency broke something. Such failures do not block changes.
test-versions: export PYENV_VERSION = $(PYENVS)
test-versions: test-lowest
	@for python in 3.11 3.12 3.13 3.14; do \
		$(UV) python find --no-python-downloads $$python >/dev/null 2>&1 || { absent="$$absent $$python"; continue; }; \
		echo "Python $$python with the newest versions"; \
		$(UV) venv --quiet --clear --python $$python .venv-newest && \
		$(UV) pip install --quiet --python .venv-newest --editable . --group unit && \
		.venv-newest/bin/python $(UNIT_TESTS) || failed="$$failed $$python"; \
	done; \
	[ -z "$$absent" ] || echo "Not tested, because this machine does not have Python$$absent"; \
	[ -z "$$failed" ] || { echo "Failed with the newest versions on Python$$failed" >&2; exit 1; }

# Build the image and run the connector in it. This needs a Docker engine, which .ci/engine can start.
test-image: .venv/test.ready
	$(BIN)/python -m pytest -m image

lint: .venv/dev.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy source_magnific_analytics sandbox demo verify benchmarks

# Lock the newest versions that setup.py and pyproject.toml allow, for any supported Python and any machine.
# Then lock the image's packages to the same versions; this lock must be the same on both architectures.
lock: export UV_CUSTOM_COMPILE_COMMAND = make lock
lock: COMPILE = $(UV) pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links
lock: | $(UV)
	$(COMPILE) --universal --python-version 3.11 setup.py --group dev --group dagster --group singer -o locks/dev.txt
	$(COMPILE) --universal --python-version 3.11 setup.py --group unit --resolution lowest-direct -o locks/lowest.txt
	@for group in airflow dbt destination dlt prefect schemathesis; do \
		$(COMPILE) --universal --python-version 3.11 --group $$group -o locks/$$group.txt || exit 1; \
	done
	$(COMPILE) --universal --python-version 3.12 --group focus -o locks/focus.txt
	@for machine in aarch64 x86_64; do \
		$(COMPILE) setup.py --constraint locks/dev.txt --python-version 3.13 \
			--python-platform $$machine-manylinux_2_28 -o build-$$machine.lock || exit 1; \
	done
	@cmp build-*.lock && mv build-x86_64.lock requirements.lock && rm build-aarch64.lock

# Read the version from metadata.yaml. If BASE is set, it replaces Airbyte's base image (.ci/engine says why).
DOCKER ?= docker
IMAGE ?= airbyte/source-magnific-analytics:dev
image:
	DOCKER_BUILDKIT=1 $(DOCKER) build --build-arg VERSION=$$(sed -n 's/^  dockerImageTag: //p' metadata.yaml) \
		$(BASE:%=--build-arg BASE=%) $(OPTIONS) --tag $(IMAGE) .

bench: .venv/test.ready .venv-singer/ready
	$(BIN)/python -m benchmarks

# Change the connector's code in one place at a time, and list the changes that no test detects.
mutants: .venv/dev.ready
	$(BIN)/mutmut run
	$(BIN)/mutmut results

# Check the image's packages, which are in requirements.lock, for known vulnerabilities, and list their licences.
audit: .venv/tools.ready
	$(BIN)/pip-audit --requirement requirements.lock --disable-pip
	$(BIN)/pip-licenses --packages $$(sed -n 's/^\([A-Za-z0-9_.-]*\)==.*/\1/p' requirements.lock) --order=license

release: .venv/tools.ready
	rm -rf dist build
	$(UV) build --build-constraint $(LOCKED)
	$(BIN)/twine check --strict dist/*
	$(UV) venv --quiet --python '$(PYTHON)' build/.venv
	$(UV) pip install --quiet --python build/.venv --constraint $(LOCKED) dist/*.whl
	build/.venv/bin/source-magnific-analytics spec
	rm -rf build

.venv/%.ready: setup.py pyproject.toml locks/dev.txt | .venv/bin/python
	@echo "Installing the packages for '$*' into .venv (about a minute the first time) …"
	@$(UV) pip install --quiet --python .venv --editable . --group $* --constraint locks/dev.txt --build-constraint locks/dev.txt
	@touch $@

.venv/bin/python: | $(UV)
	@$(UV) venv --quiet --python '$(PYTHON)' .venv || { \
		echo "make needs Python 3.11, 3.12 or 3.13, and uv could not download one. Install one of them, such as Debian's python3.11," \
		"and run make again. If it is not on the PATH, set PYTHON=/path/to/python3." >&2; exit 1; }

# Create a separate environment for a dependency group, with .venv's Python unless the group needs another version.
.venv-%/ready: APART = $(BIN)/python
.venv-%/ready: WHAT = --group $*
.venv-lowest/ready .venv-focus/ready .venv-destination/ready: export PYENV_VERSION = $(PYENVS)
.venv-lowest/ready .venv-destination/ready: APART = 3.11
.venv-lowest/ready: WHAT = --editable . --group unit
# Python 3.12 is the newest version for which all packages of the group focus have wheels.
.venv-focus/ready: APART = 3.12
.venv-models/ready: LOCKED = locks/dbt.txt
.venv-%/ready: setup.py pyproject.toml locks/*.txt | .venv/bin/python
	@echo "Installing the packages for '$*' into .venv-$*, a separate environment …"
	@$(UV) venv --quiet --clear --python '$(APART)' .venv-$*
	@$(UV) pip install --quiet --python .venv-$* $(WHAT) --constraint $(LOCKED) --build-constraint locks/dev.txt
	@touch $@

.venv-uv/bin/uv:
	@echo "Installing uv into .venv-uv; uv then installs the other packages …"
	@python3 -m venv .venv-uv
	@sed -n '/^uv==/,/# via/p' locks/dev.txt | \
		.venv-uv/bin/pip install --quiet --disable-pip-version-check --requirement /dev/stdin

clean:
	rm -rf .venv .venv-* build dist demo-output demo/dbt/dbt_packages demo/dbt/package-lock.yml *.egg-info
