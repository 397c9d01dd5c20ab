"""The command line does what the library does, prints it cleanly, and refuses in one line."""

import io
import json
import os
import re
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mineral
from mineral.api import KNOWN
from mineral.cli import estimating, main, output, reporting

RNG = np.random.default_rng(0)
A = RNG.normal(size=200)
B = A + RNG.normal(size=200)


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(capsys):
    """Run a command, and return its exit status, standard output and standard error."""

    def command(*words):
        status = main([str(word) for word in words])
        return (status, *capsys.readouterr())

    return command


@pytest.fixture
def refused(run, tmp_path):
    """Run a command that must fail cleanly, and return its one line."""

    def command(*words):
        before = contents(tmp_path)
        status, out, err = run(*words)
        assert (status, out) == (2, "")
        assert re.fullmatch(r"mineral: [^\n]+\n", err)
        assert contents(tmp_path) == before
        return err

    return command


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data.csv"
    frame = pd.DataFrame({"a": A, "b": B, "word": "w", "same": 1.0, "gap": A, "inf": A})
    frame.loc[3, "gap"] = np.nan
    frame.loc[5, "inf"] = np.inf
    frame.to_csv(path, index=False)
    return path


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def subprocess_run(*words, **options):
    # As the installed `mineral` does.
    code = "import sys; from mineral.cli import main; sys.exit(main())"
    return subprocess.run([sys.executable, "-c", code, *map(str, words)], check=False, **options)


UNLIKE = ("seconds", "x_names", "y_names")


def estimated(out):
    """The parsed JSON, without what differs between runs, and without names of columns."""
    found = json.loads(out, parse_constant=lambda token: pytest.fail(token))
    return {key: value for key, value in found.items() if key not in UNLIKE}


def without_seconds(estimate):
    return {k: v for k, v in estimate.to_dict().items() if k not in UNLIKE}


# Results


def test_the_result_is_that_of_the_library(run, data):
    status, out, err = run("estimate", data, "--x", "a", "--y", "b", "--json")
    assert (status, err) == (0, "")
    assert estimated(out) == without_seconds(mineral.estimate(A, B))


def test_every_option_reaches_the_library(run, data):
    words = "-e ksg --set k=5 --set variant=2 --unit bits --seed 7 --confidence 0.8 --missing drop"
    status, out, _ = run("estimate", data, "--x=gap,a", "--y=b", "--json", *words.split())
    keep = np.arange(200) != 3
    expected = mineral.estimate(
        np.stack([A, A], axis=1)[keep],
        B[keep],
        estimator=mineral.KSG(k=5, variant=2),
        unit="bits",
        seed=7,
        confidence=0.8,
    )
    found = estimated(out)
    assert found.pop("warnings")[-1]["code"] == "dropped-rows"
    same = without_seconds(expected)
    same.pop("warnings")
    assert status == 0 and found == same


def test_csv_parquet_feather_and_npz_give_the_same_estimate(run, data, tmp_path):
    frame = pd.DataFrame({"a": A, "b": B})
    frame.to_parquet(tmp_path / "data.parquet")
    frame.to_feather(tmp_path / "data.feather")
    np.savez(tmp_path / "data.npz", a=A, b=B)
    np.save(tmp_path / "data.npy", frame.to_records(index=False).view(np.ndarray))
    before = contents(tmp_path)
    found = []
    for suffix in ("csv", "parquet", "feather", "npz", "npy"):
        _, out, _ = run(
            "estimate", tmp_path / f"data.{suffix}", "--x", "a", "--y", "b", "--json", "-e", "ksg"
        )
        found.append(estimated(out))
    assert all(one == found[0] for one in found)
    assert contents(tmp_path) == before


def test_the_seed_decides_a_trained_estimate(run, data):
    command = ("estimate", data, "--x", "a", "--y", "b", "--json", "-e", "mine")
    small = ("--set", "steps=2", "--set", "folds=2")
    first, again, other = (
        estimated(run(*command, *small, "--seed", seed)[1])["value"] for seed in (1, 1, 2)
    )
    assert first == again != other


def test_text_fits_the_terminal_and_shows_names_as_they_are(run, tmp_path):
    names = ["a[red]x[/red]", "b \\[link]"]
    # A constant column, which a caution names.
    pd.DataFrame({names[0]: 1, names[1]: B, "a": A}).to_csv("odd.csv", index=False)
    status, out, _ = run("estimate", "odd.csv", "--x", names[0], "--x", "a", "--y", names[1])
    assert status == 0 and names[0] in out
    assert max(map(len, out.splitlines())) <= 80
    assert "I(a[red]x[/red], a; b \\[link]) = " in out and "\x1b" not in out


def test_not_a_number_is_null_in_json():
    text = output.in_json({"value": float("nan"), "interval": [float("-inf"), 1.0], "n": 3})
    assert json.loads(text) == {"value": None, "interval": [None, 1.0], "n": 3}


# Reports


