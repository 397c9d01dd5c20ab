"""Standard errors from disjoint parts of the samples, for estimators without their own.

The standard deviation of a neighbour estimator's pointwise values understates its error by 15 to 40
%, since the errors of close rows, which share neighbours, are correlated. Estimates on disjoint
parts are independent. Their standard deviation, scaled to all rows, is the standard error; several
random splits reduce its noise.
"""

from collections.abc import Callable

import numpy as np

from mineral.basics.types import PerSample, Rows

PARTS = 4  # at least, and few, so that the bias of each part is similar to that of all rows
ESTIMATES = 40  # in all
LARGEST = 1000  # rows of a part: beyond, the variance is known to fall like 1/n


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


def stderr_of(
    pointwise: PerSample, part: Callable[[Rows], PerSample], least: int, rng: np.random.Generator
) -> float:
    """The standard error of a mean of pointwise values: from parts, if the rows suffice for them.

    Args:
        pointwise: Of all rows.
        part: The pointwise values of some rows by themselves.
        least: Rows that a part needs.
        rng: Draws the parts.
    """
    n = len(pointwise)
    if n >= PARTS * least:
        return subsampled_stderr(lambda rows: float(part(rows).mean()), n, rng)
    return float(pointwise.std(ddof=1) / np.sqrt(n))
