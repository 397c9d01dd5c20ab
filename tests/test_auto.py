"""What `auto` chooses, why it says so, and that it has an answer for all that the gate lets in."""

import math
import time

import numpy as np
import pytest
import torch

import mineral
from mineral.decision import Verdict
from mineral.methods import KSG, Auto
from mineral.methods.base import Run
from mineral.methods.copulas.gaussian import GaussianCopula
from mineral.methods.copulas.student import Levels, StudentCopula
from mineral.methods.learning_curve import allowing_for, rise
from mineral.methods.wrappers import by_block
from mineral.samples import paired
from mineral.system.progress import silent


def normal(n, dim=1, seed=0):
    x, noise = np.random.default_rng(seed).standard_normal((2, n, dim))
    return x, 0.8 * x + 0.6 * noise


def chosen(r):
    """The estimator with the largest share of the value."""
    return r.decision.chosen[0].estimator


def test_a_gaussian_copula_is_recognized_whatever_its_marginals():
    x, y = normal(2000)
    r = mineral.estimate(np.exp(x), y**3)
    assert chosen(r) == "copula" and r.kind == "neither" and r.model is not None
    assert r.value == pytest.approx(0.5108, abs=4 * r.stderr)
    assert r.estimator == "auto" and r.options == {"budget": "balanced"}


def test_a_t_copula_is_recognized_whatever_its_marginals():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 2000)) / np.sqrt(rng.chisquare(1, 2000))
    r = mineral.estimate(x, np.arcsinh(y))
    assert chosen(r) == "t-copula"
    assert r.value == pytest.approx(0.2242, abs=4 * r.stderr)


@pytest.mark.slow
def test_rows_that_are_chance_do_not_hide_the_others():
    rng = np.random.default_rng(0)
    x, noise, other = rng.standard_normal((3, 2000, 2))
    y = np.where(rng.random((2000, 1)) < 0.5, other, 0.95 * x + math.sqrt(1 - 0.95**2) * noise)
    r = mineral.estimate(x, y, estimator=Auto(budget="fast"))
    assert chosen(r) == "contaminated-copula"
    assert r.value == pytest.approx(0.6975, abs=4 * r.stderr)  # by a million true values


def parabola(n):
    x, noise = np.random.default_rng(0).standard_normal((2, n))
    return x, x**2 + 0.5 * noise


def test_a_copula_that_finds_too_much_gives_way_to_neighbours():
    # Far out the two are independent, and within a ring they exclude each other: 0.13 nats.
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 20_000))
    keep = (np.hypot(x, y) < 0.5) | (np.hypot(x, y) > 1.2)
    r = mineral.estimate(x[keep][:4000], y[keep][:4000])
    assert chosen(r) == "ksg"


@pytest.mark.parametrize("budget", ["fast", "balanced"])
def test_what_no_correlation_shows_is_found(budget):
    r = Auto(budget=budget).estimate(*parabola(2000))
    assert chosen(r) == "ksg" and r.decision.chosen[0].options["k"] == 3
    assert r.value > 0.6
    assert not r.warnings  # the comparison is clear
    copula = r.decision.considered[0]
    assert "copula" in copula.estimator and copula.weight < 0.05


@pytest.mark.parametrize("noise", [1e-2, 1e-3, 1e-4])
def test_a_thin_curve_is_followed(noise):
    rng = np.random.default_rng(0)
    x = rng.random(1000)
    y = x + noise * rng.random(1000)
    truth = noise / 2 - math.log(noise)  # of uniform noise: the ends of y's range count less
    r = mineral.estimate(x, y**2 + y)
    assert r.value == pytest.approx(truth, abs=0.7)
    assert r.interval[0] < truth < r.interval[1]


@pytest.mark.slow
def test_what_turns_with_the_distance_from_the_center_is_found():
    rng = np.random.default_rng(0)
    z, noise = rng.standard_normal((2, 1500, 2))
    y = 0.9 * z + math.sqrt(1 - 0.81) * noise
    angle = 2 * (z**2).sum(axis=1)
    turned = np.c_[
        np.cos(angle) * z[:, 0] - np.sin(angle) * z[:, 1],
        np.sin(angle) * z[:, 0] + np.cos(angle) * z[:, 1],
    ]
    truth = -math.log(1 - 0.81)
    r = mineral.estimate(turned, y)
    copula = mineral.StudentCopula().estimate(turned, y)
    assert chosen(r) == "canonical" and 0.7 * truth < r.value < truth + 4 * copula.stderr
    network = mineral.Residual().estimate(turned, y)
    assert network.evidence.curves and network.value > 0.6 * truth
    assert copula.value < r.value - 6 * copula.stderr


