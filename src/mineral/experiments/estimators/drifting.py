"""Drifting and explosion: a free constant in Donsker–Varadhan, and a penalty against it.

X = Y is one of 16 symbols, so that I(X; Y) = log 16. A constant added to the critic leaves the
bound as it is: E_p[f] and log E_q[exp f] shift together while the value stays. On small batches no
product sample may be one that occurs jointly; the gradient then raises f without end. A penalty
λ (log E_q[exp f] − C*)² settles the constant at C*.

Averages over batches: macro is the mean of each batch's bound, biased by the size of a batch; micro
is one bound on the scores of all batches, which mixes constants if they drifted meanwhile.
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from mineral import bounds
from mineral.basics.numerics import logmeanexp
from mineral.critics import Concatenated
from mineral.experiments import drawings
from mineral.experiments.base import Cell, Conclusion, Context, Experiment, Numbers, Table
from mineral.experiments.streaming import batches, learning, of_bound
from mineral.experiments.writing import number
from mineral.methods import DonskerVaradhan
from mineral.tasks import Draw, Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SYMBOLS = 16
TRUTH = math.log(SYMBOLS)
BLOCK = 2  # pairs whose y are exchanged: as many product as joint samples, as in the paper
WINDOWS = 100  # points of a trace


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of drifting and explosion.

    Attributes:
        steps: Of the demonstrations, and `sweep_steps` of the sweeps.
        hidden: Width of the critic's one hidden layer.
        learning_rate: Of plain gradient descent.
        drift_batch, explosion_batch: Pairs a step, in the two demonstrations.
        penalty: λ of the demonstrations.
        targets: C*, at λ of `target_penalty` and the batch of the drift.
        penalties: λ, each with each of `sizes`, at C* = 0; 0 is the plain bound.
        averaged: Last batches over which values are averaged.
    """

    steps: int = 3000
    sweep_steps: int = 1500
    hidden: int = 64
    learning_rate: float = 0.1
    drift_batch: int = 100
    explosion_batch: int = 32
    penalty: float = 0.1
    targets: tuple[float, ...] = (-5.0, -2.0, 0.0, 2.0, 5.0)
    target_penalty: float = 0.1
    penalties: tuple[float, ...] = (0.0, 0.01, 0.1, 1.0)
    sizes: tuple[int, ...] = (2, 8, 32, 100)
    averaged: int = 500


def cells(settings: Settings) -> dict[str, Cell[Settings]]:
    """One training each, named by what it is for, its batch, λ and C*."""
    drift, explosion = settings.drift_batch, settings.explosion_batch
    long = {
        "drift-plain": (drift, 0.0, 0.0),
        "drift-penalized": (drift, settings.penalty, 0.0),
        "explosion-plain": (explosion, 0.0, 0.0),
        "explosion-penalized": (explosion, settings.penalty, 0.0),
    }
    short = {
        f"target{target:+g}": (drift, settings.target_penalty, target)
        for target in settings.targets
    } | {
        f"penalty-{penalty:g}-batch-{size}": (size, penalty, 0.0)
        for penalty in settings.penalties
        for size in settings.sizes
    }
    parts = ((long, settings.steps), (short, settings.sweep_steps))
    return {
        key: partial(train, steps=steps, batch=batch, penalty=penalty, target=target)
        for runs, steps in parts
        for key, (batch, penalty, target) in runs.items()
    }


def one_hot() -> Task:
    """X = Y, one of 16 symbols, as rows with a single 1."""

    def sampler(n: int, rng: np.random.Generator) -> Draw:
        x = np.eye(SYMBOLS)[rng.integers(SYMBOLS, size=n)]
        return Draw(x, x, np.full(n, TRUTH))

    return Task(
        name="one-hot-16",
        family="discrete",
        dim_x=SYMBOLS,
        dim_y=SYMBOLS,
        information=TRUTH,
        known_by="closed form",
        source="Choi & Lee (2022), arXiv:2011.07932",
        sampler=sampler,
    )


def critic(dim_x: int, dim_y: int, *, hidden: int) -> Concatenated:
    """The paper's: one hidden layer of ReLU, and no last bias."""
    first, last = nn.Linear(dim_x + dim_y, hidden), nn.Linear(hidden, 1, bias=False)
    return Concatenated(nn.Sequential(first, nn.ReLU(), last))


def train(
    context: Context[Settings], *, steps: int, batch: int, penalty: float, target: float
) -> Numbers:
    """Train on fresh batches: the traces of both terms, and both averages at the end."""
    settings, device = context.settings, context.device
    method = DonskerVaradhan(critic=partial(critic, hidden=settings.hidden))
    learner = replace(
        of_bound(method, SYMBOLS, SYMBOLS, block=BLOCK, device=device),
        objective=partial(bounds.remine, weight=penalty, target=target),
    )
    optimizer = torch.optim.SGD(learner.network.parameters(), lr=settings.learning_rate)
    pairs = batches(one_hot(), batch, steps, context.rng("batches", str(batch)), device)
    joint_means, log_partitions = [], []
    last: deque[tuple[torch.Tensor, torch.Tensor]] = deque(maxlen=settings.averaged)
    for step, (joint, product) in enumerate(learning(learner, pairs, optimizer)):
        joint_means.append(joint.mean())
        log_partitions.append(logmeanexp(product))
        last.append((joint.double(), product.double()))
        if step % 100 == 0:
            context.progress(step / steps)
    terms = torch.stack([torch.stack(joint_means), torch.stack(log_partitions)]).double()
    value, late = terms[0] - terms[1], terms[1, -settings.averaged :]
    return {
        "joint": _windows(terms[0]),
        "log_partition": _windows(terms[1]),
        "value": _windows(value),
        "value_sd": float(value[-settings.averaged :].std()),
        "level": float(late.mean()),
        "wandered": float(late.max() - late.min()),
        "micro": float(bounds.micro_average(bounds.donsker_varadhan, list(last))),
        "macro": float(bounds.macro_average(bounds.donsker_varadhan, list(last))),
    }


