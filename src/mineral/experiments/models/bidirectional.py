"""Adversarially learned encoders and decoders (ALI), with and without MINE.

25 Gaussians, and MNIST. Held-out samples, and images, are encoded and decoded. Reconstructed digits
are compared by their error, by whether a classifier assigns the same digit, and by structural
similarity.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from mineral.critics import ConvolutionalCritic, JointCritic
from mineral.errors import MissingExtraError
from mineral.experiments import drawings
from mineral.experiments.base import Cell, Conclusion, Context, Experiment, Numbers, Table
from mineral.experiments.models import plane, reading
from mineral.experiments.models.games import play, spread
from mineral.experiments.models.points import LAYOUTS
from mineral.experiments.writing import number
from mineral.learning.bidirectional import Bidirectional, GaussianEncoder, PairDiscriminator
from mineral.learning.gan import PointGenerator
from mineral.learning.images import SIDE, ImageFeatures, ImageGenerator
from mineral.learning.information import Information
from mineral.system.chance import Chance

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VARIANTS = {"plain": "ALI", "mine": "ALI + MINE"}
SHOWN = 1000  # points, and images in two rows of 16
IMAGES = 16
SCALE = LAYOUTS["grid"].scale
# Of the five scales of MS-SSIM 28 pixels hold the first two; their weights, to a sum of 1.
WEIGHTS = (0.0448 / 0.3304, 0.2856 / 0.3304)
FROM_MEMORY = {  # MNIST: error, accuracy in %, MS-SSIM; not verified
    "ALI": ("14.24", "45.95 %", "0.97"),
    "ALI + MINE": ("9.73", "96.10 %", "0.99"),
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of bi-directional models.

    Attributes:
        data: Of "points" and "digits".
        seeds: Of the points, and `digit_seeds` of the digits.
        evaluated: Points, or test images, that are encoded and decoded.
        steps, batch: On points, and `digit_steps`, `digit_batch` on digits.
        learning_rate, digit_rate, momentum: Of both players' Adam.
        hidden: Width of the two layers of each network for points.
        width: Channels at 14 × 14 of those for digits.
        critic: Hidden layers, and `channels` of the convolutions of the critic for digits.
        dim_z, digit_dim_z: Coordinates of a code.
        beta: Of the information.
        critic_rate, partners: Of the critic.
        reader_epochs: Of the network that reads digits.
    """

    data: tuple[str, ...] = ("points", "digits")
    seeds: int = 5
    digit_seeds: int = 3
    evaluated: int = 10_000
    steps: int = 100_000
    batch: int = 100
    digit_steps: int = 100_000
    digit_batch: int = 100
    learning_rate: float = 1e-4
    digit_rate: float = 1e-4
    momentum: float = 0.5
    hidden: int = 400
    width: int = 64
    critic: tuple[int, ...] = (400, 400)
    channels: tuple[int, ...] = (16, 32, 64)
    dim_z: int = 2
    digit_dim_z: int = 64
    beta: float = 1.0
    critic_rate: float = 5e-4
    partners: int = 5
    reader_epochs: int = 4


def cells(settings: Settings) -> dict[str, Cell[Settings]]:
    """One training each, named by its data, variant and seed."""
    trainings = {"points": of_points, "digits": of_digits}
    counts = {"points": settings.seeds, "digits": settings.digit_seeds}
    return {
        f"{data}-{variant}-{seed}": partial(trainings[data], variant=variant, seed=seed)
        for data in settings.data
        for seed in range(counts[data])
        for variant in VARIANTS
    }


def of_points(context: Context[Settings], *, variant: str, seed: int) -> Numbers:
    """Train on the grid; the error of fresh points, and the modes that decoded noise covers."""
    settings, device, hidden = context.settings, context.device, context.settings.hidden
    name = f"points-{seed}"
    with Chance(context.seed_for(name)):  # both variants begin alike
        encoder = GaussianEncoder(PointGenerator(2, 2 * settings.dim_z, hidden=(hidden, hidden)))
        decoder = PointGenerator(settings.dim_z, hidden=(hidden, hidden))
        discriminator = PairDiscriminator(nn.Identity(), 2, settings.dim_z, hidden=hidden)
        critic = JointCritic(2, settings.dim_z, hidden=settings.critic)
    game = _game(
        context,
        (encoder, decoder, discriminator),
        critic if variant == "mine" else None,
        dim_z=settings.dim_z,
        learning_rate=settings.learning_rate,
        seed=context.seed_for(name),
    )

    def batch(rng: np.random.Generator) -> Tensor:
        return torch.from_numpy(plane.grid(settings.batch, rng) / SCALE).float()

    checkpoint = play(context, game, batch, name=name, steps=settings.steps, cosine=False)
    fresh = plane.grid(settings.evaluated, context.rng("evaluated", name))
    back = game.reconstruct(torch.from_numpy(fresh / SCALE).float().to(device))
    decoded = back.double().cpu().numpy() * SCALE
    made = game.sample(settings.evaluated, seed=context.seed_for("samples", name))
    checkpoint.remove()
    return {
        "error": float(((decoded - fresh) ** 2).sum(1).mean()),
        "same": float((_mode(decoded) == _mode(fresh)).mean()),
        "modes": plane.modes(made.double().cpu().numpy() * SCALE)["modes"],
        "decoded": np.round(decoded[:SHOWN], 3).tolist(),
    }


