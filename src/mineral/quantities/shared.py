"""What entropies and divergences share: an interval, distances to neighbours, determinants."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

from mineral.basics.special import digamma, ndtri
from mineral.basics.types import Matrix, Unit
from mineral.errors import InputError, OptionError
from mineral.methods.neighbours.geometry import tree_of
from mineral.results import Caution, Quantity, nats_per

Others: TypeAlias = Float[np.ndarray, "m d"]

K = 3  # neighbours: little bias, and noise that the average over rows takes away
FEWEST = 40  # rows for neighbours, of which the standard error takes a quarter at a time


def chosen(kinds: Mapping[str, Callable[..., Any]], name: str) -> Callable[..., Any]:
    """The function of that name, or the error that lists them."""
    if name not in kinds:
        raise OptionError(f"`estimator` must be one of {', '.join(kinds)}, got {name!r}.")
    return kinds[name]


def quantity(
    symbol: str,
    value: float,
    stderr: float,
    estimator: str,
    shape: tuple[int, ...],
    confidence: float,
    unit: Unit,
    doubts: tuple[Caution, ...] = (),
) -> Quantity:
    """A value in nats with its interval, in `unit`.

    Args:
        symbol: Of the quantity.
        value: In nats.
        stderr: Of the value.
        estimator: Its name.
        shape: The rows of each sample, and the columns.
        confidence: The level of the interval.
        unit: Of the result.
        doubts: Cautions.
    """
    nats = nats_per(unit)
    if not 0 < confidence < 1:
        raise OptionError(f"`confidence` must lie between 0 and 1, got {confidence!r}: try 0.95.")
    reach = float(ndtri(0.5 + confidence / 2)) * stderr
    return Quantity(
        symbol=symbol,
        value=float(value) / nats,
        interval=(float(value - reach) / nats, float(value + reach) / nats),
        confidence=confidence,
        stderr=float(stderr) / nats,
        unit=unit,
        estimator=estimator,
        n=shape[:-1],
        dim=shape[-1],
        warnings=doubts,
    )


def distances(name: str, points: Matrix, others: Others, k: int) -> np.ndarray:
    """From each point to its k-th neighbour among the others, in the largest coordinate."""
    found = tree_of(others).query(points, k=[k], p=np.inf)[0][:, 0]
    if not found.all():
        raise InputError(
            f"`{name}` has values that repeat more than {K} times, and discrete data have no "
            "density. Use estimator='discrete' for symbols, or add the noise of rounding."
        )
    return np.asarray(found)


def log_determinant(name: str, x: Matrix) -> float:
    """Of the covariance, unbiased for Gaussian data."""
    n, d = x.shape
    if n < d + 2:
        raise InputError(f"`{name}` needs at least {d + 2} rows for {d} Gaussian coordinates.")
    scale = x.std(axis=0)
    refuse_constant(scale)
    sign, log = np.linalg.slogdet(np.cov((x / scale).T).reshape(d, d))
    if sign <= 0 or not np.isfinite(log):
        raise InputError(f"`{name}` has linearly dependent columns: drop some.")
    half = digamma((n - np.arange(1, d + 1)) / 2)
    return float(log - (half + np.log(2 / (n - 1))).sum() + 2 * np.log(scale).sum())


def refuse_few(name: str, x: Matrix) -> None:
    """Too few rows for neighbours are an error."""
    if len(x) < FEWEST:
        raise InputError(f"`{name}` needs at least {FEWEST} rows for neighbours, got {len(x)}.")


def refuse_constant(scale: np.ndarray) -> None:
    """A standard deviation of 0 is an error."""
    if not scale.all():
        raise InputError("A constant column has no density: remove it.")
