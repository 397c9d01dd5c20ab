"""Networks of series: selection, tests, values, and what is left out."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.signal import lfilter

import mineral
from mineral import InputError, OptionError, network
from mineral.cli import main
from mineral.links import target as links_target
from mineral.links.candidates import Candidates, log_tail, smallest
from mineral.links.folder import Folder
from mineral.links.grid import Grid, functions_of, preceding
from mineral.links.pages import pictures
from mineral.links.pages.page import python_call
from mineral.links.result import COLUMNS
from mineral.links.surrogates import tail_p
from mineral.links.values import information


def noise(p, n, seed):
    return np.random.default_rng(seed).standard_normal((p, n))


def chain(n, seed, lag=2):
    """a drives b at a lag, b drives c at lag 1; d is alone. All remember their past."""
    e = noise(4, n + 200, seed)
    rows = np.zeros((4, n + 200))
    for t in range(lag, n + 200):
        rows[0, t] = 0.6 * rows[0, t - 1] + e[0, t]
        rows[1, t] = 0.5 * rows[1, t - 1] + 0.5 * rows[0, t - lag] + e[1, t]
        rows[2, t] = 0.5 * rows[2, t - 1] + 0.5 * rows[1, t - 1] + e[2, t]
        rows[3, t] = 0.9 * rows[3, t - 1] + e[3, t]
    return dict(zip("abcd", rows[:, 200:], strict=True))


def grid_of(columns, max_lag, degree=3, trials=None):
    values = np.array(list(columns.values()))
    return Grid(
        functions=tuple(functions_of(column, degree) for column in values),
        is_there=~np.isnan(values),
        before=preceding(trials or [values.shape[1]]),
        max_lag=max_lag,
    )


def names(network):
    return [(link.source, link.lag, link.target) for link in network.significant]


class TestCandidates:
    def test_the_statistic_is_that_of_a_regression(self):
        grid = grid_of(chain(120, 0), 4)
        selected = ((1, 1), (0, 3))
        given = Candidates(grid=grid, target=1, selected=selected)
        times = np.arange(4, 120)
        f = grid.functions
        base = np.column_stack([np.ones(116), f[1][:, times - 1].T, f[0][:, times - 3].T])
        y = f[1][0, times]
        sizes = [
            np.linalg.lstsq(np.column_stack([base, *added]), y, rcond=None)[1][0]
            for added in ([], [f[2][:1, times - 2].T], [f[2][:, times - 2].T])
        ]
        freedom = 116 - 7
        expected = min(
            stats.chi2.logsf((freedom - 1 - d / 2) * np.log(sizes[0] / size), d)
            for d, size in ((1, sizes[1]), (3, sizes[2]))
        )
        assert given.log_p(2, [1, 2])[1, 0] == pytest.approx(expected, rel=1e-9)

    @pytest.mark.parametrize("missing", [False, True])
    def test_rotations_are_those_of_the_residuals(self, missing):
        columns = chain(80, 1)
        if missing:
            columns["a"][10:30:4] = np.nan
        given = Candidates(grid=grid_of(columns, 3), target=2, selected=((2, 1),))
        found = given.log_p(0, [1, 2, 3])
        rotated = Candidates(grid=given.grid, target=2, selected=((2, 1),))
        shift = int(given.shifts[5])
        turned = np.roll(given.residuals, shift)
        turned = turned - given.basis @ (given.basis.T @ turned)
        rotated.__dict__["residuals"] = turned
        np.testing.assert_allclose(
            rotated.log_p(0, [1, 2, 3])[:, 0], found[:, 5], rtol=0.02 if missing else 1e-9
        )

    def test_rotations_keep_away_from_lags_that_may_act(self):
        given = Candidates(grid=grid_of(chain(300, 0), 10), target=0, selected=())
        assert given.shifts[0] == 0 and given.shifts[1:].min() == 20
        assert given.shifts.max() == len(given.times) - 20

    @pytest.mark.parametrize("freedom", [1, 2, 3])
    def test_tails_are_those_of_chi_squared(self, freedom):
        statistic = np.array([0.0, 0.1, 5.0, 60.0])
        found = log_tail(statistic, np.full(4, freedom))
        np.testing.assert_allclose(found, stats.chi2.logsf(statistic, freedom), atol=1e-9)
        assert -1.01e5 < log_tail(np.array([2e5]), np.array([freedom]))[0] < -9.9e4

    def test_what_the_selection_explains_is_no_candidate(self):
        grid = grid_of(chain(100, 0), 3)
        given = Candidates(grid=grid, target=1, selected=((0, 2),))
        assert (given.log_p(0, [2]) == 0).all()
        past, log_p, null = smallest(given, [(0, 1), (0, 2), (1, 1)])
        assert past == (1, 1) and log_p < null.min()


class TestTail:
    def test_a_p_value_in_the_bulk_is_a_rank(self):
        null = np.log(np.arange(1, 100) / 100)
        assert tail_p(np.log(0.3), null) == pytest.approx(31 / 100)

    @pytest.mark.parametrize("tests", [1, 12])
    def test_beyond_it_follows_the_smallest_of_several_p_values(self, tests):
        rng = np.random.default_rng(0)
        null = np.log(rng.random((499, tests)).min(axis=1))
        for p in (1e-4, 1e-6):
            assert np.log(tail_p(np.log(p), null)) == pytest.approx(np.log(tests * p), abs=1.2)

    def test_it_is_never_0(self):
        assert tail_p(-1e6, np.log(np.random.default_rng(0).random(99))) > 0


class TestLinks:
    def test_the_links_of_a_chain_are_found_at_their_lags(self):
        found = network(chain(500, 0), max_lag=5)
        assert sorted(names(found)) == [("a", 2, "b"), ("b", 1, "c")]
        assert found.pairs == 12 and [t.own_lags for t in found.targets] == [(1,)] * 4

    def test_values_hold_the_truth(self):
        x, e = noise(2, 1000, 0)
        y = np.r_[0.0, x[:-1]] + e
        link = network({"x": x, "y": y}, max_lag=3).significant[0]
        assert link.lower < np.log(2) / 2 < link.upper and link.upper - link.lower < 0.2

    def test_the_formula_is_that_of_partial_copula_where_it_is_linear(self):
        columns = chain(300, 0)
        own = network(columns, target="b", max_lag=3, degree=1).links
        named = network(columns, target="b", max_lag=3, degree=1, estimator="partial-copula").links
        for one, other in zip(own, named, strict=True):
            assert (one.source, one.lag, one.p_value) == (other.source, other.lag, other.p_value)
            # That one ranks the rows of lags anew.
            assert one.value == pytest.approx(other.value, abs=0.004)
            assert one.upper - one.lower == pytest.approx(other.upper - other.lower, rel=0.1)

    def test_an_estimator_by_name_gives_the_values(self):
        found = network(chain(600, 0), target="b", max_lag=3, estimator="cmi-knn", k=3)
        link = found.significant[0]
        assert (link.source, link.lag, found.options["k"]) == ("a", 2, 3)
        assert link.lower < 0.16 < link.upper and link.n == 598  # ½ log(1 + .25 / (1 − .6²))

    def test_a_common_driver_is_no_link_where_it_is_a_column(self):
        z, e, f = noise(3, 600, 0)
        x = np.r_[0.0, z[:-1]] + 0.5 * e
        y = np.r_[0.0, 0.0, z[:-2]] + 0.5 * f
        assert names(network({"x": x, "y": y}, max_lag=4)) == [("x", 1, "y")]
        found = names(network({"x": x, "y": y, "z": z}, max_lag=4))
        assert sorted(found) == [("z", 1, "x"), ("z", 2, "y")]

    def test_a_sum_that_is_selected_first_is_removed_afterwards(self):
        a, b, e, f = noise(4, 500, 0)
        columns = {"sum": a + b + 0.5 * e, "a": a, "b": b, "y": np.r_[0, (a + b)[:-1]] + 0.5 * f}
        given = Candidates(grid=grid_of(columns, 2), target=3, selected=())
        first, _, _ = smallest(given, [(0, 1), (1, 1), (2, 1)])
        assert first == (0, 1)
        assert names(network(columns, target="y", max_lag=2)) == [("a", 1, "y"), ("b", 1, "y")]

    def test_a_curve_is_found_by_polynomials_only(self):
        x, e = noise(2, 400, 0)
        y = np.r_[0.0, x[:-1] ** 2] + e
        assert names(network({"x": x, "y": y}, max_lag=3)) == [("x", 1, "y")]
        assert names(network({"x": x, "y": y}, max_lag=3, degree=1)) == []

    def test_coupled_logistic_maps(self):
        rng = np.random.default_rng(0)
        x, y = np.empty((2, 600))
        x[0], y[0] = 0.4, 0.3
        for t in range(1, 600):
            x[t] = 3.8 * x[t - 1] * (1 - x[t - 1])
            drive = 0.7 * y[t - 1] + 0.3 * x[t - 1]
            y[t] = 3.8 * drive * (1 - drive)
        observed = np.exp(3 * np.array([x, y]) + 0.1 * rng.standard_normal((2, 600)))
        found = network(dict(zip("xy", observed, strict=True)), max_lag=3).significant
        assert ("x", 1, "y") in [(link.source, link.lag, link.target) for link in found]
        assert found[0].source == "x"

    def test_short_series_are_tested(self):
        found = network(chain(100, 3), max_lag=5)
        assert ("a", 2, "b") in names(found)

    @pytest.mark.slow
    def test_independent_series_have_few_links(self):
        counts = []
        for seed in range(25):
            rows = lfilter([1], [1, -0.8], noise(3, 400, seed))[:, 200:]
            found = network(dict(zip("abc", rows, strict=True)), max_lag=5, surrogates=99)
            counts.append(len(found.significant) > 0)
        assert np.mean(counts) <= 0.05 + 3 * 0.0436  # the standard error of 25 runs at 5 %

    @pytest.mark.slow
    def test_the_false_discovery_rate_is_kept(self):
        shares = []
        for seed in range(100):
            found = names(network(chain(150, seed), max_lag=5, surrogates=199))
            true = {("a", "b"), ("b", "c")}
            shares.append(np.mean([(s, t) not in true for s, _, t in found]) if found else 0.0)
        assert np.mean(shares) <= 0.05 + 3 * np.std(shares) / 10


class TestTables:
    @pytest.mark.slow  # two processes load the library
    def test_the_result_has_the_same_bits_with_any_number_of_jobs(self):
        columns = chain(150, 0)
        whole, two = (network(columns, max_lag=3, surrogates=49, jobs=jobs) for jobs in (1, 2))
        assert [vars(link) for link in two.links] == [vars(link) for link in whole.links]

    def test_a_target_does_not_depend_on_other_targets(self):
        columns = chain(150, 0)
        whole = network(columns, max_lag=3, surrogates=49)
        alone = network(columns, target="c", max_lag=3, surrogates=49)
        kept = [vars(link) for link in whole.links if link.target == "c"]
        assert [vars(link) for link in alone.links] == kept and alone.pairs == 3

    def test_a_column_that_cannot_act_is_left_out(self):
        columns = chain(300, 0)
        columns |= {
            "flat": np.ones(300),
            "copy": np.exp(-columns["a"]),
            "day": pd.date_range("2026-01-01", periods=300),
            "kind": np.array(["u", "v", "w"] * 100),
        }
        found = network(columns, max_lag=3, surrogates=99)
        assert found.names == ("a", "b", "c", "d")
        text = " ".join(map(str, found.warnings))
        for part in ("constant", "monotone function of 'a': 'copy'", "as a clock", "3 categories"):
            assert part in text
        for name in ("flat", "copy", "kind"):
            with pytest.raises(InputError, match=f"`columns` names '{name}', which"):
                network(columns, columns=["a", "b", name], max_lag=3)

    def test_words_of_two_values_act(self):
        rng = np.random.default_rng(0)
        state = np.cumsum(rng.random(500) < 0.2) % 2
        y = np.r_[0, state[:-1]] + rng.standard_normal(500)
        table = pd.DataFrame({"state": np.array(["off", "on"])[state], "y": y})
        assert names(network(table, max_lag=3)) == [("state", 1, "y")]

    def test_series_may_miss_different_times(self):
        columns = chain(500, 0)
        rng = np.random.default_rng(1)
        for column in columns.values():
            column[rng.random(500) < 0.1] = np.nan
        found = network(columns, max_lag=5)
        assert sorted(names(found)) == [("a", 2, "b"), ("b", 1, "c")]
        link = found.significant[0]
        lags = {"a": [2], "b": [0, 1]} if link.target == "b" else {"b": [1], "c": [0, 1]}
        table = pd.DataFrame(columns)
        shifted = [table[name].shift(lag) for name, each in lags.items() for lag in each]
        assert link.n == pd.concat(shifted, axis=1)[5:].notna().all(axis=1).sum()
        with pytest.raises(InputError, match="rows: pass missing='pairwise'"):
            network(columns, max_lag=5, missing="raise")

    def test_no_lag_crosses_from_one_trial_to_the_next(self):
        parts = [
            pd.DataFrame(chain(n, seed)).assign(run=f"r{seed}")
            for seed, n in enumerate((90, 60, 150), start=5)
        ]
        table = pd.concat(parts, ignore_index=True)
        found = network(table, trial="run", max_lag=5)
        assert sorted(names(found)) == [("a", 2, "b"), ("b", 1, "c")]
        assert found.trials == (90, 60, 150) and found.targets[0].n == 300 - 15
        with pytest.raises(InputError, match="rows of one trial are not one after another"):
            network(table.sample(frac=1, random_state=0), trial="run", max_lag=5)

    def test_a_target_with_few_values_says_so(self):
        columns = chain(200, 0)
        columns["d"][20:] = np.nan
        found = network(columns, max_lag=3, surrogates=49)
        assert found.targets[3].note == "17 rows have a value of the target; 40 are needed."
        assert ("a", 2, "b") in names(found)

    @pytest.mark.parametrize(
        ("change", "error", "message"),
        [
            ({"max_lag": 0}, OptionError, "`max_lag` must be a whole number of at least 1"),
            ({"max_lag": 50}, InputError, "30 rows remain after `max_lag` 50, and 40 are needed"),
            ({"degree": 4}, OptionError, "`degree` must be 1, 2 or 3, got 4"),
            ({"alpha": 0}, OptionError, "`alpha` must lie between 0.001 and 0.5, got 0"),
            ({"fdr": 1.0}, OptionError, "`fdr` must lie between 0 and 1, got 1.0"),
            ({"surrogates": 9}, OptionError, "`surrogates` must be a whole number of at least 19"),
            ({"estimator": "ksg"}, OptionError, "`estimator` must have a condition, which ksg"),
            ({"target": "e"}, OptionError, "`target` names the column 'e'"),
            ({"trial": "a", "target": "a"}, OptionError, "`trial` names 'a', which is a column"),
            ({"jobs": 0}, OptionError, "`jobs` must be a whole number of at least 1"),
            ({"unit": "bans"}, OptionError, "`unit`"),
            ({"missing": "drop"}, OptionError, "`missing` must be 'pairwise' or 'raise'"),
            ({"columns": ["a"]}, InputError, "`table` has 1 usable series: pass at least two."),
        ],
        ids=str,
    )
    def test_what_cannot_be_used_is_refused(self, change, error, message):
        with pytest.raises(error, match=message):
            network(chain(80, 0), **change)


class TestFolder:
    def test_a_run_resumes_and_repeats_nothing(self, tmp_path, monkeypatch):
        columns = chain(120, 0)
        measured = []
        whole = links_target.Engine.measure

        def counted(engine, place):
            if len(measured) == 2:
                raise KeyboardInterrupt
            measured.append(engine.sheet.names[place])
            return whole(engine, place)

        monkeypatch.setattr(links_target.Engine, "measure", counted)
        with pytest.raises(KeyboardInterrupt):
            network(columns, max_lag=3, surrogates=49, out=tmp_path / "run")
        assert measured == ["a", "b"]
        monkeypatch.setattr(links_target.Engine, "measure", whole)
        read = Folder.read
        seen = []
        monkeypatch.setattr(Folder, "read", lambda f, name: (seen.append(name), read(f, name))[1])
        found = network(columns, max_lag=3, surrogates=49, out=tmp_path / "run")
        assert seen == ["a", "b"]
        plain = network(columns, max_lag=3, surrogates=49)
        assert [vars(link) for link in found.links] == [vars(link) for link in plain.links]
        stored = json.loads((tmp_path / "run" / "network.json").read_text())
        assert stored["links"] == found.to_dict()["links"]
        with pytest.raises(OptionError, match="holds a network with max_lag that differ"):
            network(columns, max_lag=4, surrogates=49, out=tmp_path / "run")
        columns["a"][0] += 1
        with pytest.raises(OptionError, match="holds a network with values that differ"):
            network(columns, max_lag=3, surrogates=49, out=tmp_path / "run")

    def test_a_damaged_target_is_named(self, tmp_path):
        network(chain(120, 0), max_lag=2, surrogates=19, out=tmp_path)
        (tmp_path / "targets" / "000001.json").write_text('{"name": "b"}')
        with pytest.raises(InputError, match=r"000001\.json` does not hold the target 'b'"):
            network(chain(120, 0), max_lag=2, surrogates=19, out=tmp_path)


def test_progress_says_how_many_targets_and_the_time_left():
    texts = []
    network(chain(100, 0), max_lag=2, surrogates=19, progress=lambda f, t: texts.append((f, t)))
    assert texts[0] == (0.0, "0 of 4 targets") and texts[-1][0] == 1.0
    assert texts[1][1].startswith("1 of 4 targets · ") and texts[1][1].endswith(" left")


def test_the_information_of_several_past_values_is_that_of_a_regression():
    columns = chain(400, 0)
    grid = grid_of(columns, 3, degree=1)
    found = information(grid, 1, [(0, 2), (0, 1)], [(1, 1)], 0.95)
    times = np.arange(3, 400)
    f = [function[0] for function in grid.functions]
    base = np.column_stack([np.ones(397), f[1][times - 1]])
    more = np.column_stack([base, f[0][times - 2], f[0][times - 1]])
    before, after = (np.linalg.lstsq(d, f[1][times], rcond=None)[1][0] for d in (base, more))
    plain = np.log(before / after) / 2
    assert plain - 2 / 300 < found.value < plain
    assert mineral.network(columns, target="b", max_lag=3).targets[0].information == pytest.approx(
        plain, abs=0.05
    )


class TestPages:
    def test_a_page_holds_links_targets_and_its_command(self, tmp_path):
        columns = chain(300, 0)
        columns["<b>"] = columns.pop("a")
        found = network(columns, max_lag=3, surrogates=99, seed=4, target=["b", "c"])
        page = tmp_path / "page.html"
        found.report(page)
        text = page.read_text()
        assert "&lt;b&gt;" in text and "<b>" not in text
        assert "2 significant links of 6 pairs of a source and a target" in text
        call = "mineral.network(table, target=[&#39;b&#39;, &#39;c&#39;], max_lag=3, surrogates=99"
        assert call in text

    def test_the_call_has_the_options_of_the_estimator(self):
        found = network(chain(200, 0), max_lag=2, surrogates=19, estimator="cmi-knn", k=3)
        assert python_call(found) == (
            "mineral.network(table, max_lag=2, surrogates=19, estimator='cmi-knn', k=3)"
        )

    def test_the_call_that_is_printed_gives_the_same_network(self):
        rng = np.random.default_rng(0)
        table = chain(200, 0) | {"e": rng.integers(0, 2, 200), "t": np.repeat([0, 1], 100)}
        options = {"columns": ["a", "b", "e"], "trial": "t", "types": {"e": "category"}}
        found = network(table, max_lag=2, surrogates=19, seed=3, **options)
        names = {"mineral": mineral, "table": table}
        again = eval(python_call(found), names)  # as a user would paste it
        assert again.names == found.names == ("a", "b", "e") and again.trials == (100, 100)
        assert again.links == found.links and len(found.links) > 0

    def test_many_series_are_a_table(self):
        rng = np.random.default_rng(0)
        rows = rng.standard_normal((18, 80))
        rows[1, 1:] += 3 * rows[0, :-1]
        found = network(rows.T, target=["1", "2"], max_lag=2, surrogates=19)
        axes = pictures.table(found).axes[0]
        assert [text.get_text() for text in axes.texts] == [str(s.lag) for s in found.significant]
        assert len(pictures.overview(found).axes) == len(pictures.bars(found).axes) == 1

    def test_the_graph_has_an_arrow_for_each_pair(self):
        found = network(chain(300, 0), max_lag=3, surrogates=99)
        axes = pictures.overview(found).axes[0]
        assert len(pictures.arrows(found)) == 2
        arrows = [patch for patch in axes.patches if type(patch).__name__ == "FancyArrowPatch"]
        assert len(arrows) == 2
        assert {"2", "1", "own 1"} <= {text.get_text() for text in axes.texts}


class TestFrames:
    @pytest.fixture
    def found(self):
        return network(chain(200, 0), max_lag=3, surrogates=99, unit="bits")

    def test_units_and_rows(self, found):
        plain = network(chain(200, 0), max_lag=3, surrogates=99)
        assert found.links[0].value == pytest.approx(plain.links[0].value / np.log(2))
        frame = found.frame("pandas")
        assert list(frame.columns) == list(COLUMNS) and len(frame) == len(found)
        assert frame.significant.sum() == len(found.significant)
        with pytest.raises(OptionError, match="`library` must be one of"):
            found.frame("excel")

    def test_files_hold_the_links(self, found, tmp_path):
        for ending, read in (("csv", pd.read_csv), ("parquet", pd.read_parquet)):
            path = tmp_path / f"links.{ending}"
            getattr(found, f"to_{ending}")(path)
            frame = read(path)
            np.testing.assert_allclose(frame.value, [link.value for link in found.links])
            assert frame.source.tolist() == [link.source for link in found.links]

    def test_q_values_count_pairs_without_a_link(self, found):
        p = sorted(link.p_value for link in found.links)
        assert found.q_value[0] == pytest.approx(p[0] * 12)


class TestCommand:
    @pytest.fixture
    def table(self, tmp_path):
        path = tmp_path / "series.csv"
        pd.DataFrame(chain(200, 0)).assign(run="u").to_csv(path, index=False)
        return path

    def test_it_is_the_function(self, table, tmp_path, capsys):
        words = ["network", str(table), "--max-lag", "3", "--surrogates", "99", "--trial", "run"]
        assert main([*words, "--json"]) == 0
        printed = json.loads(capsys.readouterr().out)
        found = network(pd.read_csv(table), trial="run", max_lag=3, surrogates=99).to_dict()
        assert printed["links"] == found["links"] and printed["targets"] == found["targets"]

    def test_it_writes_what_is_named(self, table, tmp_path, capsys):
        words = ["network", str(table), "--max-lag", "3", "--surrogates", "19", "--columns"]
        words += ["a,b", "--target", "b", "--save", str(tmp_path / "links.json")]
        words += ["--picture", str(tmp_path / "n.png"), "--report", str(tmp_path / "n.html")]
        assert main(words) == 0
        out = capsys.readouterr().out
        assert out.count("Written:") == 3 and "1 significant link of 1 pair (" in out
        page = (tmp_path / "n.html").read_text()
        assert "--target b --columns a,b --max-lag 3 --surrogates 19" in page
        assert json.loads((tmp_path / "links.json").read_text())["pairs"] == 1

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["--save", "links.xls"], "`--save` must end in one of .csv, .parquet, .json"),
            (["--picture", "no/net.png"], "`--picture` needs the directory"),
            (["--fdr", "2"], "`fdr` must lie between 0 and 1"),
            (["--trial", "runs"], "runs"),
        ],
        ids=str,
    )
    def test_what_cannot_be_used_is_refused(self, table, words, message, capsys):
        assert main(["network", str(table), *words]) == 2
        assert message in capsys.readouterr().err