def test_a_report_is_written_with_the_command_that_reproduces_it(run, data, monkeypatch):
    calls = []
    monkeypatch.setattr(
        estimating, "write_report", lambda found, path, **words: calls.append((found, path, words))
    )
    words = ("--x", "a b", "--y", "b", "--set", "k=4", "-e", "ksg", "--seed", "3", "--unit", "nats")
    pd.DataFrame({"a b": A, "b": B}).to_csv("my data.csv", index=False)
    status, out, _ = run("estimate", "my data.csv", *words, "--report", "out.html")
    ((found, path, words),) = calls
    assert status == 0 and str(path) == "out.html" and "Report: out.html" in out
    assert words["title"] == "I(a b; b) in my data.csv"
    assert words["command"] == (
        "mineral estimate 'my data.csv' --x 'a b' --y b --set k=4 --estimator ksg --seed 3"
    )
    _, out, _ = run(*shlex.split(words["command"])[1:], "--json")
    assert estimated(out) == without_seconds(found)


def test_a_report_leaves_standard_output_to_the_json(run, data, tmp_path):
    target = tmp_path / "out.html"
    status, out, err = run(
        "estimate", data, "--x", "a", "--y", "b", "--json", "-q", "--report", target
    )
    assert (status, err) == (0, "")
    assert estimated(out)["n"] == 200
    assert target.stat().st_size > 1000
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data.csv", "out.html"]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("no/out.html", "directory `no`"),
        (".", "is a directory"),
        ("data.csv", "overwrite"),
        ("x.pdf", "writes HTML, got `x.pdf`"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused_before_the_work(
    refused, data, monkeypatch, target, words
):
    monkeypatch.setattr(estimating.tables, "read_sides", lambda *_, **__: pytest.fail("worked"))
    assert words in refused("estimate", data, "--x", "a", "--y", "b", "--report", target)


def test_without_its_packages_a_report_is_refused_before_the_work(refused, data, monkeypatch):
    monkeypatch.setattr(reporting.importlib.util, "find_spec", lambda _: None)
    line = refused("estimate", data, "--x", "a", "--y", "b", "--report", "out.html")
    assert "pip install 'mineral[report]'" in line


# Refusals


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--x gap --y b", "or pass --missing drop."),
        ("--x inf --y b", "infinite value"),
        ("--x same --y b", "constant"),
        ("--x word --y b", "`x` is constant"),
        ("--x word --y b --estimator ksg", "not numbers"),
        ("--x A --y b", "'A'"),
        ("--x a --y b --estimator kgs", "Did you mean 'ksg'?"),
        ("--x a --y b -e ksg --set kk=3", "choose from k, variant, standardize. Did you mean 'k'?"),
        ("--x a --y b -e ksg --set k=2.5", "`k` of ksg takes a whole number, got '2.5'"),
        ("--x a --y b -e ksg --set k=0", "at least 1"),
        ("--x a --y b -e ksg --set k", "OPTION=VALUE"),
        ("--x a --y b -e ksg --set standardize=maybe", "takes true or false, got 'maybe'"),
        (
            "--x a --y b -e t-copula --set degrees_of_freedom=few",
            "takes a number or none, got 'few'",
        ),
        ("--x a --y b -e mine --set learning_rate=fast", "takes a number, got 'fast'"),
        ("--x a --y b -e mine --set critic=JointCritic", "set it from Python"),
        ("--x a --y b --set k=3", "`k` is not an option of auto: choose from budget"),
        (
            "--x a --y b --unit bytes",
            "'--unit': 'bytes' is not one of 'nats', 'bits'",
        ),
        ("--x a --y b --missing skip", "'raise', 'drop'"),
        ("--x a --y b --confidence 95", "`confidence`"),
        ("--x a --y b --seed -1", "`seed`"),
        ("--x a --y b --seed 1.5", "--seed"),
        ("--x a --y b --device warp", "`device` 'warp'"),
        ("--x a --y b --colour red", "No such option"),
        ("--x a", "Missing option '--y'"),
        ("--x a --y", "--y"),
        ("--x a --y b more", "more"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(refused, data, words, line):
    assert line in refused("estimate", data, *words.split())


@pytest.mark.parametrize("words", ["estimate", "guess", "--colour", "demo --report no/out.html"])
def test_a_wrong_command_is_refused_in_one_line(refused, words):
    refused(*words.split())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("header.csv", b"a,b\n"),
        ("row.csv", b"a,b\n1,2\n"),
        ("two.csv", b"a,b\n1,2\n3,4\n"),
        ("bytes.csv", b"a,b\n\xff\xfe,2\n"),
        ("cut.parquet", b"PAR1\x00\x00"),
        ("cut.feather", b"ARROW1"),
        ("cut.npz", b"PK\x03\x04"),
        ("cut.npy", b"\x93NUMPY\x01\x00"),
        ("book.xlsx", b"PK"),
        ("odd\nname\x1b[31m.csv", b""),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(refused, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    line = refused("estimate", name, "--x", "a", "--y", "b", "--json", "--report", "out.html")
    assert "\x1b" not in line


def test_names_have_no_power_over_the_terminal_on_either_stream(run, tmp_path):
    name = "a\x1b[2J\u202e\x9b"
    rows = "".join(f"{i},{i % 7}\n" for i in range(40))
    (tmp_path / "odd.csv").write_text(f"{name},b\n{rows}", encoding="utf-8")
    status, out, err = run("estimate", "odd.csv", "--x", name, "--y", "b", "-e", "gaussian")
    assert status == 0
    _, other, refusal = run("estimate", "odd.csv", "--x", "c", "--y", "b")
    for text in (out, err, other, refusal):
        assert not set(text) & set("\x1b\u202e\x9b")
    assert r"a\x1b[2J\u202e\x9b" in refusal


def test_a_directory_and_a_missing_file_are_refused_in_one_line(refused, tmp_path):
    assert "is a directory" in refused("estimate", tmp_path, "--x", "a", "--y", "b")
    assert "does not exist" in refused("estimate", "no.csv", "--x", "a", "--y", "b")
    assert "name too long" in refused("estimate", "n" * 5000, "--x", "a", "--y", "b")


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (MemoryError(), 2, "Not enough memory: use fewer rows or columns."),
        (OSError(28, "No space left on device", "out.html"), 2, "`out.html`: No space left"),
        (KeyboardInterrupt(), 130, "Interrupted"),
    ],
)
def test_trouble_on_the_way_is_one_line(run, data, monkeypatch, error, status, line):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(estimating.tables, "read_sides", fail)
    found, out, err = run("estimate", data, "--x", "a", "--y", "b")
    assert (found, out) == (status, "")
    assert err.startswith(f"mineral: {line}") and err.count("\n") == 1


# The other commands


def test_version(run):
    assert run("--version") == (0, f"mineral {version('mineral')}\n", "")


@pytest.mark.parametrize(
    "words", ["", "--help", "-h", "estimate --help", "estimators --help", "demo -h"]
)
def test_help_fits_the_terminal(run, words):
    status, out, err = run(*words.split())
    assert (status, err) == (0, "") and out.startswith("Usage: mineral")
    assert max(map(len, out.splitlines())) <= 80


def test_estimators_are_listed_with_their_options(run):
    status, out, _ = run("estimators")
    assert status == 0 and max(map(len, out.splitlines())) <= 80
    assert "--set k=3, variant=1, standardize=true" in out and "critic" not in out
    listed = json.loads(run("estimators", "--json")[1])
    assert {one["name"]: one["summary"] for one in listed} == mineral.estimators()
    assert [one["kind"] for one in listed] == [e.kind for e in KNOWN.values()]
    conditions = {one["name"]: one["condition"] for one in listed}
    assert [conditions[n] for n in ("ksg", "auto", "strata")] == ["none", "optional", "required"]


def test_the_demo_answers_with_what_it_says_and_writes_the_report(run, tmp_path):
    status, out, err = run("demo")
    assert (status, err) == (0, "")
    assert "CC0" in out and "Gorman" in out and "Report on the last question: mineral-report" in out
    assert [path.name for path in tmp_path.iterdir()] == ["mineral-report.html"]
    calls = re.findall(r">>> (mineral\.estimate.*)", out)
    birds = re.findall(r">>> (birds = .*)", out)
    commands = re.findall(r"\$ mineral (.*)", out)
    scope = {"pandas": pd, "mineral": mineral}
    exec(birds[0], scope)
    assert len(calls) == len(commands) == 2
    for call, command in zip(calls, commands, strict=True):
        in_python = eval(call, scope)
        assert estimated(run(*shlex.split(command), "--json")[1]) == without_seconds(in_python)
        assert f" = {in_python.value:.4g} nats" in out


def test_the_demo_works_without_the_packages_of_the_report(run, refused, tmp_path, monkeypatch):
    monkeypatch.setattr(reporting.importlib.util, "find_spec", lambda _: None)
    assert "mineral[report]" in refused("demo", "--report", "out.html")
    status, out, _ = run("demo")
    assert status == 0 and "No report: " in out and list(tmp_path.iterdir()) == []


# Odd outputs


def test_a_reader_who_leaves_before_the_help_is_no_error(run, monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as pipe:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdout", pipe)
        assert run("--help") == (0, "", "")
        os.dup2(os.open(os.devnull, os.O_WRONLY), writer)  # so that it can be closed


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line(run, monkeypatch):
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert run("estimators") == (2, "", "mineral: No space left on device.\n")


def test_a_terminal_that_knows_ascii_only_is_served(run, monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    assert run("estimators") == (0, "", "")
    assert b"St?gbauer" in terminal.buffer.getvalue()


# A real process


@pytest.mark.slow
def test_standard_output_is_json_only_and_the_status_is_the_shells(data):
    done = subprocess_run("estimate", data, "--x", "a", "--y", "b", "--json", capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert estimated(done.stdout)["n"] == 200


def test_a_refusal_in_a_process(data):
    # One that loads nothing: torch, again, would take seconds. Others: see above.
    done = subprocess_run("estimate", data, "--unknown", "a", capture_output=True)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"mineral: ") and done.stderr.count(b"\n") == 1


def test_a_reader_who_leaves_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess_run("--version", stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")
