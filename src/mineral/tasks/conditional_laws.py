"""Laws of three variables whose conditional information I(X; Y | Z) is known exactly.

    Gaussian        ½ log(|S_xz| |S_yz| / |S_z| |S_xyz|)
    Student t       the same of the dispersion, + c(dx + dz) + c(dy + dz) − c(dz) − c(dx + dy + dz)
    gate            Σ p(z) I(X; Y | Z = z), for a label z
    post-nonlinear  h(2X + n) − h(n), for Y = tanh(2X + aᵀZ + n), which is one-to-one given Z

with c(d) = log Γ(ν/2) − log Γ((ν + d)/2) + (d/2) log νπ + ((ν + d)/2)(ψ((ν + d)/2) − ψ(ν/2)).

References:
    Runge (2018), arXiv:1709.01447. Mesner & Shalizi (2021), arXiv:1912.03387.
    Mukherjee, Asnani & Kannan (2019), arXiv:1906.01824: post-nonlinear noise.
    Duong & Nguyen (2023), arXiv:2207.10951: monotone maps of correlated pairs.
    Arellano-Valle, Contreras-Reyes & Genton (2013), doi:10.1111/j.1467-9469.2011.00774.x.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float

from mineral.basics.special import digamma, gammaln, ndtri
from mineral.tasks.laws import Law
from mineral.tasks.task import Draw

POINTS = 4000  # of a quadrature over a normal number, at the middles of equal probabilities
GRID = 2001  # of a quadrature over y

Inner: TypeAlias = Literal["tanh", "exp-abs", "cos"]
INNER: dict[Inner, Callable[[np.ndarray], np.ndarray]] = {
    "tanh": np.tanh,
    "exp-abs": lambda m: np.exp(-np.abs(m)),
    "cos": np.cos,
}


def _column(values: np.ndarray) -> Float[np.ndarray, "n 1"]:
    return np.asarray(values, dtype=np.float64).reshape(-1, 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Trivariate:
    """Jointly Gaussian, or Student t where `nu` is finite, in blocks of X, Y and Z.

    Attributes:
        covariance: Of X, Y and Z in this order; the dispersion of a t distribution.
        dims: dx, dy, dz.
        nu: Degrees of freedom.
        idle: Columns of independent noise that Z has beside.
    """

    covariance: Float[np.ndarray, "d d"]
    dims: tuple[int, int, int] = (1, 1, 1)
    nu: float = math.inf
    idle: int = 0

    @property
    def dim_z(self) -> int:
        return self.dims[2] + self.idle

    @property
    def information(self) -> float:
        dx, dy, dz = self.dims
        x, y, z = np.split(np.arange(dx + dy + dz), [dx, dx + dy])

        def log_det(*parts: np.ndarray) -> float:
            rows = np.concatenate(parts)
            return float(np.linalg.slogdet(self.covariance[np.ix_(rows, rows)])[1])

        gaussian = (log_det(x, z) + log_det(y, z) - log_det(z) - log_det(x, y, z)) / 2
        parts = ((dx + dz, 1), (dy + dz, 1), (dz, -1), (dx + dy + dz, -1))
        return max(0.0, gaussian + sum(sign * self._excess(d) for d, sign in parts))

    def _excess(self, d: int) -> float:
        """c(d): the entropy of a t distribution beyond its dispersion's log determinant."""
        if math.isinf(self.nu):
            return 0.0
        above, below = (self.nu + d) / 2, self.nu / 2
        return float(
            gammaln(below)
            - gammaln(above)
            + d / 2 * math.log(self.nu * math.pi)
            + above * (digamma(above) - digamma(below))
        )

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        white = rng.standard_normal((n, len(self.covariance)))
        if math.isfinite(self.nu):
            white /= np.sqrt(rng.chisquare(self.nu, size=(n, 1)) / self.nu)
        samples = white @ np.linalg.cholesky(self.covariance).T
        dx, dy, _ = self.dims
        x, y, z = np.split(samples, [dx, dx + dy], axis=1)
        return Draw(x, y, z=np.hstack([z, rng.standard_normal((n, self.idle))]))


@dataclass(frozen=True, kw_only=True)
class UniformShift:
    """Y = X + Z₁ + .1 N, with X normal, Z₁ uniform on ±½ and idle columns beside: ½ log 101."""

    dim_z: int

    @property
    def information(self) -> float:
        return math.log(101) / 2

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        x, z = rng.standard_normal(n), rng.uniform(-0.5, 0.5, (n, self.dim_z))
        y = x + z[:, 0] + 0.1 * rng.standard_normal(n)
        return Draw(_column(x), _column(y), z=z)


