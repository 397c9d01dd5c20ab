"""Mixtures of Gaussians and of t distributions, bent: marginals of a mixture are mixtures too.

With p = Σ_k w_k p_k, both p(x, y) and its marginals are known, and so is every pair's

    pmi(x, y) = log Σ w_k p_k(x, y) − log Σ w_k p_k(x) − log Σ w_k p_k(y).

Injective maps of X and of Y ("bend") leave it as it is. What remains is its mean. Most of it is an
integral in one or two dimensions, which `benchmarks/task_values.py` computes; see there how.

References:
    Czyż, Grabowski, Vogt, Beerenwinkel & Marx (2025), On the Properties and Estimation of
        Pointwise Mutual Information Profiles, arXiv:2310.10240: bend-and-mix models, the tasks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from mineral.basics.special import gammaln
from mineral.basics.types import Matrix, PerSample
from mineral.tasks.task import Draw, Task
from mineral.tasks.transforms import Spiral, transformed, unchanged

SOURCE = "Czyż et al. (2025), arXiv:2310.10240"
BY_QUADRATURE = "quadrature (benchmarks/task_values.py)"
BY_SAMPLING = "Monte Carlo, 2 × 10^7 samples (benchmarks/task_values.py)"
THIN = 1e-4  # the variance of Y within a component of the concentric tasks


@dataclass(frozen=True, kw_only=True, eq=False)
class Component:
    """A Gaussian or, where `nu` is finite, a t distribution, and how often it is drawn from.

    Attributes:
        weight: In proportion to how often.
        mean: Its center: the coordinates of X, then those of Y.
        dispersion: Of these; the covariance of a Gaussian.
        nu: Degrees of freedom.
    """

    weight: float
    mean: Float[np.ndarray, " d"]
    dispersion: Float[np.ndarray, "d d"]
    nu: float = np.inf

    def draw(self, n: int, rng: np.random.Generator) -> Matrix:
        """n independent samples, shape (n, d)."""
        white = rng.standard_normal((n, len(self.mean)))
        if np.isfinite(self.nu):
            white /= np.sqrt(rng.chisquare(self.nu, size=(n, 1)) / self.nu)
        return np.asarray(self.mean + white @ np.linalg.cholesky(self.dispersion).T)

    def log_density(self, values: Matrix, part: slice) -> PerSample:
        """Of some of the coordinates, shape (n, d'), at each row of these."""
        factor = np.linalg.cholesky(self.dispersion[part, part])
        d, log_volume = len(factor), float(np.log(np.diag(factor)).sum())
        white = (values - self.mean[part]) @ np.linalg.inv(factor).T
        squared = np.asarray((white**2).sum(axis=1))
        if not np.isfinite(self.nu):
            return np.asarray(-squared / 2 - log_volume - d / 2 * np.log(2 * np.pi))
        above = (self.nu + d) / 2
        constant = gammaln(above) - gammaln(self.nu / 2) - d / 2 * np.log(self.nu * np.pi)
        return np.asarray(constant - log_volume - above * np.log1p(squared / self.nu))


@dataclass(frozen=True, kw_only=True, eq=False)
class Mixture:
    """Pairs, each drawn from one of the components, with their pointwise values."""

    components: tuple[Component, ...]
    dim_x: int

    @property
    def dim_y(self) -> int:
        return len(self.components[0].mean) - self.dim_x

    @property
    def weights(self) -> Float[np.ndarray, " k"]:
        """That sum to one."""
        weights = np.array([each.weight for each in self.components], dtype=float)
        return np.asarray(weights / weights.sum())

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        kinds = rng.choice(len(self.components), n, p=self.weights)
        samples = np.empty((n, self.dim_x + self.dim_y))
        for k, each in enumerate(self.components):
            chosen = kinds == k
            samples[chosen] = each.draw(int(chosen.sum()), rng)
        of_x, of_y = slice(self.dim_x), slice(self.dim_x, None)
        x, y = samples[:, of_x], samples[:, of_y]
        joint = self.log_density(samples, slice(None))
        return Draw(x, y, joint - self.log_density(x, of_x) - self.log_density(y, of_y))

    def log_density(self, values: Matrix, part: slice) -> PerSample:
        """Of some of the coordinates, at each row of these."""
        each = [component.log_density(values, part) for component in self.components]
        return np.asarray(np.logaddexp.reduce(np.log(self.weights)[:, None] + each, axis=0))


def _component(
    mean: Sequence[int | float],
    dispersion: np.ndarray,
    weight: float = 1.0,
    nu: float = np.inf,
) -> Component:
    return Component(
        weight=weight, mean=np.array(mean, float), dispersion=np.array(dispersion, float), nu=nu
    )


def _correlated(rho: float, variance_x: float = 1.0, variance_y: float = 1.0) -> np.ndarray:
    both = rho * np.sqrt(variance_x * variance_y)
    return np.array([[variance_x, both], [both, variance_y]])


def cross(rho: float, nu: float = np.inf) -> Mixture:
    """The letter X: correlations of ρ and of −ρ, one laid over the other."""
    rising, falling = (_component([0, 0], _correlated(sign * rho), nu=nu) for sign in (1, -1))
    return Mixture(components=(rising, falling), dim_x=1)


def letters() -> Mixture:
    """The letters A and I, of three Gaussians each."""
    beam = np.diag([0.05, 0.001])
    return Mixture(
        components=(
            _component([1, 0], np.diag([0.01, 0.2])),
            _component([1, 1], beam),
            _component([1, -1], beam),
            _component([-0.8, -0.2], np.diag([0.03, 0.001])),
            _component([-1.2, 0], _correlated(0.95, 0.04, 0.2)),
            _component([-0.4, 0], _correlated(-0.95, 0.04, 0.2)),
        ),
        dim_x=1,
    )


def stripes(count: int = 12) -> Mixture:
    """Long thin Gaussians in rows of four: the waves, before they are bent."""
    spread = np.diag([0.1, 1, 0.1])
    parts = (_component([1.5 * k, 0, 1.5 * (k % 4)], spread) for k in range(count))
    return Mixture(components=tuple(parts), dim_x=2)


def balls(distance: float = 3.0) -> Mixture:
    """Two round Gaussians in three dimensions: the galaxy, before it is spun."""
    ends = (-distance / 2, distance / 2)
    return Mixture(components=tuple(_component([end] * 3, np.eye(3)) for end in ends), dim_x=2)


def shells(dim_x: int, count: int) -> Mixture:
    """Round Gaussians around one center, the i-th i times as wide as the first; Y determines i."""
    return Mixture(
        components=tuple(
            _component([0] * dim_x + [i], np.diag([i**2] * dim_x + [THIN]))
            for i in range(1, count + 1)
        ),
        dim_x=dim_x,
    )


def paired(d: int, rho: float, pairs: int = 2) -> np.ndarray:
    """The covariance of d + d numbers of which the first few X_i correlate with Y_i."""
    covariance = np.eye(2 * d)
    first = np.arange(pairs)
    covariance[first, first + d] = covariance[first + d, first] = rho
    return covariance


def with_inliers(d: int, share: float, rho: float = 0.8) -> Mixture:
    """Two correlated pairs, and a share of points with the same marginals that do not correlate."""
    signal = _component([0] * 2 * d, paired(d, rho), weight=1 - share)
    chance = _component([0] * 2 * d, np.eye(2 * d), weight=share)
    return Mixture(components=(signal, chance), dim_x=d)


def with_outliers(d: int, share: float, rho: float = 0.8, spread: float = 5.0) -> Mixture:
    """Two correlated pairs, and a share of points from a wide t distribution of 2 degrees."""
    signal = _component([0] * 2 * d, paired(d, rho), weight=1 - share)
    astray = _component([0] * 2 * d, spread**2 * np.eye(2 * d), weight=share, nu=2.0)
    return Mixture(components=(signal, astray), dim_x=d)


@dataclass(frozen=True)
class Bent:
    """(x₁, x₂) → (0.1 (x₁ + a sin f x₂) − 0.8, x₂ / 2): straight lines become waves.

    Attributes:
        amplitude: a.
        frequency: f.
    """

    amplitude: float = 5.0
    frequency: float = 3.0

    def __call__(self, values: Matrix) -> Matrix:
        along, across = values.T
        moved = 0.1 * (along + self.amplitude * np.sin(self.frequency * across)) - 0.8
        return np.stack([moved, across / 2], axis=1)


# In nats, from benchmarks/task_values.py.
VALUES = {
    "x-0.9": 0.4084425497748675,
    "student-x-0.9-3": 0.4811012827232122,
    "ai": 0.7759526157508331,
    "waves-12": 1.3070173659191118,
    "galaxy": 0.4942976970946751,
    "concentric-3-5": 0.4554231053846653,
    "concentric-3-10": 0.5599158911946015,
    "concentric-5-5": 0.6273911434074828,
    "concentric-5-10": 0.75145120834557,
    "concentric-25-5": 1.1907680267484158,
    "concentric-25-10": 1.3875847321094543,
    "inliers-0.2": 0.6357589015570502,
    "inliers-0.5": 0.2696260492828638,
}
OUTLIERS = (1.343139, 0.000249)  # and its standard error


def _task(
    name: str,
    law: Mixture,
    value: float,
    *,
    error: float = 0.0,
    source: str = SOURCE,
    **parameters: Any,  # noqa: ANN401
) -> Task:
    return Task(
        name=name,
        family="mixture",
        dim_x=law.dim_x,
        dim_y=law.dim_y,
        information=value,
        error=error,
        known_by=BY_SAMPLING if error else BY_QUADRATURE,
        source=source,
        sampler=law,
        parameters=parameters,
    )


def _bent(name: str, law: Mixture, of_x: Bent | Spiral) -> Task:
    flat = _task(name, law, VALUES[name])
    return transformed(flat, name=name, family="mixture", of_x=of_x, of_y=unchanged)


def _concentric(d: int, count: int) -> Task:
    name = f"concentric-{d}-{count}"
    return _task(name, shells(d, count), VALUES[name], components=count)


def _inliers(d: int, share: float) -> Task:
    law, value = with_inliers(d, share), VALUES[f"inliers-{share}"]
    return _task(f"inliers-{d}-{share}", law, value, inliers=share)


TASKS: tuple[Task, ...] = (
    _task("x-0.9", cross(0.9), VALUES["x-0.9"], rho=0.9),
    _task(
        "student-x-0.9-3",
        cross(0.9, nu=3.0),
        VALUES["student-x-0.9-3"],
        source="Mineral",
        rho=0.9,
        nu=3.0,
    ),
    _task("ai", letters(), VALUES["ai"]),
    _bent("waves-12", stripes(), Bent()),
    _bent("galaxy", balls(), Spiral((0, 1), speed=0.5)),
    *(_concentric(d, count) for d in (3, 5, 25) for count in (5, 10)),
    *(_inliers(d, share) for d in (5, 25) for share in (0.2, 0.5)),
    _task(
        "outliers-5-0.2",
        with_outliers(5, 0.2),
        OUTLIERS[0],
        error=OUTLIERS[1],
        source="Mineral",
        outliers=0.2,
    ),
)
