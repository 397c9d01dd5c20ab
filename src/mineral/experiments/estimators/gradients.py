"""The gradient of information with respect to a correlation, from MIGE and from critics.

X and noise are standard normal in d dimensions, Z = ρ X + √(1 − ρ²) noise, and dI/dρ = d ρ / (1 −
ρ²) is known. MIGE takes it from one batch. A critic has to be trained first, and then gives the
gradient of its bound through Z; how well depends on how long it is trained, so that it is shown
after the published 200 steps and after many more.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mineral.critics import SeparableCritic
from mineral.experiments import drawings
from mineral.experiments.base import Cell, Conclusion, Context, Experiment, Numbers, Table
from mineral.experiments.streaming import Learner, batches, learning, of_bound
from mineral.experiments.writing import beside, number
from mineral.gradients import SSGE, information_gradient
from mineral.methods import MINE, NWJ
from mineral.methods.neural.critics import Neural
from mineral.networks.scoring import score
from mineral.tasks import Task
from mineral.tasks.families.elliptical import Pairs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCORES = {"mige": SSGE(), "mige-published": SSGE(affine="none")}
CRITICS: dict[str, Neural] = {"mine": MINE(), "mine-f": NWJ()}
# RMSE over ρ, relative to the root mean square of the truth, by d: computed from the arrays stored
# in the code of Wen et al. (2020), one run each; critics after 200 steps.
PUBLISHED = {
    "mige-published": {8: 0.059, 16: 0.12, 32: 0.28},
    "mine-200": {8: 0.15, 16: 0.41, 32: 0.75},
    "mine-f-200": {8: 0.42, 16: 0.59, 32: 0.82},
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of the gradients.

    Attributes:
        dims: d.
        correlations: ρ.
        rows: Of a batch, to train and to take the gradient on.
        hidden, features: Of the separable critics.
        short_steps, short_rate: As published.
        long_steps, long_rate: To convergence; the rate falls to zero.
        repeats: Batches that each give a gradient.
    """

    dims: tuple[int, ...] = (8, 16, 32)
    correlations: tuple[float, ...] = tuple(round(0.1 * k, 1) for k in range(-8, 9))
    rows: int = 256
    hidden: tuple[int, ...] = (512, 512)
    features: int = 20
    short_steps: int = 200
    short_rate: float = 1e-4
    long_steps: int = 5000
    long_rate: float = 1e-3
    repeats: int = 10


def cells(settings: Settings) -> dict[str, Cell[Settings]]:
    """By dimension and method, and by ρ for what must be trained."""
    found: dict[str, Cell[Settings]] = {}
    for dim in settings.dims:
        for rho in settings.correlations:
            for method in SCORES:
                found[f"{dim}.{method}.rho{rho:g}"] = partial(
                    from_scores, method=method, dim=dim, rho=rho
                )
            for method in CRITICS:
                for steps in _lengths(settings):
                    found[f"{dim}.{method}-{steps}.rho{rho:g}"] = partial(
                        from_critic, method=method, steps=steps, dim=dim, rho=rho
                    )
    return found


def _lengths(settings: Settings) -> tuple[int, int]:
    return settings.short_steps, settings.long_steps


def methods(settings: Settings) -> list[str]:
    """Names, as in the keys of the cells."""
    return [*SCORES, *(f"{name}-{steps}" for name in CRITICS for steps in _lengths(settings))]


def from_scores(context: Context[Settings], *, method: str, dim: int, rho: float) -> Numbers:
    """MIGE: nothing is trained, each batch gives a gradient."""

    def surrogate(x: Tensor, z: Tensor) -> Tensor:
        return information_gradient(x, z, score=SCORES[method])

    return {"gradients": [_through(context, surrogate, dim, rho, k) for k in _repeats(context)]}


def from_critic(
    context: Context[Settings], *, method: str, steps: int, dim: int, rho: float
) -> Numbers:
    """Train a critic on fresh batches, then take the gradient of its bound on others."""
    settings = context.settings
    critic = partial(SeparableCritic, hidden=settings.hidden, features=settings.features)
    bound = replace(CRITICS[method], critic=critic)
    learner = of_bound(bound, dim, dim, block=settings.rows, device=context.device)
    _train(context, learner, steps, dim, rho)

    def surrogate(x: Tensor, z: Tensor) -> Tensor:
        return bound.bound(*score(learner.network, (x, z), settings.rows))

    return {"gradients": [_through(context, surrogate, dim, rho, k) for k in _repeats(context)]}


def _train(context: Context[Settings], learner: Learner, steps: int, dim: int, rho: float) -> None:
    settings, long = context.settings, steps == context.settings.long_steps
    rate = settings.long_rate if long else settings.short_rate
    optimizer = torch.optim.Adam(learner.network.parameters(), lr=rate)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps) if long else None
    rng = context.rng("training", str(dim), f"{rho:g}")
    pairs = batches(_task(dim, rho), settings.rows, steps, rng, context.device)
    for step, _ in enumerate(learning(learner, pairs, optimizer, decay=decay)):
        if step % 50 == 0:
            context.progress(step / steps)


