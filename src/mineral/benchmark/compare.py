"""Two folders of rows → changes of the error, with standard errors."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev
from typing import TypeAlias

from mineral.benchmark.rows import Row
from mineral.benchmark.summary import grouped, loss, noise_of_mean
from mineral.errors import InputError

Pair: TypeAlias = tuple[Row, Row]
CLEAR = 2.0  # standard errors
LISTED = 5


@dataclass(frozen=True, kw_only=True)
class Change:
    """How the error of one estimator differs between two folders, on the runs that both have.

    Attributes:
        label: The estimator; with a task and n, for the cells where it changed most.
        before, after: The mean absolute error in nats, where no value counts as 0.
        noise: The standard error of their difference, from the pairs; None for a single one.
        pairs: On how many runs.
        lost, gained: Of these, values that only the old or only the new run has.
        pace: New seconds over old, the median; None if unknown.
    """

    label: str
    before: float
    after: float
    noise: float | None
    pairs: int
    lost: int
    gained: int
    pace: float | None

    @property
    def difference(self) -> float:
        """Of the error in nats; positive where it got worse."""
        return self.after - self.before

    @property
    def verdict(self) -> str:
        """`worse`, `better`, `unchanged`, or that noise may explain it."""
        if self.difference == 0 and not self.noise:
            return "unchanged"
        if self.noise is None:
            return "one run only"
        if abs(self.difference) <= CLEAR * self.noise:
            return "within noise"
        return "worse" if self.difference > 0 else "better"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Attributes: changes by estimator, the worst first; cells clearly worse; rows of one only."""

    changes: list[Change]
    worse_cells: list[Change]
    only_old: int
    only_new: int

    def __str__(self) -> str:
        lines = ["Mean absolute error in nats, on the runs in both folders:"]
        width = max(len(each.label) for each in self.changes)
        lines += [f"  {each.label:<{width}}  {_in_words(each)}" for each in self.changes]
        if self.worse_cells:
            lines.append("Clearly worse on:")
            lines += [f"  {each.label}  {_in_words(each)}" for each in self.worse_cells]
        if self.only_old or self.only_new:
            lines.append(f"Not compared: {self.only_old:,} old rows, {self.only_new:,} new ones.")
        return "\n".join(lines)


def compare(old: Sequence[Row], new: Sequence[Row]) -> Comparison:
    """The changes from the old rows to the new ones.

    Rows with the same task, n, seed and estimator are a pair on the same sample, so that sampling
    error cancels.

    Raises:
        InputError: If no run is in both.
    """
    before, after = ({row.key: row for row in rows} for rows in (old, new))
    pairs = [(row, after[key]) for key, row in before.items() if key in after]
    if not pairs:
        raise InputError("The two folders have no run in common: compare the same tasks and seeds.")
    of_pair = {id(first): (first, second) for first, second in pairs}
    by_label = grouped((first for first, _ in pairs), lambda row: row.label)
    changes, cells = [], []
    for label, rows in by_label.items():
        changes.append(_change(label, [of_pair[id(row)] for row in rows]))
        for (task, n), own in grouped(rows, lambda row: (row.task, row.n)).items():
            cells.append(_change(f"{label} on {task}, n = {n:,}", [of_pair[id(r)] for r in own]))
    worse = sorted(
        (each for each in cells if each.verdict == "worse"), key=lambda each: -each.difference
    )
    return Comparison(
        changes=sorted(changes, key=lambda each: -each.difference),
        worse_cells=worse[:LISTED],
        only_old=len(before) - len(pairs),
        only_new=len(after) - len(pairs),
    )


def _change(label: str, pairs: list[Pair]) -> Change:
    cells = list(grouped((first for first, _ in pairs), lambda row: (row.task, row.n)).values())
    partner = {id(first): second for first, second in pairs}
    differences = [[loss(partner[id(row)]) - loss(row) for row in own] for own in cells]
    paces = [
        second.seconds / first.seconds
        for first, second in pairs
        if first.seconds and second.seconds and first.value is not None
    ]
    return Change(
        label=label,
        before=fmean(fmean(map(loss, own)) for own in cells),
        after=fmean(fmean(loss(partner[id(row)]) for row in own) for own in cells),
        noise=_noise(differences),
        pairs=len(pairs),
        lost=sum(second.value is None and first.value is not None for first, second in pairs),
        gained=sum(first.value is None and second.value is not None for first, second in pairs),
        pace=median(paces) if paces else None,
    )


def _noise(cells: list[list[float]]) -> float | None:
    """Over seeds where there are several, else over tasks."""
    over_seeds = noise_of_mean(cells)
    if over_seeds is not None:
        return over_seeds
    means = [fmean(some) for some in cells]
    return stdev(means) / math.sqrt(len(means)) if len(means) > 1 else None


def _in_words(change: Change) -> str:
    noise = "" if change.noise is None else f" ± {change.noise:.4f}"
    parts = [
        f"{change.before:.4f} → {change.after:.4f} ({change.difference:+.4f}{noise}): "
        f"{change.verdict}, {change.pairs:,} runs"
    ]
    parts += [f"{change.lost:,} values lost"] if change.lost else []
    parts += [f"{change.gained:,} values gained"] if change.gained else []
    if change.pace is not None and not 0.8 < change.pace < 1.25:
        parts.append(f"{change.pace:.2g} times the seconds")
    return ", ".join(parts)
