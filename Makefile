# Two commands do everything: `make demo` and `make test`. Both make .venv where there is none.
# LIGHT=1 installs the core alone (no torch, Norse or Lava). PYTHON chooses the interpreter (3.10 to 3.13).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LIGHT ?=
KIND := $(if $(LIGHT),light,full)
STAMP := $(VENV)/.installed-$(KIND)
# torch is pinned: unpinned it brings several GB of GPU libraries on some machines.
TORCH := torch==2.13.0
LAVA := --no-deps --ignore-requires-python lava-nc==0.10.0

.PHONY: demo test lint types contracts check build clean

demo: $(STAMP)
	@$(BIN)/neuroalign demo --out neuroalign-demo

test: $(STAMP)
	$(BIN)/python -m pytest -n auto --dist loadscope

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

contracts: $(STAMP)
	$(BIN)/lint-imports

check: lint types contracts test

build: $(STAMP)
	$(BIN)/python -m build --wheel

$(VENV)/.installed-light: pyproject.toml
	@test -L neuroalign/sim || { echo "neuroalign/sim is not a symbolic link: this checkout turned links into text; install the wheel instead"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the core into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $@

$(VENV)/.installed-full: pyproject.toml
	@test -L neuroalign/sim || { echo "neuroalign/sim is not a symbolic link: this checkout turned links into text; install the wheel instead"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing everything, Lava and Norse included, into $(VENV) (a minute or two) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH) -e ".[norse,lava,dev]"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(LAVA)
	@touch $@ $(VENV)/.installed-light

clean:
	rm -rf $(VENV) build dist *.egg-info neuroalign-demo neuroalign-report .pytest_cache .mypy_cache .ruff_cache
