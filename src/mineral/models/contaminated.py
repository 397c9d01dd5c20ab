"""The log density ratio of a Gaussian copula, mixed with a share of independent rows.

    f(x, y) = log(ε + (1 − ε) c(x, y)),      c the density of a Gaussian copula

ε of the pairs are chance: their x and y have the same marginals, and are independent.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from mineral.basics.types import PerSample, X, Y
from mineral.models.base import Model, Sides, Stored, check
from mineral.models.gaussian import CopulaModel, rebuild_copula


@dataclass(frozen=True, kw_only=True)
class ContaminatedModel(Model):
    """A Gaussian copula's log density ratio, diluted by a share of chance.

    Attributes:
        copula: Of the rows that depend.
        share: ε.
        offset: Taken off each pair's value, so that the samples' mean is the estimate.
    """

    copula: CopulaModel
    share: float
    offset: float

    kind = "contaminated-copula"

    @property
    def dim_x(self) -> int:  # type: ignore[override]
        return self.copula.dim_x

    @property
    def dim_y(self) -> int:  # type: ignore[override]
        return self.copula.dim_y

    def _seen(self, x: X, y: Y) -> Sides:
        return self.copula._seen(x, y)

    def _ratio(self, x: X, y: Y) -> PerSample:
        return diluted(self.copula._ratio(x, y), self.share) - self.offset

    def _tensors(self) -> dict[str, Tensor]:
        return self.copula._tensors()

    def _settings(self) -> dict[str, Any]:
        # The copula's own offset is 0, and no setting of the two has the other's name.
        return self.copula._settings() | {"share": self.share, "diluted_offset": self.offset}


def rebuild_contaminated(stored: Stored) -> ContaminatedModel:
    """From a file."""
    share, offset = float(stored.settings["share"]), float(stored.settings["diluted_offset"])
    check("a share of independent rows", 0 < share < 1 and bool(np.isfinite(offset)))
    return ContaminatedModel(copula=rebuild_copula(stored), share=share, offset=offset)


def diluted(log_ratio: PerSample, share: float) -> PerSample:
    """log(ε + (1 − ε) exp f)."""
    return np.asarray(np.logaddexp(np.log(share), np.log1p(-share) + log_ratio))
