"""A matrix in a folder: killed, resumed, shared between jobs and merged, it is the same file."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from mineral import InputError, MissingExtraError, OptionError, matrix
from mineral.cli import main
from mineral.pairs import copula, each, merge, share
from mineral.pairs.each import Each
from mineral.pairs.execute import forecast
from mineral.pairs.pages.page import python_call
from mineral.pairs.request import prepare
from mineral.settings import own_estimator

pytest.importorskip("pyarrow")
pytest.importorskip("filelock")

RNG = np.random.default_rng(0)
TABLE = RNG.standard_normal((60, 8)) + RNG.standard_normal((60, 1))
TABLE[RNG.random(TABLE.shape) < 0.1] = np.nan
PAIRS = 28


@pytest.fixture(params=["copula", "gaussian"])
def options(request, monkeypatch):
    """Of a matrix of several chunks."""
    monkeypatch.setattr(copula, "PAIRS", 4)
    monkeypatch.setattr(each, "PAIRS", 4)
    return {"estimator": request.param} | ({} if request.param == "copula" else {"permutations": 9})


def content(folder):
    """The bytes of every file of results, by name."""
    names = [folder / "pairs.parquet", *(folder / "chunks").iterdir()]
    return {path.name: path.read_bytes() for path in names}


class StopError(Exception):
    pass


def stop_after(count):
    """A progress function that fails after a number of reports."""
    reports = []

    def report(fraction, text):
        reports.append((fraction, text))
        if len(reports) > count:
            raise StopError

    return report


def test_a_run_that_was_stopped_resumes_and_repeats_nothing(options, tmp_path, monkeypatch):
    whole = matrix(TABLE, out=tmp_path / "whole", **options)
    for count in (1, 3):
        with pytest.raises(StopError):
            matrix(TABLE, out=tmp_path / "part", progress=stop_after(count), **options)
    chunks = tmp_path / "part" / "chunks"
    finished = {path: path.stat().st_mtime_ns for path in chunks.iterdir()}
    assert 2 <= len(finished) < len(list((tmp_path / "whole" / "chunks").iterdir()))
    texts = []
    resumed = matrix(TABLE, out=tmp_path / "part", progress=lambda *r: texts.append(r), **options)
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert content(tmp_path / "part") == content(tmp_path / "whole")
    assert texts[0][0] > 0 and texts[-1] == (1.0, f"{PAIRS} of {PAIRS} pairs · 0 s left")
    for name in ("n", "value", "lower", "upper", "p_value", "q_value"):
        np.testing.assert_array_equal(getattr(resumed, name), getattr(whole, name))
        np.testing.assert_array_equal(getattr(whole, name), getattr(matrix(TABLE, **options), name))
    assert resumed.notes == whole.notes and resumed.warnings == whole.warnings
    computed = []
    monkeypatch.setattr(Each, "measure", lambda *_: computed.append(1))
    monkeypatch.setattr(copula.Copula, "measure", lambda *_: computed.append(1))
    matrix(TABLE, out=tmp_path / "part", **options)
    assert not computed


def test_shares_are_merged(options, tmp_path):
    whole = matrix(TABLE, out=tmp_path / "whole", **options)
    prepared = prepare(
        TABLE, estimator=options["estimator"], permutations=options.get("permutations")
    )
    counts = [share(prepared, tmp_path / "o", part=(i, 3)) for i in (2, 3)]
    with pytest.raises(InputError, match=r"lacks [1-9]"):
        merge(tmp_path / "o")
    counts.append(share(prepared, tmp_path / "o", part=(1, 3), jobs=1))
    assert sum(counts) == len(prepared.request.chunks) and min(counts) > 0
    merged = merge(tmp_path / "o", unit="nats")
    assert content(tmp_path / "o") == content(tmp_path / "whole")
    np.testing.assert_array_equal(merged.value, whole.value)
    assert merged.types == whole.types and merged.estimator == whole.estimator
    np.testing.assert_allclose(merge(tmp_path / "o", unit="bits").value, whole.value / np.log(2))


@pytest.mark.parametrize(("target", "printed"), [(None, ""), (["3", "0"], ", target=['3', '0']")])
def test_the_call_of_a_merged_matrix_names_its_targets(target, printed, tmp_path):
    prepared = prepare(TABLE, target=target, estimator="gaussian", permutations=9)
    share(prepared, tmp_path, part=(1, 1), jobs=1)
    assert python_call(merge(tmp_path)).startswith(f"mineral.matrix(table{printed}, estimator=")


@pytest.mark.parametrize(
    ("table", "changes", "says"),
    [
        (TABLE + 1e-9, {}, "with values that differ"),
        (TABLE[:, :5], {}, "with columns that differ"),
        (TABLE, {"target": "0"}, "with targets that differ"),
        (TABLE, {"confidence": 0.9}, "with confidence that differ"),
        (TABLE, {"estimator": "gaussian"}, "with estimator that differ"),
    ],
)
def test_a_folder_of_other_pairs_is_refused(table, changes, says, tmp_path):
    matrix(TABLE, out=tmp_path)
    before = content(tmp_path)
    with pytest.raises(OptionError, match=says):
        matrix(table, out=tmp_path, **changes)
    assert content(tmp_path) == before


def test_damaged_and_foreign_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="no file"):
        merge(tmp_path)
    (tmp_path / "settings.json").write_text("[]")
    with pytest.raises(InputError, match="damaged"):
        merge(tmp_path)
    (tmp_path / "settings.json").write_text("{}")
    with pytest.raises(InputError, match="not of `mineral matrix`"):
        merge(tmp_path)
    matrix(TABLE, out=tmp_path / "o")
    (chunk,) = (tmp_path / "o" / "chunks").iterdir()
    for damaged in (b"", b"PAR1", chunk.read_bytes()[:200]):
        chunk.write_bytes(damaged)
        with pytest.raises(InputError, match="Parquet"):
            merge(tmp_path / "o")
    matrix(TABLE[:, :5], out=tmp_path / "other")
    chunk.write_bytes((tmp_path / "other" / "chunks" / chunk.name).read_bytes())
    with pytest.raises(InputError, match="does not hold the pairs of chunk 0"):
        merge(tmp_path / "o")


def test_two_runs_of_the_same_share_do_not_meet(tmp_path):
    prepared = prepare(TABLE)

    def again(_fraction, _text):
        with pytest.raises(OptionError, match="in use by another run"):
            share(prepared, tmp_path)
        share(prepared, tmp_path, part=(2, 2))

    share(prepared, tmp_path, progress=again)


def test_without_pyarrow_a_folder_is_refused_at_once(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"mineral\[files\]"):
        matrix(TABLE, out=tmp_path / "o")
    assert not (tmp_path / "o").exists()


def test_a_forecast_counts_pairs_and_computes_few(options, monkeypatch):
    prepared = prepare(TABLE, **options)
    measured = []
    plain = Each.measure

    def counted(engine, chunk):
        measured.append(len(chunk))
        return plain(engine, chunk)

    monkeypatch.setattr(Each, "measure", counted)
    found = forecast(prepared.engine, jobs=2)
    assert found.pairs == PAIRS and found.seconds > 0 and found.megabytes > 100
    assert sum(measured) == (0 if options["estimator"] == "copula" else 4)
    assert str(found).startswith(f"{PAIRS} pairs, about ")


KILLED = """
import sys
import numpy as np
from mineral import matrix
from mineral.pairs import each
each.PAIRS = 4
table = np.load(sys.argv[1])
matrix(table, estimator="ksg", permutations=9, out=sys.argv[2], jobs=int(sys.argv[3]))
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_killed_ten_times_the_file_is_the_same_byte_for_byte(tmp_path):
    pytest.importorskip("joblib")
    table = np.random.default_rng(0).standard_normal((300, 14))
    np.save(tmp_path / "table.npy", table)

    def started(folder, jobs):
        words = [sys.executable, "-c", KILLED, tmp_path / "table.npy", tmp_path / folder, str(jobs)]
        return subprocess.Popen([str(word) for word in words], start_new_session=True)

    assert started("whole", 1).wait() == 0
    finished = {}
    chunks = tmp_path / "part" / "chunks"
    for kill in range(10):
        run = started("part", 1 + kill % 2)
        while run.poll() is None and len(list(chunks.glob("*.parquet"))) <= len(finished):
            time.sleep(0.02)
        time.sleep(0.01 * kill)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        now = {path: path.stat().st_mtime_ns for path in chunks.glob("*.parquet")}
        assert finished.items() <= now.items()  # nothing is repeated
        finished = now
    assert len(finished) >= 10
    assert started("part", 2).wait() == 0
    assert content(tmp_path / "part") == content(tmp_path / "whole")


