"""Distributions of two discrete variables: a table of probabilities, and values of its cells."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Shaped

from mineral.basics.special import gammaln, ndtr
from mineral.basics.types import PerSample
from mineral.tasks.task import Draw

SPAN = 8.0  # standard deviations of a normal law that a table covers: 1e-15 lies beyond
NODES = 24  # Gauss–Legendre nodes in each cell of a rounded normal law: exact to 1e-12


@dataclass(frozen=True, eq=False)
class Cells:
    """Pairs of discrete values with a table of joint probabilities: I = Σ p log(p / p_x p_y).

    Attributes:
        joint: Probabilities, shape (a, b), up to a common factor. Zeros are allowed.
        x_values: The values of the rows of the table: shape (a,) or (a, dx); numbers or words.
        y_values: The same for its columns.
    """

    joint: Float[np.ndarray, "a b"]
    x_values: Shaped[np.ndarray, "a ..."]
    y_values: Shaped[np.ndarray, "b ..."]

    @property
    def dim_x(self) -> int:
        return 1 if self.x_values.ndim == 1 else int(self.x_values.shape[1])

    @property
    def dim_y(self) -> int:
        return 1 if self.y_values.ndim == 1 else int(self.y_values.shape[1])

    @property
    def information(self) -> float:
        joint = self.joint / self.joint.sum()
        return float((joint * pmi_of_cells(joint)).sum())

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        steps = self.joint.ravel().cumsum()
        cells = np.searchsorted(steps, rng.random(n) * steps[-1], side="right")
        i, j = np.divmod(cells, self.joint.shape[1])
        pmi = pmi_of_cells(self.joint / steps[-1])[i, j]
        return Draw(
            self.x_values[i].reshape(n, self.dim_x), self.y_values[j].reshape(n, self.dim_y), pmi
        )


def pmi_of_cells(joint: Float[np.ndarray, "a b"]) -> Float[np.ndarray, "a b"]:
    """log p / p_x p_y in each cell; 0 where p is 0."""
    product = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    seen = joint > 0
    ratio = np.divide(joint, product, out=np.ones_like(joint), where=seen)
    return np.asarray(np.log(ratio))


def rounded_uniform(step: float, sigma: float) -> Cells:
    """X ~ U(0, 1) and Y = X + σN, both rounded to the nearest multiple of `step`.

    With G(t) = t Φ(t) + φ(t), the antiderivative of Φ,
    ∫ₐᵇ Φ((c − x) / σ) dx = σ [G((c − a) / σ) − G((c − b) / σ)].
    """
    x = np.arange(round(1 / step) + 1) * step
    low, high = np.clip(x - step / 2, 0, 1), np.clip(x + step / 2, 0, 1)
    reach = math.ceil(SPAN * sigma / step)
    y = np.arange(-reach, len(x) + reach) * step
    edges = np.append(y - step / 2, y[-1] + step / 2)

    def antiderivative(t: Float[np.ndarray, "a b"]) -> Float[np.ndarray, "a b"]:
        return np.asarray(t * ndtr(t) + np.exp(-(t**2) / 2) / math.sqrt(2 * math.pi))

    below = antiderivative((edges - low[:, None]) / sigma) - antiderivative(
        (edges - high[:, None]) / sigma
    )
    return Cells(np.maximum(np.diff(below, axis=1), 0), np.round(x, 9), np.round(y, 9))


def rounded_normal(
    rho: float,
    edges_x: Sequence[float],
    edges_y: Sequence[float],
    x_values: Shaped[np.ndarray, "a ..."],
    y_values: Shaped[np.ndarray, "b ..."],
) -> Cells:
    """Two standard normal numbers of correlation ρ, observed as cells.

    Args:
        rho: The correlation.
        edges_x: Inner borders of the cells of X in standard units, in increasing order.
        edges_y: Those of Y.
        x_values: The values of the cells of X: one more than the borders.
        y_values: Those of Y.
    """
    borders = [-SPAN, *edges_x, SPAN]
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    above = np.array([-np.inf, *edges_y, np.inf])
    joint = np.empty((len(borders) - 1, len(above) - 1))
    for i, (low, high) in enumerate(pairwise(borders)):
        parts = max(1, math.ceil(high - low))  # a node or more in each 1/24 of a deviation
        ends = np.linspace(low, high, parts + 1)
        half = (high - low) / parts / 2
        z = ((ends[:-1] + half)[:, None] + half * nodes).ravel()
        density = half * np.tile(weights, parts) * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
        below = ndtr((above - rho * z[:, None]) / math.sqrt(1 - rho**2))
        joint[i] = density @ np.diff(below, axis=1)
    return Cells(np.maximum(joint, 0), x_values, y_values)


def by_latent(
    weights: Sequence[float],
    given_x: Float[np.ndarray, "c a"],
    given_y: Float[np.ndarray, "c b"],
    x_values: Shaped[np.ndarray, "a ..."],
    y_values: Shaped[np.ndarray, "b ..."],
) -> Cells:
    """X and Y are independent in each of a few hidden classes: p = Σ_c w_c p_c(x) p_c(y)."""
    w = np.asarray(weights)
    return Cells(np.einsum("c,ca,cb->ab", w / w.sum(), given_x, given_y), x_values, y_values)


def diagonal(weights: Float[np.ndarray, " k"], redrawn: float = 0.0) -> Float[np.ndarray, "k k"]:
    """The table of a symbol that is seen twice, and drawn anew with a probability in between."""
    z = weights / weights.sum()
    return np.asarray((1 - redrawn) * np.diag(z) + redrawn * np.outer(z, z))


def poisson(mean: float, most: int) -> PerSample:
    """Probabilities of 0, …, `most` events."""
    k = np.arange(most + 1)
    return np.asarray(np.exp(k * math.log(mean) - mean - gammaln(k + 1)))


def common_events(own_x: float, own_y: float, common: float) -> Cells:
    """X = A + C and Y = B + C of independent Poisson counts: the goals of a match."""
    most = int(own_x + own_y + common + 10 * math.sqrt(own_x + own_y + common) + 10)
    a, b, c = (poisson(mean, most) for mean in (own_x, own_y, common))
    joint = np.zeros((most + 1, most + 1))
    for k in range(most + 1):
        joint[k:, k:] += c[k] * np.outer(a[: most + 1 - k], b[: most + 1 - k])
    return Cells(joint, np.arange(most + 1), np.arange(most + 1))


def by_rule(
    of_x: Float[np.ndarray, " a"],
    given: Callable[[int], Float[np.ndarray, " b"]],
    x_values: Shaped[np.ndarray, "a ..."],
    y_values: Shaped[np.ndarray, "b ..."],
) -> Cells:
    """The table of p(x) p(y | x), from a function that gives p(y | x) for each index of x."""
    rows = np.stack([given(i) for i in range(len(of_x))])
    return Cells(of_x[:, None] * rows, x_values, y_values)
