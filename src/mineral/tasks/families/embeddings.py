"""Embeddings of text, in miniature: directions on a sphere that gather around that of their class.

X is a unit vector from the von Mises–Fisher distribution around the axis e_c of its class c, of
density ∝ exp(κ x_c); Y is one around the axis of another class c', and a channel links the two.
The constants of the densities do not depend on the class, so that

    pmi(x, y) = log Σ p(c, c') exp(κ x_c + κ y_c')
                − log Σ p(c) exp(κ x_c) − log Σ p(c') exp(κ y_c').

If κ is large, classes do not overlap, and I(X; Y) is that of the channel.

References:
    Lee & Rhee (2024), arXiv:2410.10924: pairs of sentences that share classes, ten at a time.
    Mardia & Jupp (2000), Directional Statistics, section 9.3: the distribution.
"""

import math
from dataclasses import dataclass

import numpy as np

from mineral.basics.types import Matrix
from mineral.tasks.families.discrete import Zipf, crossover_for
from mineral.tasks.laws import Repeated, declared
from mineral.tasks.task import Draw, Task

SOURCE = "Mineral, after Lee & Rhee (2024), arXiv:2410.10924"


def on_sphere(n: int, d: int, kappa: float, rng: np.random.Generator) -> Matrix:
    """n unit vectors of d coordinates around the first axis, of density ∝ exp(κ v₁).

    The first coordinate by rejection, as Wood (1994), doi:10.1080/03610919408813161, has it; the
    others in any direction.
    """
    b = (d - 1) / (2 * kappa + math.sqrt(4 * kappa**2 + (d - 1) ** 2))
    middle = (1 - b) / (1 + b)
    most = kappa * middle + (d - 1) * math.log(1 - middle**2)
    along, missing = np.empty(n), np.arange(n)
    while len(missing):
        z = rng.beta((d - 1) / 2, (d - 1) / 2, size=len(missing))
        w = (1 - (1 + b) * z) / (1 - (1 - b) * z)
        accepted = kappa * w + (d - 1) * np.log(1 - middle * w) - most >= np.log1p(
            -rng.random(len(missing))
        )
        along[missing[accepted]] = w[accepted]
        missing = missing[~accepted]
    across = rng.standard_normal((n, d - 1))
    across *= np.sqrt(1 - along**2)[:, None] / np.linalg.norm(across, axis=1, keepdims=True)
    return np.column_stack([along, across])


@dataclass(frozen=True)
class Sphere:
    """Pairs of unit vectors whose classes are alike or, with probability q, drawn anew.

    Attributes:
        dim: Coordinates, at least as many as classes.
        classes: Equally likely.
        kappa: κ, how closely a class gathers.
        redrawn: q.
    """

    dim: int
    classes: int
    kappa: float
    redrawn: float

    @property
    def dim_x(self) -> int:
        return self.dim

    @property
    def dim_y(self) -> int:
        return self.dim

    @property
    def information(self) -> float:
        """Of the channel between the classes: more than I(X; Y) where classes overlap."""
        return Zipf(self.classes, 0.0, self.redrawn).information

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        k, q = self.classes, self.redrawn
        by_chance = math.log(q) if q else -math.inf
        labels = Zipf(k, 0.0, q)(n, rng)
        x, y = (self._around(each[:, 0], rng) for each in (labels.x, labels.y))
        of_x, of_y = (
            each - np.logaddexp.reduce(each, axis=1, keepdims=True)
            for each in (self.kappa * x[:, :k], self.kappa * y[:, :k])
        )  # log p(c | x), log p(c' | y)
        # p(c, c') / p(c) p(c') is q, and (1 − q) k more where they are the same.
        same = np.logaddexp.reduce(of_x + of_y, axis=1)
        return Draw(x, y, np.logaddexp(by_chance, math.log((1 - q) * k) + same))

    def _around(self, labels: np.ndarray, rng: np.random.Generator) -> Matrix:
        vectors, rows = on_sphere(len(labels), self.dim, self.kappa, rng), np.arange(len(labels))
        # The first axis and that of the class change places.
        first, own = vectors[:, 0].copy(), vectors[rows, labels]
        vectors[rows, 0], vectors[rows, labels] = own, first
        return vectors


OVERLAPPING = Sphere(dim=16, classes=8, kappa=8.0, redrawn=0.1)
OVERLAPPING_VALUE = (
    0.479045,
    0.000204,
)  # by Monte Carlo in benchmarks/task_values.py, and its error
SENTENCES, WORDS = 10, 64  # in each sample, and coordinates of each
CONCENTRATION = 128.0  # two classes so far apart that mistakes cost less than 1e-15 nats
BITS = (2, 4, 6, 8, 10)


def sentences(bits: int) -> Task:
    """Ten sentences of one of two classes each, which partners share up to a binary channel."""
    redrawn = 2 * crossover_for(bits * math.log(2) / SENTENCES)
    law = Repeated(Sphere(WORDS, 2, CONCENTRATION, redrawn), SENTENCES)
    return declared(
        law,
        name=f"sentences-{bits}-bits",
        family="embedding",
        source=SOURCE,
        known_by="closed form, of classes that do not overlap",
        bits=bits,
    )


def topics(dim: int, classes: int, kappa: float, redrawn: float) -> Task:
    """One vector each, of one of several classes."""
    return declared(
        Sphere(dim, classes, kappa, redrawn),
        name=f"topics-{dim}-{classes}-{redrawn}",
        family="embedding",
        source=SOURCE,
        known_by="closed form, of classes that do not overlap",
        kappa=kappa,
    )


TASKS: tuple[Task, ...] = (
    topics(64, 10, 192.0, 0.2),
    topics(768, 50, 1500.0, 0.1),
    Task(
        name="topics-overlapping-16-8",
        family="embedding",
        dim_x=16,
        dim_y=16,
        information=OVERLAPPING_VALUE[0],
        error=OVERLAPPING_VALUE[1],
        known_by="Monte Carlo, 2 × 10^7 samples (benchmarks/task_values.py)",
        source=SOURCE,
        sampler=OVERLAPPING,
        parameters={"kappa": 8.0},
    ),
    *map(sentences, BITS),
)
