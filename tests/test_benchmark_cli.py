"""`mineral benchmark` and `mineral report`: what they pass on, print, and refuse."""

import json
import operator
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarked import SERVE, TASKS, WORKER

from mineral import tasks
from mineral.benchmark import RIVALS, contestants, read
from mineral.benchmark.contestants import lineup, ours, rival
from mineral.benchmark.summary import grouped
from mineral.cli import main
from mineral.errors import OptionError

pytest.importorskip("joblib")
LABEL = operator.attrgetter("label")
DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture(autouse=True)
def _here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(tasks, "suite", lambda name: {"small": TASKS[:2]}[name])
    monkeypatch.setattr(tasks, "find", lambda name: {t.name: t for t in TASKS}[name])


@pytest.fixture
def command(capsys):
    def run(*words):
        status = main([str(word) for word in words])
        return (status, *capsys.readouterr())

    return run


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "quick.py"
    path.write_text(WORKER.format(serve=str(SERVE)))
    return path


@pytest.mark.slow
def test_the_command_runs_and_the_report_shows(command, script, tmp_path):
    words = ["--suite", "small", "--tasks", "normal-0.9", "--estimators", "ksg:k=3"]
    rest = ["--n", "40,60", "--seeds", 2, "--rival", script, "--rival", "scikit-learn"]
    rest += ["--time-limit", 60]
    status, out, err = command("benchmark", *words, *rest, "--out", "there")
    assert (status, err) == (0, "") and out.startswith("36 new rows, 36 in all, in there.")
    rows = read(tmp_path / "there")
    values = {label: [row.value for row in own] for label, own in grouped(rows, LABEL).items()}
    assert set(values) == {"ksg:k=3", "quick", "scikit-learn"}
    # The same method, but for the way each handles ties and scales.
    np.testing.assert_allclose(values["scikit-learn"], values["ksg:k=3"], atol=0.1)
    assert {row.task for row in rows} == {task.name for task in TASKS}
    assert {row.n for row in rows} == {40, 60} and {row.seed for row in rows} == {0, 1}
    status, out, _ = command("benchmark", *words, *rest, "--out", "there")
    assert out.startswith("0 new rows, 36 in all")
    status, out, err = command("report", "there", "--picture", "board.png", "--out", "page.html")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "page.html", "there/leaderboard.csv", "there/leaderboard.md", "board.png"
    ]  # fmt: skip
    assert Path("page.html").stat().st_size > 10_000 and Path("board.png").exists()
    status, out, _ = command("benchmark", "--compare", "there", "there")
    assert status == 0 and out.count("unchanged, 12 runs") == 3


