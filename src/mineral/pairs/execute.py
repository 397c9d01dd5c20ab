"""Chunks of pairs, several at a time: threads for copulas, processes for other estimators."""

import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, TypeAlias

from mineral.errors import MissingExtraError, OptionError
from mineral.methods import GaussianCopula
from mineral.pairs.copula import Copula, Groups
from mineral.pairs.each import Each
from mineral.pairs.plan import Chunk, Part, Plan
from mineral.settings import OWN, own_estimator
from mineral.system.progress import in_words
from mineral.system.threads import one_blas_thread
from mineral.system.workers import in_workers

TRIED, COLUMNS_TRIED = 3, 100  # pairs, and columns, that a forecast computes: a few seconds
ANSWER = 10  # seconds that a scheduler has to answer
Own: TypeAlias = tuple[str, dict[str, Any]]
BYTES = 40  # of results for a pair: five numbers
COPIES = 4  # of the table: values, their scores, and both while they are made
BASE, THREAD, PROCESS = 4e8, 6e7, 4e8  # bytes of Python with torch, of a chunk, of a worker


def results(
    engine: Copula | Each,
    chunks: Sequence[Chunk],
    jobs: int,
    *,
    whole: Part | None = None,
    scheduler: str | None = None,
) -> Iterator[tuple[Chunk, Part]]:
    """Each chunk with its results, in the order in which they finish.

    Args:
        engine: What computes them.
        chunks: Of its plan.
        jobs: Threads or processes.
        whole: Where a copula writes its results to, instead of new arrays.
        scheduler: The address of a Dask scheduler, whose workers are used instead of `jobs`.

    Raises:
        MissingExtraError: If joblib is not installed, for several processes, or Dask.
        OptionError: If the scheduler does not answer or has no workers.
    """
    if isinstance(engine, Copula):
        yield from _in_threads(engine, chunks, jobs, whole)
    elif scheduler is not None:
        yield from _on_cluster(engine, chunks, scheduler)
    elif jobs == 1:
        for chunk in chunks:
            yield chunk, engine.measure(chunk)
    else:
        yield from _in_processes(engine, chunks, jobs)


def _in_threads(
    engine: Copula, chunks: Sequence[Chunk], jobs: int, whole: Part | None
) -> Iterator[tuple[Chunk, Part]]:
    def measure(chunk: Chunk) -> tuple[Chunk, Part]:
        part = Part.empty(len(chunk)) if whole is None else whole.view(chunk.start, chunk.stop)
        engine.measure(chunk, groups, part)
        return chunk, part

    if not chunks:
        return
    with one_blas_thread(), ThreadPoolExecutor(jobs) as pool:
        groups = Groups(engine)
        groups.prepare(pool.map)
        todo, running = iter(chunks), set[Future[tuple[Chunk, Part]]]()
        try:
            while True:
                while len(running) < 2 * jobs and (chunk := next(todo, None)) is not None:
                    running.add(pool.submit(measure, chunk))  # few: results take memory
                if not running:
                    return
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _in_processes(engine: Each, chunks: Sequence[Chunk], jobs: int) -> Iterator[tuple[Chunk, Part]]:
    """Joblib stores the table once and maps it into the memory of each process."""
    sent, file = _sent(engine)
    arguments = [(sent, chunk, file) for chunk in chunks]
    yield from in_workers(measured, arguments, jobs=jobs, threads=1)


def _on_cluster(
    engine: Each, chunks: Sequence[Chunk], scheduler: str
) -> Iterator[tuple[Chunk, Part]]:
    """Joblib's Dask backend sends the table once to each worker, not with each chunk."""
    try:
        from distributed import Client
    except ImportError:
        raise MissingExtraError("A Dask scheduler", "cluster") from None
    try:
        client = Client(scheduler, timeout=ANSWER, set_as_default=False)
    except (OSError, ValueError) as error:
        raise OptionError(
            f"`scheduler` {scheduler!r} does not answer ({error}): start one with `dask scheduler`."
        ) from None
    with client:
        if not client.ncores():
            raise OptionError(
                f"`scheduler` {scheduler!r} has no workers: start some with `dask worker "
                f"{scheduler} --nthreads 1`."
            )
        sent, file = _sent(engine)
        arguments = [(sent, chunk, file) for chunk in chunks]
        options = {"client": client, "scatter": [sent]}
        yield from in_workers(measured, arguments, jobs=None, backend="dask", options=options)


