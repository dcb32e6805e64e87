# One set of commands for people, CI and the workflow. Each may be repeated; set-up happens once, in .venv.
# Choose another interpreter with `make PYTHON=python3.12 …`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_DIR ?= runs/esol
STAMP := $(VENV)/.graphattn-installed
DEV_STAMP := $(VENV)/.graphattn-dev-installed

.DEFAULT_GOAL := help
.PHONY: help install demo test test-quick lint bench aot gpu docs clean

help: ## list the targets
	@echo "graphattn: make <target>"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "make: '$(PYTHON)' is not there. Install Python 3.10 or newer, or name yours: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "make: $$($(PYTHON) --version) is too old; graphattn needs 3.10 or newer. Name another: make PYTHON=python3.12"; exit 1; }
	@echo "==> creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { echo "make: no virtual environment could be made; on Debian and Ubuntu: apt install python3-venv"; rm -rf $(VENV); exit 1; }

$(STAMP): $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "==> installing graphattn and what it needs (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e . || { echo "make: pip could not install graphattn; is there a network connection? Its message is above."; exit 1; }
	@touch $@

$(DEV_STAMP): $(STAMP)
	@echo "==> installing the development tools"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]" || { echo "make: pip could not install the development tools. Its message is above."; exit 1; }
	@touch $@

install: $(STAMP) ## create .venv and install graphattn in it
	@echo "==> ready: $(BIN)/graphattn --help"

demo: $(STAMP) ## train a solubility predictor on ESOL, with a report (about 3 minutes)
	@echo "==> training on ESOL (1,128 measured solubilities), split by scaffold"
	@$(BIN)/graphattn train esol --split scaffold --out $(RUN_DIR) --overwrite

# Runs pytest with the options given and those in TEST, then says on what, with the exit status of the tests.
define run_tests
@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile $(1) $(TEST); status=$$?; \
	OMP_NUM_THREADS=1 $(BIN)/graphattn info; exit $$status
endef

test: $(DEV_STAMP) ## run the whole test suite (TEST="-p randomly": in random order)
	@echo "==> running the tests"
	$(call run_tests)

test-quick: $(DEV_STAMP) ## run the tests that are not marked slow (under two minutes)
	@echo "==> running the quick tests"
	$(call run_tests,-m "not slow")

lint: $(DEV_STAMP) ## check style, types and the direction of imports
	@echo "==> ruff, mypy, import-linter"
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports; status=$$?; \
		$(BIN)/graphattn info; exit $$status

bench: $(STAMP) ## measure attention against other ways to compute it (half an hour; BENCH=--quick: two minutes)
	@$(BIN)/graphattn bench $(BENCH)

aot: $(DEV_STAMP) ## compile every GPU kernel without a GPU and compare with the table (AOT=--write: write it)
	@$(BIN)/python tests/ops/triton/aot.py $(AOT)

gpu: ## check and measure the GPU kernels; needs a GPU, and PYTHON with torch, triton and torch-geometric
	@$(PYTHON) tests/gpu/run.py $(GPU)

docs: $(STAMP) ## build the documentation into docs/_build/html
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	@$(BIN)/sphinx-build -W -b html docs docs/_build/html
	@echo "==> open docs/_build/html/index.html"

clean: ## remove .venv, caches and build results (runs/ stays)
	@rm -rf $(VENV) docs/_build dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
