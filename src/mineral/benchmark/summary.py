"""Rows → error, bias, spread, coverage and cost of each estimator; overall and by part.

A *cell* is a task at one n; its rows differ by seed. Every cell counts the same.

Ranking is by the **mean absolute error in nats, where every cell counts**: a run without a value
(refused, failed, too late) or never made counts as 0 (baseline). The error over the runs with a
value is given as well.

Two that cost nothing are added: `oracle`, the mean of the true pointwise values of each sample,
which has sampling error alone; and `nothing`, which is always 0.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median, variance
from typing import TypeAlias, TypeVar

from mineral.benchmark.rows import Row

ORACLE, NOTHING = "oracle", "nothing"
REFERENCES = (ORACLE, NOTHING)
CLOSE = 0.1  # nats
Cell: TypeAlias = tuple[str, int]
Group = TypeVar("Group", bound=Hashable)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The summary of one estimator on some cells. Information is in nats; None if undefined.

    Attributes:
        label: The estimator with its settings.
        error: The mean over cells of |value − truth|, where no value counts as 0.
        noise: The standard error of `error` over seeds; None with one seed.
        error_where_ran: The mean of |value − truth| over the cells with a value.
        bias: The mean of value − truth, over the same.
        spread: The standard deviation of values over seeds, pooled over cells.
        close: The share of runs within 0.1 nats of the truth.
        coverage: The share of intervals that contain the truth.
        false_positives: On independent data, the share of intervals above 0.
        seconds, megabytes: The medians of seconds, and of peak memory.
        cells, of_cells: In how many of the cells it has a value.
        runs: How many rows it has.
        without: How many of them have no value, by status.
    """

    label: str
    error: float
    noise: float | None
    error_where_ran: float | None
    bias: float | None
    spread: float | None
    close: float | None
    coverage: float | None
    false_positives: float | None
    seconds: float | None
    megabytes: float | None
    cells: int
    of_cells: int
    runs: int
    without: Counter[str]


def with_references(rows: Iterable[Row]) -> list[Row]:
    """The rows, and those of the oracle and of nothing on the same samples."""
    rows = list(rows)
    samples = {(row.task, row.n, row.seed): row for row in rows if row.oracle is not None}
    samples = {(row.task, row.n, row.seed): row for row in rows} | samples
    found = [row for row in rows if row.label not in REFERENCES]
    for row in samples.values():
        plain = Row(
            task=row.task,
            family=row.family,
            dim_x=row.dim_x,
            dim_y=row.dim_y,
            n=row.n,
            seed=row.seed,
            label=NOTHING,
            truth=row.truth,
            truth_error=row.truth_error,
            oracle=row.oracle,
            value=0.0,
        )
        found.append(plain)
        if row.oracle is not None:
            found.append(replace(plain, label=ORACLE, value=row.oracle))
    return found


def standings(rows: Sequence[Row]) -> list[Standing]:
    """The summaries of all estimators in rows of `with_references`, best first.

    An estimator without a row in some cell counts as 0 there, but the oracle is included only if
    the pointwise values are known.
    """
    truths = {(row.task, row.n): row.truth for row in rows}
    found = []
    for label, own in grouped(rows, lambda row: row.label).items():
        cells = grouped(own, lambda row: (row.task, row.n))
        judged = {cell: truths[cell] for cell in cells} if label == ORACLE else truths
        found.append(_standing(label, own, cells, judged))
    return sorted(found, key=lambda each: (each.error, each.label))


def grouped(rows: Iterable[Row], by: Callable[[Row], Group]) -> dict[Group, list[Row]]:
    """Rows by something about them, in the order of first appearance."""
    found: defaultdict[Group, list[Row]] = defaultdict(list)
    for row in rows:
        found[by(row)].append(row)
    return dict(found)


def loss(row: Row) -> float:
    """|value − truth|, where no value counts as 0."""
    return abs(row.truth if row.error is None else row.error)


def _standing(
    label: str, rows: list[Row], cells: dict[Cell, list[Row]], truths: dict[Cell, float]
) -> Standing:
    errors = [[row.error for row in own if row.error is not None] for own in cells.values()]
    errors = [some for some in errors if some]
    losses = [
        [loss(row) for row in cells[cell]] if cell in cells else [abs(truth)]
        for cell, truth in truths.items()
    ]
    intervals = [row for row in rows if row.low is not None and row.high is not None]
    nulls = [row for row in intervals if row.truth == 0]
    variances = [variance(some) for some in errors if len(some) > 1]
    return Standing(
        label=label,
        error=fmean(map(fmean, losses)),
        noise=noise_of_mean(losses),
        error_where_ran=_mean(fmean(map(abs, some)) for some in errors),
        bias=_mean(map(fmean, errors)),
        spread=math.sqrt(fmean(variances)) if variances else None,
        close=_share(row.error is not None and abs(row.error) <= CLOSE for row in rows),
        coverage=_share(_holds(row) for row in intervals),
        false_positives=_share((row.low or 0) > 0 for row in nulls),
        seconds=_median(row.seconds for row in rows if row.value is not None),
        megabytes=_median(row.peak_megabytes for row in rows if row.value is not None),
        cells=len(errors),
        of_cells=len(truths),
        runs=len(rows),
        without=Counter(row.status for row in rows if row.status != "ok"),
    )


def noise_of_mean(cells: Iterable[Sequence[float]]) -> float | None:
    """The standard error over seeds of a mean over cells of means over seeds.

    Tasks are fixed, and seeds are drawn: only what differs within a cell is noise.
    """
    cells = list(cells)
    several = [variance(some) / len(some) for some in cells if len(some) > 1]
    if not several:
        return None
    # A cell with a single seed is taken to be as noisy as the others.
    return math.sqrt(fmean(several) / len(cells))


def _holds(row: Row) -> bool:
    return row.low is not None and row.high is not None and row.low <= row.truth <= row.high


def _mean(values: Iterable[float]) -> float | None:
    values = list(values)
    return fmean(values) if values else None


def _share(values: Iterable[bool]) -> float | None:
    return _mean(map(float, values))


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
