"""Gaussian and Student-t samples: mutual information and pointwise values.

With the dispersion matrix R and qₓ, q_y, q the squared lengths xᵀRₓ⁻¹x, yᵀR_y⁻¹y, zᵀR⁻¹z,

    pmi(x, y) = −½ log(|R| / |Rₓ||R_y|) + g(q, dx + dy) − g(qₓ, dx) − g(q_y, dy)        (nats)
    g(q, d)   = −q / 2                                                     of a Gaussian
    g(q, d)   = log Γ((ν + d)/2) − log Γ(ν/2) − ½ (ν + d) log(1 + q/ν)     of a t distribution

and E log(1 + q/ν) = ψ((ν + d)/2) − ψ(ν/2). The coordinates of a t distribution share one random
scale, so that they depend on each other even where R is the identity.

References:
    Arellano-Valle, Contreras-Reyes & Genton (2013), doi:10.1111/j.1467-9469.2011.00774.x.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mineral.basics.special import digamma, gammaln
from mineral.basics.types import Matrix, PerSample
from mineral.tasks.task import Draw


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Gaussians in which X_i correlates with Y_i, for the first few i, and with nothing else.

    Every Gaussian is of this kind after a linear map of X and one of Y. Neither memory nor time
    grows faster than the dimension.

    Attributes:
        correlations: ρ_i of each pair that correlates.
        dim_x, dim_y: At least as many as these.
    """

    correlations: tuple[float, ...]
    dim_x: int
    dim_y: int

    @property
    def information(self) -> float:
        """−½ Σ log(1 − ρ_i²), in nats."""
        return float(-np.log1p(-np.square(self.correlations)).sum() / 2)

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        x = rng.standard_normal((n, self.dim_x))
        y = rng.standard_normal((n, self.dim_y))
        rho, k = np.asarray(self.correlations), len(self.correlations)
        noise = y[:, :k].copy()
        y[:, :k] = rho * x[:, :k] + np.sqrt(1 - rho**2) * noise
        return Draw(x, y, self.information + ((y[:, :k] ** 2 - noise**2) / 2).sum(axis=1))


@dataclass(frozen=True, kw_only=True, eq=False)
class Elliptical:
    """A Gaussian of any covariance or, where `nu` is finite, a Student-t of any dispersion.

    Attributes:
        dispersion: R, of the coordinates of X and then those of Y.
        dim_x: How many of them are X's.
        nu: Degrees of freedom; infinitely many make a Gaussian.
    """

    dispersion: Float[np.ndarray, "d d"]
    dim_x: int
    nu: float = np.inf

    @property
    def dim_y(self) -> int:
        return len(self.dispersion) - self.dim_x

    @property
    def information(self) -> float:
        """I(X; Y) in nats."""
        sides = (self.dim_x + self.dim_y, self.dim_x, self.dim_y)
        joint, of_x, of_y = (self._scale_entropy(d) for d in sides)
        return self._gaussian_information() + joint - of_x - of_y

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        dx, factor = self.dim_x, np.linalg.cholesky(self.dispersion)
        white = rng.standard_normal((n, len(factor)))
        if np.isfinite(self.nu):
            white /= np.sqrt(rng.chisquare(self.nu, size=(n, 1)) / self.nu)
        samples = white @ factor.T
        x, y = samples[:, :dx], samples[:, dx:]
        white_y = np.linalg.solve(np.linalg.cholesky(self.dispersion[dx:, dx:]), y.T).T
        # The factor is a triangle: its first rows are the factor of X's own block.
        joint, of_x, of_y = map(self._log_density, (white, white[:, :dx], white_y))
        return Draw(x, y, self._gaussian_information() + joint - of_x - of_y)

    def _gaussian_information(self) -> float:
        blocks = (self.dispersion[part, part] for part in self._parts())
        joint, of_x, of_y = (np.linalg.slogdet(block)[1] for block in blocks)
        return float(of_x + of_y - joint) / 2

    def _parts(self) -> tuple[slice, slice, slice]:
        return slice(None), slice(self.dim_x), slice(self.dim_x, None)

    def _scale_entropy(self, d: int) -> float:
        """E g(q, d), without the −d/2 of Gaussians, which cancels."""
        if not np.isfinite(self.nu):
            return 0.0
        above, below = (self.nu + d) / 2, self.nu / 2
        return float(gammaln(above) - gammaln(below) - above * (digamma(above) - digamma(below)))

    def _log_density(self, white: Matrix) -> PerSample:
        """g(q, d) of whitened samples."""
        squared, d = (white**2).sum(axis=1), white.shape[1]
        if not np.isfinite(self.nu):
            return np.asarray(-squared / 2)
        above, below = (self.nu + d) / 2, self.nu / 2
        return np.asarray(gammaln(above) - gammaln(below) - above * np.log1p(squared / self.nu))


def equicorrelated(d: int, rho: float) -> Float[np.ndarray, "d d"]:
    """Ones on the diagonal and `rho` elsewhere."""
    return np.eye(d) * (1 - rho) + rho
