"""The staircase: critics learn on while the information of their Gaussian steps up, 2 to 10 nats.

Each batch is scored before the step it teaches. Over the second half of each level, the mean of
these values against the truth is the bias, their spread the variance; together, the mean squared
error. Methods that train alike share one training: each reads the same scores in its own way.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import torch

from mineral.basics.types import CriticFactory
from mineral.critics import JointCritic, SeparableCritic
from mineral.experiments import drawings
from mineral.experiments.base import Cell, Conclusion, Context, Experiment, Numbers, Table
from mineral.experiments.streaming import Learner, batches, learning, of_bound, of_densities
from mineral.experiments.writing import beside, number
from mineral.methods import (
    FLO,
    MINE,
    NWJ,
    SMILE,
    TUBA,
    DonskerVaradhan,
    InfoNCE,
    InfoNCEAnchor,
    Interpolated,
    JensenShannon,
    ReMINE,
    ReMINEJ,
)
from mineral.methods.neural.critics import Neural
from mineral.networks.densities import DiagonalRatio, Family
from mineral.networks.scoring import Pairs
from mineral.tasks.families.high import cubic, gaussian

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DIM = 20
WINDOWS = 20  # points of a trace, at each level
KINDS = {"gaussian": gaussian, "cubic": cubic}
DENSITIES: dict[str, Family] = {"doe-gaussian": "gaussian", "doe-logistic": "logistic"}

TRAININGS: dict[str, dict[str, Neural]] = {
    "infonce": {"infonce": InfoNCE()},
    "nwj": {"nwj": NWJ()},
    "dv": {"dv": DonskerVaradhan()},
    "mine": {"mine": MINE()},
    "tuba": {"tuba": TUBA()},
    "interpolated": {"interpolated": Interpolated()},
    "js": {
        "js": JensenShannon(),
        "smile-1": SMILE(tau=1.0),
        "smile-5": SMILE(tau=5.0),
        "smile-inf": SMILE(tau=math.inf),
    },
    "remine": {"remine": ReMINE(), "remine-j": ReMINEJ()},
    "flo": {"flo": FLO()},
    "infonce-anchor": {"infonce-anchor": InfoNCEAnchor()},
}
"""By training, the methods that read its scores; the first of them trains."""

# Bias, variance and MSE at 2, 4, 6, 8, 10 nats, Gaussian, joint critic of 2 × 256: the output of
# the notebook comparison_with_sota.ipynb in the code of Choi & Lee (2022). None: above 100.
PUBLISHED: dict[str, dict[str, tuple[float | None, ...]]] = {
    "infonce": {
        "bias": (-0.30, -1.00, -2.31, -4.00, -5.89),
        "variance": (0.09, 0.03, 0.02, 0.01, 0.00),
        "mse": (0.17, 1.03, 5.33, 16.02, 34.68),
    },
    "js": {
        "bias": (-0.57, -0.72, -0.94, -1.21, -1.61),
        "variance": (0.12, 0.10, 0.15, 0.22, 0.57),
        "mse": (0.45, 0.62, 1.03, 1.67, 3.17),
    },
    "mine": {
        "bias": (-0.15, -0.24, 0.32, 33.81, None),
        "variance": (0.12, 0.27, 7.16, None, None),
        "mse": (0.14, 0.33, 7.27, None, None),
    },
    "nwj": {
        "bias": (-0.20, -0.36, -0.74, -1.47, -2.70),
        "variance": (0.15, 0.26, 1.54, 6.85, 23.42),
        "mse": (0.19, 0.39, 2.09, 9.01, 30.68),
    },
    "tuba": {
        "bias": (-0.17, -0.33, -0.74, -1.42, -2.85),
        "variance": (0.12, 0.21, 2.06, 21.97, 35.54),
        "mse": (0.14, 0.32, 2.60, 23.97, 43.67),
    },
    "interpolated": {
        "bias": (-0.16, -0.28, -0.53, -1.01, -1.91),
        "variance": (0.12, 0.16, 0.31, 0.38, 0.38),
        "mse": (0.14, 0.23, 0.60, 1.39, 4.03),
    },
    "remine": {
        "bias": (-0.15, -0.27, -0.50, -0.66, -0.58),
        "variance": (0.11, 0.15, 0.35, 0.69, 1.33),
        "mse": (0.14, 0.22, 0.60, 1.13, 1.67),
    },
    "remine-j": {
        "bias": (-0.16, -0.29, -0.51, -0.64, -0.39),
        "variance": (0.12, 0.13, 0.20, 0.31, 0.56),
        "mse": (0.14, 0.21, 0.45, 0.72, 0.72),
    },
}
LEVELS = (2.0, 4.0, 6.0, 8.0, 10.0)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of the staircase.

    Attributes:
        kinds: `gaussian`, `cubic` (each coordinate of Y cubed).
        critics: `joint`, `separable`.
        trainings: Of `TRAININGS` and `DENSITIES`; densities have no critic, and run once.
        levels: Nats.
        steps: At each level.
        batch: Pairs a step, all compared with each other.
        joint_hidden, separable_hidden, features: Of the critics.
        learning_rate: Of Adam.
    """

    kinds: tuple[str, ...] = ("gaussian", "cubic")
    critics: tuple[str, ...] = ("joint", "separable")
    trainings: tuple[str, ...] = (*TRAININGS, *DENSITIES)
    levels: tuple[float, ...] = LEVELS
    steps: int = 4000
    batch: int = 64
    joint_hidden: tuple[int, ...] = (256, 256)
    separable_hidden: tuple[int, ...] = (256, 256)
    features: int = 32
    learning_rate: float = 5e-4


