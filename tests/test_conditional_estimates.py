"""Estimates given Z: the gate, the result and its reproduction, and limits that are known."""

import math

import numpy as np
import pytest

import mineral
from mineral.methods import CONDITIONAL
from mineral.methods.conditional import regressed
from mineral.tasks import find

RNG = np.random.default_rng(0)
N = 200
Z, E, F = RNG.standard_normal((3, N))
X, Y = Z + E, Z + F + 0.5 * E  # I(X; Y | Z) = −½ log(1 − 1/5) = 0.11; I(X; Y) = 0.40
TRUTH = math.log(5 / 4) / 2
EVERY = ["auto", *CONDITIONAL]


@pytest.mark.parametrize("name", [name for name in EVERY if name != "strata"])
def test_what_z_explains_is_not_counted(name):
    found = mineral.estimate(X, Y, given=Z, estimator=name)
    assert found.value == pytest.approx(TRUTH, abs=4 * max(found.stderr, 0.02))
    assert found.interval[0] <= found.value <= found.interval[1]
    assert (found.n, found.dim_x, found.dim_y, found.dim_z) == (N, 1, 1, 1)
    assert found.estimator == name and found.kind == "neither"


def test_the_headline_names_the_condition():
    found = mineral.estimate(X, Y, given=Z, estimator="partial-copula")
    assert str(found).startswith("I(X; Y | Z) = ") and "1 + 1 dimensions given 1" in str(found)
    named = mineral.estimate({"a": X}, {"b": Y}, given={"c": Z}, estimator="partial-copula")
    assert named.symbol == "I(a; b | c)" and named.to_dict()["z_names"] == ["c"]
    assert "I(a; b | c)" in named._repr_html_()
    assert mineral.estimate(X, Y, estimator="copula").symbol == "I(X; Y)"


@pytest.mark.parametrize("name", EVERY)
def test_options_and_seed_give_the_same_value_again(name):
    z = (Z > 0).astype(int)
    quick = {} if name in ("partial-copula", "cmi-knn") else {"budget": "fast"}
    found = mineral.estimate(X, Y, given=z, estimator=name, seed=3, **quick)
    again = mineral.estimate(
        X, Y, given=z, estimator=found.estimator, seed=found.seed, **found.options
    )
    assert again == found


def test_an_estimator_without_a_condition_names_those_that_have_one():
    with pytest.raises(mineral.OptionError, match="`given` is a condition, which ksg") as refusal:
        mineral.estimate(X, Y, given=Z, estimator="ksg")
    assert all(name in str(refusal.value) for name in (*EVERY, "discrete"))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", CONDITIONAL)
def test_an_estimator_that_needs_a_condition_says_so(name):
    with pytest.raises(mineral.OptionError, match=f"^{name} .* needs the condition"):
        mineral.estimate(X, Y, estimator=name)


def test_rows_with_a_missing_value_in_any_of_the_three_are_dropped():
    x, y, z = X.copy(), Y.copy(), Z.copy()
    x[0] = y[1] = z[2] = np.nan
    with pytest.raises(mineral.InputError, match="`x` has a missing value"):
        mineral.estimate(x, y, given=z)
    with pytest.raises(mineral.InputError, match="`given` has a missing value"):
        mineral.estimate(X, Y, given=z)
    found = mineral.estimate(x, y, given=z, missing="drop", estimator="partial-copula")
    whole = mineral.estimate(X[3:], Y[3:], given=Z[3:], estimator="partial-copula")
    assert found.n == N - 3 and found.value == whole.value
    assert [caution.code for caution in found.warnings] == ["dropped-rows"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (Z[1:], "`x` and `given` must be paired row by row: got 200 rows of `x` and 199 of"),
        (np.where(Z > 2, np.inf, Z), "`given` has an infinite value"),
        ([f"row {i}" for i in range(N)], "`given` has 200 distinct values in 200 rows"),
        (np.zeros((N, 0)), "`given` has no columns"),
    ],
)
def test_a_condition_that_cannot_be_used_is_refused(given, message):
    with pytest.raises(mineral.InputError, match=message):
        mineral.estimate(X, Y, given=given)


def test_misaligned_indexes_are_refused():
    pandas = pytest.importorskip("pandas")
    given = pandas.Series(Z, index=np.arange(N)[::-1])
    with pytest.raises(mineral.InputError, match="`x` and `given` have pandas indexes"):
        mineral.estimate(pandas.Series(X), Y, given=given)


# Limits


def test_a_constant_condition_changes_nothing():
    found = mineral.estimate(X, Y, given=np.ones(N), budget="fast")
    assert found.value == mineral.estimate(X, Y, budget="fast").value
    assert "The condition is constant" in found.path[0]


@pytest.mark.parametrize("given", [X, 3 * X - 1, X**3, np.column_stack([Z, X]), Y])
def test_nothing_is_shared_given_a_copy(given):
    assert mineral.estimate(X, Y, given=given).value == 0
    assert mineral.estimate(Y, X, given=given).value == 0


def test_nothing_is_shared_given_a_copy_of_a_label():
    label = (X > 0).astype(int)
    assert mineral.estimate(label, Y, given=label).value == 0
    assert mineral.estimate(label, (Y > 0).astype(int), given=label).value == 0


def test_more_conditions_than_rows_are_refused():
    given = RNG.standard_normal((60, 80))
    for name in ("auto", "partial-copula"):
        with pytest.raises(mineral.InputError, match="`given` has 80 columns"):
            mineral.estimate(X[:60], Y[:60], given=given, estimator=name)


