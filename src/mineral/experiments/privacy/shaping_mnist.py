"""MNIST: keep whether a digit is odd, hide whether it is above 4; keep the digit, hide its slant.

Odd digits are more often above 4, three of five, so that parity alone lets the best guess of
magnitude be right in 58.9 %: no code that keeps parity can leak less. Attackers are classifiers
trained anew on codes of the training images, of several kinds and sizes; the strongest on the test
images counts. They know the encoder's training images, but not its noise. The β that stands for all
is chosen on validation images, before the test images are looked at: see `frontiers.chosen`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from mineral.experiments import drawings
from mineral.experiments.base import Cell, Conclusion, Context, Experiment, Numbers, Table
from mineral.experiments.privacy import frontiers
from mineral.experiments.writing import number
from mineral.shaping import (
    AdditiveNoise,
    Encoder,
    Problem,
    Shaping,
    pca,
    random_network,
    shape,
)
from mineral.shaping.data import mnist_parity, mnist_style
from mineral.shaping.frontier import Spread
from mineral.shaping.measure import Measured, measure
from mineral.shaping.problem import best_guess

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHARES = (0.8, 0.1, 0.1)  # of which the third is MNIST's own test images
ACCURATE, WITHIN = 0.97, 0.03  # the bar: parity, and magnitude above what parity gives away
MEASURED = ("accuracy", "attack", "kept", "leaked")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of the digits.

    Attributes:
        images: Of MNIST's training part, eight ninths to train and one to validate.
        test_images: Of its test part.
        seeds: Of each encoder: each draws images, splits and trains anew.
        betas: Weights of I(Z; S), from which validation images choose.
        noiseless_beta: The same of a code without noise.
        style_betas: The same for digit and slant.
        dim: Numbers of a code.
        noise: On a code; and 0 at `noiseless_beta`, to compare.
        hidden: Width of each hidden layer of the encoder.
        steps: Of the encoder.
        scales: Of additive noise on pixels.
        widths: Numbers of a code of principal components and of random networks.
    """

    images: int = 15_750
    test_images: int = 10_000
    seeds: int = 5
    betas: tuple[float, ...] = (0.0, 0.3, 1.0, 3.0, 10.0)
    noiseless_beta: float = 3.0
    style_betas: tuple[float, ...] = (0.0, 1.0)
    dim: int = 8
    noise: float = 0.05
    hidden: tuple[int, ...] = (256, 64)
    steps: int = 500
    scales: tuple[float, ...] = (0.5, 2.0)
    widths: tuple[int, ...] = (2, 16)


Maker: TypeAlias = Callable[[Context[Settings], Problem, int], Encoder]


def cells(settings: Settings) -> dict[str, Cell[Settings]]:
    """One encoder each, by its name and its seed: first what the bar is about."""
    sweep: dict[str, Maker] = {
        f"shaped-{beta:g}": partial(shaped, beta=beta, noise=settings.noise)
        for beta in sorted(settings.betas)
    }
    others: dict[str, Maker] = {
        "without-noise": partial(shaped, beta=settings.noiseless_beta, noise=0.0),
        **{f"pca-{width}": partial(components, width=width) for width in settings.widths},
        **{f"random-{width}": partial(random, width=width) for width in settings.widths},
        **{f"noise-{scale:g}": partial(additive, scale=scale) for scale in settings.scales},
    }
    style: dict[str, Maker] = {
        f"slant-{beta:g}": partial(shaped, beta=beta, noise=settings.noise)
        for beta in settings.style_betas
    }
    return {
        f"{name}-seed{k}": partial(cell, name=name, seed=k, make=make)
        for makers in (sweep, others, style)
        for k in range(settings.seeds)
        for name, make in makers.items()
    }


def shaped(
    context: Context[Settings], problem: Problem, seed: int, *, beta: float, noise: float
) -> Encoder:
    """A trained encoder."""
    settings = context.settings
    recipe = Shaping(
        beta=beta, noise=noise, dim=settings.dim, hidden=settings.hidden, steps=settings.steps
    )
    report = context.progress
    return shape(
        problem,
        recipe,
        shares=SHARES,
        seed=seed,
        device=context.device,
        progress=lambda share, _: report(0.5 * share),
    ).encoder


def components(_context: Context[Settings], problem: Problem, seed: int, *, width: int) -> Encoder:
    """Principal components of the training images."""
    return pca(problem.split(seed=seed, shares=SHARES)[0].x, width)


def random(_context: Context[Settings], problem: Problem, seed: int, *, width: int) -> Encoder:
    """A random network with tanh."""
    return random_network((problem.x.shape[1], 64, width), seed=seed)


def additive(
    _context: Context[Settings], _problem: Problem, _seed: int, *, scale: float
) -> Encoder:
    """Noise on the pixels, which lie within 0 and 1."""
    return AdditiveNoise(scale)


