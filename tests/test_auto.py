"""What `auto` chooses, why it says so, and that it has an answer for all that the gate lets in."""

import math
from functools import partial

import numpy as np
import pytest

import mineral
from mineral import MINE, JointCritic
from mineral.methods import Auto, auto


def normal(n, dim=1, seed=0):
    x, noise = np.random.default_rng(seed).standard_normal((2, n, dim))
    return x, 0.8 * x + 0.6 * noise


def test_a_gaussian_copula_is_recognized_whatever_its_marginals():
    x, y = normal(2000)
    r = mineral.estimate(np.exp(x), y**3)
    assert r.estimator == "copula" and r.kind == "neither"
    assert r.value == pytest.approx(0.5108, abs=4 * r.stderr)
    assert any("copula stands" in sentence for sentence in r.path)


def test_neighbours_are_preferred_where_they_find_what_no_correlation_shows():
    x, noise = np.random.default_rng(0).standard_normal((2, 2000))
    r = mineral.estimate(x, x**2 + 0.5 * noise)
    assert r.estimator == "ksg" and r.options["k"] == 3
    assert r.value > 0.6
    assert "candidates-disagree" in [w.code for w in r.warnings]
    assert any("ksg finds clearly more than copula" in sentence for sentence in r.path)


@pytest.fixture
def small_network(monkeypatch):
    """A network that trains in moments, in place of the one that `auto` would try."""
    small = MINE(critic=partial(JointCritic, hidden=(32,)), batch_size=128, folds=2)
    monkeypatch.setattr(auto, "MINE", lambda: small)


