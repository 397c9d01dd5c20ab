"""The forty tasks of "Beyond Normal": one dimension to a hundred, short tails to long, bent or not.

Gaussians, t distributions and a line with uniform noise, and the same through maps that keep the
information. The definitions are those of the paper and of its authors' package; the values follow
from formulas here.

References:
    Czyż, Grabowski, Vogt, Beerenwinkel & Marx (2023), Beyond Normal: On the Evaluation of Mutual
        Information Estimators, arXiv:2306.11078.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mineral.tasks.families.elliptical import Elliptical, Pairs, equicorrelated
from mineral.tasks.task import Draw, Task
from mineral.tasks.transforms import (
    Bimodal,
    Map,
    Spiral,
    Wiggly,
    asinh,
    half_cube,
    normal_cdf,
    swiss_roll,
    transformed,
    unchanged,
)

SOURCE = "Czyż et al. (2023), arXiv:2306.11078"
RHO = 0.75  # of the one-dimensional tasks
PAIR = 0.8  # of each of the two pairs that correlate
OFF_DIAGONAL = 0.5  # of dense covariances
WIGGLY_X = Wiggly(((0.4, 1.0, 0.0), (0.2, 1.7, 1.0), (0.03, 3.3, -2.5)))
WIGGLY_Y = Wiggly(((-0.4, 0.4, 0.0), (0.17, 1.3, 3.5), (0.02, 4.3, -2.5)))
BIMODAL_X = Bimodal((0.0, 5.0), weight=0.3)
BIMODAL_Y = Bimodal((-1.0, 3.0), weight=0.5)


@dataclass(frozen=True)
class AdditiveUniform:
    """Y = X + N, X uniform on (0, 1) and N on (−ε, ε).

    Given x, y is uniform on 2ε; by itself its density is (2ε)⁻¹ times the length of the x that can
    have led to it. So pmi(x, y) = −log |(0, 1) ∩ (y − ε, y + ε)|.
    """

    epsilon: float

    dim_x = 1
    dim_y = 1

    @property
    def information(self) -> float:
        """ε − log 2ε up to ε = ½, and 1/4ε beyond, in nats."""
        e = self.epsilon
        return 1 / (4 * e) if e > 0.5 else float(e - np.log(2 * e))

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        x = rng.uniform(size=(n, 1))
        y = x + rng.uniform(-self.epsilon, self.epsilon, size=(n, 1))
        overlap = np.minimum(1, y + self.epsilon) - np.maximum(0, y - self.epsilon)
        return Draw(x, y, -np.log(overlap[:, 0]))


def normal(rho: float = RHO) -> Task:
    """Two standard normal numbers of correlation `rho`."""
    sampler = Pairs(correlations=(rho,), dim_x=1, dim_y=1)
    return _closed(f"1v1-normal-{rho}", "normal", sampler, rho=rho)


def additive(epsilon: float) -> Task:
    """A uniform number, and the same with uniform noise of ±`epsilon`."""
    return _closed(f"1v1-additive-{epsilon}", "additive", AdditiveUniform(epsilon), epsilon=epsilon)


def dense(dim_x: int, dim_y: int, off_diagonal: float = OFF_DIAGONAL) -> Task:
    """A Gaussian in which everything correlates with everything."""
    sampler = Elliptical(dispersion=equicorrelated(dim_x + dim_y, off_diagonal), dim_x=dim_x)
    name = f"multinormal-dense-{dim_x}-{dim_y}-{off_diagonal}"
    return _closed(name, "multinormal", sampler, off_diagonal=off_diagonal)


def two_pairs(dim_x: int, dim_y: int, rho: float = PAIR) -> Task:
    """A Gaussian in which X₁ correlates with Y₁ and X₂ with Y₂, and all else is independent."""
    sampler = Pairs(correlations=(rho, rho), dim_x=dim_x, dim_y=dim_y)
    return _closed(f"multinormal-2pair-{dim_x}-{dim_y}", "multinormal", sampler, rho=rho)


def student(dim_x: int, dim_y: int, nu: int) -> Task:
    """A t distribution of identity dispersion: only the scale is shared."""
    sampler = Elliptical(dispersion=np.eye(dim_x + dim_y), dim_x=dim_x, nu=float(nu))
    return _closed(f"student-identity-{dim_x}-{dim_y}-{nu}", "student", sampler, nu=nu)


def spiral(task: Task, speed: float = 1.0) -> Task:
    """The task, spun: X by speed |x|² / dx radians in its first plane, Y likewise in its second."""
    return transformed(
        task,
        name=f"spiral-{task.name}",
        family="spiral",
        of_x=Spiral((0, 1), speed / task.dim_x),
        of_y=Spiral((1, 2), speed / task.dim_y),
        speed=speed,
    )


def _closed(
    name: str,
    family: str,
    sampler: Pairs | Elliptical | AdditiveUniform,
    **parameters: Any,  # noqa: ANN401
) -> Task:
    return Task(
        name=name,
        family=family,
        dim_x=sampler.dim_x,
        dim_y=sampler.dim_y,
        information=sampler.information,
        known_by="closed form",
        source=SOURCE,
        sampler=sampler,
        parameters=parameters,
    )


def _through(family: str, task: Task, of_x: Map, of_y: Map) -> Task:
    return transformed(task, name=f"{family}-{task.name}", family=family, of_x=of_x, of_y=of_y)


def _tasks() -> tuple[Task, ...]:
    flat, cauchy = normal(), student(1, 1, 1)
    uniform = _through("normal-cdf", flat, normal_cdf, normal_cdf)
    rolled = transformed(
        uniform,
        name=f"swiss-roll-{uniform.name}",
        family="swiss-roll",
        of_x=swiss_roll,
        of_y=unchanged,
        dim_x=2,
    )
    sparse = [two_pairs(d, d) for d in (3, 5, 25)]
    on_cubes = [_through("normal-cdf", task, normal_cdf, normal_cdf) for task in sparse]
    heavy = [cauchy, student(2, 2, 1), student(3, 3, 2), student(5, 5, 2)]
    return (
        flat,
        uniform,
        additive(0.1),
        additive(0.75),
        transformed(
            flat, name=f"1v1-bimodal-{RHO}", family="bimodal", of_x=BIMODAL_X, of_y=BIMODAL_Y
        ),
        _through("wiggly", flat, WIGGLY_X, WIGGLY_Y),
        _through("half-cube", flat, half_cube, half_cube),
        *heavy,
        *(_through("asinh", task, asinh, asinh) for task in heavy),
        rolled,
        *(dense(d, d) for d in (2, 3, 5, 25, 50)),
        two_pairs(2, 2),
        *sparse,
        student(2, 2, 2),
        student(3, 3, 3),
        student(5, 5, 3),
        *on_cubes,
        *(_through("half-cube", task, half_cube, half_cube) for task in sparse),
        *map(spiral, sparse),
        *map(spiral, on_cubes),
    )


TASKS: tuple[Task, ...] = _tasks()