@pytest.mark.slow
def test_principal_components_stand_for_many_dimensions():
    rng = np.random.default_rng(0)
    shared, blur = rng.standard_normal((400, 1)), rng.standard_normal((2, 400, 150))
    x, y = shared + 3 * blur[0], shared + 3 * blur[1]
    signal = 150 / 9  # of the mean of each side's coordinates, to its noise
    truth = -0.5 * math.log1p(-((signal / (1 + signal)) ** 2))
    r = mineral.estimate(x, y)
    assert chosen(r) == "projected"
    assert r.value == pytest.approx(truth, abs=4 * r.stderr + 0.05)
    assert any(s.startswith("Principal components of standardized coordinates: ") for s in r.path)


@pytest.mark.slow
def test_the_whole_is_preferred_where_it_finds_clearly_more():
    # Only the direction in which x varies least says anything about y.
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 33)) @ np.diag([*[3.0] * 32, 1.0])
    x[:, :32] += 2 * rng.standard_normal((300, 1))
    y = x[:, 32:] + 0.1 * rng.standard_normal((300, 1))
    r = mineral.estimate(x, y)
    assert r.value > 1.5


def test_counts_are_left_to_a_table_and_few_of_them_to_neighbours():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, 2000)
    y = np.where(rng.random(2000) < 0.5, x, rng.integers(0, 3, 2000))
    assert chosen(mineral.estimate(x, y)) == "discrete"
    y = rng.standard_normal(2000) * (1 + x)  # the label says how wide y is
    assert chosen(mineral.estimate(x, y)) in ("discriminant", "mixed")


@pytest.mark.slow
def test_images_that_are_dark_in_places_are_not_left_to_neighbours():
    rng = np.random.default_rng(0)
    shared, own = rng.standard_normal((400, 1)), rng.standard_normal((2, 400, 60))
    x, y = np.clip(2 * shared + own, 0, None)  # about a third of the pixels is 0
    r = mineral.estimate(x, y)
    assert chosen(r) not in ("ksg", "mixed") and r.value > 1


def test_a_value_that_comes_often_is_an_atom():
    # Zeros in a third of the rows, independently: ranks that ties share would look dependent.
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 1000, 2)) * (rng.random((2, 1000, 2)) > 1 / 3)
    r = mineral.estimate(x, y)
    assert abs(r.value) < 4 * r.stderr + 0.02 and r.interval[0] < 0.01


@pytest.mark.parametrize("budget", ["quick", 0, -3, math.inf, math.nan, True, None])
@pytest.mark.usefixtures("as_users_run_it")
def test_a_budget_is_one_of_three_or_seconds(budget):
    with pytest.raises(
        mineral.OptionError, match="`budget` must be 'fast', 'balanced', 'thorough' or seconds"
    ):
        Auto(budget=budget)


@pytest.mark.slow
def test_seconds_are_kept_and_what_was_left_out_is_said():
    rng = np.random.default_rng(0)
    x, noise = rng.standard_normal((2, 3000, 12))
    turn = np.linalg.qr(rng.standard_normal((12, 12)))[0]
    y = 0.6 * x @ turn + 0.8 * noise  # every column depends on all: no blocks
    little = Auto(budget=1e-3).estimate(x, y)
    late = [c.estimator for c in little.decision.considered if c.verdict is Verdict.OUT_OF_TIME]
    assert "clusters" in late and "clusters" in little.path[-1]
    assert little.value == pytest.approx(-12 * math.log(0.8), abs=5 * little.stderr)
    much = Auto(budget=600.0).estimate(x, y)
    assert all(c.verdict is not Verdict.OUT_OF_TIME for c in much.decision.considered)


class Clock:
    """Seconds that pass whenever somebody looks at them."""

    def __init__(self, step):
        self.now, self.step = 0.0, step

    def __call__(self):
        self.now += self.step
        return self.now


@pytest.mark.parametrize(("budget", "says"), [(10.0, True), (1e9, False), ("fast", False)])
def test_an_estimate_that_overruns_its_seconds_says_so(monkeypatch, budget, says):
    monkeypatch.setattr(time, "perf_counter", Clock(13.0))
    r = Auto(budget=budget).estimate(*parabola(100))
    found = [caution for caution in r.warnings if caution.code == "over-budget"]
    assert bool(found) == says
    assert not says or "of a budget of 10 s" in found[0].message