OWN = """
from dataclasses import dataclass

from mineral import Estimator
from mineral.methods.base import Measurement


@dataclass(frozen=True, kw_only=True)
class Own(Estimator):
    name, kind = "own", "neither"
    offset: float = 1.0

    def measure(self, samples, run):
        return Measurement(value=self.offset + samples.x[0, 0] * samples.y[0, 0], stderr=0.1)
"""


@pytest.mark.slow  # each process imports torch
@pytest.mark.usefixtures("as_users_run_it")
def test_an_estimator_of_a_users_file_runs_in_other_processes(tmp_path, monkeypatch):
    pytest.importorskip("joblib")
    monkeypatch.setattr(each, "PAIRS", 4)
    (tmp_path / "own.py").write_text(OWN)
    kind = own_estimator(f"{tmp_path / 'own.py'}:Own")
    one, two = (
        matrix(TABLE, estimator=kind(offset=2.0), permutations=0, jobs=jobs) for jobs in (1, 2)
    )
    np.testing.assert_array_equal(one.value, two.value)


class TestCommand:
    @pytest.fixture
    def file(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        lines = [",".join("" if v != v else f"{v:.6f}" for v in row) for row in TABLE[:, :4]]
        lines = [f"{line},{'fm'[k % 2]},{k % 3}" for k, line in enumerate(lines)]
        (tmp_path / "t.csv").write_text("\n".join(["a,b,c,d,sex,zone", *lines]) + "\n")
        return tmp_path / "t.csv"

    def test_prints_the_strongest_pairs(self, file, capsys):
        assert main(["matrix", "t.csv", "--columns", "a,b", "--unit", "bits"]) == 0
        printed = capsys.readouterr().out.splitlines()
        assert printed[0].startswith("1 pairs of 2 columns, 60 rows, copula")
        assert printed[1].split() == ["x", "y", "bits", "interval", "p", "q", "n"]
        assert printed[2].split()[:2] == ["a", "b"]

    def test_prints_json(self, file, capsys):
        words = ["matrix", "t.csv", "--target", "zone", "--category", "zone", "-e", "auto"]
        assert main([*words, "--permutations", "0", "--columns", "a,sex", "--json"]) == 0
        printed = json.loads(capsys.readouterr().out)
        assert [(row["x"], row["y"]) for row in printed["matrix"]] == [
            ("a", "zone"),
            ("sex", "zone"),
        ]
        assert printed["types"]["zone"] == "category"
        assert printed["matrix"][0]["p_value"] is None

    def test_writes_what_is_named(self, file, capsys):
        for ending in ("csv", "json", "parquet"):
            assert main(["matrix", "t.csv", "--save", f"p.{ending}"]) == 0
        words = ["matrix", "t.csv", "--given", "d", "--report", "r.html", "--picture", "p.png"]
        assert main(words) == 0
        assert (file.parent / "p.png").read_bytes().startswith(b"\x89PNG")
        assert "mineral matrix t.csv --given d" in (file.parent / "r.html").read_text()
        rows = (file.parent / "p.csv").read_text().splitlines()
        assert len(rows) == 1 + 15 and rows[0].startswith("x,y,n,value,lower,upper,p_value,q_value")

    def test_computes_shares_and_merges_them(self, file, capsys):
        for i in (1, 2):
            assert main(["matrix", "t.csv", "--out", "o", "--array", f"{i}/2"]) == 0
        assert "mineral matrix merge o" in capsys.readouterr().out
        assert main(["matrix", "merge", "o"]) == 0
        assert main(["matrix", "t.csv", "--out", "whole"]) == 0
        assert content(file.parent / "o") == content(file.parent / "whole")

    def test_a_dry_run_writes_nothing(self, file, capsys):
        assert main(["matrix", "t.csv", "--out", "o", "--dry-run"]) == 0
        assert "15 pairs, about" in capsys.readouterr().out
        assert main(["matrix", "t.csv", "--dry-run", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["pairs"] == 15
        assert sorted(path.name for path in file.parent.iterdir()) == ["t.csv"]

    def test_columns_of_an_array_have_numbers(self, file, capsys):
        np.save("t.npy", TABLE[:, :3])
        assert main(["matrix", "t.npy", "--target", "2"]) == 0
        assert "column 2" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            (["t.csv", "--columns", "a,z"], "`columns` names the column 'z'"),
            (["t.csv", "--array", "1/2"], "add --out FOLDER"),
            (["t.csv", "--array", "3/2", "--out", "o"], "1 ≤ I ≤ N"),
            (["t.csv", "--array", "one", "--out", "o"], "such as 3/20"),
            (["t.csv", "--save", "p.xlsx"], "must end in one of .csv"),
            (["t.csv", "--save", "t.csv"], "would overwrite"),
            (["t.csv", "--picture", "p.html"], "must end in one of .png"),
            (["t.csv", "--report", "none/r.html"], "create it first"),
            (["t.csv", "u.csv"], "reads one file"),
            (["t.csv", "--jobs", "0"], "`jobs` must be"),
            (["t.csv", "--set", "k=3"], "copula has no options"),
            (["t.csv", "--missing", "raise"], "Column 'a' has a missing value"),
            (["merge", "none"], "no file"),
        ],
    )
    def test_what_cannot_be_done_is_refused(self, words, says, file, capsys):
        assert main(["matrix", *words]) == 2
        assert says in capsys.readouterr().err
