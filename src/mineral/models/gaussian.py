"""Gaussian models: the log density ratio of a Gaussian, and that of a Gaussian copula."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mineral.basics.special import ndtri
from mineral.basics.types import PerSample, X, Y
from mineral.models.base import Model, Sides, Stored, check
from mineral.models.marginals import (
    Marginals,
    levels_of,
    marginal_settings,
    marginal_tensors,
    marginals_of,
    rebuild_marginals,
)


@dataclass(frozen=True, kw_only=True)
class GaussianModel(Model):
    """The log density ratio of a Gaussian, in canonical coordinates.

    u = (x − mean_x) @ map_x and v = (y − mean_y) @ map_y have unit variance, and u_i correlates
    with v_i alone, by rho_i.

    Attributes:
        offset: Taken off each pair's value: the bias of the mean, in nats.
    """

    map_x: Float[np.ndarray, "dx rx"]
    map_y: Float[np.ndarray, "dy ry"]
    mean_x: Float[np.ndarray, " dx"]
    mean_y: Float[np.ndarray, " dy"]
    rho: Float[np.ndarray, " r"]
    offset: float

    kind = "gaussian"

    @property
    def dim_x(self) -> int:  # type: ignore[override]
        return len(self.mean_x)

    @property
    def dim_y(self) -> int:  # type: ignore[override]
        return len(self.mean_y)

    def _seen(self, x: X, y: Y) -> Sides:
        r = len(self.rho)
        u = ((x - self.mean_x) @ self.map_x)[:, :r]
        v = ((y - self.mean_y) @ self.map_y)[:, :r]
        return u, v

    def _ratio(self, x: X, y: Y) -> PerSample:
        u, v, left = x, y, 1 - self.rho**2
        quadratic = (self.rho**2 * (u**2 + v**2) - 2 * self.rho * u * v) / (2 * left)
        return np.asarray((-np.log(left) / 2 - quadratic).sum(axis=1) - self.offset)

    def _tensors(self) -> dict[str, Tensor]:
        arrays = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "offset"}
        return {name: torch.from_numpy(value) for name, value in arrays.items()}

    def _settings(self) -> dict[str, Any]:
        return {"offset": self.offset}


@dataclass(frozen=True, kw_only=True)
class CopulaModel(Model):
    """The log density ratio of a Gaussian copula: a Gaussian on normal scores."""

    gaussian: GaussianModel
    of_x: Marginals
    of_y: Marginals

    kind = "copula"

    @classmethod
    def around(cls, gaussian: GaussianModel, x: X, y: Y) -> "CopulaModel":
        """With the marginals of the samples x and y."""
        return cls(gaussian=gaussian, of_x=marginals_of(x), of_y=marginals_of(y))

    @property
    def dim_x(self) -> int:  # type: ignore[override]
        return len(self.of_x)

    @property
    def dim_y(self) -> int:  # type: ignore[override]
        return len(self.of_y)

    def _seen(self, x: X, y: Y) -> Sides:
        u = np.asarray(ndtri(levels_of(self.of_x, x)))
        v = np.asarray(ndtri(levels_of(self.of_y, y)))
        return self.gaussian._seen(u, v)

    def _ratio(self, x: X, y: Y) -> PerSample:
        return self.gaussian._ratio(x, y)

    def _tensors(self) -> dict[str, Tensor]:
        return self.gaussian._tensors() | marginal_tensors(self.of_x, self.of_y)

    def _settings(self) -> dict[str, Any]:
        return self.gaussian._settings() | marginal_settings(self.of_x, self.of_y)


def rebuild_gaussian(stored: Stored) -> GaussianModel:
    """From a file."""
    map_x, map_y = (stored.array(name, axes=2) for name in ("map_x", "map_y"))
    mean_x, mean_y, rho = (stored.array(name) for name in ("mean_x", "mean_y", "rho"))
    offset = float(stored.settings["offset"])
    check("a map of x", map_x.shape == (len(mean_x), len(rho)))
    check("a map of y", map_y.shape == (len(mean_y), len(rho)))
    check("correlations below 1", (np.abs(rho) < 1).all() and np.isfinite(offset))
    return GaussianModel(
        map_x=map_x, map_y=map_y, mean_x=mean_x, mean_y=mean_y, rho=rho, offset=offset
    )


def rebuild_copula(stored: Stored) -> CopulaModel:
    """From a file."""
    gaussian, (of_x, of_y) = rebuild_gaussian(stored), rebuild_marginals(stored)
    check(
        "a marginal for each coordinate", (len(of_x), len(of_y)) == (gaussian.dim_x, gaussian.dim_y)
    )
    return CopulaModel(gaussian=gaussian, of_x=of_x, of_y=of_y)
