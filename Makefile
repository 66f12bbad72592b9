# Every command of the project. `make help` lists them.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
REHEARSAL := $(BIN)/python -m rehearsal
# the tests have clusters of their own, so that they never touch those you work with
TEST_DIR := $(CURDIR)/.rehearsal/test
# and the memory that one's own rehearsal is to do without: an API server collects for a third less of its time
integration drill molecule: export GOGC := 100
export PATH := $(CURDIR)/$(BIN):$(PATH)
# into a log as onto a terminal: Ansible leaves it to Python when to write, which is late
export PYTHONUNBUFFERED := 1
# without compiled bytecode every start of Ansible takes twice as long
unexport PYTHONDONTWRITEBYTECODE
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
.DEFAULT_GOAL := help
# the parts of `test` share one rehearsal
.NOTPARALLEL:
.PHONY: help venv site validate rehearsal-up rehearsal-down rehearsal-reset rehearsal-status \
        test static lint sanity unit integration drill molecule report-check bench build clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- environment ------------------------------------------------------------------------------------
.venv/.ready: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.12 …" >&2; exit 1; }
	@# also anew after an interrupted creation, or when the checkout was moved: scripts name their interpreter by its path
	@$(BIN)/pip --version >/dev/null 2>&1 || { echo "[venv] creating .venv"; $(PYTHON) -m venv --clear .venv; }
	@$(BIN)/uv --version >/dev/null 2>&1 || $(BIN)/pip install --quiet --disable-pip-version-check uv==0.13.8
	@echo "[venv] installing what uv.lock names"
	@$(BIN)/uv sync --locked --quiet
	@touch $@

venv: .venv/.ready ## the locked Python environment in .venv

# --- rehearsal --------------------------------------------------------------------------------------
rehearsal-up: venv ## two local clusters (apps, infra); the first time builds them
	@$(REHEARSAL) up

rehearsal-down: venv ## stop every process of the rehearsal; data stays
	@$(REHEARSAL) down

rehearsal-reset: venv ## both clusters empty again
	@$(REHEARSAL) reset

rehearsal-status: venv ## what runs, what crashed and why
	@$(REHEARSAL) status

site: rehearsal-up ## rehearse: clusters up, platform deployed, proven
	@# one run, so that it can end with what site.yml has seen
	@$(BIN)/ansible-playbook playbooks/site.yml playbooks/validate.yml -i inventories/rehearsal --skip-tags summary

validate: venv ## measure the acceptance criteria on the rehearsal
	@$(BIN)/ansible-playbook playbooks/validate.yml -i inventories/rehearsal

# --- tests ------------------------------------------------------------------------------------------
test: static unit integration molecule ## everything that continuous integration runs
	@echo "make test: all parts passed"

# either keeps one core busy; of both what they say as they say it
static: venv
	@printf '%s\n' lint sanity | xargs -I{} -P 2 $(MAKE) --no-print-directory {}

lint: venv ## ruff, mypy, ansible-lint, yamllint, role arguments, runbook, changelog
	@echo "[lint] ruff";            ruff check . && ruff format --check .
	@echo "[lint] mypy";            mypy
	@echo "[lint] yamllint";        yamllint --strict .
	@echo "[lint] ansible-lint";    ansible-lint --offline --strict
	@echo "[lint] role arguments";  $(BIN)/python tests/lint/role_arguments.py
	@echo "[lint] runbook";         $(BIN)/python tests/lint/runbook.py
	@echo "[lint] changelog";       antsibull-changelog lint

sanity: venv ## ansible-test sanity on the built collection
	@tests/sanity.sh

unit: venv ## pure logic, no cluster
	@$(BIN)/python -m pytest tests/unit -n 2

integration: venv ## modules, roles and the rehearsal on real parts, on two test rehearsals at once
	@$(REHEARSAL) build
	@SYNERGYFLOW_REHEARSAL_DIR="$(TEST_DIR)" $(BIN)/python -m pytest tests/integration -m "not nightly" -n 2 --dist loadfile --no-loadscope-reorder

# with all other tests, as some slow ones go on where those have ended
drill: venv ## what takes hours, for the night: slow tests, the whole platform's scenario, rollbacks and reports under fire
	@tests/molecule.sh "$(TEST_DIR)" site
	@SYNERGYFLOW_REHEARSAL_DIR="$(TEST_DIR)" $(BIN)/python -m pytest tests/integration -n 2 --dist loadfile --no-loadscope-reorder
	@SYNERGYFLOW_REHEARSAL_DIR="$(TEST_DIR)" $(BIN)/python -m pytest tests/integration/drill_rollback.py tests/integration/drill_report.py

molecule: venv ## a scenario per role, on the test rehearsals
	@tests/molecule.sh "$(TEST_DIR)"

report-check: venv ## the newest report in headless Chromium: accessibility, widths, network; REPORT=FILE for another
	@report="$(REPORT)"; report="$${report:-$$(ls -d .rehearsal/evidence/2*/report.html 2>/dev/null | tail -1)}"; \
	  test -f "$$report" || { echo "There is no report to look at: make site writes one, or name it: make report-check REPORT=FILE" >&2; exit 1; }; \
	  command -v npm >/dev/null || { echo "npm is missing: install Node.js 20 or newer" >&2; exit 1; }; \
	  npm --prefix tests/report_page ci --silent --no-audit --no-fund --ignore-scripts && \
	  node tests/report_page/check.mjs "$$report" tests/output/report_page

bench: venv ## paired timings against kubectl and kubernetes.core
	@$(BIN)/python -m bench

# --- package ----------------------------------------------------------------------------------------
build: venv ## the collection as a tarball
	@$(BIN)/ansible-galaxy collection build --force

clean: ## stop the rehearsals, remove all that was made here (the shared build cache stays)
	@if test -x $(BIN)/python; then \
	  shopt -s nullglob; \
	  $(REHEARSAL) down || exit 1; \
	  for state in "$(TEST_DIR)" "$(TEST_DIR)"/gw*/ "$(CURDIR)"/.rehearsal/{own,small,bench}; do \
	    SYNERGYFLOW_REHEARSAL_DIR="$$state" $(REHEARSAL) down || exit 1; \
	  done; \
	fi
	rm -rf .rehearsal .venv .ansible .pytest_cache .ruff_cache .mypy_cache tests/output tests/report_page/node_modules bench/results synergyflow-platform-*.tar.gz
