"""Rows that are exact copies of another one count once, as after oversampling or merging tables."""

from dataclasses import dataclass, replace

import numpy as np

from mineral.basics.types import Mask, Matrix
from mineral.methods.base import Measurement, Measures, Run
from mineral.results import Caution
from mineral.samples import Paired, distinct_rows

CONTINUOUS = 0.9  # share of different rows, from which a side is continuous
SHARED = 0.05  # of the rows, from which a value repeats by chance
COPIES = 0.02  # share of the rows that repeat another one, from which rows count once


@dataclass(frozen=True)
class Distinct:
    """The estimate from different rows, with a caution where some are copies.

    Args:
        inner: Estimates from the rows that remain.
    """

    inner: Measures

    def measure(self, samples: Paired, run: Run) -> Measurement:
        distinct, cautions = _without_copies(samples)
        found = self.inner.measure(distinct, run)
        if not cautions:
            return found
        return replace(found, pointwise=None, cautions=(*cautions, *found.cautions))


def _without_copies(samples: Paired) -> tuple[Paired, tuple[Caution, ...]]:
    """The samples without rows that are exact copies of another one, and a caution about these.

    Rows are copies if, without them, the rows of a side hardly repeat: if values repeat because
    they are rounded or categorical, equal rows are not copies.
    """
    both = np.hstack([samples.x, samples.y])
    rows, first, counts = np.unique(both, axis=0, return_index=True, return_counts=True)
    own = _has_own_value(both)[first]
    copies = int((counts - 1)[own].sum())
    if copies < COPIES * len(samples):
        return samples, ()
    sides = rows[own, : samples.x.shape[1]], rows[own, samples.x.shape[1] :]
    if max(distinct_rows(side) for side in sides) < CONTINUOUS * own.sum():
        return samples, ()
    keep = np.sort(first)
    caution = Caution(
        "repeated-rows",
        f"{len(samples) - len(keep):,} of {len(samples):,} rows are exact copies of another row, "
        "as after oversampling or merging tables. Each distinct row is counted once. Pass the "
        "distinct rows.",
    )
    return replace(samples, x=samples.x[keep], y=samples.y[keep]), (caution,)


def _has_own_value(values: Matrix) -> Mask:
    """Non-integer rows that few others share: categories, counts and atoms also repeat."""
    least = SHARED * len(values)
    found = np.zeros(len(values), dtype=bool)
    for column in values.T:
        _, which, counts = np.unique(column, return_inverse=True, return_counts=True)
        found |= (counts[which] <= least) & (column % 1 != 0)
    return found
