# Each command makes the virtual environment it needs, inside the checkout; none has to
# be active. A stamp in the environment keeps a second run from installing again.

PYTHON ?= python3
JOBS   ?= 2
BENCH  ?= l21
FUZZ   ?= --minutes 10 --seed 0
MUTANTS ?= --sample 200 --seed 0

VENV   := .venv
OLDEST := .venv-oldest
PEERS  := .venv-bench
DIST   := .venv-dist

INSTALL := -m pip install -qq --disable-pip-version-check
# one BLAS thread a worker: workers times threads is what the machine has to carry
PYTEST  := env OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
# the end of the report names the tests that take most of the time
QUICK   := -m "not slow" --durations=15 --durations-min=1

.PHONY: help demo test test-all fuzz mutants test-oldest lint docs bench dist clean
.NOTPARALLEL:
.DELETE_ON_ERROR:

help:
	@echo "make demo         London schools: fit, compare, two pictures in demo_output/"
	@echo "make test         the test suite (ARGS=... goes to pytest, JOBS=$(JOBS) workers)"
	@echo "make test-all     the same with the slow sweeps"
	@echo "make fuzz         random fits of hostile data, audited (FUZZ=\"$(FUZZ)\")"
	@echo "make mutants      mutation testing of the numerical core (MUTANTS=\"$(MUTANTS)\")"
	@echo "make test-oldest  the suite on the oldest supported dependencies"
	@echo "make lint         ruff"
	@echo "make docs         HTML pages in docs/_build/html; a warning is an error"
	@echo "make bench        pymtl and its peers (BENCH=$(BENCH)), results in benchmarks/results"
	@echo "make dist         source archive and wheel in dist/, checked, and the wheel tried"
	@echo "make clean        remove environments, caches and everything made"

demo: $(VENV)/.demo
	$(VENV)/bin/python examples/demo.py

test: $(VENV)/.test
	$(PYTEST) $(VENV)/bin/python -m pytest -n $(JOBS) $(QUICK) $(ARGS)

test-all: $(VENV)/.test
	$(PYTEST) $(VENV)/bin/python -m pytest -n $(JOBS) $(ARGS)

fuzz: $(VENV)/.test
	$(PYTEST) $(VENV)/bin/python -m tests.fuzz $(FUZZ)

mutants: $(VENV)/.mutants
	$(PYTEST) $(VENV)/bin/python -m tests.mutants $(MUTANTS)

test-oldest: $(OLDEST)/.test
	$(PYTEST) NUMBA_CACHE_DIR=$(CURDIR)/$(OLDEST)/numba \
	    $(OLDEST)/bin/python -m pytest -n $(JOBS) $(QUICK) $(ARGS)

lint: $(VENV)/.test
	$(VENV)/bin/ruff check .

docs: $(VENV)/.docs
	$(VENV)/bin/python -m sphinx -W -n --keep-going -q -b html docs docs/_build/html
	@echo "open docs/_build/html/index.html"

bench: $(PEERS)/.bench
	NUMBA_CACHE_DIR=$(CURDIR)/$(PEERS)/numba $(PEERS)/bin/python -m benchmarks $(BENCH)

define TRY
import numpy, pymtl
X = numpy.random.default_rng(0).normal(size=(40, 3))
model = pymtl.MultiTaskMeanRegressor().fit(X, X[:, :2])
print("pymtl", pymtl.__version__, "fits:", model.converged_)
endef
export TRY

# the source archive is unpacked and made into the wheel, which an empty environment runs
dist: $(DIST)/.dist
	rm -rf dist build
	$(DIST)/bin/python -m build
	$(DIST)/bin/python -m twine check --strict dist/*
	rm -rf $(DIST)/empty && $(PYTHON) -m venv $(DIST)/empty
	$(DIST)/empty/bin/python $(INSTALL) dist/*.whl
	cd $(DIST) && empty/bin/python -I -c "$$TRY"

clean:
	rm -rf $(VENV) $(OLDEST) $(PEERS) $(DIST) *.egg-info build dist demo_output docs/_build \
	    docs/api.rst docs/gallery docs/generated \
	    .pytest_cache .hypothesis .ruff_cache .mypy_cache
	find pymtl tests benchmarks examples docs -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/.demo: pyproject.toml | $(VENV)/.made
	$(VENV)/bin/python $(INSTALL) -e ".[data,plot]"
	@touch $@

$(VENV)/.test: pyproject.toml | $(VENV)/.made
	$(VENV)/bin/python $(INSTALL) -e ".[test]"
	@touch $@

$(VENV)/.mutants: pyproject.toml | $(VENV)/.made
	$(VENV)/bin/python $(INSTALL) -e ".[mutants]"
	@touch $@

$(VENV)/.docs: pyproject.toml | $(VENV)/.made
	$(VENV)/bin/python $(INSTALL) -e ".[docs]"
	@touch $@

$(OLDEST)/.test: pyproject.toml .ci/oldest.txt | $(OLDEST)/.made
	$(OLDEST)/bin/python $(INSTALL) -c .ci/oldest.txt -e ".[test]"
	@touch $@

# an environment of its own: a peer may hold NumPy back
$(PEERS)/.bench: pyproject.toml | $(PEERS)/.made
	$(PEERS)/bin/python $(INSTALL) -e ".[bench]"
	@touch $@

$(DIST)/.dist: pyproject.toml | $(DIST)/.made
	$(DIST)/bin/python $(INSTALL) "build>=1.2" "twine>=6"
	@touch $@

%/.made:
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || \
	    { echo "pymtl needs Python 3.11 or newer: make ... PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $*
	@touch $@
