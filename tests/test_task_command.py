"""`mineral task` lists, describes and draws, or refuses in one line and writes nothing."""

import json
import os

import numpy as np
import pytest

from mineral.cli import main
from mineral.tasks import SUITES, TASKS, Draw, Task, find


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)

    def command(*words):
        status = main(["task", *map(str, words)])
        return (status, *capsys.readouterr())

    return command


def test_the_command_lists_every_task_by_suite(run):
    status, out, err = run()
    assert (status, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    for name, tasks in SUITES.items():
        assert f"{name}: {len(tasks)} tasks" in out
        assert all(task.name in out for task in tasks)
    listed = json.loads(run("--json")[1])
    assert [one["name"] for one in listed] == list(TASKS)
    assert all(one["information"] == TASKS[one["name"]].information for one in listed)
    assert {one["suite"] for one in json.loads(run("--suite", "nulls", "--json")[1])} == {"nulls"}


def test_the_command_describes_a_task(run):
    status, out, _ = run("student-identity-2-2-1")
    assert status == 0
    for part in ("2 × 2", "0.4319 nats", "closed form", "arXiv:2306.11078", "nu = 1"):
        assert part in out
    found = json.loads(run("student-identity-2-2-1", "--json")[1])
    assert found["information"] == find("student-identity-2-2-1").information
    assert found["parameters"] == {"nu": 1} and "out" not in found


def test_the_command_writes_the_librarys_samples(run, tmp_path):
    words = ("1v1-additive-0.1", "--n", 50, "--seed", 3, "--out", "data.npz")
    status, out, err = run(*words)
    assert (status, err) == (0, "") and "50 samples" in out and "data.npz" in out
    expected = find("1v1-additive-0.1").draw(50, seed=3)
    with np.load(tmp_path / "data.npz", allow_pickle=False) as found:
        assert sorted(found) == ["pmi", "x", "y"]
        for name in found:
            np.testing.assert_array_equal(found[name], getattr(expected, name))
    before = (tmp_path / "data.npz").read_bytes()
    facts = json.loads(run(*words, "--json")[1])
    assert (facts["n"], facts["seed"], facts["out"]) == (50, 3, "data.npz")
    assert (tmp_path / "data.npz").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["data.npz"]
    assert main(["estimate", "data.npz", "--x", "x", "--y", "y", "-e", "ksg"]) == 0


def test_the_command_leaves_out_what_nobody_knows(run, tmp_path, monkeypatch):
    unknown = Task(
        name="unknown",
        family="own",
        dim_x=1,
        dim_y=1,
        information=0.5,
        error=0.012,
        known_by="simulation",
        source="me",
        sampler=lambda n, _rng: Draw(np.ones((n, 1)), np.ones((n, 1))),
    )
    monkeypatch.setitem(TASKS, "unknown", unknown)
    status, out, _ = run("unknown", "--out", "data.npz", "--n", 2)
    assert status == 0 and "0.5000 ± 0.01 nats" in out
    with np.load(tmp_path / "data.npz") as found:
        assert sorted(found) == ["x", "y"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["multinormal-dense-5-5"], "Did you mean 'multinormal-dense-5-5-0.5'"),
        (["--suite", "null"], "Did you mean 'nulls'?"),
        (["--out", "data.npz"], "needs the name of a task"),
        (["1v1-normal-0.75", "--suite", "nulls"], "use one of them"),
        (["1v1-normal-0.75", "--out", "data.csv"], "writes .npz files"),
        (["1v1-normal-0.75", "--out", "folder.npz"], "Cannot write `folder.npz`"),
        (["1v1-normal-0.75", "--out", "no/data.npz"], "Cannot write `no/data.npz`"),
        (["1v1-normal-0.75", "--out", "data.npz", "--n", "0"], "`n` must be at least 1"),
        (["1v1-normal-0.75", "--out", "data.npz", "--seed", "-1"], "`seed` must be"),
        (["1v1-normal-0.75", "--out", "data.npz", "--n", "many"], "'--n'"),
    ],
)
def test_the_command_refuses_in_one_line(run, tmp_path, words, message):
    (tmp_path / "folder.npz").mkdir()
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert err.startswith("mineral: ") and err.count("\n") == 1 and message in err
    assert list(tmp_path.rglob("*")) == [tmp_path / "folder.npz"]


def test_data_names_the_folder_of_the_digits_for_this_command_only(run, tmp_path, monkeypatch):
    monkeypatch.setenv("MINERAL_DATA", "elsewhere")
    status, _, refusal = run("mnist-digits-0.0", "--out", "d.npz", "--data", tmp_path)
    assert status == 2
    assert f"{tmp_path / 'mnist'}" in refusal  # nothing is there, and nothing was downloaded
    assert os.environ["MINERAL_DATA"] == "elsewhere"
    status, _, refusal = run("--data", tmp_path / "nowhere")
    assert status == 2 and "is not a folder" in refusal
    assert os.environ["MINERAL_DATA"] == "elsewhere"
