"""Neighbours or a copula among kernel canonical variates."""

import math

import numpy as np
import pytest

import mineral
from mineral import Canonical, InputError
from mineral.tasks import find

TWO_PAIRS = -math.log(1 - 0.8**2)  # nats of two pairs of correlation 0.8


@pytest.mark.slow
@pytest.mark.parametrize(
    "task", ["spiral-multinormal-2pair-5-5", "spiral-normal-cdf-multinormal-2pair-3-3"]
)
def test_few_rows_show_dependence_that_winds_up_within_each_side(task):
    draw = find(task).draw(2000, seed=0)
    found = Canonical().estimate(draw.x, draw.y)
    copula = mineral.estimate(draw.x, draw.y, estimator="copula")
    assert 0.75 * TWO_PAIRS < found.value < TWO_PAIRS + 3 * found.stderr
    assert found.value > copula.value + 0.1
    assert found.path[0].startswith("KSG on")


def test_a_copula_of_the_variates_finds_more_pairs_than_neighbours_do():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1000, 6))
    y = 0.8 * x + 0.6 * rng.standard_normal((1000, 6))
    truth = 3 * TWO_PAIRS
    found = Canonical().estimate(x, y)
    assert found.path == ("Gaussian copula on 6 kernel canonical variates of x and of y.",)
    assert found.value == pytest.approx(truth, abs=0.15 * truth)


def test_functions_of_what_is_known_are_not_counted_again():
    """Of one strong pair, eight variates go together; all but the first are functions of it."""
    rng = np.random.default_rng(0)
    u = rng.standard_normal((1000, 1))
    v = 0.99 * u + math.sqrt(1 - 0.99**2) * rng.standard_normal((1000, 1))
    x, y = (np.hstack([side, rng.standard_normal((1000, 2))]) for side in (u, v))
    found = Canonical().estimate(x, y)
    truth = -0.5 * math.log(1 - 0.99**2)
    assert truth - 0.4 < found.value < truth + 3 * found.stderr + 0.05


@pytest.mark.slow
def test_independent_sides_share_nothing():
    values = []
    for seed in range(20):
        x, y = np.random.default_rng(seed).standard_normal((2, 300, 4))
        values.append(Canonical().estimate(x, y).value)
    assert abs(np.mean(values)) < 0.03


def test_copies_of_rows_do_not_pass_for_dependence():
    """Rows that are alike in x hold no trace of their own y."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 3, (2, 600, 3)).astype(float)
    assert abs(Canonical().estimate(x, y).value) < 0.1


def test_two_values_hold_what_a_table_says():
    """Each tenth tells them a little differently, which must not tell the tenth."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, 1000)
    y = x ^ (rng.uniform(size=1000) < 0.1)
    table = mineral.estimate(x, y, estimator="discrete")
    assert Canonical().estimate(x, y).value == pytest.approx(table.value, abs=0.02)


def test_components_stand_for_very_many_coordinates():
    rng = np.random.default_rng(0)
    u = rng.standard_normal((1000, 2))
    v = 0.8 * u + 0.6 * rng.standard_normal((1000, 2))
    maps = rng.standard_normal((2, 2, 300))
    x, y = (side @ to for side, to in zip((u, v), maps, strict=True))
    x, y = (side + 0.1 * rng.standard_normal(side.shape) for side in (x, y))
    found = Canonical().estimate(x, y)
    assert found.value == pytest.approx(TWO_PAIRS, abs=0.2)


def test_fewer_than_fifty_rows_are_refused():
    x, y = np.random.default_rng(0).standard_normal((2, 49, 3))
    with pytest.raises(InputError, match="at least 50 paired samples, got 49"):
        Canonical().estimate(x, y)


@pytest.mark.slow
def test_the_default_asks_it_and_believes_it():
    draw = find("spiral-normal-cdf-multinormal-2pair-3-3").draw(1000, seed=1)
    found = mineral.estimate(draw.x, draw.y)
    assert found.decision.chosen[0].estimator == "canonical" and found.kind == "neither"
    assert found.interval[0] < TWO_PAIRS < found.interval[1]
