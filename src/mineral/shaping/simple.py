"""Baseline encoders, which are not trained to hide anything.

Raw()                               the features themselves
AdditiveNoise(scale=1.0)            the features with Gaussian noise; calibrated to no privacy
noise_like(x)                       the same, as large in each column as the column varies
random_projection(20, 3)            a random linear map
pca(x, 3)                           the leading principal components of training rows
random_network((20, 10, 3))         a random network
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mineral.basics.types import X
from mineral.errors import OptionError
from mineral.models.base import Stored, check
from mineral.samples import variable
from mineral.shaping.encoder import Codes, Encoder
from mineral.shaping.network import ModuleEncoder, Network
from mineral.system.chance import Chance


@dataclass(frozen=True)
class Raw(Encoder):
    """z = x: keeps and leaks everything."""

    columns: tuple[str, ...] = ()
    name: str = "raw"

    kind: ClassVar[str] = "raw"
    stochastic = False
    dim_x = None

    def _encode(self, x: X, rng: np.random.Generator) -> Codes:
        return x

    def _tensors(self) -> dict[str, Tensor]:
        return {}

    def _settings(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True)
class AdditiveNoise(Encoder):
    """z = x + scale · ε with standard normal ε.

    Not differentially private as it is: nothing bounds x.

    Attributes:
        scale: The noise's standard deviation, in units of x: one for all columns, or one for each.
    """

    scale: float | tuple[float, ...] = 1.0
    columns: tuple[str, ...] = ()
    name: str = "noise"

    kind: ClassVar[str] = "noise"
    stochastic = True

    def __post_init__(self) -> None:
        scales = np.atleast_1d(np.asarray(self.scale, np.float64))
        if scales.ndim != 1 or not len(scales) or not ((scales > 0) & (scales < np.inf)).all():
            raise OptionError(f"`scale` must be above 0 and finite, got {self.scale}.")

    @property
    def dim_x(self) -> int | None:  # type: ignore[override]
        return len(self.scale) if isinstance(self.scale, tuple) else None

    def moments(self, x: X) -> tuple[Codes, Codes]:
        """Mean and scale of q(z | x)."""
        return x, np.broadcast_to(np.asarray(self.scale, x.dtype), x.shape).copy()

    def _encode(self, x: X, rng: np.random.Generator) -> Codes:
        return x + np.asarray(self.scale) * rng.standard_normal(x.shape)

    def _tensors(self) -> dict[str, Tensor]:
        if not isinstance(self.scale, tuple):
            return {}
        return {"scale": torch.tensor(self.scale, dtype=torch.float64)}

    def _settings(self) -> dict[str, Any]:
        return {} if isinstance(self.scale, tuple) else {"scale": self.scale}


def noise_like(x: Any) -> AdditiveNoise:  # noqa: ANN401
    """Noise of each column's own standard deviation over rows x, shape (n, dx).

    A column that does not vary has nothing to hide: its noise has standard deviation 1.

    Raises:
        InputError: If x is not finite, or constant.
    """
    spread = variable("x", x).std(axis=0)
    return AdditiveNoise(scale=tuple(np.where(spread > 0, spread, 1.0).tolist()))


@dataclass(frozen=True, eq=False)
class Linear(Encoder):
    """z = (x − center) W.

    Attributes:
        center: Shape (dx,).
        weight: W, shape (dx, dz).
    """

    center: Float[np.ndarray, " dx"]
    weight: Float[np.ndarray, "dx dz"]
    name: str = "linear"
    columns: tuple[str, ...] = ()

    kind: ClassVar[str] = "linear"
    stochastic = False

    @property
    def dim_x(self) -> int:  # type: ignore[override]
        return len(self.center)

    def _encode(self, x: X, rng: np.random.Generator) -> Codes:
        return np.asarray((x - self.center) @ self.weight)

    def _tensors(self) -> dict[str, Tensor]:
        return {"center": torch.from_numpy(self.center), "weight": torch.from_numpy(self.weight)}

    def _settings(self) -> dict[str, Any]:
        return {}


def random_projection(dim_x: int, dim: int, *, seed: int = 0) -> Linear:
    """A linear map whose weights are normal, of variance 1 / dx.

    Raises:
        OptionError: If a dimension is below 1.
    """
    if min(dim_x, dim) < 1:
        raise OptionError(f"`dim_x` and `dim` must be at least 1, got {dim_x} and {dim}.")
    weight = np.random.default_rng(seed).standard_normal((dim_x, dim)) / np.sqrt(dim_x)
    return Linear(center=np.zeros(dim_x), weight=weight, name="random projection")


def pca(x: Any, dim: int) -> Linear:  # noqa: ANN401
    """The leading principal components of training rows x, shape (n, dx).

    Raises:
        InputError: If x is not finite, or constant.
        OptionError: If there are not so many components.
    """
    rows = variable("x", x)
    if not 1 <= dim <= min(rows.shape):
        raise OptionError(
            f"`dim` must be from 1 to the {min(rows.shape)} components of `x`, got {dim}."
        )
    from sklearn.decomposition import PCA

    size = np.abs(rows).max()  # its square may be 0, or beyond all numbers
    found = PCA(dim, svd_solver="full").fit(rows / size)
    weight = np.ascontiguousarray(found.components_.T)
    return Linear(center=size * found.mean_, weight=weight, name="pca")


def random_network(widths: tuple[int, ...], *, seed: int = 0) -> ModuleEncoder:
    """A network with tanh after every layer, as it was initialized: the thesis' untrained encoder.

    Args:
        widths: dx, hidden layers, dz: (20, 10, 3) in the thesis.
        seed: Of the weights.

    Raises:
        OptionError: If there are fewer than two widths, or one is below 1.
    """
    with Chance(seed):
        network = Network(widths, activation="tanh", bounded=True)
    return ModuleEncoder(network, name="random network")


def rebuild_raw(stored: Stored) -> Raw:
    """From a file."""
    return Raw(**named(stored))


def rebuild_noise(stored: Stored) -> AdditiveNoise:
    """From a file."""
    if "scale" in stored.tensors:
        return AdditiveNoise(scale=tuple(stored.array("scale").tolist()), **named(stored))
    return AdditiveNoise(scale=float(stored.settings["scale"]), **named(stored))


def rebuild_linear(stored: Stored) -> Linear:
    """From a file."""
    center, weight = stored.array("center"), stored.array("weight", axes=2)
    check("a weight for each feature", len(center) == len(weight) and weight.shape[1] > 0)
    return Linear(center=center, weight=weight, **named(stored))


def named(stored: Stored) -> dict[str, Any]:
    """The name and the columns that a file gives its encoder."""
    name, names = stored.settings["name"], stored.settings["columns"]
    check("a name", isinstance(name, str))
    check("names of columns", all(isinstance(each, str) for each in names))
    return {"name": name, "columns": tuple(names)}
