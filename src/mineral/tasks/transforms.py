"""Injective maps of X alone and of Y alone: samples look different, pmi and I(X; Y) stay the same.

References:
    Czyż et al. (2023), arXiv:2306.11078: the maps here, and why information does not change.
    Kraskov, Stögbauer & Grassberger (2004), arXiv:cond-mat/0305641: the same, in their appendix.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

from mineral.basics.special import ndtr
from mineral.basics.types import Matrix
from mineral.tasks.task import Draw, Sampler, Task

Map: TypeAlias = Callable[[Matrix], Matrix]
HALVINGS = 56  # of an interval of at most 10: down to the last bits of a float


def transformed(
    task: Task,
    *,
    name: str,
    family: str,
    of_x: Map,
    of_y: Map,
    dim_x: int | None = None,
    dim_y: int | None = None,
    **parameters: Any,  # noqa: ANN401  what the caller wants remembered
) -> Task:
    """The task with X and Y seen through maps that nothing is lost in.

    Args:
        task: What is seen. Its value, and how it is known, carry over.
        name: Of the new task.
        family: The same.
        of_x: From (n, dx) to (n, dx'), injective, each row by itself.
        of_y: The same, of Y.
        dim_x: Coordinates of X afterwards, where they change.
        dim_y: Coordinates of Y afterwards, where they change.
        **parameters: Added to those of the task.

    Example:
        >>> from mineral.tasks import find
        >>> seen = transformed(find("1v1-normal-0.75"), name="shifted", family="normal",
        ...                    of_x=lambda x: x + 1, of_y=np.exp)
        >>> bool(seen.draw(5, seed=0).y.min() > 0)
        True
    """
    return replace(
        task,
        name=name,
        family=family,
        dim_x=task.dim_x if dim_x is None else dim_x,
        dim_y=task.dim_y if dim_y is None else dim_y,
        sampler=Transformed(task.sampler, of_x, of_y),
        parameters={**task.parameters, **parameters},
    )


@dataclass(frozen=True)
class Transformed:
    """A sampler whose draws are mapped, X by one map and Y by another."""

    base: Sampler
    of_x: Map
    of_y: Map

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        found = self.base(n, rng)
        return Draw(self.of_x(found.x), self.of_y(found.y), found.pmi)


def unchanged(values: Matrix) -> Matrix:
    """The values as they are."""
    return values


@dataclass(frozen=True)
class Mixed:
    """W v, with the entries of W standard normal and the same at each call.

    Attributes:
        seed: Fixes W.
    """

    seed: int

    def __call__(self, values: Matrix) -> Matrix:
        d = values.shape[1]
        return np.asarray(values @ np.random.default_rng([self.seed, d]).standard_normal((d, d)).T)


def normal_cdf(values: Matrix) -> Matrix:
    """Φ: what is normal becomes uniform on (0, 1)."""
    return np.asarray(ndtr(values))


def half_cube(values: Matrix) -> Matrix:
    """sign(v) |v|^(3/2): longer tails."""
    return np.asarray(values * np.sqrt(np.abs(values)))


def cube(values: Matrix) -> Matrix:
    """v³: tails longer still, and a density without bound at 0."""
    return np.asarray(values * values**2)  # a general power takes ten times as long


def asinh(values: Matrix) -> Matrix:
    """log(v + √(v² + 1)): tails of a t distribution become those of an exponential."""
    return np.asarray(np.arcsinh(values))


@dataclass(frozen=True)
class Wiggly:
    """v + Σ a sin(f v + φ), with a slope that changes and stays positive.

    Attributes:
        waves: (a, f, φ) of each, with Σ |a f| < 1.
    """

    waves: tuple[tuple[float, float, float], ...]

    def __call__(self, values: Matrix) -> Matrix:
        return values + sum(
            height * np.sin(pace * values + start) for height, pace, start in self.waves
        )


@dataclass(frozen=True)
class Bimodal:
    """Φ, then the quantile function of two unit normals: what is normal gets two modes.

    Attributes:
        means: Of the two.
        weight: Of the first.
    """

    means: tuple[float, float]
    weight: float

    def __call__(self, values: Matrix) -> Matrix:
        level = ndtr(values)
        # Were all the weight on one of the two, values would just be shifted by its mean.
        low, high = values + min(self.means), values + max(self.means)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            below = self.cdf(middle) < level
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.asarray((low + high) / 2)

    def cdf(self, values: Matrix) -> Matrix:
        """Of the mixture."""
        first, second = self.means
        return np.asarray(
            self.weight * ndtr(values - first) + (1 - self.weight) * ndtr(values - second)
        )


@dataclass(frozen=True)
class Spiral:
    """exp(s |v|² A) v: a rotation in one plane by an angle that grows with the squared length.

    The marginals do not reveal the map. It keeps lengths and volumes.

    Attributes:
        plane: The two coordinates that A, an element of so(d), turns into each other.
        speed: s, in radians.
    """

    plane: tuple[int, int]
    speed: float

    def __call__(self, values: Matrix) -> Matrix:
        (i, j), angle = self.plane, self.speed * (values**2).sum(axis=1)
        cos, sin, found = np.cos(angle), np.sin(angle), values.copy()
        found[:, i] = cos * values[:, i] - sin * values[:, j]
        found[:, j] = sin * values[:, i] + cos * values[:, j]
        return found


def swiss_roll(values: Float[np.ndarray, "n 1"]) -> Float[np.ndarray, "n 2"]:
    """(t cos t, t sin t) / 21 with t = 3π/2 (1 + 2v): the interval (0, 1), rolled up in a plane."""
    t = 1.5 * np.pi * (1 + 2 * values)
    return np.hstack([t * np.cos(t), t * np.sin(t)]) / 21
