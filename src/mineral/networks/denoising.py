"""Denoisers: networks that guess the noise in x, with and without a look at y.

x is blurred to x_λ = √σ(λ) x + √σ(−λ) ε, with λ the log of the signal-to-noise ratio and σ the
logistic function. How much better ε is guessed when y is known, over all λ, is I(X; Y):

    I(X; Y) = ½ ∫ E‖ε − ε̂(x_λ)‖² − E‖ε − ε̂(x_λ, y)‖² dλ

References:
    Guo, Shamai & Verdú (2005), on information and minimum mean square error, arXiv:cs/0412108.
    Franzese, Bounoua & Michiardi (2024), MINDE, arXiv:2310.09031.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mineral.critics import mlp

WIDEST = 8.0  # λ beyond ±8 holds what a change of scale by 50 could show: next to nothing


class Denoiser(nn.Module):
    """ε̂(x_λ, λ) and ε̂(x_λ, λ, y), by one network, with an input for whether y is given.

    Args:
        dim_x: dx.
        dim_y: dy.
        hidden: Width of each hidden layer.
    """

    def __init__(self, dim_x: int, dim_y: int, *, hidden: tuple[int, ...] = (128, 128)) -> None:
        super().__init__()
        self.net = mlp(dim_x + dim_y + 1 + 2 * len(_FREQUENCIES), *hidden, dim_x)

    def forward(
        self,
        blurred: Float[Tensor, "n dx"],
        level: Float[Tensor, " n"],
        y: Float[Tensor, "n dy"],
        given: Float[Tensor, "n 1"],
    ) -> Float[Tensor, "n dx"]:
        """The guessed noise, where `given` is 1 with a look at y and where it is 0 without."""
        phase = level[:, None] / WIDEST * blurred.new_tensor(_FREQUENCIES)
        inputs = torch.cat([blurred, y * given, given, phase.sin(), phase.cos()], dim=1)
        guess: Tensor = self.net(inputs)
        # At high noise x_λ is nearly the noise itself: the network adds what it is not.
        return guess + blurred * torch.sigmoid(-level).sqrt()[:, None]


class DenoisingLoss(nn.Module):
    """Minus the squared error of a denoiser, for the training loop: half of the rows see y.

    In training noise levels and noise are drawn anew; in evaluation they are the same each time,
    so that checks compare like with like.

    Args:
        denoiser: Trained in place.
        generator: Draws the noise in training, on the device of the samples.
    """

    def __init__(self, denoiser: Denoiser, generator: torch.Generator) -> None:
        super().__init__()
        self.denoiser, self.generator = denoiser, generator

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        shape = x.shape[:-1]
        x, y = x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1])
        fixed = torch.Generator(x.device).manual_seed(0)
        generator = self.generator if self.training else fixed
        level = levels(len(x), x, generator)
        noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
        given = (torch.rand(len(x), 1, generator=generator, device=x.device) < 0.5).to(x)
        guess = self.denoiser(blur(x, noise, level), level, y, given)
        error: Tensor = (guess - noise).square().sum(dim=1)
        return -error.reshape(shape)


def levels(n: int, like: Tensor, generator: torch.Generator) -> Tensor:
    """λ for n rows: one in each of n equal parts of its range, in random order."""
    parts = torch.randperm(n, generator=generator, device=like.device)
    inside = torch.rand(n, generator=generator, device=like.device)
    return ((parts + inside) / n * 2 - 1).to(like) * WIDEST


def blur(x: Tensor, noise: Tensor, level: Tensor) -> Tensor:
    """x_λ."""
    signal, blurred = torch.sigmoid(level).sqrt()[:, None], torch.sigmoid(-level).sqrt()[:, None]
    return signal * x + blurred * noise


@torch.no_grad()
def information(
    denoiser: Denoiser,
    x: Tensor,
    y: Tensor,
    *,
    draws: int,
    squared: bool,
    generator: torch.Generator,
) -> Tensor:
    """The pointwise gain from knowing y, in nats, averaged over noise; shape (n,).

    Args:
        denoiser: Trained, on other rows.
        x: Shape (n, dx).
        y: Shape (n, dy).
        draws: Noise levels for each row.
        squared: False for the difference of the two errors, which is negative where y misleads.
            True for ½ ∫ ‖ε̂(x_λ) − ε̂(x_λ, y)‖² dλ, as MINDE has it: of lower variance, equal for
            perfect denoisers, and positive for imperfect ones even when x and y are independent.
        generator: Draws levels and noise, on the device of x.
    """
    total = torch.zeros(len(x), dtype=torch.float64, device=x.device)
    none, all_of_it = x.new_zeros(len(x), 1), x.new_ones(len(x), 1)
    for _ in range(draws):
        level = levels(len(x), x, generator)
        noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
        blurred = blur(x, noise, level)
        alone = denoiser(blurred, level, y, none)
        conditional = denoiser(blurred, level, y, all_of_it)
        if squared:
            gain = (alone - conditional).square().sum(dim=1)
        else:
            gain = ((alone - noise).square() - (conditional - noise).square()).sum(dim=1)
        total += gain.double()
    return total / draws * WIDEST  # ½ of the mean over λ, times the range 2 · WIDEST


_FREQUENCIES = tuple(math.pi * 2.0**k for k in range(4))
