"""Attacks on NeuraCrypt: linear encoders by their invariants, deep ones by matching.

The adversary has images of digits and their codes in a random order, knows the layers, and does not
know the key. Success is the share of images that get their own code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from mineral import mnist
from mineral.audit.attacks import matching, reidentification
from mineral.experiments import drawings
from mineral.experiments.base import Cell, Conclusion, Context, Experiment, Numbers, Table
from mineral.shaping.neuracrypt import NeuraCrypt

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS = ("patches, then images", "places recovered", "encoder fitted")
ALL_PIXELS = 255.0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of the attacks.

    Attributes:
        seeds: Keys, each with images of its own.
        images: That are encoded and matched.
        width: Numbers that encode a patch.
        patches: Sides of patches, in pixels.
        depths: Normalized layers; 4 is NeuraCrypt-7.
        keys, steps: Fresh encoders that teach the similarity of patches, and steps of its training.
    """

    seeds: int = 5
    images: int = 200
    width: int = 256
    patches: tuple[int, ...] = (7,)
    depths: tuple[int, ...] = (2, 4)
    keys: int = 30
    steps: int = 1500


def cells(settings: Settings) -> dict[str, Cell[Settings]]:
    """An attack on a key each."""
    found: dict[str, Cell[Settings]] = {}
    for k in range(settings.seeds):
        for patch in settings.patches:
            found[f"linear-patch{patch}-seed{k}"] = partial(unpaired, patch=patch, depth=-1, k=k)
            deepest = max(settings.depths)
            found[f"unpaired-patch{patch}-seed{k}"] = partial(
                unpaired, patch=patch, depth=deepest, k=k
            )
            for depth in settings.depths:
                found[f"matching-patch{patch}-depth{depth}-seed{k}"] = partial(
                    match, patch=patch, depth=depth, k=k, published=False
                )
            found[f"batch-patch{patch}-depth{deepest}-seed{k}"] = partial(
                match, patch=patch, depth=deepest, k=k, published=True
            )
    return found


def _victim(
    context: Context[Settings], patch: int, depth: int, k: int, *, published: bool = False
) -> tuple[np.ndarray, NeuraCrypt]:
    """Images, and a key that is not known."""
    settings = context.settings
    images, _ = mnist.load("test")
    chosen = context.rng("images", str(k)).permutation(len(images))[: settings.images]
    victim = NeuraCrypt.draw(
        (1, mnist.SIDE, mnist.SIDE),
        patch=patch,
        width=settings.width,
        depth=depth,
        published=published,
        seed=context.seed_for("key", str(k)),
    )
    flat = images[chosen].reshape(len(chosen), -1)
    return (flat / ALL_PIXELS).astype(np.float32), victim


def unpaired(context: Context[Settings], *, patch: int, depth: int, k: int) -> Numbers:
    """Re-identification from averaged patches, without knowing layers."""
    images, victim = _victim(context, patch, depth, k)
    plain = victim.cut(torch.from_numpy(images)).mean(dim=1).numpy()
    codes = victim.encode(images, seed=k).reshape(len(images), victim.patches, victim.width)
    found = reidentification.attack(plain, codes.mean(axis=1), seed=k)
    return {"share": found.value, "how": found.how}


def match(
    context: Context[Settings], *, patch: int, depth: int, k: int, published: bool
) -> Numbers:
    """The matching attack: the share after each step."""
    images, victim = _victim(context, patch, depth, k, published=published)
    spent = matching.Settings(keys=context.settings.keys, steps=context.settings.steps)
    return dict(matching.stages(images, victim, settings=spent, seed=k))


def _groups(settings: Settings) -> dict[str, tuple[str, str]]:
    """By key of the cells, without their seed: a name, and what is published of it."""
    deepest = max(settings.depths)
    found = {}
    for p in settings.patches:
        found[f"linear-patch{p}"] = (f"linear, patch {p}: re-identified", "> 99 %")
        found[f"unpaired-patch{p}"] = (
            f"depth {deepest}, patch {p}: re-identified without its layers",
            "< 5 %" if deepest == 4 else "",
        )
        for d in settings.depths:
            name = f"depth {d}, patch {p}: matched"
            found[f"matching-patch{p}-depth{d}"] = (name, "100 %" if d == 4 else "")
        found[f"batch-patch{p}-depth{deepest}"] = (
            f"depth {deepest}, patch {p}, moments of the batch: matched",
            "100 %" if deepest == 4 else "",
        )
    return found


