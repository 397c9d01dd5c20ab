"""Stacked MNIST: three digits as the colours of an image, 1,000 modes, with and without MINE.

Each training image has three digits drawn at random from the training part of MNIST. A network that
reads single digits says which of the 1,000 numbers a generated image shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mineral.critics import ConvolutionalCritic
from mineral.experiments import drawings
from mineral.experiments.base import Cell, Conclusion, Context, Experiment, Numbers, Table
from mineral.experiments.models import plane, reading
from mineral.experiments.models.games import play, spread
from mineral.experiments.writing import number
from mineral.learning.gan import Adversaries
from mineral.learning.images import SIDE, ImageDiscriminator, ImageGenerator
from mineral.learning.information import Information
from mineral.system.chance import Chance

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VARIANTS = {"plain": "GAN", "mine": "GAN + MINE"}
DIGITS = 3
MODES = 10**DIGITS
SHOWN = 32  # images kept of a cell, of which the first 24 are drawn
PUBLISHED = {  # modes of 1,000, reverse KL
    "DCGAN": ("99.0", "3.40"),
    "DCGAN, run again": ("78.9 ± 6.5", "4.50 ± 0.13"),
    "ALI": ("16.0", "5.40"),
    "Unrolled GAN": ("48.7", "4.32"),
    "VEEGAN": ("150.0", "2.95"),
    "PacDCGAN2": ("1000.0", "0.06 ± 0.003"),
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of stacked MNIST.

    Attributes:
        seeds: Each once as a plain game and once with MINE.
        images: That the networks learn from.
        evaluated: Generated images that are read.
        steps, batch, learning_rate, momentum: Of both players' Adam.
        generator, discriminator: Channels at 14 × 14.
        norm: Batch normalization of the discriminator, which shows it the batch as a whole.
        critic: Channels of the critic's convolutions.
        noise, code: Coordinates of z.
        beta: Of the information.
        critic_rate, partners: Of the critic.
        reader_epochs: Of the network that reads digits.
    """

    seeds: int = 3
    images: int = 128_000
    evaluated: int = 26_000
    steps: int = 100_000  # 50 passes through 128,000 images in batches of 64
    batch: int = 64
    learning_rate: float = 2e-4
    momentum: float = 0.5
    generator: int = 64
    discriminator: int = 64
    norm: bool = True
    critic: tuple[int, ...] = (16, 32, 64)
    noise: int = 10
    code: int = 90
    beta: float = 1.0
    critic_rate: float = 1e-3
    partners: int = 5
    reader_epochs: int = 4


def cells(settings: Settings) -> dict[str, Cell[Settings]]:
    """One training each, named by its variant and seed."""
    return {
        f"{variant}-{seed}": partial(train, variant=variant, seed=seed)
        for seed in range(settings.seeds)
        for variant in VARIANTS
    }


def game_of(settings: Settings, *, mine: bool, seed: int, device: torch.device) -> Adversaries:
    """Both players, whose first weights come from torch's global generator; the critic's after."""
    generator = ImageGenerator(settings.noise + settings.code, DIGITS, width=settings.generator)
    discriminator = ImageDiscriminator(DIGITS, width=settings.discriminator, norm=settings.norm)
    information = None
    if mine:
        critic = ConvolutionalCritic(
            DIGITS * SIDE**2,
            settings.code,
            shape=(DIGITS, SIDE, SIDE),
            channels=settings.critic,
        )
        information = Information(
            critic.to(device),
            learning_rate=settings.critic_rate,
            partners=settings.partners,
            seed=seed,
        )
    return Adversaries(
        generator.to(device),
        discriminator.to(device),
        dim_noise=settings.noise,
        dim_code=settings.code,
        information=information,
        beta=settings.beta,
        learning_rate=settings.learning_rate,
        momentum=settings.momentum,
        seed=seed,
    )


