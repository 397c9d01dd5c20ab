"""Conditional information: X and Y given Z, with exact values; the condition is often all.

Chains and forks are independent given Z though they correlate; colliders and an exclusive or depend
on each other only given Z; idle columns of Z change nothing. Laws of series are transfer entropies:
X is the source's past, Y the target's present, and Z the target's past.

References:
    Those of `conditional_laws`; Runge (2018), arXiv:1709.01447, on neighbours and conditions.
"""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from mineral.tasks.conditional_laws import (
    CountChain,
    Idle,
    MonotoneMaps,
    NoisyXor,
    PostNonlinear,
    ScaledNoise,
    SignFlip,
    SineShift,
    Trivariate,
    UniformShift,
)
from mineral.tasks.families.channels import SmoothedDiscrete
from mineral.tasks.families.mixed import GaussianOrCoins, ZeroInflatedPoisson
from mineral.tasks.laws import Repeated
from mineral.tasks.task import Draw, Task

OWN = "Mineral"
CCMI = "Mukherjee et al. (2019), arXiv:1906.01824"
DINE = "Duong & Nguyen (2023), arXiv:2207.10951"
MESNER = "Mesner & Shalizi (2021), arXiv:1912.03387"


@runtime_checkable
class ConditionalLaw(Protocol):
    """Draws x, y and z, and says in nats what x and y share given z."""

    @property
    def dim_z(self) -> int: ...

    @property
    def information(self) -> float: ...

    def __call__(self, n: int, rng: np.random.Generator) -> Draw: ...


def conditional(law: ConditionalLaw, name: str, *, source: str = OWN, **parameters: Any) -> Task:  # noqa: ANN401
    """The task of a law of three variables."""
    drawn = law(2, np.random.default_rng(0))
    return Task(
        name=f"given-{name}",
        family="conditional",
        dim_x=drawn.x.shape[1],
        dim_y=drawn.y.shape[1],
        dim_z=law.dim_z,
        information=law.information,
        known_by="quadrature" if isinstance(law, PostNonlinear) else "closed form",
        source=source,
        sampler=law,
        parameters=parameters,
    )


def _gaussian(rows: Sequence[Sequence[float | int]]) -> Float[np.ndarray, "d d"]:
    return np.array(rows, dtype=np.float64)


def _collider(sigma: float) -> Trivariate:
    """Z = X + Y + σN: ½ log[(1 + σ²)² / σ² (2 + σ²)]."""
    return Trivariate(covariance=_gaussian([[1, 0, 1], [0, 1, 1], [1, 1, 2 + sigma**2]]))


TRIPLE = _gaussian([[1, 0.7, 0.5], [0.7, 1, 0.3], [0.5, 0.3, 1]])
CHAIN = _gaussian([[10, 10, 10], [10, 11, 11], [10, 11, 16]])  # X → Y → Z
FORK = _gaussian([[10, -6, 3], [-6, 5, -2], [3, -2, 1]])  # X = 3Z + e, Y = −2Z + e′

TASKS: tuple[Task, ...] = (
    conditional(Trivariate(covariance=TRIPLE), "normal"),
    conditional(Trivariate(covariance=TRIPLE, idle=9), "normal-9-idle"),
    conditional(Trivariate(covariance=CHAIN), "chain"),
    conditional(Trivariate(covariance=FORK), "fork"),
    conditional(_collider(1.0), "collider-1", sigma=1.0),
    conditional(_collider(0.5), "collider-0.5", sigma=0.5),
    conditional(UniformShift(dim_z=1), "uniform-shift-1", source=CCMI),
    conditional(UniformShift(dim_z=20), "uniform-shift-20", source=CCMI),
    conditional(PostNonlinear(inner="tanh"), "post-nonlinear-tanh", source=CCMI),
    conditional(PostNonlinear(inner="exp-abs"), "post-nonlinear-exp-abs", source=CCMI),
    conditional(PostNonlinear(inner="cos"), "post-nonlinear-cos", source=CCMI),
    conditional(ScaledNoise(), "scaled-noise"),
    conditional(Trivariate(covariance=np.eye(3), nu=1.0), "student-1-1d", nu=1),
    conditional(Trivariate(covariance=np.eye(6), dims=(2, 2, 2), nu=2.0), "student-2-2d", nu=2),
    conditional(SignFlip(0.9), "sign-flip", rho=0.9),
    conditional(SineShift(), "sine-shift"),
    conditional(MonotoneMaps(dim=1, rho=0.9), "monotone-1d", source=DINE, rho=0.9),
    conditional(MonotoneMaps(dim=5, rho=0.5), "monotone-5d", source=DINE, rho=0.5),
    conditional(Idle(Repeated(SmoothedDiscrete(3, 2.0), 1)), "uniform-above-3", source=MESNER),
    conditional(Idle(Repeated(SmoothedDiscrete(5, 2.0), 1)), "uniform-above-5", source=MESNER),
    conditional(Idle(GaussianOrCoins(0.8, 0.2)), "gaussian-or-coins", source=MESNER),
    conditional(NoisyXor(0.1), "noisy-xor", p=0.1),
    conditional(Idle(ZeroInflatedPoisson(0.15)), "zero-inflated-poisson", source=MESNER),
    conditional(CountChain(), "count-chain", source=MESNER),
)
