"""From a law, a distribution of pairs that knows its information, to a task with a name."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from mineral.tasks.task import Draw, Task


@runtime_checkable
class Law(Protocol):
    """Draws pairs, and says in nats what they share."""

    @property
    def dim_x(self) -> int: ...

    @property
    def dim_y(self) -> int: ...

    @property
    def information(self) -> float: ...

    def __call__(self, n: int, rng: np.random.Generator) -> Draw: ...


def declared(
    law: Law,
    *,
    name: str,
    family: str,
    source: str,
    known_by: str = "closed form",
    **parameters: Any,  # noqa: ANN401  what the caller wants remembered
) -> Task:
    """The task of drawing from the law, at the value that the law says exactly."""
    return Task(
        name=name,
        family=family,
        dim_x=law.dim_x,
        dim_y=law.dim_y,
        information=law.information,
        known_by=known_by,
        source=source,
        sampler=law,
        parameters=parameters,
    )


@dataclass(frozen=True)
class Repeated:
    """Several independent pairs of a law side by side: their information adds up."""

    law: Law
    times: int

    @property
    def dim_x(self) -> int:
        return self.times * self.law.dim_x

    @property
    def dim_y(self) -> int:
        return self.times * self.law.dim_y

    @property
    def information(self) -> float:
        return self.times * self.law.information

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        found = self.law(n * self.times, rng)
        pmi = None if found.pmi is None else found.pmi.reshape(n, -1).sum(axis=1)
        return Draw(found.x.reshape(n, -1), found.y.reshape(n, -1), pmi)
