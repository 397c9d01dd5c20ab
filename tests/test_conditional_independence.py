"""Tests of independence given Z, and of series: their sizes and their power."""

import numpy as np
import pytest

import mineral
from mineral import independence

RUNS = 40  # at 5 %: a standard error of 3.4 %


def fork(rng, n):
    z = rng.standard_normal((n, 2))
    return z.sum(1) + rng.standard_normal(n), rng.standard_normal(n) - z.sum(1), z


def label(rng, n):
    z = rng.standard_normal(n)
    return (rng.random(n) < 1 / (1 + np.exp(-2 * z))).astype(int), z + rng.standard_normal(n), z


def strata(rng, n):
    z = rng.integers(0, 3, n)
    return z + rng.standard_normal(n), (rng.random(n) < (z + 1) / 4).astype(int), z


@pytest.mark.parametrize("null", [fork, label, strata])
@pytest.mark.slow
def test_its_size_is_about_what_it_says(null):
    p = []
    for seed in range(RUNS):
        x, y, z = null(np.random.default_rng(seed), 80)
        p.append(independence(x, y, given=z, permutations=19, seed=seed).p_value)
    assert np.mean(np.array(p) <= 0.05) < 0.05 + 3 * 0.034
    assert np.mean(np.array(p) <= 0.5) == pytest.approx(0.5, abs=4 * 0.08)


@pytest.mark.slow
@pytest.mark.parametrize("null", [fork, label, strata])
def test_its_size_is_what_it_says(null):
    p = []
    for seed in range(400):  # a standard error of 1.1 %
        x, y, z = null(np.random.default_rng(seed), 200)
        p.append(independence(x, y, given=z, permutations=99, seed=seed).p_value)
    assert np.mean(np.array(p) <= 0.05) < 0.05 + 4 * 0.011


def test_without_the_condition_a_fork_looks_dependent():
    x, y, z = fork(np.random.default_rng(0), 200)
    assert independence(x, y, permutations=99).p_value == 0.01
    assert independence(x, y, given=z, permutations=99).p_value > 0.05


@pytest.mark.parametrize(
    "make",
    [
        lambda z, x, e: z + 0.5 * x + e,
        lambda z, x, e: np.sign(z) * x + e,  # no correlation of x and y
        lambda z, x, e: z + x**2 + 0.5 * e,
    ],
    ids=["linear", "a sign that Z decides", "square"],
)
def test_dependence_is_seen(make):
    z, e, f = np.random.default_rng(0).standard_normal((3, 300))
    x = z + e
    found = independence(x, make(z, e, f), given=z, permutations=99)
    assert found.p_value <= 0.02


def test_the_result_says_what_was_permuted():
    x, y, z = fork(np.random.default_rng(0), 80)
    found = independence(x, y, given=z, permutations=19)
    assert "permutations of residuals within groups of 8 rows or more, of " in found.surrogates
    assert found.surrogates in str(found) and found.permutations == 19 and found.p_value >= 1 / 20
    of_labels = independence(x, y, given=(z[:, 0] > 0).astype(int), permutations=19)
    assert of_labels.surrogates == "permutations within each value of the condition"
    assert independence(x, y, permutations=19).surrogates == "permutations"


def test_the_seed_fixes_it():
    x, y, z = fork(np.random.default_rng(0), 80)
    first = independence(x, y, given=z, permutations=49, seed=1)
    assert independence(x, y, given=z, permutations=49, seed=1) == first
    assert independence(x, y, given=z, permutations=49, seed=2) != first


def test_a_constant_condition_changes_nothing():
    x, y, _ = fork(np.random.default_rng(0), 80)
    given = independence(x, y, given=np.ones(80), permutations=49)
    assert given == independence(x, y, permutations=49)


def test_rows_without_a_constant_condition_are_dropped():
    x, y = np.random.default_rng(0).standard_normal((2, 60))
    z = np.where(np.arange(60) < 20, np.nan, 1.0)
    found = mineral.independence(x, y, given=z, missing="drop", permutations=19)
    assert found.n == mineral.estimate(x, y, given=z, missing="drop").n == 40


def test_an_estimate_has_the_p_value_of_the_same_test():
    x, y, z = fork(np.random.default_rng(0), 80)
    found = mineral.estimate(x, y, given=z, estimator="partial-copula", permutations=49)
    assert found.p_value == independence(x, y, given=z, permutations=49).p_value


# Series


def autoregressive(rng, n, memory):
    rows = np.zeros((n + 200, 2))
    noise = rng.standard_normal(rows.shape)
    for t in range(1, len(rows)):
        rows[t] = memory * rows[t - 1] + noise[t]
    return rows[200:, 0], rows[200:, 1]


@pytest.mark.slow
def test_series_have_surrogates_and_the_size_is_about_what_it_says():
    rejected = 0
    for seed in range(RUNS):
        x, y = autoregressive(np.random.default_rng(seed), 300, 0.95)
        found = independence(x, y, permutations=99, seed=seed)
        rejected += found.p_value <= 0.05
    assert rejected / RUNS < 0.05 + 3 * 0.034
    assert found.surrogates == "surrogates of x with random phases"


def test_dependence_of_series_is_seen():
    x, y = autoregressive(np.random.default_rng(0), 500, 0.9)
    assert independence(x, x + y, permutations=99).p_value == 0.01


def test_the_side_whose_values_do_not_repeat_has_surrogates():
    x, y = autoregressive(np.random.default_rng(0), 300, 0.9)
    found = independence(x > 0, x + y, permutations=99)
    assert found.surrogates == "surrogates of y with random phases" and found.p_value == 0.01


def test_short_series_have_fewer_rotations_than_were_wanted():
    x, y = (np.round(side / 2) for side in autoregressive(np.random.default_rng(0), 150, 0.9))
    found = independence(x, y, permutations=999)
    assert found.surrogates.startswith("rotations by ")
    assert found.permutations < 150 and found.p_value >= 1 / (found.permutations + 1)
