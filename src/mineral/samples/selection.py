"""The columns of a side that estimators use: those that vary, in units without overflow.

Neither step changes I(X; Y): a constant carries no information, and a unit is a bijection.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from mineral.basics.types import Matrix

HUGE = 2.0**1000  # beyond, sums over rows and differences may overflow float64
TINY = 1 / HUGE  # below, division by a value may overflow: 1 / 1e-310 is infinite
UNIT = 2.0**512  # of huge coordinates: exact above 2^-510, and squares stay finite; 1 / of tiny


@dataclass(frozen=True)
class Selection:
    """Some coordinates of a side, each in a unit of its own.

    Attributes:
        columns: Places of the coordinates, in order.
        units: A power of two for each; 1 unless it is huge or tiny.
        width: Of the side that it selects from.
    """

    columns: Int[np.ndarray, " k"]
    units: Float[np.ndarray, " k"]
    width: int

    @classmethod
    def of(cls, values: Matrix) -> "Selection":
        """The coordinates that vary; all of them if none does."""
        varies = (values != values[0]).any(axis=0)
        columns = np.flatnonzero(varies) if varies.any() else np.arange(values.shape[1])
        largest = np.abs(values[:, columns]).max(axis=0)
        tiny = (largest > 0) & (largest < TINY)
        units = np.select([largest > HUGE, tiny], [UNIT, 1 / UNIT], 1.0)
        return cls(columns, units, values.shape[1])

    @property
    def is_everything(self) -> bool:
        """Whether it changes nothing."""
        return len(self.columns) == self.width and bool((self.units == 1.0).all())

    def __call__(self, values: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n k"]:
        return values if self.is_everything else np.asarray(values[:, self.columns] / self.units)

    def names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Names of the selected coordinates."""
        return tuple(names[i] for i in self.columns) if names else names
