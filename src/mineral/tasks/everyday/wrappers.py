"""From one law to another with the same information: more columns, other rows, other words.

Also the two functions that make tasks of this suite: `known` from a law, `independent` from the
marginals of X and Y.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Shaped

from mineral.tasks.laws import Law, declared
from mineral.tasks.nulls import Independent, Marginal
from mineral.tasks.task import Draw, Task

OWN = "Mineral"
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]  # 70
Side = Shaped[np.ndarray, "n _"]  # `_`: any number of columns, of each side its own


def words(count: int) -> Shaped[np.ndarray, " count"]:
    """Different made-up words, in no alphabetic order: at most 4,900."""
    code = np.arange(count) * 2711 % 4900  # 2711 has no factor in common with 4900
    return np.array([SYLLABLES[i // 70] + SYLLABLES[i % 70] for i in code])


def joined(*parts: Side) -> Side:
    """Columns side by side: an array of objects where some are words and some are numbers."""
    if len({part.dtype.kind in "UO" for part in parts}) > 1:
        return np.hstack([part.astype(object) for part in parts])
    return np.hstack(parts)


@dataclass(frozen=True)
class Beside:
    """Independent columns in addition to those of a law: the information is the same.

    Attributes:
        law: The law.
        more_x: Draws more columns of X, which come last; None for none.
        more_y: The same of Y.
        dims: How many columns those are.
    """

    law: Law
    more_x: Marginal | None = None
    more_y: Marginal | None = None
    dims: tuple[int, int] = (0, 0)

    @property
    def dim_x(self) -> int:
        return self.law.dim_x + self.dims[0]

    @property
    def dim_y(self) -> int:
        return self.law.dim_y + self.dims[1]

    @property
    def information(self) -> float:
        return self.law.information

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        drawn = self.law(n, rng)
        x, y = (
            side if more is None else joined(side, more(n, rng))
            for side, more in ((drawn.x, self.more_x), (drawn.y, self.more_y))
        )
        return Draw(x, y, drawn.pmi)


@dataclass(frozen=True)
class Seen:
    """A law through invertible maps of its sides: of units, of spelling, or into other columns.

    Attributes:
        law: The law.
        of_x, of_y: Take all rows of a side, and give as many; None for the identity.
        dims: Columns after the maps; None where they stay.
    """

    law: Law
    of_x: Callable[[Side], Side] | None = None
    of_y: Callable[[Side], Side] | None = None
    dims: tuple[int, int] | None = None

    @property
    def dim_x(self) -> int:
        return self.law.dim_x if self.dims is None else self.dims[0]

    @property
    def dim_y(self) -> int:
        return self.law.dim_y if self.dims is None else self.dims[1]

    @property
    def information(self) -> float:
        return self.law.information

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        drawn = self.law(n, rng)
        x = drawn.x if self.of_x is None else self.of_x(drawn.x)
        y = drawn.y if self.of_y is None else self.of_y(drawn.y)
        return Draw(x, y, drawn.pmi)


@dataclass(frozen=True)
class Sorted:
    """A law whose rows come sorted by the first column of X."""

    law: Law

    @property
    def dim_x(self) -> int:
        return self.law.dim_x

    @property
    def dim_y(self) -> int:
        return self.law.dim_y

    @property
    def information(self) -> float:
        return self.law.information

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        drawn = self.law(n, rng)
        order = np.argsort(drawn.x[:, 0], kind="stable")
        pmi = None if drawn.pmi is None else drawn.pmi[order]
        return Draw(drawn.x[order], drawn.y[order], pmi)


@dataclass(frozen=True)
class Apart:
    """Independent sides, as a law: to be wrapped as any other."""

    of_x: Marginal
    of_y: Marginal
    dim_x: int = 1
    dim_y: int = 1

    information = 0.0

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        return Independent(self.of_x, self.of_y)(n, rng)


@dataclass(frozen=True)
class Unrelated:
    """A law that its parameters make independent: 0 nats exactly, and not up to rounding."""

    law: Law

    information = 0.0

    @property
    def dim_x(self) -> int:
        return self.law.dim_x

    @property
    def dim_y(self) -> int:
        return self.law.dim_y

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        drawn = self.law(n, rng)
        return Draw(drawn.x, drawn.y, np.zeros(n))


def unrelated(kind: str, name: str, law: Law, **parameters: Any) -> Task:  # noqa: ANN401
    """The task of a law that its parameters make independent."""
    return known(kind, name, Unrelated(law), by="independence", **parameters)


def known(kind: str, name: str, law: Law, *, by: str = "quadrature", **parameters: Any) -> Task:  # noqa: ANN401
    """The task of a law, in the family of its kind."""
    return declared(law, name=f"{kind}-{name}", family=kind, source=OWN, known_by=by, **parameters)


def independent(
    kind: str,
    name: str,
    of_x: Marginal,
    of_y: Marginal,
    dims: tuple[int, int] = (1, 1),
    **parameters: Any,  # noqa: ANN401
) -> Task:
    """A task without information, from the marginals of X and Y."""
    return known(kind, name, Apart(of_x, of_y, *dims), by="independence", **parameters)


def alike(kind: str, name: str, of_both: Marginal, dim: int = 1) -> Task:
    """A task without information, whose sides have the same distribution."""
    return independent(kind, name, of_both, of_both, (dim, dim))
