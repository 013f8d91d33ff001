# `make demo`, `make sandbox` and `make test` do all of their own set-up, in .venv here.

VENV ?= .venv
# The newest Python of those that jpi supports and that really runs; a pyenv shim alone does not.
PYTHON ?= $(shell for minor in 13 12 11; do \
	for one in python3.$$minor $$HOME/.pyenv/versions/3.$$minor.*/bin/python3.$$minor python3; do \
		$$one -c "import sys; sys.exit(sys.version_info[:2] != (3, $$minor))" 2>/dev/null && echo $$one && exit; \
	done; done)
BIN := $(VENV)/bin
# pip-audit and cyclonedx, apart from what jpi needs.
AUDIT := $(VENV)-audit
# Two workers, since CI has two cores; the tests of a deployment share one.
PYTEST := -n 2 --dist loadgroup
# Bytecode is kept, whatever this machine says: each worker would compile every test anew.
export PYTHONDONTWRITEBYTECODE :=
PIPENV := VIRTUAL_ENV="$(CURDIR)/$(VENV)" PIPENV_VERBOSITY=-1 PIPENV_IGNORE_VIRTUALENVS=0 $(BIN)/pipenv

.PHONY: help setup demo sandbox picture test faults deployment browser check lint types audit witnesses bench coverage lock clean

help: ## show this
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' $(MAKEFILE_LIST)

setup: $(BIN)/jpi node_modules ## install everything, in .venv and node_modules

demo: $(VENV)/.done ## play the main job on simulated services, then exit
	@$(BIN)/python -m sandbox.demo

# Options go into ARGS: make sandbox ARGS="--ports 6001 6002 6000 8003 --page-port 6003"
sandbox: $(VENV)/.done ## the same services and a page to play with them and break them, until Ctrl-C
	@$(BIN)/python -m sandbox.live_sandbox $(ARGS)

# The first run takes the pictures and fails, since they are new; the second one holds them against the page.
picture: $(VENV)/.done node_modules ## take the README's pictures of the sandbox's page anew
	@rm -f docs/sandbox.png docs/sandbox-dark.png
	@$(BIN)/python -m pytest -q tests/browser/test_picture.py >/dev/null 2>&1 || true
	@$(BIN)/python -m pytest -q tests/browser/test_picture.py

test: $(VENV)/.done node_modules ## the tests, but for deployment and browser, and with every tenth of the faults
	@$(BIN)/python -m pytest $(PYTEST) --ignore=tests/deploy --ignore=tests/browser

faults: $(VENV)/.done ## every fault at every call, every order, many histories
	@$(BIN)/python -m pytest $(PYTEST) --exhaustive tests/faults tests/ports

deployment: $(VENV)/.done node_modules ## jpi deployed for real, onto a simulated AWS
	@$(BIN)/python -m pytest $(PYTEST) tests/deploy

browser: $(VENV)/.done node_modules ## the pages, in chromium
	@$(BIN)/python -m pytest $(PYTEST) tests/browser

check: $(VENV)/.done node_modules ## all of it: lint, types, audit, tests, faults, deployment, browser, histories
	@$(MAKE) --no-print-directory -j 2 lint types audit
	@$(BIN)/python -m pytest $(PYTEST) --exhaustive --fault-step 4
	@$(BIN)/python -W ignore -m sandbox.simulate --histories 400

witnesses: $(VENV)/.done node_modules .venv-witnesses/.done .venv-runtime-client/.done ## show jpi's calls to checkers of others; write the ledger
	@$(BIN)/python -m pytest -q tests/witnesses --write-ledger

coverage: $(VENV)/.done node_modules ## the tests but for faults and deployment, and what of jpi they do not reach
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m coverage run -m pytest -n 2 --ignore=tests/faults --ignore=tests/deploy
	@$(BIN)/python -m coverage combine -q
	@$(BIN)/python -m coverage report

lint: $(VENV)/.done ## ruff
	@$(BIN)/ruff check .

