"""Rows that are not independent draws are thinned, and the estimates of the parts averaged.

- Autocorrelated rows: rows close in time are similar on both sides, which would count as dependence
  between x and y. Each part takes one row of every m, at a random phase: a fixed one would alias
  with a period of the series.
- An evenly spaced side (row numbers, a design): gaps vary less than those of independent draws,
  which raises estimates of strong dependence (by 0.04 of 5.5 nats where noise is five steps wide).
  A random fifth of the rows has gaps of nearly independent draws.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mineral.basics.types import PerSample
from mineral.methods.base import Measurement, Measures, Run
from mineral.results import Caution
from mineral.samples import Paired, distinct_rows, has_ties, is_evenly_spaced
from mineral.system.progress import portion

MIN_ROWS = 50  # of a part
MAX_PARTS = 10
ROWS_PER_VALUE = 10  # on average, from which a side is discrete
EVEN_PARTS = 5  # random parts of evenly spaced rows: a fifth of the excess remains in each
EVEN_ROWS = 1000  # from which parts are large enough for strong dependence
STRONG = 0.5  # nats, from which the bias by even gaps matters


@dataclass(frozen=True)
class Thinned:
    """The mean of the estimates of thinned parts, if rows are not independent draws.

    The standard error is that of all rows if they were independent, as the inner estimator assumes;
    `Estimator.estimate` scales it to the effective sample size.

    Args:
        inner: Estimates from each part, or from all rows.
    """

    inner: Measures[Paired]

    def measure(self, samples: Paired, run: Run) -> Measurement:
        m = step(samples)
        if m > 1:
            return self._of_parts(samples, m, run)
        found = self.inner.measure(samples, run)
        even = found.value > STRONG and is_even(samples)
        return self._of_parts(samples, m, run) if even else found

    def _of_parts(self, samples: Paired, m: int, run: Run) -> Measurement:
        if m > 1:
            parts = _phases(len(samples), m, run.rng())
            sentence = f"Autocorrelated rows: the mean of {len(parts)} parts of one row in {m}."
        else:
            m, order = EVEN_PARTS, run.rng().permutation(len(samples))
            parts = [np.sort(part) for part in np.array_split(order, m)]
            sentence = f"Evenly spaced rows: the mean of {m} random parts."
        found = []
        for i, rows in enumerate(parts):
            part = replace(samples.rows(rows), rows_a_draw=1.0)
            if any((side == side[0]).all() for side in (part.x, part.y)):
                # A side is constant in a part: its variation is too rare for thinning.
                return self.inner.measure(samples, run)
            progress = portion(run.progress, i / len(parts), (i + 1) / len(parts))
            # A column may be constant in a part, and vary in the whole.
            found.append(self.inner.measure(part.measurable()[0], replace(run, progress=progress)))
        first = found[0]
        return replace(
            first,
            value=float(np.mean([part.value for part in found])),
            stderr=float(np.mean([part.stderr for part in found]) / math.sqrt(m)),
            missing=float(np.mean([part.missing for part in found])),
            pointwise=_in_place(found, parts, len(samples)) if len(parts) == m else None,
            cautions=_in_most(found),
            path=(*first.path, sentence),
            decision=None if first.decision is None else replace(first.decision, wrapper="thinned"),
            reach=None,
            curves=(),
            model=None,
        )


def step(samples: Paired) -> int:
    """The lag at which rows are nearly independent: 1 if rows are not thinned.

    If x and y are discrete, all rows are counted.
    """
    if samples.rows_a_draw <= 1:
        return 1
    n = len(samples)
    kinds = [distinct_rows(side) for side in samples.sides]
    if max(kinds) * ROWS_PER_VALUE <= n:
        return 1
    return max(1, min(math.ceil(samples.rows_a_draw), n // MIN_ROWS))


def is_even(samples: Paired) -> bool:
    """Whether a single column is spaced more evenly than independent draws, in many rows."""
    sides = samples.x, samples.y
    return len(samples) >= EVEN_ROWS and any(
        side.shape[1] == 1 and not has_ties(side)[0] and is_evenly_spaced(side[:, 0])
        for side in sides
    )


def _phases(n: int, m: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Disjoint parts, each with one random row of every m consecutive rows."""
    blocks = -(-n // m)
    phases = rng.permuted(np.tile(np.arange(m), (blocks, 1)), axis=1)
    rows = phases + m * np.arange(blocks)[:, None]
    return [part[part < n] for part in rows.T[: min(m, MAX_PARTS)]]


def _in_place(
    found: Sequence[Measurement], parts: Sequence[np.ndarray], n: int
) -> PerSample | None:
    together = np.empty(n)
    for part, rows in zip(found, parts, strict=True):
        if part.pointwise is None:
            return None
        together[rows] = part.pointwise
    return together


def _in_most(found: Sequence[Measurement]) -> tuple[Caution, ...]:
    """The cautions of more than half of the parts, each once."""
    codes = [caution.code for part in found for caution in part.cautions]
    firsts = {c.code: c for part in found for c in reversed(part.cautions)}
    return tuple(c for code, c in firsts.items() if codes.count(code) > len(found) / 2)
