# make demo   estimate on real data and leave mineral-report.html
# make test   lint, types and tests: what CI runs
# make bench  speed and memory, beside a rival, as ratios in one run

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-slow test-gpu bench format clean

.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

demo: .venv/installed
	$(BIN)/mineral demo --report mineral-report.html

test: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

test-slow: .venv/installed
	$(BIN)/python -m pytest -q -m slow

test-gpu: .venv/installed
	$(BIN)/python -m pytest -q -m gpu

bench: .venv/installed
	$(BIN)/python benchmarks/importing.py
	$(BIN)/python benchmarks/ksg.py
	$(BIN)/python benchmarks/mine_loop.py
	$(BIN)/python benchmarks/default.py

format: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv build dist mineral-report.html
