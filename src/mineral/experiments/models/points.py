"""Points by a generative adversarial network, with and without information that keeps its modes.

Two layouts, the grid of 25 Gaussians and two spirals; each seed once as a plain game and once with
MINE, from the same weights and on the same batches.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mineral.critics import JointCritic
from mineral.experiments import drawings
from mineral.experiments.base import Cell, Conclusion, Context, Experiment, Numbers, Table
from mineral.experiments.models import plane
from mineral.experiments.models.games import play, spread
from mineral.learning.gan import Adversaries, PointDiscriminator, PointGenerator
from mineral.learning.information import Information
from mineral.system.chance import Chance

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VARIANTS = {"plain": "GAN", "mine": "GAN + MINE"}
ROWS = {**VARIANTS, "noise": "even noise"}
SHOWN = 2000  # samples of a cell that are drawn


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Points, what a network sees of them, and how samples are judged."""

    draw: Callable[[int, np.random.Generator], np.ndarray]
    scale: float  # data are divided by it, so that their standard deviation is about 1
    judge: Callable[[np.ndarray], dict[str, float]]


LAYOUTS = {
    "grid": Layout(draw=plane.grid, scale=2.83, judge=plane.modes),
    "spirals": Layout(draw=plane.spirals, scale=1.0, judge=plane.length_covered),
}
PUBLISHED = {  # modes of 25, share of high quality, reverse KL
    "GAN": ("17.3", "94.8 %", "0.70"),
    "ALI": ("24.1", "95.7 %", "0.14"),
    "PacGAN2": ("23.8", "91.3 %", "0.13"),
    "PacGAN4": ("24.8", "93.6 %", "0.04"),
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of points.

    Attributes:
        layouts: Of `LAYOUTS`.
        seeds: Of the grid, and `spiral_seeds` of the spirals.
        samples: That the networks learn from.
        evaluated: Generated samples that are judged.
        steps, batch, momentum, memory: Of both players' Adam, the last two β₁ and β₂.
        learning_rate: Of both.
        discriminator_rate: Of the discriminator's instead; 0 for none of its own.
        fused: Adam as one kernel, of the critic too.
        cosine: Both rates fall to zero along a cosine.
        penalty, penalty_every: Of the gradient of the discriminator at data.
        average: Decay of the average of the generator's weights that is evaluated; 0 for none.
        generator, discriminator, critic: Hidden layers.
        gain: Of the generator's tanh; 0 for leaky ReLU.
        features, frequencies: Of the discriminator's random Fourier features.
        noise, code: Coordinates of z.
        beta: Of the information.
        fading: It falls to zero along the same cosine.
        critic_rate, partners: Of the critic.
    """

    layouts: tuple[str, ...] = ("grid", "spirals")
    seeds: int = 10
    spiral_seeds: int = 10
    samples: int = 100_000
    evaluated: int = 10_000
    steps: int = 400_000
    batch: int = 100
    learning_rate: float = 1e-4
    discriminator_rate: float = 0.0
    momentum: float = 0.5
    memory: float = 0.999
    fused: bool = False
    cosine: bool = False
    penalty: float = 0.0
    penalty_every: int = 1
    average: float = 0.0
    generator: tuple[int, ...] = (500, 500)
    discriminator: tuple[int, ...] = (400, 400, 400)
    critic: tuple[int, ...] = (400, 400, 400)
    gain: float = 0.0
    features: int = 0
    frequencies: tuple[float, ...] = (1.0, 10.0)
    noise: int = 0
    code: int = 2
    beta: float = 1.0
    fading: bool = False
    critic_rate: float = 5e-4
    partners: int = 5


def cells(settings: Settings) -> dict[str, Cell[Settings]]:
    """One training each, named by its layout, variant and seed."""
    counts = {"grid": settings.seeds, "spirals": settings.spiral_seeds}
    return {
        f"{layout}-{variant}-{seed}": partial(train, layout=layout, variant=variant, seed=seed)
        for layout in settings.layouts
        for seed in range(counts[layout])
        for variant in VARIANTS
    }


def game_of(settings: Settings, *, mine: bool, seed: int, device: torch.device) -> Adversaries:
    """Both players, whose first weights come from torch's global generator; the critic's after."""
    dim_z = settings.noise + settings.code
    generator = PointGenerator(dim_z, hidden=settings.generator, gain=settings.gain).to(device)
    low, high = settings.frequencies
    discriminator = PointDiscriminator(
        hidden=settings.discriminator, features=settings.features, frequencies=(low, high)
    ).to(device)
    information = None
    if mine:
        information = Information(
            JointCritic(2, settings.code, hidden=settings.critic).to(device),
            learning_rate=settings.critic_rate,
            partners=settings.partners,
            fused=settings.fused,
            seed=seed,
        )
    return Adversaries(
        generator,
        discriminator,
        dim_noise=settings.noise,
        dim_code=settings.code,
        information=information,
        beta=settings.beta,
        learning_rate=settings.learning_rate,
        discriminator_rate=settings.discriminator_rate or None,
        momentum=settings.momentum,
        memory=settings.memory,
        fused=settings.fused,
        penalty=settings.penalty,
        penalty_every=settings.penalty_every,
        average=settings.average,
        seed=seed,
    )


def train(context: Context[Settings], *, layout: str, variant: str, seed: int) -> Numbers:
    """Train, and judge samples from latents that the training did not see."""
    settings, form = context.settings, LAYOUTS[layout]
    shared = context.seed_for(layout, str(seed))  # both variants begin alike
    with Chance(shared):
        game = game_of(settings, mine=variant == "mine", seed=shared, device=context.device)
    drawn = form.draw(settings.samples, context.rng("data", layout, str(seed)))
    data = torch.from_numpy(drawn / form.scale).float()

    def batch(rng: np.random.Generator) -> torch.Tensor:
        return data[torch.from_numpy(rng.integers(len(data), size=settings.batch))]

    name = f"{layout}-{seed}"
    checkpoint = play(
        context,
        game,
        batch,
        name=name,
        steps=settings.steps,
        cosine=settings.cosine,
        fading=settings.beta if settings.fading else None,
    )
    made = game.sample(settings.evaluated, seed=context.seed_for("evaluated", name))
    points = made.double().cpu().numpy() * form.scale
    checkpoint.remove()
    return form.judge(points) | {"points": np.round(points[:SHOWN], 3).tolist()}


def conclude(settings: Settings, results: Mapping[str, Numbers]) -> Conclusion:
    """Medians over seeds, of each layout and variant."""
    metrics: dict[str, Any] = {}
    for layout in settings.layouts:
        for variant in VARIANTS:
            runs = [r for key, r in results.items() if key.startswith(f"{layout}-{variant}-")]
            names = [name for name in runs[0] if name != "points"]
            metrics[f"{layout}-{variant}"] = {name: [r[name] for r in runs] for name in names}
    for layout in settings.layouts:
        even = _even(layout, settings.evaluated)
        metrics[f"{layout}-noise"] = {name: [value] for name, value in even.items()}
    tables = []
    if "grid" in settings.layouts:
        tables.append(_of_grid(settings, metrics))
    if "spirals" in settings.layouts:
        tables.append(_of_spirals(settings, metrics))
    return Conclusion(
        metrics=metrics,
        tables=tables,
        figures={"gan-points": _draw(settings, results)},
        sentences=SENTENCES,
    )


def _even(layout: str, n: int) -> dict[str, float]:
    """What points spread evenly over the square of the data would be said to be."""
    rng, form = np.random.default_rng(0), LAYOUTS[layout]
    limit = np.abs(form.draw(n, rng)).max()
    return form.judge(rng.uniform(-limit, limit, (n, 2)))


def _of_grid(settings: Settings, metrics: Mapping[str, Any]) -> Table:
    ours = []
    for variant, name in ROWS.items():
        found = metrics[f"grid-{variant}"]
        modes, quality, kl = (spread(found[each], d) for each, d in COLUMNS)
        ours.append([name, modes, f"{quality} %", kl])
    return Table(
        title=(
            f"25 Gaussians, {settings.evaluated:,} samples: median of {settings.seeds} seeds, "
            "with minimum and maximum"
        ),
        header=["network", "modes of 25", "high quality", "reverse KL in nats"],
        rows=[
            *ours,
            *([f"{name}, published", *values] for name, values in PUBLISHED.items()),
        ],
    )


COLUMNS = (("modes", 0), ("quality", -1), ("kl", 2))


def _of_spirals(settings: Settings, metrics: Mapping[str, Any]) -> Table:
    rows = []
    for variant, name in ROWS.items():
        found = metrics[f"spirals-{variant}"]
        rows.append([name, *(f"{spread(found[e], -1)} %" for e in ("first", "second", "quality"))])
    return Table(
        title=(
            f"Spirals, {settings.evaluated:,} samples: median of {settings.spiral_seeds} seeds, "
            "with minimum and maximum"
        ),
        header=["network", "first arm covered", "second arm covered", "high quality"],
        rows=rows,
    )


def _draw(settings: Settings, results: Mapping[str, Numbers]) -> "Figure":
    rows = len(settings.layouts)
    figure, axes = drawings.panels(3 * rows, columns=3, width=2.6, height=2.6, share=False)
    for i, layout in enumerate(settings.layouts):
        data = LAYOUTS[layout].draw(SHOWN, np.random.default_rng(0))
        shown = {"data": data}
        for variant, name in VARIANTS.items():
            shown[name] = np.array(results[f"{layout}-{variant}-0"]["points"])
        limit = 1.15 * np.abs(data).max()
        for panel, (name, points) in zip(axes[3 * i : 3 * i + 3], shown.items(), strict=True):
            panel.plot(*points.T, ".", markersize=1.5, alpha=0.5, color=drawings.LINES[0])
            panel.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
            drawings.label(panel, name)
    return figure


SENTENCES = (
    "A sample has high quality if the nearest mean, or the nearest point of an arm, is within 3 "
    "standard deviations. A mode is covered if it has a sample of high quality; a point of an arm "
    "is covered if a sample is within 3 standard deviations. Reverse KL assigns every sample to "
    "its nearest mode.",
    "Uniform noise on the square of the data covers every mode and point, with few samples of "
    "high quality. Coverage is meaningful only if the quality is well above that of noise.",
    "Both networks of a seed start from the same weights and use the same batches. The figure "
    "always shows seed 0.",
    "Published: Table 1 of PacGAN, from 10 runs of 400 epochs of 100,000 samples, with other "
    "networks. The MINE paper shows these data in figures only, without a table.",
)

GAN_POINTS = Experiment(
    name="gan-points",
    title="A GAN on 25 Gaussians and on two spirals, with and without MINE",
    source=(
        "Belghazi et al. (2018), MINE, arXiv:1801.04062; protocol and published figures of Lin et "
        "al. (2018), PacGAN, arXiv:1712.04086"
    ),
    quick=Settings(
        seeds=5,
        spiral_seeds=3,
        steps=5000,
        batch=128,
        learning_rate=6e-4,
        average=0.999,
        generator=(128, 128),
        discriminator=(128, 128, 128),
        critic=(64, 64),
        critic_rate=2e-3,
        partners=3,
    ),
    standard=Settings(  # chosen on seeds from 100, by benchmarks/tuning_gans.py
        seeds=5,
        spiral_seeds=5,
        steps=6000,
        batch=256,
        learning_rate=5e-3,
        memory=0.99,
        fused=True,
        cosine=True,
        penalty=0.2,
        penalty_every=4,
        average=0.995,
        generator=(64, 64, 64, 64),
        gain=2.0,
        discriminator=(64, 64, 64),
        critic=(64, 64),
        features=64,
        critic_rate=2e-3,
        partners=1,
        fading=True,
    ),
    full=Settings(),
    cells=cells,
    conclude=conclude,
)
