"""How much of the images a bottleneck keeps: measured on images that it never saw, and drawn."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mineral import bounds
from mineral.critics import SeparableCritic
from mineral.experiments import digits, drawings
from mineral.experiments.base import Numbers, Table
from mineral.experiments.writing import number
from mineral.learning import bottleneck
from mineral.learning.bottleneck import Bottleneck
from mineral.training import Pairs, Schedule, score_all, train

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure


def information(
    model: Bottleneck,
    *,
    measured: int,
    steps: int,
    rng: np.random.Generator,
    device: torch.device,
) -> dict[str, float | None]:
    """A lower and an upper bound in nats: None where there is none.

    Args:
        model: In evaluation mode.
        measured: Test images that are compared with each other: the lower bound's ceiling is log of
            it.
        steps: Of the critic that is trained afresh where q(z | x) has no known density.
        rng: Of its batches.
        device: Where the model is.
    """
    parts = {part: digits.of(part, device)[0] for part in ("train", "validation", "test")}
    with torch.no_grad():
        code = model.encode(parts["test"][:measured])
        if code.mean is not None:
            lower, upper = bottleneck.bracket(code)
            others = model.encode(parts["validation"]).z
            return {"lower": lower, "upper": min(upper, bottleneck.fitted_rate(code, others))}
        if isinstance(model.encode, bottleneck.Deterministic):
            return {"lower": None, "upper": None}
        pairs = {part: (x, model.encode(x).z) for part, x in parts.items()}
    return {"lower": _by_critic(pairs, measured, steps, rng), "upper": None}


def _by_critic(
    pairs: dict[str, Pairs], measured: int, steps: int, rng: np.random.Generator
) -> float:
    """InfoNCE on test images, of a critic that learned on training images."""
    x, z = pairs["train"]
    critic = SeparableCritic(x.shape[1], z.shape[1], hidden=(256,), features=64).to(x.device)
    options: Any = {"batch_size": 512, "block": 256, "learning_rate": 1e-3, "check_every": 100}
    train(
        critic,
        bounds.infonce,
        (x, z),
        _first(pairs["validation"], 2048),
        Schedule(steps=steps, **options),
        rng=rng,
        progress=lambda _: None,
    )
    held_out = _first(pairs["test"], measured)
    return float(bounds.infonce(*score_all(critic, held_out, len(held_out[0]))))


def _first(pairs: Pairs, count: int) -> Pairs:
    return pairs[0][:count], pairs[1][:count]


def table(sweep: Mapping[str, Mapping[str, Numbers]]) -> Table:
    """Error and bounds, by method and β."""

    def cell(run: Numbers) -> str:
        ends = (number(run[name], 1) for name in ("lower", "upper"))
        return f"{number(100 * run['test_error'])} ({' to '.join(ends)})"

    return Table(
        title="% error over β, one seed (in parentheses the bounds on I(X; Z) in nats)",
        header=["method", *(f"β = {beta}" for beta in next(iter(sweep.values())))],
        rows=[
            [f"`{method}`", *(cell(run) for run in by_beta.values())]
            for method, by_beta in sweep.items()
        ],
    )


def draw(
    sweep: Mapping[str, Mapping[str, Numbers]],
    histories: Mapping[str, Sequence[float]],
    *,
    measured: int,
) -> "Figure":
    """Error over what is kept, what is kept over β, and the validation error while learning.

    Args:
        sweep: Method to β to a run's numbers.
        histories: Method to a share of errors for each epoch.
        measured: Images compared with each other: the lower bound's ceiling is log of it.
    """
    figure, axes = drawings.panels(3, columns=3, width=3.7, height=3.0, share=False)
    for (method, by_beta), colour in zip(sweep.items(), drawings.LINES, strict=False):
        betas, runs = [float(beta) for beta in by_beta], list(by_beta.values())
        errors = [100 * run["test_error"] for run in runs]
        lower, upper = (np.array([run[n] for run in runs], float) for n in ("lower", "upper"))
        axes[0].hlines(errors, lower, upper, color=colour, alpha=0.35, linewidth=3)
        axes[0].plot(lower, errors, "o-", color=colour, markersize=4, linewidth=1.2, label=method)
        for place, error, beta in zip(lower, errors, by_beta, strict=True):
            axes[0].annotate(
                beta, (place, error), (0, 5), textcoords="offset points", fontsize=7, ha="right"
            )
        axes[1].fill_between(betas, lower, upper, color=colour, alpha=0.15, linewidth=0)
        for ends in (lower, upper):
            axes[1].plot(betas, ends, "o-", color=colour, markersize=3, linewidth=1.2)
    axes[0].set_xscale("log")
    axes[1].set(xscale="log", yscale="log")
    axes[2].set_yscale("log")
    for axis in (axes[0].xaxis, axes[1].yaxis, axes[2].yaxis):
        _readable(axis)
    axes[0].axvline(math.log(measured), color=drawings.TRUTH, linewidth=0.8, linestyle=":")
    axes[1].axhline(math.log(measured), color=drawings.TRUTH, linewidth=0.8, linestyle=":")
    drawings.label(axes[0], "both bounds on what is kept", "I(X; Z) in nats", "% error, test")
    drawings.label(axes[1], "and over β", "β", "I(X; Z) in nats")
    if sweep:
        drawings.legend(axes[0])
    for (method, history), colour in zip(histories.items(), drawings.LINES * 2, strict=False):
        up = [max(0.01, 100 * value) for value in history]
        axes[2].plot(range(1, len(up) + 1), up, color=colour, linewidth=1.2, label=method)
    drawings.label(axes[2], "while learning, first seed", "epoch", "% error, validation")
    drawings.legend(axes[2])
    return figure


def _readable(axis: "Axis") -> None:
    """1, 2, 5, 10 on a logarithmic axis, and no powers."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())
