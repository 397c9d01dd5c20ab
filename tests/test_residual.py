"""A copula and what it misses: parts against their formulas; when the network is believed."""

import math

import numpy as np
import pytest
import torch

import mineral
from mineral import Residual, StudentCopula, tasks
from mineral.methods.base import Measurement
from mineral.methods.learning_curve import allowing_for
from mineral.methods.neural import residual
from mineral.methods.neural.crossfit import FoldReport
from mineral.methods.projections.projection import principal
from mineral.models.student import log_ratio
from mineral.results import Curve
from mineral.samples import normal_scores


def correlation(d, seed=0):
    factor = np.random.default_rng(seed).standard_normal((d, 2 * d))
    covariance = factor @ factor.T
    scale = np.sqrt(covariance.diagonal())
    return covariance / scale / scale[:, None]


def turned(n, seed=0, rho=0.9):
    """x turns with the distance from the center, which no rank of a coordinate sees."""
    z, noise = np.random.default_rng(seed).standard_normal((2, n, 2))
    angle = 2 * (z**2).sum(axis=1)
    c, s = np.cos(angle), np.sin(angle)
    x = np.c_[c * z[:, 0] - s * z[:, 1], s * z[:, 0] + c * z[:, 1]]
    return x, rho * z + math.sqrt(1 - rho**2) * noise


@pytest.mark.parametrize("nu", [1.0, 7.5])
def test_the_t_copula_in_torch_is_the_one_in_numpy(nu):
    r = correlation(5)
    x, y = np.random.default_rng(1).standard_normal((2, 20, 3))
    y = y[:, :2]
    found = residual._Ellipse(r, 3, nu)(torch.tensor(x).float(), torch.tensor(y).float())
    np.testing.assert_allclose(found.numpy(), log_ratio(x, y, r, nu), atol=2e-5)


def test_the_gaussian_copula_is_the_limit_and_the_ratio_of_densities():
    from scipy.stats import multivariate_normal

    r = correlation(4)
    x, y = np.random.default_rng(1).standard_normal((2, 20, 2))
    found = residual._Ellipse(r, 2, math.inf)(torch.tensor(x).float(), torch.tensor(y).float())
    truth = (
        multivariate_normal(cov=r).logpdf(np.hstack([x, y]))
        - multivariate_normal(cov=r[:2, :2]).logpdf(x)
        - multivariate_normal(cov=r[2:, 2:]).logpdf(y)
    )
    np.testing.assert_allclose(found.numpy(), truth, atol=2e-5)


def test_before_training_the_network_says_what_the_copula_says():
    base = residual._Ellipse(correlation(4), 2, 3.0)
    network = residual._Corrected(base, 2 + 4, 2 + 4, 16)
    x, y = torch.randn(7, 1, 6), torch.randn(1, 5, 6)
    torch.testing.assert_close(network(x, y), base(x, y))
    assert network(x, y).shape == (7, 5)


def test_the_features_are_whitened_lengths_and_of_many_coordinates_canonical_directions():
    z = np.random.default_rng(0).standard_normal((5000, 20))
    z[:, 10:12] += z[:, :2]
    z = normal_scores(z)
    r = np.corrcoef(z.T)
    x, y = residual._features(z[:, :10], z[:, 10:], r)
    assert x.shape == y.shape == (5000, 4 + 2)
    found = [np.corrcoef(x[:, i], y[:, i])[0, 1] for i in range(4)]
    assert min(abs(each) for each in found[:2]) > 0.6 and max(abs(f) for f in found[2:]) < 0.1
    assert abs(x[:, 4].mean()) < 0.1  # (‖w‖² − d) / √8d
    narrow, _ = residual._features(z[:, 10:13], z[:, 13:], np.corrcoef(z[:, 10:].T))
    np.testing.assert_array_equal(narrow[:, :3], z[:, 10:13])


def test_a_copula_is_blunted_where_it_is_too_sure():
    rng = np.random.default_rng(0)
    x, noise, others = torch.from_numpy(rng.standard_normal((3, 5000, 1)))
    rho = 0.8
    y = rho * x + 0.6 * noise

    def ratio(x, y):
        square = (rho * x) ** 2 + (rho * y) ** 2 - 2 * rho * x * y
        return -math.log(0.6) - square / (2 * 0.36)

    joint, product = ratio(x, y)[:, 0], ratio(x, others)
    assert residual._best_blunt(joint, product) == (1.0, 0.0)
    assert residual._best_blunt(joint / 0.7, product / 0.7) == (0.7, 0.0)
    assert residual._best_blunt(joint + 0.2, product + 0.2) == (1.0, -0.2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "n"), [("multinormal-2pair-25-25", 5000), ("multinormal-dense-50-50-0.5", 10_000)]
)
def test_what_mends_a_copula_of_few_rows_is_no_gain(name, n):
    # On other rows the copula of a fold loses 0.1 and 0.2 nats, which a network wins back in part.
    draw = tasks.find(name).draw(n, seed=0)
    r = Residual().estimate(draw.x, draw.y)
    assert r.value == mineral.GaussianCopula().estimate(draw.x, draw.y).value


