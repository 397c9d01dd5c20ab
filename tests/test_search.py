"""The search of the default: made-up candidates, the views that they get, and the decision."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import mineral
from mineral.decision import Considered, Decision, Verdict
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.default import search
from mineral.methods.default.bias_allowance import bias_allowance
from mineral.methods.default.candidates import TABLE, Candidate, Evidence
from mineral.methods.default.profile import Profile
from mineral.methods.default.search import Search
from mineral.methods.default.views import View, Views
from mineral.samples import paired
from mineral.samples.ties import is_evenly_spaced, spread_ties
from mineral.system.progress import silent

PARAMETRIC, LOCAL, LEARNED, BOUND = Evidence


class Known(Estimator):
    """Estimates a known value."""

    name = "known"
    kind = "neither"
    found = Measurement(value=0.0, stderr=0.1)

    def measure(self, samples, run):
        return self.found


def candidate(value, stderr=0.1, evidence=PARAMETRIC, *, ends=False, **found):
    """A candidate that estimates this value from any samples."""
    estimator = Known()
    measurement = Measurement(value=value, stderr=stderr, **found)
    object.__setattr__(estimator, "found", measurement)
    return Candidate(lambda *_: estimator, View.UNTIED, evidence, lambda *_: True, ends=ends)


def pairs(n=100):
    return paired(*np.random.default_rng(0).standard_normal((2, n)))


@pytest.fixture
def searched(monkeypatch):
    """Searches these samples among made-up candidates."""

    def searched(*table, samples=None, until=math.inf, level="fast"):
        monkeypatch.setattr(search, "TABLE", table)
        run = Run(seed=0, device=torch.device("cpu"), progress=silent, until=until)
        return Search(level).measure(samples or pairs(), run)

    return searched


# What becomes of a candidate


def verdicts(found):
    return [each.verdict for each in found.decision.considered]


def test_every_candidate_has_its_verdict(searched):
    found = searched(candidate(0.1), candidate(0.2), candidate(1.0), candidate(0.9))
    assert verdicts(found) == [
        Verdict.SUPERSEDED,
        Verdict.NOT_LARGER,
        Verdict.REPORTED,
        Verdict.NOT_LARGER,
    ]
    assert found.value == 1.0


def test_averaged_candidates_share_the_value(searched):
    found = searched(candidate(1.0), candidate(1.3, evidence=LOCAL), candidate(1.6, evidence=LOCAL))
    considered = found.decision.considered
    assert verdicts(found) == [Verdict.AVERAGED] * 3
    assert sum(each.weight for each in considered) == pytest.approx(1)
    assert found.value == pytest.approx(sum(each.weight * each.value for each in considered))
    heaviest = found.decision.chosen
    assert heaviest[0].weight >= heaviest[1].weight >= heaviest[2].weight > 0


def test_a_candidate_after_the_deadline_is_out_of_time_and_the_first_never_is(searched):
    found = searched(candidate(0.1), candidate(1.0), until=0.0)
    assert verdicts(found) == [Verdict.REPORTED, Verdict.OUT_OF_TIME]
    assert found.value == 0.1 and found.decision.considered[1].value is None


# Independent residuals end the search


def ending(searched, samples, value=1.0, *, independent=True):
    """How many candidates are considered, of which the second one may end the search."""
    fit = candidate(value, evidence=BOUND, ends=True, residual_is_independent=independent)
    return len(searched(candidate(0.1), fit, candidate(0.0), samples=samples).decision.considered)


def test_independent_residuals_of_the_reported_fit_end_the_search(searched):
    assert ending(searched, pairs(500)) == 2
    assert ending(searched, pairs(500), independent=False) == 3
    assert ending(searched, pairs(500), value=0.2) == 3  # is not reported
    assert ending(searched, pairs(499)) == 3  # too few rows to see that residuals depend


def test_residuals_of_tied_values_do_not_end_the_search(searched):
    """They are mostly the random draws that break the ties."""
    samples = pairs(500)
    assert ending(searched, replace(samples, x=np.round(samples.x, 1))) == 3


# Many rows


class Rows(Known):
    """Estimates 1 nat for every thousand rows that it sees, and keeps the largest x."""

    def measure(self, samples, run):
        self.seen.append(float(samples.x.max()))
        return Measurement(value=len(samples) / 1000, stderr=0.1)


def test_above_5000_rows_a_random_part_is_compared_and_all_rows_are_reported(searched):
    rows = Rows()
    object.__setattr__(rows, "seen", [])
    first = replace(candidate(0.0), make=lambda *_: rows)
    x = np.arange(20_000.0)
    samples = paired(x, np.random.default_rng(0).standard_normal(20_000))
    found = searched(first, samples=samples)
    assert found.decision.rows == 5000 and found.decision.considered[0].value == 5.0
    assert found.value == 20.0
    assert rows.seen[0] > 19_000  # rows from the whole table, not its head

    rows.seen.clear()
    few = replace(samples, x=samples.x[:5000], y=samples.y[:5000])
    assert searched(first, samples=few).decision.rows == 5000 and len(rows.seen) == 1


def test_shares_of_an_average_are_the_same_on_all_rows(searched):
    found = searched(
        candidate(1.0),
        candidate(1.3, evidence=LOCAL),
        candidate(1.6, evidence=LOCAL),
        samples=pairs(5001),
    )
    parts = found.decision.considered
    assert found.value == pytest.approx(sum(each.weight * each.value for each in parts))


# Preconditions


def applying(name, samples):
    """Candidates of this name that apply to these samples."""
    profile = Profile.of(samples)
    applies = [each for each in TABLE if each.applies(profile, samples)]
    return [each for each in applies if each.make(profile, "balanced").name == name]


def test_networks_are_for_four_columns_and_more():
    for dims, expected in ((3, False), (4, True)):
        values = np.random.default_rng(0).standard_normal((200, dims))
        assert bool(applying("residual", paired(values[:, :1], values[:, 1:]))) == expected


def test_the_level_fast_leaves_networks_out(searched):
    network = replace(candidate(1.0), trains=True)
    assert searched(candidate(0.1), network).value == 0.1
    assert searched(candidate(0.1), network, level="balanced").value == 1.0
    values = np.random.default_rng(0).standard_normal((200, 4))
    assert applying("residual", paired(values[:, :2], values[:, 2:]))[0].trains


def dice(n):
    """Rows that fill all 36 cells equally."""
    cells = np.arange(n) % 36
    return Profile.of(paired(cells // 6, cells % 6))


def test_a_table_has_five_rows_a_cell_on_average():
    assert dice(36 * 5).is_table
    assert not dice(36 * 5 - 1).is_table


# Views


def ratings():
    return np.random.default_rng(0).integers(0, 30, (2, 100)).astype(float)


def test_the_order_of_rows_does_not_change_how_ties_are_broken():
    x, y = np.unique(ratings().T, axis=0).T  # rows differ, values repeat
    order = np.random.default_rng(1).permutation(len(x))
    there = Views(paired(x, y), np.random.default_rng(0)).untied
    back = Views(paired(x[order], y[order]), np.random.default_rng(0)).untied
    np.testing.assert_array_equal(there.x[order], back.x)
    np.testing.assert_array_equal(there.y[order], back.y)
    assert len(np.unique(there.x)) == len(x)


@pytest.mark.parametrize("swap", [False, True])
def test_a_label_stays_as_given_and_ties_of_the_numbers_are_broken(swap):
    numbers, _ = ratings()
    label = np.arange(100.0) % 3
    sides = (numbers, label) if swap else (label, numbers)
    seen = Views(paired(*sides), np.random.default_rng(0))[View.LABEL]
    of_label, of_numbers = (seen.y, seen.x) if swap else (seen.x, seen.y)
    np.testing.assert_array_equal(of_label[:, 0], label)
    assert len(np.unique(of_numbers)) == 100


def test_ties_are_broken_within_the_rounding():
    rounded = np.round(np.random.default_rng(0).random(500), 2)[:, None]
    rounded[0] = 7.5  # occurs once
    spread = spread_ties(rounded, np.random.default_rng(0))
    assert len(np.unique(spread)) == 500 and spread[0] == 7.5
    assert np.abs(spread - rounded).max() <= 0.005
    apart = rounded[:, None, 0] < rounded[None, :, 0]
    assert (spread[:, None, 0] < spread[None, :, 0])[apart].all()


def test_years_are_evenly_spaced_and_random_draws_are_not():
    years = np.arange(1950.0, 2025.0)
    assert is_evenly_spaced(years)
    assert is_evenly_spaced(years + 0.05 * np.random.default_rng(0).standard_normal(75))
    for seed in range(100):
        assert not is_evenly_spaced(np.random.default_rng(seed).standard_normal(75))


# The upper end of the interval


def test_the_allowance_halves_with_four_times_the_rows():
    for value, dims in ((0.0, 2), (1.0, 2), (1.0, 10)):
        few, many = (bias_allowance(value, n, dims) for n in (1000, 4000))
        assert few == pytest.approx(2 * many)
        assert bias_allowance(value, 10, dims) < value + 2  # at most the value, and what is unseen


def test_more_columns_and_more_dependence_may_hide_more():
    assert bias_allowance(1.0, 1000, 4) > 3 * bias_allowance(1.0, 1000, 3)
    assert bias_allowance(1.0, 1000, 3) > 3 * bias_allowance(0.0, 1000, 3)
    assert bias_allowance(-0.1, 1000, 3) == bias_allowance(0.0, 1000, 3) > 0


def test_a_table_shows_all_dependence_and_needs_no_allowance():
    cells = np.random.default_rng(0).integers(0, 2, (2, 200))
    assert mineral.estimate(*cells).allowance == 0


def test_no_interval_exceeds_the_entropy_of_a_label():
    bit, number = np.arange(200) % 2, np.random.default_rng(0).standard_normal(200)
    r = candidate(0.4, missing=5.0).make(None, None).estimate(bit, number)
    assert r.interval[1] == pytest.approx(math.log(2))
    numbers = candidate(0.4, missing=5.0).make(None, None).estimate(number, number**2)
    assert numbers.interval[1] == pytest.approx(0.4 + math.hypot(0.196, 5.0), rel=1e-3)


# Cautions and sentences


def disagreements(found):
    return [each.code for each in found.cautions].count("candidates-disagree")


def test_an_average_of_candidates_that_differ_by_more_than_their_errors_has_a_caution(searched):
    for value, stderr, expected in ((0.3, 0.05, 1), (0.3, 0.1, 0), (0.08, 0.01, 0), (0.3, 0.01, 0)):
        table = candidate(0.0, stderr), candidate(value, stderr, LOCAL)
        assert disagreements(searched(*table)) == expected
    bound = candidate(-0.5, 0.05, BOUND)  # no evidence for independence
    assert disagreements(searched(candidate(0.0, 0.01), bound)) == 0


def row(name, value, weight, verdict=Verdict.REPORTED):
    return Considered(
        estimator=name,
        options={},
        view="as given",
        value=value,
        stderr=0.1,
        weight=weight,
        verdict=verdict,
    )


def test_a_decision_names_what_is_reported_and_what_it_differs_from():
    lower = row("copula", 0.2, 0.0, Verdict.SUPERSEDED)
    replaced = Decision(considered=(lower, row("ksg", 0.9, 1.0)), rows=100)
    assert replaced.summary() == "ksg"
    assert replaced.sentences()[1].startswith(
        "Reported: ksg. It differs significantly from copula 0.2"
    )
    averaged = Decision(considered=(row("copula", 0.2, 0.25), row("ksg", 0.9, 0.75)), rows=100)
    assert averaged.summary() == "75% ksg, 25% copula"
    assert "75% ksg, 25% copula" in averaged.sentences()[1]
    only = Decision(considered=(row("copula", 0.2, 0.995), row("ksg", 0.9, 0.005)), rows=100)
    assert only.summary() == "copula"
    assert only.sentences()[1] == "Reported: copula. No other candidate differs significantly."