def _windows(values: torch.Tensor) -> list[float]:
    return [float(part.mean()) for part in values.tensor_split(min(WINDOWS, len(values)))]


def conclude(settings: Settings, results: Mapping[str, Numbers]) -> Conclusion:
    """Both demonstrations, and both sweeps."""
    names = ("level", "wandered", "value_sd", "micro", "macro")
    metrics = {key: {name: found[name] for name in names} for key, found in results.items()}
    demonstrations = [key for key in results if key.startswith(("drift", "explosion", "target"))]
    tables = [
        Table(
            title=(
                "Demonstrations and targets C*, over the last batches: log E_q[exp f], its drift, "
                f"the standard deviation of the value, and both averages; log 16 = {TRUTH:.3f} "
                "nats"
            ),
            header=["run", "log E_q[exp f]", "moved", "sd of the value", "micro", "macro"],
            rows=[
                [key, *(number(results[key][name], 3) for name in names)] for key in demonstrations
            ],
        ),
        *(_sweep(settings, results, average) for average in ("micro", "macro")),
    ]
    return Conclusion(
        metrics=metrics,
        tables=tables,
        figures={"drifting": _draw(settings, results)},
        sentences=SENTENCES,
    )


def _sweep(settings: Settings, results: Mapping[str, Numbers], average: str) -> Table:
    return Table(
        title=f"{average} average by λ and batch, in nats; log 16 = {TRUTH:.3f}",
        header=["λ", *(f"batch {size}" for size in settings.sizes)],
        rows=[
            [
                f"{penalty:g}",
                *(
                    number(results[f"penalty-{penalty:g}-batch-{size}"][average], 3)
                    for size in settings.sizes
                ),
            ]
            for penalty in settings.penalties
        ],
    )


def _draw(settings: Settings, results: Mapping[str, Numbers]) -> "Figure":
    figure, axes = drawings.panels(6, columns=2, width=4.4, height=2.3, share=False)
    titles = {
        "drift-plain": f"plain, batch {settings.drift_batch}",
        "drift-penalized": f"λ = {settings.penalty:g}, batch {settings.drift_batch}",
        "explosion-plain": f"plain, batch {settings.explosion_batch}",
        "explosion-penalized": f"λ = {settings.penalty:g}, batch {settings.explosion_batch}",
    }
    for panel, (key, title) in zip(axes, titles.items(), strict=False):
        found = results[key]
        names = {"E_p[f]": "joint", "log E_q[exp f]": "log_partition", "the bound": "value"}
        for (text, name), colour in zip(names.items(), drawings.LINES, strict=False):
            steps = np.linspace(0, settings.steps, len(found[name]))
            panel.plot(steps, np.array(found[name], float), color=colour, linewidth=1.3, label=text)
        panel.axhline(TRUTH, color=drawings.TRUTH, linewidth=0.8, linestyle=":")
        drawings.label(panel, title, "steps", "nats")
    drawings.legend(axes[0])
    for target in settings.targets:
        trace = np.array(results[f"target{target:+g}"]["log_partition"], float)
        steps = np.linspace(0, settings.sweep_steps, len(trace))
        axes[4].plot(steps, trace, linewidth=1.3, label=f"C* = {target:g}")
    axes[4].set_xlim(right=1.35 * settings.sweep_steps)
    drawings.label(axes[4], "log E_q[exp f] for each C*", "steps", "nats")
    drawings.legend(axes[4], where="center right")
    for penalty in settings.penalties:
        across = list(settings.sizes)
        up = [results[f"penalty-{penalty:g}-batch-{size}"]["micro"] for size in across]
        axes[5].semilogx(across, np.array(up, float), "o-", markersize=3, label=f"λ = {penalty:g}")
    axes[5].axhline(TRUTH, color=drawings.TRUTH, linewidth=0.8, linestyle=":")
    axes[5].set_yscale("symlog", linthresh=10)
    axes[5].set_ylim(-1e8, 10)
    axes[5].set_yticks([-1e6, -1e4, -1e2, 0])
    drawings.label(axes[5], "micro average", "batch", "nats")
    drawings.legend(axes[5], where="lower right")
    return figure


SENTENCES = (
    "Dotted: log 16, the truth. As in the paper, product samples are made by exchanging the y of "
    "two pairs, one for each joint sample, and training is plain gradient descent.",
    "The paper also uses batches of a single pair; ours start at two, which an exchange needs. A "
    "dash means that gradient descent diverged.",
    "A penalty holds log E_q[exp f] at C* and keeps small batches from explosion. It does not "
    "replace a larger batch: with a small batch the value remains biased, and a large penalty "
    "biases it further.",
    "The paper shows these runs as figures, without a table to compare with.",
)

DRIFTING = Experiment(
    name="drifting",
    title="Drifting and explosion of Donsker–Varadhan on 16 symbols, with and without a penalty",
    source="Choi & Lee (2022), ReMINE, arXiv:2011.07932",
    quick=Settings(),
    full=Settings(steps=10_000, sweep_steps=5000),
    cells=cells,
    conclude=conclude,
)
