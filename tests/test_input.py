"""Samples as people have them: missing markers, dates, indexes, constants and huge values."""

import datetime
import decimal
import warnings
from functools import cache

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import mineral
from mineral.errors import InputError
from mineral.samples import paired

N = 80
RNG = np.random.default_rng(0)
X = np.clip(RNG.standard_normal((N, 1)), -3, 3) / 3
X = np.round(X * 2.0**30) / 2.0**30  # so few digits that none is lost as a subnormal number
Y = X + 0.3 * RNG.standard_normal((N, 1))
LABEL = np.array(["low", "mid", "high"])[np.digitize(X[:, 0], [-0.15, 0.15])]
MARKERS = [
    None,
    np.nan,
    float("nan"),
    pd.NA,
    pd.NaT,
    np.datetime64("NaT"),
    np.ma.masked,
    decimal.Decimal("NaN"),
]


@cache
def estimated(estimator):
    """Of X and Y, once."""
    return estimator.estimate(X, Y)


def with_hole(marker):
    """Labels as objects, the marker at row 7."""
    words = LABEL.astype(object)
    values = words.tolist()
    values[7] = marker
    return values


HOLDERS = {
    "object": lambda marker: pd.Series(with_hole(marker), dtype=object),
    "string": lambda _: pd.Series(with_hole(None), dtype="string"),
    "str": lambda _: pd.Series(with_hole(None), dtype="str"),
    "category": lambda _: pd.Series(with_hole(None), dtype="category"),
    "frame of object": lambda marker: pd.DataFrame({"a": with_hole(marker)}, dtype=object),
    "frame of string": lambda _: pd.DataFrame({"a": with_hole(None)}, dtype="string"),
    "frame of category": lambda _: pd.DataFrame({"a": with_hole(None)}, dtype="category"),
    "polars": lambda _: pl.Series(with_hole(None)),
    "polars category": lambda _: pl.Series(with_hole(None)).cast(pl.Categorical),
    "Arrow": lambda _: pa.array(with_hole(None)),
    "Arrow table": lambda _: pa.table({"a": with_hole(None)}),
    "masked": lambda _: np.ma.array(LABEL, mask=np.arange(N) == 7),
}
FUNCTIONS = {
    "estimate": mineral.estimate,
    "discrete": mineral.Discrete().estimate,
    "discriminant": mineral.Discriminant().estimate,
    "classifier": mineral.Classifier(steps=2, folds=2).estimate,
    "independence": lambda x, y, **options: mineral.independence(x, y, permutations=9, **options),
}


@pytest.mark.parametrize("marker", MARKERS, ids=lambda marker: repr(marker)[:20])
@pytest.mark.parametrize("hold", [list, lambda v: np.array(v, dtype=object), HOLDERS["object"]])
def test_every_missing_marker_counts_among_text(hold, marker):
    words = hold(marker) if hold is HOLDERS["object"] else hold(with_hole(marker))
    with pytest.raises(InputError, match=r"`x` has a missing value .* first at row 7"):
        paired(words, Y, words=True)
    samples = paired(words, Y, words=True, missing="drop")
    assert len(samples) == N - 1 and set(samples.levels["x"]) == {"low", "mid", "high"}


@pytest.mark.parametrize("hold", HOLDERS)
def test_text_with_a_missing_value_is_refused_or_dropped(hold):
    words = HOLDERS[hold](np.nan)
    for pair in ((words, Y), (Y, words)):
        with pytest.raises(InputError, match=r"missing value .* first at row 7"):
            paired(*pair, words=True)
        assert len(paired(*pair, words=True, missing="drop")) == N - 1


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("hold", ["object", "frame of category"])
def test_every_function_of_labels_drops_missing_text(function, hold):
    words, sign = HOLDERS[hold](np.nan), np.where(Y[:, 0] > 0, "up", "down")
    estimate = FUNCTIONS[function]
    for pair in ((words, sign), (sign, words)):
        with pytest.raises(InputError, match="missing value"):
            estimate(*pair)
        assert estimate(*pair, missing="drop").n == N - 1


