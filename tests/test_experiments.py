"""The literature's experiments: resumable and repeatable runs, and what each study finds."""

import base64
import html
import json
import math
import os
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import params
from joblib import cpu_count

from mineral.cli import main
from mineral.errors import InputError, MissingExtraError, OptionError
from mineral.experiments import EXPERIMENTS, Conclusion, Experiment, Table, find, run
from mineral.experiments.drawings import canvas


@dataclass(frozen=True, kw_only=True)
class Toy:
    count: int = 3
    scale: float = 1.0
    names: tuple[str, ...] = ("a",)


class Killed(BaseException):
    """As by a signal: nothing catches it."""


def toy(done=None, stop_at=None, name="toy"):
    """Cells that draw a number in each way they may, and note that they ran."""

    def cell(context, k):
        if k == stop_at:
            raise Killed
        if done is not None:
            done.append(context.key)
        context.progress(0.5)
        return {
            "number": context.settings.scale * float(context.rng("shared").random()),
            "own": float(context.rng(context.key).random()),
            "torch": float(torch.rand(())),
            "endless": math.inf,
        }

    def conclude(settings, results):
        return Conclusion(
            metrics={"sum": sum(found["number"] for found in results.values())},
            tables=[Table(title="Numbers", header=["cell", "own"], rows=[["a", "1"]])],
            figures={"picture": canvas(1.0, 1.0)},
            sentences=["It differs."],
        )

    return Experiment(
        name=name,
        title="A toy",
        source="nobody (2026)",
        quick=Toy(),
        full=Toy(count=5),
        cells=lambda settings: {f"cell-{k}": partial(cell, k=k) for k in range(settings.count)},
        conclude=conclude,
    )


