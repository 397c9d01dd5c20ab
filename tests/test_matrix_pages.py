"""Files, pictures and the page of a matrix."""

import base64
import csv
import hashlib
import io
import json

import numpy as np
import pytest

import mineral
from mineral import MissingExtraError, OptionError, matrix
from mineral.pairs.pages import graph, pictures
from mineral.pairs.pages.page import in_html, python_call

RNG = np.random.default_rng(0)
GROUP = RNG.standard_normal((200, 1))
HOSTILE = ["<script>alert(1)</script>", "=cmd|' /C calc'!A0", "a,b", "$x^2$", "_hidden"]
VALUES = RNG.standard_normal((200, 5)) + GROUP * [1, 0, 1, 0, 1]
TABLE = dict(zip(HOSTILE, VALUES.T, strict=True))


@pytest.fixture(scope="module")
def found():
    return matrix(TABLE)


@pytest.fixture(scope="module")
def with_notes():
    values = VALUES.copy()
    values[2:, 0] = np.nan
    return matrix(values, estimator="auto", permutations=0, columns=["0", "1", "2"])


def test_csv_is_guarded_against_formulas_and_has_every_number(found, tmp_path):
    found.to_csv(tmp_path / "pairs.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "pairs.csv").read_text())))
    assert len(rows) == len(found) == 10
    assert {row["x"] for row in rows} >= {HOSTILE[0], f"'{HOSTILE[1]}"}
    for name in ("value", "p_value", "q_value"):
        assert [float(row[name]) for row in rows] == getattr(found, name).tolist()


def test_json_has_null_for_what_is_missing(with_notes, tmp_path):
    with_notes.to_json(tmp_path / "pairs.json")
    read = json.loads((tmp_path / "pairs.json").read_text())
    assert read["matrix"][0]["value"] is None and "at least" in read["matrix"][0]["note"]
    assert read["matrix"][2]["value"] == with_notes.value[2]
    assert read["pairs"] == 3 and read["warnings"][0]["code"] == "pairs-without-value"


def test_parquet_has_the_columns_of_the_frame(with_notes, tmp_path):
    pandas = pytest.importorskip("pandas")
    parquet = pytest.importorskip("pyarrow.parquet")
    with_notes.to_parquet(tmp_path / "pairs.parquet")
    read = parquet.read_table(tmp_path / "pairs.parquet").to_pandas()
    frame = with_notes.frame("pandas")
    assert list(read.columns) == list(frame.columns)
    for name in frame:
        left, right = read[name].astype(object), frame[name].astype(object)
        pandas.testing.assert_series_equal(left.fillna("none"), right.fillna("none"))


def test_columns_of_a_cluster_are_neighbours(found):
    values = matrix(VALUES).array()
    order = [int(i) for i in pictures.clustered(values)]
    places = sorted(order.index(i) for i in (0, 2, 4))
    assert places[2] - places[0] == 2
    assert sorted(order) == list(range(5))
    assert pictures.clustered(np.full((2, 2), np.nan)).tolist() == [0, 1]


def test_figures_are_drawn_of_any_matrix(found, with_notes, monkeypatch):
    image = found.plot().axes[0].images[0].get_array()
    assert image.shape == (5, 5)
    assert with_notes.plot() is not None
    names = {label.get_text() for label in found.plot().axes[0].get_xticklabels()}
    assert "$x^2$" in names and "_hidden" in names
    monkeypatch.setattr(pictures, "DRAWN", 3)
    assert set(pictures.shown(found)) == {0, 2, 4}  # of the strongest pairs
    assert found.plot().axes[0].images[0].get_array().shape == (3, 3)


def test_the_page_escapes_names_and_needs_no_network(found):
    page = in_html(found)
    assert page.count("<script") == 1 and "&lt;script&gt;" in page
    assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page
    assert "10 pairs" in page and "q: the false discovery rate" in page


def test_only_the_page_s_own_script_may_run(found):
    page = in_html(found)
    script = page.split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"style-src 'unsafe-inline'; script-src 'sha256-{digest}'\"" in page
    assert 'id="search"' in page and 'id="found"' in page


def test_the_graph_has_dependent_pairs_of_few_columns_only(found, with_notes, monkeypatch):
    pairs = graph.links(found, 0.05)
    assert set(pairs) == set(np.flatnonzero(found.q_value <= 0.05)) != set()
    assert list(found.value[pairs]) == sorted(found.value[pairs], reverse=True)
    lines = graph.graph(found, pairs).axes[0].patches
    assert len(lines) == len(pairs)
    widths = [line.get_linewidth() for line in lines]  # the strongest is drawn last, on top
    assert widths == sorted(widths) and widths[-1] == pytest.approx(graph.THICKEST)
    untested = graph.links(with_notes, 0.05)
    assert set(untested) == set(np.flatnonzero(with_notes.lower > 0))
    monkeypatch.setattr(graph, "NODES", 2)
    assert list(graph.links(found, 0.05)) == [pairs[0]]
    nothing = matrix(np.random.default_rng(3).standard_normal((50, 3)))
    assert len(graph.links(nothing, 1e-9)) == 0
    assert [
        t.get_text() for t in graph.graph(nothing, graph.links(nothing, 1e-9)).axes[0].texts
    ] == ["no dependent pair"]


def test_the_page_counts_dependent_pairs(found):
    assert f"{(found.q_value <= 0.05).sum()} of 10 pairs are dependent" in in_html(found)


def test_the_page_shows_notes_and_warnings(with_notes):
    page = in_html(with_notes)
    assert "pairs-without-value" in page
    assert "are dependent at a false" not in page  # without tests


@pytest.mark.usefixtures("as_users_run_it")
def test_pairs_with_a_target_are_bars():
    found = matrix(VALUES, target=2)
    assert len(found.plot().axes[0].patches) == 4 and "Heat map" not in in_html(found)
    labels = [label.get_text() for label in found.plot().axes[0].get_yticklabels()]
    assert all(label.endswith("· 2") for label in labels)


@pytest.mark.parametrize("out", [None, "folder"])
def test_the_call_that_is_printed_gives_the_same_matrix(tmp_path, out):
    rng = np.random.default_rng(0)
    table = {name: rng.integers(0, 3, 60) for name in "abcd"}
    folder = out and tmp_path / out
    options = {"columns": ["d", "b"], "types": {"b": "category"}, "permutations": 19, "seed": 2}
    found = matrix(table, target="a", estimator="discrete", out=folder, **options)
    names = {"mineral": mineral, "table": table}
    again = eval(python_call(found), names)  # as a user would paste it
    assert again.names == found.names and again.types == found.types
    np.testing.assert_array_equal(again.value, found.value)
    np.testing.assert_array_equal(again.p_value, found.p_value)


def test_a_report_is_written_and_gives_the_call(found, tmp_path):
    found.report(tmp_path / "r.html", title="Birds & bees")
    text = (tmp_path / "r.html").read_text()
    assert "Birds &amp; bees" in text and "mineral.matrix(table)" in text
    other = matrix(VALUES, target="1", given="3", unit="bits")
    other.report(tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text()
    assert (
        "mineral.matrix(table, target=[&#39;1&#39;], given=[&#39;3&#39;], unit=&#39;bits&#39;)"
        in text
    )
    ksg = matrix(VALUES, estimator="ksg", k=5, permutations=9, columns=["0", "1"])
    assert python_call(ksg) == (
        "mineral.matrix(table, columns=['0', '1'], estimator='ksg', permutations=9, k=5)"
    )
    with pytest.raises(OptionError, match=r"ends in \.html"):
        found.report(tmp_path / "r.pdf")


def test_without_matplotlib_a_figure_is_refused(found, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match="Plotting"):
        found.plot()
