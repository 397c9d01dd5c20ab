"""Words: labels with names, which have no order."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import mineral
import mineral.tables
from mineral import InputError, InputTypeError
from mineral.samples import paired

KINDS = np.array(["clay", "sand", "loam"])


@pytest.fixture
def soils():
    rng = np.random.default_rng(0)
    which = rng.integers(0, 3, 600)
    return which, rng.standard_normal((600, 2)) + which[:, None]


def read(x, rows):
    return paired(x, np.arange(rows) % 7, words=True)


@pytest.mark.parametrize(
    "hold",
    [
        np.asarray,
        list,
        tuple,
        lambda words: words.astype(object),
        lambda words: words[:, None],
        pd.Series,
        lambda words: pd.Series(words, dtype="category"),
        lambda words: pl.Series("soil", words),
        lambda words: pl.Series("soil", words).cast(pl.Categorical),
        lambda words: pl.Series("soil", words).cast(pl.Enum(list(KINDS))),
        lambda words: pl.DataFrame({"soil": words}),
        lambda words: {"soil": words},
    ],
)
def test_words_are_numbered_by_frequency_whatever_holds_them(hold):
    words = KINDS[[0, 1, 2, 1, 0, 2, 2]]
    samples = read(hold(words), 7)
    assert samples.x[:, 0].tolist() == [1, 2, 0, 2, 1, 0, 0]
    assert samples.words == samples.x_names and len(samples.words) == 1
    assert samples.levels == {samples.x_names[0]: ("loam", "clay", "sand")}
    assert samples.categorical_x.tolist() == [True] and samples.categorical_y.tolist() == [False]


def test_several_columns_of_words_are_one_label():
    table = {"soil": ["clay", "sand", "clay", "clay"] * 3, "wet": ["yes", "no", "no", "yes"] * 3}
    samples = read(table, 12)
    assert samples.x_names == ("soil, wet",) and samples.x[:4, 0].tolist() == [0, 1, 2, 0]
    assert samples.levels == {"soil, wet": ("clay, yes", "sand, no", "clay, no")}


MIXED = {
    "pandas": lambda soil, depth: pd.DataFrame({"soil": soil, "depth": depth}),
    "categories": lambda soil, depth: pd.DataFrame({"soil": pd.Categorical(soil), "depth": depth}),
    "polars": lambda soil, depth: pl.DataFrame({"soil": soil, "depth": depth}),
    "dict": lambda soil, depth: {"soil": soil, "depth": depth},
    "rows": lambda soil, depth: list(zip(soil.tolist(), depth.tolist(), strict=True)),
    "objects": lambda soil, depth: pd.DataFrame({"soil": soil, "depth": depth}).to_numpy(),
}


@pytest.mark.parametrize("hold", MIXED)
def test_text_beside_numbers_is_a_categorical_coordinate(hold):
    which, depth = np.array([0, 1, 2, 1, 0, 2, 2]), np.arange(7.0)
    samples = read(MIXED[hold](KINDS[which], depth), 7)
    assert samples.x.tolist() == [[c, d] for c, d in zip([1, 2, 0, 2, 1, 0, 0], depth, strict=True)]
    assert samples.categorical_x.tolist() == [True, False]
    assert samples.words == samples.x_names[:1]
    assert samples.levels[samples.x_names[0]] == ("loam", "clay", "sand")
    table = samples.with_indicators()
    assert table.x[:, 0].tolist() == [0, 0, 1, 0, 0, 1, 1] and not table.words
    assert table.x_names[:2] == tuple(f"{samples.x_names[0]} = {k}" for k in ("loam", "clay"))


def test_a_category_that_was_dropped_has_no_code():
    words = np.array(["a", "a", "a", "b", "b", "c"] * 3)
    y = np.where(words == "a", np.nan, np.arange(18.0))
    samples = paired(words, y, words=True, missing="drop")
    assert samples.levels == {"x": ("b", "c")} and set(samples.x[:, 0]) == {0, 1}


@pytest.mark.slow
def test_no_estimate_depends_on_how_categories_are_spelled(soils):
    which, numbers = soils
    label = numbers[:, 0] + (which == 1) > 0.5
    spelled = [
        pd.DataFrame({"k": np.array(list(names))[which], "v": numbers[:, 1]})
        for names in ("abc", "zqm")
    ]
    for estimator in ("auto", "discriminant", mineral.Classifier(steps=5)):
        first, second = (mineral.estimate(x, label, estimator=estimator) for x in spelled)
        assert first.value == second.value
    first, second = (mineral.estimate(x["k"], label, estimator="discrete") for x in spelled)
    assert first.value == second.value
    first, second = (mineral.independence(x, label, permutations=49) for x in spelled)
    assert first.p_value == second.p_value


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ["auto", "discriminant"])
def test_a_category_beside_numbers_adds_what_it_carries(estimator):
    """The middle category raises y: codes taken as numbers would miss it in two of three orders."""
    rng = np.random.default_rng(0)
    which, noise = rng.integers(0, 3, 900), rng.standard_normal((900, 2))
    y = (which == 1) + 0.3 * noise[:, 0] > 0.5
    alone = mineral.estimate(noise[:, 1], y, estimator=estimator).value
    both = pd.DataFrame({"soil": KINDS[which], "noise": noise[:, 1]})
    r = mineral.estimate(both, y, estimator=estimator)
    # Of the noise, Φ(−.5 / .3) = .048 flips y: I = H(.349) − H(.048) = .455 nats; found .41.
    assert alone < 0.03 and 0.4 < r.value < 0.6
    assert r.dim_x == 2 and r.evidence.x_names == ("soil", "noise")


@pytest.mark.slow
def test_a_side_of_categories_and_numbers_goes_with_a_number():
    rng = np.random.default_rng(0)
    which, noise = rng.integers(0, 3, 600), rng.standard_normal((600, 2))
    both = {"soil": KINDS[which], "noise": noise[:, 1]}
    y = 4.0 * (which == 1) + noise[:, 0]
    found = mineral.estimate(both, y)
    assert 0.3 < found.value < 0.65 and found.model is None
    assert mineral.independence(both, y, permutations=99).p_value == 0.01


@pytest.mark.parametrize("gone", [None, np.nan, pd.NA])
def test_what_is_missing_is_no_word(gone):
    words = np.array(["a", gone, "b", "a"] * 3, dtype=object)
    with pytest.raises(InputError, match="missing value"):
        read(words, 12)
    samples = paired(words, np.arange(12) % 5, words=True, missing="drop")
    assert len(samples) == 9 and set(samples.x[:, 0]) == {0, 1}


def test_what_is_read_stays_as_it_was():
    words = ["b", "a", "b", "a"]
    kept = list(words)
    read(words, 4)
    assert words == kept


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (
            [f"id{i}" for i in range(10)],
            InputError,
            "10 distinct values in 10 rows: this column is a unique",
        ),
        (["same"] * 10, InputError, "`x` is constant"),
        (
            pd.DataFrame({"a": np.arange(10.0), "id": [f"id{i}" for i in range(10)]}),
            InputError,
            "`x`, column 'id', has 10 distinct values",
        ),
        (np.array(["u", 1.0] * 5, dtype=object), InputTypeError, "numbers"),
        ({"a": ["u", "v"] * 5, "b": ["u", "v"] * 4}, InputError, "different lengths"),
        (np.full((4, 2, 2), "u"), InputTypeError, "not numbers"),
        ([], InputError, "empty"),
    ],
)
def test_what_is_no_label_is_refused(x, error, message):
    with pytest.raises(error, match=message):
        read(x, 10)


def test_estimators_of_numbers_refuse_words(soils):
    which, numbers = soils
    for name in ("ksg", "copula", "gaussian"):
        with pytest.raises(InputTypeError, match="encode categories"):
            mineral.estimate(KINDS[which], numbers, estimator=name)


@pytest.mark.slow
def test_words_tell_what_their_numbers_tell_in_any_order(soils):
    which, numbers = soils
    named = mineral.estimate(KINDS[which], numbers)
    assert named.value == pytest.approx(mineral.estimate(which, numbers).value, abs=0.02)
    assert named.value == pytest.approx(mineral.estimate(numbers, KINDS[which]).value, abs=0.02)
    assert named.value > 0.3


def test_words_with_words_are_counted():
    rng = np.random.default_rng(0)
    which = rng.integers(0, 30, 3000)
    names = np.array([f"w{i:02}" for i in rng.permutation(30)])
    other = np.where(rng.random(3000) < 0.8, which, rng.integers(0, 30, 3000))
    r = mineral.estimate(names[which], names[::-1][other])
    same, rest = 0.8 + 0.2 / 30, 0.2 / 30
    truth = np.log(30) + same * np.log(same) + 29 * rest * np.log(rest)
    assert r.decision.chosen[0].estimator == "discrete" and r.value == pytest.approx(truth, abs=0.1)


def test_tables_that_list_words_in_groups_are_no_series():
    soil, place = np.repeat(["clay", "sand", "loam"], 50), np.repeat(["hill", "shore"], 75)
    assert not any(w.code == "rows-in-series" for w in mineral.estimate(soil, place).warnings)


def test_independence_does_not_care_how_words_are_ordered(soils):
    """The middle word in the alphabet goes with large numbers: no trend sees it."""
    rng = np.random.default_rng(1)
    which = rng.integers(0, 3, 200)
    y = np.where(which == 1, 1.0, 0.0) + rng.standard_normal(200)
    assert mineral.independence(KINDS[which], y, permutations=199).p_value == 0.005
    nothing = [
        mineral.independence(KINDS[which], rng.standard_normal(200), permutations=99).p_value
        for _ in range(40)
    ]
    assert 0.3 < np.mean(nothing) < 0.7
    assert mineral.estimate(KINDS[which], y, permutations=199).p_value == 0.005


def test_a_file_has_columns_of_words(tmp_path):
    rng = np.random.default_rng(0)
    which = rng.integers(0, 3, 300)
    lines = [
        f"{'NA' if i == 5 else KINDS[w]},{w + v:.6f}"
        for i, (w, v) in enumerate(zip(which, rng.standard_normal(300), strict=True))
    ]
    path = tmp_path / "soils.csv"
    path.write_text("\n".join(["soil,depth", *lines]))
    x, y = mineral.tables.read(path, x=["soil"], y=["depth"])
    assert x["soil"][5] is None and x["soil"][6] == KINDS[which[6]]
    r = mineral.estimate(x, y, missing="drop")
    assert r.n == 299 and r.value > 0.1


def test_a_word_among_numbers_is_still_told_by_its_line(tmp_path):
    path = tmp_path / "typo.csv"
    path.write_text("a,b\n1,2\n3,x\n")
    with pytest.raises(InputError, match=r"'x' in column 'b', line 3: it is not a number"):
        mineral.tables.read(path, x=["a"], y=["b"])