DAYS = [datetime.datetime(2026, 1, 1) + datetime.timedelta(hours=7 * i) for i in range(N)]
DATES = {
    "NumPy": np.array(DAYS, dtype="M8[s]"),
    "NumPy months": np.datetime64("2020-01") + np.arange(N),
    "list": DAYS,
    "dates": [day.date() for day in DAYS],
    "with a zone": [day.replace(tzinfo=datetime.UTC) for day in DAYS],
    "pandas": pd.Series(DAYS),
    "pandas with a zone": pd.Series(DAYS).dt.tz_localize("Europe/Paris"),
    "pandas frame": pd.DataFrame({"a": DAYS, "b": X[:, 0]}),
    "polars": pl.Series(DAYS),
    "polars dates": pl.Series([day.date() for day in DAYS]),
    "Arrow": pa.chunked_array([pa.array(DAYS)]),
    "durations": pd.Series(DAYS) - DAYS[3],
}


@pytest.mark.parametrize("kind", DATES)
def test_dates_are_elapsed_time(kind):
    samples = paired(DATES[kind], Y)
    hours = np.arange(N) * 7.0
    if "dates" in kind:
        hours = 24 * (hours // 24)
    if "months" in kind:
        starts = np.datetime64("2020-01") + np.arange(N)
        hours = (starts.astype("M8[h]") - starts[0].astype("M8[h]")).astype(float)
    first = samples.x[0, 0] if kind != "durations" else -21.0 * 3600
    assert samples.x[:, 0] == pytest.approx(3600 * hours + first, abs=1e-6)


@pytest.mark.parametrize(
    "dates",
    [
        pd.Series([*DAYS[:-1], pd.NaT]),
        [*DAYS[:-1], None],
        np.array([*DAYS[:-1], "NaT"], dtype="M8[us]"),
        pl.Series([*DAYS[:-1], None]),
    ],
    ids=["pandas", "list", "NumPy", "polars"],
)
def test_missing_dates_are_missing(dates):
    with pytest.raises(InputError, match=r"missing value .* first at row 79"):
        paired(dates, Y)
    assert np.ptp(paired(dates, Y, missing="drop").x) == (N - 2) * 7 * 3600


def test_a_model_reads_new_dates_from_the_same_origin():
    model = mineral.Gaussian().estimate(DAYS, Y).model
    assert np.array_equal(model.pmi(DAYS[50:], Y[50:]), model.pmi(DAYS, Y)[50:])


def test_dates_that_float64_would_merge_are_refused():
    stamps = np.datetime64("2026-01-01", "ns") + np.arange(5)
    with pytest.raises(InputError, match=r"closer to each other .* pass `x - x.min\(\)`"):
        paired(stamps, np.arange(5))
    assert paired(stamps - stamps.min(), np.arange(5)).x[:, 0] == pytest.approx(
        np.arange(5) * 1e-9, abs=1e-18
    )


FRAME = pd.DataFrame({"x": X[:, 0], "y": Y[:, 0]})
LETTERS = FRAME.set_axis([f"r{i}" for i in range(N)])


@pytest.mark.parametrize(
    ("x", "y", "remedy"),
    [
        (FRAME["x"], FRAME["y"].sort_values(), "`y = y.loc[x.index]`"),
        (FRAME[["x"]], FRAME["y"].iloc[::-1], "`y = y.loc[x.index]`"),
        (FRAME["x"].sort_values(), FRAME["y"], "`y = y.loc[x.index]`"),
        (LETTERS["x"], LETTERS["y"].sample(frac=1, random_state=0), "`y = y.loc[x.index]`"),
        (LETTERS["x"].iloc[:-1], LETTERS["y"].iloc[1:], "reset_index(drop=True)"),
        ({"x": FRAME["x"]}, FRAME["y"].sort_values(), "`y = y.loc[x['x'].index]`"),
    ],
)
def test_pandas_indexes_that_differ_are_refused(x, y, remedy):
    calls = [paired, mineral.estimate, mineral.KSG().estimate, mineral.independence]
    for call in calls:
        with pytest.raises(InputError, match="pandas indexes that hold") as refusal:
            call(x, y)
        assert remedy in str(refusal.value) and len(str(refusal.value)) < 300


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (FRAME["x"], FRAME["y"]),
        (LETTERS["x"], LETTERS[["y"]]),
        (LETTERS["x"], FRAME["y"]),  # the default index labels nothing
        (FRAME["x"], LETTERS["y"].to_numpy()),
        (FRAME["x"], pl.Series(Y[:, 0])),
        (FRAME["x"].sort_values(), FRAME["y"].loc[FRAME["x"].sort_values().index]),
        (FRAME["x"].set_axis(range(5, N + 5)), FRAME["y"]),
    ],
)
def test_pandas_indexes_that_agree_or_label_nothing_are_positions(x, y):
    assert len(paired(x, y)) == N


