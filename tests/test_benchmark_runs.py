"""The runner: every run once, whatever estimators, crashes and kills do to it."""

import errno
import json
import multiprocessing
import os
import re
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from benchmarked import SERVE, TASKS, correlated, race, sample_correlation, table, worker

import mineral
from mineral.benchmark import lineup, read, run
from mineral.benchmark.child import Pool
from mineral.benchmark.forecast import Forecast
from mineral.benchmark.jobs import Job, attempt
from mineral.benchmark.rows import opened
from mineral.errors import InputError, OptionError
from mineral.system.progress import in_words

joblib = pytest.importorskip("joblib")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals")


def ran(tmp_path, *contestants, tasks=TASKS[1:2], sizes=(50,), seeds=(0,), **options):
    """Run, and the rows by label."""
    run(tasks, contestants, sizes=sizes, seeds=seeds, out=tmp_path / "out", **options)
    return {row.label: row for row in read(tmp_path / "out")}


def lines(tmp_path):
    return (tmp_path / "out" / "rows.jsonl").read_text().splitlines()


class TestOneRun:
    def test_is_a_row_with_the_value_the_truth_and_the_oracle(self, tmp_path):
        rows = run(
            TASKS, [worker(tmp_path)], sizes=[50, 80], seeds=[0, 3], out=tmp_path / "out", jobs=2
        )
        assert len(rows) == 12 and table(rows) == table(read(tmp_path / "out"))
        for row in rows:
            task = next(task for task in TASKS if task.name == row.task)
            assert row.value == pytest.approx(sample_correlation(task, row.n, row.seed))
            assert row.oracle == pytest.approx(task.draw(row.n, seed=row.seed).pmi.mean())
            assert (row.truth, row.family, row.dim_x) == (task.information, task.family, 1)
            assert row.low == pytest.approx(row.value - 0.1)
            assert row.status == "ok" and row.versions == {"example": "1.0"}
            assert 0 <= row.seconds < 1

    @pytest.mark.slow
    def test_of_ours_is_what_the_library_says(self, tmp_path):
        found = ran(tmp_path, *lineup(["ksg:k=5", "gaussian"]), seeds=(2,), time_limit=60.0)
        draw = TASKS[1].draw(50, seed=2)
        for label, estimator in (("ksg:k=5", mineral.KSG(k=5)), ("gaussian", mineral.Gaussian())):
            expected = estimator.estimate(draw.x, draw.y, seed=2)
            row = found[label]
            assert (row.value, row.low, row.high) == (expected.value, *expected.interval)
            assert row.warnings == tuple(w.code for w in expected.warnings)
            assert row.options == expected.options | {"estimator": estimator.name}
            assert row.versions == expected.versions and row.kind == expected.kind

    def test_peak_memory_is_that_of_the_estimate(self, tmp_path):
        if not Path("/proc/self/clear_refs").exists():
            pytest.skip("the system does not tell")
        text = (
            f"import sys\nsys.path.insert(0, {str(SERVE)!r})\n"
            "from serve import serve\nimport numpy as np\n"
            "def estimate(x, y, *, estimator, **_):\n"
            "    return float(np.ones((int(estimator), 1024, 128)).sum())\n"
            "serve(lambda: (estimate, {}))\n"
        )
        sizes = ["1", "40", "5"]  # megabytes; a peak is forgotten by the next
        found = ran(tmp_path, *(worker(tmp_path, size, source=text) for size in sizes))
        for size in sizes:
            assert found[size].peak_megabytes == pytest.approx(int(size), abs=3)

    def test_workers_are_used_again_and_gone_afterwards(self, tmp_path):
        rows = run(TASKS, [worker(tmp_path)], sizes=[50], seeds=range(4), out=tmp_path / "out")
        (pid,) = {row.options["pid"] for row in rows}
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        assert not (tmp_path / "out" / ".scratch").exists()

    def test_that_are_waiting_leave_when_there_are_too_many(self, tmp_path):
        first, second, third = ((*worker(tmp_path).command, kind) for kind in "abc")
        pool = Pool(1, 2, tmp_path)
        with pool.child(first) as a, pool.child(first) as b:
            pass
        with pool.child(second) as c:
            pass
        assert [child.alive for child in (a, b, c)] == [True, False, True]  # not a kind's last
        with pool.child(third) as d:
            pass
        assert [child.alive for child in (a, b, c, d)] == [False, False, True, True]
        pool.close()
        assert not c.alive and not d.alive

    def test_progress_says_what_is_running_and_how_long_it_will_take(self, tmp_path):
        said = []
        ran(tmp_path, worker(tmp_path), progress=lambda *words: said.append(words), seeds=range(3))
        assert said[0] == (0.0, "starting plain") and said[-1][0] == 1.0
        texts = [text for _, text in said]
        assert any(
            re.fullmatch(r"2 of 3 · \d s left · plain on normal-0.5, n = 50", t) for t in texts
        )


