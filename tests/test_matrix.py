"""`mineral.matrix`: each pair as `mineral.estimate` has it, whatever other pairs there are."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import signal, stats

import mineral
from mineral import InputError, OptionError, matrix
from mineral.pairs import copula, each
from mineral.pairs.nulls import SMALLEST, p_value, p_value_of_equal, q_values
from mineral.pairs.plan import Plan
from mineral.pairs.request import prepare
from mineral.pairs.sheet import sheet

N = 300


def table(n=N, seed=0):
    """Continuous columns of several strengths, one of integers, one of two categories."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n, 5))
    return pd.DataFrame(
        {
            "a": z[:, 0],
            "b": np.exp(z[:, 0] + z[:, 1]),
            "c": z[:, 2],
            "near a": z[:, 0] + 1e-3 * z[:, 3],
            "count": rng.poisson(np.exp(z[:, 0])),
            "sex": np.where(z[:, 0] + z[:, 4] > 0, "f", "m"),
        }
    )


def holed(seed=1):
    """The same with missing values, in rows of each column's own."""
    frame, rng = table(), np.random.default_rng(seed)
    for name in ("a", "b", "count"):
        frame.loc[rng.random(N) < 0.2, name] = np.nan
    frame.loc[rng.random(N) < 0.1, "sex"] = None
    return frame


def by_pair(found):
    """Every number of each pair, as bytes, by the names of its columns."""
    assert np.isfinite(found.value).all()
    columns = [found.n, found.value, found.lower, found.upper, found.p_value]
    return {
        frozenset((x, y)): tuple(column[k].tobytes() for column in columns)
        for k, (x, y) in enumerate(zip(found.x, found.y, strict=True))
    }


NUMBERS = ["a", "b", "c", "near a", "count"]


class TestCopula:
    @pytest.mark.parametrize("frame", [table(), holed()], ids=["complete", "with holes"])
    def test_values_are_those_of_estimate(self, frame):
        found = matrix(frame, columns=NUMBERS)
        assert len(found) == 10
        for k, (x, y) in enumerate(zip(found.x, found.y, strict=True)):
            one = mineral.estimate(frame[x], frame[y], estimator="copula", missing="drop")
            assert found.n[k] == one.n
            # A correlation is rounded by 4e-9; its weight in the value grows near 1.
            assert found.value[k] == pytest.approx(one.value, rel=1e-6, abs=1e-7)

    def test_intervals_are_those_of_estimate_where_the_copula_is_gaussian(self):
        rng = np.random.default_rng(0)
        x, y = rng.standard_normal((2, 5000))
        found = matrix({"x": x, "y": x + y})
        one = mineral.estimate(x, x + y, estimator="copula")
        low, high = one.interval
        # The variance of the pointwise values of 5000 rows has an error of 3 %.
        assert found.upper[0] - found.lower[0] == pytest.approx(high - low, rel=0.1)

    def test_given_a_condition_values_are_those_of_partial_copula(self):
        frame = holed()
        found = matrix(frame, columns=["b", "c", "near a"], given=["a", "sex"])
        for k, (x, y) in enumerate(zip(found.x, found.y, strict=True)):
            one = mineral.estimate(
                frame[x],
                frame[y],
                given=frame[["a", "sex"]],
                estimator="partial-copula",
                missing="drop",
            )
            assert found.n[k] == one.n
            assert found.value[k] == pytest.approx(one.value, rel=1e-6, abs=1e-6)

    def test_two_categories_are_zeros_and_ones(self):
        frame = table()
        as_numbers = frame.assign(sex=(frame["sex"] == "m").astype(float))
        assert by_pair(matrix(frame)) == by_pair(matrix(as_numbers))

    def test_copies_have_the_largest_value_and_the_smallest_p_value(self):
        x = np.random.default_rng(0).standard_normal(1000)
        found = matrix({"x": x, "copy": np.exp(x), "mirrored": -x})
        np.testing.assert_array_equal(found.value, found.value[0])
        assert found.value[0] > 17 and (found.p_value <= 2 * SMALLEST).all()

    def test_series_have_fewer_independent_rows(self):
        noise = np.random.default_rng(0).standard_normal((2000, 101))
        series = signal.lfilter([1.0], [1.0, -0.9], noise, axis=0)
        found = matrix(series, target="0")
        low, high = mineral.estimate(series[:, 0], series[:, 1], estimator="copula").interval
        assert found.upper[0] - found.lower[0] == pytest.approx(high - low, rel=0.1)
        assert "rows-in-series: 101 columns are autocorrelated: '0', '1'" in str(found)
        assert "rows-in-series" not in str(matrix(noise, target="0"))
        # Of 100 p-values 5 ± 2.2 are below 0.05.
        assert (found.p_value < 0.05).sum() <= 12
        naive = stats.norm.ppf(stats.rankdata(series, axis=0) / 2001)
        r = naive[:, 0] @ naive[:, 1:] / (naive**2).sum(axis=0)[0]
        assert (2 * stats.norm.sf(np.abs(r) * np.sqrt(2000)) < 0.05).sum() > 40

    def test_p_values_of_independent_columns_are_uniform(self):
        rng = np.random.default_rng(0)
        found = matrix(rng.standard_exponential((100, 100)) ** 3, target="0")
        assert stats.kstest(found.p_value, "uniform").pvalue > 1e-3

    def test_few_shared_rows_give_no_value(self):
        frame = table()[["a", "b", "c"]]
        frame.loc[3:, "a"] = np.nan
        found = matrix(frame)
        assert found.n.tolist() == [3, 3, N]
        assert np.isnan(found.value).tolist() == [True, True, False]
        assert "pairs-without-value" in [w.code for w in found.warnings]

    def test_a_column_that_is_constant_where_the_other_is_there_has_no_value(self):
        frame = table()[["a", "b", "c"]]
        frame["a"] = 0.0
        frame.loc[:100, "a"] = np.arange(101.0)
        frame.loc[:100, "b"] = np.nan
        found = matrix(frame)
        assert np.isnan(found.value).tolist() == [True, False, False]


