"""Standard errors from disjoint parts of the samples, for estimators that give none themselves.

The spread of what a neighbour estimator says of each row understates its error by 15 to 40 %: close
rows share neighbours, and err together. Estimates on disjoint parts share nothing. Their spread,
scaled by the growth in samples, is the error; splitting several times steadies it.
"""

from collections.abc import Callable

import numpy as np

from mineral.basics.types import Rows

PARTS = 4  # at least, and few, so that each part still is in the regime of the whole
ESTIMATES = 40  # in all
LARGEST = 1000  # rows of a part: the variance of larger ones only repeats the 1/n


def subsampled_stderr(value: Callable[[Rows], float], n: int, rng: np.random.Generator) -> float:
    """The standard error of an estimator on n rows, whose variance falls like 1/n.

    Args:
        value: The estimate on some rows.
        n: All rows, at least PARTS.
        rng: Draws the splits.

    References:
        Holmes & Nemenman (2019), arXiv:1903.09280.
    """
    size = min(n // PARTS, LARGEST)
    count = min(n // size, ESTIMATES)
    variances = []
    for _ in range(-(-ESTIMATES // count)):
        parts = rng.permutation(n)[: count * size].reshape(count, size)
        variances.append(np.var([value(rows) for rows in parts], ddof=1) * size / n)
    return float(np.sqrt(np.mean(variances)))
