"""High information: Gaussians of 2 to 106 nats in up to 1,000 dimensions, plain and cubed.

X_i and Y_i correlate by the same ρ for all i, and nothing else does: I(X; Y) = −½ d log(1 − ρ²).
Cubing every coordinate of Y changes nothing for ranks, and much for straight lines; cubing every
coordinate of W Y, with a random matrix W, leaves ranks no way back either.

References:
    Poole, Ozair, van den Oord, Alemi & Tucker (2019), arXiv:1905.06922: the staircase.
    Song & Ermon (2020), arXiv:1910.06222: their code cubes each coordinate of Y.
    McAllester & Stratos (2020), arXiv:1811.04251: 128 dimensions at ρ of 0.25, 0.5 and 0.9.
"""

from dataclasses import dataclass

import numpy as np

from mineral.basics.types import Matrix
from mineral.tasks.families.elliptical import Pairs
from mineral.tasks.task import Task
from mineral.tasks.transforms import Map, Mixed, cube, transformed, unchanged

STEPS = (2.0, 4.0, 6.0, 8.0, 10.0)  # nats
HIGH = (2.0, 5.0, 10.0, 20.0, 50.0, 100.0)  # nats
DIMENSIONS = (10, 100, 1000)
POOLE = "Poole et al. (2019), arXiv:1905.06922"
SONG = "Song & Ermon (2020), arXiv:1910.06222"
HERE = "Mineral, after Poole et al. (2019), arXiv:1905.06922"
MCALLESTER = "McAllester & Stratos (2020), arXiv:1811.04251"


@dataclass(frozen=True)
class MixedCube:
    """(W v)³, coordinate by coordinate.

    Attributes:
        mixed: v → W v.
    """

    mixed: Map

    def __call__(self, values: Matrix) -> Matrix:
        return cube(self.mixed(values))


def gaussian(d: int, nats: float, *, source: str = POOLE) -> Task:
    """d pairs of standard normal numbers with a total of `nats`."""
    rho = float(np.sqrt(-np.expm1(-2 * nats / d)))
    return Task(
        name=f"gaussian-{d}d-{round(nats, 2):g}nats",
        family="gaussian",
        dim_x=d,
        dim_y=d,
        information=nats,
        known_by="closed form",
        source=source,
        sampler=Pairs(correlations=(rho,) * d, dim_x=d, dim_y=d),
        parameters={"rho": rho},
    )


def cubic(d: int, nats: float, *, source: str = SONG) -> Task:
    """The same, every coordinate of Y cubed."""
    return _seen(gaussian(d, nats, source=source), "cubic", cube)


def mixed_cubic(d: int, nats: float, *, source: str = HERE) -> Task:
    """The same, with a fixed random linear map of Y before cubing."""
    return _seen(gaussian(d, nats, source=source), "mixed-cubic", MixedCube(Mixed(seed=0)))


def at_correlation(d: int, rho: float) -> Task:
    """d pairs of correlation `rho`, named by what they carry."""
    nats = float(-d / 2 * np.log1p(-(rho**2)))
    return gaussian(d, nats, source=MCALLESTER)


def _seen(task: Task, family: str, of_y: Map) -> Task:
    name = task.name.replace("gaussian", family)
    return transformed(task, name=name, family=family, of_x=unchanged, of_y=of_y)


STAIRCASE: tuple[Task, ...] = tuple(
    kind(20, nats) for kind in (gaussian, cubic, mixed_cubic) for nats in STEPS
)
TASKS: tuple[Task, ...] = (
    *(
        kind(d, nats, source=HERE)
        for kind in (gaussian, cubic)
        for d in DIMENSIONS
        for nats in HIGH
    ),
    *(at_correlation(128, rho) for rho in (0.25, 0.5, 0.9)),
)
