"""The estimators of the literature: each on its home ground, and what sets them apart."""

import math
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import params, small

import mineral
from mineral import bounds
from mineral.bounds import BOUNDS
from mineral.methods import ESTIMATORS, KSG, LMI
from mineral.methods.densities.generative import Generative
from mineral.methods.neural.variational import Variational
from mineral.methods.projections.latent import CrossAutoencoder
from mineral.networks.denoising import Denoiser, information
from mineral.networks.densities import DiagonalRatio, FlowRatio

VARIATIONAL = {n: e for n, e in ESTIMATORS.items() if issubclass(e, Variational)}
every_variational = pytest.mark.parametrize("kind", VARIATIONAL.values(), ids=VARIATIONAL)


def normal(n, rho=0.8, dim=1, seed=0):
    x, noise = np.random.default_rng(seed).standard_normal((2, n, dim))
    return x, rho * x + math.sqrt(1 - rho**2) * noise


def truth(rho=0.8, dim=1):
    return -dim / 2 * math.log1p(-(rho**2))


def channel(n):
    """A fair bit, flipped one time in ten."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, n)
    return x, x ^ (rng.uniform(size=n) < 0.1)


def thin(n):
    """y = x + U(0, 0.01) of uniform x: −log 0.01 + 0.005 nats, too strong for plain neighbours."""
    rng = np.random.default_rng(0)
    x = rng.uniform(size=n)
    return x, x + 0.01 * rng.uniform(size=n)


def labelled(n):
    """One of two classes that nobody can mistake, and five numbers."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, n)
    return 10.0 * label[:, None] + rng.standard_normal((n, 5)), label


def gathered(n):
    """Eight far-apart places in 20 dimensions; x and y are at the same."""
    rng = np.random.default_rng(0)
    places, which = 10 * rng.standard_normal((2, 8, 20)), rng.integers(0, 8, n)
    return (side[which] + rng.standard_normal((n, 20)) for side in places)


