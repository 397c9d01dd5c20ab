"""The two studies of estimation of the MINE paper: their truths, and what is made of cells."""

import json
import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from mineral.errors import OptionError
from mineral.experiments import find, run
from mineral.experiments.estimators.estimation import key, truth
from mineral.experiments.estimators.nonlinear import FUNCTIONS, deviation, information
from mineral.methods import ESTIMATORS
from mineral.methods.neural.critics import Neural

SIGMAS = (0.02, 0.1, 0.5, 0.9)


def noise_entropy(sigma):
    return math.log(2 * math.pi * math.e * sigma**2) / 2


@pytest.mark.parametrize("sigma", SIGMAS)
def test_the_information_of_a_line_is_its_closed_form(sigma):
    def integrand(y):
        density = (norm.cdf((y + 1) / sigma) - norm.cdf((y - 1) / sigma)) / 2
        return -density * math.log(density) if density > 0 else 0.0

    ends = {"points": [1.0], "limit": 500, "epsabs": 1e-12}
    entropy = 2 * quad(integrand, 0, 1 + 9 * sigma, **ends)[0]
    assert information(FUNCTIONS["x"], sigma) == pytest.approx(
        entropy - noise_entropy(sigma), abs=1e-9
    )


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_information_is_what_a_sum_over_pairs_says(name, sigma):
    # Mean log of density over its mean over x, on a grid of its own.
    f = FUNCTIONS[name]
    x = (np.arange(2000) + 0.5) / 1000 - 1
    noise, weights = np.polynomial.hermite_e.hermegauss(20)
    y = (f(x[::4])[:, None] + sigma * noise).ravel()
    density = np.exp(-(((y[:, None] - f(x)) / sigma) ** 2) / 2).mean(axis=1)
    pmi = (-(noise**2) / 2 - np.log(density.reshape(-1, 20))) @ weights / weights.sum()
    assert information(f, sigma) == pytest.approx(pmi.mean(), abs=2e-3)


@pytest.mark.parametrize(
    ("name", "entropy"),  # h(f(X)) = log 2 + E log |f'(X)|
    [
        ("x", math.log(2)),
        ("sin", math.log(2) + quad(lambda x: math.log(math.cos(x)), 0, 1)[0]),
    ],
)
def test_with_little_noise_information_is_a_difference_of_entropies(name, entropy):
    gap = [information(FUNCTIONS[name], s) + noise_entropy(s) - entropy for s in (0.04, 0.02)]
    assert 0 < gap[1] < gap[0] < 0.1
    assert gap[0] / gap[1] == pytest.approx(2, rel=0.1)  # vanishes like σ: the ends of the interval


@pytest.mark.parametrize("name", FUNCTIONS)
def test_with_much_noise_information_is_that_of_a_gaussian_of_the_same_variance(name):
    f, sigma = FUNCTIONS[name], 20.0
    assert information(f, sigma) == pytest.approx(
        math.log1p(deviation(f) ** 2 / sigma**2) / 2, rel=1e-5
    )


def test_deviations_are_known():
    assert deviation(FUNCTIONS["x"]) == pytest.approx(math.sqrt(1 / 3))
    assert deviation(FUNCTIONS["x3"]) == pytest.approx(math.sqrt(1 / 7))
    assert deviation(FUNCTIONS["sin"]) == pytest.approx(math.sqrt(0.5 - math.sin(2) / 4))


def test_without_noise_information_is_infinite_and_refused(tmp_path):
    with pytest.raises(OptionError, match=r"`sigma` must be at least 0.02, got 0.0: .* infinite"):
        information(FUNCTIONS["x"], 0.0)
    changes = {"sigmas": [0.0, 0.5]}
    with pytest.raises(OptionError, match=r"`sigmas` must be at least 0.02, got 0.0"):
        run(find("nonlinear"), out=tmp_path / "a", changes=changes)
    with pytest.raises(OptionError, match="`functions` are x, x3, sin: got 'cos'"):
        run(find("nonlinear"), out=tmp_path / "b", changes={"functions": ["cos"]})


def test_the_truth_of_correlated_gaussians():
    assert truth(20, 0.9) == pytest.approx(-10 * math.log(1 - 0.81))
    assert truth(3, -0.5) == truth(3, 0.5) > truth(3, 0.0) == 0.0


@pytest.mark.parametrize("name", ["estimation", "nonlinear"])
def test_estimators_exist_and_critics_are_those_of_the_paper(name):
    settings = find(name).quick
    assert set(settings.methods) <= set(ESTIMATORS)
    trained = [each for each in settings.methods if issubclass(ESTIMATORS[each], Neural)]
    assert trained == [each for each in ("mine", "nwj") if each in settings.methods]


