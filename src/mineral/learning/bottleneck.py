"""The information bottleneck: a representation z of x that predicts y and keeps little else of x.

    minimize over the encoder   E[−log q(y | z)] + β I(X; Z)

This module has the encoders, and bounds for codes of known density; the penalties that replace I(X;
Z) in the loss are in `mineral.learning.penalties`.

References:
    Tishby, Pereira & Bialek (1999), arXiv:physics/0004057.
    Alemi et al. (2017), Deep Variational Information Bottleneck, arXiv:1612.00410.
    Belghazi et al. (2018), MINE, section 5.3, arXiv:1801.04062.
"""

import itertools
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import relu, softplus

from mineral import bounds
from mineral.basics.types import Nats
from mineral.errors import InputError, OptionError


@dataclass(frozen=True, kw_only=True)
class Code:
    """Samples z of q(z | x), and their density if it is a known Gaussian.

    Attributes:
        z: Shape (n, k).
        mean: Of each row's Gaussian, or None where q(z | x) is only sampled.
        scale: Its standard deviations, in each coordinate.
    """

    z: Float[Tensor, "n k"]
    mean: Float[Tensor, "n k"] | None = None
    scale: Float[Tensor, "n k"] | None = None

    def gaussian(self) -> tuple[Tensor, Tensor]:
        """Mean and scale of q(z | x).

        Raises:
            InputError: If the density is not known.
        """
        if self.mean is None or self.scale is None:
            raise InputError(
                "The code has no known density: use a Gaussian encoder, or a critic's bound."
            )
        return self.mean, self.scale

    def log_densities(self) -> Float[Tensor, "n n"]:
        """scores[i, j] = log q(z_j | x_i), as in `mineral.bounds.conditional`."""
        mean, scale = self.gaussian()
        precision = scale**-2
        # |z − m|² / s², multiplied out: n² k numbers would not fit. Large terms cancel.
        squares = (
            (mean**2 * precision).sum(1)[:, None]
            - 2 * (mean * precision) @ self.z.T
            + precision @ (self.z**2).T
        )
        return -squares / 2 - scale.log().sum(1)[:, None] - self._constant()

    def log_density(self) -> Float[Tensor, " n"]:
        """log q(z_i | x_i)."""
        mean, scale = self.gaussian()
        squares = ((self.z - mean) / scale) ** 2
        return -squares.sum(1) / 2 - scale.log().sum(1) - self._constant()

    def conditional_entropy(self) -> Nats:
        """H(Z | X), exact."""
        _, scale = self.gaussian()
        return scale.log().sum(1).mean() + self._constant() + self.z.shape[1] / 2

    def _constant(self) -> float:
        return self.z.shape[1] * math.log(2 * math.pi) / 2


class Encoder(nn.Module, ABC):
    """x of shape (n, dx) to a `Code` of k dimensions."""

    @abstractmethod
    def forward(self, x: Float[Tensor, "n dx"]) -> Code: ...


class Deterministic(Encoder):
    """z = e(x), a baseline. For a continuous x, I(X; Z) is infinite.

    Args:
        widths: dx, of hidden layers, and k.
        dropout: Share of hidden units that are left out in training.
    """

    def __init__(self, *widths: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.net = layers(*widths, dropout=dropout)

    def forward(self, x: Float[Tensor, "n dx"]) -> Code:
        return Code(z=self.net(x).float())  # from bfloat16, under autocast


class Gaussian(Encoder):
    """z ~ N(mean(x), scale(x)²), the scale as softplus(· + offset).

    Args:
        widths: dx, of hidden layers, and k.
        offset: −5 starts near a scale of 0.007, as in the papers, which is too small for a critic
            to detect. With 0 it is 0.7.
    """

    def __init__(self, *widths: int, offset: float = -5.0) -> None:
        super().__init__()
        self.net, self.offset = layers(*widths[:-1], 2 * widths[-1]), offset

    def forward(self, x: Float[Tensor, "n dx"]) -> Code:
        mean, raw = self.net(x).float().chunk(2, dim=1)
        scale = softplus(raw + self.offset) + 1e-6
        return Code(z=mean + scale * torch.randn_like(mean), mean=mean, scale=scale)


class Additive(Encoder):
    """z = e(x) + s ε: the same noise for every x, so that q(z | x) is a known Gaussian.

    Only the size of e(x) relative to s matters: a penalty makes e(x) small.

    Args:
        widths: dx, of hidden layers, and k.
        noise: s.
    """

    def __init__(self, *widths: int, noise: float = 1.0) -> None:
        super().__init__()
        self.net, self.noise = layers(*widths), noise

    def forward(self, x: Float[Tensor, "n dx"]) -> Code:
        mean = self.net(x).float()
        scale = torch.full_like(mean, self.noise)
        return Code(z=mean + scale * torch.randn_like(mean), mean=mean, scale=scale)


class Propagated(Encoder):
    """Noise at every layer, propagated by the next: samples without a known density.

    A layer's noise has `noise` times the root mean square of the layer, over the batch and without
    gradient, so that a network cannot outgrow it.

    Args:
        widths: dx, of hidden layers, and k.
        noise: Of each layer, the input and the last among them.
    """

    def __init__(self, *widths: int, noise: float = 0.3) -> None:
        super().__init__()
        self.linear = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))
        self.noise = noise

    def forward(self, x: Float[Tensor, "n dx"]) -> Code:
        hidden = self._noisy(x)
        for i, layer in enumerate(self.linear):
            hidden = self._noisy(layer(relu(hidden) if i else hidden))
        return Code(z=hidden.float())

    def _noisy(self, values: Tensor) -> Tensor:
        size = values.detach().square().mean().sqrt()
        return values + self.noise * size * torch.randn_like(values)


