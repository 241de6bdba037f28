# SIS: `make run` starts the product, `make test` proves it. `make help` lists the rest.
SHELL := /bin/bash
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
NODE_FREE := $(PY) tools/build_assets.py
WORKERS ?= 2

.PHONY: help setup setup-ldap audit run test check fmt migration translations lock bench prove

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

setup: .venv/.run assets  ## virtual environment and front end, nothing else

setup-ldap: setup  ## the extra of the ministry's directory (LDAP)
	$(PIP) install -q --only-binary :all: -c requirements-dev.txt ldap3

run: setup  ## start the product on http://127.0.0.1:$${PORT:-8080}
	@exec $(PY) run.py

test: setup .venv/.dev programs  ## every test, on a throw-away PostgreSQL
	$(PY) -m pytest -n $(WORKERS) --dist loadfile

check: setup .venv/.dev  ## format, lint, types, layers, migrations, translations
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	$(PY) tools/check.py

audit: .venv/.dev  ## known faults of the pinned libraries (asks the network)
	.venv/bin/pip-audit -r requirements.txt --no-deps --disable-pip

fmt: .venv/.dev  ## format and mend what can be mended
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

migration: setup  ## a new migration from the models: make migration m="what it does"
	$(PY) tools/migration.py "$(m)"

translations: setup .venv/.dev  ## gather and compile the translations
	$(PY) tools/translations.py

bench: setup .venv/.dev programs  ## measure beside a bare Flask: make bench N=10000, GROWTH=1 to compare with 200,000
	$(PY) -m bench.run --inspections $(or $(N),10000) $(if $(GROWTH),--growth) $(if $(DATA),--data $(DATA))

prove: setup .venv/.dev  ## the long proofs, by hand; their figures go to docs/proof/
	$(PY) tools/prove.py

lock: .venv/.dev  ## compile the pinned requirements from pyproject.toml
	$(PIP) install -q uv
	.venv/bin/uv pip compile -q --no-header --only-binary :all: --python-version 3.11 pyproject.toml -o requirements.txt
	.venv/bin/uv pip compile -q --no-header --only-binary :all: --python-version 3.11 --extra dev --extra ldap -c requirements.txt pyproject.toml -o requirements-dev.txt

.PHONY: assets programs
assets: .venv/.run
	@$(NODE_FREE)

programs:
	@$(PY) tools/debian.py chromium slapd

.venv/bin/python:
	@command -v python3.11 >/dev/null || { echo "Falta python3.11: apt-get install python3.11 python3.11-venv"; exit 1; }
	python3.11 -m venv .venv

.venv/.run: requirements.txt | .venv/bin/python
	$(PIP) install -q --only-binary :all: -r requirements.txt
	@$(PY) tools/translations.py --compile
	@touch $@

.venv/.dev: requirements-dev.txt .venv/.run
	$(PIP) install -q --only-binary :all: -r requirements-dev.txt
	@touch $@