def turned(n):
    """Two pairs of normals of correlation 0.8, turned in their plane by the distance squared."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 2))
    y = 0.8 * x + 0.6 * rng.standard_normal((n, 2))
    angles = ((side**2).sum(axis=1) for side in (x, y))
    return (
        np.column_stack(
            [
                np.cos(angle) * side[:, 0] - np.sin(angle) * side[:, 1],
                np.sin(angle) * side[:, 0] + np.cos(angle) * side[:, 1],
            ]
        )
        for side, angle in zip((x, y), angles, strict=True)
    )


def low_rank(n):
    """One shared number behind 20 + 20 coordinates, of correlation 0.8."""
    rng = np.random.default_rng(0)
    x, y = normal(n)
    to_x, to_y = rng.standard_normal((2, 1, 20))
    blur = 0.05 * rng.standard_normal((2, n, 20))
    return x @ to_x + blur[0], y @ to_y + blur[1]


FLIP = math.log(2) + 0.1 * math.log(0.1) + 0.9 * math.log(0.9)
HOME = {  # where the 1 + 1 normal of correlation 0.8 is not the home ground
    "discrete": (channel, FLIP),
    "mixed": (channel, FLIP),
    "classifier": (labelled, math.log(2)),
    "canonical": (turned, truth() * 2),
    "clusters": (gathered, math.log(8)),
    "lnc": (thin, -math.log(0.01) + 0.005),
    "lmi": (low_rank, truth()),
    # vCLUB is above by KL(product ‖ joint): its home is weak dependence, where that is small.
    "club": (lambda n: normal(n, rho=0.25), truth(0.25)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator_is_within_a_tenth_of_a_nat_at_home(name):
    sample, expected = HOME.get(name, (normal, truth()))
    start = time.perf_counter()
    r = mineral.estimate(*sample(10_000), estimator=name)
    print(f"{name}: {r.value:.3f} for {expected:.3f}, {time.perf_counter() - start:.1f} s")  # noqa: T201
    assert r.value == pytest.approx(expected, abs=0.1)


@every_variational
def test_a_class_is_its_row_in_the_table_of_bounds(kind):
    torch.manual_seed(0)
    joint, product = torch.randn(20), torch.randn(20, 7)
    estimator = kind()
    assert estimator.entry is BOUNDS[kind.name] and kind.kind == estimator.entry.kind
    torch.testing.assert_close(
        estimator.bound(joint, product), estimator.entry.value(joint, product)
    )
    torch.testing.assert_close(
        estimator.objective()(joint, product), estimator.entry.objective(joint, product)
    )
    ceiling, _ = estimator.ceiling(1000, 7)
    assert math.isfinite(ceiling) is (kind.kind == "lower bound")


@pytest.mark.parametrize("kind", params(VARIATIONAL, ["nwj", "smile", "reinfonce"]))
@pytest.mark.slow
def test_a_short_training_finds_most_of_the_information(kind):
    r = small(kind, steps=100).estimate(*normal(1000))
    # The standard error of the mean pmi is 0.8 / √1000 = 0.025; a short training may lose a third.
    assert truth() * 0.6 < r.value < truth() + 4 * 0.025
    # A critic of InfoNCE is free up to a function of x, which its one partition cannot take off: by
    # Jensen, the mean pmi lies below. Of four seeds it was below by .17 to .36.
    slack = 0.6 if kind.name == "reinfonce" else 0.15
    assert r.model.pmi(*normal(4000, seed=1)).mean() == pytest.approx(r.value, abs=slack)


def test_the_options_of_a_bound_reach_it():
    joint, product = torch.zeros(4), torch.full((4, 3), 9.0)
    assert float(mineral.SMILE(tau=2.0).bound(joint, product)) == pytest.approx(-2.0)
    assert float(mineral.ReSMILE(tau=3.0).bound(joint, product)) == pytest.approx(-3.0)
    scores = torch.full((4, 3), 1.0, requires_grad=True)
    fixed = scores.detach()
    gradients = [
        torch.autograd.grad(mineral.ReMINE(weight=w).objective()(joint, scores), scores)[0].sum()
        for w in (0.0, 1.0)
    ]
    # The penalty (log E exp f)² adds its own gradient, −2 λ log Z, and nothing to the value.
    assert float(gradients[1] - gradients[0]) == pytest.approx(-2.0)
    assert float(mineral.ReMINE(weight=9.0).bound(joint, fixed)) == pytest.approx(-1.0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [mineral.DifferenceOfEntropies, mineral.Flow])
def test_difference_of_entropies_finds_a_normal(kind):
    r = kind(steps=400, batch_size=256, folds=2).estimate(*normal(2000))
    assert r.value == pytest.approx(truth(), abs=4 * 0.8 / math.sqrt(2000) + 0.03)
    assert r.kind == "neither"


@pytest.mark.slow
def test_difference_of_entropies_keeps_the_likelier_family():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(2000)
    for noise, family in ((rng.standard_normal, "gaussian"), (rng.standard_t, "logistic")):
        y = 0.3 * x + (noise(2000) if family == "gaussian" else noise(3, 2000))
        r = mineral.DifferenceOfEntropies(steps=200, batch_size=256, folds=2).estimate(x, y)
        assert {member.critic.family for member in r.model.members} == {family}


@pytest.mark.slow
def test_it_has_no_ceiling_where_lower_bounds_stop_at_log_n():
    x, y = normal(3000, rho=0.99, dim=8)  # 15.7 nats; log n = 8
    r = mineral.DifferenceOfEntropies(
        family="gaussian", steps=1500, batch_size=256, folds=2
    ).estimate(x, y)
    assert r.value == pytest.approx(truth(0.99, 8), abs=1.0)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_difference_of_entropies_in_128_dimensions():
    # McAllester & Stratos: 18.41 nats, where every lower bound they tried stopped at 10.3 or less.
    # Learning a map of 128 × 128 from n rows costs 128² / 2n nats: 0.12 of 67,000.
    x, y = normal(100_000, rho=0.5, dim=128)
    r = mineral.DifferenceOfEntropies(steps=3000).estimate(x, y)
    assert r.value == pytest.approx(truth(0.5, 128), abs=0.5)


def test_a_new_density_ratio_says_nothing_and_integrates_to_one():
    x, y = torch.randn(50, 2), torch.randn(50, 1)
    line = torch.linspace(-30, 30, 6001)[:, None]
    for ratio in (DiagonalRatio(2, 1), DiagonalRatio(2, 1, family="logistic"), FlowRatio(2, 1)):
        torch.testing.assert_close(ratio(x, y), torch.zeros(50))
        for parameter in ratio.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
        mass = ratio.log_conditional(x[:1], line).detach().exp().sum() * 0.01
        assert float(mass) == pytest.approx(1.0, abs=0.01)
        assert ratio(x[:, None], y[None, :]).shape == (50, 50)
        torch.testing.assert_close(ratio(x[:, None], y[None, :]).diagonal(), ratio(x, y))


@pytest.mark.slow
def test_upper_estimates_are_above_and_leave_one_out_is_the_tighter():
    x, y = normal(3000)
    club, leave_one_out = (
        kind(steps=400, batch_size=256, folds=2).estimate(x, y)
        for kind in (mineral.CLUB, mineral.LeaveOneOut)
    )
    # vCLUB of the true conditional is rho² / (1 − rho²) = 1.78 here.
    assert club.value == pytest.approx(0.64 / 0.36, abs=0.2)
    assert truth() - 0.06 < leave_one_out.value < truth() + 0.1


def test_upper_estimates_use_the_bounds_of_the_library():
    scores = torch.randn(6, 6, dtype=torch.float64)
    expected = bounds.leave_one_out_upper(scores)
    torch.testing.assert_close(mineral.LeaveOneOut().bound(scores), expected)
    off = scores[~torch.eye(6, dtype=bool)].mean()
    torch.testing.assert_close(mineral.CLUB().bound(scores), scores.diagonal().mean() - off)


@pytest.mark.slow
def test_denoising_finds_a_normal_and_nothing_where_there_is_nothing():
    r = mineral.MINDE(steps=600, batch_size=256).estimate(*normal(2000))
    assert 0.35 < r.value < truth() + 0.08
    nothing = np.random.default_rng(1).standard_normal(2000)
    r = mineral.MINDE(steps=300, batch_size=256).estimate(normal(2000)[0], nothing)
    assert abs(r.value) < 0.06  # three standard errors of a short training


def test_the_gain_of_a_perfect_denoiser_is_the_information():
    class Perfect(Denoiser):
        """E[ε | x_λ] of a standard normal x, and E[ε | x_λ, y] of one with correlation 0.8."""

        def forward(self, blurred, level, y, given):
            signal, noise = (torch.sigmoid(sign * level)[:, None] for sign in (1, -1))
            known = given * 0.64
            mean = given * 0.8 * y
            return noise.sqrt() * (blurred - signal.sqrt() * mean) / (signal * (1 - known) + noise)

    generator = torch.Generator().manual_seed(0)
    x, y = (torch.from_numpy(v) for v in normal(20_000))
    for squared in (False, True):
        gains = information(Perfect(1, 1), x, y, draws=20, squared=squared, generator=generator)
        stderr = float(gains.std()) / math.sqrt(len(gains))
        assert float(gains.mean()) == pytest.approx(truth(), abs=4 * stderr + 0.005)


@pytest.mark.slow
def test_latent_numbers_suffice_for_low_rank_dependence():
    r = LMI(steps=400, latent=2).estimate(*low_rank(2000))
    assert r.value == pytest.approx(truth(), abs=0.12)
    assert r.model is None


def test_the_estimator_between_latent_variables_can_be_chosen():
    seen = []

    class Spy(KSG):
        def measure(self, samples, run):
            seen.append((samples.x.shape[1], samples.y.shape[1]))
            return super().measure(samples, run)

    LMI(steps=2, latent=3, final=Spy()).estimate(*low_rank(200))
    assert seen == [(3, 3), (3, 3)]


def test_an_autoencoder_is_judged_on_both_variables_from_either_side():
    coder = CrossAutoencoder(2, 3, latent=1)
    x, y = torch.zeros(5, 2), torch.ones(5, 3)
    with torch.no_grad():
        for layer in (coder.from_x[-1], coder.from_y[-1]):
            layer.weight.zero_()
            layer.bias.copy_(torch.tensor([0.0, 0.0, 1.0, 1.0, 1.0]))
    torch.testing.assert_close(coder(x, y), torch.zeros(5))
    assert (coder(x + 1, y) == -2).all() and (coder(x, y + 2) == -8).all()


def test_generative_estimators_report_on_rows_that_they_did_not_learn_from():
    # 120 rows of noise: a model that is judged where it learned claims information.
    x, y = np.random.default_rng(0).standard_normal((2, 120, 10))
    estimator = mineral.DifferenceOfEntropies(family="gaussian", steps=300, batch_size=40, folds=2)
    assert isinstance(estimator, Generative)
    assert estimator.estimate(x, y).interval[0] <= 0


def test_options_out_of_range_are_named():
    with pytest.raises(mineral.OptionError, match="`latent` must be at least 1, got 0"):
        LMI(latent=0)
    with pytest.raises(mineral.OptionError, match="`steps` must be at least 1, got 0"):
        replace(mineral.MINDE(), steps=0)
