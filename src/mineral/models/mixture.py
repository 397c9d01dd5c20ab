"""The log density ratio of a Gaussian mixture: marginals of a mixture are mixtures too."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mineral.basics.special import logsumexp
from mineral.basics.types import Matrix, PerSample, X, Y
from mineral.models.base import Model, Stored, check
from mineral.models.critics import rebuild_standardizer, standardizer_tensors
from mineral.samples import Standardizer


@dataclass(frozen=True, kw_only=True)
class Coordinates:
    """What a mixture takes: x and y side by side, standardized, and no further out than was seen.

    Attributes:
        compressed: Whether tails are compressed, as the standardizer does it, or left straight.
        low, high: The range of each coordinate, z, among the rows given to `fit`.
    """

    of_x: Standardizer
    of_y: Standardizer
    compressed: bool
    low: Float[np.ndarray, " d"]
    high: Float[np.ndarray, " d"]

    @classmethod
    def fit(cls, x: X, y: Y, *, compressed: bool) -> "Coordinates":
        """Learn centers, scales and ranges, from training rows only."""
        of_x, of_y = Standardizer.fit(x), Standardizer.fit(y)
        everywhere = np.full(x.shape[1] + y.shape[1], np.inf)
        unbounded = cls(
            of_x=of_x, of_y=of_y, compressed=compressed, low=-everywhere, high=everywhere
        )
        z = unbounded(x, y)
        return replace(unbounded, low=z.min(axis=0), high=z.max(axis=0))

    def __call__(self, x: X, y: Y) -> Matrix:
        sides = ((x, self.of_x), (y, self.of_y))
        if self.compressed:
            z = np.hstack([of_side(values) for values, of_side in sides])
        else:
            z = np.hstack([(values - of_side.center) / of_side.scale for values, of_side in sides])
        return np.asarray(np.clip(z, self.low, self.high))


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """One fitted density: p = (1 − ε) q(x, y) + ε q(x) q(y), of q = Σ_k w_k N(μ_k, Σ_k).

    The second part leaves the marginals as they are and keeps log p(x, y) / p(x) p(y) above log ε:
    a row that is like nothing before costs no more than that.

    Attributes:
        chance: ε, the share of pairs that are as by chance.
    """

    coordinates: Coordinates
    weights: Float[np.ndarray, " k"]
    means: Float[np.ndarray, "k d"]
    covariances: Float[np.ndarray, "k d d"]
    chance: float = 0.0

    def log_ratio(self, x: X, y: Y) -> PerSample:
        """log p(x, y) − log p(x) − log p(y) of each row."""
        z, dx = self.coordinates(x, y), x.shape[1]
        joint, of_x, of_y = (
            self._log_density(z, block) for block in (slice(None), slice(dx), slice(dx, None))
        )
        ratio = joint - of_x - of_y
        if self.chance == 0:
            return np.asarray(ratio)
        return np.asarray(np.logaddexp(np.log1p(-self.chance) + ratio, np.log(self.chance)))

    def _log_density(self, z: Matrix, block: slice) -> PerSample:
        """Of some of the coordinates, up to −½ d log 2π, which cancels in the ratio."""
        terms = []
        for weight, mean, covariance in zip(
            self.weights, self.means, self.covariances, strict=True
        ):
            factor = np.linalg.cholesky(covariance[block, block])
            white = (z - mean)[:, block] @ np.linalg.inv(factor).T
            log_normal = -np.log(factor.diagonal()).sum() - (white**2).sum(axis=1) / 2
            terms.append(np.log(weight) + log_normal)
        return np.asarray(logsumexp(terms, axis=0))


@dataclass(frozen=True, kw_only=True)
class MixtureModel(Model):
    """The mean log density ratio of mixtures that were fitted to different parts of the samples."""

    members: tuple[Mixture, ...]

    kind = "mixture"

    @property
    def dim_x(self) -> int:  # type: ignore[override]
        return len(self.members[0].coordinates.of_x.center)

    @property
    def dim_y(self) -> int:  # type: ignore[override]
        return len(self.members[0].coordinates.of_y.center)

    def _ratio(self, x: X, y: Y) -> PerSample:
        return np.asarray(np.mean([member.log_ratio(x, y) for member in self.members], axis=0))

    def _tensors(self) -> dict[str, Tensor]:
        tensors: dict[str, Tensor] = {}
        for i, member in enumerate(self.members):
            tensors |= standardizer_tensors(f"{i}.x", member.coordinates.of_x)
            tensors |= standardizer_tensors(f"{i}.y", member.coordinates.of_y)
            for name in ("low", "high"):
                tensors[f"{i}.{name}"] = torch.from_numpy(getattr(member.coordinates, name))
            for name in ("weights", "means", "covariances"):
                tensors[f"{i}.{name}"] = torch.from_numpy(getattr(member, name))
        return tensors

    def _settings(self) -> dict[str, Any]:
        return {
            "compressed": [member.coordinates.compressed for member in self.members],
            "chance": [member.chance for member in self.members],
        }


def rebuild_mixture(stored: Stored) -> MixtureModel:
    """From a file."""
    members = tuple(
        _member(stored, i, compressed, chance)
        for i, (compressed, chance) in enumerate(
            zip(stored.settings["compressed"], stored.settings["chance"], strict=True)
        )
    )
    widths = {(len(m.coordinates.of_x.center), len(m.coordinates.of_y.center)) for m in members}
    check("mixtures of the same width", len(widths) == 1)
    return MixtureModel(members=members)


def _member(stored: Stored, i: int, compressed: object, chance: object) -> Mixture:
    of_x, of_y = (rebuild_standardizer(stored, f"{i}.{side}") for side in ("x", "y"))
    weights, means = stored.array(f"{i}.weights"), stored.array(f"{i}.means", axes=2)
    covariances = stored.array(f"{i}.covariances", axes=3)
    k, d = len(weights), len(of_x.center) + len(of_y.center)
    check("a mean of each component", means.shape == (k, d))
    check("a covariance of each component", covariances.shape == (k, d, d))
    check("weights that sum to 1", (weights > 0).all() and abs(weights.sum() - 1) < 1e-6)
    np.linalg.cholesky(covariances)  # refuses what is no covariance
    low, high = stored.array(f"{i}.low"), stored.array(f"{i}.high")
    check("a range of each coordinate", low.shape == high.shape == (d,) and (low <= high).all())
    check("a map of tails", isinstance(compressed, bool))
    check("a share of independent rows", isinstance(chance, float) and 0 <= chance < 1)
    return Mixture(
        coordinates=Coordinates(
            of_x=of_x, of_y=of_y, compressed=bool(compressed), low=low, high=high
        ),
        weights=weights,
        means=means,
        covariances=covariances,
        chance=float(chance),  # type: ignore[arg-type]
    )
