"""What was learned, kept: log density ratios that score new pairs, and their files.

A model file is one safetensors file: the numbers as tensors, what they mean as JSON in the header.
`mineral.loading` reads it.
"""

import json
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from scipy.special import ndtri
from torch import Tensor, nn

from mineral import storage
from mineral.critics import JointCritic, SeparableCritic
from mineral.densities import DiagonalRatio
from mineral.samples import Standardizer, new_pairs
from mineral.types import Matrix, PerSample, X, Y

FORMAT = 1
KNOTS = 1000  # of a stored marginal
CRITICS: dict[str, type[nn.Module]] = {
    critic.__name__: critic for critic in (JointCritic, SeparableCritic, DiagonalRatio)
}
"""Those that a file can name. To load another, the caller builds it."""


class Model(ABC):
    """A learned log density ratio log p(x, y) / p(x) p(y)."""

    kind: ClassVar[str]
    dim_x: int
    dim_y: int

    @abstractmethod
    def _pmi(self, x: X, y: Y) -> PerSample:
        """On checked matrices."""

    @abstractmethod
    def _tensors(self) -> dict[str, Tensor]:
        """The numbers."""

    @abstractmethod
    def _settings(self) -> dict[str, Any]:
        """What the numbers mean, as JSON can hold it."""

    def pmi(self, x: Any, y: Any) -> PerSample:  # noqa: ANN401
        """The pointwise mutual information of new pairs.

        Args:
            x: Shape (n,), (n, dx) or (n, ...), of the width that the model was made with.
            y: The same for y, with as many rows. One row is enough.

        Returns:
            Nats, shape (n,).

        Raises:
            InputError: If the pairs are not finite or not of the model's width.
            InputTypeError: If they cannot be read as numbers.
        """
        return self._pmi(*new_pairs(x, y, self.dim_x, self.dim_y))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to one safetensors file; `mineral.load` reads it.

        Raises:
            InputError: If the file cannot be written.
        """
        from safetensors.torch import save

        # One entry: safetensors writes several in random order, and the same model would differ.
        header = {"mineral": json.dumps({"format": FORMAT, "kind": self.kind} | self._settings())}
        tensors = {
            name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, value in self._tensors().items()
        }
        storage.write(path, save(tensors, metadata=header))


@dataclass(frozen=True, kw_only=True)
class GaussianModel(Model):
    """The log density ratio of a Gaussian, in canonical coordinates.

    u = (x − mean_x) @ map_x and v = (y − mean_y) @ map_y have unit variance, and u_i correlates
    with v_i alone, by rho_i.

    Attributes:
        offset: Taken off each pair's value: the bias of the mean, in nats.
    """

    map_x: Float[np.ndarray, "dx rx"]
    map_y: Float[np.ndarray, "dy ry"]
    mean_x: Float[np.ndarray, " dx"]
    mean_y: Float[np.ndarray, " dy"]
    rho: Float[np.ndarray, " r"]
    offset: float

    kind = "gaussian"

    @property
    def dim_x(self) -> int:  # type: ignore[override]
        return len(self.mean_x)

    @property
    def dim_y(self) -> int:  # type: ignore[override]
        return len(self.mean_y)

    def _pmi(self, x: X, y: Y) -> PerSample:
        r = len(self.rho)
        u = ((x - self.mean_x) @ self.map_x)[:, :r]
        v = ((y - self.mean_y) @ self.map_y)[:, :r]
        left = 1 - self.rho**2
        quadratic = (self.rho**2 * (u**2 + v**2) - 2 * self.rho * u * v) / (2 * left)
        return np.asarray((-np.log(left) / 2 - quadratic).sum(axis=1) - self.offset)

    def _tensors(self) -> dict[str, Tensor]:
        arrays = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "offset"}
        return {name: torch.from_numpy(value) for name, value in arrays.items()}

    def _settings(self) -> dict[str, Any]:
        return {"offset": self.offset}


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
        kept = np.unique(np.linspace(0, len(values) - 1, KNOTS).round().astype(int))
        return cls(values=values[kept], ranks=ranks[kept], n=len(column))

    def scores(self, column: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Normal scores of new values; beyond the sample's ends, those of the ends."""
        return np.asarray(ndtri(np.interp(column, self.values, self.ranks) / (self.n + 1)))