def test_a_search_for_degrees_of_freedom_ends_with_the_time(monkeypatch):
    """Late after the third look, and not after all thirty rounds."""
    rounds, fit = [], Levels.fit
    monkeypatch.setattr(Levels, "fit", lambda *given: rounds.append(0) or fit(*given))
    monkeypatch.setattr(time, "monotonic", Clock(1.0))
    x, y = parabola(200)
    samples = paired(x, y)
    run = Run(seed=0, device=torch.device("cpu"), progress=silent, until=3.0)
    found = StudentCopula().measure(samples, run)
    assert found.path == ("The time budget ended before a t copula was fitted.",)
    assert found.value == GaussianCopula().measure(samples, run).value
    assert 1 <= len(rounds) <= 3


def test_blocks_are_not_summed_where_the_time_is_up(monkeypatch):
    monkeypatch.setattr(time, "monotonic", Clock(100.0))
    monkeypatch.setattr(by_block, "_sum", lambda *_: pytest.fail("the time was up"))
    rng = np.random.default_rng(0)
    x, noise = rng.standard_normal((2, 500, 3))
    assert Auto(budget=1.0).estimate(x, x + noise).decision.wrapper == "all rows"


def test_discrete_data_are_counted():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, 5000)
    y = x ^ (rng.uniform(size=5000) < 0.1)
    truth = math.log(2) + 0.1 * math.log(0.1) + 0.9 * math.log(0.9)
    r = mineral.estimate(x, y)
    # The standard error of a plug-in estimate here: sd of the pointwise values, 0.66, over √5000.
    assert r.value == pytest.approx(truth, abs=4 * 0.66 / math.sqrt(5000) + 0.01)
    assert chosen(r) == "discrete"


@pytest.mark.parametrize("swap", [False, True])
def test_one_discrete_side_is_a_label(swap):
    # The information of a fair bit and a normal around ±1: 0.3368 nats, by integration.
    rng = np.random.default_rng(0)
    bit = rng.integers(0, 2, 3000)
    x, y = bit, 2 * bit + rng.standard_normal(3000)
    r = mineral.estimate(*((y, x) if swap else (x, y)))
    assert chosen(r) in ("discriminant", "mixed")
    assert r.value == pytest.approx(0.3368, abs=4 * r.stderr)


@pytest.mark.slow
def test_coordinates_that_follow_from_one_another_on_a_part_of_the_rows_stop_nothing():
    # Rare pixels, on in rows that they share but one: without it their correlation is 1.
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 600, 8))
    y[:, 0] += x[:, 0]
    rare = np.zeros((600, 6))
    for i in range(6):
        rare[[5, 300, 17 + 90 * i], i] = 1.0
    r = mineral.estimate(np.hstack([x, rare]), y)
    assert r.value == pytest.approx(math.log(2) / 2, abs=4 * r.stderr)


def test_integers_that_are_independent_are_not_said_to_be_dependent():
    # Dice fill their 36 cells; 20 draws, at a level of 2.5 % each: 3 false alarms have 1 %.
    alarms = 0
    for seed in range(20):
        x, y = np.random.default_rng(seed).integers(1, 7, (2, 300))
        alarms += mineral.estimate(x.astype(float), y.astype(float)).interval[0] > 0
    assert alarms <= 2


def test_the_value_is_the_weighted_sum_of_the_candidates():
    for seed in range(5):
        r = mineral.estimate(*normal(300, seed=seed))
        considered = r.decision.considered
        assert {"copula", "ksg"} <= {c.estimator for c in considered}
        assert sum(c.weight for c in considered) == pytest.approx(1.0)
        assert r.value == pytest.approx(sum(c.weight * c.value for c in considered))
        assert f"{considered[0].value:.3g}" in " ".join(r.path)


@pytest.mark.parametrize("n", range(3, 13))
def test_few_rows_have_an_answer_that_is_not_far_off(n):
    # At most ψ(n) − ψ(1) by neighbours; the Gaussian on 6 rows and more errs by about 1/√n.
    values = [mineral.estimate(*normal(n, seed=seed)).value for seed in range(10)]
    assert all(map(math.isfinite, values))
    assert -0.5 < np.mean(values) < 1.5