def test_the_sample_that_was_paired_wrongly_in_silence():
    y = FRAME["y"].sort_values()
    aligned = mineral.estimate(FRAME["x"], y.loc[FRAME["x"].index], estimator="gaussian")
    assert aligned.value == mineral.estimate(X, Y, estimator="gaussian").value > 0.2


def test_a_constant_beside_others_changes_no_value_and_keeps_the_width(brief_estimator, tmp_path):
    plain = estimated(brief_estimator)
    padded = np.c_[np.ones(N), X, np.zeros(N)]
    found = brief_estimator.estimate(padded, Y)
    assert found.value == plain.value and found.interval == plain.interval
    assert found.dim_x == 3 and found.evidence.x_names == ("x0", "x1", "x2")
    assert any(w.code == "constant-columns" for w in found.warnings)
    if found.model is not None:
        new = np.c_[np.full(N, 5.0), X, np.full(N, 7.0)]
        assert np.array_equal(found.model.pmi(new, Y), plain.model.pmi(X, Y))
        found.model.save(tmp_path / "m.safetensors")
        if brief_estimator.name == "flow":
            return  # its critic is no built-in one, so that a file needs `critic=`
        again = mineral.load(tmp_path / "m.safetensors")
        assert np.array_equal(again.pmi(padded, Y), plain.model.pmi(X, Y))
        with pytest.raises(InputError, match="must have the 3 coordinates"):
            again.pmi(X, Y)


def test_images_with_black_borders_are_measured_inside():
    images = np.zeros((N, 4, 4))
    images[:, 1:3, 1:3] = X[:, :, None] + 0.5 * RNG.standard_normal((N, 2, 2))
    found = mineral.estimate(images, Y)
    assert found.value == mineral.estimate(images[:, 1:3, 1:3], Y).value
    assert found.dim_x == 16


def test_a_column_that_is_constant_in_one_part_of_a_series_is_measured():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((2, 600))
    series = [np.convolve(each, np.ones(6) / 6, mode="same") for each in noise]
    flag = np.zeros(600)
    flag[7] = 1.0  # in one of the thinned parts only
    x = np.c_[series[0], flag]
    assert np.isfinite(mineral.estimate(x, series[0] + series[1]).value)


def test_ranges_that_overflow_give_finite_values(brief_estimator):
    share = (X - X.min()) / np.ptp(X)
    huge = 1.7e308 * (2 * share**3 - 1)  # the median is near the least
    assert huge.max() / 2 - np.median(huge / 2) > 0.9e308  # their difference overflows
    for pair in ((huge, Y), (Y, huge)):
        found = brief_estimator.estimate(*pair)
        assert np.isfinite([found.value, found.stderr, *found.interval]).all()
        if found.model is not None:
            assert np.isfinite(found.model.pmi(*pair)).all()


def test_units_whose_inverse_overflows_change_no_value(brief_estimator):
    tiny = X * 2.0**-1030
    assert 0 < np.abs(tiny).max() < np.finfo(float).tiny
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = brief_estimator.estimate(tiny, Y)
    plain = estimated(brief_estimator)
    assert found.value == pytest.approx(plain.value, abs=1e-6)
    if found.model is not None:
        assert found.model.pmi(tiny, Y) == pytest.approx(plain.model.pmi(X, Y), abs=1e-4)


def test_independence_knows_constants_and_huge_values():
    huge = 1.7e308 * X / np.abs(X).max()
    p_value = mineral.independence(X, Y, permutations=99).p_value
    for x in (huge, np.c_[X, np.ones(N)]):
        assert mineral.independence(x, Y, permutations=99).p_value == p_value == 0.01


@pytest.mark.parametrize("scale", [1e300, 1e-300, 1e308])
@pytest.mark.parametrize("estimator", ["neighbours", "gaussian"])
def test_entropy_and_divergence_know_any_unit(scale, estimator):
    p, q = X / 4, X[::-1] / 8 + 0.05
    plain = mineral.entropy(p, estimator=estimator)
    scaled = mineral.entropy(p * scale, estimator=estimator)
    assert scaled.value == pytest.approx(plain.value + np.log(scale))
    assert scaled.stderr == pytest.approx(plain.stderr)
    plain = mineral.divergence(p, q, estimator=estimator)
    scaled = mineral.divergence(p * scale, q * scale, estimator=estimator)
    assert scaled.value == pytest.approx(plain.value, rel=1e-6)
