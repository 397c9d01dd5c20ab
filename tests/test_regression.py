"""A curve with noise around it."""

import math

import numpy as np
import pytest

import mineral
from mineral import InputError, OptionError, Regression, tasks


def noisy(n, noise, seed=0, curve=lambda x: np.sin(6 * x)):
    rng = np.random.default_rng(seed)
    x = rng.random(n)
    return x, curve(x) + noise * rng.standard_normal(n)


@pytest.mark.slow
@pytest.mark.parametrize("nats", [2, 4, 8])
@pytest.mark.parametrize("family", ["correlated-uniform", "log-gamma-exponential"])
def test_it_is_close_at_any_strength(family, nats):
    errors, stderrs = [], []
    for seed in range(8):
        draw = tasks.find(f"{family}-{nats}-1").draw(1000, seed=seed)
        r = Regression().estimate(draw.x, draw.y)
        errors.append(r.value - draw.pmi.mean())
        stderrs.append(r.stderr)
    # The rows' own pmi takes most of the spread away.
    assert np.mean(errors) == pytest.approx(0, abs=0.06)
    assert np.std(errors) < np.mean(stderrs)


def test_a_width_that_changes_is_told_as_well():
    rng = np.random.default_rng(0)
    x = rng.random(2000)
    z = rng.standard_normal(2000)
    y = x + np.exp(4 * x - 8) * z
    # Of normals: h(Y) by neighbours of very many rows, h(Y | x) as it is.
    many = rng.random(400_000)
    many = np.sort(many + np.exp(4 * many - 8) * rng.standard_normal(400_000))
    entropy = float(np.log(400_000 * (many[200:] - many[:-200]) / 200).mean())
    true = entropy - (math.log(2 * math.pi * math.e) / 2 + 2 - 8)
    r = Regression().estimate(x, y)
    assert r.value == pytest.approx(true, abs=4 * r.stderr)


def test_it_finds_what_neighbours_cannot_count():
    x, y = noisy(1000, 1e-5)
    found = Regression().estimate(x, y)
    assert found.value > mineral.KSG().estimate(x, y).value + 4
    assert found.kind == "lower bound"
    assert found.value > mineral.LNC().estimate(x, y).value


def test_of_independent_numbers_it_finds_nothing():
    rng = np.random.default_rng(0)
    values = [Regression().estimate(*rng.standard_normal((2, 300))).value for _ in range(20)]
    assert abs(np.mean(values)) < 0.05
    assert max(values) < 0.2


def test_an_exact_curve_comes_with_a_word():
    found = Regression().estimate(*noisy(500, 0.0))
    assert [doubt.code for doubt in found.warnings] == ["deterministic"]
    assert "deterministic" not in [
        d.code for d in Regression().estimate(*noisy(500, 1e-3)).warnings
    ]


def test_scale_shift_and_sides_do_not_count():
    x, y = noisy(400, 0.01)
    found = Regression().estimate(x, y).value
    assert Regression().estimate(1e9 * x + 5, 1e-9 * y).value == pytest.approx(found, abs=1e-4)
    assert Regression().estimate(y, x).value == pytest.approx(found, abs=1e-9)


def test_symbols_are_told_by_numbers_but_not_by_symbols():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 50, 1000)
    y = x + rng.random(1000)
    assert Regression().estimate(x, y).value == pytest.approx(math.log(50), abs=0.1)
    with pytest.raises(InputError, match="few repeated values"):
        Regression().estimate(x, np.floor(y))


def test_what_it_cannot_take_is_said():
    rng = np.random.default_rng(0)
    for columns in ((2, 2), (60, 1)):
        with pytest.raises(InputError, match="needs a single column"):
            Regression().estimate(*(rng.random((100, d)) for d in columns))
    with pytest.raises(InputError):
        Regression().estimate(*rng.random((2, 40)))
    with pytest.raises(OptionError, match="`k`"):
        Regression(k=0)


@pytest.mark.parametrize("name", ["smoothed-uniform-6-1", "smoothed-discrete-1000-2.5-1"])
def test_the_default_asks_it_where_neighbours_stop(name):
    draw = tasks.find(name).draw(1000, seed=1)
    r = mineral.estimate(draw.x, draw.y)
    assert r.decision.chosen[0].estimator == "regression"
    assert r.value == pytest.approx(draw.pmi.mean(), abs=0.15)


def test_a_copula_that_claims_more_than_curve_and_boxes_is_not_believed():
    draw = tasks.find("smoothed-uniform-8-1").draw(1000, seed=3)
    r = mineral.estimate(draw.x, draw.y)
    assert r.interval[0] < draw.pmi.mean() < r.interval[1]


def test_the_default_sees_waves_too_fast_for_neighbours():
    x, y = noisy(1000, 0.1, curve=lambda x: np.sin(100 * x))
    assert mineral.KSG().estimate(x, y).value < 0.35
    r = mineral.estimate(x, y)
    assert r.decision.chosen[0].estimator == "regression"
    assert r.value > 1.4  # of 1.7


def friedman(n, noise, seed=0, columns=7):
    """Of seven columns five count: one of the usual tests of regressions (Friedman, 1991)."""
    rng = np.random.default_rng(seed)
    x = rng.random((n, columns))
    f = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2
    f += 10 * x[:, 3] + 5 * x[:, 4]
    return x, f + noise * rng.standard_normal(n)


def friedman_truth(noise):
    """h(Y) from very many rows, less that of the noise."""
    y = np.sort(friedman(400_000, noise, seed=1)[1])
    entropy = float(np.log(len(y) * (y[200:] - y[:-200]) / 200).mean())
    return entropy - math.log(noise * math.sqrt(2 * math.pi * math.e))


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.3, 2.0])
def test_many_columns_tell_a_number(noise):
    x, y = friedman(600, noise)
    r = mineral.estimate(x, y)
    assert r.decision.chosen[0].estimator == "regression"
    assert r.value == pytest.approx(friedman_truth(noise), abs=3 * r.stderr)
    assert "residuals are independent" in " ".join(r.path)
    swapped = mineral.estimate(y, x)
    assert swapped.value == pytest.approx(r.value, abs=1e-6)


@pytest.mark.slow
def test_where_noise_depends_on_the_others_all_else_is_asked():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1000, 2))
    sign = rng.choice([-1, 1], 1000)
    r = mineral.estimate(x, sign * (x[:, 0] + x[:, 1]) + 0.1 * rng.standard_normal(1000))
    assert r.value > 0.8  # what a function tells is nothing
    assert "ksg" in [each.estimator for each in r.decision.considered]


@pytest.mark.slow
def test_columns_of_noise_alone_tell_nothing():
    rng = np.random.default_rng(0)
    found = [
        Regression().estimate(rng.standard_normal((200, 6)), rng.standard_normal(200))
        for _ in range(10)
    ]
    assert abs(np.mean([r.value for r in found])) < 0.05
    assert sum(r.interval[0] > 0 for r in found) <= 1


@pytest.mark.slow
def test_what_is_left_of_clusters_does_not_pass_for_a_width():
    """What other rows tell of a row knows the row: sorted by it, a width would be its own."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((600, 2)) + 3 * rng.integers(0, 3, (600, 1))
    y = np.exp(rng.integers(0, 3, 600) + 0.1 * rng.standard_normal(600))
    assert Regression().estimate(x, y).interval[0] < 0
