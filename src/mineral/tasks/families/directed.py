"""Transfer entropies that are known exactly: lag one of a source, given lag one of the target.

A draw is n rows of one series: x the source's past, y the target's present, z the target's past and
that of a further series. `task.sampler.series(n, rng)` are the series themselves.

    linear       ½ log Var(Y_t | z) / Var(Y_t | x, z), from the stationary covariance S = A S Aᵀ + 1
    switching    the source counts where the target was positive: −¼ log(1 − ρ²)
    variance     the source decides the noise's size: h(Y) − E ½ log 2πe(.1 + .9 X²)
    square       Y = X² + noise: h(Y) − h(noise)

References:
    Barnett, Barrett & Seth (2009), arXiv:0910.4514: Gaussian transfer entropy.
"""

import math
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from mineral.tasks.task import Draw, Task

OWN = "Mineral"
BURNED = 500  # rows before the first, after which a memory of .95 is forgotten: .95^500 = 7e-12
SOURCE = np.linspace(-8, 8, 1601)  # of a quadrature: twice as many points change 1e-9 nats
TARGET = np.linspace(-40, 40, 1601)  # of a quadrature: the same

Values = Float[np.ndarray, "n _"]
Step = tuple[tuple[float, ...], ...]


@runtime_checkable
class Directed(Protocol):
    """Draws series, and knows the transfer entropy in nats."""

    @property
    def information(self) -> float: ...

    def series(self, n: int, rng: np.random.Generator) -> tuple[Values, Values, Values]:
        """Source, target and condition, n rows of each; the condition may have no columns."""
        ...

    def __call__(self, n: int, rng: np.random.Generator) -> Draw: ...


def _rows(law: Directed, n: int, rng: np.random.Generator) -> Draw:
    source, target, condition = law.series(n + 1, rng)
    return Draw(source[:-1], target[1:], z=np.hstack([target[:-1], condition[:-1]]))


@dataclass(frozen=True)
class Linear:
    """s_t = A s_(t − 1) + e_t with unit noise: the first series to the last, given those between.

    Attributes:
        step: A, row by row.
        copies: Independent systems side by side.
    """

    step: Step
    copies: int = 1

    @property
    def information(self) -> float:
        a = np.array(self.step)
        d = len(a)
        of_now = np.linalg.solve(np.eye(d * d) - np.kron(a, a), np.eye(d).ravel()).reshape(d, d)
        following = of_now @ a.T  # of all series with the next rows of all

        def remaining(past: list[int]) -> float:
            own, across = of_now[np.ix_(past, past)], following[past, -1]
            return float(of_now[-1, -1] - across @ np.linalg.solve(own, across))

        rest = list(range(1, d))
        return max(0.0, self.copies * math.log(remaining(rest) / remaining([0, *rest])) / 2)

    def series(self, n: int, rng: np.random.Generator) -> tuple[Values, Values, Values]:
        a = np.array(self.step)
        rows = rng.standard_normal((n + BURNED, self.copies, len(a)))
        for t in range(1, len(rows)):
            rows[t] += rows[t - 1] @ a.T
        kept = rows[BURNED:]
        return kept[:, :, 0], kept[:, :, -1], kept[:, :, 1:-1].reshape(n, -1)

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        return _rows(self, n, rng)


@dataclass(frozen=True)
class Nonlinear:
    """A white source and a target that depends on it otherwise than by its mean alone.

    Attributes:
        kind: Of the dependence.
    """

    kind: Literal["switching", "variance", "square"]

    @property
    def information(self) -> float:
        if self.kind == "switching":
            return -math.log(0.19) / 4
        weights = np.exp(-(SOURCE**2) / 2) / np.exp(-(SOURCE**2) / 2).sum()
        mean, variance = self._moments(SOURCE)
        apart = (TARGET[:, None] - mean) ** 2 / (2 * variance)
        density = (np.exp(-apart) / np.sqrt(2 * np.pi * variance)) @ weights
        surprise = -density * np.log(density.clip(min=1e-300))
        noise = weights @ (0.5 * np.log(2 * np.pi * np.e * variance))
        return float(surprise.sum() * (TARGET[1] - TARGET[0]) - noise)

    def _moments(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance of the target where the source is x."""
        if self.kind == "variance":
            return np.zeros_like(x), 0.1 + 0.9 * x**2
        return x**2, np.full_like(x, 0.25)

    def series(self, n: int, rng: np.random.Generator) -> tuple[Values, Values, Values]:
        x, noise = rng.standard_normal((2, n))
        y = noise.copy()
        if self.kind == "switching":
            for t in range(1, n):
                if y[t - 1] >= 0:
                    y[t] = 0.9 * x[t - 1] + math.sqrt(0.19) * noise[t]
        else:
            mean, variance = self._moments(x[:-1])
            y[1:] = mean + np.sqrt(variance) * noise[1:]
        return x[:, None], y[:, None], np.empty((n, 0))

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        return _rows(self, n, rng)


def directed(law: Directed, name: str, known_by: str = "closed form") -> Task:
    """The task of a directed law."""
    drawn = law(2, np.random.default_rng(0))
    assert drawn.z is not None
    return Task(
        name=f"directed-{name}",
        family="directed",
        dim_x=drawn.x.shape[1],
        dim_y=drawn.y.shape[1],
        dim_z=drawn.z.shape[1],
        information=law.information,
        known_by=known_by,
        source=OWN,
        sampler=law,
    )


def _pair(source: float, target: float, coupling: float) -> Step:
    return ((source, 0.0), (coupling, target))


def _chain(direct: float) -> Step:
    """x → w → y, and a direct step from x to y."""
    return ((0.7, 0.0, 0.0), (0.8, 0.5, 0.0), (direct, 0.8, 0.5))


TASKS: tuple[Task, ...] = (
    directed(Linear(_pair(0.4, 0.8, 0.5)), "linear"),
    directed(Linear(_pair(0.4, 0.8, 0.5), copies=5), "linear-5"),
    directed(Linear(_pair(0.9, 0.9, 0.1)), "weak"),
    directed(Linear(_pair(0.9, 0.5, 2.0)), "strong"),
    directed(Linear(_chain(0.4)), "chain-and-direct"),
    directed(Linear(_pair(0.0, 0.0, 1.0), copies=6), "six-channels"),
    directed(Nonlinear("switching"), "switching"),
    directed(Nonlinear("variance"), "variance", "quadrature"),
    directed(Nonlinear("square"), "square", "quadrature"),
    directed(Linear(_chain(0.0)), "null-chain"),
    directed(Linear(_pair(0.5, 0.5, 0.0)), "null-0.5"),
    directed(Linear(_pair(0.95, 0.95, 0.0)), "null-0.95"),
)
