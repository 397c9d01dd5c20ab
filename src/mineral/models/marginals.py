"""The marginals of a copula model: each coordinate's ranks, as far as a file need keep them."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mineral.basics.special import ndtri
from mineral.basics.types import Matrix
from mineral.models.base import Stored, check

KNOTS = 1000  # of a stored marginal


@dataclass(frozen=True, kw_only=True)
class Marginal:
    """A coordinate's distribution, as mean ranks at some of its values: maps to normal scores."""

    values: Float[np.ndarray, " knots"]
    ranks: Float[np.ndarray, " knots"]
    n: int

    @classmethod
    def of(cls, column: Float[np.ndarray, " n"]) -> "Marginal":
        """From a sample. Exact at up to KNOTS different values, interpolated between."""
        values, counts = np.unique(column, return_counts=True)
        ranks = np.cumsum(counts) - (counts - 1) / 2
        kept = _knots(len(values))
        return cls(values=values[kept], ranks=ranks[kept], n=len(column))

    def levels(self, column: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """rank / (n + 1) of new values; beyond the sample's ends, those of the ends."""
        return np.asarray(np.interp(column, self.values, self.ranks) / (self.n + 1))

    def scores(self, column: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Normal scores of new values; beyond the sample's ends, those of the ends."""
        return np.asarray(ndtri(self.levels(column)))


Marginals: TypeAlias = tuple[Marginal, ...]  # one for each coordinate


def marginals_of(values: Matrix) -> Marginals:
    """Those of each coordinate of a sample."""
    return tuple(Marginal.of(column) for column in values.T)


def levels_of(marginals: Marginals, values: Matrix) -> Matrix:
    """rank / (n + 1) of each coordinate of new values."""
    return np.column_stack(
        [m.levels(column) for m, column in zip(marginals, values.T, strict=True)]
    )


def marginal_tensors(of_x: Marginals, of_y: Marginals) -> dict[str, Tensor]:
    """Their numbers, for a file."""
    marginals = [*of_x, *of_y]
    return {
        "values": torch.from_numpy(np.concatenate([m.values for m in marginals])),
        "ranks": torch.from_numpy(np.concatenate([m.ranks for m in marginals])),
        "knots": torch.tensor([len(m.values) for m in marginals]),
    }


def marginal_settings(of_x: Marginals, of_y: Marginals) -> dict[str, Any]:
    """What the numbers mean, for a file."""
    return {"dim_x": len(of_x), "n": of_x[0].n}


def rebuild_marginals(stored: Stored) -> tuple[Marginals, Marginals]:
    """Those of X and of Y, from a file."""
    n, split = int(stored.settings["n"]), int(stored.settings["dim_x"])
    values, ranks, knots = stored.array("values"), stored.array("ranks"), stored.whole("knots")
    check("knots for its values", ((knots > 0) & (knots <= len(values))).all())
    check("knots for its values", knots.sum() == len(values) == len(ranks))
    check("ranks within n", ((ranks > 0) & (ranks <= n)).all())
    ends = np.cumsum(knots)[:-1]
    marginals = tuple(
        Marginal(values=part, ranks=of_part, n=n)
        for part, of_part in zip(np.split(values, ends), np.split(ranks, ends), strict=True)
    )
    for marginal in marginals:
        check("sorted values", (np.diff(marginal.values) > 0).all())
    return marginals[:split], marginals[split:]


def _knots(count: int) -> np.ndarray:
    """Which of the sorted values are kept: half evenly, half closer together towards the ends.

    In a heavy tail the values between two knots lie far apart, and a line between them is far from
    the ranks.
    """
    if count <= KNOTS:
        return np.arange(count)
    even = np.linspace(0, count - 1, KNOTS // 2)
    tail = np.geomspace(1, count / 2, KNOTS // 4) - 1
    return np.unique(np.concatenate([even, tail, count - 1 - tail]).round().astype(int))
