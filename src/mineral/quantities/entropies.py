"""Entropies, with and without a condition."""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np
from jaxtyping import Float

from mineral.api import count_of
from mineral.basics.special import digamma, polygamma
from mineral.basics.types import Matrix, Rows, Unit
from mineral.errors import InputError
from mineral.methods.counts.entropies import miller_madow
from mineral.methods.neighbours.geometry import count_within
from mineral.methods.neighbours.subsampling import subsampled_stderr
from mineral.quantities.shared import (
    FEWEST,
    K,
    chosen,
    distances,
    log_determinant,
    quantity,
    refuse_constant,
)
from mineral.results import Quantity
from mineral.samples import indicators, power_of_two, symbols
from mineral.samples.gate import read_sides

EntropyOf: TypeAlias = Literal["neighbours", "gaussian", "discrete"]
Z: TypeAlias = Float[np.ndarray, "n dz"]  # dz = 0 without a condition


def entropy(
    x: Any,  # noqa: ANN401
    *,
    given: Any = None,  # noqa: ANN401
    estimator: EntropyOf | None = None,
    k: int = K,
    confidence: float = 0.95,
    unit: Unit = "nats",
) -> Quantity:
    """H(X), or H(X | Z): of densities, which may be negative and depends on units, or of symbols.

    Args:
        x: Shape (n,), (n, d) or (n, ...); rows are samples.
        given: The condition Z, with as many rows; columns of text are categories. None for none.
        estimator: `"neighbours"` (Kozachenko–Leonenko; given Z, at the same distances as in X and Z
            together) for densities of any shape in few dimensions; `"gaussian"`, exactly unbiased
            for Gaussian data; `"discrete"` for symbols, where each different row is one
            (Miller–Madow). None for "discrete" if x is text, and "neighbours" otherwise.
        k: The number of neighbours, of "neighbours".
        confidence: The level of the interval, which accounts for the randomness of samples.
        unit: `"nats"` or `"bits"`.

    Raises:
        InputError: If the samples cannot be used, as repeated values for densities.
        OptionError: If an option is out of range.

    References:
        Kozachenko & Leonenko (1987); Kraskov et al. (2004), arXiv:cond-mat/0305641, on ψ(k).
        Frenzel & Pompe (2007), doi:10.1103/PhysRevLett.99.204101, on the same distances.
        Misra, Singh & Demchuk (2005), on the Gaussian: doi:10.1016/j.jmva.2003.10.003.

    Example:
        >>> z = np.random.default_rng(0).standard_normal((5000, 2))
        >>> round(entropy(z).value, 1)  # log 2πe = 2.84
        2.8
        >>> round(entropy(z[:, 0], given=z.sum(axis=1)).value, 1)  # log(πe) / 2 = 1.07
        1.1
    """
    k = count_of("k", k, least=1)
    values = {"x": x} if given is None else {"x": x, "given": given}
    sides, doubts = read_sides(values, missing="raise", words=True)
    of_x, z = sides["x"], np.empty((len(sides["x"].values), 0))
    if given is not None:
        z = indicators(sides["given"].values, sides["given"].categorical)
        z = z[:, (z != z[0]).any(axis=0)]
    name = estimator or ("discrete" if of_x.categorical.all() else "neighbours")
    kinds: dict[str, Callable[[Matrix, Z, int], tuple[float, float]]] = {
        "neighbours": _of_neighbours,
        "gaussian": _of_a_gaussian,
        "discrete": _of_symbols,
    }
    measure = chosen(kinds, name)
    if name != "discrete" and of_x.categorical.any():
        raise InputError("`x` has columns of text, which have no density: use 'discrete'.")
    unit_of_x = power_of_two(of_x.values)  # distances and squares of 1e300 overflow
    found, stderr = measure(of_x.values / unit_of_x, z / power_of_two(z) if z.size else z, k)
    if name != "discrete":  # densities have a unit, symbols have none
        found += float(np.log(unit_of_x).sum())
    symbol = "H(X)" if given is None else "H(X | Z)"
    return quantity(symbol, found, stderr, name, of_x.values.shape, confidence, unit, tuple(doubts))


def _of_neighbours(x: Matrix, z: Z, k: int) -> tuple[float, float]:
    scale, n = x.std(axis=0), len(x)
    refuse_constant(scale)
    fewest = max(FEWEST, 4 * (k + 2))
    if n < fewest:
        raise InputError(f"`x` needs at least {fewest} rows for neighbours, got {n}.")
    whole = np.hstack([x / scale, z / z.std(axis=0)])
    d, of_z = x.shape[1], whole[:, x.shape[1] :]

    def value(rows: Rows) -> float:
        reach = distances("x", whole[rows], whole[rows], k + 1)  # the nearest is the row itself
        if of_z.shape[1]:
            within = count_within(of_z[rows], np.nextafter(reach, 0))
            beside = digamma(within + 1).mean()
        else:
            beside = digamma(len(rows))
        volumes = d * np.log(2 * reach).mean()
        return float(beside - digamma(k) + volumes + np.log(scale).sum())

    return value(np.arange(n)), subsampled_stderr(value, n, np.random.default_rng(0))


def _of_a_gaussian(x: Matrix, z: Z, _: int) -> tuple[float, float]:
    n, dx, dz = len(x), x.shape[1], z.shape[1]
    log_scale = log_determinant("x", np.hstack([x, z]))
    log_scale -= log_determinant("given", z) if dz else 0.0
    value = dx / 2 * np.log(2 * np.pi * np.e) + log_scale / 2
    # The fit's own variance, of log |S|, is a sum of trigammas of the χ² behind each coordinate.
    freedom = n - dz - np.arange(1, dx + 1)
    return float(value), float(np.sqrt(polygamma(1, freedom / 2).sum()) / 2)


def _of_symbols(x: Matrix, z: Z, _: int) -> tuple[float, float]:
    n = len(x)
    codes = symbols(x) if not z.shape[1] else symbols(np.hstack([x, z]))
    counts = np.bincount(codes)
    surprise, value, free = -np.log(counts[codes] / n), miller_madow(counts), len(counts) - 1
    if z.shape[1]:
        of_z = symbols(z)
        counts_z = np.bincount(of_z)
        surprise += np.log(counts_z[of_z] / n)
        value, free = value - miller_madow(counts_z), len(counts) - len(counts_z)
    # The χ² noise of the counts is what remains where all symbols are equally likely.
    return value, float(np.sqrt(surprise.var() / n + free / (2 * n**2)))