class TestAPairDoesNotDependOnOthers:
    """Bit for bit."""

    @pytest.mark.parametrize("frame", [table(), holed()], ids=["complete", "with holes"])
    @pytest.mark.parametrize("given", [None, ["c"]])
    def test_by_copula(self, frame, given, monkeypatch):
        whole = by_pair(matrix(frame, given=given))
        assert len(whole) == (15 if given is None else 10)
        assert by_pair(matrix(frame[frame.columns[::-1]], given=given)) == whole
        assert by_pair(matrix(frame, given=given, jobs=3)) == whole
        monkeypatch.setattr(copula, "PAIRS", 2)
        monkeypatch.setattr(copula, "CELLS", 2 * N)
        monkeypatch.setattr(copula, "PIECE", 3)
        assert by_pair(matrix(frame, given=given, jobs=2)) == whole
        for pair in whole:
            alone = by_pair(matrix(frame, columns=[*pair], given=given))
            assert alone == {pair: whole[pair]}

    def test_in_products_of_any_shape(self):
        rng = np.random.default_rng(0)
        many = rng.standard_normal((501, 97))
        whole = matrix(many).array()
        for width in (2, 3, 17, 64, 96):
            part = matrix(many[:, :width]).array()
            np.testing.assert_array_equal(part, whole[:width, :width])
        order = rng.permutation(97)
        np.testing.assert_array_equal(matrix(many[:, order]).array(), whole[np.ix_(order, order)])

    @pytest.mark.parametrize("estimator", ["ksg", "auto"])
    def test_by_any_estimator(self, estimator):
        frame = holed()[["a", "b", "sex"]] if estimator == "auto" else holed()[["a", "b", "c"]]
        options = {"estimator": estimator, "permutations": 19}
        whole = by_pair(matrix(frame, **options))
        assert by_pair(matrix(frame[frame.columns[::-1]], **options)) == whole
        first, second = frame.columns[:2]
        alone = by_pair(matrix(frame, columns=[second, first], **options))
        assert alone.items() <= whole.items()
        renamed = matrix(frame.rename(columns={"a": "other"}), **options)
        assert sorted(by_pair(renamed).values()) == sorted(whole.values())

    @pytest.mark.slow  # each process imports torch
    def test_with_any_number_of_processes(self, monkeypatch):
        pytest.importorskip("joblib")
        monkeypatch.setattr(each, "PAIRS", 1)
        frame = holed()[["a", "b", "c"]]
        one, two = (matrix(frame, estimator="mixed", permutations=9, jobs=j) for j in (1, 2))
        assert by_pair(one) == by_pair(two)

    def test_seeds_are_those_of_columns_and_of_the_matrix(self):
        def seeds(frame, **options):
            engine = prepare(frame, estimator="ksg", **options).engine
            return {
                frozenset((engine.sheet.names[i], engine.sheet.names[j])): engine.seed_of(i, j)
                for i in range(3)
                for j in range(i)
            }

        frame = table()[["a", "b", "c"]]
        found = seeds(frame)
        assert len({*found.values()}) == 3
        assert seeds(frame[["c", "b", "a"]]) == found
        assert not {*seeds(frame, seed=1).values()} & {*found.values()}