class TestARunThatGoesWrong:
    @pytest.mark.parametrize(
        ("estimator", "status", "message"),
        [
            ("refuses", "refused", "not for these samples"),
            ("fails", "failed", "ZeroDivisionError: by zero"),
            ("nan", "failed", "answered nan, which is not a number"),
            ("dies", "crashed", "the worker ended with signal 9"),
            ("leaves", "crashed", "the worker ended with exit status 1: I have had enough"),
        ],
    )
    def test_is_a_row_and_not_the_end(self, tmp_path, estimator, status, message):
        contestants = worker(tmp_path, estimator), worker(tmp_path)
        found = ran(tmp_path, *contestants)
        assert (found[estimator].status, found[estimator].value) == (status, None)
        assert found[estimator].message.startswith(message)
        assert found["plain"].status == "ok"

    def test_late_is_killed_in_time(self, tmp_path):
        start = time.perf_counter()
        found = ran(tmp_path, worker(tmp_path, "slow", "30"), worker(tmp_path), time_limit=1.0)
        assert time.perf_counter() - start < 15
        assert found["slow:30"].status == "timeout" and found["slow:30"].value is None
        assert found["slow:30"].message == "no answer within 1 seconds"
        assert found["plain"].status == "ok"

    def test_without_samples_too(self, tmp_path):
        tasks = [correlated(0.5, name="broken", fails=True), TASKS[0]]
        rows = run(tasks, [worker(tmp_path)], sizes=[50], seeds=[0], out=tmp_path / "out")
        assert [row.message for row in rows] == ["no samples: RuntimeError: no data", ""]

    def test_is_done_again_only_when_asked_to(self, tmp_path):
        contestant = worker(tmp_path, "dies-once", "0", str(tmp_path / "died"))
        contestants = [contestant, worker(tmp_path)]
        assert ran(tmp_path, *contestants)[contestant.label].status == "crashed"
        assert ran(tmp_path, *contestants)[contestant.label].status == "crashed"
        assert len(lines(tmp_path)) == 2
        assert ran(tmp_path, *contestants, retry=True)[contestant.label].status == "ok"
        assert len(lines(tmp_path)) == 3  # the plain one is not repeated

    def test_a_worker_that_does_not_start_is_said_before_anything_runs(self, tmp_path):
        contestant = worker(tmp_path, source="import nowhere_to_be_found")
        with pytest.raises(OptionError, match=r"`plain` does not start.*nowhere_to_be_found"):
            ran(tmp_path, worker(tmp_path, source="import nowhere_to_be_found"), contestant)
        assert lines(tmp_path) == []


