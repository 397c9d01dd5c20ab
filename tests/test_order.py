"""Rows in series: a warning where both sides move slowly, and none where nothing does."""

import math

import numpy as np
import pytest

import mineral
from mineral.samples.autocorrelation import in_series


def moving(n, a, rng, d=1):
    """Series whose correlation from row to row is a."""
    steps = rng.standard_normal((n, d)) * math.sqrt(1 - a**2)
    found = np.empty((n, d))
    found[0] = rng.standard_normal(d)
    for i in range(1, n):
        found[i] = a * found[i - 1] + steps[i]
    return found


def test_series_on_both_sides_are_warned_of():
    rng = np.random.default_rng(0)
    x, y = moving(2000, 0.9, rng, d=2), moving(2000, 0.8, rng)
    a_draw, (caution,) = in_series(x, y)
    assert caution.code == "rows-in-series"
    # n (1 − ab) / (1 + ab) = 326 rows; signs' correlations are 0.02 off.
    assert 2000 / a_draw == pytest.approx(326, rel=0.25)
    assert in_series(np.exp(5 * x), -(y**3)) == in_series(x, y)


@pytest.mark.parametrize("n", [100, 400])
def test_random_walks_are_series_though_they_seldom_cross_their_median(n):
    # 99 % of such columns are recognized at 100 rows, all at 400.
    rng = np.random.default_rng(4)
    walks = rng.standard_normal((n, 2, 50)).cumsum(axis=0)
    found = [in_series(x[:, None], y[:, None])[0] > 2 for x, y in walks.transpose(2, 1, 0)]
    assert np.mean(found) >= 0.9


@pytest.mark.parametrize("a", [0.0, 0.9])
def test_one_side_in_series_is_harmless(a):
    rng = np.random.default_rng(1)
    assert in_series(moving(2000, a, rng), rng.standard_normal((2000, 3))) == (1.0, ())


def test_independent_rows_are_seldom_warned_of():
    # Dependent x and y, and heavy ties: 300 tables, of which 1e-6 each may be taken for a series.
    for seed in range(300):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((60, 4))
        assert in_series(x, x + rng.standard_normal((60, 4))) == (1.0, ())
        assert in_series((x > 1).astype(float), np.round(x)) == (1.0, ())


def test_sorted_rows_are_no_series():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((500, 1))
    y = x + rng.standard_normal((500, 1))
    for order in (np.argsort(x[:, 0]), np.argsort(-y[:, 0])):
        assert in_series(x[order], y[order]) == (1.0, ())


def test_rows_listed_by_group_are_no_series():
    # As tables of species are: three groups of many rows each, in no order within.
    for seed in range(50):
        rng = np.random.default_rng(seed)
        group = np.repeat([0.0, 4.0, 2.0], [150, 70, 120])[:, None]
        x = group + rng.standard_normal((340, 2))
        a_draw, (caution,) = in_series(x, group + rng.standard_normal((340, 1)))
        assert (a_draw, caution.code) == (1.0, "rows-in-order")
        assert in_series(x, group) == (1.0, ())  # the label says how the rows are listed


def drifting(n, rng):
    """A slow drift under noise: rows ten apart differ no more than successive ones."""
    time = np.linspace(0, 2 * np.pi * rng.uniform(0.7, 1.5), n)
    return np.sin(time + rng.uniform(0, 2 * np.pi)) + 0.5 * rng.standard_normal(n)


def test_slow_drifts_on_both_sides_are_warned_of_and_a_condition_on_time_removes_them():
    warned, contain = [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        x, y = drifting(1000, rng), drifting(1000, rng)
        codes = [w.code for w in mineral.estimate(x, y, estimator="copula").warnings]
        warned.append("rows-in-order" in codes or "rows-in-series" in codes)
        given = mineral.estimate(x, y, given=np.arange(1000), budget="fast")
        assert "rows-in-order" not in [w.code for w in given.warnings]
        contain.append(given.interval[0] <= 0 <= given.interval[1])
    assert all(warned)
    assert sum(contain) >= 8  # of 10, at 95 %: fewer in 1.2 % of such tests


def test_few_rows_are_left_alone_and_stretches_of_one_value_are_not():
    rng = np.random.default_rng(3)
    assert in_series(moving(15, 0.99, rng), moving(15, 0.99, rng)) == (1.0, ())
    blocks = np.repeat(rng.integers(0, 3, 50), 20)[:, None].astype(float)
    assert in_series(blocks, blocks + rng.standard_normal((1000, 1)))[0] > 2


@pytest.mark.slow
def test_the_interval_is_as_wide_as_fewer_rows_make_it():
    rng = np.random.default_rng(5)
    holds = []
    for _ in range(20):
        x, y = moving(500, 0.95, rng), moving(500, 0.95, rng)
        holds.append(mineral.estimate(x, y).interval[0] <= 0)
    order = rng.permutation(500)
    shuffled = mineral.GaussianCopula().estimate(x[order], y[order])
    r = mineral.GaussianCopula().estimate(x, y)
    a_draw = in_series(x, y)[0]
    assert r.stderr == pytest.approx(shuffled.stderr * math.sqrt(a_draw))
    assert sum(holds) >= 17  # of 20; of intervals for independent rows, 3


def test_the_result_carries_the_warning_and_thinning_ends_it():
    rng = np.random.default_rng(4)
    x, y = moving(3000, 0.95, rng), moving(3000, 0.95, rng)
    r = mineral.estimate(x, y)
    (caution,) = [w for w in r.warnings if w.code == "rows-in-series"]
    apart = int(caution.message.split("keep one row in ")[1].split(",")[0])
    thinned = mineral.estimate(x[::apart], y[::apart])
    assert "rows-in-series" not in [w.code for w in thinned.warnings]
    assert thinned.interval[0] <= 0 <= thinned.interval[1]
