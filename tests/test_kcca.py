"""Kernel canonical variates."""

from dataclasses import replace

import numpy as np
import pytest

from mineral.methods.projections.kcca import (
    Kernel,
    Shown,
    Variates,
    canonical_variates,
    correlations,
    cross_fitted,
    predicted_share,
    shown,
)
from mineral.tasks import find


def turned(n, seed):
    """Two pairs of coordinates correlated at 0.9, turned by their distance from the center."""
    rng = np.random.default_rng(seed)
    u = rng.standard_normal((n, 2))
    v = 0.9 * u + np.sqrt(1 - 0.9**2) * rng.standard_normal((n, 2))
    return swirled(u), swirled(v), u, v


def swirled(z):
    angle = (z**2).sum(axis=1)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.column_stack([cos * z[:, 0] - sin * z[:, 1], sin * z[:, 0] + cos * z[:, 1]])


@pytest.mark.parametrize("seed", range(5))
def test_what_turns_with_the_distance_is_found_on_rows_never_seen(seed):
    x, y, *_ = turned(1200, seed)
    training, rest = np.arange(900), np.arange(900, 1200)
    f, g = canonical_variates(x, y, training, np.random.default_rng(0))
    plain = [np.corrcoef(x[:, i], y[:, i])[0, 1] for i in range(2)]
    assert max(np.abs(plain)) < 0.6
    assert correlations(f[rest], g[rest])[:2].min() > 0.72


@pytest.mark.slow
def test_training_rows_look_like_rows_never_seen():
    gaps = []
    for seed in range(20):
        x, y, *_ = turned(600, seed)
        training, rest = np.arange(400), np.arange(400, 600)
        f, g = canonical_variates(x, y, training, np.random.default_rng(0))
        gaps.append(correlations(f[training], g[training])[0] - correlations(f[rest], g[rest])[0])
    # As they are, training rows of a first variate are closer by 0.06.
    assert np.mean(gaps) < 0.02 + 3 * np.std(gaps) / np.sqrt(len(gaps))


@pytest.mark.slow
def test_independent_rows_rarely_have_variates():
    counts = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x, y = rng.standard_normal((2, 300, 3))
        f, _ = canonical_variates(x, y, np.arange(240), rng)
        counts.append(f.shape[1])
    # The best of three widths is above two standard errors by chance in some 7 %.
    assert np.mean(np.array(counts) > 0) < 0.07 + 3 * np.sqrt(0.07 * 0.93 / 60)


@pytest.mark.slow
def test_leaving_a_row_out_by_formula_is_leaving_it_out():
    """Within what the other side's variate changes, to which the row belonged too."""
    x, y, *_ = turned(400, 0)
    rng = np.random.default_rng
    f, _ = canonical_variates(x, y, np.arange(400), rng(1))
    apart = []
    for row in range(10):
        rest = np.delete(np.arange(400), row)
        g, _ = canonical_variates(x, y, rest, rng(1))
        sign = np.sign(np.corrcoef(f[rest, 0], g[rest, 0])[0, 1])
        apart.append(f[row, 0] - sign * g[row, 0])
    assert np.abs(apart).mean() < 0.25 * f[:, 0].std()


def test_few_values_and_one_coordinate_are_no_problem():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (300, 1)) * 2.0 - 1
    y = rng.standard_normal((300, 4))
    y[:, 0] += x[:, 0]
    f, g = canonical_variates(x, y, np.arange(200), rng)
    assert f.shape[1] > 0
    assert f.shape[0] == g.shape[0] == 300 and f.shape[1] == g.shape[1]
    assert np.isfinite(f).all() and np.isfinite(g).all()


def test_correlations_are_numpys_and_zero_of_what_does_not_vary():
    f, g = np.random.default_rng(0).standard_normal((2, 50, 2))
    assert correlations(f, g)[1] == pytest.approx(np.corrcoef(f[:, 1], g[:, 1])[0, 1])
    f[:, 0] = 2.0
    assert correlations(f, g)[0] == 0


