"""Independent blocks of columns, many weak correlations, and what the default makes of them."""

import math

import numpy as np
import pytest

import mineral
from mineral import tasks
from mineral.methods import Auto
from mineral.methods.projections.weak_correlations import has_weak_correlations
from mineral.methods.wrappers.independent_blocks import independent_blocks
from mineral.samples import paired


def shapes(x, y):
    found = independent_blocks(paired(x, y))
    return None if found is None else sorted((len(g.x), len(g.y)) for g in found)


def of_pairs(n, rho, idle=0, seed=0):
    """Two pairs, and coordinates of x and y that say nothing."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n, 2))
    y = rho * z + math.sqrt(1 - rho**2) * rng.standard_normal((n, 2))
    return np.hstack([z, rng.standard_normal((n, idle))]), np.hstack(
        [rng.standard_normal((n, idle)), y]
    )


def test_pairs_are_found_among_coordinates_that_say_nothing():
    assert shapes(*of_pairs(1000, 0.8, idle=20)) == [(1, 1), (1, 1)]
    x, y = of_pairs(1000, 0.8, idle=20)
    found = independent_blocks(paired(np.exp(x), y**3))
    assert {(int(g.x[0]), int(g.y[0])) for g in found} == {(0, 20), (1, 21)}


def test_what_only_spreads_together_is_linked():
    rng = np.random.default_rng(0)
    scale = np.exp(rng.standard_normal((2000, 1)))
    x, y = scale * rng.standard_normal((2, 2000, 1))
    idle = rng.standard_normal((2000, 4))
    assert shapes(np.hstack([x, idle[:, :2]]), np.hstack([y, idle[:, 2:]])) == [(1, 1)]


def test_independent_coordinates_are_seldom_linked():
    rng = np.random.default_rng(0)
    linked = [shapes(*rng.standard_normal((2, 300, 5))) is not None for _ in range(100)]
    assert sum(linked) <= 5  # 1 % meant; more than 5 of 100 by chance once in 2,000


def test_many_weak_links_are_one_group():
    # Each of 25 + 25 coordinates correlates by 0.08 with each: none clearly, all together.
    rng = np.random.default_rng(0)
    values = math.sqrt(0.08) * rng.standard_normal((1000, 1))
    values = values + math.sqrt(0.92) * rng.standard_normal((1000, 50))
    assert shapes(values[:, :25], values[:, 25:]) is None


@pytest.mark.parametrize("seed", range(3))
def test_strong_pairs_are_not_taken_for_more_than_chance(seed):
    drawn = tasks.find("correlated-uniform-6-3").draw(1000, seed=seed)
    assert shapes(drawn.x, drawn.y) == [(1, 1)] * 3


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("quantized-7-3", marks=pytest.mark.slow),
        pytest.param("rare-event-0.5-14-3", marks=pytest.mark.slow),
        pytest.param("smoothed-uniform-6-3", marks=pytest.mark.slow),
    ],
)
def test_the_default_adds_up_what_pairs_say(name):
    task = tasks.find(name)
    drawn = task.draw(1000, seed=0)
    r = mineral.estimate(drawn.x, drawn.y, estimator=Auto(budget="fast"))
    assert r.value == pytest.approx(task.information, abs=0.1 * task.information)
    assert r.interval[0] < task.information < r.interval[1]
    assert r.decision.wrapper == "blocks" and len({c.columns for c in r.decision.chosen}) == 3
    assert "3 blocks of columns" in r.path[0]


@pytest.mark.slow
def test_groups_that_speak_in_the_same_rows_are_not_added_up():
    task = tasks.find("inliers-5-0.5")
    drawn = task.draw(2000, seed=0)
    r = mineral.estimate(drawn.x, drawn.y, estimator=Auto(budget="fast"))
    assert r.decision.wrapper == "all rows"
    assert r.decision.chosen[0].estimator == "contaminated-copula"


@pytest.mark.slow
def test_a_thousand_pairs_are_seen_with_as_many_rows():
    rng = np.random.default_rng(0)
    x, noise = rng.standard_normal((2, 500, 300))
    r = mineral.estimate(x, 0.8 * x + 0.6 * noise)
    assert r.value == pytest.approx(-300 * math.log(0.6), rel=0.03)


@pytest.mark.slow
def test_correlations_too_weak_to_be_seen_add_up():
    rng = np.random.default_rng(0)
    x, noise = rng.standard_normal((2, 400, 400))
    rho = 0.2
    r = mineral.estimate(x, rho * x + math.sqrt(1 - rho**2) * noise)
    assert "spread-thin" in [doubt.code for doubt in r.warnings]
    assert r.value == pytest.approx(-200 * math.log(1 - rho**2), abs=4 * r.stderr)


def spread_over_columns(x, y):
    return has_weak_correlations(paired(x, y))


def test_nothing_is_spread_thin_in_chance_or_in_few_shared_directions():
    rng = np.random.default_rng(0)
    for _ in range(10):
        assert not spread_over_columns(*rng.standard_normal((2, 200, 200)))
    wide = np.hstack([1.5 * rng.standard_normal((200, 1)), rng.standard_normal((200, 29))])
    same = np.hstack([wide[:, :1], rng.standard_normal((200, 29))])
    turns = [np.linalg.qr(rng.standard_normal((30, 30)))[0] for _ in "xy"]
    assert not spread_over_columns(wide @ turns[0], same @ turns[1])
    shared = rng.standard_normal((300, 3)) @ rng.standard_normal((3, 200))
    assert not spread_over_columns(*(shared + 3 * rng.standard_normal((2, 300, 200))))


@pytest.mark.slow
def test_what_spreads_too_thin_to_be_seen_is_allowed_for():
    rng = np.random.default_rng(0)
    x, noise = rng.standard_normal((2, 400, 400))
    rho = 0.07
    true = -200 * math.log(1 - rho**2)  # 0.98 nats
    r = mineral.estimate(x, rho * x + math.sqrt(1 - rho**2) * noise)
    assert r.value < true / 2
    assert r.interval[1] > true
    assert "few-samples" in [doubt.code for doubt in r.warnings]


@pytest.mark.slow
def test_above_log_n_groups_are_believed_rather_than_a_network_of_all():
    drawn = tasks.find("log-gamma-exponential-10-3").draw(1000, seed=1)
    r = mineral.estimate(drawn.x, drawn.y)
    assert r.interval[0] < drawn.pmi.mean() + 4 * r.stderr
    assert r.decision.wrapper == "blocks"
