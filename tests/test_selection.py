"""Selection of columns: criteria by brute force, known values, and what scikit-learn asks for."""

import itertools
import math
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency, f_oneway, pearsonr, rankdata
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.feature_selection import (
    SelectFdr,
    SelectFwe,
    SelectKBest,
    mutual_info_classif,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mutual_info_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

import mineral
from mineral import SelectByInformation, information_classification, information_regression
from mineral.samples import normal_scores
from mineral.selection.closed_form import with_all_columns
from mineral.selection.columns import Table, Variable
from mineral.selection.joint import Tables, binned, number_of_bins
from mineral.selection.pvalues import holm, p_values
from mineral.selection.relevance import scores_and_p_values


def rng_of(seed=0):
    return np.random.default_rng(seed)


def mixed_columns(n=400, seed=0):
    """Numbers, numbers with ties, two discrete columns, and a class that depends on some."""
    rng = rng_of(seed)
    X = rng.standard_normal((n, 6))
    X[:, 2] = X[:, 2].round(1)
    X[:, 3], X[:, 4] = rng.integers(3, size=n), X[:, 0] > 0.5
    y = (X[:, 0] + X[:, 3] + rng.standard_normal(n) > 1).astype(int)
    return X, y


def test_ranks_are_those_of_scipy():
    rng = rng_of()
    for n in (2, 3, 64, 65, 1000):
        z = rng.standard_normal(n)
        signed = np.where(z > 0, 0.0, -0.0)  # equal numbers of different bits
        near = 1 + 1e-15 * z  # distinct numbers whose first 53 − 10 bits agree
        X = np.c_[z, -np.exp(z), 1e-310 * z, 1e300 * z, near, signed, np.round(z), np.ones(n)]
        table = Table.of(X)
        assert (table.ranks == 2 * rankdata(X, axis=0).T).all()
        scores = normal_scores(X)
        scores -= scores.mean(axis=0)
        lengths = np.linalg.norm(scores, axis=0)
        assert table.scores[:7] == pytest.approx((scores / lengths.clip(1e-9)).T[:7], abs=1e-12)


# Scikit-learn


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize("criterion", ["max", "mrmr", "jmi", "cmim"])
def test_check_estimator_passes_whole(criterion):
    found = check_estimator(SelectByInformation(criterion), on_skip=None)
    others = [each["check_name"] for each in found if each["status"] != "passed"]
    # Skipped unless SCIPY_ARRAY_API is set before SciPy is imported.
    assert set(others) <= {"check_array_api_input"}


def test_in_a_pipeline_with_names_and_a_frame():
    data = load_iris(as_frame=True)
    select = SelectByInformation("mrmr", k=2).set_output(transform="pandas")
    out = select.fit_transform(data.data, data.target)
    assert isinstance(out, pd.DataFrame)
    assert list(out) == list(select.get_feature_names_out())
    assert "petal length (cm)" in out or "petal width (cm)" in out
    model = make_pipeline(clone(select), LogisticRegression()).fit(data.data, data.target)
    assert model.score(data.data, data.target) > 0.9
    back = select.inverse_transform(out.to_numpy())
    assert back.shape == data.data.shape and (back != 0).any(axis=0).sum() == 2


def test_results_depend_neither_on_threads_nor_on_other_columns():
    X, y = mixed_columns()
    one = SelectByInformation(relevance="ksg").fit(X, y)
    two = SelectByInformation(relevance="ksg", n_jobs=2).fit(X, y)
    assert (one.scores_ == two.scores_).all() and (one.pvalues_ == two.pvalues_).all()
    fewer, p = information_classification(X[:, :3], y, relevance="ksg")
    assert (fewer == one.scores_[:3]).all() and np.allclose(p, one.pvalues_[:3], rtol=1e-9)


def test_monotone_maps_change_nothing_but_rounding():
    X, y = mixed_columns()
    mapped = X.copy()
    mapped[:, 0], mapped[:, 1] = np.exp(X[:, 0]), -(X[:, 1] ** 3)
    for relevance in ("copula", "ksg", "auto"):
        for found, expected in zip(
            information_classification(mapped, y, relevance=relevance),
            information_classification(X, y, relevance=relevance),
            strict=True,
        ):
            assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("target", ["classification", "regression"])
def test_the_kind_of_target_can_be_given(target):
    X = rng_of().standard_normal((300, 3))
    y = np.round(3 * X[:, 0] + rng_of(1).standard_normal(300)).astype(int)
    found = SelectByInformation("max", k=1, target=target).fit(X, y)
    assert found.target_type_ == target
    assert found.get_support(indices=True) == [0]
    of_numbers = SelectByInformation("max", k=1).fit(X, y + 0.5)
    assert of_numbers.target_type_ == "regression"
    assert SelectByInformation("max").fit(X, y > 0).target_type_ == "classification"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"criterion": "best"}, "`criterion` must be 'max', 'mrmr', 'jmi' or 'cmim', got 'best'"),
        ({"k": 0}, "`k` must be a whole number"),
        ({"k": True}, "`k` must be a whole number"),
        ({"k": 9}, "`k` is 9, and `X` has 3 columns"),
        ({"alpha": 1.5}, "`alpha` must lie between 0 and 1"),
        ({"relevance": "mi"}, "`relevance` must be 'auto', 'copula' or 'ksg'"),
        ({"redundancy": "ratio"}, "`redundancy` must be 'difference' or 'quotient'"),
        ({"criterion": "jmi", "relevance": "ksg"}, "`relevance` must be 'auto', got 'ksg'"),
        ({"target": "ranking"}, "`target` must be"),
        ({"discrete_features": "some"}, "`discrete_features` must be"),
        ({"discrete_features": [3]}, "has the index 3, and `X` has 3 columns"),
    ],
)
@pytest.mark.usefixtures("as_users_run_it")
def test_what_cannot_be_is_refused(options, message):
    X = rng_of().standard_normal((30, 3))
    with pytest.raises(mineral.OptionError, match=message):
        SelectByInformation(**options).fit(X, X[:, 0])


