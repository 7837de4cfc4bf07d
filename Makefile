# Two commands do everything: `make demo` and `make test`. Both make .venv where there is none.
# LIGHT=1 installs the core alone (no torch, Norse or Lava). PYTHON chooses the interpreter (3.10 to 3.13).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LIGHT ?=
STAMP := $(VENV)/.installed-$(if $(LIGHT),light,full)
# torch is pinned: unpinned it brings several GB of GPU libraries on some machines.
TORCH := torch==2.13.0
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LAVA := --no-deps --ignore-requires-python lava-nc==0.10.0

.PHONY: demo test lint types contracts check build docs installations clean interop

demo: $(if $(LIGHT),$(VENV)/.installed-core,$(STAMP))
	@$(BIN)/neuroalign demo --out neuroalign-demo

test: $(STAMP)
	$(BIN)/python -m pytest -n auto --dist loadscope --no-loadscope-reorder --durations 25

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

contracts: $(STAMP)
	$(BIN)/lint-imports

check: lint types contracts test

# Frameworks whose NIR files are exchanged, each in an environment of its own: several GB, and not part of `make test`.
INTEROP := $(VENV)-interop
WITH := $(TORCH)
$(INTEROP)/norse/.done: PACKAGES := $(WITH) norse==1.1.0 nir==1.0.8 nirtorch==2.6
$(INTEROP)/snntorch/.done: PACKAGES := $(WITH) snntorch==1.0.0 nir==1.0.8 nirtorch==2.6
$(INTEROP)/sinabs/.done: PACKAGES := $(WITH) sinabs==3.1.3
$(INTEROP)/spyx/.done: PACKAGES := spyx==1.0.0 nir==1.0.8
$(INTEROP)/nir104/.done: PACKAGES := nir==1.0.4
$(INTEROP)/nir105/.done: PACKAGES := nir==1.0.5
$(INTEROP)/nir108/.done: PACKAGES := nir==1.0.8
INTEROP_ENVIRONMENTS := norse snntorch sinabs spyx nir104 nir105 nir108

$(INTEROP)/%/.done:
	@$(PYTHON) -m venv $(INTEROP)/$*
	@$(INTEROP)/$*/bin/python -m pip install --quiet --disable-pip-version-check $(PACKAGES)
	@touch $@

interop: $(STAMP) $(INTEROP_ENVIRONMENTS:%=$(INTEROP)/%/.done)
	$(BIN)/python tests/interop/run.py $(foreach name,$(INTEROP_ENVIRONMENTS),$(name)=$(INTEROP)/$(name)/bin/python)

docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet
	@echo "The documentation: build/site/index.html"

build: $(STAMP)
	$(BIN)/python -m build --wheel

$(VENV)/bin/python:
	@test -L neuroalign/sim || { echo "neuroalign/sim is not a symbolic link: this checkout turned links into text; install the wheel instead"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-core: pyproject.toml | $(VENV)/bin/python
	@echo "Installing the core into $(VENV) ..."
	@$(PIP) -e .
	@touch $@

$(VENV)/.installed-light: pyproject.toml | $(VENV)/bin/python
	@echo "Installing the core and what tests need into $(VENV) ..."
	@$(PIP) -e ".[dev]"
	@touch $@ $(VENV)/.installed-core

$(VENV)/.installed-full: pyproject.toml | $(VENV)/bin/python
	@echo "Installing everything, Lava and Norse included, into $(VENV) (a minute or two) ..."
	@$(PIP) $(TORCH) -e ".[norse,lava,dev]"
	@$(PIP) $(LAVA)
	@touch $@ $(VENV)/.installed-light $(VENV)/.installed-core

$(VENV)/.installed-docs: pyproject.toml | $(STAMP)
	@echo "Installing what the documentation needs into $(VENV) ..."
	@$(PIP) -e ".[docs]"
	@touch $@

# The wheel in fresh environments: Python 3.10 to 3.13, numpy 1.26 and 2, the core, Norse, Lava. Takes half an hour.
installations: $(STAMP)
	.ci/installations

clean:
	rm -rf $(VENV) $(INTEROP) build dist *.egg-info neuroalign-demo neuroalign-report .pytest_cache .mypy_cache .ruff_cache
