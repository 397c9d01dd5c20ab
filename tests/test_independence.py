"""The test of independence: its size is exact, and it sees what correlation does not."""

import numpy as np
import pytest

import mineral
from mineral import independence


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: rng.standard_normal((2, 40, 1)),
        lambda rng: rng.standard_cauchy((2, 60, 3)),
        lambda rng: rng.integers(0, 3, (2, 50, 1)).astype(float),
        lambda rng: (rng.standard_normal((30, 20)), rng.standard_normal((30, 2))),
    ],
    ids=["normal", "Cauchy", "symbols", "nearly as many dimensions as rows"],
)
@pytest.mark.slow
def test_its_size_is_what_it_says(draw):
    # 300 tests at 5 %: the standard error is 1.3 %. Ties make it conservative.
    p = np.array(
        [
            independence(*draw(np.random.default_rng(seed)), permutations=39, seed=seed).p_value
            for seed in range(300)
        ]
    )
    assert (p <= 0.05).mean() < 0.05 + 4 * 0.0126
    assert (p <= 0.5).mean() < 0.5 + 4 * 0.029
    if draw(np.random.default_rng(0))[0].dtype == float and len(np.unique(p)) > 30:
        assert (p <= 0.5).mean() > 0.5 - 4 * 0.029


def test_a_p_value_is_never_zero_and_counts_itself():
    x = np.random.default_rng(0).standard_normal(100)
    r = independence(x, x, permutations=19)
    assert r.p_value == 1 / 20 and r.permutations == 19 and float(r) == r.p_value
    assert str(r) == "p = 0.05 (independence; 19 permutations)"


@pytest.mark.parametrize(
    ("make", "by"),
    [
        (lambda x, e: 0.5 * x + e, None),
        (lambda x, e: x**2 + 0.5 * e, "kernel"),
        (lambda x, e: np.sin(3 * x) + 0.5 * e, "kernel"),
    ],
)
def test_dependence_is_seen(make, by):
    x, e = np.random.default_rng(0).standard_normal((2, 200))
    r = independence(x, make(x, e), permutations=199)
    assert r.p_value == 1 / 200
    assert by is None or r.by == by


def test_weak_correlation_in_many_dimensions_is_seen_by_the_copula():
    x, e = np.random.default_rng(0).standard_normal((2, 500, 10))
    r = independence(x, 0.3 * x + e, permutations=99)
    assert r.p_value == 0.01


def test_the_seed_fixes_it_and_monotone_maps_change_nothing():
    x, y = np.random.default_rng(3).standard_normal((2, 80))
    first = independence(x, y, permutations=99, seed=1)
    assert independence(np.exp(x), y**3, permutations=99, seed=1) == first
    assert independence(x, y, permutations=99, seed=2).p_value != first.p_value


def test_samples_pass_the_same_gate_as_everywhere():
    with pytest.raises(mineral.InputError, match="paired row by row"):
        independence(np.arange(5.0), np.arange(6.0))
    with pytest.raises(mineral.OptionError, match="`permutations` must be at least 1, got 0"):
        independence(np.arange(5.0), np.arange(5.0), permutations=0)
    x = np.array([1.0, 2.0, np.nan, 4.0, 3.0])
    assert independence(x, x, missing="drop", permutations=9).n == 4


def test_an_estimate_has_the_p_value_where_it_is_asked_for():
    rng = np.random.default_rng(0)
    x, noise = rng.standard_normal((2, 300))
    plain = mineral.estimate(x, x + noise)
    assert plain.p_value is None and "p =" not in str(plain)
    tested = mineral.estimate(x, x + noise, permutations=199, seed=3)
    assert tested.p_value == mineral.independence(x, x + noise, permutations=199, seed=3).p_value
    assert tested.p_value == 1 / 200 and ", p = 0.005\n" in str(tested)
    assert tested.to_dict()["p_value"] == 0.005 and "p = 0.005" in tested._repr_html_()
    assert tested.value == plain.value  # which no seed changes, of a copula


@pytest.mark.parametrize("permutations", [-1, 1.5, True, "many"])
@pytest.mark.usefixtures("as_users_run_it")
def test_permutations_are_a_whole_number(permutations):
    with pytest.raises(mineral.OptionError, match="`permutations` must be a whole number"):
        mineral.estimate([1.0, 2, 3], [1.0, 3, 2], permutations=permutations)


def test_series_are_warned_of():
    rng = np.random.default_rng(0)
    x, y = np.cumsum(rng.standard_normal((2, 400)), axis=1)
    assert [w.code for w in independence(x, y, permutations=19).warnings] == ["rows-in-series"]
    assert independence(*rng.standard_normal((2, 400)), permutations=19).warnings == ()