def test_runs_without_a_value_are_counted(command, tmp_path):
    Path("bad.py").write_text(
        f"import sys; sys.path.insert(0, {str(SERVE)!r})\nfrom serve import Refused, serve\n"
        "def estimate(x, y, *, seed, **_):\n    raise Refused('never')\n"
        "serve(lambda: (estimate, {}))\n"
    )
    words = ["--suite", "small", "--estimators", "", "--rival", "bad.py", "--seeds", 1]
    status, out, _ = command("benchmark", *words)
    assert status == 0 and "Without a value: 2 refused." in out
    assert {row.message for row in read(tmp_path / "results")} == {"never"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--estimators", "gaussian"], "`--suite` or `--tasks` must name at least one task"),
        (["--suite", "small"], "`estimators` names no estimator"),
        (["--suite", "small", "--estimators", "gausian"], "Did you mean 'gaussian'"),
        (["--suite", "small", "--estimators", "ksg:l=5"], "`l` is not an option of ksg"),
        (["--suite", "small", "--estimators", "ksg", "--n", "1e3"], "`--n` takes whole numbers"),
        (["--suite", "small", "--estimators", "ksg", "--seeds", "0"], "`seeds` is empty"),
        (["--suite", "small", "--estimators", "ksg,ksg"], "names 'ksg' twice"),
        (["--suite", "small", "--rival", "nobody"], "neither a script nor one of benchmark-mi"),
        (["--suite", "small", "--rival", "ennemi=/no/python"], "'/no/python' is not one"),
        (["--compare", "a", "b"], "`a` holds no rows.jsonl"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_before_anything_runs(command, words, message, tmp_path):
    status, out, err = command("benchmark", *words)
    assert (status, out) == (2, "") and message in err
    assert re.fullmatch(r"mineral: [^\n]+\n", err)
    assert list(tmp_path.iterdir()) == []


def test_a_report_on_nothing_is_refused(command):
    status, _, err = command("report", "nowhere")
    assert status == 2 and "`nowhere` holds no rows.jsonl" in err


class TestNames:
    def test_of_ours(self):
        found = ours("ksg:k=5:variant=2")
        assert (found.estimator, found.settings) == ("ksg", ("k=5", "variant=2"))
        assert found.command == (sys.executable, "-m", "mineral.benchmark.worker")

    def test_of_rivals(self, script):
        python = sys.executable
        found = rival(f"torch-mist:method=js={python}")
        assert (found.label, found.settings) == ("torch-mist:method=js", ("method=js",))
        assert found.command[0] == python and found.command[1].endswith("torch_mist.py")
        assert rival("ennemi").command[0] == python
        own = rival(f"quick.py={python}")
        assert (own.label, own.command) == ("quick", (python, str(script)))

    def test_a_virtual_environments_python_stays_its_own(self, script, tmp_path):
        link = tmp_path / "python"
        link.symlink_to(sys.executable)
        assert rival(f"ennemi={link}").command[0] == str(link)

    def test_what_is_no_rival_is_refused(self):
        with pytest.raises(OptionError, match="`--rival` needs NAME or NAME=PYTHON"):
            rival("=x")

    def test_all_together(self):
        labels = [each.label for each in lineup(["ksg", "ksg:k=5"], ["npeet"])]
        assert labels == ["ksg", "ksg:k=5", "npeet"]


class TestTheDocs:
    @pytest.mark.slow
    def test_your_own_task_runs_as_shown(self):
        shown = (DOCS / "benchmark.md").read_text()
        (block,) = re.findall(r"```python\n(.*?)```", shown, flags=re.DOTALL)
        assert "seeds=range(10)" in block
        exec(block.replace("seeds=range(10)", "seeds=range(1)"), {})
        assert {row.status for row in read(Path("coin"))} == {"ok"}

    @pytest.mark.parametrize("name", RIVALS)
    def test_each_rival_is_told_how_to_install(self, name):
        assert f"\n| `{name}` | `pip install " in (DOCS / "rivals.md").read_text()


class TestRivals:
    @pytest.mark.parametrize(
        "name",
        [  # those that load torch first take seconds
            pytest.param(name, marks=[pytest.mark.slow] * (name in ("latentmi", "torch-mist")))
            for name in RIVALS
        ],
    )
    def test_each_has_a_script_that_says_what_it_misses(self, name):
        script = SERVE / contestants.RIVALS[name]
        assert script.is_file()
        # With an interpreter that has NumPy, and perhaps not the library.
        done = subprocess.run(
            [sys.executable, script], input="", capture_output=True, text=True, check=True
        )
        said = json.loads(done.stdout.splitlines()[0])
        assert "ready" in said or re.match("(ModuleNotFound|Import)Error", said["error"])


def test_the_protocol_needs_no_library_of_ours(command, tmp_path):
    # What docs/rivals.md shows to those who write one in another language.
    Path("ten_lines.py").write_text(
        "import json, sys\n"
        "print(json.dumps({'ready': {'ten lines': '1'}}), flush=True)\n"
        "for line in sys.stdin:\n"
        "    job = json.loads(line)\n"
        "    size = len(open(job['x'], 'rb').read())\n"
        "    print('chatter', flush=True)\n"
        "    print(json.dumps({'value': size / 1000, 'seconds': 0.5}), flush=True)\n"
    )
    words = ["--tasks", "normal-0.5", "--n", 50, "--seeds", 2, "--rival", "ten_lines.py"]
    assert command("benchmark", *words)[0] == 0
    found = read(tmp_path / "results")
    assert {(row.label, row.value, row.seconds) for row in found} == {("ten_lines", 0.528, 0.5)}
    assert {row.peak_megabytes for row in found} == {None}