def _mode(points: np.ndarray) -> np.ndarray:
    apart = ((points[:, None] - plane.CENTRES) ** 2).sum(-1)
    return np.asarray(apart.argmin(1))


def of_digits(context: Context[Settings], *, variant: str, seed: int) -> Numbers:
    """Train on MNIST's training images; what comes back of test images."""
    settings, width = context.settings, context.settings.width
    reader = reading.Reader(context, epochs=settings.reader_epochs)
    name, dim_z = f"digits-{seed}", settings.digit_dim_z
    with Chance(context.seed_for(name)):
        seen, judged = ImageFeatures(width=width), ImageFeatures(width=width)
        encoder = GaussianEncoder(nn.Sequential(seen, nn.Linear(seen.dim, 2 * dim_z)))
        decoder = ImageGenerator(dim_z, width=width)
        discriminator = PairDiscriminator(judged, judged.dim, dim_z)
        critic = ConvolutionalCritic(
            SIDE**2, dim_z, shape=(1, SIDE, SIDE), channels=settings.channels
        )
    game = _game(
        context,
        (encoder, decoder, discriminator),
        critic if variant == "mine" else None,
        dim_z=dim_z,
        learning_rate=settings.digit_rate,
        seed=context.seed_for(name),
    )
    pixels = reading.images("train")[0]

    def batch(rng: np.random.Generator) -> Tensor:
        return pixels[torch.from_numpy(rng.integers(len(pixels), size=settings.digit_batch))]

    checkpoint = play(context, game, batch, name=name, steps=settings.digit_steps, cosine=False)
    test, labels = (each[: settings.evaluated] for each in reading.images("test"))
    back = game.reconstruct(test.to(context.device)).cpu()
    checkpoint.remove()
    return {
        "error": float(((back - test) / 2).square().sum((1, 2, 3)).mean()),
        "accuracy": float((reader.digits(back) == labels).double().mean()),
        "similarity": similarity(back, test),
        "reader": reader.accuracy,
        "images": _bytes(test[:IMAGES]),
        "decoded": _bytes(back[:IMAGES]),
    }


def _game(
    context: Context[Settings],
    networks: tuple[nn.Module, nn.Module, nn.Module],
    critic: nn.Module | None,
    *,
    dim_z: int,
    learning_rate: float,
    seed: int,
) -> Bidirectional:
    settings = context.settings
    information = None
    if critic is not None:
        information = Information(
            critic.to(context.device),
            learning_rate=settings.critic_rate,
            partners=settings.partners,
            seed=seed,
        )
    encoder, decoder, discriminator = (each.to(context.device) for each in networks)
    return Bidirectional(
        encoder,
        decoder,
        discriminator,
        dim_z=dim_z,
        information=information,
        beta=settings.beta,
        learning_rate=learning_rate,
        momentum=settings.momentum,
        seed=seed,
    )


def similarity(one: Float[Tensor, "n 1 28 28"], other: Float[Tensor, "n 1 28 28"]) -> float:
    """MS-SSIM of images from −1 to 1, over the two scales that 28 pixels hold: 1 if the same.

    Raises:
        MissingExtraError: If torchmetrics is not installed.

    References:
        Wang, Simoncelli & Bovik (2003), multi-scale structural similarity.
    """
    try:
        from torchmetrics.functional.image import (
            multiscale_structural_similarity_index_measure as measure,
        )
    except ImportError:
        raise MissingExtraError("Structural similarity", "images") from None
    a, b = (one + 1) / 2, (other + 1) / 2
    return float(measure(a, b, data_range=1.0, betas=WEIGHTS, normalize="relu"))


def _bytes(images: Tensor) -> list[Any]:
    found: list[Any] = ((images + 1) * 127.5).round().int().squeeze(1).tolist()
    return found


