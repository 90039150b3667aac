# Everything a developer or a curious user runs. Each target installs what it needs, and no more, into .venv.
PYTHON ?= >=3.11,<3.14
BIN := .venv/bin
# conftest.py says which tests run after each other, in one worker.
SIDE_BY_SIDE := --no-loadscope-reorder -n
# The packages import in half the time from bytecode, which some machines ask Python not to keep.
unexport PYTHONDONTWRITEBYTECODE
# The uv of this machine, where there is one that knows dependency groups; otherwise pip brings one.
UV := $(or $(shell uv pip install --help 2>/dev/null | grep -q -e --group && command -v uv),.venv-uv/bin/uv)

.PHONY: demo facts report compare models test test-unit test-versions test-image lint lock image bench mutants audit release clean

demo: .venv/demo.ready
	@# Python hears Ctrl-C from its first line on, and says so itself: make and the shell have nothing to add.
	@trap '' INT; $(BIN)/python -m demo || [ $$? = 130 ]

# With MAGNIFIC_API_KEY it asks Magnific, in at most 12 requests that only read.
facts: .venv/sandbox.ready
	@$(BIN)/python -m facts

report: .venv/demo.ready
	@$(BIN)/python -m demo.report $(if $(WAREHOUSE),"$(WAREHOUSE)") $(OPTIONS)

# Does a table equal what Magnific's dashboard exports? OPTIONS='--help' says what can be asked.
compare: .venv/demo.ready
	@test -n "$(EXPORT)$(OPTIONS)" || { echo "Say which file the dashboard exported:  make compare EXPORT=file.csv"; exit 2; }
	@$(BIN)/python -m demo.comparison $(if $(EXPORT),"$(EXPORT)") $(if $(WAREHOUSE),"$(WAREHOUSE)") $(OPTIONS)

# The dbt package on a file that was synced. MAGNIFIC_SEEDS names a folder with prices and allowances of your own.
models: .venv/demo.ready
	@$(BIN)/python -m demo.models $(if $(WAREHOUSE),"$(WAREHOUSE)")

test: .venv/test.ready
	@# One worker more than cores: integration tests wait for what they start.
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) $$(($$(getconf _NPROCESSORS_ONLN) + 1)) -m "not image"

test-unit: .venv/unit.ready
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) logical source_magnific_analytics unit_tests

# The unit tests on the other Pythons with the newest versions that setup.py allows, and on the oldest with the lowest.
# pyenv hides all Pythons but one unless it is told to show them.
test-versions: export PYENV_VERSION := $(shell pyenv versions --bare 2>/dev/null | paste -sd: -)
test-versions: | $(UV)
	@for one in 3.11:lowest-direct 3.12:highest 3.13:highest; do \
		echo "Python $${one%:*}, versions: $${one#*:}"; \
		$(UV) venv --quiet --clear --python "$${one%:*}" .venv-versions && \
		$(UV) pip install --quiet --python .venv-versions --resolution "$${one#*:}" --editable . --group unit && \
		.venv-versions/bin/python -m pytest --quiet $(SIDE_BY_SIDE) logical source_magnific_analytics unit_tests || exit 1; \
	done

# Builds the image and runs the connector in it; needs a Docker engine (.ci/engine brings one up).
test-image: .venv/test.ready
	$(BIN)/python -m pytest -m image

lint: .venv/dev.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy source_magnific_analytics sandbox demo facts benchmarks

# What the image installs: the newest versions that setup.py allows, which have to be the same on both architectures.
lock: | $(UV)
	@for machine in aarch64 x86_64; do \
		$(UV) pip compile setup.py --quiet --upgrade --generate-hashes --python-version 3.11 --no-header \
			--python-platform $$machine-manylinux_2_28 --no-emit-index-url --no-emit-find-links \
			--output-file build-$$machine.lock || exit 1; \
	done
	@cmp build-*.lock
	@{ sed -n '/^#/p;/^[^#]/q' requirements.lock; cat build-x86_64.lock; } > build.lock && mv build.lock requirements.lock
	@rm build-*.lock
	@$(UV) pip compile demo/dbt/requirements.txt --quiet --upgrade --universal --generate-hashes --python-version 3.11 \
		--no-header --no-emit-index-url --no-emit-find-links --output-file demo/dbt/requirements.lock

# The version stands in metadata.yaml alone. BASE, where it is set, takes the place of Airbyte's base (.ci/engine says why).
DOCKER ?= docker
IMAGE ?= airbyte/source-magnific-analytics:dev
image:
	DOCKER_BUILDKIT=1 $(DOCKER) build --build-arg VERSION=$$(sed -n 's/^  dockerImageTag: //p' metadata.yaml) \
		$(BASE:%=--build-arg BASE=%) $(OPTIONS) --tag $(IMAGE) .

bench: .venv/test.ready
	$(BIN)/python -m benchmarks

# What `make mutants` lists at the end survived: no test noticed the change.
mutants: .venv/dev.ready
	$(BIN)/mutmut run
	$(BIN)/mutmut results

# requirements.lock is made from setup.py; the audit asks the vulnerability database about exactly what the image has.
audit: .venv/tools.ready
	$(BIN)/pip-audit --requirement requirements.lock --disable-pip
	$(BIN)/pip-licenses --packages $$(sed -n 's/^\([A-Za-z0-9_.-]*\)==.*/\1/p' requirements.lock) --order=license

release: .venv/tools.ready
	rm -rf dist build
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*
	$(UV) venv --quiet --python '$(PYTHON)' build/.venv
	$(UV) pip install --quiet --python build/.venv dist/*.whl
	build/.venv/bin/source-magnific-analytics spec
	rm -rf build

.venv/%.ready: setup.py pyproject.toml | .venv/bin/python
	@echo "Installing what the group '$*' of pyproject.toml names into .venv …"
	@$(UV) pip install --python .venv --editable . --group $*
	@touch $@

# dbt has an environment of its own: what it needs does not fit the connector.
.venv-models/ready: demo/dbt/requirements.lock demo/dbt/packages.yml | $(UV) .venv/bin/python
	@$(UV) venv --quiet --clear --python $(BIN)/python .venv-models
	@$(UV) pip install --quiet --python .venv-models --require-hashes --requirement $<
	@.venv-models/bin/dbt --quiet deps --project-dir demo/dbt --profiles-dir demo/dbt --log-path .venv-models
	@touch $@

.venv/bin/python: | $(UV)
	@$(UV) venv --quiet --python '$(PYTHON)' .venv || { \
		echo "This needs Python 3.11, 3.12 or 3.13, and uv could not fetch one. Install one, such as Debian's python3.11," \
		"and run make again; PYTHON=/path/to/python3 names one that is not on the PATH." >&2; exit 1; }

.venv-uv/bin/uv:
	@echo "Installing uv, which installs the rest, into .venv-uv …"
	@python3 -m venv .venv-uv
	@.venv-uv/bin/pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'

clean:
	rm -rf .venv .venv-* build dist demo-output demo/dbt/dbt_packages demo/dbt/package-lock.yml *.egg-info
