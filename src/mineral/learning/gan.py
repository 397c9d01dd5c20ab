"""Generative adversarial networks whose samples keep the information of a latent code.

A generator computes x = G(z) from a latent z = [noise, code]; a discriminator classifies such x
against data. A generator that drops modes of the data ignores its latent: information I(x; code),
added to its objective, keeps different codes distinguishable, and with them the modes,

    max_G  −E[softplus(−D(G(z)))] + β · I(G(z); code)

where the first term is the non-saturating loss. The information's gradient is clipped to the norm
of the adversarial gradient, since information has no upper limit.

A discriminator of thin modes learns faster from random Fourier features of its input, and is kept
stable by a penalty on the gradient of its log odds at data (R1).

References:
    Goodfellow et al. (2014), arXiv:1406.2661; Chen et al. (2016), InfoGAN, arXiv:1606.03657;
    Belghazi et al. (2018), MINE, §5.1, arXiv:1801.04062; Mescheder, Geiger & Nowozin (2018), R1,
    arXiv:1801.04406; Tancik et al. (2020), Fourier features, arXiv:2006.10739.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mineral.errors import OptionError
from mineral.learning.information import Term
from mineral.stability import adaptive_clip

SLOPE = 0.2  # of leaky ReLU below zero
AT_ONCE = 2000  # samples made at a time outside training


class PointGenerator(nn.Module):
    """x = G(z) for points x: hidden layers with batch normalization, and a linear last one.

    Args:
        dim_z: Of the latent.
        dim_x: Of a point.
        hidden: Width of each hidden layer.
        gain: 0 for leaky ReLU; else tanh, of normalized inputs whose scales start at this gain. A
            gain above 1 makes the generator steep from the start: modes far apart have few samples
            between them.

    Raises:
        OptionError: If the gain is below 0.
    """

    def __init__(
        self,
        dim_z: int,
        dim_x: int = 2,
        *,
        hidden: tuple[int, ...] = (500, 500),
        gain: float = 0.0,
    ) -> None:
        super().__init__()
        if gain < 0:
            raise OptionError(f"`gain` must be at least 0, got {gain}.")
        layers: list[nn.Module] = []
        for a, b in itertools.pairwise((dim_z, *hidden)):
            norm = nn.BatchNorm1d(b)
            if gain:
                nn.init.constant_(norm.weight, gain)
            layers += [nn.Linear(a, b), norm, nn.Tanh() if gain else nn.LeakyReLU(SLOPE)]
        self.net = nn.Sequential(*layers, nn.Linear((dim_z, *hidden)[-1], dim_x))

    def forward(self, z: Float[Tensor, "n dz"]) -> Float[Tensor, "n dx"]:
        x: Tensor = self.net(z)
        return x


class FourierFeatures(nn.Module):
    """[x, sin(x B), cos(x B)] with a fixed random B of normal entries.

    Args:
        dim_x: Of a point.
        count: Columns of B.
        frequencies: Standard deviations of the first and of the last column of B; in between on a
            logarithmic scale.
    """

    directions: Tensor

    def __init__(self, dim_x: int, count: int, frequencies: tuple[float, float]) -> None:
        super().__init__()
        low, high = (math.log(each) for each in frequencies)
        scales = torch.linspace(low, high, count).exp()
        self.register_buffer("directions", scales * torch.randn(dim_x, count))

    def forward(self, x: Float[Tensor, "n dx"]) -> Float[Tensor, "n d"]:
        angles = x @ self.directions
        return torch.cat([x, angles.sin(), angles.cos()], dim=-1)


class PointDiscriminator(nn.Module):
    """D(x), the log odds that x is data: layers with leaky ReLU.

    Args:
        dim_x: Of a point.
        hidden: Width of each hidden layer.
        features: Pairs of a sine and a cosine of random projections, that the layers see beside
            the coordinates: each mode of a standard deviation far below that of the data is a
            high frequency, which layers alone learn late.
        frequencies: Standard deviations of the first and of the last projection's coefficients; in
            between on a logarithmic scale. In radians for each unit of x.

    Raises:
        OptionError: If there are fewer than 0 features.
    """

    def __init__(
        self,
        dim_x: int = 2,
        *,
        hidden: tuple[int, ...] = (400, 400, 400),
        features: int = 0,
        frequencies: tuple[float, float] = (1.0, 10.0),
    ) -> None:
        super().__init__()
        if features < 0:
            raise OptionError(f"`features` must be at least 0, got {features}.")
        first: list[nn.Module] = [FourierFeatures(dim_x, features, frequencies)] if features else []
        layers: list[nn.Module] = []
        widths = (dim_x + 2 * features, *hidden)
        for a, b in itertools.pairwise(widths):
            layers += [nn.Linear(a, b), nn.LeakyReLU(SLOPE)]
        self.net = nn.Sequential(*first, *layers, nn.Linear(widths[-1], 1))

    def forward(self, x: Float[Tensor, "n dx"]) -> Float[Tensor, " n"]:
        odds: Tensor = self.net(x)
        return odds.squeeze(-1)


def discriminator_loss(real: Float[Tensor, " n"], made: Float[Tensor, " m"]) -> Tensor:
    """−E[log D(x)] − E[log(1 − D(G(z)))] of log odds, in nats; 2 log 2 at chance."""
    return softplus(-real).mean() + softplus(made).mean()


def generator_loss(made: Float[Tensor, " n"]) -> Tensor:
    """−E[log D(G(z))] of log odds: the non-saturating loss, in nats."""
    return softplus(-made).mean()


def gradient_penalty(real: Tensor, odds: Float[Tensor, " n"]) -> Tensor:
    """E‖∇ₓD(x)‖² / 2 at data, of a discriminator that scores each row alone: R1, differentiable.

    Args:
        real: Data, with `requires_grad` set before they were scored.
        odds: D(real).

    References:
        Mescheder, Geiger & Nowozin (2018), arXiv:1801.04406.
    """
    [gradient] = torch.autograd.grad(odds.sum(), real, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean() / 2


@dataclass(frozen=True, kw_only=True)
class GameLosses:
    """The losses before a step, in nats.

    Attributes:
        discriminator: Its loss.
        generator: Its loss, without information.
        information: The bound on I(x; code); 0 without a term.
        applied: ‖gradient of the information‖ that was added, relative to that of the loss.
    """

    discriminator: float
    generator: float
    information: float = 0.0
    applied: float = 0.0


class Adversaries(nn.Module):
    """A generator and a discriminator in training, with or without information.

    Args:
        generator: z of shape (n, dim_noise + dim_code) to x.
        discriminator: x to log odds of shape (n,).
        dim_noise: Standard normal coordinates of z whose information is not maximized.
        dim_code: Coordinates of z whose information with x is maximized, behind the noise.
        information: With a critic of (x flattened, code); None for a plain GAN.
        beta: Weight of the information.
        learning_rate: Of both Adams.
        discriminator_rate: Of the discriminator's Adam, if other than the generator's.
        momentum: β₁ of both; adversarial training needs a low value.
        memory: β₂ of both.
        fused: Adam's step as one kernel: faster for small networks, and rounded otherwise.
        penalty: Weight of `gradient_penalty` in the discriminator's loss; 0 for none.
        penalty_every: Steps between penalties, each with this multiple of the weight.
        average: Decay of the moving average of the generator's weights, which makes the samples; 0
            for the weights themselves.
        seed: Of the latents.

    Raises:
        OptionError: If a size or a weight is out of range.

    Example:
        >>> from mineral.critics import JointCritic
        >>> from mineral.learning import Information
        >>> game = Adversaries(
        ...     PointGenerator(4, hidden=(16,)),
        ...     PointDiscriminator(hidden=(16,)),
        ...     dim_noise=2,
        ...     dim_code=2,
        ...     information=Information(JointCritic(2, 2)),
        ... )
        >>> losses = game.step(torch.randn(64, 2))
        >>> game.sample(10).shape
        torch.Size([10, 2])
    """

    taken: Tensor

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        *,
        dim_noise: int,
        dim_code: int,
        information: Term | None = None,
        beta: float = 1.0,
        learning_rate: float = 1e-4,
        discriminator_rate: float | None = None,
        momentum: float = 0.5,
        memory: float = 0.999,
        fused: bool = False,
        penalty: float = 0.0,
        penalty_every: int = 1,
        average: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if min(dim_noise, dim_code) < 0 or dim_noise + dim_code < 1:
            raise OptionError(
                "`dim_noise` and `dim_code` must be at least 0, and one of them at least 1, got "
                f"{dim_noise} and {dim_code}."
            )
        if information is not None and dim_code < 1:
            raise OptionError("`dim_code` must be at least 1: information needs a code, got 0.")
        if not 0 <= average < 1:
            raise OptionError(f"`average` must be at least 0 and below 1, got {average}.")
        if penalty < 0 or penalty_every < 1:
            raise OptionError(
                "`penalty` must be at least 0 and `penalty_every` at least 1, got "
                f"{penalty} and {penalty_every}."
            )
        self.generator, self.discriminator = generator, discriminator
        self.penalty, self.penalty_every = penalty, penalty_every
        self.register_buffer("taken", torch.zeros((), dtype=torch.long))  # discriminator's steps
        self.dim_noise, self.dim_code = dim_noise, dim_code
        self.information, self.beta = information, beta
        adam: Any = {"betas": (momentum, memory), "fused": fused or None}
        rate = learning_rate if discriminator_rate is None else discriminator_rate
        self.of_generator = torch.optim.Adam(generator.parameters(), lr=learning_rate, **adam)
        self.of_discriminator = torch.optim.Adam(discriminator.parameters(), lr=rate, **adam)
        self.average = None
        if average:
            decay = get_ema_multi_avg_fn(average)  # type: ignore[no-untyped-call]
            self.average = AveragedModel(generator, multi_avg_fn=decay, use_buffers=True)
        self.chance = torch.Generator().manual_seed(seed)

    @property
    def optimizers(self) -> tuple[torch.optim.Optimizer, ...]:
        """The optimizers of the generator and of the discriminator."""
        return self.of_generator, self.of_discriminator

    def latents(self, n: int) -> Float[Tensor, "n dz"]:
        """z = [noise, code], from this object's own random generator."""
        z = torch.randn(n, self.dim_noise + self.dim_code, generator=self.chance)
        return z.to(next(self.generator.parameters()))

    def code(self, z: Float[Tensor, "n dz"]) -> Float[Tensor, "n dc"]:
        """The part of z whose information is kept."""
        return z[:, self.dim_noise :]

    def step(self, real: Tensor) -> GameLosses:
        """One step of the discriminator, of the critic, and of the generator; in that order.

        Args:
            real: A batch of data, in the range of the generator's.
        """
        self.generator.train()
        z = self.latents(len(real))
        made = self.generator(z)
        of_discriminator = self._learn(real, made.detach())
        loss = generator_loss(self.discriminator(made))
        found: dict[str, float] = {}
        self.of_generator.zero_grad(set_to_none=True)
        if self.information is None:
            # Not the discriminator's gradient too, which is not used.
            loss.backward(inputs=list(self.generator.parameters()))  # type: ignore[no-untyped-call]
        else:
            self.information.learn(made.detach(), self.code(z))
            information = self.information(made, self.code(z))
            norms = adaptive_clip(self.generator.parameters(), loss, information, beta=self.beta)
            share = norms.applied / norms.loss if norms.loss > 0 else 0.0
            found = {"information": information.item(), "applied": share}
        self.of_generator.step()
        if self.average is not None:
            self.average.update_parameters(self.generator)
        return GameLosses(discriminator=of_discriminator, generator=loss.item(), **found)

    def _learn(self, real: Tensor, made: Tensor) -> float:
        """A step of the discriminator only; its loss before the step."""
        self.discriminator.train()
        penalized = self.penalty > 0 and int(self.taken) % self.penalty_every == 0
        self.taken += 1
        real = real.detach().requires_grad_(penalized)
        odds = self.discriminator(real)
        loss = discriminator_loss(odds, self.discriminator(made))
        total = loss
        if penalized:
            total = loss + self.penalty * self.penalty_every * gradient_penalty(real, odds)
        self.of_discriminator.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        self.of_discriminator.step()
        return loss.item()

    @torch.no_grad()
    def sample(self, n: int, seed: int = 0) -> Tensor:
        """n samples of the current generator, from latents with their own seed."""
        chance = torch.Generator().manual_seed(seed)
        z = torch.randn(n, self.dim_noise + self.dim_code, generator=chance)
        z = z.to(next(self.generator.parameters()))
        model = self.generator if self.average is None else self.average.module
        training = model.training
        model.eval()
        try:
            return torch.cat([model(part) for part in torch.split(z, AT_ONCE)])
        finally:
            model.train(training)