@pytest.mark.usefixtures("as_users_run_it")
def test_targets_that_are_neither_classes_nor_numbers_are_refused():
    X = rng_of().standard_normal((30, 3))
    with pytest.raises(mineral.InputError, match="`y` has text"):
        SelectByInformation(target="regression").fit(X, np.array(["a", "b"] * 15))
    with pytest.raises(ValueError, match="1d array"):
        SelectByInformation().fit(X, X)
    with pytest.raises(ValueError, match="NaN"):
        SelectByInformation().fit(np.where(X > 2, np.nan, X * 9), X[:, 0])


# The estimates


def test_two_numbers_have_the_gaussian_copula():
    rng = rng_of()
    X = rng.standard_normal((500, 3))
    y = X[:, 0] + rng.standard_normal(500)
    found, p = information_regression(X, y, relevance="copula")
    expected = [mineral.GaussianCopula().estimate(x, y).value for x in X.T]
    assert found == pytest.approx(expected, abs=1e-12)
    z = normal_scores(np.c_[X, y])
    assert p == pytest.approx([pearsonr(x, z[:, 3]).pvalue for x in z[:, :3].T], rel=1e-9)


def test_a_class_and_a_number_have_the_variances_of_groups():
    rng = rng_of()
    n, classes = 20_000, rng.integers(2, size=20_000)
    x = np.where(classes == 0, 0.0, 3.0) + rng.standard_normal(n)
    z = normal_scores(x[:, None])[:, 0]
    parts = [z[classes == c] for c in (0, 1)]
    plug_in = np.log(z.var()) / 2 - sum(len(p) / n * np.log(p.var()) / 2 for p in parts)
    found, _ = information_classification(x[:, None], classes, relevance="copula")
    assert found[0] == pytest.approx(plug_in, abs=2 / n)  # a bias of (K − 1) / n
    # A lower bound of the truth; the other is 0.008 nats of one standard error from it.
    truth = gaussian_mixture_information(3.0)
    assert found[0] < truth
    exact, _ = information_classification(x[:, None], classes)
    assert exact[0] == pytest.approx(truth, abs=0.02)
    # In either order.
    back, _ = information_regression(classes[:, None].astype(float), x, relevance="copula")
    assert back == pytest.approx(found, abs=1e-12)


