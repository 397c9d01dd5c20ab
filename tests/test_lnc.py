"""KSG with turned boxes."""

import math

import numpy as np
import pytest

from mineral.errors import OptionError
from mineral.methods.neighbours import geometry
from mineral.methods.neighbours.knn import KSG
from mineral.methods.neighbours.lnc import LNC, simulated


def gaussian(n, rho, seed, d=1):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d))
    y = rho * x + math.sqrt(1 - rho**2) * rng.standard_normal((n, d))
    return x, y, -d / 2 * math.log(1 - rho**2)


def band(n, width, seed):
    """x uniform on [0, 1], y = x + uniform noise of this width: width / 2 − log width."""
    rng = np.random.default_rng(seed)
    x = rng.random(n)
    return x, x + width * rng.random(n), width / 2 - math.log(width)


def ksg(x, y, k=5):
    return KSG(k=k, variant=2).estimate(x, y).value


# Definitions


def sides(near):
    """Half the sides of the box along the principal axes, seen from the sample."""
    _, _, axes = np.linalg.svd(near)
    return np.abs(near @ axes.T).max(axis=0)


@pytest.mark.parametrize("make", [lambda: band(80, 0.01, 0), lambda: gaussian(80, 0.9, 0, d=2)])
@pytest.mark.parametrize("alpha", [0.2, 0.5])
def test_the_correction_against_its_definition(make, alpha):
    x, y, _ = make()
    x, y = x.reshape(80, -1), y.reshape(80, -1)
    xy = np.hstack([x, y])
    total = 0.0
    for i in range(80):
        order = np.abs(xy - xy[i]).max(axis=1).argsort()[1:6]
        near_x, near_y, near = x[order] - x[i], y[order] - y[i], xy[order] - xy[i]
        log_r = np.log(sides(near)).sum()
        log_r -= np.log(sides(near_x)).sum() + np.log(sides(near_y)).sum()
        total -= log_r * (log_r < math.log(alpha))
    uniform = simulated(5, x.shape[1], y.shape[1])
    by_mistake = -(uniform * (uniform < math.log(alpha))).mean()
    found = LNC(alpha=alpha, standardize=False).estimate(x, y).value
    found -= KSG(k=5, variant=2, standardize=False).estimate(x, y).value
    assert total > 0
    assert found == pytest.approx(total / 80 - by_mistake, abs=1e-9)


def test_alpha_is_about_that_of_the_paper():
    # Table of the authors' program for dx = dy = 1, from a simulation of theirs.
    for k, theirs in ((5, 0.3720), (10, 0.6309), (20, 0.8173)):
        assert np.exp(np.quantile(simulated(k, 1, 1), 0.005)) == pytest.approx(theirs, rel=0.2)


def test_simulated_neighbourhoods_are_simulated_once_and_cannot_be_changed():
    assert simulated(5, 1, 1) is simulated(5, 1, 1)
    assert not simulated(5, 1, 1).flags.writeable
    assert (simulated(5, 1, 1) <= 1e-12).mean() > 0.5


def test_neighbourhoods_may_be_looked_at_in_blocks(monkeypatch):
    x, y, _ = band(300, 0.01, 0)
    found = LNC().estimate(x, y).value
    monkeypatch.setattr(geometry, "BLOCK", 7)
    assert LNC().estimate(x, y).value == pytest.approx(found, abs=1e-12)


# Laws


@pytest.mark.parametrize("d", [1, 2])
def test_without_correction_it_is_ksg(d):
    x, y, _ = gaussian(200, 0.9, 0, d)
    assert LNC(alpha=0.0).estimate(x, y).value == ksg(x, y)
    assert LNC(k=8, alpha=0.0).estimate(100 * x, y).value == ksg(100 * x, y, k=8)


def test_where_values_repeat_there_is_no_box_to_correct():
    rng = np.random.default_rng(0)
    x = rng.integers(4, size=300)
    for y, error in ((x + rng.integers(2, size=300), 1e-12), (x + rng.standard_normal(300), 0.01)):
        found = LNC().estimate(x, y)
        assert found.value == pytest.approx(ksg(x, y), abs=error)
        assert "ties" in [each.code for each in found.warnings]


def test_sides_order_and_scales_do_not_matter():
    x, y, _ = band(300, 0.01, 0)
    found = LNC().estimate(x, y)
    order = np.random.default_rng(1).permutation(300)
    again = [
        LNC().estimate(y, x),
        LNC().estimate(x[order], y[order]),
        LNC().estimate(-x * 2.0**900, y * 2.0**900),
        LNC().estimate(x * 2.0**-900, -y * 2.0**-900),
    ]
    assert [each.value for each in again] == pytest.approx([found.value] * 4, abs=1e-9)


def test_the_pointwise_values_average_to_the_value():
    found = LNC().estimate(*band(200, 0.01, 0)[:2])
    assert found.evidence.pointwise.mean() == pytest.approx(found.value, abs=1e-12)


@pytest.mark.parametrize("rho", [0.0, 0.6, 0.9])
def test_weak_dependence_is_left_alone(rho):
    x, y, _ = gaussian(3000, rho, 0)
    assert LNC().estimate(x, y).value == pytest.approx(ksg(x, y), abs=0.01)


def test_a_column_that_comes_twice_changes_little():
    x, y, _ = band(1000, 1e-6, 0)
    found = LNC().estimate(np.c_[x, x], y)
    assert found.value == pytest.approx(LNC().estimate(x, y).value, abs=0.2)
    assert not found.warnings