def cell(context: Context[Settings], *, name: str, seed: int, make: Maker) -> Numbers:
    """Train an encoder, and measure it on held-out images."""
    settings = context.settings
    make_problem = partial(mnist_style, "slant") if name.startswith("slant") else mnist_parity
    problem = make_problem(
        n=settings.images,
        n_test=settings.test_images,
        seed=context.seed_for("images", str(seed)),
    )
    split = context.seed_for("split", str(seed))
    encoder = make(context, problem, split)
    context.progress(0.5)
    parts = problem.split(seed=split, shares=SHARES)
    found = measure(encoder, *parts, seed=seed, thorough=not name.startswith("noise"))
    return _numbers(found, parts)


def _numbers(found: Measured, parts: Sequence[Problem]) -> Numbers:
    """Of test images, and under "held" of validation images."""
    labels = parts[2].keep, np.asarray(parts[2].hide)
    return {
        "accuracy": found.accuracy,
        "attack": found.attack,
        "kept": found.kept[0].value,
        "leaked": found.leaked[0].value,
        "guess": found.guess,
        "floor": found.floor,
        "constant": [float(np.bincount(each).max() / len(each)) for each in labels],
        "attackers": {each.name: each.accuracy for each in found.attackers},
        "chosen_attack": found.attackers[0].accuracy,
        "held": {
            "accuracy": found.readers[0].held,
            "attack": max(each.held for each in found.attackers),
            "guess": best_guess(parts[1]),
        },
    }


def conclude(settings: Settings, results: Mapping[str, Numbers]) -> Conclusion:
    """The β that validation images choose, the frontier of test images, and whether the bar is met.

    Test images are not looked at until β is chosen.
    """
    held = {
        beta: [results[f"shaped-{beta:g}-seed{k}"]["held"] for k in range(settings.seeds)]
        for beta in sorted(settings.betas)
    }
    beta = frontiers.chosen(held, WITHIN)
    over: dict[str, dict[str, list[float]]] = {}
    for key, found in results.items():
        values = over.setdefault(key.rsplit("-seed", 1)[0], {what: [] for what in MEASURED})
        for what in MEASURED:
            values[what].append(found[what])
    best = [results[f"shaped-{beta:g}-seed{k}"] for k in range(settings.seeds)]
    medians = {what: _median(best, what) for what in (*MEASURED, "chosen_attack", "guess", "floor")}
    sweep = [over[f"shaped-{each:g}"] for each in held]
    monotone = {what: frontiers.falls([found[what] for found in sweep]) for what in MEASURED}
    above = _above(over, sweep, best[0]["constant"])
    style = [name for name in over if name.startswith("slant")]
    return Conclusion(
        metrics={
            "beta": beta,
            "parity": medians["accuracy"],
            **{what: medians[what] for what in ("attack", "chosen_attack", "guess", "floor")},
            "met": medians["accuracy"] >= ACCURATE
            and medians["attack"] <= medians["guess"] + WITHIN,
            "monotone": monotone,
            "above": above,
            "encoders": {
                name: {what: float(np.median(values)) for what, values in found.items()}
                for name, found in over.items()
            },
        },
        tables=[
            _table("Parity kept, magnitude hidden", over, [n for n in over if n not in style]),
            frontiers.table(held),
            *([_table("Digit kept, slant hidden", over, style)] if style else []),
            _attackers_table(beta, best),
        ],
        figures={"shaping-mnist": _draw(settings, over, medians["guess"])},
        sentences=[
            frontiers.choice(beta, held, WITHIN),
            _result_sentence(beta, medians),
            _said(monotone, above),
            *SENTENCES,
        ],
    )


def _median(results: Sequence[Numbers], what: str) -> float:
    return float(np.median([each[what] for each in results]))


def _above(
    over: Mapping[str, Mapping[str, Sequence[float]]],
    sweep: Sequence[Mapping[str, Sequence[float]]],
    constant: Sequence[float],
) -> dict[str, bool]:
    """For each untrained encoder, whether the sweep keeps as much and leaks no more."""

    def middle(found: Mapping[str, Sequence[float]]) -> tuple[float, float]:
        return float(np.median(found["accuracy"])), float(np.median(found["attack"]))

    reached = [constant, *map(middle, sweep)]
    return {
        name: frontiers.beaten(*middle(found), reached)
        for name, found in over.items()
        if name.startswith(("pca", "random", "noise"))
    }


def _result_sentence(beta: float, medians: Mapping[str, float]) -> str:
    return (
        f"At β = {beta:g} parity is predicted correctly for {_percent(medians['accuracy'])} of "
        "test images. The accuracy of the strongest attacker of magnitude is "
        f"{_percent(medians['attack'])}, that of the best attacker on validation images "
        f"{_percent(medians['chosen_attack'])}, and that of the guess from parity alone "
        f"{_percent(medians['guess'])} (I(L; S) = {medians['floor']:.4f} nats)."
    )


