"""The commands of README and docs: cheap ones run, of expensive ones every name exists.

A command runs in a folder that holds the files which the pages name. What makes it cheap is added
to its own words, so that every option of the page counts. Slow tests run what is replaced here.
"""

import argparse
import ast
import contextlib
import re
import runpy
import shutil
import sys
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from benchmarked import TASKS, worker
from documented import PAGES, ROOT, blocks, commands, words_of
from PIL import Image
from typer.main import get_command

from mineral import audit, benchmark, experiments, mnist
from mineral.audit.attacks import classifiers
from mineral.benchmark import Contestant
from mineral.cli import main
from mineral.cli.app import app
from mineral.errors import MineralError
from mineral.shaping import ModuleEncoder, save_encoder
from mineral.shaping.network import Network

REDUCED = {
    "shape": ["--steps", "2"],
    "audit": ["--attack", "label"],
    "matrix": ["--jobs", "1"],  # processes take seconds to start
    "network": ["--jobs", "1"],
}
ROWS = ["--rows", "100"]  # of a problem that needs no file
AUTO = ["--set", "budget=fast"]
PLACEHOLDERS = {"FILE": "data.csv", "NAME": "limits"}
RUN = benchmark.run
LINEUP = benchmark.lineup
KINDS = classifiers._kinds


def digits(part, folder=None):
    """In the place of MNIST, which may not be here."""
    rng = np.random.default_rng(len(part))
    return rng.integers(256, size=(200, 28, 28), dtype=np.uint8), np.arange(200) % 10


def write_tables(folder):
    rng = np.random.default_rng(0)
    ill, sex = rng.integers(2, size=(2, 200))
    features = rng.standard_normal((200, 5)).round(3)
    people = [",".join(map(str, row)) for row in zip(*features.T, ill, sex, strict=True)]
    for name in ("people.csv", "new.csv"):
        (folder / name).write_text("\n".join(["a,b,c,d,e,ill,sex", *people]) + "\n")
    a, b, c = rng.standard_normal((3, 100))
    np.savetxt(folder / "data.csv", np.c_[a, b, c], delimiter=",", header="a,b,c", comments="")
    measured = zip(170 + 10 * a, 40 + 9 * b, 70 + 9 * a, strict=True)
    table = [",".join(f"{each:.1f}" for each in row) for row in measured]
    (folder / "table.csv").write_text("\n".join(["height,age,weight", *table, "180,,80"]) + "\n")
    np.savez(folder / "samples.npz", x=a, y=a + b)
    np.savez(folder / "data.npz", x=np.c_[a, b], y=np.c_[a + c, b])
    np.savez(folder / "raw.npz", x=features, ill=ill, sex=sex)
    np.savez(folder / "codes.npz", z=features[:, :2])