def gaussian_mixture_information(shift):
    grid = np.linspace(-10, 10 + shift, 20_001)
    densities = [np.exp(-((grid - m) ** 2) / 2) / math.sqrt(2 * math.pi) for m in (0.0, shift)]
    mixture = sum(densities) / 2
    return sum(
        np.trapezoid(d * np.log(np.maximum(d, 1e-300) / mixture), grid) / 2 for d in densities
    )


@pytest.mark.parametrize("seed", range(3))
def test_independent_columns_have_no_information_on_average(seed):
    rng = rng_of(seed)
    n, columns = 60, 4000
    X = rng.standard_normal((n, columns))
    X[:, ::2] = rng.integers(3, size=(n, columns // 2))
    for target in (Variable.number(rng.standard_normal(n)), Variable.label(np.arange(n) % 3)):
        nats = with_all_columns(Table.of(X), target)
        for part in (nats[::2], nats[1::2]):
            # Normal scores of 60 rows have a kurtosis of 2.5, and the correction for the variances
            # of K = 3 groups, (K − 1) / 2n of a normal distribution, is too large by a quarter.
            assert abs(part.mean()) < 4 * part.std() / math.sqrt(len(part)) + 0.25 / n


def test_counts_equal_scikit_learns_plug_in_value():
    rng = rng_of()
    X = rng.integers(5, size=(500, 6))
    y = X[:, 0] + rng.integers(3, size=500)
    expected = mutual_info_classif(X, y, discrete_features=True)
    found, _ = information_classification(X, y, discrete_features=True, correction="none")
    assert np.abs(found - expected).max() < 1e-12
    corrected, _ = information_classification(X, y, discrete_features=True)
    discrete = [mineral.Discrete().estimate(x, y).value for x in X.T]
    assert corrected == pytest.approx(discrete, abs=1e-12)


def test_the_better_of_both_estimates_is_used():
    rng = rng_of()
    X = rng.standard_normal((1000, 4))
    y = X[:, 0] ** 2 + X[:, 1] + 0.3 * rng.standard_normal(1000)
    closed, p_closed = information_regression(X, y, relevance="copula")
    near, _ = information_regression(X, y, relevance="ksg")
    auto, p = information_regression(X, y)
    assert closed[0] < 0.05 < 0.3 < auto[0] == near[0]
    assert auto[2:] == pytest.approx(closed[2:])
    assert p[0] < 1e-20 and p_closed[1] < 1e-20


def test_values_reach_no_further_than_the_entropy_of_a_class():
    X = np.repeat([0.0, 1.0], 50)[:, None] + 0.001 * rng_of().random((100, 1))
    found, p = information_classification(X, X[:, 0] > 0.5, relevance="copula")
    assert found[0] <= math.log(2) + 1e-9 and p[0] < 1e-12


@pytest.mark.parametrize("relevance", ["copula", "auto"])
def test_equal_values_in_few_rows_of_a_class_are_no_information(relevance):
    # Two rows of a class with the same number have no variance, and once had all of its entropy.
    for seed in range(20):
        rng = rng_of(seed)
        X = rng.standard_normal((120, 6)).round()
        y = rng.standard_normal(120).round()
        for target in ("regression", "classification"):
            select = SelectByInformation(target=target, relevance=relevance)
            # χ² / 2n of 25 degrees of freedom, with a standard deviation of 0.03.
            assert np.abs(select.fit(X, y).scores_).max() < 0.2
        columns = rng.choice(100, size=(120, 6)) / 4.0  # numbers that repeat once or twice
        assert np.abs(information_classification(columns, y, relevance=relevance)[0]).max() < 0.3


def test_constant_columns_and_targets_have_none():
    X = np.c_[np.ones(30), np.arange(30.0)]
    for y in (np.arange(30.0) + 0.5, np.arange(30) % 2, np.zeros(30)):
        scores, p = SelectByInformation("max").fit(X, y).scores_, information_regression(X, y)[1]
        assert scores[0] == pytest.approx(0, abs=1e-12) and p[0] == 1


# The test


def test_p_values_are_those_of_known_tests():
    rng = rng_of()
    n = 200
    y = rng.integers(3, size=n)
    X = np.c_[rng.integers(4, size=n), rng.standard_normal(n)]
    p = p_values(Table.of(X), Variable.label(y), smooth=False)
    table = np.histogram2d(X[:, 0], y, bins=(4, 3))[0]
    # Pillai's F for two discrete sides and χ² agree where the table is well filled.
    assert p[0] == pytest.approx(chi2_contingency(table, correction=False).pvalue, abs=0.02)
    of_number = p_values(Table.of(y[:, None].astype(float)), Variable.number(X[:, 1]), smooth=False)
    z = normal_scores(X[:, 1:])[:, 0]
    assert of_number[0] == pytest.approx(f_oneway(*(z[y == c] for c in range(3))).pvalue, rel=1e-9)


def null_p_values(n, kind, runs, seed=0):
    rng = rng_of(seed)
    found = []
    for _ in range(runs):
        X = rng.standard_normal((n, 100))
        X[:, ::4] = rng.integers(3, size=(n, 25))
        X[:, 1::4] = np.maximum(X[:, 1::4], 0)
        y = rng.standard_normal(n)
        target = Variable.number(y) if kind == "number" else Variable.label(y > 0.5)
        found += [p_values(Table.of(X), target, smooth=smooth) for smooth in (False, True)]
    return np.array(found)


@pytest.mark.parametrize("kind", ["number", "class"])
@pytest.mark.parametrize("n", [30, pytest.param(300, marks=pytest.mark.slow)])
def test_p_values_keep_their_size(n, kind):
    p = null_p_values(n, kind, runs=30).reshape(30, 2, 100)
    for alpha in (0.05, 0.01):
        # Columns of one run share a target, so that runs are the independent draws.
        rates = (p <= alpha).mean(axis=2)
        allowed = alpha + 3 * rates.std(axis=0, ddof=1) / math.sqrt(30)
        assert (rates.mean(axis=0) <= allowed).all()
    assert (p[:, 0] <= 0.5).mean() == pytest.approx(0.5, abs=0.05)  # the sharp test is not idle


@pytest.mark.slow
def test_p_values_keep_their_size_where_most_values_are_equal():
    # Legendre polynomials in the place of cosines give 1.9 times as many p-values below 0.001.
    rates = []
    for seed in range(600):
        rng = rng_of(seed)
        X = rng.standard_normal((100, 50))
        X = np.where(X > 1, X, 0.0)
        target = Variable.number(rng.standard_normal(100))
        rates.append((p_values(Table.of(X), target, smooth=True) <= 0.001).mean())
    assert np.mean(rates) < 0.001 + 2 * np.std(rates, ddof=1) / math.sqrt(600)


def test_dependence_without_correlation_is_found_by_cosines():
    x = rng_of().uniform(-1, 1, 300)
    y = np.cos(2 * np.pi * x) + 0.5 * rng_of(1).standard_normal(300)
    table, target = Table.of(x[:, None]), Variable.number(y)
    assert p_values(table, target, smooth=False)[0] > 1e-3
    assert p_values(table, target, smooth=True)[0] < 1e-12


def test_holm_is_the_definition():
    p = np.array([0.01, 0.04, 0.03, 0.005, 1.0])
    assert holm(p) == pytest.approx([0.04, 0.09, 0.09, 0.025, 1.0])


def noise_runs(runs):
    clean = 0
    for seed in range(runs):
        rng = rng_of(seed)
        X = rng.standard_normal((200, 50))
        y = rng.standard_normal(200) if seed % 2 else rng.integers(2, size=200)
        found = SelectByInformation(alpha=0.05, relevance="copula" if seed % 4 < 2 else "auto")
        clean += not found.fit(X, y).get_support().any()
    return clean


@pytest.mark.slow
def test_of_noise_none_is_selected_in_95_percent_of_200_runs():
    # 200 runs of a rate of 0.05 have a standard error of 3.1.
    assert noise_runs(200) >= 190 - 2 * 3.1


def test_alpha_selects_what_informs_and_k_limits_it():
    rng = rng_of()
    X = rng.standard_normal((500, 30))
    y = X[:, 3] + 0.8 * X[:, 7] ** 2 + 0.5 * rng.standard_normal(500)
    found = SelectByInformation("max", alpha=0.01).fit(X, y)
    assert list(found.get_support(indices=True)) == [3, 7]
    for criterion in ("max", "mrmr", "jmi", "cmim"):
        one = SelectByInformation(criterion, alpha=0.01, k=1).fit(X, y)
        assert one.get_support().sum() == 1 and one.ranking_[one.get_support()] == [1]
        assert sorted(one.ranking_) == list(range(1, 31))
        assert one.get_support()[[3, 7]].any()


@pytest.mark.filterwarnings("ignore:No features were selected")
def test_of_no_significant_column_none_is_selected():
    found = SelectByInformation("mrmr", alpha=1e-9).fit(
        rng_of().standard_normal((50, 4)), rng_of(1).standard_normal(50)
    )
    assert not found.get_support().any() and sorted(found.ranking_) == [1, 2, 3, 4]
    assert found.transform(np.zeros((3, 4))).shape == (3, 0)


# Criteria, by their definition


def pairwise(X):
    table = Table.of(X)
    return np.array([with_all_columns(table, table.column(j)) for j in range(len(table))])


def test_information_of_two_columns_is_symmetric():
    nats = pairwise(mixed_columns()[0])
    assert nats == pytest.approx(nats.T, abs=1e-10)


@pytest.mark.parametrize("redundancy", ["difference", "quotient"])
@pytest.mark.parametrize("relevance", ["copula", "auto"])
def test_mrmr_is_the_definition(redundancy, relevance):
    X, y = mixed_columns()
    X = np.c_[X, X[:, :2] + 0.5 * rng_of(9).standard_normal((400, 2))]
    found = SelectByInformation("mrmr", k=5, redundancy=redundancy, relevance=relevance).fit(X, y)
    between, relevances = pairwise(X), found.scores_
    order = [int(relevances.argmax())]
    while len(order) < 5:
        criterion = {}
        for j in set(range(8)) - set(order):
            mean = np.mean([between[j, s] for s in order])
            quotient = relevances[j] / max(mean, 1 / 800) if relevances[j] > 0 else relevances[j]
            criterion[j] = relevances[j] - mean if redundancy == "difference" else quotient
        order.append(max(criterion, key=criterion.get))
    assert [int(j) for j in np.argsort(found.ranking_)[:5]] == order
    assert set(found.get_support(indices=True)) == set(order)


def test_mrmr_of_noise_has_no_missing_values_and_orders_by_relevance():
    rng = rng_of()
    X = rng.standard_normal((100, 10))
    y = rng.standard_normal(100)
    found = SelectByInformation("mrmr", k=10, redundancy="quotient").fit(X, y)
    assert np.isfinite(found.scores_).all()
    negative = found.scores_ < 0
    order = np.argsort(found.ranking_)
    last = found.scores_[[j for j in order if negative[j]]]
    assert (np.diff(last) <= 0).all()


def joint_information(a, b, y):
    """I(a, b; y) with Miller and Madow's correction, of codes."""
    both = np.unique(np.c_[a, b], axis=0, return_inverse=True)[1].reshape(-1)
    cells = len(np.unique(np.c_[both, y], axis=0))
    extra = cells - both.max() - 1 - len(np.unique(y)) + 1
    return mutual_info_score(both, y) - extra / (2 * len(y))


def as_binned(X, y):
    """The bins of a classification, by ranks."""
    count = number_of_bins(len(X), len(np.unique(y)))
    twice = (2 * rankdata(X, axis=0)).astype(int).T
    discrete = Table.of(X).discrete
    return [x if d else binned(t, count) for x, t, d in zip(X.T, twice, discrete, strict=True)]


@pytest.mark.parametrize("start", ["pair", "column"])
@pytest.mark.parametrize("criterion", ["jmi", "cmim"])
def test_jmi_and_cmim_are_the_definition(criterion, start):
    X, y = mixed_columns()
    bins = as_binned(X, y)
    nothing = np.zeros(len(y), dtype=int)
    alone = [joint_information(a, nothing, y) for a in bins]
    both = np.array([[joint_information(a, b, y) for b in bins] for a in bins])
    if start == "pair":
        pair = max(itertools.combinations(range(6), 2), key=lambda ij: both[ij])
        order = sorted(pair, key=lambda j: -alone[j])
    else:
        order = [int(np.argmax(alone))]
    while len(order) < 5:
        rest = set(range(6)) - set(order)
        if criterion == "jmi":
            values = {j: sum(both[j, s] for s in order) for j in rest}
        else:
            values = {j: min(both[j, s] - alone[s] for s in order) for j in rest}
        order.append(max(values, key=values.get))
    found = SelectByInformation(criterion, k=5, start=start).fit(X, y)
    assert [int(j) for j in np.argsort(found.ranking_)[:5]] == order


def test_pairs_are_counted_the_same_in_blocks(monkeypatch):
    X, y = mixed_columns()
    tables = Tables.of(Table.of(X), Variable.label(y))
    whole = tables.best_pair()
    monkeypatch.setattr("mineral.selection.joint.CELLS", 1)
    assert tables.best_pair() == whole


def exclusive_or(kind, seed):
    rng = rng_of(seed)
    X = rng.standard_normal((1000, 100))
    first, second = rng.choice(100, 2, replace=False)
    if kind == "binary":
        X = (X > 0).astype(float)
    y = (X[:, first] > 0.25 * (kind == "binary")) != (X[:, second] > 0.25 * (kind == "binary"))
    return X, y.astype(int), {first, second}


@pytest.mark.parametrize("criterion", ["jmi", "cmim"])
@pytest.mark.parametrize("kind", ["binary", "signs"])
@pytest.mark.parametrize("seeds", [range(2), pytest.param(range(2, 20), marks=pytest.mark.slow)])
def test_an_exclusive_or_is_found_in_every_seed(criterion, kind, seeds):
    for seed in seeds:
        X, y, truth = exclusive_or(kind, seed)
        found = SelectByInformation(criterion, k=2).fit(X, y)
        assert set(found.get_support(indices=True)) == truth


def test_the_product_of_two_columns_is_found_by_a_regression():
    rng = rng_of()
    X = rng.standard_normal((1000, 40))
    y = X[:, 7] * X[:, 31] + 0.5 * rng.standard_normal(1000)
    assert set(SelectByInformation("jmi", k=2).fit(X, y).get_support(indices=True)) == {7, 31}


# Score functions


def test_score_functions_serve_scikit_learns_selectors():
    rng = rng_of()
    X, y = rng.standard_normal((400, 20)), rng.integers(2, size=400)
    X[:, 0], X[:, 1], X[:, 2] = X[:, 0] + y, X[:, 1] * (1 + y), (X[:, 2] + y > 0)
    for selector in (
        SelectKBest(information_classification, k=3),
        SelectFwe(partial(information_classification, relevance="copula"), alpha=0.01),
        SelectFdr(information_classification, alpha=0.01),
    ):
        found = selector.fit(X, y).get_support(indices=True)
        assert list(found) == [0, 1, 2]
    scores, p = information_regression(X, X[:, 5] ** 2)
    assert scores.argmax() == p.argmin() == 5


def test_equal_values_are_ordered_by_the_random_state():
    rng = rng_of()
    X = rng.standard_normal((200, 3)).round(1)
    y = X[:, 0] + rng.standard_normal(200)
    first, again, other = (
        information_regression(X, y, relevance="ksg", random_state=s)[0] for s in (None, 0, 1)
    )
    assert not (first == other).any()
    fixed = information_regression(X, y, relevance="ksg")[0]
    assert (first == fixed).all() and again.shape == other.shape
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    information_regression(X, y, relevance="ksg")
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_nearest_neighbours_agree_with_the_estimators():
    rng = rng_of()
    x = rng.standard_normal(500)
    y = x + rng.standard_normal(500)
    label = (y > 0).astype(int)
    z = normal_scores(np.c_[x, y])
    found, _ = scores_and_p_values(Table.of(x[:, None]), Variable.number(y), by="ksg")
    expected = mineral.KSG(k=3).contributions(z[:, :1], z[:, 1:]).mean()
    assert found[0] == pytest.approx(expected, abs=1e-12)
    found, _ = scores_and_p_values(Table.of(x[:, None]), Variable.label(label), by="ksg")
    ross = mineral.Mixed(method="ross").estimate(label, z[:, 0]).value
    assert found[0] == pytest.approx(ross, abs=1e-12)
