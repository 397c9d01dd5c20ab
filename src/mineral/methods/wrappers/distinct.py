"""Rows that are exact copies of another one count once, as after oversampling or merging tables."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic

import numpy as np
from jaxtyping import Int

from mineral.basics.types import Mask, Matrix, Rows
from mineral.methods.base import Measurement, Measures, Run, Sampled
from mineral.results import Caution
from mineral.samples import distinct_rows

CONTINUOUS = 0.9  # share of different rows, from which a side is continuous
SHARED = 0.05  # of the rows, from which a value repeats by chance
ROWS_PER_CELL = 3  # on average, from which rows are drawn from a table: a bootstrap has fewer
UNEVEN = 0.5  # of the variance of counts drawn at random; copies of all rows have none
COPIES = 0.02  # share of the rows that repeat another one, from which rows count once


@dataclass(frozen=True)
class Distinct(Generic[Sampled]):
    """The estimate from different rows, with a caution where some are copies.

    Args:
        inner: Estimates from the rows that remain.
    """

    inner: Measures[Sampled]

    def measure(self, samples: Sampled, run: Run) -> Measurement:
        copies = _copies(samples.sides)
        if copies is None:
            return self.inner.measure(samples, run)
        keep, caution = copies
        found: Measurement = self.inner.measure(samples.rows(keep), run)
        return replace(found, pointwise=None, cautions=(caution, *found.cautions))


def _copies(sides: Sequence[Matrix]) -> tuple[Rows, Caution] | None:
    """The rows that are no exact copies of an earlier one, and a caution about these.

    Rows are copies if, without them, the rows of a side hardly repeat: if values repeat because
    they are rounded or categorical, equal rows are not copies. Nor are they if rows seem to be
    drawn from a table, as sales of products are, whose price determines the category.
    """
    whole = np.hstack(sides)
    rows, first, counts = np.unique(whole, axis=0, return_index=True, return_counts=True)
    own = _has_own_value(whole)[first]
    copies = int((counts - 1)[own].sum())
    if copies < COPIES * len(whole):
        return None
    widths = np.cumsum([side.shape[1] for side in sides])
    apart = np.split(rows[own], widths[:-1], axis=1)
    if max(distinct_rows(side) for side in apart) < CONTINUOUS * own.sum():
        return None
    if _is_sampled(counts) and min(distinct_rows(side) for side in sides) * 2 <= len(rows):
        return np.arange(len(whole)), _as_a_table(len(rows), counts.mean())
    keep = np.sort(first)
    caution = Caution(
        "repeated-rows",
        f"{len(whole) - len(keep):,} of {len(whole):,} rows are exact copies of another row, "
        "as after oversampling or merging tables. Each distinct row is counted once. Pass the "
        "distinct rows.",
    )
    return keep, caution


def _as_a_table(rows: int, often: float) -> Caution:
    return Caution(
        "repeated-rows",
        f"The {rows:,} distinct rows occur {often:.0f} times each on average, and are counted as a "
        "table. If equal rows are copies, as after oversampling, pass the distinct rows.",
    )


def _is_sampled(counts: Int[np.ndarray, " rows"]) -> bool:
    """Whether each row occurs often, and as unevenly as rows drawn from a table of them do."""
    often = float(counts.mean()) >= ROWS_PER_CELL
    return often and float(counts.var()) >= UNEVEN * float(counts.mean())


def _has_own_value(values: Matrix) -> Mask:
    """Non-integer rows that few others share: categories, counts and atoms also repeat."""
    least = SHARED * len(values)
    found = np.zeros(len(values), dtype=bool)
    for column in values.T:
        _, which, counts = np.unique(column, return_inverse=True, return_counts=True)
        found |= (counts[which] <= least) & (column % 1 != 0)
    return found
