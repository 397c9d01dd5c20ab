"""Information among three variables and more, by the chain rule with any estimator.

For X = (X₁, …, X_d), and with X_{<i} for X₁ … X_{i−1}:

    TC(X)  = Σ_i H(X_i) − H(X)           = Σ_{i > 1} I(X_i; X_{<i})
    DTC(X) = H(X) − Σ_i H(X_i | others)  = Σ_{i > 1} I(X_i; X_{<i} | X_{>i})
    Ω(X)   = TC(X) − DTC(X)
    II     = I(X; Y | Z) − I(X; Y)       = −Ω(X, Y, Z)

All are 0 if the variables are independent. TC and DTC are never negative, though their estimates
may be. Ω > 0 where columns repeat each other (redundancy), Ω < 0 where only several of them
together show what they share (synergy), as X, Y and X xor Y.
"""

from collections.abc import Sequence
from typing import Any

from mineral.api import KNOWN, resolve
from mineral.basics.types import Matrix, Unit
from mineral.errors import InputError, OptionError
from mineral.methods import CONDITIONAL, Estimator
from mineral.quantities.shared import quantity
from mineral.results import Estimate, Quantity
from mineral.samples import variable

GIVEN = {"copula": "partial-copula", "ksg": "cmi-knn"}
"""Estimators without a condition, and those of the same method that have one."""

WITHOUT = {given: name for name, given in GIVEN.items()}


def total_correlation(
    x: Any,  # noqa: ANN401
    *,
    estimator: str | Estimator = "copula",
    seed: int = 0,
    confidence: float = 0.95,
    unit: Unit = "nats",
) -> Quantity:
    """TC(X) = Σ_i H(X_i) − H(X): the information of all columns about each other.

    Args:
        x: Shape (n, d) with d of at least 2.
        estimator: Any of `mineral.estimators()`, used d − 1 times.
        seed: Fixes every random choice.
        confidence: The level of the interval. The errors of the terms are taken to add up, which
            they do at most: the interval is rather too wide.
        unit: `"nats"` or `"bits"`.

    Raises:
        InputError: If the samples cannot be used.
        OptionError: If an option is out of range.

    References:
        Watanabe (1960), doi:10.1147/rd.41.0066.

    Example:
        >>> import numpy as np
        >>> z = np.random.default_rng(0).standard_normal((4000, 3))
        >>> abs(total_correlation(z).value) < 0.01
        True
    """
    values = _columns(x)
    terms = _terms(values, estimator, seed)
    return _sum("TC(X)", terms, values.shape, confidence, unit)


def dual_total_correlation(
    x: Any,  # noqa: ANN401
    *,
    estimator: str | Estimator = "copula",
    seed: int = 0,
    confidence: float = 0.95,
    unit: Unit = "nats",
) -> Quantity:
    """DTC(X) = H(X) − Σ_i H(X_i | others): the information that two columns or more share.

    Args:
        x: Shape (n, d) with d of at least 2.
        estimator: `"copula"`, `"ksg"`, or one with a condition, as `"auto"` and `"discrete"`; used
            d − 1 times.
        seed: Fixes every random choice.
        confidence: As `total_correlation` has it.
        unit: `"nats"` or `"bits"`.

    Raises:
        InputError: If the samples cannot be used.
        OptionError: If an option is out of range, or the estimator has no condition.

    References:
        Han (1978), doi:10.1016/S0019-9958(78)90275-9.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> x, y = rng.integers(0, 2, (2, 4000))  # two bits, and whether they differ
        >>> x = np.stack([x, y, x ^ y], axis=1)
        >>> round(dual_total_correlation(x, estimator="discrete", unit="bits").value, 2)
        2.0
    """
    values = _columns(x)
    terms = _dual_terms(values, estimator, seed)
    return _sum("DTC(X)", terms, values.shape, confidence, unit)


def o_information(
    x: Any,  # noqa: ANN401
    *,
    estimator: str | Estimator = "copula",
    seed: int = 0,
    confidence: float = 0.95,
    unit: Unit = "nats",
) -> Quantity:
    """Ω(X) = TC(X) − DTC(X): above 0 for redundancy, below 0 for synergy.

    Args:
        x: Shape (n, d) with d of at least 3: of two columns it is 0.
        estimator: As `dual_total_correlation` takes it; used 2d − 2 times.
        seed: Fixes every random choice.
        confidence: As `total_correlation` has it.
        unit: `"nats"` or `"bits"`.

    Raises:
        InputError: If the samples cannot be used.
        OptionError: If an option is out of range, or the estimator has no condition.

    References:
        Rosas, Mediano, Gastpar & Jensen (2019), arXiv:1902.11239.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> x, y = rng.integers(0, 2, (2, 4000))  # two bits, and whether they differ
        >>> x = np.stack([x, y, x ^ y], axis=1)
        >>> round(o_information(x, estimator="discrete", unit="bits").value, 2)
        -1.0
    """
    values = _columns(x, at_least=3)
    terms = _terms(values, estimator, seed)
    less = _dual_terms(values, estimator, seed)
    return _sum("Ω(X)", terms, values.shape, confidence, unit, less=less)