def test_text_as_a_condition_is_categories():
    given = np.where(Z > 0, "hot", "cold")
    by_code = mineral.estimate(X, Y, given=(Z > 0).astype(int), estimator="strata")
    for condition in (given, given.tolist()):
        assert mineral.estimate(X, Y, given=condition, estimator="strata").value == by_code.value


def test_the_default_lists_every_candidate_that_applies():
    found = mineral.estimate(X, Y, given=Z, budget="fast")
    considered = [each.estimator for each in found.decision.considered]
    assert considered == ["partial-copula", "partial-information", "partial-information", "cmi-knn"]
    assert sum(each.weight for each in found.decision.considered) == pytest.approx(1)
    assert found.allowance > 0


# Laws, within four standard errors of sampling


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "within"),
    [
        ("given-fork", 0.08),
        ("given-noisy-xor", 0.08),
        pytest.param("given-collider-0.5", 0.1, marks=SLOW),
        pytest.param("given-sign-flip", 0.13, marks=SLOW),
        pytest.param("given-uniform-shift-20", 0.15, marks=SLOW),
        pytest.param("given-scaled-noise", 0.12, marks=SLOW),
        pytest.param("given-count-chain", 0.06, marks=SLOW),
    ],
)
def test_laws_of_three_variables(name, within):
    task = find(name)
    drawn = task.draw(800, seed=0)
    found = mineral.estimate(drawn.x, drawn.y, given=drawn.z, budget="fast")
    assert found.value == pytest.approx(task.information, abs=within)


@pytest.mark.slow
def test_the_order_of_the_sides_does_not_matter_much():
    one = mineral.estimate(X, Y, given=Z, budget="fast")
    other = mineral.estimate(Y, X, given=Z, budget="fast")
    assert other.value == pytest.approx(one.value, abs=2 * one.stderr)


def test_z_is_regressed_out_once_in_each_way(monkeypatch):
    """Preconditions of several candidates, and those candidates, need the same residuals."""
    ways, regress = [], regressed.regressed

    def counted(samples, **way):
        ways.append((way["scores"], way["linear"]))
        return regress(samples, **way)

    monkeypatch.setattr(regressed, "regressed", counted)
    considered = mineral.estimate(X, Y, given=Z).decision.considered
    assert {"partial-information", "cmi-knn"} <= {each.estimator for each in considered}
    assert len(ways) == len(set(ways)) == 3


def test_copied_rows_count_once():
    found = mineral.estimate(
        *(np.repeat(side, 3, axis=0) for side in (X, Y)), given=np.repeat(Z, 3)
    )
    once = mineral.estimate(X, Y, given=Z)
    assert "repeated-rows" in [caution.code for caution in found.warnings]
    assert found.value == pytest.approx(once.value, abs=once.stderr)


@pytest.mark.slow
def test_an_interval_includes_zero_where_its_own_test_finds_nothing():
    def above_zero(seed):
        rng = np.random.default_rng(seed)
        z = rng.standard_normal(60)
        found = mineral.estimate(np.arange(60.0), z + rng.standard_normal(60), given=z)
        return found.interval[0] > 0

    # A quarter without that law; 2.5 % allow 2 of 20.
    assert sum(map(above_zero, range(20))) <= 2


EFFECTS = np.array([0.0, 0.3, -0.4, 0.8, -0.2, 0.6, -0.9, 0.5, -0.6, 0.9, -0.5, 0.1])  # of a month


def test_counts_given_a_month_as_a_number_or_a_word():
    rng = np.random.default_rng(1)
    month = rng.integers(0, 12, 400)
    x, y = rng.poisson(20 * np.exp(EFFECTS[month]), (2, 400))  # independent given the month
    for z in (month + 1, np.array([f"month {i}" for i in month])):
        low, high = mineral.estimate(x, y, given=z).interval
        assert low <= 0 <= high < 0.1


def test_what_was_added_to_numbers_of_heavy_tails():
    rng = np.random.default_rng(1)
    before, change, error = rng.lognormal(9, 1, 300), *rng.standard_normal((2, 300))
    found = mineral.estimate(before + 5 * change, 5 * change + 2 * error, given=before)
    assert abs(found.value - 0.5 * np.log(1 + 25 / 4)) < 0.2  # ranks of both balances are alike
    assert found.interval[1] - found.interval[0] < 0.6


def test_ranks_alike_are_no_function_of_the_condition():
    rng = np.random.default_rng(1)
    start, length = rng.uniform(0, 3e7, 300), rng.exponential(60, 300)
    found = mineral.estimate(start + length, np.log(length), given=start)
    assert found.value > 1


@pytest.mark.parametrize("copied", [lambda x: x, lambda x: 3 * x + 1, np.exp, lambda x: -(x**3)])
def test_a_function_of_x_as_the_condition_leaves_nothing(copied):
    found = mineral.estimate(X, Y, given=copied(X))
    assert (found.value, found.stderr) == (0, 0)


def test_words_of_many_categories_are_removed_whole():
    rng = np.random.default_rng(1)
    city, effect = rng.integers(0, 100, 800), 2 * rng.standard_normal(100)
    x, y = effect[city] + rng.standard_normal((2, 800))
    low, high = mineral.estimate(x, y, given=np.array([f"c{i}" for i in city])).interval
    assert low <= 0 <= high < 0.1
