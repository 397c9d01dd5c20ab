"""Generative adversarial networks whose samples keep the information of a latent code.

A generator computes x = G(z) from a latent z = [noise, code]; a discriminator classifies such x
against data. A generator that drops modes of the data ignores its latent: information I(x; code),
added to its objective, keeps different codes distinguishable, and with them the modes,

    max_G  −E[softplus(−D(G(z)))] + β · I(G(z); code)

where the first term is the non-saturating loss. The information's gradient is clipped to the norm
of the adversarial gradient, since information has no upper limit.

References:
    Goodfellow et al. (2014), arXiv:1406.2661; Chen et al. (2016), InfoGAN, arXiv:1606.03657;
    Belghazi et al. (2018), MINE, §5.1, arXiv:1801.04062.
"""

import itertools
from dataclasses import dataclass

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
    """x = G(z) for points x: layers with batch normalization and leaky ReLU, and a linear last one.

    Args:
        dim_z: Of the latent.
        dim_x: Of a point.
        hidden: Width of each hidden layer.
    """

    def __init__(self, dim_z: int, dim_x: int = 2, *, hidden: tuple[int, ...] = (500, 500)) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for a, b in itertools.pairwise((dim_z, *hidden)):
            layers += [nn.Linear(a, b), nn.BatchNorm1d(b), nn.LeakyReLU(SLOPE)]
        self.net = nn.Sequential(*layers, nn.Linear((dim_z, *hidden)[-1], dim_x))

    def forward(self, z: Float[Tensor, "n dz"]) -> Float[Tensor, "n dx"]:
        x: Tensor = self.net(z)
        return x


class PointDiscriminator(nn.Module):
    """D(x), the log odds that x is data: layers with leaky ReLU.

    Args:
        dim_x: Of a point.
        hidden: Width of each hidden layer.
    """

    def __init__(self, dim_x: int = 2, *, hidden: tuple[int, ...] = (400, 400, 400)) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for a, b in itertools.pairwise((dim_x, *hidden)):
            layers += [nn.Linear(a, b), nn.LeakyReLU(SLOPE)]
        self.net = nn.Sequential(*layers, nn.Linear((dim_x, *hidden)[-1], 1))

    def forward(self, x: Float[Tensor, "n dx"]) -> Float[Tensor, " n"]:
        odds: Tensor = self.net(x)
        return odds.squeeze(-1)


def discriminator_loss(real: Float[Tensor, " n"], made: Float[Tensor, " m"]) -> Tensor:
    """−E[log D(x)] − E[log(1 − D(G(z)))] of log odds, in nats; 2 log 2 at chance."""
    return softplus(-real).mean() + softplus(made).mean()


def generator_loss(made: Float[Tensor, " n"]) -> Tensor:
    """−E[log D(G(z))] of log odds: the non-saturating loss, in nats."""
    return softplus(-made).mean()


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
        momentum: β₁ of both; adversarial training needs a low value.
        memory: β₂ of both.
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
        momentum: float = 0.5,
        memory: float = 0.999,
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
        self.generator, self.discriminator = generator, discriminator
        self.dim_noise, self.dim_code = dim_noise, dim_code
        self.information, self.beta = information, beta
        adam = {"lr": learning_rate, "betas": (momentum, memory)}
        self.of_generator = torch.optim.Adam(generator.parameters(), **adam)  # type: ignore[arg-type]
        self.of_discriminator = torch.optim.Adam(discriminator.parameters(), **adam)  # type: ignore[arg-type]
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
            loss.backward()  # type: ignore[no-untyped-call]
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
        loss = discriminator_loss(self.discriminator(real), self.discriminator(made))
        self.of_discriminator.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
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
