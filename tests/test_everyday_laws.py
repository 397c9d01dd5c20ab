"""Two laws over the whole suite `everyday`, which need no truth; both run with `make test-slow`.

A permutation test that finds nothing and an interval above zero contradict each other, and so do
two values of the same rows that differ by more than their standard error.
"""

import pytest
import scripts

from mineral.tasks import everyday

pytestmark = pytest.mark.slow
EVERY = pytest.mark.parametrize("name", [task.name for task in everyday.TASKS])
N = 200


@pytest.fixture(scope="module")
def script():
    return scripts.load("everyday")


@EVERY
def test_no_estimate_contradicts_the_test_of_its_rows(script, name):
    row = script.measured((name, N, 0, "auto", "test"))
    assert row["status"] == "ok"
    if row["p_value"] is not None and row["p_value"] > script.SUGGESTIVE:
        assert row["low"] <= 0 <= row["high"]


@EVERY
def test_nothing_irrelevant_matters(script, name):
    row = script.measured((name, N, 0, "auto", "invariance"))
    assert row["status"] == "ok"
    moved = {}
    for change, after in row["changes"].items():
        assert after["status"] == "ok", change
        allowed = max(row["stderr"], after["stderr"], script.EXACT)
        if abs(after["value"] - row["value"]) > allowed:
            moved[change] = after["value"] - row["value"]
    assert moved == {}
