"""The log density ratio of a Student-t copula.

With correlation matrix R, degrees of freedom ν and z = t_ν⁻¹(rank / (n + 1)),

    log t(z) = log Γ((ν + d)/2) − log Γ(ν/2) − ½ log |R| − ½ (ν + d) log(1 + zᵀR⁻¹z / ν)

up to −½ d log(νπ), which cancels in every ratio of a joint density to its marginals.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mineral.basics.special import gammaln, stdtrit
from mineral.basics.types import Matrix, PerSample, X, Y
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
class StudentModel(Model):
    """A t copula's log density ratio, on the coordinates that are no copies of others.

    Attributes:
        correlation: R, of the kept coordinates of x and then those of y.
        degrees_of_freedom: ν.
        kept_x, kept_y: The kept coordinates.
        offset: Taken off each pair's value, so that the samples' mean is the estimate.
    """

    correlation: Float[np.ndarray, "d d"]
    degrees_of_freedom: float
    kept_x: Int[np.ndarray, " kx"]
    kept_y: Int[np.ndarray, " ky"]
    offset: float
    of_x: Marginals
    of_y: Marginals

    kind = "t-copula"

    @classmethod
    def around(
        cls,
        x: X,
        y: Y,
        *,
        correlation: Float[np.ndarray, "d d"],
        degrees_of_freedom: float,
        kept_x: Int[np.ndarray, " kx"],
        kept_y: Int[np.ndarray, " ky"],
        offset: float,
    ) -> "StudentModel":
        """With the marginals of the samples x and y."""
        return cls(
            correlation=correlation,
            degrees_of_freedom=degrees_of_freedom,
            kept_x=kept_x,
            kept_y=kept_y,
            offset=offset,
            of_x=marginals_of(x),
            of_y=marginals_of(y),
        )

    @property
    def dim_x(self) -> int:  # type: ignore[override]
        return len(self.of_x)

    @property
    def dim_y(self) -> int:  # type: ignore[override]
        return len(self.of_y)

    def _seen(self, x: X, y: Y) -> Sides:
        nu = self.degrees_of_freedom
        z_x = stdtrit(nu, levels_of(self.of_x, x)[:, self.kept_x])
        z_y = stdtrit(nu, levels_of(self.of_y, y)[:, self.kept_y])
        return z_x, z_y

    def _ratio(self, x: X, y: Y) -> PerSample:
        return log_ratio(x, y, self.correlation, self.degrees_of_freedom) - self.offset

    def _tensors(self) -> dict[str, Tensor]:
        arrays = {name: getattr(self, name) for name in ("correlation", "kept_x", "kept_y")}
        tensors = {name: torch.from_numpy(value) for name, value in arrays.items()}
        return tensors | marginal_tensors(self.of_x, self.of_y)

    def _settings(self) -> dict[str, Any]:
        return {
            "degrees_of_freedom": self.degrees_of_freedom,
            "offset": self.offset,
        } | marginal_settings(self.of_x, self.of_y)


def rebuild_student(stored: Stored) -> StudentModel:
    """From a file."""
    of_x, of_y = rebuild_marginals(stored)
    kept_x, kept_y = stored.whole("kept_x"), stored.whole("kept_y")
    for kept, of_side in ((kept_x, of_x), (kept_y, of_y)):
        check("kept coordinates", len(kept) > 0 and (np.diff(kept) > 0).all())
        check("coordinates that it keeps", kept[0] >= 0 and kept[-1] < len(of_side))
    correlation = stored.array("correlation", axes=2)
    check("a correlation for each pair", correlation.shape == (len(kept_x) + len(kept_y),) * 2)
    check("correlations", (np.abs(correlation) <= 1).all() and (correlation.diagonal() == 1).all())
    np.linalg.cholesky(correlation)  # refuses what is no correlation matrix
    nu, offset = float(stored.settings["degrees_of_freedom"]), float(stored.settings["offset"])
    check("degrees of freedom", 0.01 <= nu <= 1e6 and np.isfinite(offset))
    return StudentModel(
        correlation=correlation,
        degrees_of_freedom=nu,
        kept_x=kept_x,
        kept_y=kept_y,
        offset=offset,
        of_x=of_x,
        of_y=of_y,
    )


def log_ratio(z_x: X, z_y: Y, correlation: Float[np.ndarray, "d d"], nu: float) -> PerSample:
    """log t(z_x, z_y) − log t(z_x) − log t(z_y)."""
    dx = z_x.shape[1]
    return np.asarray(
        log_t(np.hstack([z_x, z_y]), correlation, nu)
        - log_t(z_x, correlation[:dx, :dx], nu)
        - log_t(z_y, correlation[dx:, dx:], nu)
    )


def log_t(z: Matrix, correlation: Float[np.ndarray, "d d"], nu: float) -> PerSample:
    """Log density of a multivariate t of each row, up to −½ d log(νπ)."""
    d = z.shape[1]
    factor = np.linalg.cholesky(correlation)
    constant = log_height(nu, d) - np.log(factor.diagonal()).sum()
    return np.asarray(constant - (nu + d) / 2 * np.log1p(squared_length(z, factor) / nu))


def log_height(nu: float, d: int) -> float:
    """log Γ((ν + d)/2) − log Γ(ν/2)."""
    return float(gammaln((nu + d) / 2) - gammaln(nu / 2))


def squared_length(z: Matrix, factor: Float[np.ndarray, "d d"]) -> PerSample:
    """zᵀR⁻¹z of each row, from the Cholesky factor of R."""
    return np.asarray(((z @ np.linalg.inv(factor).T) ** 2).sum(axis=1))
