"""The numbers of an audit: measures with the side of their bound, and attacks with chance."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from mineral.basics.special import ndtri
from mineral.basics.types import PerSample

Side: TypeAlias = Literal["lower bound", "upper bound", "neither", "exact"]
RESAMPLES = 200


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A number about an encoder.

    Attributes:
        name: Its name, such as `"I(S; Z)"` or `"accuracy"`.
        value: In nats, where it is information; it may be infinite.
        interval: At 95 %, for the randomness of the held-out rows.
        side: Whether it is a lower or upper bound on the quantity `name`.
        how: The method.
    """

    name: str
    value: float
    interval: tuple[float, float]
    side: Side
    how: str


@dataclass(frozen=True, kw_only=True)
class Attack:
    """The success of an attack on held-out rows.

    Attributes:
        name: Of the attack, as `"label"`.
        value: Its success: a share of rows, or R².
        interval: At 95 %.
        chance: The success without the code.
        unit: `"share"` or `"R²"`.
        how: The methods tried, and the best one.
        n: Number of test rows.
    """

    name: str
    value: float
    interval: tuple[float, float]
    chance: float
    unit: Literal["share", "R²"]
    how: str
    n: int

    @property
    def succeeds(self) -> bool:
        """Whether its whole interval lies above chance."""
        return self.interval[0] > self.chance


def share(right: int, n: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a probability, from `right` successes of n.

    References:
        Wilson (1927), doi:10.1080/01621459.1927.10502953.
    """
    z = float(ndtri((1 + confidence) / 2))
    p = right / n
    center = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    # At the ends it touches 0 and 1, but for rounding.
    low = 0.0 if right == 0 else center - half
    return low, 1.0 if right == n else center + half


def mean(values: PerSample) -> tuple[float, tuple[float, float]]:
    """The mean, and its interval at 95 % by the central limit theorem."""
    value = float(values.mean())
    half = float(ndtri(0.975)) * float(values.std(ddof=1)) / math.sqrt(len(values))
    return value, (value - half, value + half)


def resampled(
    statistic: Callable[[np.ndarray], float], n: int, *, seed: int
) -> tuple[float, float]:
    """The middle 95 % of a statistic of rows, by the bootstrap; the rows come as indices."""
    rng = np.random.default_rng(seed)
    found = [statistic(rng.integers(n, size=n)) for _ in range(RESAMPLES)]
    low, high = np.nanquantile(found, [0.025, 0.975])
    return float(low), float(high)


def plain(row: Measure | Attack) -> dict[str, Any]:
    """As JSON can hold it: infinity as a text."""
    made = {name: getattr(row, name) for name in row.__dataclass_fields__}
    made["interval"] = [_number(end) for end in row.interval]
    return made | {"value": _number(row.value)}


def _number(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else "infinite"