def contents(folder):
    """Every file but for seconds and the command, which may differ."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".png":
            found[path.name] = path.read_bytes()
        elif path.suffix == ".json":
            held = json.loads(path.read_text())
            found[path.name] = {k: v for k, v in held.items() if k not in ("seconds", "command")}
    return found


def test_a_run_leaves_its_settings_numbers_figure_and_report(tmp_path):
    out = tmp_path / "deep" / "run"
    conclusion = run(toy(), out=out, changes={"scale": 2, "names": ["b", "c"]}, seed=7)
    made = json.loads((out / "settings.json").read_text())
    assert made["settings"] == {"count": 3, "scale": 2.0, "names": ["b", "c"]}
    assert (made["experiment"], made["mode"], made["seed"]) == ("toy", "quick", 7)
    assert made["versions"]["torch"] == torch.__version__ and made["device"] == "cpu"
    assert json.loads((out / "metrics.json").read_text()) == conclusion.metrics
    assert (out / "picture.png").read_bytes().startswith(b"\x89PNG")
    report = (out / "report.md").read_text()
    command = (
        'mineral experiment toy --quick --seed 7 --set scale=2 --set \'names=["b", "c"]\' '
        f"--out {out}"
    )
    for part in ("# A toy", "nobody (2026)", command, "![picture](picture.png)", "- It differs."):
        assert part in report
    assert "| cell | own |\n| --- | --: |\n| a | 1 |" in report
    page = (out / "report.html").read_text()
    picture = base64.b64encode((out / "picture.png").read_bytes()).decode()
    for part in ("<h1>A toy</h1>", "nobody (2026)", html.escape(command, quote=False), picture):
        assert part.replace("'", "&#39;").replace('"', "&#34;") in page
    for part in ("It differs.", "<h2>Numbers</h2>", "<td>a</td><td>1</td>", "Scroll sideways"):
        assert part in page
    assert "http" not in page.split("<body>")[1] and "<script" not in page
    cell = json.loads((out / "cells" / "cell-1.json").read_text())
    assert cell["found"]["endless"] is None  # what JSON cannot hold


def test_cells_share_what_they_ask_for_and_differ_in_the_rest(tmp_path):
    run(toy(), out=tmp_path / "a")
    found = [json.loads(p.read_text())["found"] for p in (tmp_path / "a" / "cells").iterdir()]
    assert len({each["number"] for each in found}) == 1
    assert len({each["own"] for each in found}) == len({each["torch"] for each in found}) == 3
    run(toy(), out=tmp_path / "b", seed=1)
    other = json.loads((tmp_path / "b" / "cells" / "cell-0.json").read_text())["found"]
    assert other["number"] != found[0]["number"]


def test_a_killed_run_goes_on_where_it_stopped_and_ends_as_an_undisturbed_one(tmp_path):
    first, then = [], []
    with pytest.raises(Killed):
        run(toy(first, stop_at=2), out=tmp_path / "killed", seed=3)
    assert first == ["cell-0", "cell-1"]
    run(toy(then), out=tmp_path / "killed", seed=3, resume=True)
    assert then == ["cell-2"]
    run(toy(), out=tmp_path / "whole", seed=3)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    again = []
    run(toy(again), out=tmp_path / "killed", seed=3, resume=True)
    assert again == []


def test_the_global_generators_are_left_alone(tmp_path):
    before = torch.get_rng_state()
    run(toy(), out=tmp_path / "a")
    assert torch.equal(before, torch.get_rng_state())


def test_progress_tells_the_cell_and_the_share(tmp_path):
    told = []
    run(toy(), out=tmp_path / "a", progress=lambda share, text: told.append((share, text)))
    assert told[0] == (0.0, "cell-0 (1 of 3)") and told[1] == (0.5 / 3, "cell-0 (1 of 3)")
    assert [share for share, _ in told] == sorted(share for share, _ in told)


def machine(_context):
    """What a cell sees of its process."""
    return {"process": os.getpid(), "threads": torch.get_num_threads(), "number": 0.0}


def machines(cell=machine, count=4):
    return replace(toy(), cells=lambda _: {f"cell-{k}": cell for k in range(count)})


@pytest.mark.slow
def test_several_jobs_give_the_same_numbers(tmp_path):
    run(toy(), out=tmp_path / "one", seed=3)
    run(toy(), out=tmp_path / "two", seed=3, jobs=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_jobs_are_processes_that_share_the_cores_and_leave_this_one_alone(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.endswith("_NUM_THREADS")]:
        monkeypatch.delenv(name)
    before = dict(os.environ), torch.get_num_threads(), torch.get_rng_state().tolist()
    run(machines(), out=tmp_path / "a", jobs=2)
    assert before == (dict(os.environ), torch.get_num_threads(), torch.get_rng_state().tolist())
    found = [json.loads(path.read_text())["found"] for path in (tmp_path / "a/cells").iterdir()]
    assert os.getpid() not in {each["process"] for each in found}
    assert {each["threads"] for each in found} == {max(1, cpu_count() // 2)}


@pytest.mark.slow
def test_a_failure_in_a_job_is_the_runs_and_what_was_done_is_kept(tmp_path):
    with pytest.raises(Killed):
        run(toy(stop_at=2), out=tmp_path / "a", seed=3, jobs=2)
    kept = {path.name for path in (tmp_path / "a").rglob("*") if path.is_file()}
    assert kept <= {".lock", "settings.json", "cell-0.json", "cell-1.json"}
    told = []
    run(
        toy(),
        out=tmp_path / "a",
        seed=3,
        resume=True,
        jobs=2,
        progress=lambda *each: told.append(each),
    )
    run(toy(), out=tmp_path / "whole", seed=3)
    assert contents(tmp_path / "a") == contents(tmp_path / "whole")
    assert [share for share, _ in told] == sorted(share for share, _ in told)
    assert told[-1] == (1.0, "drawing")


def curved(context):
    for step in range(3):
        context.log("loss", 1 / (1 + step), step)
    return {"number": 0.0}


def curve(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder)).Reload().Scalars("loss")
    return [(each.step, round(each.value, 3)) for each in found]


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_curves_go_to_tensorboard_where_asked_for(tmp_path, jobs):
    run(machines(curved), out=tmp_path / "a", jobs=jobs, tensorboard=True)
    assert curve(tmp_path / "a" / "tensorboard" / "cell-3") == [(0, 1.0), (1, 0.5), (2, 0.333)]
    kept = json.loads((tmp_path / "a" / "cells" / "cell-3.json").read_text())
    assert kept["logged"] == {"loss": [[0, 1.0], [1, 0.5], [2, pytest.approx(1 / 3)]]}
    run(machines(curved), out=tmp_path / "b")
    assert not (tmp_path / "b" / "tensorboard").exists()


def test_a_cell_begun_again_supersedes_its_curve(tmp_path):
    def dies(context):
        context.log("loss", 9.0, 0)
        context.log("loss", 9.0, 1)
        raise Killed

    with pytest.raises(Killed):
        run(machines(dies, count=1), out=tmp_path / "a", tensorboard=True)
    run(machines(curved, count=1), out=tmp_path / "a", tensorboard=True, resume=True)
    assert curve(tmp_path / "a" / "tensorboard" / "cell-0") == [(0, 1.0), (1, 0.5), (2, 0.333)]


def test_only_curves_need_tensorboard(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    run(machines(curved), out=tmp_path / "a")
    with pytest.raises(MissingExtraError, match=r"mineral\[tensorboard\]"):
        run(machines(curved), out=tmp_path / "b", tensorboard=True)
    assert not (tmp_path / "b").exists()


def lacking(_context):
    raise MissingExtraError("A toy", "toys")


def test_an_error_of_ours_comes_whole_out_of_a_job(tmp_path):
    with pytest.raises(MissingExtraError, match=r"^A toy needs .*mineral\[toys\]"):
        run(machines(lacking), out=tmp_path / "a", jobs=2)


def test_only_several_jobs_need_joblib(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "joblib", None)
    run(toy(), out=tmp_path / "a", jobs=1)
    with pytest.raises(MissingExtraError, match=r"mineral\[benchmark\]"):
        run(toy(), out=tmp_path / "b", jobs=2)
    assert not (tmp_path / "b").exists()


@pytest.mark.slow
def test_jobs_of_a_killed_run_do_not_go_on_by_themselves(tmp_path):
    words = ["experiment", "drifting", "--jobs", "2", "--out", str(tmp_path / "a")]
    entry = "import sys; from mineral.cli import main; sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen([sys.executable, "-c", entry, *words])
    cells = tmp_path / "a" / "cells"
    while not (cells.is_dir() and list(cells.iterdir())):
        assert process.poll() is None
        time.sleep(0.1)
    process.kill()
    process.wait()
    time.sleep(2)
    kept = sorted(cells.iterdir())
    time.sleep(15)
    assert sorted(cells.iterdir()) == kept
    assert all(path.suffix == ".json" and json.loads(path.read_text()) for path in kept)


def held_by_others(folder):
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")


def held_by_a_run(folder):
    run(toy(), out=folder)


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("held", [(), ("cells/",), (".lock", ".settings.json.k4xq"), (".lock",)])
def test_a_run_killed_before_its_settings_were_written_can_be_run_again(tmp_path, held, resume):
    (tmp_path / "out").mkdir()
    for name in held:
        path = tmp_path / "out" / name
        path.mkdir() if name.endswith("/") else path.write_text("{ha")
    done = []
    run(toy(done), out=tmp_path / "out", seed=3, resume=resume)
    run(toy(), out=tmp_path / "whole", seed=3)
    assert len(done) == 3 and contents(tmp_path / "out") == contents(tmp_path / "whole")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names - {".lock"} == {
        "cells",
        "settings.json",
        "metrics.json",
        "picture.png",
        "report.md",
        "report.html",
    }


@pytest.mark.parametrize("name", ["cells/notes.txt", ".settings.json.k4xq/a", ".secret"])
def test_what_no_killed_run_leaves_is_somebody_elses(tmp_path, name):
    (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "out" / name).write_text("years of work")
    with pytest.raises(OptionError, match="not from an experiment"):
        run(toy(), out=tmp_path / "out", resume=True)
    assert [p.name for p in (tmp_path / "out").rglob("*") if p.is_file()] == [Path(name).name]


def test_two_runs_do_not_write_into_one_folder(tmp_path):
    def second(_fraction, _text):
        with pytest.raises(OptionError, match="in use by another run"):
            run(toy(), out=tmp_path / "a", resume=True)

    run(toy(), out=tmp_path / "a", progress=second)
    with pytest.raises(Killed):
        run(toy(stop_at=1), out=tmp_path / "b")
    run(toy(), out=tmp_path / "b", resume=True)  # the lock goes with the run that had it


@pytest.mark.parametrize(
    ("prepare", "options", "says"),
    [
        (held_by_others, {}, "not from an experiment"),
        (held_by_others, {"resume": True}, "not from an experiment"),
        (lambda folder: folder.write_text("a file"), {}, "not from an experiment"),
        (held_by_a_run, {}, "holds a run: resume it"),
        (held_by_a_run, {"resume": True, "seed": 1}, "made with seed = 0, not 1"),
        (held_by_a_run, {"resume": True, "mode": "full"}, "made with count = 3, not 5"),
        (
            held_by_a_run,
            {"resume": True, "changes": {"scale": 0.5}},
            "made with scale = 1.0, not 0.5",
        ),
    ],
)
def test_a_folder_of_another_run_or_of_somebody_else_is_refused(tmp_path, prepare, options, says):
    prepare(tmp_path / "out")
    before = {p: p.read_bytes() for p in (tmp_path).rglob("*") if p.is_file()}
    with pytest.raises(OptionError, match=says) as refusal:
        run(toy(), out=tmp_path / "out", **options)
    assert "\n" not in str(refusal.value)
    assert before == {p: p.read_bytes() for p in (tmp_path).rglob("*") if p.is_file()}


def test_another_experiments_folder_is_refused(tmp_path):
    run(toy(name="other"), out=tmp_path / "a")
    with pytest.raises(OptionError, match="experiment = 'other', not 'toy'"):
        run(toy(), out=tmp_path / "a", resume=True)


def test_a_cell_that_was_made_with_other_settings_is_refused(tmp_path):
    run(toy(), out=tmp_path / "a")
    run(toy(), out=tmp_path / "b", changes={"scale": 2.0})
    foreign = (tmp_path / "b" / "cells" / "cell-1.json").read_bytes()
    (tmp_path / "a" / "cells" / "cell-1.json").write_bytes(foreign)
    with pytest.raises(OptionError, match=r"cell-1.json` was made with scale = 2.0, not 1.0"):
        run(toy(), out=tmp_path / "a", resume=True)
    (tmp_path / "a" / "cells" / "cell-1.json").write_text("[half")
    with pytest.raises(InputError, match=r"cell-1.json` is not from a run of this experiment"):
        run(toy(), out=tmp_path / "a", resume=True)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"changes": {"stepz": 3}}, "`stepz` is not a setting of toy: choose from count"),
        ({"changes": {"count": "many"}}, "`count` must be as 3, got 'many'"),
        ({"changes": {"count": 2.5}}, "`count` must be as 3, got 2.5"),
        ({"changes": {"names": "b"}}, "`names` must be a list"),
        ({"changes": {"names": [1]}}, "`names` must be as 'a', got 1"),
        ({"mode": "slow"}, "`mode` must be 'quick' or 'full'"),
        ({"seed": -1}, "`seed` must be"),
        ({"jobs": 0}, "`jobs` must be at least 1, got 0"),
        ({"device": "quantum"}, "`device` 'quantum' is not available"),
    ],
)
def test_a_wrong_option_leaves_no_folder(tmp_path, options, says):
    with pytest.raises(OptionError, match=says):
        run(toy(), out=tmp_path / "a", **options)
    assert not (tmp_path / "a").exists()


def test_a_key_that_is_no_name_of_a_file_is_refused(tmp_path):
    bad = Experiment(
        name="bad",
        title="",
        source="",
        quick=Toy(),
        full=Toy(),
        cells=lambda _: {"../up": lambda _: {}},
        conclude=lambda *_: Conclusion(metrics={}),
    )
    with pytest.raises(OptionError, match="`cells` must have keys such as"):
        run(bad, out=tmp_path / "a")


def test_every_experiment_has_keys_that_name_files():
    from mineral.experiments.runner import KEY

    for name, experiment in EXPERIMENTS.items():
        assert experiment.name == name == find(name).name
        for settings in map(experiment.settings, experiment.modes):
            assert all(KEY.fullmatch(key) for key in experiment.cells(settings))
    with pytest.raises(OptionError, match="Did you mean 'staircase'"):
        find("stairs")


@pytest.fixture
def command(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)

    def call(*words):
        status = main(["experiment", *map(str, words)])
        return (status, *capsys.readouterr())

    return call


MINUTE = {
    "estimation": {
        "dims": [1, 2],
        "correlations": [-0.849, 0.0, 0.849],
        "rows": 100,
        "methods": ["ksg", "gaussian"],
    },
    "nonlinear": {"sigmas": [0.1, 0.9], "rows": 100, "methods": ["ksg", "gaussian"]},
    "staircase": {
        "trainings": ["infonce", "dv", "tuba", "js", "remine", "doe-logistic"],
        "steps": 4,
        "batch": 8,
        "levels": [2.0, 4.0],
        "joint_hidden": [8],
        "separable_hidden": [8],
        "kinds": ["gaussian", "cubic"],
    },
    "drifting": {"steps": 6, "sweep_steps": 4, "averaged": 3},
    "limits": {
        "dim": 4,
        "batch": 8,
        "steps": 3,
        "held_out": 2,
        "cases": ["gaussian-0.5", "student-0.5"],
    },
    "consistency": {
        "methods": ["nwj", "js", "smile-1", "smile-inf"],
        "rows": [7, 28],
        "steps": 2,
        "batch": 8,
        "channels": [2, 2],
        "hidden": 4,
        "test_images": 40,
    },
    "gradients": {
        "dims": [2],
        "correlations": [-0.5, 0.5],
        "rows": 16,
        "hidden": [8],
        "short_steps": 2,
        "long_steps": 3,
        "repeats": 2,
    },
}


IMAGES = np.random.default_rng(0).random((200, 28, 28), dtype=np.float32)


@pytest.fixture(scope="module", autouse=True)
def images():
    """In the place of MNIST, which may not be here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mineral.experiments.estimators.consistency._images", lambda _part: IMAGES)
        yield