def test_dependence_within_x_is_not_counted():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2000, 1))
    x = np.hstack([x, x + 1e-5 * rng.standard_normal((2000, 1))])
    y = rng.standard_normal(2000)
    assert abs(LNC().estimate(x, y).value) < 0.1
    assert abs(LNC().estimate(y, x).value) < 0.1


# Accuracy


@pytest.mark.parametrize(("width", "n"), [(1e-3, 500), (1e-3, 10_000), (1e-6, 1000), (1e-9, 1000)])
def test_strong_dependence_is_found_far_better_than_by_ksg(width, n):
    x, y, truth = band(n, width, 0)
    error = abs(LNC().estimate(x, y).value - truth)
    assert error < 0.4
    assert error < 0.2 * abs(ksg(x, y) - truth) or n == 10_000


@pytest.mark.parametrize("rho", [0.9, 0.999, 0.9999])
def test_home_ground_is_met(rho):
    x, y, truth = gaussian(10_000, rho, 0)
    assert LNC().estimate(x, y).value == pytest.approx(truth, abs=0.1)


@pytest.mark.slow
def test_strong_dependence_in_more_dimensions_is_found_better_than_by_ksg():
    x, y, truth = gaussian(2000, 1 - 1e-8, 0, d=2)
    found, plain = LNC(k=10).estimate(x, y).value, ksg(x, y, k=10)
    assert abs(found - truth) < 0.1 * abs(plain - truth)


def test_a_curve_is_found_better_than_by_ksg():
    rng = np.random.default_rng(0)
    x = rng.random(2000)
    y = x**2 + 1e-4 * rng.random(2000)
    truth = math.log(2) - 1 - math.log(1e-4)  # h(y) is close to h(x²) = E log 2x
    assert abs(LNC().estimate(x, y).value - truth) < 0.6 * abs(ksg(x, y) - truth)


@pytest.mark.slow
def test_error_bars_are_as_long_as_the_errors():
    found = [LNC().estimate(*band(100, 1e-5, seed)[:2]) for seed in range(16)]
    actual = np.std([each.value for each in found])
    claimed = np.mean([each.stderr for each in found])
    assert claimed == pytest.approx(actual, rel=0.5)


@pytest.mark.slow
@pytest.mark.parametrize("d", [1, 2])
def test_intervals_contain_zero_where_nothing_depends(d):
    inside = 0
    for seed in range(14):
        x, y, _ = gaussian(150, 0.0, seed, d)
        found = LNC().estimate(x, y)
        inside += found.interval[0] <= 0 <= found.interval[1]
    assert inside >= 11


def test_uniform_samples_gain_nothing_on_average():
    # What is corrected by mistake is what is taken off.
    x, y = np.random.default_rng(0).random((2, 10_000))
    assert LNC().estimate(x, y).value == pytest.approx(ksg(x, y), abs=0.003)
    uniform = simulated(5, 1, 1)
    by_mistake = -uniform[uniform < np.quantile(uniform, 0.005)].sum() / len(uniform)
    assert by_mistake == pytest.approx(0.007, abs=0.001)


# Awkward data, doubts and refusals


@pytest.mark.parametrize("y", [lambda x: x, lambda x: 3 - 2 * x, lambda x: np.c_[x, -x]])
def test_an_exact_relation_is_not_corrected_but_said(y):
    x = np.random.default_rng(0).standard_normal(300)
    found = LNC().estimate(x, y(x))
    assert found.value == pytest.approx(ksg(x, y(x)), abs=0.02)
    assert found.warnings[0].code == "deterministic"
    x, y, _ = band(300, 1e-9, 0)
    assert not LNC().estimate(x, y).warnings


def test_heavy_tails_copies_and_offsets_give_finite_numbers():
    rng = np.random.default_rng(0)
    x = rng.standard_cauchy(200)
    y = x + rng.standard_cauchy(200) ** 9
    twice = np.c_[x, x]
    for pair in ((x, y), (np.tile(x[:20], 6), np.tile(y[:20], 6)), (twice, y), (x.round(), y > 0)):
        found = LNC().estimate(*pair)
        assert math.isfinite(found.value) and math.isfinite(found.stderr)
    x, y, _ = band(200, 0.01, 0)
    assert LNC().estimate(x + 1e6, y - 1e6).value == pytest.approx(LNC().estimate(x, y).value)
    assert LNC().estimate(x + 1e14, y).value < 10


def test_too_few_neighbours_for_the_dimensions_correct_nothing_and_it_is_said():
    x, y, _ = gaussian(200, 0.999, 0, d=3)
    found = LNC().estimate(x, y)
    assert found.value == ksg(x, y)
    (caution,) = found.warnings
    assert caution.code == "uncorrected" and "LNC(k=12)" in caution.message
    found = LNC(k=12).estimate(x, y)
    assert found.value > ksg(x, y, k=12) and not found.warnings


def test_few_samples_and_very_different_scales_are_doubted():
    x, y, _ = gaussian(30, 0.5, 0)
    assert [each.code for each in LNC().estimate(x, y).warnings] == ["few-samples"]
    x, y, _ = gaussian(100, 0.5, 0)
    assert not LNC().estimate(x, 1e9 * y).warnings


@pytest.mark.usefixtures("as_users_run_it")
def test_options_out_of_range_are_refused():
    with pytest.raises(OptionError, match="`k` must be at least 1, got 0"):
        LNC(k=0)
    with pytest.raises(OptionError, match=r"`alpha` must lie between 0 and 1, or None, got 1\.5"):
        LNC(alpha=1.5)
