"""A forecast of the remaining time, from the times of each estimator so far."""

from collections import Counter, defaultdict

from mineral.benchmark.jobs import Job


class Forecast:
    """A forecast of the remaining seconds, with `workers` parallel jobs."""

    def __init__(self, jobs: list[Job], workers: int) -> None:
        self._left = Counter((job.contestant.label, job.n) for job in jobs)
        self._took: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
        self._workers = workers

    def done(self, label: str, n: int, seconds: float) -> None:
        """Record a finished job and its seconds."""
        self._left[label, n] -= 1
        self._took[label, n].append(seconds)

    def left(self) -> float | None:
        """Seconds until all is done; None before the first is."""
        if not self._took:
            return None
        left = sum(count * self._mean(label, n) for (label, n), count in self._left.items())
        return left / max(1, min(self._workers, self._left.total()))

    def _mean(self, label: str, n: int) -> float:
        """Of this estimator at this n; else at the nearest n, as if time grew with n; else of all.

        Time grows faster for some and slower for others: it is a forecast.
        """
        sizes = [size for other, size in self._took if other == label]
        if sizes:
            nearest = min(sizes, key=lambda size: abs(size - n))
            return _mean(self._took[label, nearest]) * n / nearest
        return _mean([seconds for some in self._took.values() for seconds in some])


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