def test_cross_fitted_variates_are_as_close_as_those_of_new_rows():
    gaps = []
    for seed in range(20):
        x, y, *_ = turned(600, seed)
        rows, new = np.arange(500), np.arange(500, 600)
        chosen = Shown(kernel=Kernel(0.5), count=2, strength=1.0)
        rng = np.random.default_rng(seed)
        own = cross_fitted(x[rows], y[rows], rng.permutation(500), chosen, rng)
        fit = Variates.fit(x[rows], y[rows], Kernel(0.5), 2, rng)
        gaps.append(correlations(*own)[0] - correlations(*fit.of(x[new], y[new]))[0])
    assert abs(np.mean(gaps)) < 0.02 + 3 * np.std(gaps) / np.sqrt(len(gaps))


def test_rows_alike_in_x_are_alike_in_what_other_rows_tell():
    """Within a tenth of the rows; of rows that leave themselves out, y would tell them apart."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, (500, 2)).astype(float)
    y = x + rng.standard_normal((500, 2))
    chosen = Shown(kernel=Kernel(1.0), count=2, strength=1.0)
    f, _ = cross_fitted(x, y, np.arange(500), chosen, rng)
    tenth = np.arange(50)  # the first part of rows in this order
    for value in np.unique(x[tenth], axis=0):
        alike = tenth[(x[tenth] == value).all(axis=1)]
        assert np.ptp(f[alike], axis=0).max() < 1e-9


@pytest.mark.slow
def test_independent_rows_share_no_variate_that_others_tell():
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x, y = rng.standard_normal((2, 300, 3))
        chosen = Shown(kernel=Kernel(0.5), count=1, strength=0.0)
        found.append(correlations(*cross_fitted(x, y, rng.permutation(300), chosen, rng)))
    assert abs(np.mean(found)) < 0.01 + 3 * np.std(found) / np.sqrt(60)


def test_functions_of_others_are_predicted_and_new_variates_are_not():
    rng = np.random.default_rng(0)
    u, v, noise = rng.standard_normal((3, 500))
    others = np.column_stack([u, v])
    assert predicted_share(u**2 - v, others) > 0.8
    assert predicted_share(noise, others) < 0.05
    assert 0.3 < predicted_share(u + noise, others) < 0.6  # half of it


def test_held_out_rows_choose_narrow_bumps_for_what_winds_up():
    x, y, *_ = turned(1200, 0)
    u, v = np.random.default_rng(0).standard_normal((2, 1200, 2))
    rows = np.arange(1200)
    assert shown(x, y, rows).count >= 2
    assert shown(x, y, rows).kernel.width <= shown(u + v, u - 0.5 * v, rows).kernel.width
    assert shown(u, v, rows, most=8).count <= 1


def test_rotation_by_the_norm_needs_coordinates_times_the_norm():
    task = find("spiral-multinormal-2pair-5-5")
    for seed in range(3):
        draw = task.draw(2000, seed=seed)
        rows, new = np.arange(1500), np.arange(1500, 2000)
        chosen = shown(draw.x, draw.y, rows, most=8)
        assert chosen.kernel.turning
        plain, turning = (
            Variates.fit(draw.x[rows], draw.y[rows], kernel, 2, np.random.default_rng(0))
            for kernel in (replace(chosen.kernel, turning=False), chosen.kernel)
        )
        found = [correlations(*fit.of(draw.x[new], draw.y[new])) for fit in (plain, turning)]
        assert (found[1] ** 2).sum() > (found[0] ** 2).sum()


def test_coordinates_further_out_are_left_out_where_they_bring_nothing():
    u, v = np.random.default_rng(0).standard_normal((2, 1200, 5))
    kernels = [shown(u + rho * v, u - rho * v, np.arange(1200)).kernel for rho in (0.3, 0.6, 1.0)]
    assert not any(kernel.turning for kernel in kernels)


def test_one_row_far_away_is_not_all_that_is_seen():
    x, y, *_ = turned(800, 0)
    for kernel in (Kernel(0.5), Kernel(0.5, turning=True)):
        fit = Variates.fit(x, y, kernel, 2, np.random.default_rng(0))
        far, _ = fit.of(np.array([[50.0, 0.0]]), np.array([[50.0, 0.0]]))
        assert np.abs(far).max() < 250 * fit.of(x, y)[0].std()