def hidden_radius(n):
    """y knows the length of the first two coordinates of x: no correlation, and far neighbours."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 10))
    return x, np.hypot(x[:, 0], x[:, 1]) + 0.05 * rng.standard_normal(n)


@pytest.mark.usefixtures("small_network")
def test_a_network_is_tried_in_many_dimensions_and_reported_where_it_finds_more():
    r = mineral.estimate(*hidden_radius(1000))
    assert r.estimator == "mine" and r.kind == "lower bound" and r.model is not None
    assert r.value > 0.2
    assert any("In 11 dimensions" in sentence and "network" in sentence for sentence in r.path)
    assert any("mine finds clearly more than copula" in sentence for sentence in r.path)


@pytest.mark.slow
def test_the_network_that_is_tried_needs_no_tuning():
    r = mineral.estimate(*hidden_radius(2000))
    assert r.estimator == "mine" and r.value > 0.8


@pytest.mark.usefixtures("small_network")
def test_the_copula_stands_against_a_network_that_finds_no_more():
    r = mineral.estimate(*normal(600, dim=6))
    assert r.estimator == "copula"
    assert r.value == pytest.approx(6 * 0.5108, abs=4 * r.stderr + 0.01)
    assert any("mine does not find clearly more: copula stands" in each for each in r.path)


def test_a_network_is_not_tried_on_few_rows():
    r = mineral.estimate(*normal(499, dim=6))
    assert r.estimator == "copula" and not any("network" in sentence for sentence in r.path)


def test_discrete_data_are_counted():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, 5000)
    y = x ^ (rng.uniform(size=5000) < 0.1)
    truth = math.log(2) + 0.1 * math.log(0.1) + 0.9 * math.log(0.9)
    r = mineral.estimate(x, y)
    # The standard error of a plug-in estimate here: sd of the pointwise values, 0.66, over √5000.
    assert r.value == pytest.approx(truth, abs=4 * 0.66 / math.sqrt(5000) + 0.01)
    assert any("discrete" in sentence for sentence in r.path)


@pytest.mark.parametrize("swap", [False, True])
def test_one_discrete_side_is_enough_for_neighbours(swap):
    # The information of a fair bit and a normal around ±1: 0.3368 nats, by integration.
    rng = np.random.default_rng(0)
    bit = rng.integers(0, 2, 3000)
    x, y = bit, 2 * bit + rng.standard_normal(3000)
    r = mineral.estimate(*((y, x) if swap else (x, y)))
    assert r.estimator == "ksg"
    assert r.value == pytest.approx(0.3368, abs=4 * r.stderr)
    assert any(f"{'y' if swap else 'x'} is discrete" in sentence for sentence in r.path)


def test_integers_that_are_independent_are_not_said_to_be_dependent():
    # Dice fill their 36 cells; 20 draws, at a level of 2.5 % each: 3 false alarms have 1 %.
    alarms = 0
    for seed in range(20):
        x, y = np.random.default_rng(seed).integers(1, 7, (2, 300))
        alarms += mineral.estimate(x.astype(float), y.astype(float)).interval[0] > 0
    assert alarms <= 2


def test_the_path_tells_what_each_candidate_found():
    r = mineral.estimate(*normal(300))
    found = next(sentence for sentence in r.path if sentence.startswith("Found"))
    assert "copula" in found and "ksg" in found and f"{r.value:.3g} ± {r.stderr:.2g}" in found


@pytest.mark.parametrize("n", range(3, 13))
def test_few_rows_have_an_answer_that_is_not_far_off(n):
    # At most ψ(n) − ψ(1) by neighbours; the Gaussian on 6 rows and more errs by about 1/√n.
    values = [mineral.estimate(*normal(n, seed=seed)).value for seed in range(10)]
    assert all(map(math.isfinite, values))
    assert -0.5 < np.mean(values) < 1.5


def test_fewer_rows_than_coordinates_are_left_to_neighbours_and_the_path_says_so():
    x = np.random.default_rng(0).standard_normal((40, 8, 8))
    r = mineral.estimate(x, x[:, 0, 0])
    assert r.estimator == "ksg" and "high-dimension" in [w.code for w in r.warnings]
    assert any("In 65 dimensions on 40 samples" in sentence for sentence in r.path)
    r = mineral.estimate(*normal(3))
    assert any("on 3 samples" in sentence for sentence in r.path)


def test_a_class_and_a_measurement():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 4000)
    far_apart = 100 * label + rng.standard_normal(4000)
    r = mineral.estimate(label, far_apart)
    assert r.value == pytest.approx(math.log(2), abs=0.02)  # the measurement tells the class


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (np.arange(3.0), np.array([0.0, 2.0, 1.0])),
        (np.arange(10.0), np.arange(10.0) ** 2),
        (np.tile([0, 1], 20), np.repeat([0, 1], 20)),
        (np.random.default_rng(0).standard_normal((40, 8, 8)), np.arange(40.0)),
        (np.random.default_rng(0).integers(0, 300, (200, 2)).astype(float), np.arange(200.0)),
        (np.random.default_rng(0).standard_cauchy(300), np.random.default_rng(1).normal(size=300)),
        (np.repeat(np.arange(5.0), 20), np.tile(np.arange(5.0), 20)),
        (np.random.default_rng(0).standard_normal((300, 200)), np.arange(300) % 2),
    ],
    ids=["3 rows", "a line", "bits", "images", "integers", "Cauchy", "a grid", "wide, label"],
)
def test_there_is_an_answer_to_all_that_the_gate_lets_in(x, y):
    r = mineral.estimate(x, y)
    assert math.isfinite(r.value) and all(map(math.isfinite, r.interval))
    assert r.path


def test_two_rows_are_too_few():
    with pytest.raises(mineral.InputError, match="at least 3 paired samples, got 2"):
        mineral.estimate([1.0, 2.0], [2.0, 1.0])


def test_independent_data_are_not_said_to_be_dependent():
    # 40 draws: at a level of 2.5 % each, 4 false alarms or more have a chance of 2 %.
    alarms = 0
    for seed in range(40):
        x, y = np.random.default_rng(seed).standard_normal((2, 300))
        alarms += mineral.estimate(x, y).interval[0] > 0
    assert alarms <= 3


def test_it_has_no_options_and_does_not_depend_on_order():
    assert Auto().options() == {}
    x, y = normal(500)
    order = np.random.default_rng(1).permutation(500)
    there, back = mineral.estimate(x, y), mineral.estimate(x[order], y[order])
    assert there.value == pytest.approx(back.value) and there.estimator == back.estimator