@pytest.fixture(scope="module")
def brief(tmp_path_factory):
    """Each study once, with minute settings: its folder and metrics."""
    ran = {}

    def once(name):
        if name not in ran:
            folder = tmp_path_factory.mktemp("runs") / name
            ran[name] = folder, run(find(name), out=folder, changes=MINUTE[name])
        return ran[name]

    return once


# `nonlinear`, whole: test_mine_studies.py.
@pytest.mark.parametrize(
    "name", params([*MINUTE], {*MINUTE} - {"staircase", "nonlinear", "limits", "drifting"})
)
def test_each_study_writes_tables_figures_and_a_report(brief, name):
    folder, conclusion = brief(name)
    report = (folder / "report.md").read_text()
    assert conclusion.tables and conclusion.figures and conclusion.sentences
    for table in conclusion.tables:
        assert table.title in report
        assert {len(row) for row in table.rows} == {len(table.header)}
    for figure in conclusion.figures:
        assert (folder / f"{figure}.png").stat().st_size > 2000
    assert f"mineral experiment {name} --quick" in report
    assert set(json.loads((folder / "metrics.json").read_text())) == set(conclusion.metrics)


@pytest.mark.slow
def test_the_staircase_has_each_method_at_each_level(brief):
    metrics = brief("staircase")[1].metrics
    assert set(metrics) == {
        f"{kind} {critic}" for kind in ("gaussian", "cubic") for critic in ("joint", "separable")
    }
    for methods in metrics.values():
        assert {"infonce", "tuba", "smile-1", "smile-inf", "remine-j", "doe-logistic"} < set(
            methods
        )
        for found in methods.values():
            bias, variance, mse = (np.array(found[s]) for s in ("bias", "variance", "mse"))
            assert mse == pytest.approx(bias**2 + variance, rel=1e-6)
    # Of four steps, a critic has learned nothing: nearly all of the truth is missing.
    untrained = metrics["gaussian joint"]["infonce"]["bias"]
    assert untrained == pytest.approx([-2, -4], abs=0.3)