def _said(monotone: Mapping[str, bool], above: Mapping[str, bool]) -> str:
    rising = [what for what, fine in monotone.items() if not fine]
    first = (
        f"As β grows, {', '.join(rising)} rises by more than its intervals"
        if rising
        else "As β grows, both the kept and the leaked information fall, within their intervals"
    )
    missed = [name for name, fine in above.items() if not fine]
    then = (
        f"the sweep does not lie above {', '.join(missed)}."
        if missed
        else "the sweep lies above every untrained encoder."
    )
    return f"{first}; {then}"


def _table(
    title: str, over: Mapping[str, Mapping[str, Sequence[float]]], names: Sequence[str]
) -> Table:
    return Table(
        title=f"{title}: medians, with the 95 % interval of the mean by Student's t; in nats",
        header=["encoder", "seeds", "label read", "attack", "I(Z; L) ≥", "I(Z; S) ≥"],
        rows=[
            [
                _called(name),
                str(len(over[name]["attack"])),
                *(_spread(over[name][what], percent=True) for what in ("accuracy", "attack")),
                *(_spread(over[name][what], percent=False) for what in ("kept", "leaked")),
            ]
            for name in names
        ],
    )


def _attackers_table(beta: float, best: Sequence[Numbers]) -> Table:
    return Table(
        title=f"Every attacker of magnitude, at β = {beta:g}: median accuracy",
        header=["attacker", "right"],
        rows=[
            [name, _percent(_median([each["attackers"] for each in best], name))]
            for name in sorted(best[0]["attackers"])
        ],
    )


def _called(name: str) -> str:
    kind, _, rest = name.partition("-")
    return {
        "shaped": f"shaped, β = {rest}",
        "slant": f"shaped, β = {rest}",
        "without": "shaped, without noise",
        "pca": f"{rest} principal components",
        "random": f"random network, {rest} numbers",
        "noise": f"pixels with noise {rest}",
    }[kind]


def _spread(values: Sequence[float], *, percent: bool) -> str:
    def shown(value: float) -> str:
        return _percent(value) if percent else number(value, 3)

    spread, median = Spread.of(values), shown(float(np.median(values)))
    return median if len(values) < 3 else f"{median} [{shown(spread.low)}, {shown(spread.high)}]"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _draw(
    settings: Settings, over: Mapping[str, Mapping[str, Sequence[float]]], guess: float
) -> "Figure":
    figure, (axes,) = drawings.panels(1, columns=1, width=6.2, height=4.0)
    series = {
        "shaped, by β": [f"shaped-{beta:g}" for beta in sorted(settings.betas)],
        "without noise": ["without-noise"],
        "principal components, by number": [f"pca-{width}" for width in settings.widths],
        "random network, by number": [f"random-{width}" for width in settings.widths],
        "pixels with noise, by scale": [f"noise-{scale:g}" for scale in settings.scales],
    }
    for (label, names), colour in zip(series.items(), drawings.LINES, strict=False):
        points = [Spread.of(over[name]["attack"]) for name in names]
        up = [Spread.of(over[name]["accuracy"]) for name in names]
        axes.errorbar(
            [each.mean for each in points],
            [each.mean for each in up],
            xerr=_reach(points),
            yerr=_reach(up),
            fmt="o-",
            color=colour,
            markersize=4,
            linewidth=1.2,
            label=label,
        )
        for name, across, height in zip(names, points, up, strict=True):
            axes.annotate(
                name.partition("-")[2].replace("noise", ""),
                (across.mean, height.mean),
                (4, -10),
                textcoords="offset points",
                fontsize=7,
                color=colour,
            )
    axes.axvline(guess, color=drawings.TRUTH, linewidth=0.8, linestyle=":")
    axes.set_xlim(0.48, 1.0)
    axes.set_ylim(0.48, 1.02)
    drawings.label(axes, "", "accuracy of the strongest attack on magnitude", "accuracy for parity")
    drawings.legend(axes, where="lower right")
    return figure


def _reach(spreads: Sequence[Spread]) -> list[float]:
    return [each.high - each.mean if np.isfinite(each.high) else 0.0 for each in spreads]


SENTENCES = (
    "Dotted: the best prediction of magnitude from parity alone. An attack below it does not mean "
    "that less leaks than this minimum: the classifier then failed to use parity fully.",
    "A code without noise leaks more at the same β: attackers learn more from its fine structure "
    "than the adversary in training did. Its I(X; Z) is infinite.",
    "The papers plot the AUC of parity and magnitude without values for these codes, so that "
    "there is no published figure to compare with.",
)

SHAPING_MNIST = Experiment(
    name="shaping-mnist",
    title="MNIST: parity kept and magnitude hidden; digits kept and slant hidden",
    source="InfoShape (2022), arXiv:2210.15034, whose task it is",
    quick=Settings(),
    full=Settings(
        images=60_000,
        steps=4000,
        betas=(0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0),
        widths=(2, 8, 32),
    ),
    cells=cells,
    conclude=conclude,
)
