"""Penalties for the information I(X; Z) in the loss of a bottleneck.

A `Penalty` with a critic, such as MINE, is adversarial: the critic maximizes the bound, the encoder
minimizes it.

    for x, y in batches:
        code = bottleneck.encode(x)
        penalty.learn(x, code)
        loss = cross_entropy(bottleneck.decoder(code.z), y) + beta * penalty(x, code)

References:
    Alemi et al. (2017), Deep Variational Information Bottleneck, arXiv:1612.00410.
    Belghazi et al. (2018), MINE, section 5.3, arXiv:1801.04062.
    Cheng et al. (2020), CLUB, arXiv:2006.12013.
    Wen et al. (2020), MIGE, arXiv:2005.01123.
"""

import itertools
import math
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import elu

from mineral.basics.types import Nats
from mineral.errors import OptionError
from mineral.gradients import RandomProjection, entropy_gradient, information_gradient
from mineral.learning.bottleneck import Code
from mineral.learning.information import Term


@runtime_checkable
class Penalty(Protocol):
    """A penalty for I(X; Z) in the loss."""

    def learn(self, x: Tensor, code: Code) -> None:
        """A step of the critic; the encoder is not changed."""
        ...

    def __call__(self, x: Tensor, code: Code) -> Nats:
        """In nats, or a zero that carries the gradient; differentiable in the code."""
        ...


class Adversarial:
    """A bound with a critic that maximizes it, while the encoder minimizes it.

    A critic of x has to learn the encoder before it can match z with x, and underestimates until
    then. Where q(z | x) is a known Gaussian, z depends on x through its moments alone, so that
    I(moments; Z) = I(X; Z), and a critic of these has learned the encoder already.

    Args:
        term: `Information` with the bound of choice, or another.
        steps: Of the critic, for each step of the encoder: a critic that lags behind
            underestimates.
        moments: The critic's input is `moments(code)`, of 2 k coordinates, in place of x.
        floor: The encoder does not minimize the bound below this value. Information is never below
            0, but a bound is if its critic lags, and the encoder would diverge.

    Raises:
        OptionError: If there is no step.
    """

    def __init__(
        self, term: Term, *, steps: int = 1, moments: bool = False, floor: float = -math.inf
    ) -> None:
        if steps < 1:
            raise OptionError(f"`steps` must be at least 1, got {steps}.")
        self.term, self.steps, self.moments, self.floor = term, steps, moments, floor

    def learn(self, x: Tensor, code: Code) -> None:
        """Steps of the critic, with new partners."""
        for _ in range(self.steps):
            self.term.learn(self._seen(x, code), code.z)

    def __call__(self, x: Tensor, code: Code) -> Nats:
        """The bound, differentiable in z."""
        return self.term(self._seen(x, code), code.z).clamp_min(self.floor)

    def _seen(self, x: Tensor, code: Code) -> Tensor:
        return moments(code) if self.moments else x


def moments(code: Code) -> Float[Tensor, "n d"]:
    """Mean and log scale of q(z | x), concatenated and detached: z depends on x through them."""
    mean, scale = code.gaussian()
    return torch.cat([mean, scale.log()], dim=1).detach()


class NoisyCritic(nn.Module):
    """f(x, z) = net([x, z]) with Gaussian noise before every layer, in training: the paper's.

    Args:
        dim_x: dx.
        dim_z: k.
        hidden: Width of each hidden layer, of ELU.
        noise: Standard deviations: at the input, then after each hidden layer.

    References:
        Belghazi et al. (2018), appendix, arXiv:1801.04062, as public implementations have it.
    """

    def __init__(
        self,
        dim_x: int,
        dim_z: int,
        *,
        hidden: tuple[int, ...] = (512, 512),
        noise: tuple[float, ...] = (0.3, 0.5, 0.5),
    ) -> None:
        super().__init__()
        if len(noise) != len(hidden) + 1:
            raise OptionError(
                f"`noise` must have one number more than `hidden`, got {len(noise)} for "
                f"{len(hidden)}."
            )
        widths = (dim_x + dim_z, *hidden, 1)
        self.linear = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))
        self.noise = noise

    def forward(
        self, x: Float[Tensor, "*batch_x dx"], y: Float[Tensor, "*batch_y dz"]
    ) -> Float[Tensor, "..."]:
        pairs = np.broadcast_shapes(x.shape[:-1], y.shape[:-1])
        hidden = torch.cat([side.expand(*pairs, side.shape[-1]) for side in (x, y)], dim=-1)
        for i, (layer, scale) in enumerate(zip(self.linear, self.noise, strict=True)):
            hidden = elu(hidden) if i else hidden
            if self.training:
                hidden = hidden + scale * torch.randn_like(hidden)
            hidden = layer(hidden)
        return hidden.squeeze(-1)


class Given:
    """A function of the code without trained parts, such as `rate`.

    Args:
        function: Of x and the code.
    """

    def __init__(self, function: "Callable[[Tensor, Code], Nats]") -> None:
        self.function = function

    def learn(self, x: Tensor, code: Code) -> None:
        """There is nothing to train."""

    def __call__(self, x: Tensor, code: Code) -> Nats:
        """The function's value."""
        return self.function(x, code)


def rate(x: Tensor, code: Code) -> Nats:
    """E[KL(q(z | x) ‖ N(0, 1))] ≥ I(X; Z): the deep variational bottleneck's upper bound.

    References:
        Alemi et al. (2017), arXiv:1612.00410.
    """
    mean, scale = code.gaussian()
    return (mean**2 + scale**2 - 1 - 2 * scale.log()).sum(1).mean() / 2


def club(x: Tensor, code: Code) -> Nats:
    """CLUB of the encoder's own density, over all pairs of the batch: an exact upper bound.

    References:
        Cheng et al. (2020), arXiv:2006.12013.
    """
    scores = code.log_densities()
    n = len(scores)
    joint = scores.diagonal()
    others = (scores.sum() - joint.sum()) / (n * (n - 1))
    return joint.mean() - others


def mige(x: Tensor, code: Code, *, projection: int = 32) -> Nats:
    """Zero, with the gradient of I(X; Z) by Stein's identity: it has no value.

    I(X; Z) = H(Z) − H(Z | X). For a Gaussian encoder the last term is known, so that only the score
    of q(z) is estimated. Other encoders need that of q(x, z), with x in random projection.

    Args:
        x: Shape (n, dx).
        code: Of more rows than dimensions.
        projection: Dimensions of x that are kept.

    References:
        Wen et al. (2020), MIGE, arXiv:2005.01123.
    """
    if code.mean is None:
        seed = int(torch.randint(2**31, ()))
        return information_gradient(
            x, code.z, projection=RandomProjection(dim=projection, seed=seed)
        )
    given = code.conditional_entropy()
    return entropy_gradient(code.z) - (given - given.detach())
