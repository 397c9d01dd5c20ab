"""The thesis' Gaussian classes: keep the class in three numbers, and say little else of x.

Two classes differ only in the sign of ten correlations of ±0.99, so that an encoder must learn
products of features. What is hidden is x itself: max I(Z; L) − β I(X; Z). A deterministic code of x
has infinite I(X; Z), so every code here has noise: that of a trained encoder is 0.1 of the bound on
its code, which is at least 0.1 of each coordinate's deviation; a random network's and components'
is exactly 0.1 of it. q(z | x) is then known, and two bounds with nothing to learn enclose I(X; Z).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from mineral.experiments import drawings
from mineral.experiments.base import Cell, Conclusion, Context, Experiment, Numbers, Table
from mineral.experiments.writing import number
from mineral.shaping import ModuleEncoder, Problem, Shaping, pca, random_network, shape
from mineral.shaping.data import gaussian_classes
from mineral.shaping.frontier import Spread
from mineral.shaping.measure import measure, retrained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PUBLISHED = {"shaped": 0.95, "random": 0.72}  # read off the thesis' figures


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of the Gaussian classes.

    Attributes:
        n: Rows: 60 % train, 20 % validate, 20 % are reported on.
        seeds: Each draws rows, splits them, and starts networks anew.
        betas: Weights of I(X; Z).
        chosen: The β of the reported encoder.
        remine: Whether to train as the thesis did too, with ReMINE for both terms, at `chosen`.
        dim: Numbers of a code.
        noise: On a code.
        hidden: Width of each hidden layer of the trained encoder.
        steps, batch_size, learning_rate: Of the encoder.
    """

    n: int = 10_000
    seeds: int = 5
    betas: tuple[float, ...] = (0.0, 0.01, 0.1, 0.5)
    chosen: float = 0.1
    remine: bool = True
    dim: int = 3
    noise: float = 0.1
    hidden: tuple[int, ...] = (64, 64)
    steps: int = 300
    batch_size: int = 256
    learning_rate: float = 3e-3


Maker: TypeAlias = Callable[[Context[Settings], Problem, int], ModuleEncoder]


class Scaled(nn.Module):
    """A network's code in units of its deviation on training rows."""

    def __init__(self, network: nn.Module, deviation: np.ndarray) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("deviation", torch.from_numpy(deviation).float())

    def forward(self, x: Tensor) -> Tensor:
        code: Tensor = self.network(x) / self.deviation
        return code


def betas(settings: Settings) -> list[float]:
    """Of the sweep, in order."""
    return sorted({*settings.betas, settings.chosen})


def cells(settings: Settings) -> dict[str, Cell[Settings]]:
    """One encoder each, by its name and its seed."""
    makers: dict[str, Maker] = {
        f"shaped-{beta:g}": partial(shaped, beta=beta) for beta in betas(settings)
    }
    if settings.remine:
        makers["remine"] = partial(shaped, beta=settings.chosen, by="remine")
    makers |= {"random": random, "pca": components}
    return {
        f"{name}-seed{k}": partial(cell, seed=k, make=make)
        for k in range(settings.seeds)
        for name, make in makers.items()
    }


def problem_of(context: Context[Settings], seed: int) -> tuple[Problem, int]:
    """The same rows, and the same split of them, for every encoder of a seed."""
    drawn = context.seed_for("rows", str(seed))
    return gaussian_classes(context.settings.n, seed=drawn), context.seed_for("split", str(seed))


def shaped(
    context: Context[Settings], problem: Problem, split: int, *, beta: float, by: str = ""
) -> ModuleEncoder:
    """A trained encoder."""
    settings = context.settings
    recipe = Shaping(
        beta=beta,
        dim=settings.dim,
        noise=settings.noise,
        hidden=settings.hidden,
        steps=settings.steps,
        batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        kept_by=by or "label",
        hidden_by=by or "auto",
        adversary_steps=1,  # of ReMINE's critic; the rate has nothing to learn
    )
    report = context.progress
    return shape(problem, recipe, seed=split, progress=lambda share, _: report(share)).encoder


def random(context: Context[Settings], problem: Problem, split: int) -> ModuleEncoder:
    """The thesis' untrained encoder, 20-10-3 with tanh, with noise by its deviation."""
    widths = (problem.x.shape[1], 10, context.settings.dim)
    return noisy(random_network(widths, seed=split).module, problem, split, context.settings)


def components(context: Context[Settings], problem: Problem, split: int) -> ModuleEncoder:
    """Principal components, with noise by their deviation."""
    training = problem.split(seed=split)[0]
    found = pca(training.x, context.settings.dim)
    layer = nn.Linear(*found.weight.shape)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(found.weight.T))
        layer.bias.copy_(torch.from_numpy(-found.center @ found.weight))
    return noisy(layer, problem, split, context.settings)


def noisy(network: nn.Module, problem: Problem, split: int, settings: Settings) -> ModuleEncoder:
    """A network's code in units of its deviation, with noise."""
    training = problem.split(seed=split)[0]
    deviation = ModuleEncoder(network).moments(training.x)[0].std(axis=0)
    return ModuleEncoder(Scaled(network, deviation), noise=settings.noise)


