"""What several test files share: small versions of every estimator, and quiet, fixed surroundings."""

from functools import partial

import jaxtyping
import numpy as np
import pytest
import torch
from hypothesis import settings

from mineral.critics import JointCritic, SeparableCritic
from mineral.methods import ESTIMATORS
from mineral.methods.neural import Neural

torch.set_num_threads(1)  # small networks, and pytest -n beside: more threads only get in the way

# The same examples on every run, and no deadline: another program may be using the machine.
settings.register_profile("mineral", derandomize=True, deadline=None, max_examples=25)
settings.load_profile("mineral")


def small(kind):
    """The estimator with its default options or, of a neural one, a training that takes moments."""
    if not issubclass(kind, Neural):
        return kind()
    critic = SeparableCritic if kind.critic is SeparableCritic else JointCritic
    return kind(
        critic=partial(critic, hidden=(16,)),
        steps=60,
        batch_size=64,
        product_samples=min(kind.product_samples, 31),
        folds=2,
    )


SMALL = {name: small(kind) for name, kind in ESTIMATORS.items()}
CHEAP = {name: each for name, each in SMALL.items() if not isinstance(each, Neural)}
NEURAL = {name: each for name, each in SMALL.items() if isinstance(each, Neural)}


@pytest.fixture(params=SMALL.values(), ids=SMALL.keys())
def every_estimator(request):
    return request.param


@pytest.fixture(params=CHEAP.values(), ids=CHEAP.keys())
def cheap_estimator(request):
    return request.param


@pytest.fixture(params=NEURAL.values(), ids=NEURAL.keys())
def neural_estimator(request):
    return request.param


@pytest.fixture(scope="session")
def gaussian_pair():
    """400 pairs of standard normals with correlation 0.8: I(X; Y) = 0.51 nats."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(400)
    pair = x, 0.8 * x + 0.6 * rng.standard_normal(400)
    for array in pair:
        array.flags.writeable = False  # shared between tests
    return pair


@pytest.fixture
def as_users_run_it():
    """Without the checks of types that only our tests make, and that would refuse first."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