@pytest.mark.slow
def test_the_staircase_puts_the_published_numbers_where_they_belong(brief):
    tables = {table.title: table for table in brief("staircase")[1].tables}
    bias = next(
        t for title, t in tables.items() if title.startswith("gaussian, joint critic: bias")
    )
    rows = {row[0]: row for row in bias.rows}
    assert rows["`infonce`"][1].endswith("(−0.30)") and rows["`infonce`"][2].endswith("(−1.00)")
    assert "(" not in rows["`dv`"][1] and "(" not in rows["`smile-1`"][1]
    others = [t for title, t in tables.items() if not title.startswith("gaussian, joint")]
    assert all("(" not in cell for t in others for row in t.rows for cell in row)


@pytest.mark.slow
def test_drifting_settles_where_the_penalty_says(tmp_path):
    changes = {"steps": 200, "sweep_steps": 100, "targets": [2.0, -3.0], "penalties": [0.1]}
    changes |= {"sizes": [8], "averaged": 50, "target_penalty": 1.0}
    metrics = run(find("drifting"), out=tmp_path / "a", changes=changes).metrics
    assert set(metrics["target+2"]) == {"level", "wandered", "value_sd", "micro", "macro"}
    assert metrics["target+2"]["level"] == pytest.approx(2, abs=0.1)
    assert metrics["target-3"]["level"] == pytest.approx(-3, abs=0.1)
    assert abs(metrics["drift-plain"]["level"]) < 1  # where nothing draws it


