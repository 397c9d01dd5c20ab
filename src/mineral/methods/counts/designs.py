"""Crossed designs: contingency tables that are too regular for a random sample.

Hours against weekdays of whole days, a factorial experiment, a Latin square: every symbol of x
occurs with every symbol of y equally often. The plug-in information of such a table is exactly 0,
without sampling bias. A random sample is as regular with probability LEVEL at most.

References:
    Dawson (1954), doi:10.1093/biomet/41.3-4.391, on the variance of Pearson's χ² with both
        margins fixed; Fisher (1936), on data that fit too well.
"""

from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int

from mineral.basics.special import chdtrc, gammainc
from mineral.methods.counts.chance import Whole

Sizes: TypeAlias = Float[np.ndarray, " _"] | Int[np.ndarray, " _"]  # samples in each part

LEVEL = 0.001  # probability that a random sample is called a design
COMPLETE = 0.9  # share of pairs that a design has; a random sample of one a cell has 63 %


def is_crossed(
    of_x: Whole, of_y: Whole, cells: tuple[Whole, Whole], part: Whole, count: Whole
) -> bool:
    """Whether Pearson's χ², summed over the connected parts of a table, is significantly too small.

    Args:
        of_x: Row sums.
        of_y: Column sums.
        cells: The symbols of x and of y of each seen cell.
        part: The connected part of each symbol of x, then of each symbol of y.
        count: Samples in each seen cell.
    """
    x, y = cells
    in_x, in_y = part[: len(of_x)], part[len(of_x) :]
    if len(count) < COMPLETE * (np.bincount(in_x) * np.bincount(in_y)).sum():
        return False
    sizes = np.bincount(in_x, weights=of_x)
    statistic = float((sizes[in_x[x]] * count**2 / (of_x[x] * of_y[y])).sum() - sizes.sum())
    mean, variance = _chance(sizes, in_x, in_y, of_x, of_y)
    if mean <= 0 or variance <= 0:
        return False
    shape = mean**2 / variance
    return bool(gammainc(shape, max(statistic, 0.0) * mean / variance) < LEVEL)


def is_balanced(sizes: Sizes) -> bool:
    """Whether symbols are too equally frequent for a random sample.

    Never if one occurs once: other symbols are then probably unobserved, and the observed
    frequencies are more equal for that reason.
    """
    if len(sizes) < 2 or sizes.min() < 2:
        return False
    expected = sizes.sum() / len(sizes)
    statistic = float(((sizes - expected) ** 2 / expected).sum())
    return bool(1 - chdtrc(len(sizes) - 1, statistic) < LEVEL)


def _chance(
    sizes: Sizes, in_x: Whole, in_y: Whole, of_x: Whole, of_y: Whole
) -> tuple[float, float]:
    """Mean and variance of the statistic over all tables with these margins in each part."""
    parts = len(sizes)
    usable = sizes > 3  # the formula needs four samples
    n = np.where(usable, sizes, 4.0)
    spread = []
    ways = []
    for sums, own in ((of_x, in_x), (of_y, in_y)):
        k = np.bincount(own, minlength=parts)
        inverse = np.bincount(own, weights=1 / sums, minlength=parts)
        uneven = (n * inverse - k**2) / (n - 2)
        spread.append(((k - 1) * (n - k) / (n - 1) - uneven, uneven))
        ways.append(k - 1)
    (even_x, uneven_x), (even_y, uneven_y) = spread
    mean = n / (n - 1) * ways[0] * ways[1]
    variance = 2 * n / (n - 3) * even_x * even_y + n**2 / (n - 1) * uneven_x * uneven_y
    open_ = usable & (mean > 0)
    return float(mean[open_].sum()), float(variance[open_].sum())