class Bottleneck(nn.Module):
    """A stochastic encoder, and logistic regression on its code.

    Args:
        encoder: Of k dimensions.
        dim_z: k.
        classes: Number of classes of y.
    """

    def __init__(self, encoder: Encoder, dim_z: int, classes: int) -> None:
        super().__init__()
        self.encode = encoder
        self.decoder = nn.Linear(dim_z, classes)

    def forward(self, x: Float[Tensor, "n dx"]) -> Float[Tensor, "n classes"]:
        """Logits of y, of one sample of z."""
        logits: Tensor = self.decoder(self.encode(x).z)
        return logits

    @torch.no_grad()
    def predict(self, x: Float[Tensor, "n dx"], *, samples: int = 12) -> Tensor:
        """log p(y | x), shape (n, classes): the mean probability over samples of z."""
        if samples < 1:
            raise OptionError(f"`samples` must be at least 1, got {samples}.")
        each = torch.stack([self(x).log_softmax(1) for _ in range(samples)])
        return each.logsumexp(0) - math.log(samples)

    def wrong(self, x: Float[Tensor, "n dx"], y: Int[Tensor, " n"], *, samples: int = 12) -> Tensor:
        """Whether the most likely class of each row is not y, shape (n,)."""
        parts = [self.predict(part, samples=samples).argmax(1) for part in x.split(1000)]  # type: ignore[no-untyped-call]
        return torch.cat(parts) != y

    def error(self, x: Float[Tensor, "n dx"], y: Int[Tensor, " n"], *, samples: int = 12) -> float:
        """Share of rows whose most likely class is not y."""
        return float(self.wrong(x, y, samples=samples).float().mean())


def bracket(code: Code) -> tuple[float, float]:
    """A lower and an upper bound on I(X; Z) from the known q(z | x), without training.

    In expectation they enclose it at any number n of rows. The lower bound cannot exceed log n: if
    it is near, I(X; Z) is only known to be at least about log n.

    Args:
        code: Of rows that the encoder was not trained on.

    Returns:
        Structured InfoNCE and the leave-one-out bound, in nats.

    References:
        Poole et al. (2019), on tractable conditionals, arXiv:1905.06922.
    """
    mean, scale = (each.double() for each in code.gaussian())
    # In float32, cancellation would destroy the terms of a code with little noise.
    scores = Code(z=code.z.double(), mean=mean, scale=scale).log_densities()
    return float(bounds.structured_infonce(scores)), float(bounds.leave_one_out_upper(scores))


def fitted_rate(code: Code, reference: Tensor) -> float:
    """E[KL(q(z | x) ‖ N(m, S))] ≥ I(X; Z), with the moments of other codes: an upper bound.

    If q(z | x) is narrow, the leave-one-out bound is vacuous, and this one is not.

    Args:
        code: Of rows that the encoder was not trained on.
        reference: Codes of other rows, shape (r, k) with r > k, for m and S.
    """
    mean, scale = (each.double() for each in code.gaussian())
    centre, covariance = reference.double().mean(0), reference.double().T.cov()
    factor = torch.linalg.cholesky(covariance)
    inverse = torch.cholesky_inverse(factor)
    apart = torch.linalg.solve_triangular(factor, (mean - centre).T, upper=False).square().sum(0)
    spread = (scale**2 * inverse.diagonal()).sum(1)
    volumes = 2 * factor.diagonal().log().sum() - 2 * scale.log().sum(1)
    return float((apart + spread + volumes - mean.shape[1]).mean() / 2)


def layers(*widths: int, dropout: float = 0.0) -> nn.Sequential:
    """Linear layers with ReLU, and perhaps dropout, between them."""
    parts: list[nn.Module] = []
    for a, b in itertools.pairwise(widths):
        parts += [nn.Linear(a, b), nn.ReLU()]
        if dropout:
            parts.append(nn.Dropout(dropout))
    return nn.Sequential(*parts[: -2 if dropout else -1])
