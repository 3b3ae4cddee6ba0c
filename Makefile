# make run     the dashboard, on http://127.0.0.1:8501 or the next free port
# make test    everything: format, lint, types, import contracts, all tests in a real browser too
# make check   the same without slow and browser tests; under two minutes
# make bench   the kernel, router, replay, import, report, forecast and allocate benchmarks, a
#              JSON document each
# make train   the quick forecaster, allocators, sizer and router from scratch; what is shipped;
#              allocators side by side, one a core, or make train CORES=2
# make networks  after make train: the networks that README compares the shipped ones with, in build
# make clean   removes .venv and the caches; traces and runs are kept elsewhere
#
# Everything is installed into .venv, with the exact versions of constraints.txt.

PYTHON ?= python3
PYTEST_ARGS ?=
# Tests run side by side, a process per core; those in a browser after them, by file, as the tests
# of one share a dashboard.
SIDE_BY_SIDE := -n logical --dist worksteal
BY_FILE := -n logical --dist loadfile
# Where PYTEST_ARGS select tests, one of the two parts may hold none of them (pytest's status 5).
NONE_SELECTED = || [ $$? = 5 -a -n "$(strip $(subst ",,$(PYTEST_ARGS)))" ]

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -qq
CORES := $(shell getconf _NPROCESSORS_ONLN)
KERNELS := $(shell grep -rl --include='*.py' njit engine)

export DEBIAN_FRONTEND := noninteractive
# Without the modules' compiled form, every process compiles them all anew.
unexport PYTHONDONTWRITEBYTECODE
MAKEFLAGS += --no-print-directory

.PHONY: run test check static-checks bench train networks warm chromium office clean

run: $(VENV)/warm.stamp
	@exec $(BIN)/smartscale dashboard

test: $(VENV)/dev.stamp chromium office
	@$(MAKE) -j 2 static-checks $(VENV)/warm.stamp
	@$(BIN)/python -m pytest -m "not browser" $(SIDE_BY_SIDE) $(PYTEST_ARGS) $(NONE_SELECTED)
	@$(BIN)/python -m pytest -m browser $(BY_FILE) $(or $(PYTEST_ARGS),tests/browser) $(NONE_SELECTED)

check: $(VENV)/dev.stamp
	@$(MAKE) -j 2 static-checks $(VENV)/warm.stamp
	@$(BIN)/python -m pytest -m "not slow and not browser" $(SIDE_BY_SIDE) $(PYTEST_ARGS)

static-checks: $(VENV)/dev.stamp
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

bench: $(VENV)/dev.stamp $(VENV)/warm.stamp
	@for name in kernel "kernel --features all" routers replay import report forecast allocate; do \
	    $(BIN)/smartscale bench $$name --json || exit $$?; done

# Each line is an allocator: a folder of build and its options. A training keeps one core busy and
# takes a gigabyte; where one fails, its messages are shown and no further one begins.
TRAIN_EACH = xargs -P $(CORES) -L 1 sh -c 'echo "Training build/$$0" && \
    $(BIN)/smartscale train allocator "$$@" --out build/$$0 2>build/$$0.log || \
    { cat build/$$0.log >&2; exit 255; }'

train: $(VENV)/run.stamp
	@$(BIN)/smartscale train lookahead --out models/checkpoints/lookahead
	@mkdir -p build
	@{ echo allocator-transformer --actor transformer; echo allocator-dqn --actor dqn; \
	    for seed in 0 1 2 3 4 5 6 7 8; do echo mlp-$$seed --seed $$seed; done; } | $(TRAIN_EACH)
	@for number in 0 1 2; do first=$$((3 * number)); \
	    echo allocator-$$number --seed $$number --distil build/mlp-$$first \
	        --distil build/mlp-$$((first + 1)) --distil build/mlp-$$((first + 2)); \
	done | $(TRAIN_EACH)
	@for name in allocator-0 allocator-1 allocator-2 allocator-transformer allocator-dqn; do \
	    to=models/checkpoints/$${name%-0} && mkdir -p $$to && \
	    cp build/$$name/model.safetensors build/$$name/README.md build/$$name/curves.json $$to/ \
	        || exit $$?; done
	@$(BIN)/smartscale train sizer --out models/checkpoints/sizer
	@$(BIN)/smartscale train router --out models/checkpoints/router

networks: $(VENV)/run.stamp
	@for seed in 1 2; do echo transformer-$$seed --actor transformer --seed $$seed; done | \
	    $(TRAIN_EACH)
	@{ echo transformers --distil build/allocator-transformer --distil build/transformer-1 \
	        --distil build/transformer-2; \
	    printf mlps; for seed in 0 1 2 3 4 5 6 7 8; do printf " --distil build/mlp-$$seed"; done; \
	    echo; } | $(TRAIN_EACH)

warm: $(VENV)/warm.stamp

# The compiled kernels are cached beside their source, so that the first replay does not stall.
$(VENV)/warm.stamp: $(VENV)/run.stamp $(KERNELS)
	@echo "Compiling the simulation kernels (once, up to a minute)"
	@$(BIN)/smartscale warm
	@touch $@

$(VENV)/run.stamp: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "SmartScale needs Python 3.11 or newer; try: make PYTHON=python3.11" >&2; exit 1; }
	@echo "Installing SmartScale into $(VENV) (once, a minute or two)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install -c constraints.txt setuptools
	@$(PIP) install -c constraints.txt --no-build-isolation -e ".[forecast]"
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp
	@echo "Installing the development tools"
	@$(PIP) install -c constraints.txt --no-build-isolation -e ".[dev,forecast]"
	@touch $@

# The names and SMARTSCALE_CHROMIUM are those that tests/browser/conftest.py looks for.
chromium:
	@if [ -n "$$SMARTSCALE_CHROMIUM" ]; then exit 0; fi; \
	for name in chromium chromium-browser google-chrome google-chrome-stable; do \
	    if command -v $$name >/dev/null; then exit 0; fi; \
	done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing Chromium for the browser tests"; \
	    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } \
	        >$(VENV)/chromium.log 2>&1 || { cat $(VENV)/chromium.log >&2; exit 1; }; \
	else \
	    echo "Chromium is missing, so the browser tests are skipped. Install it, for example with:" >&2; \
	    echo "    sudo apt-get install --no-install-recommends chromium" >&2; \
	    echo "or name an installed one: SMARTSCALE_CHROMIUM=/path/to/chrome make test" >&2; \
	fi

# One test recomputes the report's workbook with it.
office:
	@if command -v soffice >/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing LibreOffice for the test of the workbook"; \
	    { apt-get update -qq && apt-get install -y -qq --no-install-recommends libreoffice-calc; } \
	        >$(VENV)/office.log 2>&1 || { cat $(VENV)/office.log >&2; exit 1; }; \
	else \
	    echo "LibreOffice is missing, so one test is skipped: sudo apt-get install libreoffice-calc" >&2; \
	fi

clean:
	@rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	    .import_linter_cache
	@find app engine models tests -name __pycache__ -type d -prune -exec rm -rf {} +