@pytest.mark.slow
def test_a_difference_of_entropies_is_near_the_truth_where_its_family_fits(tmp_path):
    changes = {"dim": 8, "steps": 200, "cases": ["gaussian-0.5", "cubic-0.5"]}
    changes |= {"methods": ["doe-gaussian", "infonce"], "learning_rates": [0.001, 0.01]}
    metrics = run(find("limits"), out=tmp_path / "a", changes=changes).metrics
    fits = metrics["gaussian-0.5"]
    assert fits["truth"] == pytest.approx(-4 * math.log(0.75))
    found = fits["methods"]["doe-gaussian"]
    # 20 batches of 128: a standard error of 0.03 and, after 200 steps, not all is learned.
    assert found["value"] == pytest.approx(fits["truth"], abs=0.12)
    assert found["setting"] == "64-0.01"
    wrong = metrics["cubic-0.5"]["methods"]["doe-gaussian"]
    assert abs(wrong["value"] - fits["truth"]) > 0.3
    assert metrics["log N"] == math.log(128)


def test_what_is_chosen_is_what_held_out_batches_prefer_and_not_the_truth():
    from mineral.experiments.estimators.limits import _choose

    runs = {
        "a": {"choosing": 3.0, "value": 7.0, "value_sd": 0.1},
        "b": {"choosing": 2.0, "value": 5.0, "value_sd": 0.2},
        "c": {"choosing": None, "value": 5.1, "value_sd": 0.2},
    }
    assert _choose(runs, truth=5.1) == {"value": 7.0, "sd": 0.1, "setting": "a", "by_truth": 5.0}