def conclude(settings: Settings, results: Mapping[str, Numbers]) -> Conclusion:
    """Medians over keys, with the lowest and the highest."""
    metrics: dict[str, Numbers] = {}
    rows, stages = [], []
    for key, (name, published) in _groups(settings).items():
        cells_of = [results[f"{key}-seed{k}"] for k in range(settings.seeds)]
        steps = ["share"] if "share" in cells_of[0] else list(STEPS)
        values = {step: [float(cell[step]) for cell in cells_of] for step in steps}
        final = values[steps[-1]]
        metrics[key] = {
            "median": float(np.median(final)),
            "lowest": min(final),
            "highest": max(final),
            "steps": {step: float(np.median(each)) for step, each in values.items()},
        }
        rows.append([name, _spread(final), published])
        if len(steps) > 1:
            stages.append([name, *(_spread(values[step]) for step in steps)])
    chance = 1 / settings.images
    tables = [
        Table(
            title=f"Share of {settings.images} images that are matched to their own code: median "
            f"of {settings.seeds} keys (lowest to highest); chance {100 * chance:.1g} %",
            header=["encoder and attack", "ours", "published, on X-rays"],
            rows=rows,
        ),
        Table(
            title="The matching attack after each of its steps",
            header=["encoder", *STEPS],
            rows=stages,
        ),
    ]
    return Conclusion(
        metrics=metrics,
        tables=tables,
        figures={"neuracrypt": _draw(settings, results)},
        sentences=SENTENCES,
    )


def _spread(values: list[float]) -> str:
    low, middle, high = (100 * v for v in (min(values), float(np.median(values)), max(values)))
    return f"{middle:.1f} % ({low:.1f} to {high:.1f})"


def _draw(settings: Settings, results: Mapping[str, Numbers]) -> "Figure":
    figure, (axes,) = drawings.panels(1, columns=1, width=7.2, height=2.6)
    groups = _groups(settings)
    for place, (key, _) in enumerate(groups.items()):
        for k in range(settings.seeds):
            cell = results[f"{key}-seed{k}"]
            steps = ["share"] if "share" in cell else list(STEPS)
            for j, step in enumerate(steps):
                last = j == len(steps) - 1
                axes.plot(
                    [100 * float(cell[step])],
                    [place + 0.09 * (k - (settings.seeds - 1) / 2)],
                    "o",
                    color=drawings.LINES[0] if last else drawings.LINES[3 + j],
                    markersize=5 if last else 3.5,
                    alpha=0.9 if last else 0.5,
                )
    axes.set_yticks(range(len(groups)), [name for name, _ in groups.values()])
    axes.invert_yaxis()
    axes.set_xlim(-3, 103)
    drawings.label(
        axes, "", ("images matched to their own code, in %; small dots: earlier steps"), ""
    )
    return figure


SENTENCES = (
    "No encoder here is private. A linear encoder preserves the geometry of whitened rows, so "
    "that each row is identified by its inner products with the others, without any training.",
    "The deep encoder hides most images from an adversary that averages patches and does not know "
    "its layers. It hides none from an adversary that knows them: the secret positions, which "
    "should mix up the patches, identify corresponding patches of two images, and the moments of "
    "a patch are the same under any key. The failure of the first attack is no evidence against "
    "the second.",
    "The attack needs neither the key nor a known pair. Normalization with the moments of the "
    "batch, as in the published code, does not protect.",
    "Our images are digits of 28 × 28 pixels, in patches of a quarter of a side, with fewer than "
    "the paper's 2048 dimensions a patch; the paper's are X-rays of 256 × 256 in 256 patches. The "
    "interval is the minimum and maximum over the keys: with five keys, it contains the median "
    "with probability 94 %.",
)

NEURACRYPT = Experiment(
    name="neuracrypt",
    title="NeuraCrypt broken: linear encoders re-identified, deep ones matched without the key",
    source="Yala et al. (2021), arXiv:2106.02484, and the figures of its challenge; Carlini et al. "
    "(2021), NeuraCrypt is not private, arXiv:2108.07256",
    quick=Settings(),
    full=Settings(images=500, width=2048, patches=(7, 4), depths=(0, 2, 4), steps=20_000),
    cells=cells,
    conclude=conclude,
)