def write_images(folder):
    folder.mkdir()
    rng = np.random.default_rng(0)
    lines = ["file,ill,sex"]
    for k in range(120):
        image = Image.fromarray(rng.integers(256, size=(4, 4), dtype=np.uint8))
        image.save(folder / f"{k}.png")
        lines.append(f"{k}.png,{k % 2},{k // 2 % 2}")
    (folder / "labels.csv").write_text("\n".join(lines))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The files that commands of the pages read."""
    folder = tmp_path_factory.mktemp("prepared")
    write_tables(folder)
    write_images(folder / "FOLDER")
    of_people = ModuleEncoder(Network((5, 2), noise=0.1), columns=tuple("abcde"))
    save_encoder(of_people, folder / "encoder.safetensors")
    save_encoder(ModuleEncoder(Network((784, 2), noise=0.1)), folder / "digits.safetensors")
    own, _, tasks, _ = blocks(PAGES["own"].read_text(), ["python"])
    (folder / "own.py").write_text(own)
    (folder / "tasks.py").write_text(tasks)
    shutil.copy(ROOT / "src" / "mineral" / "data" / "penguins.csv", folder)
    share = ["matrix", str(folder / "people.csv"), "--out", str(folder / "parts"), "--array", "1/2"]
    options = ["--estimator", "ksg", "--permutations", "19"]  # as on the page
    assert main([*share, *options]) == 0
    for name in ("old", "new", "results", "own"):
        RUN(TASKS[:2], [worker(folder)], sizes=[50], seeds=[0, 1], out=folder / name)
    for name in ("npeet", "torch-mist"):
        python = folder / "rivals" / name / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.symlink_to(sys.executable)
    return folder


@pytest.fixture
def here(prepared, tmp_path, monkeypatch):
    """A folder of its own for a command."""
    folder = tmp_path / "here"
    shutil.copytree(prepared, folder, symlinks=True)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(benchmark, "run", of_one_task)
    with (folder / "data.csv").open() as piped:
        monkeypatch.setattr(sys, "stdin", piped)
        yield folder


@pytest.fixture
def in_brief(here, monkeypatch):
    """Stand-ins for digits, classifiers, estimators of benchmarks, experiments, and audits."""
    monkeypatch.setattr(mnist, "load", digits)
    monkeypatch.setattr(classifiers, "_kinds", lambda *rows: KINDS(*rows)[:1])
    monkeypatch.setattr(benchmark, "lineup", stand_ins(here))
    monkeypatch.setattr(experiments, "run", resolved)
    monkeypatch.setattr(audit, "audit", refuse_to_audit)


def stand_ins(folder):
    """As `lineup`, which checks all names and options; then a quick worker under each label."""

    def named(estimators, rivals=()):
        command = worker(folder).command
        return [Contestant(each.label, "plain", (), command) for each in LINEUP(estimators, rivals)]

    return named


def of_one_task(tasks, contestants, *, out, jobs, time_limit, command, **_):
    assert len(tasks) and command
    return RUN(
        tasks[:1], contestants, sizes=[60], seeds=[0], out=out, jobs=jobs, time_limit=time_limit
    )


def resolved(experiment, *, mode, changes, **_):
    """What `run` does before it starts: settings of the right kinds, and cells for them."""
    assert experiment.cells(experiment.settings(mode, changes))


class ReachedError(Exception):
    """A command has read its files and options, and made all that it needs."""


def refuse_to_audit(*_subjects, **_options):
    """In the place of `audit`, which takes seconds: test_audit.py, and below, for the slow ones."""
    raise ReachedError


def arguments(line):
    """The words of a command that is complete, or None: a name, or an option without its value."""
    words = [PLACEHOLDERS.get(word, word) for word in words_of(line)]
    mention = words in (["audit"], ["shape"], ["encode"]) or words[-1].endswith("--jobs")
    return None if mention else words


def reduced(words):
    """What to add to a command, so that it takes less time."""
    added = REDUCED.get(words[0], [])
    if words[0] in REDUCED and "mnist-parity" in words:
        return [*added, *ROWS]
    return AUTO if words[0] == "estimate" and "--estimator" not in words else added


def cases(program="mineral", start=""):
    """Each command line once, under the name of the first page that shows it."""
    found = {}
    for page, path in PAGES.items():
        for line in commands(path.read_text(), program):
            if words_of(line) and line.startswith(start):
                found.setdefault(" ".join(words_of(line)), (page, line))
    return [pytest.param(line, id=f"{page}: {words[:70]}") for words, (page, line) in found.items()]


def run_command(line):
    words = arguments(line)
    if words is None:
        assert words_of(line)[0] in get_command(app).commands
        return
    if "mnist-parity" in words:
        Path("digits.safetensors").replace("encoder.safetensors")
    assert main([*words, *reduced(words)]) == 0


@pytest.mark.parametrize("line", cases())
@pytest.mark.usefixtures("in_brief", "as_users_run_it")
@pytest.mark.filterwarnings("ignore")  # of so few rows
def test_each_command_runs(line):
    with contextlib.suppress(ReachedError):
        run_command(line)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("line", cases(start=("mineral audit", "mineral benchmark")))
@pytest.mark.usefixtures("here")
@pytest.mark.filterwarnings("ignore")
def test_audits_and_benchmarks_run_with_all_classifiers_and_estimators(line, monkeypatch):
    monkeypatch.setattr(mnist, "load", digits)
    run_command(line)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("line", cases(start=("mineral experiment",)))
@pytest.mark.usefixtures("here")
@pytest.mark.filterwarnings("ignore")
def test_experiments_run_as_the_pages_say(line):
    if "MNIST" in line or "mnist" in line or "neuracrypt" in line:
        try:
            mnist.load("test")
        except MineralError as error:
            pytest.skip(str(error))
    run_command(line)


@pytest.mark.parametrize("page", PAGES)
def test_options_in_brackets_and_in_sentences_exist(page):
    """`mineral experiment NAME [--jobs 2]`, and `mineral benchmark --jobs` without its value."""
    for line in commands(PAGES[page].read_text()):
        if words_of(line):
            command = get_command(app).commands[words_of(line)[0]]
            known = {name for option in command.params for name in option.opts}
            assert set(re.findall(r"(?<= |\[)--?[a-z][\w-]*", line)) <= known, line


SCRIPTS = {path.name: path for path in sorted((ROOT / "benchmarks").glob("*.py"))}
OF_SCRIPTS = cases("python") + [
    pytest.param(line, id=" ".join(words_of(line)))
    for path in SCRIPTS.values()
    for line in commands(ast.get_docstring(ast.parse(path.read_text())) or "", "python")
]


@cache
def imported(path):
    """Run all of a script but what it does when it is started."""
    runpy.run_path(str(path), run_name="imported")


@pytest.mark.parametrize("line", OF_SCRIPTS)
def test_scripts_of_benchmarks_exist_and_take_these_options(line, monkeypatch, tmp_path):
    script, *words = words_of(line)
    if script in ("-m", "own.py"):  # `venv`, and the file of test_own.py
        return
    path = ROOT / script
    with_options = "parse_args()" in path.read_text()
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(path.parent)  # as for a script
    monkeypatch.setattr(sys, "argv", [str(path), *words])
    parse = argparse.ArgumentParser.parse_args

    def parsed(parser, *given):
        parse(parser, *given)
        raise ReachedError

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parsed)
    assert with_options or not any(word.startswith("-") for word in words)
    if not with_options:
        imported(path)
        return
    with pytest.raises(ReachedError):
        runpy.run_path(str(path), run_name="__main__")


def test_targets_of_make_and_extras_of_pip_exist():
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for page, path in PAGES.items():
        text = path.read_text()
        for line in commands(text, "make"):
            assert set(words_of(line)) <= set(targets), (page, line)
        for names in re.findall(r"(?:mineral|\.)\[(\w[\w,]*)\]'", text):
            assert set(names.split(",")) <= set(project["optional-dependencies"]), (page, names)
