"""The README tells the truth: its table is the registry, its code runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mineral.methods import ESTIMATORS

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"


def row(name):
    estimator = ESTIMATORS[name]
    summary = estimator.summary().replace("|", r"\|")  # a table's own separator
    return f"| `{name}` | {summary} | {estimator.kind} |"


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_table_has_a_row_for_each_estimator(name):
    assert row(name) in README.read_text().splitlines()


def test_the_python_examples_run(capsys):
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    assert len(blocks) == 2
    scope = {}
    for block in blocks:
        exec(block, scope)
    assert scope["r"].estimator == "ksg"
    assert 0.2 < scope["mi"] < 0.8
    printed = capsys.readouterr().out
    first_line = printed.splitlines()[0]
    assert first_line in README.read_text()  # the number that the README shows


def test_the_page_of_estimators_is_what_the_code_says():
    script = ROOT / "benchmarks" / "catalogue.py"
    page = subprocess.check_output([sys.executable, str(script)], text=True)
    assert (ROOT / "docs" / "estimators.md").read_text() == page
