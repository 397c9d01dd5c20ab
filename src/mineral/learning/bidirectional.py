"""Bi-directional adversarial learning (ALI, BiGAN): an encoder and a decoder with equal joints.

    encoder's pairs   x from data, z from q(z | x)
    decoder's pairs   z from the prior, x from p(x | z)

A discriminator classifies the two joint distributions. At the optimum they are equal, but a decoded
code may still be another image than the encoded one: the objective does not include reconstruction.
With R the reconstruction error, −E_q[log p(x | z)], and H_q(z) the entropy of the code,

    R ≤ KL(q(x, z) ‖ p(x, z)) − I_q(x; z) + H_q(z)

so that maximizing the information I_q(x; z) as well lowers a bound on R. Only the encoder can do
this: the gradient of the information, clipped to the norm of the adversarial gradient, is applied
to the encoder alone.

References:
    Dumoulin et al. (2017), ALI, arXiv:1606.00704; Donahue et al. (2017), BiGAN, arXiv:1605.09782;
    Belghazi et al. (2018), MINE, §5.2, arXiv:1801.04062.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mineral.errors import OptionError
from mineral.learning.gan import AT_ONCE, GameLosses, discriminator_loss, generator_loss
from mineral.learning.information import Term
from mineral.stability import adaptive_clip

LEAST_LOG_SD, MOST_LOG_SD = -5.0, 1.0  # beyond, a code is deterministic, or pure noise


class GaussianEncoder(nn.Module):
    """z ~ N(mean(x), sd(x)²): a network to both, with sd between e⁻⁵ and e.

    Args:
        net: x to (n, 2 · dim_z): means, then unbounded log sd.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> tuple[Float[Tensor, "n dz"], Float[Tensor, "n dz"]]:
        """Means and standard deviations."""
        mean, raw = self.net(x).chunk(2, dim=-1)
        half = (MOST_LOG_SD - LEAST_LOG_SD) / 2
        return mean, (LEAST_LOG_SD + half * (1 + torch.tanh(raw))).exp()


class PairDiscriminator(nn.Module):
    """D(x, z), the log odds that a pair is the encoder's: features of x and z, then layers.

    Args:
        features: x to (n, dim_features).
        dim_features: Of these.
        dim_z: Of a code.
        hidden: Width of both layers.
    """

    def __init__(
        self, features: nn.Module, dim_features: int, dim_z: int, *, hidden: int = 256
    ) -> None:
        super().__init__()
        self.features = features
        self.net = nn.Sequential(
            nn.Linear(dim_features + dim_z, hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden, hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden, 1),
        )

    def forward(self, x: Tensor, z: Float[Tensor, "n dz"]) -> Float[Tensor, " n"]:
        odds: Tensor = self.net(torch.cat([self.features(x).flatten(1), z], dim=-1))
        return odds.squeeze(-1)


class Bidirectional(nn.Module):
    """An encoder, a decoder and a discriminator of pairs in training, with or without information.

    Args:
        encoder: x to the mean and the standard deviation of z, as `GaussianEncoder`.
        decoder: z of shape (n, dim_z) to x.
        discriminator: (x, z) to log odds of shape (n,).
        dim_z: Of a code, whose prior is standard normal.
        information: With a critic of (x flattened, z); none for a plain game.
        beta: Weight of the information.
        learning_rate: Of both Adams.
        momentum: β₁ of both.
        seed: Of the codes.

    Raises:
        OptionError: If `dim_z` is below 1.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        discriminator: nn.Module,
        *,
        dim_z: int,
        information: Term | None = None,
        beta: float = 1.0,
        learning_rate: float = 1e-4,
        momentum: float = 0.5,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if dim_z < 1:
            raise OptionError(f"`dim_z` must be at least 1, got {dim_z}.")
        self.encoder, self.decoder, self.discriminator = encoder, decoder, discriminator
        self.dim_z, self.information, self.beta = dim_z, information, beta
        both = [*encoder.parameters(), *decoder.parameters()]
        momenta = (momentum, 0.999)
        self.of_coders = torch.optim.Adam(both, lr=learning_rate, betas=momenta)
        self.of_discriminator = torch.optim.Adam(
            discriminator.parameters(), lr=learning_rate, betas=momenta
        )
        self.chance = torch.Generator().manual_seed(seed)

    @property
    def optimizers(self) -> tuple[torch.optim.Optimizer, ...]:
        """The optimizers of encoder and decoder, and of the discriminator."""
        return self.of_coders, self.of_discriminator

    def _normal(self, n: int) -> Float[Tensor, "n dz"]:
        drawn = torch.randn(n, self.dim_z, generator=self.chance)
        return drawn.to(next(self.decoder.parameters()))

    def step(self, real: Tensor) -> GameLosses:
        """One step of the discriminator, of the critic, and of both coders; in that order.

        Args:
            real: A batch of data.
        """
        self.train()
        mean, sd = self.encoder(real)
        code = mean + sd * self._normal(len(real))
        z = self._normal(len(real))
        made = self.decoder(z)
        of_discriminator = discriminator_loss(
            self.discriminator(real, code.detach()), self.discriminator(made.detach(), z)
        )
        self.of_discriminator.zero_grad(set_to_none=True)
        of_discriminator.backward()  # type: ignore[no-untyped-call]
        self.of_discriminator.step()
        # Encoder and decoder are trained to make their pairs indistinguishable.
        loss = generator_loss(self.discriminator(made, z)) + generator_loss(
            -self.discriminator(real, code)
        )
        found: dict[str, float] = {}
        self.of_coders.zero_grad(set_to_none=True)
        if self.information is None:
            loss.backward()  # type: ignore[no-untyped-call]
        else:
            found = self._informed(loss, real, code)
        self.of_coders.step()
        return GameLosses(discriminator=of_discriminator.item(), generator=loss.item(), **found)

    def _informed(self, loss: Tensor, real: Tensor, code: Tensor) -> dict[str, float]:
        """The gradient of the game for the decoder, and with information for the encoder."""
        assert self.information is not None
        self.information.learn(real, code.detach())
        information = self.information(real, code)
        decoders = list(self.decoder.parameters())
        loss.backward(inputs=decoders, retain_graph=True)  # type: ignore[no-untyped-call]
        norms = adaptive_clip(self.encoder.parameters(), loss, information, beta=self.beta)
        share = norms.applied / norms.loss if norms.loss > 0 else 0.0
        return {"information": information.item(), "applied": share}

    @torch.no_grad()
    def reconstruct(self, x: Tensor) -> Tensor:
        """Decoded means of codes."""
        training = self.training
        self.eval()
        try:
            parts = torch.split(x, AT_ONCE)
            return torch.cat([self.decoder(self.encoder(part)[0]) for part in parts])
        finally:
            self.train(training)

    @torch.no_grad()
    def sample(self, n: int, seed: int = 0) -> Tensor:
        """n decoded draws of the prior, with their own seed."""
        chance = torch.Generator().manual_seed(seed)
        z = torch.randn(n, self.dim_z, generator=chance).to(next(self.decoder.parameters()))
        training = self.training
        self.eval()
        try:
            return torch.cat([self.decoder(part) for part in torch.split(z, AT_ONCE)])
        finally:
            self.train(training)