def no_room(*_args, **_kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class TestAFullDisk:
    """Is no answer of an estimator's: no row says so, and the same call does again what it hit."""

    def test_seen_by_the_worker(self, tmp_path):
        full = tmp_path / "full"
        full.touch()
        contestants = worker(tmp_path, "full", "0", str(full)), worker(tmp_path)
        with pytest.raises(InputError, match=r"1 of 2 .*full:0.* cannot spill.*run the same comm"):
            ran(tmp_path, *contestants)
        assert [row.label for row in read(tmp_path / "out")] == ["plain"]
        full.unlink()
        found = ran(tmp_path, *contestants)
        assert [row.status for row in found.values()] == ["ok", "ok"] and len(lines(tmp_path)) == 2

    @pytest.mark.parametrize("broken", ["numpy.save", "tempfile.mkdtemp"])
    def test_seen_by_the_runner(self, tmp_path, monkeypatch, broken):
        with monkeypatch.context() as patch:
            patch.setattr(broken, no_room)
            with pytest.raises(InputError, match="No space left on device"):
                ran(tmp_path, worker(tmp_path))
        assert lines(tmp_path) == []
        assert ran(tmp_path, worker(tmp_path))["plain"].status == "ok"

    @pytest.mark.parametrize("estimator", ["dies", "fails", "nan"])
    def test_behind_a_failure_that_does_not_say_so(self, tmp_path, monkeypatch, estimator):
        contestants = worker(tmp_path, estimator), worker(tmp_path)
        with monkeypatch.context() as patch:
            patch.setattr("tempfile.TemporaryFile", no_room)
            with pytest.raises(InputError, match="No space left on device"):
                ran(tmp_path, *contestants)
        assert [row.label for row in read(tmp_path / "out")] == ["plain"]
        assert ran(tmp_path, *contestants)[estimator].status in ("crashed", "failed")

    def test_while_samples_are_drawn(self, tmp_path):
        tasks = [replace(TASKS[0], sampler=lambda _n, _rng: no_room())]
        with pytest.raises(InputError, match=r"no samples: .*No space left on device"):
            ran(tmp_path, worker(tmp_path), tasks=tasks)
        assert lines(tmp_path) == []

    def test_under_the_journal_takes_the_half_line_back(self, tmp_path, monkeypatch):
        ran(tmp_path, worker(tmp_path))
        before = lines(tmp_path)
        row = replace(read(tmp_path / "out")[0], seed=5)
        with opened(tmp_path / "out") as journal:
            with monkeypatch.context() as patch:
                patch.setattr(os, "fsync", no_room)
                with pytest.raises(InputError, match=r"Cannot write .*rows.jsonl`: No space left"):
                    journal.add(row)
            assert lines(tmp_path) == before and row.key not in journal.rows
            journal.add(row)
        assert len(read(tmp_path / "out")) == 2


class TestResuming:
    def test_does_only_what_is_missing(self, tmp_path):
        ran(tmp_path, worker(tmp_path), seeds=(0,))
        before = lines(tmp_path)
        more = run(
            TASKS[:2], [worker(tmp_path)], sizes=[50, 60], seeds=[0, 1], out=tmp_path / "out"
        )
        assert len(more) == 7 and lines(tmp_path)[:1] == before
        assert (
            run(TASKS[:2], [worker(tmp_path)], sizes=[50], seeds=[0, 1], out=tmp_path / "out") == []
        )
        noted = json.loads((tmp_path / "out" / "settings.json").read_text())
        assert len(noted) == 3

    @pytest.mark.parametrize("cut", [1, 2, 50])
    def test_a_line_cut_off_is_done_again(self, tmp_path, cut):
        whole = table(ran(tmp_path, worker(tmp_path), seeds=range(3)).values())
        path = tmp_path / "out" / "rows.jsonl"
        whole = table(read(tmp_path / "out"))
        path.write_bytes(path.read_bytes()[:-cut])
        assert len(read(tmp_path / "out")) == 2
        ran(tmp_path, worker(tmp_path), seeds=range(3))
        assert table(read(tmp_path / "out")) == whole and len(lines(tmp_path)) == 3

    def test_a_line_that_is_no_row_is_named(self, tmp_path):
        ran(tmp_path, worker(tmp_path))
        with (tmp_path / "out" / "rows.jsonl").open("a") as file:
            file.write('{"task": 1}\n')
        with pytest.raises(InputError, match=r"line 2 is not a row: delete that line"):
            read(tmp_path / "out")

    def test_two_runs_do_not_write_into_one_folder(self, tmp_path):
        def second(_fraction, _text):
            with pytest.raises(OptionError, match="in use by another run"):
                ran(tmp_path, worker(tmp_path))

        assert ran(tmp_path, worker(tmp_path), progress=second)["plain"].status == "ok"

    def test_an_empty_folder_is_said_to_hold_nothing(self, tmp_path):
        with pytest.raises(InputError, match=r"holds no rows\.jsonl"):
            read(tmp_path)
        (tmp_path / "rows.jsonl").write_text("")
        with pytest.raises(InputError, match="no finished row"):
            read(tmp_path)


@pytest.fixture(scope="module")
def forked():
    """Starts processes quickly, from one that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarked"])
    return context.Process


def killed_at(process, rows, rng):
    """Kill it before or after it has added its next row; whether it was still at work."""
    had, started = rows.stat().st_size if rows.exists() else 0, time.monotonic()
    if rng.random() < 0.8:
        while process.is_alive() and (rows.stat().st_size if rows.exists() else 0) == had:
            time.sleep(0.005)
            assert time.monotonic() < started + 60
    time.sleep(rng.uniform(0, 0.25))
    alive = process.is_alive()
    process.kill()
    process.join()
    return alive


@pytest.mark.slow
@pytest.mark.parametrize(("kills", "seeds"), [(2, 1), pytest.param(20, 10, marks=pytest.mark.slow)])
def test_killed_at_random_instants_it_loses_and_repeats_nothing(tmp_path, forked, kills, seeds):
    killed, undisturbed, rng = tmp_path / "killed", tmp_path / "other", np.random.default_rng(kills)
    killed.mkdir()
    undisturbed.mkdir()
    alive = 0
    for _ in range(kills):
        process = forked(target=race, args=(killed, seeds))
        process.start()
        alive += killed_at(process, killed / "out" / "rows.jsonl", rng)
    assert alive >= 0.6 * kills
    race(killed, seeds)
    rows = read(killed / "out")
    assert table(rows) == table(race(undisturbed, seeds)) and len(rows) == 24 * seeds
    assert len((killed / "out" / "rows.jsonl").read_text().splitlines()) == 24 * seeds
    assert {row.status for row in rows} == {"ok", "failed", "crashed"}


class AllAtOnce(joblib.parallel.ThreadingBackend):
    """As Ray's, it returns results only when all that it was given are done."""

    supports_return_generator = False


joblib.register_parallel_backend("all-at-once", AllAtOnce)


@pytest.mark.parametrize("backend", ["all-at-once", pytest.param("loky", marks=pytest.mark.slow)])
def test_another_backend_of_joblib_gives_the_same_rows(tmp_path, backend):
    # With the first, other processes draw, and have workers of their own, as on a cluster.
    contestants = [worker(tmp_path), worker(tmp_path, "dies"), worker(tmp_path, "other")]
    here = run(TASKS, contestants, sizes=[50], seeds=[0], out=tmp_path / "here")
    there = run(
        TASKS, contestants, sizes=[50], seeds=[0], out=tmp_path / "there", jobs=2, backend=backend
    )
    assert table(here) == table(there) and len(there) == 9


def test_a_job_can_be_sent_to_another_machine(tmp_path):
    cloudpickle = pytest.importorskip("cloudpickle")  # that clusters use
    job = Job(task=TASKS[1], n=50, seed=0, contestant=worker(tmp_path), time_limit=None)
    sent = partial(attempt, job, pool=Pool(1, 1, tmp_path))
    row, _ = cloudpickle.loads(cloudpickle.dumps(sent))()
    assert row.value == pytest.approx(sample_correlation(TASKS[1], 50, 0))


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="Cannot make"):
        run(TASKS, [worker(tmp_path)], sizes=[50], seeds=[0], out=tmp_path / "file" / "out")