@pytest.mark.parametrize("case", ["gaussian-0.5", "cubic-0.5", "swapped-0.5", "student-0.5"])
def test_the_cases_of_the_limits_carry_the_information_they_say(case):
    from mineral.experiments.estimators.limits import task_of

    task = task_of(case, 3)
    drawn = task.draw(20_000, seed=0)
    error = drawn.pmi.std() / math.sqrt(len(drawn.pmi))
    assert drawn.pmi.mean() == pytest.approx(task.information, abs=4 * error)
    heavy = {side: (getattr(drawn, side) ** 4).mean() > 6 for side in "xy"}
    assert heavy["y"] == (case in ("cubic-0.5", "student-0.5"))
    assert heavy["x"] == (case in ("swapped-0.5", "student-0.5"))


@pytest.mark.slow
def test_mige_gives_the_gradient_without_training_and_critics_once_they_learned(tmp_path):
    changes = {"dims": [2], "correlations": [-0.6, 0.6], "hidden": [32], "long_steps": 400}
    changes |= {"short_steps": 5, "long_rate": 0.005, "repeats": 4, "rows": 128}
    metrics = run(find("gradients"), out=tmp_path / "a", changes=changes).metrics
    truth = np.array([-2, 2]) * 0.6 / 0.64
    assert metrics["mige"]["2"]["gradients"] == pytest.approx(truth, rel=0.15)
    assert metrics["mine-5"]["2"]["error"] > 0.8  # the slope of nothing
    assert metrics["mine-400"]["2"]["gradients"] == pytest.approx(truth, rel=0.35)
    assert set(metrics) == {
        "mige",
        "mige-published",
        "mine-5",
        "mine-400",
        "mine-f-5",
        "mine-f-400",
    }