@dataclass(frozen=True, kw_only=True)
class PostNonlinear:
    """Y = tanh(2X + aᵀZ + n), X = f(m), Z ~ N(1, 1): h(2X + n) − h(n).

    The weights a fall linearly and sum to 1; m and n have variance .1.
    """

    inner: Inner
    dim_z: int = 10

    @property
    def information(self) -> float:
        variance = 0.1
        quantiles = ndtri((np.arange(POINTS) + 0.5) / POINTS)
        means = 2 * INNER[self.inner](math.sqrt(variance) * quantiles)
        margin = 8 * math.sqrt(variance)
        at = np.linspace(means.min() - margin, means.max() + margin, GRID)
        squared = (at[:, None] - means) ** 2 / variance
        density = np.exp(-squared / 2).mean(axis=1) / math.sqrt(2 * math.pi * variance)
        logs = np.log(density, where=density > 0, out=np.zeros_like(density))
        entropy = -float((density * logs).sum() * (at[1] - at[0]))
        return entropy - math.log(2 * math.pi * math.e * variance) / 2

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        m, noise = math.sqrt(0.1) * rng.standard_normal((2, n))
        z = 1 + rng.standard_normal((n, self.dim_z))
        weights = np.arange(self.dim_z, 0, -1.0)
        x = INNER[self.inner](m)
        y = np.tanh(2 * x + z @ (weights / weights.sum()) + noise)
        return Draw(_column(x), _column(y), z=z)


@dataclass(frozen=True)
class ScaledNoise:
    """Z ~ U(.5, 1.5), Y = X + ZN: the integral of ½ log(1 + z⁻²) over z."""

    dim_z = 1

    @property
    def information(self) -> float:
        def primitive(z: float) -> float:
            return z / 2 * math.log1p(z**-2) + math.atan(z)

        return primitive(1.5) - primitive(0.5)

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        z, (x, noise) = rng.uniform(0.5, 1.5, n), rng.standard_normal((2, n))
        return Draw(_column(x), _column(x + z * noise), z=_column(z))


@dataclass(frozen=True)
class SignFlip:
    """Z = ±1 flips the sign of the correlation of X and Y: −½ log(1 − ρ²)."""

    rho: float

    dim_z = 1

    @property
    def information(self) -> float:
        return -math.log1p(-(self.rho**2)) / 2

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        z, (x, noise) = 2.0 * rng.integers(2, size=n) - 1, rng.standard_normal((2, n))
        y = self.rho * z * x + math.sqrt(1 - self.rho**2) * noise
        return Draw(_column(x), _column(y), z=_column(z))


@dataclass(frozen=True)
class SineShift:
    """X ~ U(0, 1), Y = X + sin 3Z + U(−ε, ε), Z normal: ε + log 1 / 2ε."""

    width: float = 0.1

    dim_z = 1

    @property
    def information(self) -> float:
        return self.width - math.log(2 * self.width)

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        x, z = rng.random(n), rng.standard_normal(n)
        y = x + np.sin(3 * z) + rng.uniform(-self.width, self.width, n)
        return Draw(_column(x), _column(y), z=_column(z))


@dataclass(frozen=True, kw_only=True)
class MonotoneMaps:
    """X = (X₀ + ZA)³, Y = exp(−(Y₀ + ZB) / 2), d pairs of correlation ρ: −(d/2) log(1 − ρ²)."""

    dim: int
    rho: float

    @property
    def dim_z(self) -> int:
        return self.dim

    @property
    def information(self) -> float:
        return -self.dim * math.log1p(-(self.rho**2)) / 2

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        mixing = np.random.default_rng(self.dim).standard_normal((2, self.dim, self.dim))
        of_x, of_y = mixing / math.sqrt(self.dim)
        x, noise, z = rng.standard_normal((3, n, self.dim))
        y = self.rho * x + math.sqrt(1 - self.rho**2) * noise
        return Draw((x + z @ of_x) ** 3, np.exp(-(y + z @ of_y) / 2), z=z)


@dataclass(frozen=True)
class Idle:
    """A law of X and Y, with a binomial condition that neither depends on."""

    law: Law

    dim_z = 1

    @property
    def information(self) -> float:
        return self.law.information

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        found = self.law(n, rng)
        return Draw(found.x, found.y, found.pmi, z=rng.binomial(3, 0.5, (n, 1)))


@dataclass(frozen=True)
class NoisyXor:
    """Z = X xor Y xor Bernoulli(p), X and Y fair: log 2 − h(p), where I(X; Y) = 0."""

    p: float

    dim_z = 1

    @property
    def information(self) -> float:
        return math.log(2) + self.p * math.log(self.p) + (1 - self.p) * math.log1p(-self.p)

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        x, y = rng.integers(2, size=(2, n, 1))
        return Draw(x, y, z=x ^ y ^ (rng.random((n, 1)) < self.p))


@dataclass(frozen=True)
class CountChain:
    """Exponential of mean 10 → Poisson → binomial of ½, given the Poisson count: 0."""

    dim_z = 1
    information = 0.0

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        x = rng.exponential(10, (n, 1))
        z = rng.poisson(x)
        return Draw(x, rng.binomial(z, 0.5), np.zeros(n), z=z)
