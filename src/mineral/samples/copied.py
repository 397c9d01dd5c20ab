"""Values of x that recur in y in the same rows: a maximum, a record filled in from another one.

Two continuous variables with a joint density are equal with probability 0. If they are equal in
some rows, part of their joint distribution is singular and I(X; Y) is infinite, although the other
rows are only dependent, or independent.
"""

import numpy as np

from mineral.basics.types import PerSample, X, Y
from mineral.results import Caution
from mineral.samples.ties import SAME, repeats

# Equal rows, and as many times the next most frequent difference. Rounding with normal noise of a
# quarter of its step has 4 times as many, of a tenth of its step 12; ranks have about as many.
MANY = 10
COMPARED = 10_000_000  # comparisons of values, some milliseconds; above, columns are not compared


def copied_in_part(x: X, y: Y) -> tuple[Caution, ...]:
    """A caution if a column of x equals one of y in some rows, but not in all.

    Args:
        x: Shape (n, dx), of numbers.
        y: Shape (n, dy), of numbers.
    """
    if x.size * y.shape[1] > COMPARED:
        return ()
    for column in x.T:
        for other in y.T[(column[:, None] == y).sum(axis=0) >= MANY]:
            equal = _copies(column, other)
            if MANY <= equal < len(column):
                return (_caution(equal, len(column)),)
    return ()


def _copies(column: PerSample, other: PerSample) -> int:
    """Rows in which both columns have a value that neither repeats; 0 if rounding explains them."""
    single = ~(repeats(column) | repeats(other))
    column, other = column[single], other[single]
    equal = int((column == other).sum())
    if equal < MANY:
        return 0
    # Halves, so that differences stay finite.
    size = np.abs(column / 2 - other / 2)[column != other]
    spread = np.ptp(np.concatenate([column / 2, other / 2]))
    _, counts = np.unique(np.rint(size / spread / SAME), return_counts=True)
    return equal if equal >= MANY * counts.max(initial=0) else 0


def _caution(equal: int, n: int) -> Caution:
    return Caution(
        "deterministic",
        f"In {equal:,} of {n:,} rows a value of `x` equals one of `y`, more often than rounding "
        "explains: part of the rows are exact copies, and the mutual information is infinite. The "
        "value then grows with the number of rows. Report the share of equal rows, and estimate "
        "from the others.",
    )
