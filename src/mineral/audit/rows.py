"""The numbers of an audit: measures with the side of their bound, and attacks with chance."""

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Side: TypeAlias = Literal["lower bound", "upper bound", "neither", "exact"]


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


def as_json(row: Measure | Attack) -> dict[str, Any]:
    """As JSON can hold it: infinity as a text."""
    made = {name: getattr(row, name) for name in row.__dataclass_fields__}
    made["interval"] = [_number(end) for end in row.interval]
    return made | {"value": _number(row.value)}


def _number(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else "infinite"