def conclude(settings: Settings, results: Mapping[str, Numbers]) -> Conclusion:
    """Medians over seeds, of each kind of data and variant."""
    metrics: dict[str, Any] = {}
    for data in settings.data:
        for variant in VARIANTS:
            runs = [r for key, r in results.items() if key.startswith(f"{data}-{variant}-")]
            names = [name for name in runs[0] if name not in ("decoded", "images")]
            metrics[f"{data}-{variant}"] = {name: [run[name] for run in runs] for name in names}
    tabled = {"points": _points_table, "digits": _digits_table}
    tables = [tabled[data](settings, metrics) for data in settings.data]
    sentences = list(SENTENCES)
    if "digits" in settings.data:
        read = number(100 * metrics["digits-plain"]["reader"][0])
        sentences.append(f"The classifier of digits is correct for {read} % of the test images.")
    return Conclusion(
        metrics=metrics,
        tables=tables,
        figures={f"bidirectional-{data}": DRAWN[data](results) for data in settings.data},
        sentences=sentences,
    )


def _points_table(settings: Settings, metrics: Mapping[str, Any]) -> Table:
    columns = (("error", 2), ("same", -1), ("modes", 0))
    return Table(
        title=(
            f"25 Gaussians, {settings.evaluated:,} fresh points: median of {settings.seeds} "
            "seeds, with minimum and maximum"
        ),
        header=["network", "squared error", "% decoded to their own mode", "modes of samples"],
        rows=[
            [name, *(spread(metrics[f"points-{v}"][column], d) for column, d in columns)]
            for v, name in VARIANTS.items()
        ],
    )


def _digits_table(settings: Settings, metrics: Mapping[str, Any]) -> Table:
    columns = (("error", 2), ("accuracy", -1), ("similarity", 3))
    return Table(
        title=(
            f"MNIST, {settings.evaluated:,} test images: median of {settings.digit_seeds} seeds, "
            "with minimum and maximum"
        ),
        header=["network", "squared error", "% classified as the digit", "MS-SSIM"],
        rows=[
            *(
                [name, *(spread(metrics[f"digits-{v}"][column], d) for column, d in columns)]
                for v, name in VARIANTS.items()
            ),
            *([f"{name}, from memory (unverified)", *row] for name, row in FROM_MEMORY.items()),
        ],
    )


def _draw_points(results: Mapping[str, Numbers]) -> "Figure":
    figure, axes = drawings.panels(len(VARIANTS), columns=2, width=2.8, height=2.8)
    for panel, (variant, name) in zip(axes, VARIANTS.items(), strict=True):
        decoded = np.array(results[f"points-{variant}-0"]["decoded"])
        panel.plot(*plane.CENTRES.T, "o", markersize=9, color="#d9dde2")
        panel.plot(*decoded.T, ".", markersize=2, alpha=0.5, color=drawings.LINES[0])
        panel.set(xlim=(-5.2, 5.2), ylim=(-5.2, 5.2), aspect="equal")
        drawings.label(panel, f"{name}: decoded codes")
    return figure


def _draw_digits(results: Mapping[str, Numbers]) -> "Figure":
    rows = {"test images": results["digits-plain-0"]["images"]} | {
        name: results[f"digits-{variant}-0"]["decoded"] for variant, name in VARIANTS.items()
    }
    figure, axes = drawings.panels(len(rows), columns=1, width=6.4, height=0.72)
    for panel, (name, images) in zip(axes, rows.items(), strict=True):
        pixels = np.array(images, np.uint8)
        panel.imshow(np.concatenate(list(pixels), axis=1), cmap="gray_r", vmin=0, vmax=255)
        drawings.label(panel, name)
        panel.set_axis_off()
    return figure


DRAWN: dict[str, Callable[[Mapping[str, Numbers]], "Figure"]] = {
    "points": _draw_points,
    "digits": _draw_digits,
}
SENTENCES = (
    "Codes are the means of q(z | x). The error is the sum of squares over coordinates or pixels, "
    "with ink from 0 to 1. Digits are classified by a network trained on training images. MS-SSIM "
    "has two scales, the most that 28 pixels allow with a window of 11.",
    "Both networks of a seed start from the same weights and use the same batches. The figures "
    "always show seed 0.",
    "The figures of the MINE paper are from memory, not verified; its error may have another "
    "scale.",
)

BIDIRECTIONAL = Experiment(
    name="bidirectional",
    title="Adversarially learned encoders and decoders (ALI), with and without MINE",
    source=(
        "Belghazi et al. (2018), MINE, §5.2, arXiv:1801.04062; Dumoulin et al. (2017), ALI, "
        "arXiv:1606.00704"
    ),
    quick=Settings(
        seeds=3,
        digit_seeds=2,
        evaluated=2000,
        steps=2500,
        batch=128,
        digit_steps=700,
        digit_batch=64,
        learning_rate=1e-3,
        digit_rate=1e-3,
        hidden=128,
        width=16,
        critic=(64, 64),
        channels=(8, 16, 32),
        digit_dim_z=32,
        critic_rate=2e-3,
        partners=3,
        reader_epochs=2,
    ),
    full=Settings(),
    cells=cells,
    conclude=conclude,
)