class TestEach:
    def test_is_an_estimate_with_the_seed_of_the_pair(self):
        frame = holed()[["a", "sex"]]
        found = matrix(frame, estimator="auto", permutations=19, unit="bits", confidence=0.9)
        options = {"missing": "drop", "unit": "bits", "confidence": 0.9}
        options["seed"] = prepare(frame, estimator="auto").engine.seed_of(0, 1)
        both = [
            mineral.estimate(*pair, **options)
            for pair in ((frame["a"], frame["sex"]), (frame["sex"], frame["a"]))
        ]
        assert found.value[0] in [one.value for one in both]
        assert (found.lower[0], found.upper[0]) in [one.interval for one in both]
        assert found.p_value[0] == 1 / 20 and found.permutations == 19

    def test_a_condition_is_passed_on(self):
        frame = table()
        found = matrix(frame, columns=["b", "near a"], given="a", estimator="partial-information")
        assert found.lower[0] < 0.05 < matrix(frame, columns=["b", "near a"]).lower[0]

    def test_a_refused_pair_has_no_value_but_the_reason(self):
        frame = pd.DataFrame({"a": [1.0, 2, 3], "b": [3.0, 1, 2], "c": [np.nan, np.nan, 4.0]})
        frame["c"] = [np.nan, 4.0, 5.0]
        found = matrix(frame, estimator="auto", permutations=0)
        assert np.isnan(found.value[1]) and "at least 3" in found.notes[1]
        assert np.isnan(found.p_value).all() and np.isnan(found.q_value).all()
        assert "2 of 3 pairs have no value" in str(found)

    def test_an_option_that_no_pair_can_have_is_refused(self):
        with pytest.raises(OptionError, match="`k`"):
            matrix(table(), columns=["a", "b"], estimator="ksg", k=0)
        with pytest.raises(OptionError, match="not an option of copula"):
            matrix(table(), columns=["a", "b"], k=3)