def test_an_unknown_backend_is_refused(tmp_path):
    with pytest.raises(OptionError, match="`backend` 'nowhere' cannot be used"):
        ran(tmp_path, worker(tmp_path), backend="nowhere")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tasks": []}, "`tasks` is empty"),
        ({"seeds": []}, "`seeds` is empty"),
        ({"sizes": [0]}, "`sizes` must be at least 1, got 0"),
        ({"seeds": [-1]}, "`seeds` must be at least 0, got -1"),
        ({"jobs": 0}, "`jobs` must be at least 1"),
        ({"time_limit": 0.0}, "`time_limit` must be positive seconds"),
        ({"tasks": [TASKS[0], TASKS[0]]}, "`tasks` names 'normal-0.0' twice"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_written(tmp_path, options, message):
    with pytest.raises(OptionError, match=message):
        ran(tmp_path, worker(tmp_path), **options)
    assert not (tmp_path / "out").exists()


class TestForecast:
    def jobs(self, tmp_path, label, n, count):
        contestant = replace(worker(tmp_path), label=label)
        job = Job(task=TASKS[0], n=n, seed=0, contestant=contestant, time_limit=None)
        return [job] * count

    def test_each_estimator_has_its_own_pace(self, tmp_path):
        jobs = self.jobs(tmp_path, "fast", 100, 3) + self.jobs(tmp_path, "slow", 100, 3)
        forecast = Forecast(jobs, 1)
        assert forecast.left() is None
        forecast.done("fast", 100, 1.0)
        assert forecast.left() == 5.0  # of the slow one nothing is known yet
        forecast.done("slow", 100, 10.0)
        assert forecast.left() == 2 * 1.0 + 2 * 10.0

    def test_more_samples_take_longer_and_more_workers_less(self, tmp_path):
        jobs = self.jobs(tmp_path, "a", 100, 1) + self.jobs(tmp_path, "a", 400, 3)
        forecast = Forecast(jobs, 2)
        forecast.done("a", 100, 1.0)
        assert forecast.left() == 3 * 4.0 / 2
        forecast.done("a", 400, 2.0)
        forecast.done("a", 400, 2.0)
        assert forecast.left() == 2.0  # one job left: a second worker does not help

    @pytest.mark.parametrize(
        ("seconds", "words"),
        [(40.2, "40 s"), (720.0, "12 min"), (12000.0, "3 h 20 min"), (187200.0, "2 d 4 h")],
    )
    def test_is_said_in_words(self, seconds, words):
        assert in_words(seconds) == words
