"""What several test files share: small versions of every estimator, and quiet surroundings."""

import os
from dataclasses import fields
from functools import partial

import jaxtyping
import pytest
import torch
from hypothesis import settings
from threadpoolctl import threadpool_limits

from mineral.methods import ESTIMATORS
from mineral.methods.neural.crossfit import Learned

# Small fits, and pytest -n beside: more threads only get in each other's way.
torch.set_num_threads(1)
threadpool_limits(1)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by scikit-learn when it is first imported

# The same examples on every run, and no deadline: another program may be using the machine.
settings.register_profile("mineral", derandomize=True, deadline=None, max_examples=25)
settings.load_profile("mineral")


def learns(kind):
    return issubclass(kind, Learned)


def params(items, quick):
    """The items as parameters; those that are not quick run with `make test-slow`.

    Args:
        items: Label → parameter, or parameters that are labels themselves.
        quick: Labels of those that always run.
    """
    items = items if isinstance(items, dict) else {item: item for item in items}
    assert set(quick) <= set(items), "a label that is not there"
    return [
        pytest.param(item, id=str(label), marks=() if label in quick else pytest.mark.slow)
        for label, item in items.items()
    ]


def small(kind, steps=60):
    """The estimator with its default options or, where it takes its time, with smaller ones."""
    names = {field.name for field in fields(kind)}
    if "budget" in names:
        return kind(budget="fast")  # the network that it would train is `residual`, tested itself
    if not learns(kind):
        return kind(components=3, folds=2) if {"components", "folds"} <= names else kind()
    options = {"steps": steps, "batch_size": 64, "folds": 2, "learning_rate": 0.02}
    if "product_samples" in names:
        options["product_samples"] = min(kind.product_samples, 31)
    if "critic" in names:
        options["critic"] = partial(kind.critic, hidden=(16,))
    return kind(**options)


# These refuse continuous data, and are tested by themselves.
FOR_SYMBOLS = ("discrete", "discriminant", "classifier")
FOR_NUMBERS = {name: kind for name, kind in ESTIMATORS.items() if name not in FOR_SYMBOLS}

SMALL = {name: small(kind) for name, kind in FOR_NUMBERS.items()}
BRIEF = {name: small(kind, steps=2) for name, kind in FOR_NUMBERS.items()}
# These draw folds or starts, so that the order of rows matters a little.
SPLITTING = ("mixture", "canonical", "clusters")
CHEAP = {
    name: each for name, each in SMALL.items() if not learns(type(each)) and name not in SPLITTING
}
LEARNING = {name: each for name, each in BRIEF.items() if learns(type(each))}
# Estimators that learn share a base for each family, of which one is always tested.
FAMILIES = ("mine", "infonce", "smile", "tuba", "reinfonce", "doe", "flow", "club", "minde", "lmi")
QUICK = [name for name in BRIEF if name not in LEARNING or name in FAMILIES]


@pytest.fixture(params=params(SMALL, QUICK))
def every_estimator(request):
    """Where a network must have learned something."""
    return request.param


@pytest.fixture(params=params(BRIEF, QUICK))
def brief_estimator(request):
    """Where it does not matter what a network has learned."""
    return request.param


@pytest.fixture(params=CHEAP.values(), ids=CHEAP.keys())
def cheap_estimator(request):
    return request.param


@pytest.fixture(params=params(LEARNING, {*QUICK} & {*LEARNING}))
def learning_estimator(request):
    """One that trains a network, briefly."""
    return request.param


@pytest.fixture
def as_users_run_it():
    """Without the checks of types that only our tests make, and that would refuse first."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