def test_what_is_consistent_scores_zero():
    from mineral.experiments.estimators.consistency import TESTS, Settings, _judged

    settings = Settings(rows=(1, 2, 3), methods=("smile-5",))
    single = np.array([0.05, 2.0, 4.0])  # the first is too little to divide by
    wanted = dict(zip(TESTS, (single, single, 2 * single), strict=True))

    def judged(values):
        results = {
            f"{test}.rows{rows}.js": {"smile-5": value}
            for test in TESTS
            for rows, value in zip(settings.rows, values[test], strict=True)
        }
        return _judged(settings, "smile-5", results)

    scores = ("baseline_score", "processing_score", "additivity_score")
    assert [judged(wanted)[name] for name in scores] == [0, 0, 0]
    assert judged(wanted)["baseline_ratio"] == [0.0125, 0.5, 1]
    falls = judged({**wanted, "single": single[[0, 2, 1]]})  # 0.025, 2, 1: above 1 by one
    assert falls["baseline_score"] == pytest.approx(1 / 3)
    assert falls["processing_score"] == pytest.approx((0.5 + 1) / 2)
    assert falls["additivity_score"] == pytest.approx((1 + 2) / 2)
    nothing = judged({**wanted, "single": np.array([0.05, 2.0, -1e30])})
    assert np.isnan(nothing["baseline_ratio"]).all()


def test_pairs_of_images_are_what_each_law_is_about():
    from mineral.experiments.estimators.consistency import _pairs

    rng, cpu = np.random.default_rng(0), torch.device("cpu")
    seen = {test: _pairs(IMAGES, test, 10, 3, rng, cpu) for test in ("single", "processing", "add")}
    x, y = (side.view(200, 28, 28).numpy() for side in seen["single"])
    assert np.array_equal(x, IMAGES) and np.array_equal(y[:, :10], IMAGES[:, :10])
    assert not y[:, 10:].any()
    x, y = (side.view(200, 2, 28, 28).numpy() for side in seen["processing"])
    assert np.array_equal(x[:, 0], x[:, 1]) and np.array_equal(y[:, 1, :7], IMAGES[:, :7])
    assert y[:, 0, 9].all() and not y[:, 1, 7:].any()
    x, y = (side.view(200, 2, 28, 28).numpy() for side in seen["add"])
    assert np.array_equal(y[:, :, :10], x[:, :, :10]) and not y[:, :, 10:].any()
    assert (x[:, 0] != x[:, 1]).any(axis=(1, 2)).mean() > 0.95  # a shuffle may keep a few


def test_the_critic_of_images_scores_a_grid_as_it_scores_each_pair():
    from mineral.experiments.estimators.consistency import PairOfImages

    critic = PairOfImages(2 * 784, 2 * 784, channels=(3, 4), hidden=5)
    x, y = torch.rand(2, 3, 2 * 784)
    grid = critic(x[:, None], y[None])
    assert grid.shape == (3, 3)
    assert torch.allclose(grid[1, 2], critic(x[1], y[2]), atol=1e-6)
    both = torch.cat([x[1].view(2, 28, 28), y[2].view(2, 28, 28)])[None]
    weight = torch.cat([critic.of_x.weight, critic.of_y.weight], dim=1)
    first = torch.nn.functional.conv2d(both, weight, critic.of_x.bias, stride=2, padding=2)
    assert torch.allclose(critic.rest(first).squeeze(), grid[1, 2], atol=1e-5)


