"""Series with a memory: each row is much like the one before, as in most measurements over time.

X and Y are autoregressive, s_t = φ s_(t − 1) + √(1 − φ²) e_t, with unit variance at all times. The
task is the information of a pair (x_t, y_t) of the same time. Rows are not independent: between
series that share nothing, n of them show correlations as large as n (1 − φₓ φ_y) / (1 + φₓ φ_y)
independent rows do. That fools tests which permute rows, and is what the nulls are here for.

References:
    Bartlett (1935), doi:10.2307/2342284: how far correlations stray between independent series.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mineral.basics.types import Matrix
from mineral.tasks.laws import declared
from mineral.tasks.task import Draw, Task

OWN = "Mineral"


@dataclass(frozen=True)
class Autoregressive:
    """Two autoregressive series of normal numbers whose noises e correlate, time by time.

    With r the correlation of the noises, that of x_t and y_t is

        ρ = r √(1 − φₓ²) √(1 − φ_y²) / (1 − φₓ φ_y),      I = −½ log(1 − ρ²)

    for each coordinate: X and Y have as many, which know nothing of each other.

    Attributes:
        memory_x, memory_y: φₓ and φ_y, in [0, 1).
        noise: r.
        dim: Coordinates.
    """

    memory_x: float
    memory_y: float
    noise: float
    dim: int = 1

    @property
    def dim_x(self) -> int:
        return self.dim

    @property
    def dim_y(self) -> int:
        return self.dim

    @property
    def rows_worth_one(self) -> float:
        """The rows for each independent one, for the mean of pmi, a quadratic form."""
        slowest = max(self.memory_x, self.memory_y)
        return (1 + slowest**2) / (1 - slowest**2)

    @property
    def rho(self) -> float:
        """The correlation of x_t and y_t."""
        shares = math.sqrt((1 - self.memory_x**2) * (1 - self.memory_y**2))
        return self.noise * shares / (1 - self.memory_x * self.memory_y)

    @property
    def information(self) -> float:
        return -self.dim * math.log1p(-(self.rho**2)) / 2

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        rho, shape = self.rho, (n, self.dim)
        e, other = rng.standard_normal((2, *shape))
        # Before the first row the series have been going on for ever.
        first = rho * e[:1] + math.sqrt(1 - rho**2) * other[:1]
        later = self.noise * e[1:] + math.sqrt(1 - self.noise**2) * other[1:]
        x = _remembered(e, self.memory_x)
        y = _remembered(np.concatenate([first, later]), self.memory_y)
        left = (y - rho * x) ** 2 / (1 - rho**2)
        return Draw(x, y, self.information + ((y**2 - left) / 2).sum(axis=1))


def _remembered(e: Matrix, memory: float) -> Float[np.ndarray, "n d"]:
    """s_t = φ s_(t − 1) + √(1 − φ²) e_t down the rows, from s₀ = e₀ on."""
    from scipy.signal import lfilter  # takes as long to import as all tasks

    scaled = np.concatenate([e[:1], math.sqrt(1 - memory**2) * e[1:]])
    return np.asarray(lfilter([1.0], [1.0, -memory], scaled, axis=0))


def coupled(memory_x: float, memory_y: float, noise: float, dim: int = 1) -> Task:
    """Series that what happens to both joins."""
    law = Autoregressive(memory_x, memory_y, noise, dim)
    return declared(
        law,
        name=f"series-{memory_x}-{memory_y}-{noise}-{dim}",
        family="series",
        source=OWN,
        memory_x=memory_x,
        memory_y=memory_y,
        noise=noise,
        rows_worth_one=law.rows_worth_one,
    )


def uncoupled(memory: float, dim: int = 1) -> Task:
    """Series that have nothing to do with each other."""
    return declared(
        Autoregressive(memory, memory, 0.0, dim),
        name=f"null-series-{memory}-{dim}",
        family="null-series",
        source=OWN,
        known_by="independence",
        memory=memory,
    )


TASKS: tuple[Task, ...] = (
    coupled(0.5, 0.5, 0.8),
    coupled(0.9, 0.9, 0.8),
    coupled(0.9, 0.5, 0.8),
    coupled(0.9, 0.9, 0.5, dim=3),
    uncoupled(0.5),
    uncoupled(0.9),
    uncoupled(0.99),
    uncoupled(0.9, dim=5),
)