def _task(dim: int, rho: float) -> Task:
    sampler = Pairs(correlations=(rho,) * dim, dim_x=dim, dim_y=dim)
    return Task(
        name=f"gaussian-{dim}d-rho{rho:g}",
        family="gaussian",
        dim_x=dim,
        dim_y=dim,
        information=sampler.information,
        known_by="closed form",
        source="Wen et al. (2020), arXiv:2005.01123",
        sampler=sampler,
    )


def _repeats(context: Context[Settings]) -> range:
    return range(context.settings.repeats)


def _through(
    context: Context[Settings],
    surrogate: Callable[[Tensor, Tensor], Tensor],
    dim: int,
    rho: float,
    repeat: int,
) -> float:
    """The derivative of a surrogate of (x, z) by ρ, on a fresh batch that all methods share."""
    rng = context.rng("gradient", str(dim), f"{rho:g}", str(repeat))
    x, noise = (
        torch.from_numpy(rng.standard_normal((context.settings.rows, dim))).to(
            context.device, torch.float32
        )
        for _ in range(2)
    )
    correlation = torch.tensor(rho, device=context.device, requires_grad=True)
    z = correlation * x + (1 - correlation**2).sqrt() * noise
    (gradient,) = torch.autograd.grad(surrogate(x, z), correlation)
    return float(gradient)


def conclude(settings: Settings, results: Mapping[str, Numbers]) -> Conclusion:
    """The relative error of each method in each dimension."""
    metrics: dict[str, dict[str, Numbers]] = {}
    for dim in settings.dims:
        truth = np.array([dim * rho / (1 - rho**2) for rho in settings.correlations])
        for method in methods(settings):
            # (ρ, repeat); what was not finite is null
            found = np.array(
                [
                    results[f"{dim}.{method}.rho{rho:g}"]["gradients"]
                    for rho in settings.correlations
                ],
                dtype=float,
            )
            size = np.sqrt((truth**2).mean())
            metrics.setdefault(method, {})[str(dim)] = {
                "error": float(np.sqrt(((found - truth[:, None]) ** 2).mean()) / size),
                "bias": float(np.sqrt(((found.mean(axis=1) - truth) ** 2).mean()) / size),
                "gradients": found.mean(axis=1).tolist(),
            }
    rows = []
    for method, by_dim in metrics.items():
        cells = []
        for dim in settings.dims:
            found_here = by_dim[str(dim)]
            ours = f"{number(found_here['error'])} / {number(found_here['bias'])}"
            cells.append(beside(ours, PUBLISHED.get(method, {}).get(dim)))
        rows.append([f"`{method}`", *cells])
    table = Table(
        title=(
            "RMSE of dI/dρ relative to its root mean square, of one batch / of the mean of "
            f"{settings.repeats} batches (in parentheses, from the arrays stored with the code of "
            "Wen et al., one run)"
        ),
        header=["method", *(f"d = {dim}" for dim in settings.dims)],
        rows=rows,
    )
    return Conclusion(
        metrics=metrics,
        tables=[table],
        figures={"gradients": _draw(settings, metrics)},
        sentences=_sentences(settings),
    )


def _draw(settings: Settings, metrics: Mapping[str, Mapping[str, Numbers]]) -> "Figure":
    figure, axes = drawings.panels(
        len(settings.dims), columns=len(settings.dims), width=3.6, height=3.0, share=False
    )
    for panel, dim in zip(axes, settings.dims, strict=True):
        series = {method: by[str(dim)]["gradients"] for method, by in metrics.items()}
        drawings.lines(panel, settings.correlations, series, style="o:")
        rho = np.linspace(min(settings.correlations), max(settings.correlations), 100)
        truth = dim * rho / (1 - rho**2)
        panel.plot(rho, truth, color=drawings.TRUTH, linewidth=1, label="truth", zorder=0)
        panel.set_ylim(1.3 * truth.min() - 1, 1.3 * truth.max() + 1)
        drawings.label(panel, f"d = {dim}", "ρ", "dI/dρ in nats")
    drawings.legend(axes[0])
    return figure


def _sentences(settings: Settings) -> list[str]:
    return [
        "`mige` is Mineral's default, whose score functions have the affine part exact: on "
        "Gaussians there is no other part. `mige-published` is the score estimator as published, "
        "which learns even an affine function from its kernel, and underestimates it in many "
        "dimensions.",
        f"`mine-{settings.short_steps}` and `mine-f-{settings.short_steps}` stop after the number "
        f"of steps of the published comparison, at its learning rate of {settings.short_rate:g}: "
        f"far from convergence. `…-{settings.long_steps}` train until the learning rate has "
        f"decayed from {settings.long_rate:g} to zero.",
        "The error is relative to the root mean square of the truth over the values of ρ: it is "
        "larger for a grid with more values near ±0.8, where both gradients and errors are large.",
        "The remaining error of a critic after long training has two parts: the variance of the "
        "bound on a batch, which is large at high information, and the approximation error of the "
        "critic.",
    ]


GRADIENTS = Experiment(
    name="gradients",
    title="The gradient of information with respect to a correlation: MIGE, MINE and MINE-f",
    source=(
        "Wen et al. (2020), MIGE, arXiv:2005.01123; published numbers computed from the arrays "
        "stored with their code"
    ),
    quick=Settings(correlations=(-0.8, -0.4, 0.4, 0.8), hidden=(128, 128), long_steps=1000),
    full=Settings(),
    cells=cells,
    conclude=conclude,
)
