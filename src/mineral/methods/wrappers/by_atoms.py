"""Values that many rows share exactly, among others that vary: zeros, limits, stuck sensors.

Let A be whether x is at its atom, and B whether y is. A is a function of X and B of Y, so that

    I(X; Y) = I(A; B) + I(A; Y | B) + I(X; B | A) + I(X; Y | A, B),

a table, two labels with numbers, and numbers with numbers. At an atom the other terms vanish, and
each is estimated from the rows where it does not:

    I(A; Y | B) = P(y no atom) I(A; Y | y no atom),   and so on.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from mineral.basics.types import Mask
from mineral.methods.base import Measurement, Measures, Run
from mineral.samples import Paired

SHARE = 0.1  # of the rows, from which a value is an atom; it is no more than 1 − this
EXCESS = 5  # times as often as the next value: counts and ratings have no atom, but are discrete
MIN_ROWS = 10  # of a term that is estimated; with fewer, all rows are estimated together


@dataclass(frozen=True)
class ByAtoms:
    """The sum of the four terms if a side has an atom, and otherwise the estimate of all rows.

    Args:
        inner: Estimates a term from some rows.
    """

    inner: Measures[Paired]

    def measure(self, samples: Paired, run: Run) -> Measurement:
        at = atoms(samples)
        if at is None:
            return self.inner.measure(samples, run)
        return _by_atoms(at, samples, run, self.inner)


def atoms(samples: Paired) -> tuple[Mask, Mask] | None:
    """The rows of x, and of y, that are at an atom; None if no side is one column with an atom."""
    if samples.dims > 2 or samples.words:
        return None
    at = _at_atom(samples.x[:, 0]), _at_atom(samples.y[:, 0])
    if not (at[0].any() or at[1].any()):
        return None
    return at if min((~at[0]).sum(), (~at[1]).sum()) >= MIN_ROWS else None


def _by_atoms(
    at: tuple[Mask, Mask], samples: Paired, run: Run, inner: Measures[Paired]
) -> Measurement:
    """The sum of the four terms.

    Args:
        at: Rows of x, and of y, that are at an atom, as `atoms` gives them.
        samples: All rows.
        run: How to run.
        inner: Estimates a term from some rows.
    """
    a, b = (side.astype(float)[:, None] for side in at)
    everywhere = np.ones(len(samples), dtype=bool)
    terms = [
        (everywhere, a, b),
        (~at[1], a, samples.y),
        (~at[0], samples.x, b),
        (~at[0] & ~at[1], samples.x, samples.y),
    ]
    found = [_term(rows, x, y, samples, run, inner) for rows, x, y in terms]
    kept = [term for term in found if term is not None]
    pointwise = np.sum([_spread(rows, part, len(samples)) for rows, part in kept], axis=0)
    shares = [float(rows.mean()) for rows, _ in kept]
    # The variance of the shares, and of each term within its rows.
    within = [share * part.stderr for share, (_, part) in zip(shares, kept, strict=True)]
    parts = [part for _, part in kept]
    main = max(kept, key=lambda term: term[0].sum())[1]
    return replace(
        main,
        value=float(sum(s * part.value for s, part in zip(shares, parts, strict=True))),
        stderr=float(np.hypot(np.linalg.norm(within), _between(kept) / np.sqrt(len(samples)))),
        missing=float(sum(s * part.missing for s, part in zip(shares, parts, strict=True))),
        pointwise=pointwise,
        model=None,
        reach=None,
        residual_is_independent=False,
        cautions=tuple({c.code: c for part in parts for c in part.cautions}.values()),
        path=(
            (
                "Atoms: the sum of a table of whether x and y are at their atoms, and of the other "
                "values."
            ),
        ),
        kind="neither",
        decision=None
        if main.decision is None
        else replace(
            main.decision,
            wrapper="atoms",
            considered=tuple(c for p in parts if p.decision for c in p.decision.considered),
        ),
    )


def _term(
    rows: Mask,
    x: Float[np.ndarray, "n 1"],
    y: Float[np.ndarray, "n 1"],
    samples: Paired,
    run: Run,
    inner: Measures[Paired],
) -> tuple[Mask, Measurement] | None:
    """A term from its rows; None if a side is constant there, or the rows are too few."""
    x, y = x[rows], y[rows]
    constant = (x == x[:1]).all() or (y == y[:1]).all()
    if constant or len(x) < MIN_ROWS:
        return None
    return rows, inner.measure(replace(samples, x=x, y=y), run)


def _spread(rows: Mask, part: Measurement, n: int) -> Float[np.ndarray, " n"]:
    everywhere = np.zeros(n)
    everywhere[rows] = part.value if part.pointwise is None else part.pointwise
    return everywhere


def _between(kept: list[tuple[Mask, Measurement]]) -> float:
    """The deviation over rows of the sum of terms, each at its mean where it applies."""
    return float(np.sum([rows * part.value for rows, part in kept], axis=0).std())


def _at_atom(column: Float[np.ndarray, " n"]) -> Mask:
    values, which, counts = np.unique(column, return_inverse=True, return_counts=True)
    if len(values) < 3:
        return np.zeros(len(column), dtype=bool)
    order = np.sort(counts)
    most, next_most = int(order[-1]), int(order[-2])
    n = len(column)
    is_atom = SHARE * n <= most <= (1 - SHARE) * n and most >= EXCESS * next_most
    return np.asarray(which == counts.argmax()) if is_atom else np.zeros(n, dtype=bool)
