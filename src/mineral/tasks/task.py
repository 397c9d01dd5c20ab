"""What a task is: samples whose mutual information is known, and how it is known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Shaped

from mineral.basics.types import PerSample
from mineral.errors import OptionError


@dataclass(frozen=True)
class Draw:
    """Joint samples, and what each of them contributes in truth.

    Attributes:
        x: Shape (n, dx); whole numbers where they are symbols or counts, an array of text where
            they are words, and an array of objects where words and numbers are side by side.
        y: Shape (n, dy); the same.
        pmi: log p(x, y) / p(x) p(y) of each pair in nats, shape (n,), given z if there is a
            condition; None if it is unknown.
        z: The condition, shape (n, dz); None if there is none.
    """

    x: Shaped[np.ndarray, "n dx"]
    y: Shaped[np.ndarray, "n dy"]
    pmi: PerSample | None = None
    z: Shaped[np.ndarray, "n dz"] | None = None


def columns_of(name: str, side: Shaped[np.ndarray, "n d"]) -> dict[str, np.ndarray]:
    """The columns of one side by name, each of its own type: text, or numbers.

    A table as `mineral.estimate` takes it. No column is an array of objects, so that all can be
    written without pickle.

    Example:
        >>> both = np.array([["oak", 1.5], ["elm", 0.5]], dtype=object)
        >>> {key: column.dtype.kind for key, column in columns_of("x", both).items()}
        {'x0': 'U', 'x1': 'f'}
    """
    plain = side.dtype != object
    return {f"{name}{i}": v if plain else np.array(v.tolist()) for i, v in enumerate(side.T)}


Sampler: TypeAlias = Callable[[int, np.random.Generator], Draw]


@dataclass(frozen=True, kw_only=True)
class Task:
    """Samples of X and Y whose mutual information is known.

    Attributes:
        name: Unique, in lower case: `multinormal-dense-5-5-0.5`.
        family: What it is grouped with in tables: `multinormal`.
        dim_x, dim_y: Coordinates of X and of Y.
        information: I(X; Y) in nats, or I(X; Y | Z) where there is a condition.
        error: The standard error of `information`; 0 where it is exact.
        known_by: How: `closed form`, `quadrature`, `Monte Carlo, 10^7 samples`.
        source: Authors, year, arXiv.
        sampler: Draws n pairs with the given generator.
        parameters: What distinguishes it within its family.
        dim_z: Coordinates of the condition Z; 0 without one.

    Example:
        >>> def sampler(n, rng):
        ...     x = rng.integers(2, size=(n, 1))
        ...     return Draw(x, x, np.full(n, np.log(2)))
        >>> coin = Task(
        ...     name="coin", family="discrete", dim_x=1, dim_y=1, information=np.log(2),
        ...     known_by="closed form", source="a coin, seen twice", sampler=sampler)
        >>> coin.draw(4, seed=0).pmi.mean() == coin.information
        np.True_
    """

    name: str
    family: str
    dim_x: int
    dim_y: int
    information: float
    error: float = 0.0
    known_by: str
    source: str
    sampler: Sampler = field(repr=False)
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)
    dim_z: int = 0

    def draw(self, n: int, *, seed: int) -> Draw:
        """n independent pairs. The same n and seed give the same pairs; other tasks, others.

        Raises:
            OptionError: If n is not positive, the seed is negative, or the sampler does not keep
                the task's word.
        """
        if n < 1:
            raise OptionError(f"`n` must be at least 1, got {n}.")
        if seed < 0:
            raise OptionError(f"`seed` must be a whole number of at least 0, got {seed}.")
        rng = np.random.default_rng([seed, *self.name.encode()])
        found = self.sampler(n, rng)
        shapes = (found.x.shape, found.y.shape)
        if shapes != ((n, self.dim_x), (n, self.dim_y)):
            raise OptionError(
                f"`sampler` of task {self.name!r} must give arrays of shapes {(n, self.dim_x)} and "
                f"{(n, self.dim_y)}, gave {shapes[0]} and {shapes[1]}."
            )
        z = getattr(found, "z", None)
        shape_z = None if z is None else z.shape
        if shape_z != ((n, self.dim_z) if self.dim_z else None):
            raise OptionError(
                f"`sampler` of task {self.name!r} must give a condition of {self.dim_z} columns, "
                f"gave {shape_z}."
            )
        if found.pmi is not None and found.pmi.shape != (n,):
            raise OptionError(
                f"`sampler` of task {self.name!r} must give {n} pointwise values, gave an array "
                f"of shape {found.pmi.shape}."
            )
        return found
