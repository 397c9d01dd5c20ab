"""The rule of comparison of the default, on made-up estimates: no estimator runs here."""

import numpy as np
import pytest
import torch

from mineral.methods.base import Measurement, Run
from mineral.methods.copulas.gaussian import GaussianCopula
from mineral.methods.default.candidates import Candidate, Evidence
from mineral.methods.default.comparison import Answer, compared, shrinkage
from mineral.methods.default.views import View, Views
from mineral.methods.neighbours.knn import KSG
from mineral.methods.shares import average
from mineral.results import Curve
from mineral.samples import paired
from mineral.system.progress import silent

PARAMETRIC, LOCAL, LEARNED, BOUND = Evidence
ERROR = np.hypot(0.1, 0.1)  # of the difference of two estimates, each with a standard error of 0.1
TRAINED = (Curve(steps=(1,), training=(0.0,), validation=(0.0,), best=0),)


def answer(value, stderr=0.1, evidence=PARAMETRIC, estimator=None, **found):
    """An estimate of this value by a candidate whose value errs in this way."""
    estimator = estimator or (KSG() if evidence is LOCAL else GaussianCopula())
    candidate = Candidate(lambda *_: estimator, View.UNTIED, evidence, lambda *_: True)
    measurement = Measurement(value=value, stderr=stderr, **found)
    return Answer(candidate=candidate, estimator=estimator, found=measurement)


def weight(best, rival, dims=2):
    """The rival's share of the value, in this many columns."""
    values = np.random.default_rng(0).standard_normal((100, dims))
    run = Run(seed=0, device=torch.device("cpu"), progress=silent)
    views = Views(paired(values[:, :1], values[:, 1:]), run.rng())
    return compared(best, rival, views, run)[0]


# An estimate that may fall short gives way to a significantly larger one


@pytest.mark.parametrize("evidence", [PARAMETRIC, LEARNED])
def test_a_larger_value_is_reported_from_two_standard_errors_of_the_difference_on(evidence):
    assert weight(answer(0.0), answer(1.8 * ERROR, evidence=evidence)) == 0
    assert weight(answer(0.0), answer(2.2 * ERROR, evidence=evidence)) == 1
    assert weight(answer(0.0), answer(-9 * ERROR, evidence=evidence)) == 0


def test_a_lower_bound_needs_two_of_its_own_standard_errors():
    uncertain, bound = answer(0.0, 1.0), answer(0.25, 0.1, BOUND)
    assert weight(uncertain, bound) == 1
    assert weight(uncertain, answer(0.15, 0.1, BOUND)) == 0


def test_differences_below_a_thousandth_of_a_nat_change_nothing():
    """Two exact values differ by rounding: a standard error of 0 must not make that significant."""
    assert weight(answer(0.5, 0.0), answer(0.5005, 0.0)) == 0
    assert weight(answer(0.5, 0.0), answer(0.505, 0.0)) == 1


def test_errors_that_two_estimates_share_cancel_in_their_difference():
    shared = np.random.default_rng(0).standard_normal(100)
    own = np.random.default_rng(1).standard_normal(100)
    best = answer(0.0, pointwise=shared)
    rival = answer(0.05, pointwise=shared + 0.1 * own)  # the difference: 0.05 ± 0.01
    assert weight(best, rival) == 1
    assert weight(best, answer(0.05, pointwise=shared + own)) == 0  # 0.05 ± 0.1


# Networks


def test_a_network_that_improves_on_the_copula_it_starts_from_is_reported():
    network = answer(0.51, evidence=LEARNED, curves=TRAINED)
    assert weight(answer(0.5), network, dims=6) == 1
    untrained = answer(0.51, evidence=LEARNED)
    assert weight(answer(0.5), untrained, dims=6) == 0


# Two consistent estimates in few dimensions are averaged


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("sign", [1, -1])
def test_neighbours_in_few_columns_are_averaged_with_a_copula(dims, sign):
    best = answer(1.0)
    differences = np.array([0.5, 1.0, 2.0, 5.0])
    found = [weight(best, answer(1 + sign * d * ERROR, evidence=LOCAL), dims) for d in differences]
    # James and Stein's weight of a difference of d standard errors: 1 − 1 / d².
    np.testing.assert_allclose(found, [0, 0, 3 / 4, 24 / 25], atol=1e-9)


def test_neighbours_in_four_columns_replace_a_copula_or_have_no_weight():
    assert weight(answer(1.0), answer(1 + 1.8 * ERROR, evidence=LOCAL), dims=4) == 0
    assert weight(answer(1.0), answer(1 + 2.2 * ERROR, evidence=LOCAL), dims=4) == 1


@pytest.mark.parametrize(
    "short",
    [answer(1.0, evidence=BOUND), answer(1.0, evidence=LEARNED, curves=TRAINED)],
    ids=["a lower bound", "a network"],
)
def test_neighbours_are_not_averaged_with_what_falls_short(short):
    assert weight(short, answer(1 + 5 * ERROR, evidence=LOCAL)) == 1
    assert weight(short, answer(1 - 5 * ERROR, evidence=LOCAL)) == 0


def test_a_negative_estimate_is_no_evidence_for_less_than_zero():
    assert weight(answer(0.01), answer(-0.5, evidence=LOCAL)) == 0
    assert weight(answer(0.5), answer(-0.5, evidence=LOCAL)) > 0.5


def test_shrinkage_by_the_error_of_the_difference_is_better_than_either_estimate_alone():
    """An unbiased rival of error 1, and a bias b of the other: risks over b = 0 and b = 5."""
    noise = np.random.default_rng(0).standard_normal(4000)
    risks = []
    for bias in (0.0, 5.0):
        difference = bias + noise
        shrunk = np.array([shrinkage(float(d), 1.0) * d for d in difference])
        risks.append(float(((shrunk - bias) ** 2).mean()))
    # The rival alone has risk 1. At b = 0 the positive part has a third of it, and 1.1 at b = 5.
    assert risks[0] < 0.5 and risks[1] < 1.2


@pytest.mark.parametrize("share", [0.25, 0.75])
def test_an_average_has_the_values_of_both_and_an_error_that_allows_for_a_wrong_weight(share):
    one = Measurement(value=1.0, stderr=0.1, pointwise=np.full(10, 1.0))
    other = Measurement(value=2.0, stderr=0.3, pointwise=np.full(10, 2.0))
    mean = average(one, other, share, 0.4)
    assert mean.value == pytest.approx(1 + share)
    np.testing.assert_allclose(mean.pointwise, mean.value)
    # Errors on the same rows add up; a wrong weight errs by the error of the difference.
    spread, wrong = 0.1 * (1 - share) + 0.3 * share, 0.4 * (1 - share)
    assert mean.stderr == pytest.approx(np.hypot(spread, wrong))
    assert average(one, other, 0.0, 0.4) is one and average(one, other, 1.0, 0.4) is other
