# Everything that a checkout needs, with nothing but make, git and a Python >= 3.11: `make demo`, `make test`.
# The first call makes .venv with the exact versions of constraints.txt; later calls find it ready.
#
#     make test ARGS="-k ledger"        more words for the command
#     make demo PYTHON=/path/python     a certain Python, also through the environment

.DEFAULT_GOAL := help
SHELL := /bin/sh
export PYTHON
ARGS ?=

.PHONY: help demo test lint bench bench-detection soak test-newest clean FORCE

help:  ## these lines
	@echo 'usage: make TARGET [ARGS="..."] [PYTHON=/path/python]'
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)$$/\1: \2/p' Makefile | awk -F': ' '{ printf "  %-12s %s\n", $$1, $$2 }'

demo: .venv/ready  ## record and compare a small history made on the spot
	@.venv/bin/perfdb demo $(ARGS)

test: .venv/ready  ## the whole test suite
	@.venv/bin/python -m pytest -n auto --dist worksteal $(ARGS)

lint: .venv/ready  ## ruff and mypy --strict
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

bench: .venv/ready  ## how fast, as ratios measured in one run
	@.venv/bin/python -m tests.bench $(ARGS)

bench-detection: .venv/ready  ## how often verdicts are right, as measured on made-up profiles
	@.venv/bin/python -m tests.bench.detection $(ARGS)

soak: .venv/ready  ## the tests that run for minutes
	@.venv/bin/python -m pytest -m soak -n 0 $(ARGS)

test-newest: FORCE  ## the test suite with the newest releases of everything
	@$(find_python); $(make_venv) .venv-newest; \
	unset PIP_CONSTRAINT PIP_BUILD_CONSTRAINT; \
	pip install --quiet --upgrade --upgrade-strategy eager --editable '.[dev]'
	@.venv-newest/bin/python -c 'import duckdb, polars; print("DuckDB", duckdb.__version__, "polars", polars.__version__)'
	@.venv-newest/bin/python -m pytest -n auto --dist worksteal $(ARGS)

clean:  ## remove environments and caches; artifacts/ stays
	rm -rf .venv .venv-newest build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp holds the folder it was made in: scripts of an environment name their Python by its full path, so one that
# was moved is made again, and so is one whose Python is gone.
.venv/ready: pyproject.toml constraints.txt
	@$(find_python); $(make_venv) .venv; \
	export PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt; \
	pip install --quiet --editable '.[dev]'
	@pwd -P > $@

ifneq ($(shell .venv/bin/python -c 'print(open(".venv/ready").read(), end="")' 2>/dev/null),$(CURDIR))
.venv/ready: FORCE
endif

# ---- pieces of shell -------------------------------------------------------------------------------------------------
# Both speak in sentences, because they are the first thing a newcomer meets. pip reads the two constraint variables:
# the first reached package builds until pip 25.2, the second does since. Their path is relative because pip splits it
# at spaces, and the checkout may stand in a folder with one.

define find_python
set -eu; \
if [ -n "$${PYTHON:-}" ]; then set -- "$$PYTHON"; \
else set -- python3 python3.14 python3.13 python3.12 python3.11 python; fi; \
python=; \
for candidate in "$$@"; do \
	if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then python=$$candidate; break; fi; \
done; \
if [ -z "$$python" ]; then \
	echo "perfdb needs Python 3.11 or newer; tried: $$*." >&2; \
	for candidate in "$$@"; do \
		if found=$$("$$candidate" -V 2>/dev/null); then echo "  $$candidate is $$found" >&2; fi; \
	done; \
	echo 'Install one (Debian, Ubuntu: apt install python3 python3-venv), or: make PYTHON=/path/to/python TARGET' >&2; \
	exit 1; \
fi
endef

# Called as `$(make_venv) FOLDER`: leaves a function `pip` that installs into FOLDER.
define make_venv
make_venv() { \
	echo "making $$1 with $$python ($$("$$python" -V)): takes a minute, once" >&2; \
	unset PYTHONHOME PYTHONPATH; \
	export PIP_DISABLE_PIP_VERSION_CHECK=1; \
	venv=$$1; \
	if "$$python" -c 'import ensurepip, venv; ensurepip.version()' 2>/dev/null; then \
		"$$python" -m venv --clear "$$venv"; \
		pip() { "$$venv/bin/python" -m pip "$$@"; }; \
	elif "$$python" -c 'import pip, venv; pip.__version__' 2>/dev/null; then \
		"$$python" -m venv --clear --without-pip "$$venv"; \
		pip() { "$$python" -m pip --python "$$venv/bin/python" "$$@"; }; \
	else \
		echo "$$python can make no environment: its modules venv and ensurepip are not installed." >&2; \
		echo 'On Debian and Ubuntu: apt install python3-venv. Elsewhere: make PYTHON=/path/to/another/python TARGET' >&2; \
		exit 1; \
	fi; \
}; make_venv
endef