class TestColumns:
    def test_types_are_recognised(self):
        frame = table().assign(
            id=[f"p{i}" for i in range(N)],
            same=1,
            empty=np.nan,
            day=pd.date_range("2026-01-01", periods=N),
            group=["x", "y", "z"] * (N // 3),
        )
        read = sheet(frame)
        types = dict(zip(read.names, read.types, strict=True))
        assert types == {
            **dict.fromkeys([*NUMBERS, "day"], "number"),
            "sex": "category",
            "group": "category",
            "id": "identifier",
            "same": "constant",
            "empty": "constant",
        }
        found = matrix(frame)
        assert set(found.names) == {*NUMBERS, "day", "sex"}
        said = " ".join(w.message for w in found.warnings if w.code == "columns-left-out")
        assert all(f"'{name}'" in said for name in ("id", "same", "empty", "group"))
        assert found.types["sex"] == "category"

    def test_types_can_be_given(self):
        frame = table()[["a", "c"]].assign(zone=np.arange(N) % 3)
        asked = matrix(frame, types={"zone": "category"}, estimator="auto", permutations=0)
        as_text = frame.assign(zone=frame["zone"].map(str))
        text = matrix(as_text, estimator="auto", permutations=0)
        assert asked.types["zone"] == "category" and np.isfinite(asked.value).all()
        for types in ({"zone": "category"}, {"zone": "number"}):
            assert np.isfinite(matrix(frame, given="zone", types=types).value).all()
        assert sorted(by_pair(asked).values()) == sorted(by_pair(text).values())

    @pytest.mark.parametrize(
        "make",
        [
            lambda frame: pl.DataFrame(frame.to_dict("list")),
            lambda frame: pl.DataFrame(frame.to_dict("list")).to_arrow(),
            lambda frame: frame.to_dict("list"),
            lambda frame: {name: frame[name] for name in frame},
        ],
        ids=["polars", "arrow", "lists", "series"],
    )
    def test_tables_of_any_library_are_read(self, make):
        assert by_pair(matrix(make(table()))) == by_pair(matrix(table()))

    def test_arrays_have_numbered_columns(self):
        frame = table()[["a", "b", "c"]]
        found = matrix(frame.to_numpy())
        assert found.names == ("0", "1", "2")
        np.testing.assert_array_equal(found.array(), matrix(frame).array())

    @pytest.mark.usefixtures("as_users_run_it")
    def test_names_of_a_frame_may_be_numbers(self):
        frame = pd.DataFrame(table()[["a", "b", "c"]].to_numpy())
        assert matrix(frame, target=2).y.tolist() == ["2", "2"]
        assert matrix(frame, columns=[0, 1]).x.tolist() == ["0"]

    def test_targets_are_y(self):
        found = matrix(table(), target=["count", "c"])
        assert found.y.tolist() == ["count"] * 5 + ["c"] * 4
        assert found.x.tolist() == ["c", "a", "b", "near a", "sex", "a", "b", "near a", "sex"]
        assert by_pair(found).items() <= by_pair(matrix(table())).items()
        assert by_pair(matrix(table(), target="c", columns=["a"])).keys() == {frozenset("ac")}

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ({"columns": ["a", "bb"]}, "`columns` names the column 'bb'.*Did you mean 'b'"),
            ({"columns": ["a", "a"]}, "twice"),
            ({"columns": ["a"]}, "1 usable columns"),
            ({"target": "none"}, "`target` names"),
            ({"given": "none"}, "`given` names"),
            ({"target": "a", "given": "a"}, "`given` names 'a', a target"),
            ({"types": {"sex": "number"}}, "holds text"),
            ({"types": {"a": "text"}}, "'number' or 'category'"),
            ({"types": {"z": "number"}}, "`types` names"),
            ({"jobs": 0}, "`jobs` must be"),
            ({"jobs": 1.5}, "`jobs` must be"),
            ({"seed": -1}, "`seed` must be"),
            ({"confidence": 95}, "`confidence` must lie"),
            ({"unit": "bans"}, "`unit` must be"),
            ({"missing": "drop"}, "`missing` must be 'pairwise'"),
            ({"permutations": -1, "estimator": "ksg"}, "`permutations` must be"),
            ({"permutations": 9}, "does not apply to copula"),
            ({"given": "c", "estimator": "ksg"}, "which ksg does not have"),
            ({"estimator": "partial-copula"}, "needs a condition"),
            ({"estimator": "copla"}, "Did you mean 'copula'"),
        ],
    )
    @pytest.mark.usefixtures("as_users_run_it")
    def test_what_cannot_be_done_is_refused(self, options, says):
        with pytest.raises((InputError, OptionError), match=says):
            matrix(table(), **options)

    @pytest.mark.parametrize(
        ("frame", "options", "says"),
        [
            (table().assign(same=1), {"columns": ["a", "same"]}, "'same', which is constant"),
            (table().assign(g=["x", "y", "z"] * 100), {"target": "g"}, "'g', which has 3 categ"),
            (table().assign(a=np.inf), {}, "Column 'a' has an infinite value in 300 rows"),
            (table().assign(a=2**60), {}, "beyond 2\\^53"),
            (holed(), {"missing": "raise"}, "Column 'a' has a missing value"),
            ({"a": [1.0, 2.0]}, {}, "one column"),
            ({"a": [1.0, 2.0], "b": [1.0]}, {}, "different lengths"),
            ({}, {}, "no columns"),
            (np.zeros((5, 2)), {}, "usable columns"),
        ],
    )
    @pytest.mark.usefixtures("as_users_run_it")
    def test_tables_that_cannot_be_used_are_refused(self, frame, options, says):
        with pytest.raises((InputError, OptionError), match=says):
            matrix(frame, **options)

    def test_the_table_is_not_changed(self):
        frame = holed()
        before = frame.copy(deep=True)
        matrix(frame, given="c", unit="bits", types={"count": "category"}, columns=["a", "b"])
        pd.testing.assert_frame_equal(frame, before)


