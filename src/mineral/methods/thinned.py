"""Series, a row in so many at a time: rows far enough apart are nearly independent draws."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from mineral.methods.base import Measurement, Run
from mineral.progress import portion
from mineral.results import Caution
from mineral.samples import Paired
from mineral.types import PerSample

FEWEST = 50  # rows at a time
MOST = 10  # times


def step(samples: Paired) -> int:
    """How many rows apart those should be that are measured together: 1 unless in series."""
    return max(1, min(math.ceil(samples.rows_a_draw), len(samples) // FEWEST))


def thinned(
    samples: Paired, run: Run, measure: Callable[[Paired, Run], Measurement]
) -> Measurement:
    """Every m-th row measured by itself, from each of the first m on, and the values averaged.

    Neighbours in time resemble each other, whatever x says of y: together they would be taken for
    dependence. The standard error is that of all rows as if they were independent, as `measure`
    gives it for rows that are.
    """
    apart = step(samples)
    starts = np.unique(np.linspace(0, apart - 1, min(apart, MOST)).round().astype(int))
    parts = [slice(int(start), None, apart) for start in starts]
    found = []
    for i, rows in enumerate(parts):
        part = replace(samples, x=samples.x[rows], y=samples.y[rows], rows_a_draw=1.0)
        if any((side == side[0]).all() for side in (part.x, part.y)):
            return measure(samples, run)  # too rare to be thinned
        progress = portion(run.progress, i / len(parts), (i + 1) / len(parts))
        # A coordinate may be constant in a part, and vary in the whole.
        found.append(measure(part.measurable()[0], replace(run, progress=progress)))
    first = found[0]
    told = f"Rows are in series: one row in {apart}, {len(parts)} times, and the mean of these."
    return replace(
        first,
        value=float(np.mean([each.value for each in found])),
        stderr=float(np.mean([each.stderr for each in found]) / math.sqrt(apart)),
        missing=float(np.mean([each.missing for each in found])),
        pointwise=_in_place(found, parts, len(samples)) if len(parts) == apart else None,
        cautions=_once(found),
        path=(*first.path, told),
        curves=(),
        model=None,
    )


def _in_place(found: Sequence[Measurement], parts: Sequence[slice], n: int) -> PerSample | None:
    together = np.empty(n)
    for each, rows in zip(found, parts, strict=True):
        if each.pointwise is None:
            return None
        together[rows] = each.pointwise
    return together


def _once(found: Sequence[Measurement]) -> tuple[Caution, ...]:
    """What is doubtful in most parts, said once."""
    codes = [caution.code for each in found for caution in each.cautions]
    firsts = {c.code: c for each in found for c in reversed(each.cautions)}
    return tuple(c for code, c in firsts.items() if codes.count(code) > len(found) / 2)