def cell(context: Context[Settings], *, seed: int, make: Maker) -> Numbers:
    """Train an encoder, and measure it on held-out rows."""
    problem, split = problem_of(context, seed)
    encoder = make(context, problem, split)
    parts = problem.split(seed=split)
    found = measure(encoder, *parts, seed=seed)
    bare = ModuleEncoder(
        encoder.module, center=encoder.center, scale=encoder.scale, noise=0.0, name="without noise"
    )
    codes = [np.asarray(bare.encode(part.x), np.float64) for part in parts]
    silent = retrained(codes, [part.keep for part in parts], seed=seed)
    low, high = found.leaked
    return {
        "auc": found.readers[0].auc,
        "auc_without_noise": silent[0].auc,
        "kept": found.kept[0].value,
        "leaked_low": low.value,
        "leaked_high": high.value,
        "deviation": float(encoder.moments(parts[0].x)[0].std(axis=0).max()),
    }


def conclude(settings: Settings, results: Mapping[str, Numbers]) -> Conclusion:
    """Every encoder over seeds, and whether the bar is met."""
    names = list(dict.fromkeys(key.rsplit("-seed", 1)[0] for key in results))
    over = {
        name: {
            what: [results[f"{name}-seed{k}"][what] for k in range(settings.seeds)]
            for what in ("auc", "auc_without_noise", "kept", "leaked_low", "leaked_high")
        }
        for name in names
    }
    chosen, chance = over[f"shaped-{settings.chosen:g}"], over["random"]
    auc, leaked, random_leaked = (
        float(np.median(each))
        for each in (chosen["auc"], chosen["leaked_high"], chance["leaked_low"])
    )
    rows = [
        [
            _called(name),
            *(_spread(over[name][what]) for what in ("auc", "auc_without_noise", "kept")),
            f"{_spread(over[name]['leaked_low'])} to {_spread(over[name]['leaked_high'])}",
            number(PUBLISHED.get(name.split("-")[0]) if name in _beside(settings) else None),
        ]
        for name in names
    ]
    return Conclusion(
        metrics={
            "auc": auc,
            "leaked_at_most": leaked,
            "random_auc": float(np.median(chance["auc_without_noise"])),
            "random_leaked_at_least": random_leaked,
            "met": auc >= 0.99 and leaked < random_leaked,
            "encoders": {
                name: {what: float(np.median(values)) for what, values in found.items()}
                for name, found in over.items()
            },
        },
        tables=[
            Table(
                title=(
                    f"Medians of {settings.seeds} seeds on test rows, with the 95 % interval of "
                    "the mean by Student's t; information in nats"
                ),
                header=[
                    "encoder",
                    "AUC",
                    "AUC without noise",
                    "I(Z; L) ≥",
                    "I(X; Z), from below and from above",
                    "published AUC",
                ],
                rows=rows,
            )
        ],
        figures={"shaping-gaussian": _draw(settings, over)},
        sentences=[
            f"At β = {settings.chosen:g} the code has an AUC of {auc:.4f} and at most "
            f"{leaked:.2f} nats of information about x; the random encoder's code has at least "
            f"{random_leaked:.2f}. Keeping the label requires {math.log(2):.2f}.",
            *SENTENCES,
        ],
    )


def _beside(settings: Settings) -> tuple[str, str]:
    return ("random", f"shaped-{settings.chosen:g}")


def _called(name: str) -> str:
    kind, _, beta = name.partition("-")
    return {
        "shaped": f"shaped, β = {beta}",
        "remine": "shaped by ReMINE in both terms",
        "random": "random network",
        "pca": "principal components",
    }[kind]


def _spread(values: Sequence[float]) -> str:
    spread = Spread.of(values)
    median = number(float(np.median(values)), 3)
    if len(values) < 2:
        return median
    return f"{median} [{number(spread.low, 3)}, {number(spread.high, 3)}]"


def _draw(settings: Settings, over: Mapping[str, Mapping[str, Sequence[float]]]) -> "Figure":
    figure, (axes,) = drawings.panels(1, columns=1, width=5.6, height=3.4)
    series = {
        "shaped, by β": [f"shaped-{beta:g}" for beta in betas(settings)],
        "random network": ["random"],
        "principal components": ["pca"],
    } | ({"shaped by ReMINE": ["remine"]} if settings.remine else {})
    for (label, names), colour in zip(series.items(), drawings.LINES, strict=False):
        across = [float(np.median(over[name]["leaked_high"])) for name in names]
        up = [float(np.median(over[name]["auc"])) for name in names]
        axes.plot(across, up, "o-", color=colour, markersize=5, linewidth=1.2, label=label)
    axes.axvline(math.log(2), color=drawings.TRUTH, linewidth=0.8, linestyle=":")
    axes.set_ylim(0.45, 1.03)
    axes.set_xlim(left=0)
    drawings.label(axes, "", "I(X; Z) at most, in nats", "AUC on test rows")
    drawings.legend(axes, where="lower center")
    return figure


SENTENCES = (
    "Dotted: log 2, the least I(X; Z) of a code that determines the class. Published: read off "
    "the figures of the thesis, for codes without noise; it gives no measured I(X; Z).",
    "A code without noise has infinite I(X; Z), whatever bound the samples give: the column "
    "without noise is only for comparing AUC.",
)

SHAPING_GAUSSIAN = Experiment(
    name="shaping-gaussian",
    title=(
        "The thesis' Gaussian classes: a code of three numbers that keeps the class and little "
        "else of x"
    ),
    source="InfoShape thesis (MIT MEng 2022), DSpace 1721.1/147511; AUC read off its figures",
    quick=Settings(),
    full=Settings(n=60_000, steps=2000),
    cells=cells,
    conclude=conclude,
)
