"""Adaptive partitions and equal-frequency bins."""

import math

import numpy as np
import pytest
from scipy.stats import chi2, rankdata

from mineral.errors import InputError, OptionError
from mineral.methods.counts.discrete import Discrete
from mineral.methods.counts.histogram import Histogram, partition

ADAPTIVE, EQUAL = Histogram(), Histogram(adaptive=False)
BOTH = pytest.mark.parametrize("estimator", [ADAPTIVE, EQUAL], ids=["adaptive", "equal"])


def gaussian(n, rho, seed, d=1):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d))
    y = rho * x + math.sqrt(1 - rho**2) * rng.standard_normal((n, d))
    return x, y, -d / 2 * math.log(1 - rho**2)


# Definitions


def by_recursion(u, v, rows, left, right, bottom, top, level):
    """The same partition for ranks 0 … n − 1 with n a power of two, one cell at a time."""
    n = len(u)
    m = len(rows)

    def p_value(ways):
        counts = np.zeros((ways, ways))
        for i in rows:
            column = (u[i] - left) * ways // (right - left)
            counts[column, (v[i] - bottom) * ways // (top - bottom)] += 1
        expected = m / ways**2
        return chi2.sf(((counts - expected) ** 2 / expected).sum(), ways**2 - 1)

    grids = [2] + [ways for ways in (4, 8) if m >= 5 * ways**2]
    narrow = min(right - left, top - bottom) < 2
    if narrow or min(map(p_value, grids)) >= level / len(grids):
        return m / n * math.log(m * n / ((right - left) * (top - bottom)))
    total, x_mid, y_mid = 0.0, (left + right) // 2, (bottom + top) // 2
    for a, b in ((left, x_mid), (x_mid, right)):
        for c, d in ((bottom, y_mid), (y_mid, top)):
            inside = [i for i in rows if a <= u[i] < b and c <= v[i] < d]
            if inside:
                total += by_recursion(u, v, inside, a, b, c, d, level)
    return total


@pytest.mark.parametrize("rho", [0.3, 0.9, 0.999])
@pytest.mark.parametrize("level", [0.05, 0.3])
def test_the_adaptive_partition_against_its_definition(rho, level):
    x, y, _ = gaussian(512, rho, 0)
    u, v = (rankdata(each[:, 0]).astype(int) - 1 for each in (x, y))
    expected = by_recursion(u, v, range(512), 0, 512, 0, 512, level)
    assert Histogram(level=level).estimate(x, y).value == pytest.approx(expected, abs=1e-9)


def test_equal_frequency_bins_are_a_table_of_them():
    x, y, _ = gaussian(600, 0.7, 0)
    found = Histogram(adaptive=False, bins=6).estimate(x, y)
    codes = ((rankdata(each[:, 0]).astype(int) - 1) // 100 for each in (x, y))
    table = Discrete(correction="miller-madow").estimate(*codes)
    assert (found.value, found.stderr) == pytest.approx((table.value, table.stderr), abs=1e-12)
    default = Histogram(adaptive=False).estimate(x, y).value  # (600 / 10)^(1/2) = 7.7
    assert default == Histogram(adaptive=False, bins=7).estimate(x, y).value


# Laws


@BOTH
def test_order_sides_and_increasing_maps_do_not_matter(estimator):
    x, y, _ = gaussian(500, 0.8, 0)
    found = estimator.estimate(x, y)
    order = np.random.default_rng(1).permutation(500)
    again = [
        estimator.estimate(y, x),
        estimator.estimate(x[order], y[order]),
        estimator.estimate(np.exp(5 * x), y**3 * 1e100),
    ]
    assert [each.value for each in again] == pytest.approx([found.value] * 3, abs=1e-9)
    assert [each.stderr for each in again] == pytest.approx([found.stderr] * 3, abs=1e-9)


@BOTH
def test_the_pointwise_values_average_to_the_value_before_correction(estimator):
    x, y, _ = gaussian(500, 0.8, 0)
    found = estimator.estimate(x, y)
    correction = found.value - found.evidence.pointwise.mean()
    assert correction == pytest.approx(0, abs=1e-12 if estimator.adaptive else 0.06)


def test_an_even_grid_is_one_cell_that_tells_nothing():
    x, y = (each.ravel() for each in np.meshgrid(np.arange(32), np.arange(32)))
    found = ADAPTIVE.estimate(x, y)
    assert found.value == 0 and found.stderr > 0


def test_blocks_are_found_exactly():
    # Two blocks on the diagonal, each an even grid: the halves are told, log 2, and no more.
    x, y = (each.ravel() for each in np.meshgrid(np.arange(16), np.arange(16)))
    x, y = np.append(x, x + 16), np.append(y, y + 16)
    assert ADAPTIVE.estimate(x, y).value == pytest.approx(math.log(2), abs=1e-12)


@pytest.mark.parametrize(
    "shape", [lambda t: t**2, lambda t: np.abs(t) % 0.5, lambda t: np.sign(t * 4 % 2 - 1)]
)
def test_dependence_that_halves_do_not_show_is_seen_in_finer_grids(shape):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, 2000)
    found = ADAPTIVE.estimate(x, shape(x) + 0.01 * rng.standard_normal(2000))
    assert found.interval[0] > 0.3


def test_fewer_cells_at_a_lower_level():
    x, y, _ = gaussian(2000, 0.6, 0)
    loose, default, strict = (
        len(np.unique(partition(x, y, level)[0])) for level in (0.3, 0.05, 1e-6)
    )
    assert strict < default < loose


# Accuracy


@pytest.mark.parametrize(("rho", "d"), [(0.0, 1), (0.6, 1), (0.9, 1), (0.99, 1), (0.6, 2)])
def test_home_ground_is_met(rho, d):
    x, y, truth = gaussian(10_000, rho, 0, d)
    assert ADAPTIVE.estimate(x, y).value == pytest.approx(truth, abs=0.03)


@pytest.mark.parametrize("rho", [0.0, 0.6, 0.9])
def test_home_ground_of_equal_bins_is_met(rho):
    x, y, truth = gaussian(10_000, rho, 0)
    assert EQUAL.estimate(x, y).value == pytest.approx(truth, abs=0.03)


def test_discrete_variables_are_served():
    rng = np.random.default_rng(0)
    x = rng.integers(5, size=4000)
    y = np.where(rng.random(4000) < 0.5, x, rng.integers(5, size=4000))
    truth = 0.6 * math.log(3) + 0.4 * math.log(0.5)
    for estimator in (ADAPTIVE, EQUAL):
        assert estimator.estimate(x, y).value == pytest.approx(truth, abs=0.06)


def test_a_binary_variable_is_split_however_lopsided():
    rng = np.random.default_rng(0)
    x = (rng.random(2000) < 0.9).astype(int)  # its median is its largest value
    entropy = -0.9 * math.log(0.9) - 0.1 * math.log(0.1)
    for estimator in (ADAPTIVE, EQUAL):
        assert estimator.estimate(x, x).value == pytest.approx(entropy, abs=0.03)
        assert estimator.estimate(-x, 1 - 2 * x).value == pytest.approx(entropy, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize(("rho", "tolerance"), [(0.5, 0.3), (0.95, 0.3)])
@BOTH
def test_error_bars_are_as_long_as_the_errors(estimator, rho, tolerance):
    found = [estimator.estimate(*gaussian(300, rho, seed)[:2]) for seed in range(40)]
    actual = np.std([each.value for each in found])
    claimed = np.mean([each.stderr for each in found])
    assert claimed == pytest.approx(actual, rel=tolerance)


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("d", [1, 2])
def test_intervals_contain_zero_where_nothing_depends(estimator, d):
    inside = 0
    for seed in range(60):
        x, y, _ = gaussian(400, 0.0, seed, d)
        found = estimator.estimate(x, y)
        inside += found.interval[0] <= 0 <= found.interval[1]
    assert inside >= 53


# Awkward data, doubts and refusals


@BOTH
def test_heavy_tails_copies_and_constant_columns_give_finite_numbers(estimator):
    rng = np.random.default_rng(0)
    x = rng.standard_cauchy(300)
    y = x**3 + rng.standard_cauchy(300)
    few = x.round(), (y > 0).astype(float)
    for pair in ((x, y), few, (np.tile(x[:20], 5), np.tile(y[:20], 5)), (np.c_[x, x * 0], y)):
        found = estimator.estimate(*pair)
        assert math.isfinite(found.value) and math.isfinite(found.stderr)


@BOTH
def test_a_copy_is_near_the_ceiling(estimator):
    x, _, _ = gaussian(2000, 0.0, 0)
    found = estimator.estimate(x, x)
    assert "near-ceiling" in [each.code for each in found.warnings]
    x, y, _ = gaussian(2000, 0.6, 0)
    assert not estimator.estimate(x, y).warnings


@BOTH
def test_few_samples_are_doubted(estimator):
    x, y, _ = gaussian(30, 0.5, 0)
    assert "few-samples" in [each.code for each in estimator.estimate(x, y).warnings]
    with pytest.raises(InputError, match="at least 4 paired samples, got 3"):
        estimator.estimate(x[:3], y[:3])


@BOTH
def test_many_dimensions_are_refused_with_a_remedy(estimator):
    x, y, _ = gaussian(100, 0.5, 0, d=3)
    with pytest.raises(
        InputError, match=r"6 dimensions.*more than 4 have too many cells: use estimator='ksg'"
    ):
        estimator.estimate(x, y)
    assert math.isfinite(estimator.estimate(x, y[:, :1]).value)


@pytest.mark.usefixtures("as_users_run_it")
def test_options_out_of_range_are_refused():
    with pytest.raises(OptionError, match="`bins` needs adaptive=False"):
        Histogram(bins=8)
    with pytest.raises(OptionError, match="`bins` must be at least 2, or None, got 1"):
        Histogram(adaptive=False, bins=1)
    with pytest.raises(OptionError, match="`level` must lie between 0 and 1, got 0"):
        Histogram(level=0)