def cells(settings: Settings) -> dict[str, Cell[Settings]]:
    """One training each."""
    found: dict[str, Cell[Settings]] = {}
    for kind in settings.kinds:
        for training in settings.trainings:
            for critic in ("none",) if training in DENSITIES else settings.critics:
                key = f"{kind}.{critic}.{training}"
                found[key] = partial(climb, kind=kind, critic=critic, training=training)
    return found


def climb(context: Context[Settings], *, kind: str, critic: str, training: str) -> Numbers:
    """Train through all levels; by method, the statistics of each level and the trace."""
    settings = context.settings
    readers = _readers(training)
    learner = _learner(context, critic, training)
    steps, total = settings.steps, settings.steps * len(settings.levels)
    values: dict[str, list[torch.Tensor]] = {name: [] for name in readers}
    optimizer = torch.optim.Adam(learner.network.parameters(), lr=settings.learning_rate)
    scores = learning(learner, _climbing(context, kind), optimizer)
    for step, (joint, product) in enumerate(scores):
        for name, read in readers.items():
            values[name].append(joint.mean() if read is None else read.bound(joint, product))
        if step % 50 == 0:
            context.progress(step / total)
    return {
        name: _summary(torch.stack(each).double().cpu().numpy(), settings.levels, steps)
        for name, each in values.items()
    }


def _readers(training: str) -> dict[str, Neural | None]:
    return {training: None} if training in DENSITIES else dict(TRAININGS[training])


def _climbing(context: Context[Settings], kind: str) -> Iterator[Pairs]:
    """The batches of all levels: the same for every training of a kind."""
    settings = context.settings
    return chain.from_iterable(
        batches(
            KINDS[kind](DIM, nats),
            settings.batch,
            settings.steps,
            context.rng("batches", kind, f"{nats:g}"),
            context.device,
        )
        for nats in settings.levels
    )


def _learner(context: Context[Settings], critic: str, training: str) -> Learner:
    settings = context.settings
    if training in DENSITIES:
        hidden = settings.joint_hidden
        ratio = DiagonalRatio(DIM, DIM, family=DENSITIES[training], hidden=hidden)
        return of_densities(ratio, context.device)
    kinds: dict[str, CriticFactory] = {
        "joint": partial(JointCritic, hidden=settings.joint_hidden),
        "separable": partial(
            SeparableCritic, hidden=settings.separable_hidden, features=settings.features
        ),
    }
    first = next(iter(TRAININGS[training].values()))
    method = replace(first, critic=kinds[critic])
    return of_bound(method, DIM, DIM, block=settings.batch, device=context.device)