SMALL = {"rows": 600, "steps": 20, "learning_rate": 0.02, "hidden": [16], "seeds": 2}


@pytest.fixture(scope="module")
def estimated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "estimation"
    changes = SMALL | {"dims": [1, 2], "correlations": [-0.849, 0.0, 0.849, 0.999999]}
    changes |= {"methods": ["mine", "ksg", "gaussian"]}
    return folder, run(find("estimation"), out=folder, changes=changes, tensorboard=True)


@pytest.mark.slow
def test_estimators_follow_the_truth_where_they_can(estimated):
    metrics = estimated[1].metrics
    truths, values = metrics["truth"]["1"], metrics["values"]
    assert truths[:3] == pytest.approx([0.638, 0, 0.638], abs=1e-3)
    for name in ("ksg", "gaussian"):
        # 600 rows: a standard error of at most 0.04; both samples of each ρ.
        assert np.array(values[name]["1"])[:3] == pytest.approx(
            np.repeat(truths[:3], 2).reshape(3, 2), abs=0.16
        )
    assert np.array(values["mine"]["1"])[[0, 2]].mean() > 0.1  # of 20 steps
    assert len(set(np.ravel(values["gaussian"]["1"]))) == 8  # every cell has its own samples


@pytest.mark.slow
def test_errors_are_means_over_correlations_and_seeds(estimated):
    metrics = estimated[1].metrics
    truths, of = np.array(metrics["truth"]["2"]), np.array(metrics["values"]["ksg"]["2"])
    errors = np.abs(of - truths[:, None])
    assert metrics["errors"]["ksg"]["d = 2"] == pytest.approx(errors.mean())
    below = truths < math.log(600)
    assert 0 < below.sum() < 4
    assert metrics["errors"]["ksg"]["I < log n, d = 2"] == pytest.approx(errors[below].mean())
    table = estimated[1].tables[0]
    limits = ("", "I < log n, ", "I < ½ log n, ")
    assert table.header == ["method", *(f"{of}d = {d}" for d in (1, 2) for of in limits)]
    few = truths < math.log(600) / 2
    assert metrics["errors"]["ksg"]["I < ½ log n, d = 2"] == pytest.approx(errors[few].mean())
    assert 0 < few.sum() <= below.sum()


@pytest.mark.slow
def test_published_numbers_stand_where_they_belong(estimated):
    rows = {row[0]: row[1:] for row in estimated[1].tables[1].rows}
    assert set(rows) == {"0.849", "0"}
    assert rows["0.849"][0] == "0.638" and rows["0.849"][2] == "0.595 / 0.647"
    assert rows["0.849"][1].count("/") == 1 and "/" not in rows["0"][1]
    assert "trained on" in estimated[1].tables[1].title


@pytest.mark.slow
def test_the_curves_of_the_critics_are_logged(estimated):
    folder, _ = estimated
    cell = json.loads((folder / "cells" / f"{key(1, 0.849, 1)}.json").read_text())
    assert {name.split("/")[0] for name in cell["logged"]} == {"mine"}
    assert [step for step, _ in cell["logged"]["mine/validation-0"]] == [0, 10, 20]
    assert (folder / "tensorboard" / key(1, 0.849, 1)).is_dir()


def test_nonlinear_compares_with_the_truth(tmp_path):
    changes = SMALL | {"sigmas": [0.2, 0.8], "methods": ["ksg", "gaussian"]}
    conclusion = run(find("nonlinear"), out=tmp_path / "a", changes=changes)
    metrics = conclusion.metrics
    truths = np.array(metrics["truth"])
    assert truths[0, 0] == pytest.approx(information(FUNCTIONS["x"], 0.2))
    assert truths[1, 1] == pytest.approx(information(FUNCTIONS["x3"], 0.8))
    means = {name: np.array(of).mean(axis=2) for name, of in metrics["values"].items()}
    assert means["ksg"] == pytest.approx(truths, abs=0.16)  # two samples of 600 rows each
    assert means["gaussian"][1, 0] < truths[1, 0] - 0.1  # a line through a cube
    assert metrics["spread"]["truth"] == pytest.approx(np.ptp(truths, axis=0))
    assert conclusion.sentences[0].startswith("Equal noise does not give equal information")
    assert f"{truths[0, 0]:.2f} nats for x and {truths[1, 0]:.2f} for x³" in conclusion.sentences[0]