def _sent(engine: Each) -> tuple[Each, Own | None]:
    """An engine that other processes can read: without an estimator of a user's file."""
    engine.sheet.fill_caches()
    kind = type(engine.estimator)
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    if not kind.__module__.startswith(OWN) or file is None:
        return engine, None
    options = {f.name: getattr(engine.estimator, f.name) for f in fields(engine.estimator)}
    return replace(engine, estimator=GaussianCopula()), (f"{file}:{kind.__name__}", options)


def measured(engine: Each, chunk: Chunk, own: Own | None = None) -> tuple[Chunk, Part]:
    """A chunk with its results, in a worker's process.

    Args:
        engine: What computes it.
        chunk: Its pairs.
        own: The file and the class of a user's estimator, and its options.
    """
    if own is not None:
        place, options = own
        engine = replace(engine, estimator=own_estimator(place)(**options))
    return chunk, engine.measure(chunk)


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a matrix will take on this machine.

    Attributes:
        pairs: In all.
        seconds: With `jobs` workers, from the time of a few pairs.
        megabytes: Of all workers together, about.
        jobs: Threads or processes.
    """

    pairs: int
    seconds: float
    megabytes: float
    jobs: int

    def to_dict(self) -> dict[str, float | int]:
        """As JSON holds it."""
        return asdict(self)

    def __str__(self) -> str:
        workers = "worker" if self.jobs == 1 else "workers"
        return (
            f"{self.pairs:,} pairs, about {in_words(self.seconds)} with {self.jobs} {workers}, "
            f"{self.megabytes:,.0f} MB of memory"
        )


def forecast(engine: Copula | Each, jobs: int) -> Forecast:
    """Time a few pairs, and foresee time and memory of all."""
    pairs, cells = len(engine.plan), engine.sheet.values.nbytes
    if isinstance(engine, Copula):
        seconds = _of_copula(engine)
        held = COPIES * cells + pairs * BYTES + jobs * THREAD
    else:
        seconds = _of_each(engine)
        held = cells + pairs * BYTES + jobs * PROCESS
    return Forecast(pairs=pairs, seconds=seconds / jobs, megabytes=(BASE + held) / 1e6, jobs=jobs)


def _of_each(engine: Each) -> float:
    """Seconds of all pairs, from some that are evenly spaced; the first one loads libraries."""
    tried = [len(engine.plan) * k // (TRIED + 1) for k in range(TRIED + 1)]
    starts = [0.0]
    for start in tried:
        engine.measure(Chunk(number=0, start=start, stop=start + 1))
        starts.append(time.perf_counter())
    return (starts[-1] - starts[1]) / TRIED * len(engine.plan)


def _of_copula(engine: Copula) -> float:
    """Seconds of all pairs, from the pairs of some columns that are evenly spaced."""
    columns = engine.plan.columns
    step = max(1, len(columns) // COLUMNS_TRIED)
    few = Plan(columns=columns[::step], first=len(columns[::step]) - 1)
    for _ in range(2):  # the first time loads libraries
        start = time.perf_counter()
        groups = Groups(replace(engine, plan=few))
        groups.prepare(map)
        scored = time.perf_counter()
        for chunk in few.chunks(len(few), whole_rows=True):
            replace(engine, plan=few).measure(chunk, groups, Part.empty(len(chunk)))
        end = time.perf_counter()
    scores = (scored - start) / len(few.columns) * len(columns)
    return scores + (end - scored) / len(few) * len(engine.plan)