types: $(VENV)/.done ## mypy
	@$(BIN)/mypy

audit: $(VENV)/.done $(AUDIT)/.done ## known vulnerabilities of what the locks name, where a database can be reached; an SBOM of each
	@$(BIN)/python .ci/audit.py $(AUDIT)

bench: $(VENV)/.done ## what events cost: calls, seconds, reads and writes; answers and storms under load; the tests
	@$(BIN)/python -m sandbox.bench

# Without this machine's own pip settings, by which the lock's hash of the Pipfile would be another one elsewhere.
lock: $(VENV)/.done ## bring Pipfile.lock up to date with Pipfile, without naming a registry
	PIP_CONFIG_FILE=/dev/null $(PIPENV) lock
	for packages in "pipenv" "pip-audit cyclonedx-bom"; do \
		export PIPENV_PIPFILE=$$(mktemp -d)/Pipfile; \
		set -- $$packages; { echo "[packages]"; printf '%s = "*"\n' $$@; } > $$PIPENV_PIPFILE; \
		PIP_CONFIG_FILE=/dev/null $(PIPENV) lock && $(PIPENV) requirements --hash --exclude-index \
			> etc/$${1#pip-}.txt; \
	done
	$(BIN)/python -c "import json; p='Pipfile.lock'; d=json.load(open(p)); d['_meta']['sources']=[]; open(p,'w').write(json.dumps(d, indent=4)+'\n')"

clean: ## remove what these commands made
	rm -rf .venv* node_modules .pytest_cache .hypothesis .mypy_cache .ruff_cache .coverage*

# sls, and a second DynamoDB for the store's tests; without Node what needs them is skipped.
node_modules: package-lock.json
	@if command -v npm >/dev/null && npm ci --ignore-scripts --no-audit --no-fund --silent; then touch $@; \
	else echo "npm is not here, or cannot reach its registry: sls is missing, and tests that need it are skipped."; fi

$(VENV)/.done: Pipfile.lock
	@test -n "$(PYTHON)" || { echo "jpi needs Python 3.11, 3.12 or 3.13; none was found." >&2; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version) (once, about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r etc/pipenv.txt
	@$(PIPENV) sync --dev --quiet 2>$(VENV)/sync.log >&2 || { cat $(VENV)/sync.log >&2; exit 1; }
	@touch $@

# A package with another hash than etc/audit.txt has fails; a registry that cannot be reached does not.
$(AUDIT)/.done: etc/audit.txt
	@$(PYTHON) -m venv $(AUDIT)
	@if $(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r etc/audit.txt \
		>$(AUDIT)/pip.log 2>&1; then touch $@; \
	else ! grep "DO NOT MATCH THE HASHES" $(AUDIT)/pip.log; fi

# PagerDuty's own clients, in an environment of their own: pagerduty-mcp needs Python 3.12.
.venv-witnesses/.done: tests/witnesses/requirements.txt
	@for python in python3.12 $$HOME/.pyenv/versions/3.12.*/bin/python3.12; do \
		$$python -m venv $(@D) 2>/dev/null && $(@D)/bin/python -m pip install -q --disable-pip-version-check -r $< \
			2>/dev/null && touch $@ && exit; \
	done; rm -rf $(@D); echo "PagerDuty's clients cannot be installed; the tests with them are skipped."

# AWS's runtime client, which is compiled, for the Python of VENV.
.venv-runtime-client/.done:
	@$(PYTHON) -m pip install -q --disable-pip-version-check --target $(@D) awslambdaric==4.2.2 2>/dev/null && touch $@ \
		|| { rm -rf $(@D); echo "AWS's runtime client cannot be installed; the tests with it are skipped."; }

# The command that pyproject.toml names, as a script: an installation would need a build, and jpi reads files from here.
$(BIN)/jpi: $(VENV)/.done
	@printf '#!/bin/sh\nexec "$$(dirname "$$0")/python" -m jpi.tools.cli "$$@"\n' > $@
	@chmod +x $@