def train(context: Context[Settings], *, variant: str, seed: int) -> Numbers:
    """Train, and read images from latents that the training did not see."""
    settings = context.settings
    reader = reading.Reader(context, epochs=settings.reader_epochs)
    shared = context.seed_for("game", str(seed))  # both variants begin alike
    with Chance(shared):
        game = game_of(settings, mine=variant == "mine", seed=shared, device=context.device)
    pixels = reading.images("train")[0][:, 0]
    stacks = context.rng("stacks", str(seed)).integers(len(pixels), size=(settings.images, DIGITS))

    def batch(rng: np.random.Generator) -> Tensor:
        return pixels[stacks[rng.integers(len(stacks), size=settings.batch)]]

    checkpoint = play(context, game, batch, name=str(seed), steps=settings.steps, cosine=False)
    made = game.sample(settings.evaluated, seed=context.seed_for("evaluated", str(seed))).cpu()
    counts = np.bincount(numbers(reader, made), minlength=MODES)
    checkpoint.remove()
    return {
        "modes": int((counts > 0).sum()),
        "kl": plane.reverse_kl(counts),
        "reader": reader.accuracy,
        "pixels": ((made[:SHOWN] + 1) * 127.5).round().int().tolist(),
    }


def numbers(reader: reading.Reader, stacked: Float[Tensor, "n 3 28 28"]) -> np.ndarray:
    """The number from 0 to 999 that each image shows: red hundreds, green tens, blue ones."""
    read = reader.digits(stacked.reshape(-1, 1, SIDE, SIDE)).view(-1, DIGITS).numpy()
    found: np.ndarray = read @ 10 ** np.arange(DIGITS)[::-1]
    return found


def conclude(settings: Settings, results: Mapping[str, Numbers]) -> Conclusion:
    """Medians over seeds, of each variant."""
    metrics: dict[str, Any] = {}
    for variant in VARIANTS:
        runs = [results[f"{variant}-{seed}"] for seed in range(settings.seeds)]
        metrics[variant] = {name: [run[name] for run in runs] for name in ("modes", "kl")}
    metrics["reader"] = results["plain-0"]["reader"]
    table = Table(
        title=(
            f"Stacked MNIST, {settings.evaluated:,} images: median of {settings.seeds} seeds, "
            "with minimum and maximum"
        ),
        header=["network", "modes of 1,000", "reverse KL in nats"],
        rows=[
            *(
                [name, spread(metrics[variant]["modes"], 0), spread(metrics[variant]["kl"], 2)]
                for variant, name in VARIANTS.items()
            ),
            *([f"{name}, published", *values] for name, values in PUBLISHED.items()),
            ["GAN + MINE, published (unverified)", "1000", "0.05"],
        ],
    )
    read = number(100 * metrics["reader"])
    return Conclusion(
        metrics=metrics,
        tables=[table],
        figures={"stacked-mnist": _draw(results)},
        sentences=(
            f"The classifier of digits is correct for {read} % of MNIST's single test images.",
            *SENTENCES,
        ),
    )


def _draw(results: Mapping[str, Numbers]) -> "Figure":
    figure, axes = drawings.panels(len(VARIANTS), columns=2, width=2.7, height=1.3)
    for panel, (variant, name) in zip(axes, VARIANTS.items(), strict=True):
        pixels = np.array(results[f"{variant}-0"]["pixels"][:24], np.uint8)
        across = 8
        rows = pixels.reshape(-1, across, DIGITS, SIDE, SIDE).transpose(0, 3, 1, 4, 2)
        panel.imshow(rows.reshape(-1, across * SIDE, DIGITS))
        drawings.label(panel, name)
        panel.set_axis_off()
    return figure


SENTENCES = (
    "Both networks of a seed start from the same weights and use the same batches. The figure "
    "always shows seed 0.",
    "Reverse KL is the divergence of the generated distribution over modes from the uniform one.",
    "Published: Table 2 of PacGAN, which quotes most of it from other papers, after 50 epochs of "
    "128,000 images. The row of MINE is as other papers quote it, with its KL from memory.",
)

STACKED_MNIST = Experiment(
    name="stacked-mnist",
    title="A GAN on stacked MNIST, with and without MINE: number of modes covered, of 1,000",
    source=(
        "Belghazi et al. (2018), MINE, arXiv:1801.04062; protocol and published figures of Lin et "
        "al. (2018), PacGAN, arXiv:1712.04086"
    ),
    quick=Settings(
        seeds=5,
        images=50_000,
        evaluated=10_000,
        steps=1000,
        learning_rate=1e-3,
        generator=16,
        discriminator=8,
        norm=False,
        critic=(8, 16, 32),
        code=54,
        partners=2,
        reader_epochs=2,
    ),
    full=Settings(),
    cells=cells,
    conclude=conclude,
)
