"""The suite of transfer entropies: values by other ways, and samples that bear them out."""

import math

import numpy as np
import pytest

import mineral
from mineral.tasks import find, suite
from mineral.tasks.families.directed import Linear

CLOSED = {  # x′ = a x + e, y′ = b y + c x + e′; six channels of ½ log 2; a switch at 0
    "directed-linear": 0.12756,
    "directed-linear-5": 0.63782,
    "directed-six-channels": 3 * math.log(2),
    "directed-switching": -math.log(0.19) / 4,
    "directed-variance": 0.20825,
    "directed-square": 0.80270,
    "directed-null-chain": 0.0,
    "directed-null-0.95": 0.0,
}


@pytest.mark.parametrize(("name", "value"), CLOSED.items())
def test_values_are_those_of_other_formulas(name, value):
    assert find(name).information == pytest.approx(value, abs=1e-5)


def test_rows_are_lags_of_one_series():
    for task in suite("directed"):
        drawn = task.draw(20, seed=0)
        assert drawn.z.shape == (20, task.dim_z)
        # The present of a row is the past of the next.
        assert np.array_equal(drawn.y[:-1], drawn.z[1:, : task.dim_y])


@pytest.mark.parametrize("name", ["directed-linear", "directed-chain-and-direct", "directed-weak"])
def test_samples_bear_the_value_out(name):
    task = find(name)
    drawn = task.draw(40_000, seed=0)
    found = mineral.PartialCopula().estimate(drawn.x, drawn.y, given=drawn.z)
    assert found.value == pytest.approx(task.information, abs=4 * found.stderr)


def test_series_start_stationary():
    drawn = np.array(
        [
            Linear(((0.95, 0.0), (0.0, 0.95))).series(1, np.random.default_rng(s))[0]
            for s in range(400)
        ]
    )
    assert drawn.var() == pytest.approx(1 / (1 - 0.95**2), rel=4 * math.sqrt(2 / 400))


@pytest.mark.slow
def test_six_channels_are_within_one_percent_of_the_truth():
    """One estimate errs by .0173 nats at least, as the mean of its true pointwise values does."""
    task, errors = find("directed-six-channels"), []
    for seed in range(8):
        x, y, _ = task.sampler.series(10_000, np.random.default_rng(seed))
        found = mineral.transfer_entropy(x, y, history=1, estimator="partial-copula")
        errors.append(found.value - task.information)
    assert abs(np.mean(errors)) < 0.01 * task.information
