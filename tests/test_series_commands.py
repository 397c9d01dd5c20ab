"""Lagged information, and the commands of time series."""

import json

import numpy as np
import pytest
from scipy.signal import lfilter

import mineral
from mineral import OptionError, lagged
from mineral.cli import main


def delayed(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(n)
    return x, np.r_[0, 0, x[:-2]] + rng.standard_normal(n)


class TestLagged:
    def test_each_lag_is_an_estimate_of_shifted_series_at_the_same_times(self):
        x, y = delayed(300, 0)
        found = lagged(x, y, [-1, 0, 2], estimator="copula")
        times = np.arange(2, 299)
        for lag, estimate in zip(found.lags, found.estimates, strict=True):
            plain = mineral.estimate(x[times - lag], y[times], estimator="copula")
            assert estimate.value == pytest.approx(plain.value, abs=1e-12) and estimate.n == 297
        assert found.values.index(max(found.values)) == 2
        assert found.intervals[2][0] < np.log(2) / 2 < found.intervals[2][1]
        assert all(low < 0 < high for low, high in found.intervals[:2])

    def test_intervals_allow_for_autocorrelation(self):
        """Independent series with a memory of .9: intervals of independent rows exclude 0 often."""
        held = []
        for seed in range(40):
            x, y = lfilter([1], [1, -0.9], np.random.default_rng(seed).standard_normal((2, 400)))
            found = lagged(x, y, 0, estimator="copula")
            held.append(found.intervals[0][0] <= 0)
        assert np.mean(held) >= 0.95 - 3 * 0.035

    def test_it_is_drawn_and_is_json(self):
        x, y = delayed(200, 0)
        found = lagged(x, y, range(4), estimator="copula", unit="bits")
        axes = found.plot().axes[0]
        assert "bits" in axes.get_ylabel()
        np.testing.assert_allclose(axes.lines[-1].get_ydata(), found.values)
        table = json.loads(json.dumps(found.to_dict()))
        assert table["lags"] == [0, 1, 2, 3] and table["values"] == list(found.values)
        assert table["estimates"][2]["value"] == found.values[2] and table["unit"] == "bits"
        assert len(str(found).splitlines()) >= 5

    @pytest.mark.parametrize("lags", [[], [1, 1], [0.5], True], ids=str)
    def test_lags_that_cannot_be_used_are_refused(self, lags):
        with pytest.raises(OptionError, match="`lags` must be whole numbers"):
            lagged(*delayed(50, 0), lags)


@pytest.fixture
def table(tmp_path):
    x, y = delayed(300, 0)
    path = tmp_path / "series.csv"
    np.savetxt(path, np.c_[x, y], delimiter=",", header="a,b", comments="")
    return path


class TestCommands:
    def test_transfer_is_the_function(self, table, capsys):
        options = ["--lag", "2", "--history", "1", "--permutations", "19", "-e", "partial-copula"]
        assert main(["transfer", str(table), "--source", "a", "--target", "b", *options]) == 0
        assert "Transfer entropy from lag 2 of the source." in capsys.readouterr().out
        words = ["transfer", str(table), "--source", "a", "--target", "b", *options, "--json"]
        assert main(words) == 0
        printed = json.loads(capsys.readouterr().out)
        found = mineral.transfer_entropy(
            *delayed(300, 0), lag=2, history=1, permutations=19, estimator="partial-copula"
        )
        assert printed["value"] == pytest.approx(found.value, abs=1e-9)
        assert printed["p_value"] == found.p_value == 0.05
        assert printed["x_names"] == ["a[t-2]"] and printed["z_names"] == ["b[t-1]"]

    def test_a_report_says_its_command(self, table, tmp_path, monkeypatch):
        page = tmp_path / "page.html"
        words = ["transfer", str(table), "--source", "a", "--target", "b", "-e", "partial-copula"]
        assert main([*words, "--report", str(page)]) == 0
        text = page.read_text()
        assert "mineral transfer" in text and "--source a --target b" in text
        assert "Transfer entropy a → b" in text

    def test_lagged_writes_its_picture(self, table, tmp_path, capsys):
        picture = tmp_path / "lags.png"
        words = ["lagged", str(table), "--x", "a", "--y", "b", "--lags", "-1:3", "-e", "copula"]
        assert main([*words, "--out", str(picture)]) == 0
        assert picture.read_bytes()[:4] == b"\x89PNG"
        assert "Picture:" in capsys.readouterr().out
        assert main([*words, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["lags"] == [-1, 0, 1, 2, 3]

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["transfer", "--source", "a", "--target", "b", "--history", "x"], "`--history` must"),
            (["transfer", "--source", "a", "--target", "b", "--lag", "0"], "transfer entropy is"),
            (["lagged", "--x", "a", "--y", "b", "--lags", "4:1"], "`--lags` must be a range"),
            (["lagged", "--x", "a", "--y", "b", "--lags", "1,z"], "`--lags` must be a range"),
            (["lagged", "--x", "a", "--y", "b", "--out", "lags.pdf"], "`--out` writes .png"),
            (["lagged", "--x", "a", "--y", "b", "--out", "no/lags.png"], "`--out` needs the dir"),
        ],
        ids=str,
    )
    def test_what_cannot_be_used_is_refused(self, table, words, message, capsys):
        assert main([words[0], str(table), *words[1:]]) == 2
        assert message in capsys.readouterr().err
