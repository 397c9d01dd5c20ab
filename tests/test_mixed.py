"""Neighbour counts for discrete, continuous and mixed variables."""

import math

import numpy as np
import pytest
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_classif

from mineral.errors import InputError, OptionError
from mineral.methods.neighbours.knn import KSG
from mineral.methods.neighbours.mixed import Mixed

BOTH = ("gao", "ross")


def uniform_steps(n, seed, m=5):
    """x uniform on 0 … m − 1, y on [x, x + 2]: log m − (m − 1)/m log 2 (Gao et al. 2017)."""
    rng = np.random.default_rng(seed)
    x = rng.integers(m, size=n)
    return x, x + 2 * rng.random(n), math.log(m) - (m - 1) / m * math.log(2)


def poisson_counts(n, seed):
    """x exponential, y Poisson of mean x: 2 log 2 − γ − Σ 2^−k log k (Gao et al. 2017)."""
    rng = np.random.default_rng(seed)
    x = rng.exponential(size=n)
    k = np.arange(1, 60)
    truth = 2 * math.log(2) - np.euler_gamma - (np.log(k) / 2.0**k).sum()
    return x, rng.poisson(x), truth


def atoms(n, seed, rho=0.8):
    """Half of the pairs are (0, 0), the others correlated normals: log 2 − log(1 − ρ²) / 4."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(n)
    y = rho * x + math.sqrt(1 - rho**2) * rng.standard_normal(n)
    there = rng.random(n) < 0.5
    return x * there, y * there, math.log(2) - math.log(1 - rho**2) / 4


# Definitions


def distances(values):
    return np.abs(values[:, None] - values[None]).max(axis=-1)


@pytest.mark.parametrize("make", [uniform_steps, poisson_counts, atoms])
@pytest.mark.parametrize("k", [1, 4])
def test_gao_against_its_definition(make, k):
    x, y, _ = make(120, 0)
    d_x, d_y = (distances(v.reshape(-1, 1) / v.std()) for v in (x, y))
    both = np.maximum(d_x, d_y)
    radius = np.sort(both, axis=1)[:, k]
    total = 0.0
    for i in range(120):
        reach = np.nextafter(radius[i], 0)  # strictly closer, or copies
        nearest, n_x, n_y = ((d[i] <= reach).sum() for d in (both, d_x, d_y))
        total += digamma(nearest) + math.log(120) - digamma(n_x) - digamma(n_y)
    assert Mixed(k=k).estimate(x, y).value == pytest.approx(total / 120, abs=1e-9)


@pytest.mark.parametrize("k", [1, 3, 30])
def test_ross_against_its_definition(k):
    x, y, _ = uniform_steps(150, 1)
    total = 0.0
    for i in range(150):
        in_class = np.abs(y[x == x[i]] - y[i])
        nearest = min(k, len(in_class) - 1)
        m = (np.abs(y - y[i]) < np.sort(in_class)[nearest]).sum()
        total += digamma(150) + digamma(nearest) - digamma(len(in_class)) - digamma(m)
    options = {"k": k, "method": "ross", "standardize": False}
    if k < 30:
        assert Mixed(**options).estimate(x, y).value == pytest.approx(total / 150)
    else:  # a class of 30 cannot be told from few repeats of a continuous value
        with pytest.raises(InputError, match="Neither"):
            Mixed(**options).estimate(x, y)


def test_ross_looks_at_several_coordinates_in_the_maximum_norm():
    rng = np.random.default_rng(0)
    x = rng.integers(3, size=100)
    y = x[:, None] + rng.standard_normal((100, 2))
    apart = distances(y)
    total = 0.0
    for i in range(100):
        same = x == x[i]
        radius = np.sort(apart[i][same])[3]
        total -= digamma(same.sum()) + digamma((apart[i] < radius).sum())
    expected = digamma(100) + digamma(3) + total / 100
    found = Mixed(method="ross", standardize=False).estimate(x, y)
    assert found.value == pytest.approx(expected)


def test_on_continuous_data_gao_is_ksg_with_log_n():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 2))
    y = x[:, :1] + rng.standard_normal((200, 1))
    apart = Mixed().estimate(x, y).value - KSG(standardize=True).estimate(x, y).value
    assert apart == pytest.approx(math.log(200) - digamma(200), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("k", [3, 7])
def test_ross_is_scikit_learns(seed, k):
    x, y, _ = uniform_steps(500, seed)
    x[:2] = 40, 50  # two lone classes, and one of three members
    x[2:5] = 60
    found = Mixed(k=k, method="ross").estimate(x, y)
    theirs = mutual_info_classif(y[:, None], x, n_neighbors=k, random_state=0)[0]
    assert found.value == pytest.approx(theirs, abs=1e-3)


# Laws


@pytest.mark.parametrize("method", BOTH)
def test_sides_order_and_scales_do_not_matter(method):
    x, y, _ = uniform_steps(200, 0)
    estimator = Mixed(method=method)
    found = estimator.estimate(x, y).value
    order = np.random.default_rng(1).permutation(200)
    assert estimator.estimate(y, x).value == pytest.approx(found, abs=1e-9)
    assert estimator.estimate(x[order], y[order]).value == pytest.approx(found, abs=1e-9)
    assert estimator.estimate(x * 2.0**30, y * 2.0**-900).value == pytest.approx(found, abs=1e-9)


def test_names_of_classes_do_not_matter_to_ross():
    x, y, _ = uniform_steps(200, 0)
    names = np.array([0.1, -1e9, 3.0, 1e300, 2.0])
    found, renamed = (Mixed(method="ross").estimate(c, y).value for c in (x, names[x]))
    assert renamed == pytest.approx(found, abs=1e-12)


def test_what_is_standardized_is_each_coordinate():
    x, y, _ = uniform_steps(300, 0)
    plain = Mixed(standardize=False).estimate(x / x.std(), 1000 * y / y.std()).value
    assert Mixed().estimate(x, 1000 * y).value != pytest.approx(plain, abs=0.05)
    assert Mixed(standardize=False).estimate(x / x.std(), y / y.std()).value == pytest.approx(
        Mixed().estimate(x, 1000 * y).value, abs=1e-9
    )


@pytest.mark.parametrize("make", [uniform_steps, atoms, poisson_counts])
def test_the_pointwise_values_average_to_the_value(make):
    found = Mixed().estimate(*make(150, 0)[:2])
    assert found.evidence.pointwise.mean() == pytest.approx(found.value, abs=1e-12)


# Accuracy


@pytest.mark.parametrize(
    ("make", "method", "error"),
    [
        (uniform_steps, "gao", 0.03),
        (uniform_steps, "ross", 0.03),
        (poisson_counts, "gao", 0.03),
        (atoms, "gao", 0.1),
    ],
)
def test_home_ground_is_met(make, method, error):
    x, y, truth = make(10_000, 0)
    assert Mixed(method=method).estimate(x, y).value == pytest.approx(truth, abs=error)


def test_the_formula_as_printed_would_be_too_low():
    # What the docstring says of it, so that nobody corrects the code to it.
    x, y, truth = uniform_steps(1000, 0)
    apart_x, apart_y = (distances(v.reshape(-1, 1) / v.std()) for v in (x, y))
    radius = np.sort(np.maximum(apart_x, apart_y), axis=1)[:, 3, None]
    n_x, n_y = ((each <= radius).sum(axis=1) - 1 for each in (apart_x, apart_y))
    printed = digamma(3) + math.log(1000) - np.log(n_x + 1).mean() - np.log(n_y + 1).mean()
    assert printed == pytest.approx(truth - 0.3, abs=0.05)
    assert Mixed().estimate(x, y).value == pytest.approx(truth, abs=0.05)


def test_error_bars_are_as_long_as_the_errors():
    found = [Mixed().estimate(*uniform_steps(120, seed)[:2]) for seed in range(16)]
    actual = np.std([each.value for each in found])
    claimed = np.mean([each.stderr for each in found])
    assert claimed == pytest.approx(actual, rel=0.4)


def draw(kind, rng, n):
    if kind == "classes":
        return rng.integers(4, size=n)
    values = rng.standard_normal(n)
    return values * (rng.random(n) < 0.5) if kind == "atoms" else values


@pytest.mark.parametrize(
    ("kinds", "method"),
    [
        (("classes", "values"), "gao"),
        (("classes", "values"), "ross"),
        (("classes", "classes"), "gao"),
        (("atoms", "classes"), "gao"),
    ],
)
def test_intervals_contain_zero_where_nothing_depends(kinds, method):
    estimator, inside = Mixed(method=method), 0
    for seed in range(14):
        rng = np.random.default_rng(seed)
        found = estimator.estimate(*(draw(kind, rng, 120) for kind in kinds))
        inside += found.interval[0] <= 0 <= found.interval[1]
    assert inside >= 11


# Awkward data, doubts and refusals


@pytest.mark.parametrize("method", BOTH)
def test_copies_count_as_neighbours(method):
    # Half of the continuous values are one value: it tells the class, or nothing.
    rng = np.random.default_rng(0)
    x = rng.integers(2, size=2000)
    y = np.where(rng.random(2000) < 0.5, x * 10.0, rng.standard_normal(2000))
    found = Mixed(method=method).estimate(x, y)
    assert found.value == pytest.approx(math.log(2) / 2, abs=0.06)


def test_heavy_tails_and_few_samples_give_finite_numbers():
    rng = np.random.default_rng(0)
    x = rng.integers(2, size=200)
    y = x + rng.standard_cauchy(200) ** 9
    for method in BOTH:
        assert math.isfinite(Mixed(method=method).estimate(x, y).value)
        few = Mixed(k=1, method=method).estimate([0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.5, 0.7, 0.8, 0.3])
        assert math.isfinite(few.value) and math.isfinite(few.stderr)


def test_lone_classes_are_left_out_and_said():
    x, y, _ = uniform_steps(100, 0)
    found = Mixed(method="ross").estimate(np.append([77, 78], x), np.append([0.5, 1.5], y))
    without = Mixed(method="ross").estimate(x, y)
    assert found.value == pytest.approx(without.value, abs=1e-12)
    lone = math.sqrt(2) * math.log(102) / 102  # of two rows, each of the surprisal of its class
    assert found.stderr == pytest.approx(math.hypot(without.stderr, lone), abs=1e-12)
    assert found.evidence.pointwise is None
    (caution,) = found.warnings
    assert caution.code == "lone-classes" and caution.message.startswith("2 of 102 samples")


def test_a_copy_is_near_the_ceiling_and_many_dimensions_are_doubted():
    x = np.random.default_rng(0).standard_normal((200, 12))
    assert "near-ceiling" in [each.code for each in Mixed().estimate(x[:, 0], x[:, 0]).warnings]
    assert "high-dimension" in [each.code for each in Mixed().estimate(x, x[:, ::-1]).warnings]


def test_ross_refuses_what_it_is_not_made_for():
    rng = np.random.default_rng(0)
    classes, values = rng.integers(3, size=100), rng.standard_normal(100)
    with pytest.raises(InputError, match=r"both discrete.*'discrete'.*'gao'"):
        Mixed(method="ross").estimate(classes, classes)
    with pytest.raises(InputError, match=r"Neither `x` nor `y` is discrete.*'ksg'"):
        Mixed(method="ross").estimate(values, values)
    with pytest.raises(InputError, match="at least 5 paired samples, got 4"):
        Mixed().estimate(values[:4], classes[:4])


@pytest.mark.usefixtures("as_users_run_it")
def test_options_out_of_range_are_refused():
    with pytest.raises(OptionError, match="`k` must be at least 1, got 0"):
        Mixed(k=0)
    with pytest.raises(OptionError, match="`method` must be 'gao' or 'ross'"):
        Mixed(method="kozachenko")
