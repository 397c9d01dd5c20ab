# make demo   estimate on real data and leave mineral-report.html
# make test   lint, types and tests: what CI runs
# make test-slow   repeats and full-size training; make test-typed   all tests, every call checked
# make bench  speed and memory, beside a rival, as ratios in one run; make bench-compare: what got slower
# make docs   the documentation site in build/site; a warning or a broken link is an error
# make release   wheel and source in dist, each installed into a new environment and run

PYTHON ?= python3
BIN := .venv/bin

# Tests of shapes and types, during which jaxtyping and beartype check every call of the package.
# Estimates take up to six times as long so: `make test-typed` runs the other tests in this way.
SHAPES := $(addprefix tests/test_, bounds_identities.py bounds_shapes.py critics.py models.py)
CHECKED := --jaxtyping-packages=mineral,beartype.beartype
PYTEST := $(BIN)/python -m pytest -q -n 2 --dist worksteal

# pytest rewrites each assert, and every process that a test starts compiles the package: with files of
# bytecode once, not in each worker and process of every run.
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo test test-slow test-typed test-gpu bench bench-compare docs release format clean

.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

.venv/installed-docs: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	touch $@

demo: .venv/installed
	$(BIN)/mineral demo --report mineral-report.html

test: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST) $(addprefix --ignore=, $(SHAPES))
	$(PYTEST) $(CHECKED) $(SHAPES)

test-slow: .venv/installed
	$(PYTEST) -m slow --junitxml=build/slow/all.xml; status=$$?; \
	$(BIN)/python tests/recorded.py build/slow > build/slow/table && mv build/slow/table tests/slow.md; \
	exit $$status

test-typed: .venv/installed
	$(PYTEST) $(CHECKED)

test-gpu: .venv/installed
	$(BIN)/python -m pytest -q -m gpu

bench: .venv/installed
	$(BIN)/python benchmarks/importing.py
	$(BIN)/python benchmarks/ksg.py
	$(BIN)/python benchmarks/mine_loop.py
	$(BIN)/python benchmarks/default.py
	$(BIN)/python benchmarks/speed.py

bench-compare: .venv/installed
	$(BIN)/python benchmarks/speed.py --compare benchmarks/results/speed/training.json

docs: .venv/installed-docs
	$(BIN)/python -m sphinx -E -W --keep-going -q docs build/site
	$(BIN)/python docs/site/links.py build/site

release: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt build twine
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/python -m twine check --strict dist/*
	$(BIN)/python release/check.py dist

format: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv build dist mineral-report.html