def _summary(values: np.ndarray, levels: Sequence[float], steps: int) -> Numbers:
    """Of each level's second half; and means over windows of the whole trace."""
    found: dict[str, list[float]] = {"bias": [], "variance": [], "mse": []}
    for level, truth in zip(np.split(values, len(levels)), levels, strict=True):
        errors = level[steps // 2 :] - truth
        found["bias"].append(float(errors.mean()))
        found["variance"].append(float(errors.var()))
        found["mse"].append(float((errors**2).mean()))
    windows = np.array_split(values, len(levels) * min(WINDOWS, steps))
    return {
        **found,
        "trace": [float(window.mean()) for window in windows],
        "spread": [float(window.std()) for window in windows],
    }


def conclude(settings: Settings, results: Mapping[str, Numbers]) -> Conclusion:
    """Tables beside the published one, and every trace."""
    runs: dict[tuple[str, str], dict[str, Numbers]] = {}
    for key, found in results.items():
        kind, critic, _ = key.split(".", 2)
        for each in settings.critics if critic == "none" else (critic,):
            runs.setdefault((kind, each), {}).update(found)
    statistics = ("bias", "variance", "mse")
    metrics = {
        f"{kind} {critic}": {
            method: {name: found[name] for name in statistics} for method, found in by.items()
        }
        for (kind, critic), by in runs.items()
    }
    tables = [
        _table(settings, kind, critic, statistic, by)
        for (kind, critic), by in runs.items()
        for statistic in statistics
    ]
    figures = {
        f"staircase-{kind}-{critic}": _draw(settings, by) for (kind, critic), by in runs.items()
    }
    return Conclusion(metrics=metrics, tables=tables, figures=figures, sentences=SENTENCES)


def _table(
    settings: Settings, kind: str, critic: str, statistic: str, by: Mapping[str, Numbers]
) -> Table:
    comparable = kind == "gaussian" and critic == "joint"
    source = " (in parentheses, Choi & Lee's notebook)" if comparable else ""
    rows = []
    for method, found in by.items():
        cells = []
        for nats, value in zip(settings.levels, found[statistic], strict=True):
            published = None
            if comparable and method in PUBLISHED and nats in LEVELS:
                published = PUBLISHED[method][statistic][LEVELS.index(nats)]
            cells.append(beside(number(value), published))
        rows.append([f"`{method}`", *cells])
    unit = "nats" if statistic == "bias" else "nats²"
    return Table(
        title=f"{kind}, {critic} critic: {statistic.replace('mse', 'MSE')} in {unit}{source}",
        header=["method", *(f"{nats:g} nats" for nats in settings.levels)],
        rows=rows,
    )


def _draw(settings: Settings, by: Mapping[str, Numbers]) -> "Figure":
    """A panel for each method: its trace, one standard deviation about it, and the truth."""
    figure, axes = drawings.panels(len(by), columns=4, width=2.5, height=2.0)
    top = 1.4 * max(settings.levels)
    for panel, (method, found) in zip(axes, by.items(), strict=True):
        trace = np.array(found["trace"], dtype=float)
        spread = np.array(found["spread"], dtype=float)
        step = np.arange(len(trace)) * settings.steps * len(settings.levels) / len(trace)
        truth = np.repeat(settings.levels, len(trace) // len(settings.levels))
        panel.plot(step, truth, color=drawings.TRUTH, linewidth=1, drawstyle="steps-post")
        panel.fill_between(
            step, trace - spread, trace + spread, color=drawings.LINES[0], alpha=0.2, linewidth=0
        )
        panel.plot(step, trace, color=drawings.LINES[0], linewidth=1.3)
        panel.axhline(
            math.log(settings.batch), color=drawings.LINES[7], linewidth=0.7, linestyle=":"
        )
        panel.set_ylim(-1, top)
        drawings.label(panel, method, "steps", "nats")
        panel.label_outer()
    return figure


SENTENCES = (
    "Black: the truth. Blue: the mean value on new batches, with one standard deviation. Dotted: "
    "the logarithm of the batch size, the maximum of InfoNCE.",
    "`js` here reads 1 + E_p[f] − E_q[exp f]. The published code puts the same critic into E_p[f] "
    "− E_q[exp(f − 1)], which at the optimum is 1/e = 0.37 nats smaller: its bias of −0.57 at 2 "
    "nats includes this error.",
    "`smile-…` is SMILE as its authors define it, trained by the Jensen–Shannon objective; the row "
    "called SMILE in the published table is a clipped Donsker–Varadhan bound trained by itself, "
    "and is not compared here.",
    "`dv` is Donsker–Varadhan with its plain gradient, `mine` with that of a moving average; both "
    "report the plain bound on each batch. The product samples of a batch are all pairs of "
    "different rows. `remine` and `remine-j` use the same critic, as do `js` and `smile-…`.",
    "The baselines of `tuba`, `interpolated` and `flo` are networks of 2 × 64 here. Those of "
    "`tuba` and `interpolated` are functions of x. Critics have SiLU activations; the published "
    "ones have ReLU.",
    "`doe-…` (difference of entropies) assumes a family of densities: with the Gaussian family it "
    "is right on `gaussian` and wrong on `cubic`, where no Gaussian density fits Y³.",
)

STAIRCASE = Experiment(
    name="staircase",
    title="The staircase: every bound at 2 to 10 nats, on new batches of 64",
    source=(
        "Poole et al. (2019), arXiv:1905.06922; Song & Ermon (2020), arXiv:1910.06222; published "
        "numbers from the notebook of Choi & Lee (2022), arXiv:2011.07932"
    ),
    quick=Settings(
        kinds=("gaussian",),
        steps=600,
        joint_hidden=(64, 64),
        separable_hidden=(128, 128),
        learning_rate=1e-3,
    ),
    full=Settings(),
    cells=cells,
    conclude=conclude,
)