@dataclass(frozen=True, kw_only=True)
class CopulaModel(Model):
    """The log density ratio of a Gaussian copula: a Gaussian on normal scores."""

    gaussian: GaussianModel
    of_x: tuple[Marginal, ...]
    of_y: tuple[Marginal, ...]

    kind = "copula"

    @classmethod
    def around(cls, gaussian: GaussianModel, x: X, y: Y) -> "CopulaModel":
        """With the marginals of the samples x and y."""
        return cls(
            gaussian=gaussian,
            of_x=tuple(Marginal.of(column) for column in x.T),
            of_y=tuple(Marginal.of(column) for column in y.T),
        )

    @property
    def dim_x(self) -> int:  # type: ignore[override]
        return len(self.of_x)

    @property
    def dim_y(self) -> int:  # type: ignore[override]
        return len(self.of_y)

    def _pmi(self, x: X, y: Y) -> PerSample:
        return self.gaussian._pmi(_scores(self.of_x, x), _scores(self.of_y, y))

    def _tensors(self) -> dict[str, Tensor]:
        marginals = [*self.of_x, *self.of_y]
        return self.gaussian._tensors() | {
            "values": torch.from_numpy(np.concatenate([m.values for m in marginals])),
            "ranks": torch.from_numpy(np.concatenate([m.ranks for m in marginals])),
            "knots": torch.tensor([len(m.values) for m in marginals]),
        }

    def _settings(self) -> dict[str, Any]:
        return self.gaussian._settings() | {"dim_x": self.dim_x, "n": self.of_x[0].n}


def _scores(marginals: tuple[Marginal, ...], values: Matrix) -> Matrix:
    return np.column_stack(
        [m.scores(column) for m, column in zip(marginals, values.T, strict=True)]
    )


@dataclass(frozen=True, kw_only=True)
class Member:
    """One trained critic, with the map of its inputs and the constant of its scores.

    Attributes:
        log_partition: log E_q[exp f], which turns scores f into pmi = f − log_partition.
    """

    critic: nn.Module
    of_x: Standardizer
    of_y: Standardizer
    log_partition: float

    def inputs(self, x: X, y: Y) -> tuple[Tensor, Tensor]:
        """Standardized samples, as the critic takes them: its dtype, its device."""
        like = next(self.critic.parameters())
        of_x, of_y = (torch.from_numpy(v) for v in (self.of_x(x), self.of_y(y)))
        return of_x.to(like), of_y.to(like)


@dataclass(frozen=True, kw_only=True)
class CriticModel(Model):
    """The mean log density ratio of critics that were trained on different parts of the samples."""

    members: tuple[Member, ...]

    kind = "critics"

    @property
    def dim_x(self) -> int:  # type: ignore[override]
        return len(self.members[0].of_x.center)

    @property
    def dim_y(self) -> int:  # type: ignore[override]
        return len(self.members[0].of_y.center)

    @torch.no_grad()
    def _pmi(self, x: X, y: Y) -> PerSample:
        values = [m.critic(*m.inputs(x, y)).double() - m.log_partition for m in self.members]
        return np.asarray(torch.stack(values).mean(dim=0).cpu().numpy())

    def _tensors(self) -> dict[str, Tensor]:
        tensors = {}
        for i, member in enumerate(self.members):
            for side, standardizer in (("x", member.of_x), ("y", member.of_y)):
                tensors[f"{i}.{side}.center"] = torch.from_numpy(standardizer.center)
                tensors[f"{i}.{side}.scale"] = torch.from_numpy(standardizer.scale)
            for name, value in member.critic.state_dict().items():
                tensors[f"{i}.critic.{name}"] = value
        return tensors

    def _settings(self) -> dict[str, Any]:
        critic = self.members[0].critic
        known = type(critic) in CRITICS.values()
        return {
            "critic": type(critic).__name__ if known else None,
            "critic_options": critic.options() if known else {},  # type: ignore[operator]
            "log_partition": [member.log_partition for member in self.members],
        }
