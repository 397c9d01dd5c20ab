"""Every task keeps its word: its value, its pointwise values, the same samples from a seed."""

import json
import pickle
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from cases import check_all
from marks import needs_mnist

from mineral.errors import OptionError
from mineral.tasks import (
    SUITES,
    TASKS,
    Draw,
    Task,
    columns_of,
    find,
    suite,
)

ONE = np.zeros((3, 1))
FAMILIES = sorted({task.family for task in TASKS.values()})
EVERY = pytest.mark.parametrize(
    "family",
    [pytest.param(each, marks=needs_mnist if each == "mnist" else ()) for each in FAMILIES],
)


def members(family):
    return {name: task for name, task in TASKS.items() if task.family == family}


def is_complete(side):
    """Whether numbers are finite; words are."""
    numbers = [v for v in columns_of("x", side).values() if v.dtype.kind != "U"]
    return all(np.isfinite(column).all() for column in numbers)


def agrees(task, n, cells):
    """Whether the mean of n pointwise values is the task's value, up to 4 standard errors.

    True where nobody knows the pointwise values.

    Where n samples have more than so many cells a side, they are fewer, and at least 200.
    """
    widest = max(task.dim_x, task.dim_y)
    at_once = max(200, min(n, 5_000_000 // widest))
    draws = -(-max(200, min(n, cells // widest)) // at_once)
    found = [task.draw(at_once, seed=seed).pmi for seed in range(1, draws + 1)]
    if found[0] is None:
        return True
    pmi = np.concatenate(found)
    rows = len(pmi) / task.parameters.get("rows_worth_one", 1)
    error = np.hypot(pmi.std() / np.sqrt(rows), task.error)
    return abs(pmi.mean() - task.information) <= 4 * error + 1e-12


# The contract


def keeps_its_seed(task):
    before = np.random.get_state(legacy=False)["state"]["key"].copy()  # noqa: NPY002
    first, again, other = (task.draw(30, seed=seed) for seed in (3, 3, 4))
    after = np.random.get_state(legacy=False)["state"]["key"]  # noqa: NPY002
    assert np.array_equal(before, after)
    assert np.array_equal(first.x, again.x) and np.array_equal(first.y, again.y)
    assert not (np.array_equal(first.x, other.x) and np.array_equal(first.y, other.y))
    assert first.x.shape == (30, task.dim_x) and first.y.shape == (30, task.dim_y)
    assert is_complete(first.x) and is_complete(first.y)
    if first.pmi is not None:
        assert np.array_equal(first.pmi, again.pmi) and np.isfinite(first.pmi).all()


def says_what_it_is(task):
    assert task.name == task.name.lower() and " " not in task.name
    assert task.family and task.known_by and task.source
    assert task.information >= 0 and task.error >= 0
    assert json.loads(json.dumps(dict(task.parameters))).keys() == task.parameters.keys()
    assert hash(task) == hash(find(task.name))
    there = pickle.loads(pickle.dumps(task))  # as to the workers of a benchmark
    assert np.array_equal(there.draw(1, seed=0).y, task.draw(1, seed=0).y)


@EVERY
def test_a_seed_decides_the_samples_and_nothing_else_does(family):
    check_all(keeps_its_seed, members(family))


@EVERY
def test_what_is_declared_is_said_in_full(family):
    check_all(says_what_it_is, members(family))


@EVERY
def test_the_value_is_the_mean_of_the_pointwise_values(family):
    def check(task):
        assert agrees(task, 20_000, cells=200_000)

    check_all(check, members(family))


@pytest.mark.slow
@EVERY
def test_the_value_is_the_mean_of_a_million_pointwise_values(family):
    def check(task):
        assert agrees(task, 1_000_000, cells=100_000_000)

    check_all(check, members(family))


def test_names_are_unique_and_lead_to_the_task():
    listed = [task for tasks in SUITES.values() for task in tasks]
    assert len(listed) == len({task.name for task in listed}) == len(TASKS)
    assert all(find(task.name) is task for task in listed)
    assert all(suite(name) is tasks for name, tasks in SUITES.items())


@pytest.mark.parametrize(
    ("ask", "name", "near"),
    [
        (find, "spiral-multinormal-2pairs-3-3", "spiral-multinormal-2pair-3-3"),
        (find, "1V1-NORMAL", "1v1-normal-0.75"),
        (find, "", "Did you mean"),
        (suite, "beyond normal", "beyond-normal"),
    ],
)
def test_an_unknown_name_is_answered_with_the_closest(ask, name, near):
    with pytest.raises(OptionError, match=near):
        ask(name)


@pytest.mark.parametrize(
    ("n", "found", "message"),
    [
        (0, None, "`n` must be at least 1, got 0"),
        (3, Draw(np.zeros((3, 2)), ONE), r"shapes \(3, 1\) and \(3, 1\), gave"),
        # Not a Draw, which our tests would refuse to make: users run without checks of shapes.
        (3, SimpleNamespace(x=ONE, y=ONE, pmi=np.zeros(2)), "3 pointwise values"),
    ],
)
def test_a_task_of_ones_own_is_held_to_its_word(n, found, message):
    task = Task(
        name="own",
        family="own",
        dim_x=1,
        dim_y=1,
        information=0.0,
        known_by="me",
        source="me",
        sampler=lambda _n, _rng: found,
    )
    with pytest.raises(OptionError, match=message):
        task.draw(n, seed=0)


@pytest.mark.slow
def test_importing_mineral_brings_in_no_tasks_until_they_are_asked_for():
    code = (
        "import sys, mineral; assert 'mineral.tasks' not in sys.modules\n"
        "assert mineral.tasks.find('1v1-normal-0.75').dim_x == 1"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_the_page_on_tasks_runs_and_names_every_suite():
    page = (Path(__file__).parent.parent / "docs" / "tasks.md").read_text()
    assert all(f"\n| `{name}` |" in page for name in SUITES)
    scope = {}
    for block in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL):
        exec(block, scope)
    for name in ("coin", "bent"):
        pmi = scope[name].draw(100_000, seed=0).pmi
        floor = pmi.std() / np.sqrt(len(pmi))
        assert pmi.mean() == pytest.approx(scope[name].information, abs=4 * floor)
