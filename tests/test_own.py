"""An estimator and a task of a user's own, as docs/own.md says."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import mineral
from mineral.benchmark import lineup, read, run
from mineral.cli import main
from mineral.errors import OptionError
from mineral.methods import Estimator, Measurement
from mineral.settings import as_text, configured, own_estimator, own_tasks

PAGE = (Path(__file__).parent.parent / "docs" / "own.md").read_text()
OWN, USE, TASKS, RUN = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "tasks.py").write_text(TASKS)
    rng = np.random.default_rng(0)
    a = rng.standard_normal(100)
    table = np.c_[a, a + rng.standard_normal(100)]
    np.savetxt(tmp_path / "data.csv", table, delimiter=",", header="a,b", comments="")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("own", "tasks"):
        sys.modules.pop(name, None)


def test_the_estimator_of_the_page_works_from_python(folder, capsys):
    exec(USE, {"np": np, "mineral": mineral})
    assert "correlation, neither" in capsys.readouterr().out


@pytest.mark.slow
def test_the_commands_of_the_page_run(folder, capsys):
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL)
    (estimate, suite), (own, report) = (block.splitlines() for block in blocks)
    assert main([*estimate.split()[1:], "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["estimator"], found["options"]) == ("correlation", {"shrinkage": 0.1})
    assert suite.startswith("mineral benchmark --suite nulls --estimators ksg,own.py:Correlation:")
    assert main([*own.split()[1:], "-q"]) == 0
    rows = read(folder / "own")
    assert {row.label for row in rows} == {"discrete", "own.py:Correlation"}
    assert {row.task for row in rows} == {"coin"} and len(rows) == 4
    ours = [row for row in rows if row.label == "own.py:Correlation"]
    assert all(row.versions["processor"] for row in rows)
    assert all(row.status != "ok" or row.options["shrinkage"] == 0.0 for row in ours)
    assert main(report.split()[1:]) == 0


@pytest.mark.slow
def test_objects_and_classes_take_part(folder):
    import own

    contestants = lineup([own.Correlation(shrinkage=0.25), mineral.KSG(k=5), mineral.Gaussian])
    labels = [each.label for each in contestants]
    assert labels == ["own.py:Correlation:shrinkage=0.25", "ksg:k=5", "gaussian"]
    rows = run(own_tasks("tasks.py"), contestants[:1], sizes=[50], seeds=[0], out="rows")
    (draw,) = (task.draw(50, seed=0) for task in own_tasks("tasks.py"))
    expected = own.Correlation(shrinkage=0.25).estimate(draw.x, draw.y, seed=0)
    assert [row.value for row in rows] == [expected.value]


class Local(Estimator):
    """Has no options."""

    name = "local"
    kind = "neither"

    def measure(self, samples, run):
        return Measurement(value=0.0, stderr=0.0)


def test_a_text_gives_an_estimator_back(folder):
    for made in (mineral.KSG(k=7), mineral.Discrete(correction="nsb"), mineral.Auto(budget="fast")):
        name, *settings = as_text(made).split(":")
        assert configured(name, settings) == made
    assert as_text(Local) == f"{__file__}:Local"
    made = configured("own.py:Correlation", ["shrinkage=0.5"])
    assert made.shrinkage == 0.5 and type(made).__name__ == "Correlation"


def test_what_has_no_text_is_refused(folder):
    class Inside(Local):
        """In a function."""

    for make, says in (
        (lambda: lineup([Inside()]), "must be defined at the top of a .py file"),
        (lambda: lineup([mineral.MINE(critic=mineral.SeparableCritic)]), "`critic` of mine is a "),
        (lambda: own_estimator("own.py:Corelation"), "has no estimator 'Corelation': it has Corr"),
        (lambda: own_estimator("none.py:A"), "`none.py` is no file"),
        (lambda: own_tasks("own.py"), "`own.py` has no tasks"),
    ):
        with pytest.raises(OptionError, match=re.escape(says)):
            make()
    (folder / "broken.py").write_text("1 / 0")
    with pytest.raises(OptionError, match=r"`broken.py` does not run: ZeroDivisionError"):
        own_tasks("broken.py")