def test_a_gain_is_clear_by_standard_errors_and_far_rows_do_not_decide():
    def of(gain):
        curve = Curve(steps=(0,), training=(0.0,), validation=(0.0,), best=0)
        rows = np.arange(len(gain))
        return FoldReport(
            rows=rows, value=0.0, variance=1.0, pointwise=gain, curve=curve, gain=gain
        )

    noise = np.random.default_rng(0).standard_normal(400) * 0.1
    assert residual._clear([of(noise + 0.02)], 2.0)
    assert not residual._clear([of(noise)], 2.0)
    assert not residual._clear([of(np.zeros(400))], 2.0)
    assert residual._clear([of(noise + 0.1), of(noise)], 2.0)
    far = noise + 0.05
    far[0] = -1e6
    assert residual._clear([of(far)], 2.0)


def test_the_interval_allows_for_what_more_rows_would_bring():
    found = Measurement(value=1.0, stderr=0.03)
    wider = allowing_for(0.1, found)
    assert wider.value == 1.0 and wider.stderr == found.stderr  # the lower end stays
    assert wider.missing == pytest.approx(1.96 * 0.16)
    assert [w.code for w in wider.cautions] == ["still-learning"]
    assert allowing_for(5.0, found).missing == pytest.approx(1.96 * 0.25)
    assert allowing_for(-0.1, found) == found
    small = allowing_for(0.005, found)
    assert small.missing > 0 and not small.cautions


@pytest.mark.parametrize("seed", range(3))
def test_where_the_copula_is_right_its_own_value_is_reported(seed):
    x, noise = np.random.default_rng(seed).standard_normal((2, 400, 3))
    y = 0.6 * x + 0.8 * noise
    r, copula = Residual().estimate(x, y), StudentCopula().estimate(x, y)
    assert r.value == copula.value and r.model is not None
    assert (
        r.path[-1]
        == "A neural correction does not improve the copula significantly on held-out rows."
    )


@pytest.mark.slow
def test_what_turns_with_the_distance_is_found_and_not_overstated():
    x, y = turned(1500)
    truth = -math.log(1 - 0.81)
    r = Residual().estimate(x, y)
    assert (
        r.path[-1] == "A neural correction improves the copula significantly on held-out rows."
        and len(r.evidence.curves) == 3
    )
    copula = StudentCopula().estimate(x, y)
    assert 0.6 * truth < r.value < truth + 4 * copula.stderr
    assert r.value > copula.value + 6 * copula.stderr
    assert r.interval[0] < truth
    assert "still-learning" in [w.code for w in r.warnings]  # for a part is not found yet


def test_few_rows_and_many_dimensions_are_left_to_the_copula():
    rng = np.random.default_rng(0)
    for n, d in ((199, 1), (400, 40)):
        x, y = rng.standard_normal((2, n, d))
        r = Residual().estimate(x, y)
        assert "Too few rows for a neural correction of the copula." in r.path
        assert r.value == StudentCopula().estimate(x, y).value


def test_principal_components_do_not_depend_on_how_they_are_found():
    rng = np.random.default_rng(0)
    wide = rng.standard_normal((30, 3)) @ rng.standard_normal((3, 50))
    wide += 0.01 * rng.standard_normal(wide.shape)
    of_rows, of_coordinates = principal(wide, 3), principal(np.tile(wide, (2, 1)), 3)[:30]
    for i in range(3):
        assert abs(np.corrcoef(of_rows[:, i], of_coordinates[:, i])[0, 1]) > 1 - 1e-6
    np.testing.assert_allclose(of_rows.std(axis=0), 1)
    assert principal(np.c_[wide, np.ones(30)], 3).shape == (30, 3)  # constants have no direction


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize(
    ("options", "message"),
    [({"components": 0}, "`components` must be at least 1"), ({"budget": "x"}, "`budget` must be")],
)
def test_options_of_components(options, message):
    with pytest.raises(mineral.OptionError, match=message):
        mineral.Projected(**options)


def test_the_number_of_components_is_kept_where_it_is_given():
    rng = np.random.default_rng(0)
    shared = rng.standard_normal((300, 1))
    x, y = (shared + 2 * rng.standard_normal((300, 60)) for _ in range(2))
    r = mineral.Projected(components=2, budget="fast").estimate(x, y)
    assert r.path[0].startswith("PCA of ")
    assert r.path[0].endswith(": 2 components of x, 2 of y.")
    chosen = mineral.Projected(budget="fast").estimate(x, y)
    signal = 60 / 4
    truth = -0.5 * math.log1p(-((signal / (1 + signal)) ** 2))
    assert chosen.value == pytest.approx(truth, abs=4 * chosen.stderr + 0.05)
