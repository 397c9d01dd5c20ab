"""Tasks × sizes × seeds × estimators → rows, each run once, also after crashes."""

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from mineral.basics.types import Progress
from mineral.benchmark.child import Pool
from mineral.benchmark.contestants import Contestant
from mineral.benchmark.forecast import Forecast
from mineral.benchmark.jobs import Job, Unanswered, attempt
from mineral.benchmark.rows import Journal, Row, opened
from mineral.errors import InputError, OptionError
from mineral.system import storage
from mineral.system.folders import SETTINGS, json_of, make
from mineral.system.machine import machine, versions
from mineral.system.progress import ProgressOption, in_words, reporting
from mineral.system.workers import in_workers, joblib
from mineral.tasks import Task

Done: TypeAlias = tuple[Row | Unanswered, float]  # and the seconds it took
KINDS = 8  # of workers to keep waiting, beside one of each job: Mineral's and those of rivals


def run(
    tasks: Sequence[Task],
    contestants: Sequence[Contestant],
    *,
    sizes: Sequence[int],
    seeds: Sequence[int],
    out: str | os.PathLike[str],
    jobs: int = 1,
    time_limit: float | None = None,
    threads: int = 1,
    retry: bool = False,
    backend: str = "threading",
    backend_options: Mapping[str, Any] | None = None,
    progress: ProgressOption = False,
    command: str = "",
) -> list[Row]:
    """Run every estimator on every sample that it has no row for yet, and return the new rows.

    Rows are written when they are done: after a crash, the same call runs what is missing. Seeds
    run in order, so that a run that is stopped early has every task and every estimator.

    Args:
        tasks: The tasks to sample.
        contestants: Estimators, as `lineup(["auto", "ksg:k=5"], ["npeet=/other/bin/python"])`.
        sizes: Numbers of samples.
        seeds: Each gives another sample of a task, and is the estimator's seed.
        out: The folder of the rows; made if it does not exist.
        jobs: How many run at a time.
        time_limit: Seconds for one estimate, after which it is killed; None for no limit.
        threads: That each estimate may compute with.
        retry: Whether to repeat runs without a value.
        backend: One of joblib's: `"threading"`, `"loky"`, `"dask"`, `"ray"`.
        backend_options: For `joblib.parallel_config`, such as dask's `scheduler_host`.
        progress: True for a bar on standard error, or a function (fraction, what is running).
        command: What to note beside the rows as the command that made them.

    Raises:
        OptionError: If there is nothing to run, another run uses `out`, or a rival does not start.
        InputError: If a row cannot be written; or, once all others are, if storage failed under
            some estimates: they have no row, so that the same call tries them again.
        MissingExtraError: If joblib or filelock is not installed.
    """
    _check(tasks, contestants, sizes, seeds, jobs, threads, time_limit)
    folder = Path(out)
    make(folder)
    with opened(folder) as journal:
        wanted = [
            Job(task=task, n=n, seed=seed, contestant=contestant, time_limit=time_limit)
            for seed in dict.fromkeys(seeds)
            for n in dict.fromkeys(sizes)
            for contestant in contestants  # after one another, so that workers live long
            for task in tasks
        ]
        missing = [job for job in wanted if _is_missing(job, journal, retry=retry)]
        _note(folder / SETTINGS, command, jobs, threads, time_limit)
        with closing(Pool(threads, jobs + KINDS, folder)) as pool, reporting(progress) as report:
            watch = _Watch(missing, jobs, report)
            start = partial(attempt, pool=pool)
            if backend == "threading":  # workers are ours to see
                start = partial(watch.attempt, pool=pool)
                for command_line, label in _commands(missing).items():
                    report(0.0, f"starting {label}")
                    pool.check(label, command_line)
            new, unanswered = [], []
            for row, seconds in _results(start, missing, jobs, backend, backend_options or {}):
                if isinstance(row, Unanswered):
                    unanswered.append(row)
                    continue
                journal.add(row)
                new.append(row)
                watch.done(row, seconds)
        _check_answered(unanswered, len(missing))
        return new