def test_the_command_lists_runs_and_resumes(command):
    status, out, err = command("list")
    assert (status, err) == (0, "") and all(name in out for name in EXPERIMENTS)
    sets = [w for k, v in MINUTE["limits"].items() for w in ("--set", f"{k}={json.dumps(v)}")]
    words = ["limits", *sets, "--set", 'cases=["gaussian-0.5"]', "--set", 'methods=["nwj"]']
    status, out, err = command(*words, "--out", "here")
    assert (status, err) == (0, "") and "here/report.html" in out
    made = json.loads(Path("here/settings.json").read_text())
    assert made["settings"]["methods"] == ["nwj"] and made["mode"] == "quick"
    assert command(*words, "--out", "here")[0] == 2
    assert command(*words, "--out", "here", "--resume")[0] == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nothing",), "no experiment 'nothing'"),
        (("limits", "--quick", "--full"), "exclude each other"),
        (("gan-points", "--standard", "--full"), "exclude each other"),
        (("gan-points", "--quick", "--standard"), "exclude each other"),
        (("limits", "--standard"), "not defined for limits, only for estimation, "),
        (("limits", "--set", "steps"), "SETTING=VALUE"),
        (("limits", "--set", "steps=few"), "`steps` must be as 1000, got 'few'"),
    ],
)
def test_the_command_refuses_in_one_line(command, words, says):
    status, out, err = command(*words)
    assert (status, out) == (2, "") and says in err and err.count("\n") == 1
    assert not list(Path().iterdir())


def test_a_standard_mode_is_run_recorded_resumed_and_optional(tmp_path):
    plain, three = toy(), replace(toy(), standard=Toy(count=4))
    assert plain.modes == ("quick", "full") and three.modes == ("quick", "standard", "full")
    with pytest.raises(OptionError, match="`mode` must be 'quick' or 'full' for toy, got 'stand"):
        run(plain, out=tmp_path / "a", mode="standard")
    killed = replace(toy(stop_at=2), standard=Toy(count=4))
    with pytest.raises(Killed):
        run(killed, out=tmp_path / "a", mode="standard")
    made = json.loads((tmp_path / "a" / "settings.json").read_text())
    assert made["mode"] == "standard" and made["settings"]["count"] == 4
    assert " --standard " in made["command"]
    with pytest.raises(OptionError, match="made with count = 4, not 3"):
        run(three, out=tmp_path / "a", resume=True)
    run(three, out=tmp_path / "a", mode="standard", resume=True)
    assert len(list((tmp_path / "a" / "cells").iterdir())) == 4


def test_the_list_names_the_modes_of_each_experiment_and_the_flag_chooses(command, monkeypatch):
    lines = " ".join(command("list")[1].split())
    for each in EXPERIMENTS.values():
        assert f"{each.title} ({', '.join(each.modes)})" in lines
    chosen = {}
    monkeypatch.setattr("mineral.experiments.run", lambda _, **options: chosen.update(options))
    for words, mode in (((), "quick"), (("--standard",), "standard"), (("--full",), "full")):
        assert command("gan-points", *words)[0] == 0
        assert (chosen["mode"], chosen["out"].name) == (mode, f"gan-points-{mode}")


def test_jobs_and_curves_are_asked_for_on_the_command_line(command, monkeypatch):
    asked = {}
    monkeypatch.setattr("mineral.experiments.run", lambda _, **options: asked.update(options))
    assert command("nonlinear", "--jobs", 3, "--tensorboard")[0] == 0
    assert (asked["jobs"], asked["tensorboard"]) == (3, True)
    assert command("nonlinear")[0] == 0
    assert (asked["jobs"], asked["tensorboard"]) == (1, False)