def test_fewer_rows_than_coordinates_are_left_to_neighbours_and_the_path_says_so():
    x = np.random.default_rng(0).standard_normal((40, 8, 8))
    r = mineral.estimate(x, x[:, 0, 0])
    assert chosen(r) == "ksg" and "high-dimension" in [w.code for w in r.warnings]


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
        pytest.param(
            np.random.default_rng(0).standard_normal((300, 200)),
            np.arange(300) % 2,
            marks=pytest.mark.slow,
        ),
    ],
    ids=["3 rows", "a line", "bits", "images", "integers", "Cauchy", "a grid", "wide, label"],
)
def test_there_is_an_answer_to_all_that_the_gate_lets_in(x, y):
    r = mineral.estimate(x, y)
    assert math.isfinite(r.value) and all(map(math.isfinite, r.interval))
    assert r.decision.considered


def test_two_rows_are_too_few():
    with pytest.raises(mineral.InputError, match="at least 3 paired samples, got 2"):
        mineral.estimate([1.0, 2.0], [2.0, 1.0])


@pytest.mark.parametrize(
    ("budget", "draws"),
    [("fast", 12), pytest.param("balanced", 100, marks=pytest.mark.slow)],
)
def test_independent_data_are_not_said_to_be_dependent(budget, draws):
    # At a level of 2.5 % each: 3 false alarms of 12, or 7 of 100, have a chance of 0.3 and 2 %.
    alarms = 0
    for seed in range(draws):
        x, y = np.random.default_rng(seed).standard_normal((2, 300))
        alarms += Auto(budget=budget).estimate(x, y).interval[0] > 0
    assert alarms <= (2 if draws == 12 else 6)


def test_it_has_one_option_and_does_not_depend_on_order():
    assert Auto().options() == {"budget": "balanced"}
    x, y = normal(500)
    order = np.random.default_rng(1).permutation(500)
    there, back = mineral.estimate(x, y), mineral.estimate(x[order], y[order])
    assert there.value == pytest.approx(back.value) and there.method == back.method


def risen(x, y):
    samples = paired(x, y)
    run = Run(seed=0, device=torch.device("cpu"), progress=silent)
    found = KSG().measure(samples, run)
    return found, rise(found, KSG(), samples, run)


def test_neighbours_that_need_more_rows_say_so():
    """Of 4.9 nats in 3 + 3 dimensions, 300 rows show neighbours a part, and half of them less."""
    x, noise = np.random.default_rng(0).standard_normal((2, 300, 3))
    found, gain = risen(x, x + 0.2 * noise)
    assert gain > 0.2
    more = allowing_for(gain, found)
    assert more.value == found.value and more.stderr == found.stderr and more.missing > 0
    assert more.cautions[0].code == "still-learning"
    order = np.random.default_rng(1).permutation(300)
    assert risen(x[order], (x + 0.2 * noise)[order])[1] == pytest.approx(gain)


def test_neighbours_of_independent_samples_do_not_rise():
    x, y = np.random.default_rng(0).standard_normal((2, 300, 3))
    assert abs(risen(x, y)[1]) < 0.05


@pytest.mark.parametrize("kind", ["numbers", "words", "wide", "series", "blocks"])
def test_estimator_options_and_seed_give_the_same_value_again(kind):
    rng = np.random.default_rng(0)
    x, noise = rng.standard_normal((2, 150, 2))
    y = x + noise
    if kind == "words":
        x = np.where(x[:, 0] > 0, "high", "low")
    elif kind == "wide":
        x = np.hstack([x, rng.standard_normal((150, 40))])
    elif kind == "series":
        x, y = np.cumsum(x, axis=0), np.cumsum(y, axis=0)
    elif kind == "blocks":
        x, y = np.hstack([x, rng.standard_normal((150, 2))]), y
    r = mineral.estimate(x, y, seed=3)
    again = mineral.estimate(x, y, estimator=r.estimator, seed=r.seed)
    assert again.value == r.value and again.interval == r.interval
    assert again.decision == r.decision


def test_parts_of_the_interval_are_separate():
    x, y = normal(500)
    r = mineral.estimate(x, y)
    reach = 1.959964 * r.stderr
    assert r.allowance > 0
    assert r.interval[0] == pytest.approx(r.value - reach, rel=1e-6)
    assert r.interval[1] == pytest.approx(r.value + math.hypot(reach, r.allowance), rel=1e-6)
    assert r.to("bits").allowance == pytest.approx(r.allowance / math.log(2))
    assert mineral.KSG().estimate(x, y).allowance == 0