def _check_answered(unanswered: Sequence[Unanswered], count: int) -> None:
    if unanswered:
        task, n, seed, label = unanswered[0].key
        raise InputError(
            f"{len(unanswered):,} of {count:,} estimates have no row, because storage failed: the "
            f"first is {label} on {task}, n = {n:,}, seed {seed} ({unanswered[0].reason}). Make "
            "room, and run the same command again."
        )


class _Watch:
    """Reports the running jobs, the number that are done, and the remaining time."""

    def __init__(self, jobs: list[Job], workers: int, report: Progress) -> None:
        self._report, self._all, self._count = report, len(jobs), 0
        self._forecast = Forecast(jobs, workers)
        self._running: dict[object, str] = {}
        self._lock = threading.Lock()

    def attempt(self, job: Job, pool: Pool) -> Done:
        """Run a job, and report it."""
        task, n, _, label = job.key
        self._tell(job.key, f"{label} on {task}, n = {n:,}")
        try:
            return attempt(job, pool)
        finally:
            self._tell(job.key, None)

    def done(self, row: Row, seconds: float) -> None:
        """A row is on disk."""
        self._count += 1
        self._forecast.done(row.label, row.n, seconds)
        self._tell(row.key, None)

    def _tell(self, key: object, running: str | None) -> None:
        with self._lock:
            self._running.pop(key, None)
            if running:
                self._running[key] = running
            left = self._forecast.left()
            parts = [f"{self._count:,} of {self._all:,}"]
            parts += [] if left is None else [f"{in_words(left)} left"]
            parts += self._running.values()  # last: a narrow terminal cuts the end off
            self._report(self._count / max(1, self._all), " · ".join(parts))


def _results(
    start: Callable[[Job], Done],
    jobs: list[Job],
    workers: int,
    backend: str,
    options: Mapping[str, Any],
) -> Iterator[Done]:
    """What each job gives, as it comes."""
    joblib("The benchmark")
    if backend == "ray":
        try:
            from ray.util.joblib import register_ray
        except ImportError:
            raise OptionError("`backend` 'ray' needs Ray: run `pip install ray`.") from None
        register_ray()
    arguments = [(job,) for job in jobs]
    yield from in_workers(start, arguments, jobs=workers, backend=backend, options=options)


def _commands(jobs: list[Job]) -> dict[tuple[str, ...], str]:
    """Each command line, and the label of one that it is for."""
    return {job.contestant.command: job.contestant.label for job in jobs}


def _is_missing(job: Job, journal: Journal, *, retry: bool) -> bool:
    row = journal.rows.get(job.key)
    return row is None or (retry and row.status != "ok")


def _check(
    tasks: Sequence[Task],
    contestants: Sequence[Contestant],
    sizes: Sequence[int],
    seeds: Sequence[int],
    jobs: int,
    threads: int,
    time_limit: float | None,
) -> None:
    lists: dict[str, Sequence[Any]] = {
        "tasks": tasks,
        "contestants": contestants,
        "sizes": sizes,
        "seeds": seeds,
    }
    for name, values in lists.items():
        if not values:
            raise OptionError(f"`{name}` is empty: name at least one.")
    names = [task.name for task in tasks]
    for name in names:
        if names.count(name) > 1:
            raise OptionError(f"`tasks` names {name!r} twice: name it once.")
    for name, least, given in (
        ("sizes", 1, min(sizes)),
        ("seeds", 0, min(seeds)),
        ("jobs", 1, jobs),
        ("threads", 1, threads),
    ):
        if given < least:
            raise OptionError(f"`{name}` must be at least {least}, got {given}.")
    if time_limit is not None and not time_limit > 0:
        raise OptionError(f"`time_limit` must be positive seconds, got {time_limit!r}.")


def _note(path: Path, command: str, jobs: int, threads: int, time_limit: float | None) -> None:
    """Add to the list of runs that wrote into this folder."""
    found = json_of(path)
    runs = found if isinstance(found, list) else []
    runs.append(
        {
            "command": command,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "jobs": jobs,
            "threads": threads,
            "time_limit": time_limit,
            "machine": machine(),
            "versions": versions(),
        }
    )
    storage.write(path, json.dumps(runs, indent=2) + "\n")