class TestPlan:
    @pytest.mark.parametrize(("count", "first"), [(2, 1), (7, 6), (7, 2), (5, 1)])
    def test_has_each_pair_once(self, count, first):
        plan = Plan(columns=tuple(range(count)), first=first)
        rows, others = plan.positions()
        wanted = [(i, j) for i in range(first) for j in range(i + 1, count)]
        assert list(zip(rows.tolist(), others.tolist(), strict=True)) == wanted
        assert len(plan) == len(wanted)

    @pytest.mark.parametrize("whole_rows", [True, False])
    @pytest.mark.parametrize("size", [1, 4, 100])
    def test_chunks_hold_all_pairs_in_order(self, whole_rows, size):
        plan = Plan(columns=tuple(range(9)), first=8)
        chunks = plan.chunks(size, whole_rows=whole_rows)
        assert [c.number for c in chunks] == list(range(len(chunks)))
        pairs = [k for c in chunks for k in range(c.start, c.stop)]
        assert pairs == list(range(len(plan)))


class TestNulls:
    @pytest.mark.parametrize("df", [1, 2, 5, 98, 998, 100_000])
    def test_p_values_are_those_of_students_t(self, df):
        r = np.concatenate([[0.0], np.linspace(1e-6, 0.999, 500)])
        wanted = 2 * stats.t.sf(r * np.sqrt(df / (1 - r**2)), df)
        strength = -np.log1p(-(r**2))
        seen = wanted > 1e-290
        for found in (p_value(strength, df), p_value_of_equal(strength, df)):
            np.testing.assert_allclose(found[seen], wanted[seen], rtol=1e-7)
            assert (found >= SMALLEST).all() and found[0] == 1

    def test_no_correlation_has_no_p_value(self):
        assert np.isnan(p_value_of_equal(np.array([np.nan, 1.0]), 10)).tolist() == [True, False]

    def test_q_values_are_those_of_scipy_and_skip_pairs_without_a_test(self):
        p = np.random.default_rng(0).random(50)
        found = q_values(np.insert(p, 7, np.nan))
        assert np.isnan(found[7])
        wanted = stats.false_discovery_control(p)
        np.testing.assert_allclose(np.delete(found, 7), wanted, rtol=1e-14)
        assert np.isnan(q_values(np.array([np.nan]))).all()

    @pytest.mark.slow
    def test_false_discoveries_at_ten_percent(self):
        """1,000 pairs of correlated columns, of which 50 are dependent; 100 tables."""
        shares = []
        for seed in range(100):
            rng = np.random.default_rng(seed)
            y = rng.standard_normal(500)
            common = rng.standard_normal((500, 20))
            x = 0.7 * np.repeat(common, 50, axis=1) + 0.7 * rng.standard_normal((500, 1000))
            x[:, :50] += 0.25 * y[:, None]
            found = matrix(np.column_stack([y, x]), target="0").q_value <= 0.1
            shares.append(found[50:].sum() / max(1, found.sum()))
        # The false discovery rate is at most 0.1 · 950 / 1000.
        assert np.mean(shares) < 0.1


class TestResult:
    @pytest.mark.usefixtures("as_users_run_it")
    def test_frames_and_arrays_hold_the_same(self):
        found = matrix(table())
        pandas, polars = found.frame(), found.frame("polars")
        assert list(pandas.columns) == polars.columns
        np.testing.assert_array_equal(pandas["q_value"], found.q_value)
        square = found.array("p_value")
        for x, y, p in zip(pandas["x"], pandas["y"], pandas["p_value"], strict=True):
            i, j = found.names.index(x), found.names.index(y)
            assert square[i, j] == square[j, i] == p
        assert np.isnan(np.diag(square)).all()
        assert found.strongest(1)[0] == found.value.argmax()
        assert (np.diff(found.value[found.strongest(5)]) <= 0).all()
        with pytest.raises(OptionError, match="`library`"):
            found.frame("spark")
        with pytest.raises(OptionError, match="`quantity`"):
            found.array("r")

    def test_bits(self):
        nats, bits = matrix(table()), matrix(table(), unit="bits")
        for name in ("value", "lower", "upper"):
            np.testing.assert_allclose(getattr(bits, name), getattr(nats, name) / np.log(2))
        np.testing.assert_array_equal(bits.p_value, nats.p_value)
