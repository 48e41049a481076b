# `make demo` and `make test` need only Python 3.11 or newer with venv, and a package index.
PYTHON ?= python3
VENV ?= .venv
DEMO ?= demo
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint install clean

# The main job on a data set that needs no download: three to four minutes on two cores.
demo: install
	$(BIN)/ddz demo -o $(DEMO)

# One thread a worker: two workers that each start a thread a core only wait for each other.
test: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

install: $(READY)

# torch is named first, with its exact version: a looser request pulls gigabytes of CUDA packages.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 -c constraints.txt -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) $(DEMO) build *.egg-info
