"""Maps of single coordinates: they learn from the rows given, and lose nothing."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import ndtri
from scipy.stats import kstest

from mineral.samples import Standardizer, normal_scores


def normal(n, seed=0):
    return np.random.default_rng(seed).standard_normal((n, 1))


reals = st.floats(-1e6, 1e6, allow_subnormal=False)
columns = hnp.arrays(np.float64, st.tuples(st.integers(5, 30), st.just(1)), elements=reals)


def test_standard_normal_data_stay_nearly_as_they_are():
    z = normal(100_000)
    mapped = Standardizer.fit(z)(z)
    near = np.abs(z) < 2.9
    # The standard error of a median is 1.25 / √n, that of an interquartile range 1.2 times it.
    assert np.abs(mapped - z)[near].max() < 5 * 1.25 / 100_000**0.5 * 2.9


@pytest.mark.parametrize(("shift", "scale"), [(0, 1), (-7, 3), (1e6, 1e-3), (0, 1e200)])
def test_between_the_knees_it_is_one_straight_line(shift, scale):
    x = shift + scale * normal(2000)
    mapped = Standardizer.fit(x)(x)[:, 0]
    near = np.abs(mapped) < 3
    assert 0.99 < near.mean() < 1
    z = (x[near, 0] - shift) / scale
    slope, intercept = np.polyfit(z, mapped[near], 1)
    assert mapped[near] == pytest.approx(slope * z + intercept, abs=1e-6)
    assert np.median(mapped) == pytest.approx(0, abs=1e-6)
    assert slope == pytest.approx(1, rel=0.1)


def test_beyond_the_knees_it_grows_like_a_logarithm():
    unit = Standardizer(center=np.zeros(1), scale=np.ones(1))
    ends = np.array([[-1e9], [-3.0], [3.0], [3.0 + np.e - 1], [1e9]])
    expected = [-3 - np.log(1e9 - 2), -3, 3, 4, 3 + np.log(1e9 - 2)]
    assert unit(ends)[:, 0] == pytest.approx(np.array(expected))


def test_it_is_odd_around_its_center():
    unit = Standardizer(center=np.array([2.0]), scale=np.array([0.5]))
    z = np.linspace(0, 50, 200)[:, None]
    assert np.array_equal(unit(2 + z), -unit(2 - z))


@given(columns)
def test_order_is_kept_strictly(x):
    assume(np.ptp(x) > 1e-3)
    of = Standardizer.fit(x)
    # A grid, not the data: neighbours in floating point may share an image far out.
    z = np.array([-1e6, -100, -4, -3, -2.9, -1, 0, 1e-3, 2.9, 3, 3.001, 10, 1e6])[:, None]
    assert (np.diff(of(of.center + of.scale * z), axis=0) > 0).all()


@given(columns, st.sampled_from([1e-200, 1e-3, 1e3, 1e200]))
def test_units_do_not_matter(x, unit):
    assume(np.ptp(x) > 1e-3)
    assert Standardizer.fit(unit * x)(unit * x) == pytest.approx(Standardizer.fit(x)(x), abs=1e-6)


def test_it_learns_from_the_rows_it_was_given_and_no_others():
    x = normal(100)
    of = Standardizer.fit(x[:50])
    changed = np.r_[x[:50], 1000 + x[50:]]
    again = Standardizer.fit(changed[:50])
    assert np.array_equal(of.center, again.center) and np.array_equal(of.scale, again.scale)
    assert np.array_equal(of(x[50:]), of(x)[50:])
    assert not np.array_equal(of.center, Standardizer.fit(x).center)


def test_columns_are_mapped_each_by_itself():
    x = np.c_[normal(50), 1e5 * normal(50, seed=1) - 7, np.exp(normal(50, seed=2))]
    together = Standardizer.fit(x)(x)
    for i in range(3):
        assert np.array_equal(together[:, [i]], Standardizer.fit(x[:, [i]])(x[:, [i]]))


def test_heavy_tails_inflate_nothing():
    cauchy = np.random.default_rng(0).standard_cauchy((10_000, 1))
    mapped = Standardizer.fit(cauchy)(cauchy)
    # The quartiles of a standard Cauchy are −1 and 1, those of a normal ±0.674.
    assert np.quantile(mapped, [0.25, 0.75]) == pytest.approx([-0.674, 0.674], abs=0.05)
    assert np.abs(mapped).max() < 3 + np.log1p(np.abs(cauchy).max())


@pytest.mark.parametrize(
    "x",
    [
        1e300 * normal(50),
        1e-300 * normal(50),
        1e-310 * normal(50),
        1e300 * np.random.default_rng(0).uniform(-1, 1, (50, 1)),
        np.random.default_rng(0).standard_cauchy((50, 1)) ** 9,
        np.r_[np.zeros((49, 1)), [[1.0]]],
        np.r_[np.zeros((49, 1)), [[1e300]]],
        np.full((50, 1), 7.0),
        np.zeros((50, 1)),
        np.c_[normal(50), np.full(50, -3.0)],
        (normal(50) > 0).astype(float),
    ],
    ids=[
        "huge",
        "tiny",
        "subnormal",
        "huge uniform",
        "ninth power of Cauchy",
        "one other value",
        "one huge value",
        "constant",
        "zero",
        "one constant column",
        "binary",
    ],
)
def test_what_comes_out_is_finite_and_of_moderate_size(x):
    mapped = Standardizer.fit(x)(x)
    assert np.isfinite(mapped).all() and np.abs(mapped).max() < 1000
    for before, after in zip(x.T, mapped.T, strict=True):
        assert (np.unique(before).size > 1) == (np.unique(after).size > 1)


def test_normal_scores_are_those_of_their_definition():
    x = np.array([[10.0], [-1.0], [3.0], [3.0]])
    expected = ndtri(np.array([4, 1, 2.5, 2.5]) / 5)
    assert normal_scores(x)[:, 0] == pytest.approx(expected, rel=1e-14)


@given(columns)
def test_normal_scores_do_not_see_increasing_maps(x):
    x = np.round(x, 3)  # so that the maps below keep different values apart
    for of in (np.cbrt, np.arcsinh, lambda v: 2 * v - 1e3, lambda v: np.exp(v / 1e6)):
        assert np.array_equal(normal_scores(of(x)), normal_scores(x))
    assert normal_scores(-x) == pytest.approx(-normal_scores(x), abs=1e-12)


@given(columns, st.randoms(use_true_random=False))
def test_normal_scores_follow_their_rows(x, random):
    order = random.sample(range(len(x)), len(x))
    assert np.array_equal(normal_scores(x[order]), normal_scores(x)[order])


def test_normal_scores_are_normal_whatever_the_data():
    x = np.exp(5 * np.random.default_rng(0).standard_cauchy((1000, 2)).clip(-100, 100))
    for column in normal_scores(x).T:
        assert kstest(column, "norm").pvalue > 0.99  # ranks are more even than any sample
    assert np.isfinite(normal_scores(x)).all()
