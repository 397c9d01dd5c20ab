"""Splits: rows for training, validation and test; and pairings for product samples."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Disjoint rows for training, early stopping and the reported value."""

    training: Int[np.ndarray, " training"]
    validation: Int[np.ndarray, " validation"]
    test: Int[np.ndarray, " test"]


def folds(n: int, count: int, *, validation: float, rng: np.random.Generator) -> Iterator[Fold]:
    """Split n rows `count` ways, so that every row is in the test part of exactly one fold.

    Args:
        n: Rows.
        count: Folds, at least 2.
        validation: Share of the rows outside the test part for validation.
        rng: Draws the split.
    """
    parts = np.array_split(rng.permutation(n), count)
    for i, test in enumerate(parts):
        rest = np.concatenate(parts[:i] + parts[i + 1 :])
        held = max(1, round(validation * len(rest)))
        yield Fold(training=rest[held:], validation=rest[:held], test=test)


def shifted(n: int, m: int, rng: np.random.Generator) -> Int[np.ndarray, "n m"]:
    """For each of n rows, m distinct other rows as partners for product samples, never itself.

    The rows are put in random order and paired with the rows 1 to m places further on. Every row
    is a partner equally often, and none of itself: with random permutations, one row a permutation
    is on average, so that joint samples would be among the product samples.

    Returns:
        Row numbers of shape (n, m).
    """
    order = rng.permutation(n)
    partners = np.empty((n, m), dtype=np.int64)
    places = (np.arange(n)[:, None] + np.arange(1, m + 1)) % n
    partners[order] = order[places]
    return partners


def canonical_order(
    x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"]
) -> Int[np.ndarray, " n"]:
    """A canonical order of the rows, whatever their order, their units, and the order of x and y.

    Random splits and draws that follow it give the same estimate for rows in another order, in
    other units, and for x and y swapped.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        of_x, of_y = (_without_units(side).sum(axis=1) for side in (x, y))
        return np.asarray(np.lexsort((*x.T, *y.T, of_x * of_y, of_x + of_y)))


def _without_units(side: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Values minus the median, over the interquartile range; unchanged if that is zero."""
    largest = np.abs(side).max(axis=0)
    side = side / np.where(largest > 0, largest, 1.0)
    low, middle, high = np.quantile(side, [0.25, 0.5, 0.75], axis=0)
    return np.asarray((side - middle) / np.where(high > low, high - low, 1.0))
