"""Information that a bottleneck keeps of held-out images: measurement and figures."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mineral import bounds
from mineral.critics import SeparableCritic
from mineral.experiments import drawings
from mineral.experiments.base import Numbers, Table
from mineral.experiments.models import digits
from mineral.experiments.writing import beside, number
from mineral.learning import bottleneck
from mineral.learning.bottleneck import Bottleneck
from mineral.networks.scoring import Pairs, score_all
from mineral.networks.training import Schedule, train

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

PUBLISHED = {  # % error, from memory: not verified
    "baseline": 1.38,
    "dropout": 1.34,
    "deep-variational": 1.13,
    "mine-gaussian": 1.11,
    "mine-additive": 1.01,
    "mine-propagated": 1.10,
    "mige": 1.05,
    "club": 1.12,
}


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
    options: Any = {
        "batch_size": 512,
        "block": 256,
        "learning_rate": 1e-3,
        "check_every": 100,
        "patience": 1000,
    }
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


def compared(runs: Sequence[Numbers], baselines: Sequence[Numbers]) -> dict[str, float | None]:
    """How much larger the mean error is than the baseline's, in %, with its standard error.

    Both are judged on the same images, so that it is the differences between them, image by image,
    that give the standard error: much of the variance of an error is due to the images, and common
    to both.
    """
    if not baselines or runs == baselines:
        return {"difference": None, "difference_stderr": None}
    ours, theirs = _wrong(runs), _wrong(baselines)
    apart = 100 * (ours - theirs)
    error = float(apart.std(ddof=1) / math.sqrt(len(apart)))
    return {"difference": float(apart.mean()), "difference_stderr": error}


def _wrong(runs: Sequence[Numbers]) -> np.ndarray:
    """For each test image, the share of runs that get it wrong."""
    found = np.zeros(runs[0]["tested"])
    for run in runs:
        found[run["wrong"]] += 1 / len(runs)
    return found


def _with_error(value: float | None, error: float | None) -> str:
    return "–" if value is None else f"{number(value)} ± {number(error)}"


def errors(methods: Mapping[str, Numbers], seeds: int) -> Table:
    """Errors and bounds, by method, beside what was published."""
    return Table(
        title=(
            f"% error on the 10,000 test images, seeds: {seeds} (in parentheses the published "
            "figures, from memory and unverified), and bounds on I(X; Z) in nats"
        ),
        header=[
            *("method", "β", "error", "sd", "minus the baseline", "validation"),
            *("I(X; Z) ≥", "I(X; Z) ≤"),
        ],
        rows=[
            [
                f"`{method}`",
                f"{found['beta']:g}" if found["beta"] else "–",
                beside(number(found["test_error"]), PUBLISHED.get(method)),
                number(found["test_error_sd"]),
                _with_error(found["difference"], found["difference_stderr"]),
                number(found["validation_error"]),
                *(number(found[n], 1) for n in ("lower", "upper")),
            ]
            for method, found in methods.items()
        ],
    )


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
    methods: Mapping[str, Sequence[Numbers]],
    sweep: Mapping[str, Mapping[str, Numbers]],
    *,
    measured: int,
) -> "Figure":
    """Error over what is kept, what is kept over β if it was swept, and errors while learning.

    Args:
        methods: To the numbers of each seed.
        sweep: Method to β to a run's numbers.
        measured: Images compared with each other: the lower bound's ceiling is log of it.
    """
    count = 3 if sweep else 2
    figure, axes = drawings.panels(count, columns=count, width=3.9, height=3.0, share=False)
    ceiling: Any = {"color": drawings.TRUTH, "linewidth": 0.8, "linestyle": ":"}
    for (name, runs), colour in zip(methods.items(), drawings.LINES * 2, strict=False):
        for run in runs:
            # Without noise, information is infinite: a triangle at the right has the error alone.
            known = run["lower"] is not None
            ends = [run[n] or run["lower"] for n in ("lower", "upper")] if known else [1000.0] * 2
            error = [100 * run["test_error"]] * 2
            axes[0].plot(ends, error, "o-" if known else ">", color=colour, markersize=4)
        axes[0].plot([], [], "o", color=colour, markersize=4, label=name)
        up = [max(0.01, 100 * value) for value in runs[0]["history"]["error"]]
        axes[-1].plot(range(1, len(up) + 1), up, color=colour, linewidth=1.2, label=name)
    axes[0].axvline(math.log(measured), **ceiling)
    axes[0].set_xscale("log")
    axes[-1].set_yscale("log")
    drawings.label(
        axes[0], ("both bounds on the kept information"), "I(X; Z) in nats", "% error, test"
    )
    drawings.label(axes[-1], "during training, first seed", "epoch", "% error, validation")
    if sweep:
        _over_beta(axes[1], sweep)
        axes[1].axhline(math.log(measured), **ceiling)
        _readable(axes[1].yaxis)
    _readable(axes[0].xaxis)
    _readable(axes[-1].yaxis)
    drawings.legend(axes[-1])
    return figure


def _over_beta(panel: "Axes", sweep: Mapping[str, Mapping[str, Numbers]]) -> None:
    for (name, by_beta), colour in zip(sweep.items(), drawings.LINES, strict=False):
        betas, runs = [float(beta) for beta in by_beta], list(by_beta.values())
        lower, upper = (np.array([run[n] for run in runs], float) for n in ("lower", "upper"))
        panel.fill_between(betas, lower, upper, color=colour, alpha=0.15, linewidth=0)
        for i, ends in enumerate((lower, upper)):
            label = None if i else name
            panel.plot(betas, ends, "o-", color=colour, markersize=3, linewidth=1.2, label=label)
    panel.set(xscale="log", yscale="log")
    drawings.label(panel, "and over β", "β", "I(X; Z) in nats")
    drawings.legend(panel)


def _readable(axis: "Axis") -> None:
    """1, 2, 5, 10 on a logarithmic axis, and no powers."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())
