"""Densities q(y) and q(y | x), and their log ratio: critics that are learned by likelihood.

A density model is a critic like any other, f(x, y) = log q(y | x) − log q(y), which broadcasts
over leading axes. It differs in how it learns: each density by its own log likelihood, so that no
product samples are needed and no logarithm of a sample mean limits what can be shown.
"""

import math
from abc import ABC, abstractmethod
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softplus

from mineral.critics import mlp
from mineral.errors import MissingExtraError, OptionError

NARROWEST = -9.0  # log of the smallest scale: where y is a function of x, densities have no limit

Family = Literal["gaussian", "logistic"]


class DensityRatio(nn.Module, ABC):
    """f(x, y) = log q(y | x) − log q(y)."""

    @abstractmethod
    def log_conditional(
        self, x: Float[Tensor, "*batch_x dx"], y: Float[Tensor, "*batch_y dy"]
    ) -> Float[Tensor, "..."]:
        """log q(y | x), in nats."""

    @abstractmethod
    def log_marginal(self, y: Float[Tensor, "*batch dy"]) -> Float[Tensor, "..."]:
        """log q(y), in nats."""

    def forward(
        self, x: Float[Tensor, "*batch_x dx"], y: Float[Tensor, "*batch_y dy"]
    ) -> Float[Tensor, "..."]:
        return self.log_conditional(x, y) - self.log_marginal(y)


class LogLikelihood(nn.Module):
    """log q(y | x) + log q(y): what a density ratio learns by. Shares its parameters."""

    def __init__(self, ratio: DensityRatio) -> None:
        super().__init__()
        self.ratio = ratio

    def forward(
        self, x: Float[Tensor, "*batch_x dx"], y: Float[Tensor, "*batch_y dy"]
    ) -> Float[Tensor, "..."]:
        return self.ratio.log_conditional(x, y) + self.ratio.log_marginal(y)


class DiagonalRatio(DensityRatio):
    """Densities whose coordinates are independent: Gaussian or logistic, given x and alone.

    The location of y given x is a linear map plus a network, the scale a network. Dependence
    between the coordinates of y is in neither density: where there is any, prefer `FlowRatio`.

    Args:
        dim_x: dx.
        dim_y: dy.
        family: Of each coordinate.
        hidden: Width of each hidden layer.

    References:
        McAllester & Stratos (2020), arXiv:1811.04251.
    """

    def __init__(
        self,
        dim_x: int,
        dim_y: int,
        *,
        family: Family = "gaussian",
        hidden: tuple[int, ...] = (64,),
    ) -> None:
        super().__init__()
        if family not in _LOG_DENSITY:
            raise OptionError(f"`family` must be 'gaussian' or 'logistic', got {family!r}.")
        self.family, self.hidden = family, hidden
        self.location = nn.Parameter(torch.zeros(dim_y))
        self.log_scale = nn.Parameter(torch.zeros(dim_y))
        self.line = nn.Linear(dim_x, dim_y)
        self.net = mlp(dim_x, *hidden, 2 * dim_y)
        with torch.no_grad():  # start from independence: the two densities are then equal
            for layer in (self.line, self.net[-1]):
                layer.weight.zero_()  # type: ignore[operator]
                layer.bias.zero_()  # type: ignore[operator]

    def log_conditional(
        self, x: Float[Tensor, "*batch_x dx"], y: Float[Tensor, "*batch_y dy"]
    ) -> Float[Tensor, "..."]:
        dtype = self.location.dtype  # under autocast, networks return half precision
        bend, log_scale = self.net(x).to(dtype).chunk(2, dim=-1)
        return self._log_density(y, self.line(x).to(dtype) + bend, log_scale)

    def log_marginal(self, y: Float[Tensor, "*batch dy"]) -> Float[Tensor, "..."]:
        return self._log_density(y, self.location, self.log_scale)

    def _log_density(self, y: Tensor, location: Tensor, log_scale: Tensor) -> Tensor:
        log_scale = log_scale.clamp(min=NARROWEST)
        z = (y - location) * torch.exp(-log_scale)
        return (_LOG_DENSITY[self.family](z) - log_scale).sum(dim=-1)

    def options(self) -> dict[str, Any]:
        """What it was built with, beside dx and dy."""
        return {"family": self.family, "hidden": self.hidden}


class FlowRatio(DensityRatio):
    """Normalizing flows: neural spline flows of y, given x and alone.

    Args:
        dim_x: dx.
        dim_y: dy.
        transforms: Autoregressive layers of each flow.
        hidden: Width of each hidden layer.

    Raises:
        MissingExtraError: If zuko is not installed.

    References:
        Durkan et al. (2019), Neural Spline Flows, arXiv:1906.04032.
    """

    def __init__(
        self, dim_x: int, dim_y: int, *, transforms: int = 1, hidden: tuple[int, ...] = (64, 64)
    ) -> None:
        super().__init__()
        try:
            from zuko.flows import NSF
        except ImportError:
            raise MissingExtraError("A normalizing flow", "flows") from None
        self.transforms, self.hidden = transforms, hidden
        self.conditional = NSF(dim_y, dim_x, transforms=transforms, hidden_features=hidden)
        self.marginal = NSF(dim_y, transforms=transforms, hidden_features=hidden)
        for flow in (self.conditional, self.marginal):
            _start_from_identity(flow)

    def log_conditional(
        self, x: Float[Tensor, "*batch_x dx"], y: Float[Tensor, "*batch_y dy"]
    ) -> Float[Tensor, "..."]:
        pairs = np.broadcast_shapes(x.shape[:-1], y.shape[:-1])
        log_density: Tensor = self.conditional(x.expand(*pairs, x.shape[-1])).log_prob(
            y.expand(*pairs, y.shape[-1])
        )
        return log_density

    def log_marginal(self, y: Float[Tensor, "*batch dy"]) -> Float[Tensor, "..."]:
        log_density: Tensor = self.marginal().log_prob(y)
        return log_density

    def options(self) -> dict[str, Any]:
        """What it was built with, beside dx and dy."""
        return {"transforms": self.transforms, "hidden": self.hidden}


def _start_from_identity(flow: nn.Module) -> None:
    """Zero what a spline flow's knots are made of: random knots take long to straighten."""
    for transform in flow.transform.transforms:  # type: ignore[union-attr]
        learned = transform.hyper if hasattr(transform, "hyper") else transform.phi
        with torch.no_grad():
            for parameter in list(learned.parameters())[-2 if hasattr(transform, "hyper") else 0 :]:
                parameter.zero_()


def _log_normal(z: Tensor) -> Tensor:
    return -(z.square() + math.log(2 * math.pi)) / 2


def _log_logistic(z: Tensor) -> Tensor:
    return -z - 2 * softplus(-z)


_LOG_DENSITY = {"gaussian": _log_normal, "logistic": _log_logistic}
