"""Chunks of pairs, several at a time: threads for copulas, processes for other estimators."""

import time
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from mineral.basics.types import Progress
from mineral.errors import MissingExtraError
from mineral.pairs.copula import Copula, Groups
from mineral.pairs.each import Each
from mineral.pairs.plan import Chunk, Part
from mineral.system.progress import in_words
from mineral.system.threads import one_blas_thread


def results(
    engine: Copula | Each, chunks: Sequence[Chunk], jobs: int, whole: Part | None = None
) -> Iterator[tuple[Chunk, Part]]:
    """Each chunk with its results, in the order in which they finish.

    Args:
        engine: What computes them.
        chunks: Of its plan.
        jobs: Threads or processes.
        whole: Where a copula writes its results to, instead of new arrays.

    Raises:
        MissingExtraError: If joblib is not installed, for several processes.
    """
    if isinstance(engine, Copula):
        yield from _in_threads(engine, chunks, jobs, whole)
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
    try:
        import joblib
    except ImportError:
        raise MissingExtraError("More than one job", "benchmark") from None
    engine.sheet.digests, engine.sheet.is_there  # noqa: B018  computed once, and sent along
    with warnings.catch_warnings(), joblib.parallel_config("loky", inner_max_num_threads=1):
        # Loky replaces a process that has grown, and warns that it does.
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs")
        pool = joblib.Parallel(jobs, batch_size=1, return_as="generator_unordered")
        yield from pool(joblib.delayed(measured)(engine, chunk) for chunk in chunks)


def measured(engine: Each, chunk: Chunk) -> tuple[Chunk, Part]:
    """A chunk with its results, in a worker's process."""
    return chunk, engine.measure(chunk)


class Watch:
    """Reports how many pairs are done, and the remaining time.

    Args:
        pairs: In all.
        report: Called with (fraction done, text).
    """

    def __init__(self, pairs: int, report: Progress) -> None:
        self._all, self._report = pairs, report
        self._done = self._skipped = 0
        self._start = time.monotonic()

    def skip(self, pairs: int) -> None:
        """Count pairs of an earlier run."""
        self._skipped = pairs
        self.done(0)

    def done(self, pairs: int) -> None:
        """Count pairs that were computed."""
        self._done += pairs
        count = self._done + self._skipped
        parts = [f"{count:,} of {self._all:,} pairs"]
        if self._done:
            rate = (time.monotonic() - self._start) / self._done
            parts.append(f"{in_words(rate * (self._all - count))} left")
        self._report(count / max(1, self._all), " · ".join(parts))


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a matrix will take.

    Attributes:
        pairs: In all.
        seconds: With `jobs` workers, from the time of a few pairs on this machine.
        megabytes: At most, of all workers together.
        jobs: Threads or processes.
    """

    pairs: int
    seconds: float
    megabytes: float
    jobs: int

    def __str__(self) -> str:
        return (
            f"{self.pairs:,} pairs, about {in_words(self.seconds)} with {self.jobs} "
            f"{'worker' if self.jobs == 1 else 'workers'}, {self.megabytes:,.0f} MB of memory"
        )