def interaction_information(
    x: Any,  # noqa: ANN401
    y: Any,  # noqa: ANN401
    z: Any,  # noqa: ANN401
    *,
    estimator: str | Estimator = "auto",
    seed: int = 0,
    confidence: float = 0.95,
    unit: Unit = "nats",
) -> Quantity:
    """I(X; Y | Z) − I(X; Y): above 0 for synergy, below 0 for redundancy.

    McGill's sign; others, with the opposite one, call it co-information. Of exact values the order
    of the three does not matter.

    Args:
        x: Shape (n,), (n, d) or (n, ...), as `mineral.estimate` takes it.
        y: The same.
        z: The same.
        estimator: As `dual_total_correlation` takes it.
        seed: Fixes every random choice.
        confidence: As `total_correlation` has it.
        unit: `"nats"` or `"bits"`.

    Raises:
        InputError: If the samples cannot be used.
        OptionError: If an option is out of range, or the estimator has no condition.

    References:
        McGill (1954), doi:10.1007/BF02289159.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> x, y = rng.integers(0, 2, (2, 4000))
        >>> round(interaction_information(x, y, x ^ y, estimator="discrete", unit="bits").value, 2)
        1.0
    """
    given, without = _pair(estimator)
    shared, alone = given.estimate(x, y, given=z, seed=seed), without.estimate(x, y, seed=seed)
    shape = shared.n, shared.dim_x + shared.dim_y + (shared.dim_z or 0)
    return _sum("I(X; Y | Z) − I(X; Y)", [shared], shape, confidence, unit, less=[alone])


def _pair(estimator: str | Estimator) -> tuple[Estimator, Estimator]:
    """The estimator given a condition, and that of the same method without one.

    Raises:
        OptionError: If there is none of either.
    """
    chosen = resolve(estimator)
    if chosen.name in GIVEN:
        return KNOWN[GIVEN[chosen.name]](), chosen
    if chosen.name in WITHOUT:
        return chosen, KNOWN[WITHOUT[chosen.name]]()
    if chosen.condition() != "optional":
        both = [name for name, kind in KNOWN.items() if kind.condition() == "optional"]
        raise OptionError(
            f"`estimator` must have a value with and without a condition: {', '.join(both)}, "
            f"{', '.join(GIVEN)}; got {chosen.name!r}."
        )
    return chosen, chosen


def _columns(x: Any, *, at_least: int = 2) -> Matrix:  # noqa: ANN401
    values = variable("x", x)
    if values.shape[1] < at_least:
        raise InputError(f"`x` needs at least {at_least} columns.")
    return values


def _terms(values: Matrix, estimator: str | Estimator, seed: int) -> list[Estimate]:
    """I(X_i; X_{<i}) for i > 1."""
    chosen = resolve(estimator)
    chosen = _pair(chosen)[1] if chosen.name in CONDITIONAL else chosen
    later = range(1, values.shape[1])
    return [chosen.estimate(values[:, i], values[:, :i], seed=seed) for i in later]


def _dual_terms(values: Matrix, estimator: str | Estimator, seed: int) -> list[Estimate]:
    """I(X_i; X_{<i} | X_{>i}) for i > 1, of which the last has no condition."""
    given, without = _pair(estimator)
    last = values.shape[1] - 1
    found = [
        given.estimate(values[:, i], values[:, :i], given=values[:, i + 1 :], seed=seed)
        for i in range(1, last)
    ]
    return [*found, without.estimate(values[:, last], values[:, :last], seed=seed)]


def _sum(
    symbol: str,
    terms: Sequence[Estimate],
    shape: tuple[int, ...],
    confidence: float,
    unit: Unit,
    *,
    less: Sequence[Estimate] = (),
) -> Quantity:
    """The sum of the terms, less that of others."""
    every = [*terms, *less]
    doubts = {caution.code: caution for term in every for caution in term.warnings}
    return quantity(
        symbol,
        sum(term.value for term in terms) - sum(term.value for term in less),
        sum(term.stderr for term in every),
        every[-1].estimator,
        shape,
        confidence,
        unit,
        tuple(doubts.values()),
    )
